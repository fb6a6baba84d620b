# shellcheck shell=bash
# Namespaces, links, addresses and static routes. Veth pairs are made directly between the namespaces: the host's own
# network never sees them.

make_namespaces() {
	local namespace
	for namespace in $(namespaces); do
		echo "$namespace" >>"$STATE/namespaces"
		ip netns add "$namespace"
	done
}

# The sysctls of a namespace do not depend on the host's: everything that matters is written.
set_sysctls() {
	local namespace=$1 forwarding=$2
	in_namespace "$namespace" sh -c "
		cd /proc/sys/net
		echo $forwarding >ipv4/ip_forward
		for i in all default; do echo 0 >ipv4/conf/\$i/rp_filter; done
		echo 1 >ipv4/fib_multipath_hash_policy
		echo 0 >ipv4/conf/default/send_redirects
		echo 0 >ipv4/conf/all/send_redirects
		echo 1 >ipv6/conf/all/disable_ipv6
		echo 1 >ipv6/conf/default/disable_ipv6"
}

# One line a link for ip -batch: link NAMESPACE NAME MTU PEER-NAMESPACE PEER-NAME.
link() { echo "link add $2 netns $1 mtu $3 type veth peer name $5 netns $4 mtu $3"; }

all_links() {
	local datacenter server interface
	link su-origin eth0 $INTERNET_MTU_BYTES su-transit origin
	link su-backbone-rr eth0 $UNDERLAY_MTU_BYTES su-backbone rr
	link su-container eth0 $INTERNET_MTU_BYTES "su-$CONTAINER_HOST" containers
	for datacenter in "${DATACENTERS[@]}"; do
		link "su-$datacenter-tor" transit $INTERNET_MTU_BYTES su-transit "$datacenter"
		link "su-$datacenter-tor" backbone $UNDERLAY_MTU_BYTES su-backbone "$datacenter"
		link "su-$datacenter-rr" eth0 $UNDERLAY_MTU_BYTES "su-$datacenter-tor" rr
	done
	for server in "${SERVERS[@]}"; do
		for interface in $(interfaces_of "$server"); do
			link "su-$server" "$interface" $UNDERLAY_MTU_BYTES "su-${server%-*}-tor" "$server-$interface"
		done
	done
}

# What a namespace's interfaces are and how it routes, as lines for ip -batch.
configuration_of() {
	local namespace=$1 name=${1#su-} server interface subnet datacenter
	echo "link set lo up"
	case $name in
	origin)
		echo "addr add $ORIGIN_ADDRESS/30 dev eth0"
		echo "link set eth0 up"
		echo "route add default via $ORIGIN_GATEWAY"
		;;
	transit)
		echo "addr add $ORIGIN_GATEWAY/30 dev origin"
		echo "link set origin up"
		for datacenter in "${DATACENTERS[@]}"; do
			echo "addr add $(transit_end "$datacenter")/31 dev $datacenter"
			echo "link set $datacenter up"
		done
		;;
	backbone)
		echo "link add lan mtu $UNDERLAY_MTU_BYTES type bridge"
		for interface in rr "${DATACENTERS[@]}"; do
			echo "link set $interface master lan up"
		done
		echo "link set lan up"
		;;
	backbone-rr)
		echo "addr add $BACKBONE_REFLECTOR/24 dev eth0"
		echo "link set eth0 up"
		for datacenter in "${DATACENTERS[@]}"; do
			echo "route add 10.$(datacenter_number "$datacenter").0.0/16 via $(tor_address "$datacenter")"
		done
		;;
	container)
		echo "addr add $(container_subnet $CONTAINER_HOST | sed 's|0/24|2/24|') dev eth0"
		echo "link set eth0 up"
		echo "route add default via $(container_subnet $CONTAINER_HOST | sed 's|0/24|1|')"
		;;
	*-tor)
		datacenter=${name%-tor}
		echo "addr add $(tor_address "$datacenter")/24 dev backbone"
		echo "link set backbone up"
		echo "addr add $(tor_end "$datacenter")/31 dev transit"
		echo "link set transit up"
		echo "addr add $(reflector_gateway "$datacenter")/31 dev rr"
		echo "link set rr up"
		for server in "$datacenter-1" "$datacenter-2" "$datacenter-3"; do
			for interface in $(interfaces_of "$server"); do
				echo "addr add $(link_subnet "$server" "$interface").0/31 dev $server-$interface"
				echo "link set $server-$interface up xdpdrv obj $XDP_PASS sec xdp.frags"
			done
		done
		;;
	*-rr)
		datacenter=${name%-rr}
		echo "addr add $(reflector_address "$datacenter")/31 dev eth0"
		echo "link set eth0 up"
		echo "route add default via $(reflector_gateway "$datacenter")"
		;;
	*)
		echo "addr add $(server_endpoint "$name")/32 dev lo"
		for interface in $(interfaces_of "$name"); do
			subnet=$(link_subnet "$name" "$interface")
			echo "addr add $subnet.1/31 dev $interface"
			echo "link set $interface up"
		done
		# The overlay stays at 1,500 bytes though the link carries 1,600; what is inside goes over the backbone interface.
		echo "route add default via $(link_subnet "$name" eth0).0 dev eth0 mtu $INTERNET_MTU_BYTES"
		interface=$(backbone_interface "$name")
		echo "route add 10.0.0.0/8 via $(link_subnet "$name" "$interface").0 dev $interface"
		if [[ $name == "$CONTAINER_HOST" ]]; then
			echo "addr add $(container_subnet "$name" | sed 's|0/24|1/24|') dev containers"
			echo "link set containers up"
		fi
		;;
	esac
}

# veth leaves a checksum half done that it expects never to reach a wire; inside a tunnel it is simply wrong.
finish_checksums() {
	in_namespace "$1" sh -c "for i in $2; do ethtool -K \$i tx off; done" >/dev/null
}

interfaces_in() {
	local name=${1#su-} server interface
	case $name in
	backbone) ;;
	transit) echo "origin ${DATACENTERS[*]}" ;;
	*-tor)
		echo transit backbone rr
		for server in "${name%-tor}-1" "${name%-tor}-2" "${name%-tor}-3"; do
			for interface in $(interfaces_of "$server"); do
				echo "$server-$interface"
			done
		done
		;;
	origin | container | *-rr) echo eth0 ;;
	*) interfaces_of "$name" ;;
	esac
}

configure_namespace() {
	local namespace=$1 forwarding=0
	case $namespace in
	su-transit | *-tor | "su-$CONTAINER_HOST") forwarding=1 ;;
	esac
	set_sysctls "$namespace" $forwarding
	configuration_of "$namespace" | ip -n "$namespace" -batch -
	finish_checksums "$namespace" "$(interfaces_in "$namespace" | tr '\n' ' ')"
}

make_network() {
	local namespace workers=() worker
	make_namespaces
	all_links | ip -batch -
	for namespace in $(namespaces); do
		configure_namespace "$namespace" &
		workers+=($!)
	done
	for worker in "${workers[@]}"; do
		wait "$worker" || fail "a namespace could not be configured: see above"
	done
}

# Links go first: a namespace that a shell still stands in lives on without a name, but not with our cables in it.
remove_network() {
	local namespace device known
	known=$(namespaces)
	for namespace in $known; do
		[[ -e /run/netns/$namespace ]] || continue
		for device in $(in_namespace "$namespace" sh -c 'ip -o link show type veth; ip -o link show type bridge' 2>/dev/null |
			sed -E 's/^[0-9]+: ([^:@]+).*/\1/'); do
			ip -n "$namespace" link del "$device" 2>/dev/null || true
		done
		ip netns del "$namespace" 2>/dev/null || rm -f "/run/netns/$namespace"
	done
}

make_pins_mount() {
	if ! mountpoint -q /sys/fs/bpf; then
		touch "$STATE/mounted-bpffs"
		mount -t bpf bpf /sys/fs/bpf || fail "/sys/fs/bpf cannot be mounted: is this kernel built with BPF?"
	fi
	mkdir -p "$PINS"
}

remove_pins() {
	[[ -d $PINS ]] && rm -rf "$PINS"
	# Unless somebody else pinned something there meanwhile; the two are the kernel's own.
	if [[ -e $STATE/mounted-bpffs ]] && mountpoint -q /sys/fs/bpf &&
		[[ -z $(find /sys/fs/bpf -mindepth 1 -maxdepth 1 ! -name maps.debug ! -name progs.debug) ]]; then
		umount /sys/fs/bpf || true
	fi
}
