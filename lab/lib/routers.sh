# shellcheck shell=bash
# BIRD, as the transit, the ToRs and the route reflectors run it.

# Sessions come up within a second of both ends being ready; a machine that died silently is noticed after nine.
bird_timers() {
	cat <<-END
		hold time 9;
		keepalive time 3;
		connect retry time 1;
		connect delay time 0;
		error wait time 1, 2;
		error forget time 10;
	END
}

bird_common() {
	cat <<-END
		log stderr { warning, error, fatal, bug, remote, auth };
		router id $1;
		protocol device { scan time 30; }
	END
}

# Several equal routes are one route with several next hops.
bird_kernel() {
	cat <<-END
		protocol kernel {
		  ipv4 { import none; export where source = RTS_BGP; };
		  merge paths on;
		  scan time 30;
		}
	END
}

transit_configuration() {
	local datacenter
	bird_common "$ORIGIN_GATEWAY"
	bird_kernel
	cat <<-END
		# Where the answers land: CATCHMENT is the AS of a ToR, or 0 for all by ECMP (softunicast-lab catchment).
		include "catchment.conf";
		filter from_datacenter {
		  if bgp_path.first = CATCHMENT then bgp_local_pref = 200;
		  accept;
		}
		protocol static internet {
		  ipv4;
		  route 0.0.0.0/0 unreachable;
		}
		template bgp datacenter {
		  local as $TRANSIT_AS;
		  $(bird_timers)
		  ipv4 { import filter from_datacenter; export where proto = "internet"; next hop self; };
		}
	END
	for datacenter in "${DATACENTERS[@]}"; do
		echo "protocol bgp $datacenter from datacenter { neighbor $(tor_end "$datacenter") as $(tor_as "$datacenter"); }"
	done
}

write_catchment() {
	local as=0
	[[ $1 == all ]] || as=$(tor_as "$1")
	echo "define CATCHMENT = $as;" >"$STATE/transit/catchment.conf"
	echo "$1" >"$STATE/catchment"
}

tor_configuration() {
	local datacenter=$1 other server interface
	bird_common "$(tor_address "$datacenter")"
	bird_kernel
	cat <<-END
		# Everything that a server says is taken in, so that "show route" tells on a server that says too much.
		template bgp server {
		  local as $(tor_as "$datacenter");
		  $(bird_timers)
		  ipv4 { import all; export none; };
		}
		# The Internet takes nothing longer than a /24.
		protocol bgp transit {
		  local as $(tor_as "$datacenter");
		  neighbor $(transit_end "$datacenter") as $TRANSIT_AS;
		  $(bird_timers)
		  ipv4 { import all; export where net ~ [ 0.0.0.0/0{8,24} ] && bgp_path.len = 1; };
		}
		# The endpoints of this datacenter's servers, to the other ToRs and nowhere else. The servers send them with
		# NO_EXPORT; between the ToRs, which are one operator's, it is carried and not obeyed.
		template bgp backbone {
		  local as $(tor_as "$datacenter");
		  $(bird_timers)
		  interpret communities off;
		  ipv4 { import where net ~ [ 10.0.0.0/8{32,32} ]; export where net ~ [ 10.0.0.0/8{32,32} ] && bgp_path.len = 1; next hop self; };
		}
	END
	for other in "${DATACENTERS[@]}"; do
		[[ $other == "$datacenter" ]] ||
			echo "protocol bgp ${other} from backbone { neighbor $(tor_address "$other") as $(tor_as "$other"); }"
	done
	for server in "$datacenter-1" "$datacenter-2" "$datacenter-3"; do
		for interface in $(interfaces_of "$server"); do
			echo "protocol bgp ${server//-/_}_$interface from server { neighbor $(link_subnet "$server" "$interface").1 as $FLEET_AS; }"
		done
	done
}

# reflector_configuration ADDRESS SERVER...: ownership, IPv4 and IPv6 alike. Redirect actions are not checked against
# unicast routes (validate off): a reflector has none.
reflector_configuration() {
	local address=$1 server
	shift
	bird_common "$address"
	cat <<-END
		flow4 table ownership4;
		flow6 table ownership6;
		template bgp server {
		  local $address as $FLEET_AS;
		  rr client;
		  rr cluster id $address;
		  $(bird_timers)
		  flow4 { table ownership4; validate off; import all; export all; };
		  flow6 { table ownership6; validate off; import all; export all; };
		}
	END
	for server in "$@"; do
		echo "protocol bgp ${server//-/_} from server { neighbor $(link_subnet "$server" "$(backbone_interface "$server")").1 as $FLEET_AS; }"
	done
}

routers() {
	local datacenter
	echo transit backbone-rr
	for datacenter in "${DATACENTERS[@]}"; do
		echo "$datacenter-tor $datacenter-rr"
	done
}

write_router_configurations() {
	local router datacenter
	for router in $(routers); do
		mkdir -p "$STATE/$router"
		datacenter=${router%-*}
		case $router in
		transit) transit_configuration ;;
		backbone-rr) reflector_configuration "$BACKBONE_REFLECTOR" "${SERVERS[@]}" ;;
		*-tor) tor_configuration "$datacenter" ;;
		*-rr) reflector_configuration "$(reflector_address "$datacenter")" "$datacenter-1" "$datacenter-2" "$datacenter-3" ;;
		esac >"$STATE/$router/bird.conf"
	done
	write_catchment all
}

start_routers() {
	local router
	for router in $(routers); do
		spawn "bird-$router" "su-$router" \
			bird -f -c "$STATE/$router/bird.conf" -s "$STATE/$router/bird.sock" -P "$STATE/$router/bird.pid"
	done
}

# bird ROUTER COMMAND...: a birdc command's answer, without the greeting.
bird_says() {
	local router=$1
	shift
	birdc -r -s "$STATE/$router/bird.sock" "$@" | tail -n +2
}

established_at() { bird_says "$1" show protocols | awk '$2 == "BGP" && $6 == "Established"' | wc -l; }

sessions_at() { grep -c '^protocol bgp ' "$STATE/$1/bird.conf"; }

# Next hops of PREFIX in the kernel of a router: what packets follow.
next_hops() {
	local router=$1 prefix=$2
	ip -n "su-$router" -o route show "$prefix" | grep -o 'via [0-9.]*' | wc -l
}
