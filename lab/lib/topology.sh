# shellcheck shell=bash
# Names and addresses of the lab: every other file asks here. The drawing is at the top of ../softunicast-lab.

readonly STATE=/run/softunicast-lab
readonly LOCK=/run/softunicast-lab.lock
readonly PINS=/sys/fs/bpf/softunicast-lab

readonly FLEET_AS=64512
readonly TRANSIT_AS=64700
readonly UNDERLAY_MTU_BYTES=1600
readonly INTERNET_MTU_BYTES=1500

readonly ORIGIN_ADDRESS=203.0.113.10
readonly ORIGIN_GATEWAY=203.0.113.9
readonly BACKBONE_REFLECTOR=10.0.0.10

readonly EGRESS_PREFIXES=(192.0.2.0/24 198.51.100.0/24)

# What services are reached at (RFC 2544's addresses), and where their names are answered.
readonly SERVICE_DATACENTER=ams
readonly SERVICE_PREFIX=198.18.16.0/20
readonly STATIC_PREFIX=198.18.48.0/20
readonly SERVICE_PREFIX_24=198.18.16.0/24
readonly SERVICE_ADDRESS=198.18.16.1
readonly SERVICE_PORTS=(80 443 2052 2053 2082 2083 2086 2087 2095 2096 8080 8443 8880)
readonly DNS_SERVER=ams-1
readonly DNS_PREFIX=198.18.32.0/24
readonly DNS_ADDRESS=198.18.32.53

# Enough for programs, NAT, a lease of each kind, all at once.
readonly SLICES_PER_SERVER=4

readonly DATACENTERS=(ams fra nyc)
SERVERS=()
for datacenter in "${DATACENTERS[@]}"; do
	SERVERS+=("$datacenter-1" "$datacenter-2" "$datacenter-3")
done
readonly SERVERS

# 1, 2, 3: the second byte of every address of the datacenter.
datacenter_number() {
	case $1 in
	ams) echo 1 ;;
	fra) echo 2 ;;
	nyc) echo 3 ;;
	*) return 1 ;;
	esac
}

datacenter_of() { echo "${1%-*}"; }

is_server() { [[ " ${SERVERS[*]} " == *" $1 "* ]]; }

is_datacenter() { [[ " ${DATACENTERS[*]} " == *" $1 "* ]]; }

tor_as() { echo $((64600 + $(datacenter_number "$1"))); }

# A ToR: its address on the backbone, which is also its router id.
tor_address() { echo "10.0.0.$(datacenter_number "$1")"; }

# Both ends of the link between the transit and a ToR.
transit_end() { echo "203.0.113.$((126 + 2 * $(datacenter_number "$1")))"; }
tor_end() { echo "203.0.113.$((127 + 2 * $(datacenter_number "$1")))"; }

datacenter_endpoint() { echo "10.255.0.$(datacenter_number "$1")"; }

server_endpoint() { echo "10.$(datacenter_number "${1%-*}").0.${1##*-}"; }

reflector_address() { echo "10.$(datacenter_number "$1").30.1"; }
reflector_gateway() { echo "10.$(datacenter_number "$1").30.0"; }

# Servers 1 and 2 have a second interface for the backbone; server 3 has one for both.
interfaces_of() {
	case $1 in
	*-3) echo eth0 ;;
	*) echo eth0 eth1 ;;
	esac
}

# link_subnet SERVER INTERFACE: the first three bytes; .0 is the ToR, .1 the server.
link_subnet() {
	local base=10
	[[ $2 == eth1 ]] && base=20
	echo "10.$(datacenter_number "${1%-*}").$((base + ${1##*-}))"
}

# The containers of a server: one routed network, of which .1 is the server.
container_subnet() { echo "10.$((87 + $(datacenter_number "${1%-*}"))).${1##*-}.0/24"; }

# The server that has a container in the lab.
readonly CONTAINER_HOST=fra-1

# The interface that tunnels use.
backbone_interface() {
	case $1 in
	*-3) echo eth0 ;;
	*) echo eth1 ;;
	esac
}

namespaces() {
	local datacenter
	echo su-origin su-transit su-backbone su-backbone-rr su-container
	for datacenter in "${DATACENTERS[@]}"; do
		echo "su-$datacenter-tor su-$datacenter-rr su-$datacenter-1 su-$datacenter-2 su-$datacenter-3"
	done
}
