# shellcheck shell=bash
# Names and services: an HTTP service of one socket on each server of SERVICE_DATACENTER, reached at all of two /20s by
# dispatch; dnsdist with the naming policies in front of PowerDNS on DNS_SERVER.

naming_policies() {
	cat <<-END
		# Written by softunicast-lab.
		pools:
		  twenty: { prefixes: [$SERVICE_PREFIX] }
		  twenty-four: { prefixes: [$SERVICE_PREFIX_24] }
		  one: { prefixes: [$SERVICE_ADDRESS/32] }
		  static: { prefixes: [$STATIC_PREFIX] }
		policies:
		  cdn:
		    match: { suffixes: [cdn.example.net], types: [A] }
		    pools: [twenty]
		    ttl: 2
		    default: last
		  # A name has one address of its own, as names have it without policies: the baseline.
		  static:
		    match: { suffixes: [static.example.net], types: [A] }
		    pools: [static]
		    strategy: hash
		    ttl: 2
		    default: last
		  last: { pools: [one], strategy: one, ttl: 2 }
	END
}

# dispatch_configuration SERVER: what its softunicast.yaml says further.
dispatch_configuration() {
	local server=$1
	[[ ${server%-*} == "$SERVICE_DATACENTER" ]] || return 0
	cat <<-END
		dispatch:
		  state: $STATE/$server/bindings
		  pools:
		    services: { prefixes: [$SERVICE_PREFIX, $STATIC_PREFIX] }
	END
	if [[ $server == "$DNS_SERVER" ]]; then
		echo "    dns: { prefixes: [$DNS_PREFIX], announce: always }"
	fi
	cat <<-END
		  labels:
		    www: { users: [root] }
		  bindings:
		    - { label: www, protocol: tcp, prefix: $SERVICE_PREFIX, ports: [$(commas "${SERVICE_PORTS[@]}")] }
		    - { label: www, protocol: tcp, prefix: $STATIC_PREFIX, ports: [$(commas "${SERVICE_PORTS[@]}")] }
	END
	if [[ $server == "$DNS_SERVER" ]]; then
		cat <<-END
			naming:
			  file: ../naming.yaml
			  dnsdist: $STATE/$server/naming
			  pdns: $STATE/$server/pdns.sock
			  state: $STATE/$server/naming.json
		END
	fi
}

commas() {
	local IFS=,
	echo "$*"
}

# The zones hold SOA, NS and a wildcard of a type that nobody asks for, so that a name that only a policy knows exists.
write_dns_configurations() {
	local zone folder=$STATE/$DNS_SERVER/pdns
	mkdir -p "$folder"
	for zone in cdn static; do
		cat >"$folder/$zone.zone" <<-END
			\$ORIGIN $zone.example.net.
			\$TTL 60
			@ SOA ns1.example.net. hostmaster.example.net. 1 3600 600 86400 60
			@ NS ns1.example.net.
			* TXT "by policy"
		END
		echo "zone \"$zone.example.net\" { type master; file \"$folder/$zone.zone\"; };"
	done >"$folder/named.conf"
	cat >"$folder/pdns.conf" <<-END
		local-address=127.0.0.1
		local-port=5300
		socket-dir=$folder
		security-poll-suffix=
		launch=bind
		bind-config=$folder/named.conf
	END
	"$BIN/softunicastc" naming dnsdist-config "$STATE/$DNS_SERVER/softunicast.yaml" >"$STATE/$DNS_SERVER/softunicast.lua"
	cat >"$STATE/$DNS_SERVER/dnsdist.conf" <<-END
		setLocal("$DNS_ADDRESS:53", { reusePort = true })
		addLocal("$DNS_ADDRESS:53", { reusePort = true })
		setACL({ "0.0.0.0/0" })
		setSecurityPollSuffix("")
		newServer({ address = "127.0.0.1:5300", healthCheckMode = "up" })
		dofile("$STATE/$DNS_SERVER/softunicast.lua")
	END
}

service_servers() {
	local server
	for server in "${SERVERS[@]}"; do
		[[ ${server%-*} == "$SERVICE_DATACENTER" ]] && echo "$server"
	done
}

start_service() {
	rm -f "$STATE/log/http-$1.log"
	spawn "http-$1" "su-$1" "$BIN/softunicast-traffic" serve --name "$1"
	wait_for "the HTTP service of $1 (see $STATE/log/http-$1.log)" 10 grep -q '"sockets"' "$STATE/log/http-$1.log"
	"$BIN/softunicastc" --socket "$STATE/$1/register.sock" register www --pid "$(is_running "http-$1")" >>"$STATE/log/register-$1.log" 2>&1 ||
		fail "softunicastc register on $1: $(tail -n 3 "$STATE/log/register-$1.log")"
}

dns_answers() {
	[[ -n $(nsenter --net=/run/netns/su-origin dig +short +time=1 +tries=1 "@$DNS_ADDRESS" a1.cdn.example.net A) ]]
}

lab_services() {
	need_up
	local server tool
	for tool in dnsdist pdns_server dig dnsperf; do
		command -v $tool >/dev/null || fail "missing: $tool; lab/prepare installs it"
	done
	is_running "http-$DNS_SERVER" >/dev/null && fail "services: they run already"
	for server in $(service_servers); do
		start_service "$server"
	done
	write_dns_configurations
	spawn "pdns-$DNS_SERVER" "su-$DNS_SERVER" pdns_server "--config-dir=$STATE/$DNS_SERVER/pdns" --daemon=no --guardian=no
	spawn "dnsdist-$DNS_SERVER" "su-$DNS_SERVER" dnsdist --supervised --disable-syslog -C "$STATE/$DNS_SERVER/dnsdist.conf"
	wait_for "$SERVICE_PREFIX from three servers at $SERVICE_DATACENTER-tor" 20 has_next_hops "$SERVICE_DATACENTER-tor" "$SERVICE_PREFIX" 3
	wait_for "dnsdist to answer by policy (see $STATE/log/dnsdist-$DNS_SERVER.log)" 20 dns_answers
	echo "One HTTP socket a server on ${#SERVICE_PORTS[@]} ports of $SERVICE_PREFIX and $STATIC_PREFIX; names below cdn.example.net, by policy, at $DNS_ADDRESS."
}
