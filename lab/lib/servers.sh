# shellcheck shell=bash
# The nine servers: the fleet file, the assignment, each server's own configuration, gobgpd and softunicastd.

fleet_configuration() {
	local datacenter server
	echo "# Written by softunicast-lab: the fleet of the lab, the same on every server."
	echo "fleet:"
	echo "  as: $FLEET_AS"
	echo "datacenters:"
	for datacenter in "${DATACENTERS[@]}"; do
		echo "  $datacenter: { endpoint: $(datacenter_endpoint "$datacenter") }"
	done
	echo "servers:"
	for server in "${SERVERS[@]}"; do
		echo "  $server: { datacenter: ${server%-*}, endpoint: $(server_endpoint "$server") }"
	done
	cat <<-END
		pools:
		  us-general:
		    prefix: 192.0.2.0/24
		    addresses: 192.0.2.1-192.0.2.3
		    slices-per-server: $SLICES_PER_SERVER
		    tags: { country: US, product: cdn }
		    datacenters: { ams: 1, fra: 1, nyc: 1 }
		  eu-video:
		    prefix: 198.51.100.0/24
		    addresses: 198.51.100.1
		    tags: { country: NL, product: video }
		    slice-size: 1024
		    slices-per-server: $SLICES_PER_SERVER
		    encapsulation: { kind: gre, key: 7 }
		    datacenters: { ams: 1, fra: 1, nyc: 1 }
		    unsolicited: { connections: drop, echo: answer }
	END
}

neighbour() {
	local address=$1 as=$2 scopes=$3 local_address=$4
	echo "    - address: $address"
	echo "      as: $as"
	echo "      scopes: [$scopes]"
	echo "      local-address: $local_address"
}

server_configuration() {
	local server=$1 datacenter=${1%-*} backbone inside
	backbone=$(backbone_interface "$server")
	inside=$(link_subnet "$server" "$backbone").1
	echo "# Written by softunicast-lab."
	echo "server: $server"
	echo "fleet: ../fleet.yaml"
	echo "assignment: ../assignment.yaml"
	echo "interfaces:"
	if [[ $backbone == eth0 ]]; then
		echo "  eth0: { role: both }"
	else
		echo "  eth0: { role: internet }"
		echo "  eth1: { role: backbone }"
	fi
	echo "gobgpd:"
	echo "  socket: $STATE/$server/gobgpd.sock"
	echo "bgp:"
	echo "  neighbours:"
	if [[ $backbone == eth0 ]]; then
		neighbour "$(link_subnet "$server" eth0).0" "$(tor_as "$datacenter")" "internet, underlay" "$inside"
	else
		neighbour "$(link_subnet "$server" eth0).0" "$(tor_as "$datacenter")" internet "$(link_subnet "$server" eth0).1"
		neighbour "$(link_subnet "$server" eth1).0" "$(tor_as "$datacenter")" underlay "$inside"
	fi
	neighbour "$(reflector_address "$datacenter")" "$FLEET_AS" datacenter "$inside"
	neighbour "$BACKBONE_REFLECTOR" "$FLEET_AS" backbone "$inside"
	cat <<-END
		log: { level: info }
		sockets:
		  control: $STATE/$server/control.sock
		  show: $STATE/$server/show.sock
		  register: $STATE/$server/register.sock
		pins: $PINS/$server
		egress:
		  attribution: $STATE/$server/attribution
		  # The lab has no peers that remember for long.
		  quarantine: 2
	END
	if [[ $server == "$CONTAINER_HOST" ]]; then
		echo "  nat:"
		echo "    eu-video: { sources: [$(container_subnet "$server")] }"
	fi
	dispatch_configuration "$server"
}

write_server_configurations() {
	local server
	fleet_configuration >"$STATE/fleet.yaml"
	naming_policies >"$STATE/naming.yaml"
	for server in "${SERVERS[@]}"; do
		mkdir -p "$STATE/$server"
		server_configuration "$server" >"$STATE/$server/softunicast.yaml"
	done
}

# On a machine of the lab, softunicastc speaks to that machine's daemon and knows its pins.
write_wrappers() {
	local server name
	for server in "${SERVERS[@]}"; do
		mkdir -p "$STATE/$server/bin"
		for name in softunicastc suc; do
			cat >"$STATE/$server/bin/$name" <<-END
				#!/bin/sh
				exec "$BIN/softunicastc" --socket "$STATE/$server/control.sock" --pins "$PINS/$server" "\$@"
			END
			chmod +x "$STATE/$server/bin/$name"
		done
	done
}

# The assignment comes from the planner, as on real servers.
write_assignment() {
	"$BIN/softunicastc" plan --fleet "$STATE/fleet.yaml" --in-place \
		>"$STATE/log/plan.log" 2>&1 || fail "softunicastc plan: $(cat "$STATE/log/plan.log")"
}

# A socket that a killed gobgpd left behind would keep the next one from starting. No file: the daemon configures it.
start_gobgpd() {
	rm -f "$STATE/$1/gobgpd.sock"
	spawn "gobgpd-$1" "su-$1" gobgpd --api-hosts "unix://$STATE/$1/gobgpd.sock" --pprof-disable --log-plain
}

start_daemon() {
	mkdir -p "$PINS/$1"
	spawn "softunicastd-$1" "su-$1" "$BIN/softunicastd" "$STATE/$1/softunicast.yaml"
}

# What softunicastc exec made, once nothing runs in it.
remove_cgroups() {
	local root
	root=$(findmnt -n -t cgroup2 -o TARGET | head -n 1) || return 0
	[[ -n $root ]] || return 0
	find "$root" -depth -type d -name 'su-exec-*' -exec rmdir {} + 2>/dev/null || true
}

# softunicastd keeps a lock for each pin folder there.
remove_daemon_locks() {
	rm -f /run/softunicast/sys-fs-bpf-softunicast-lab-*.lock
	rmdir /run/softunicast 2>/dev/null || true
}

answers() { "$BIN/softunicastc" -s "$STATE/$1/show.sock" show status; }

# Cables of SERVER, pulled or put back at the ToR: server-side addresses and routes stay, the carrier goes.
set_cables() {
	local server=$1 state=$2 interface
	for interface in $(interfaces_of "$server"); do
		ip -n "su-${server%-*}-tor" link set "$server-$interface" "$state"
	done
}
