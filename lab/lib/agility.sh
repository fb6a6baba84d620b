# shellcheck shell=bash
# The demo's scene of names and addresses: clients that resolve and fetch while the addresses of a service shrink. Needs
# topology.sh, measure.sh, LAB, BIN, work, and trouble().

# Names are asked for as names are: few of them often (Zipf's law), the rest seldom.
readonly NAMES=100000 SKEW=1.1 PHASE_SECONDS=5

# Becomes the clients: for the background or a subshell.
names_clients() {
	exec nsenter --net=/run/netns/su-origin -- "$BIN/softunicast-traffic" names --dns "$DNS_ADDRESS:53" \
		--ports "$(IFS=, && echo "${SERVICE_PORTS[*]}")" --names $NAMES --zipf $SKEW --concurrency 16 "$@"
}

# measured PHASE: the client's line about it.
measured() { jq -c "select(.phase == \"$1\")" "$work/clients"; }

is_told() { [[ -n $(measured "$1") ]]; }

# mark PHASE [PREFIX]: ends a phase of the running clients.
mark() {
	echo "mark $*" >&7
	until_true 10 is_told "$1" || trouble "the clients do not tell how $1 went: $(tail -n 1 "$work/clients")"
}

phase_row() {
	local name=$1 line=$2
	jq -r --arg name "$name" '[$name, .addresses, (.fetchesPerSecond | round), .resolveP99Ms, .fetchP99Ms, .failed,
		(.load.chiSquared // "-" | if type == "number" then round else . end), (.load.degreesOfFreedom // "-"),
		(.load.p // "-" | if type == "number" then (. * 10000 | round / 10000) else . end),
		(.load.maxToMean // "-" | if type == "number" then (. * 100 | round / 100) else . end)] | @tsv' <<<"$line" |
		while IFS=$'\t' read -r name addresses rate resolve fetch failed chi freedom p skew; do
			printf '%-28s %9s %9s %9s %9s %7s %10s %6s %7s %9s\n' "$name" "$addresses" "$rate" "$resolve" "$fetch" "$failed" "$chi" "$freedom" "$p" "$skew"
		done
	[[ $(jq -r '.failed' <<<"$line") == 0 && $(jq -r '.fetches' <<<"$line") != 0 ]] || trouble "$name: $(jq -c '[.fetches, .failed, .failures]' <<<"$line")"
}

# move POOL: for the next query; what clients were told before counts to nobody's phase.
move() {
	"$BIN/softunicastc" -s "$STATE/$DNS_SERVER/control.sock" agility move cdn to "$1" | head -n 1
	sleep 1 # the phase of the change, which is not measured
	mark "to-$1"
	[[ $(measured "to-$1" | jq -r .failed) == 0 ]] || trouble "while it moved to $1: $(measured "to-$1" | jq -c .failures)"
}

agility_scene() {
	local clients queries line
	$LAB services
	seq -f "a%.0f.cdn.example.net A" 0 $((NAMES - 1)) >"$work/names"
	nsenter --net=/run/netns/su-origin -- dnsperf -s "$DNS_ADDRESS" -d "$work/names" -c 4 -Q 1000 -l 300 >"$work/dnsperf" 2>&1 &
	queries=$!
	holds+=("$queries")

	# One address a name, as without policies: those that are asked for most decide which addresses work most.
	(names_clients --fetches 15000 --prefix $STATIC_PREFIX 'a{n}.static.example.net') >"$work/static" 2>&1 || true
	mkfifo "$work/marks"
	exec 7<>"$work/marks"
	names_clients 'a{n}.cdn.example.net' <&7 >"$work/clients" 2>&1 &
	clients=$!
	holds+=("$clients")
	sleep $PHASE_SECONDS # as long as a phase is to be
	mark twenty $SERVICE_PREFIX
	move twenty-four
	sleep $PHASE_SECONDS
	mark twenty-four $SERVICE_PREFIX_24
	move one
	sleep $PHASE_SECONDS
	mark one $SERVICE_ADDRESS/32
	kill -TERM "$clients"
	wait "$clients" || true
	exec 7>&-
	kill -INT "$queries" 2>/dev/null || true
	wait "$queries" || true

	printf '%-28s %9s %9s %9s %9s %7s %10s %6s %7s %9s\n' '' addresses fetches/s 'dns p99' 'http p99' failed chi2 df p max/mean
	phase_row "an address a name, /20" "$(tail -n 1 "$work/static")"
	phase_row "by policy, a query a draw, /20" "$(measured twenty)"
	phase_row "shrunk live to a /24" "$(measured twenty-four)"
	phase_row "shrunk live to one address" "$(measured one)"
	line=$(grep -E '^ +(Queries (sent|completed|lost)|Response codes):' "$work/dnsperf" | sed 's/  */ /g' | paste -sd ';')
	echo "dnsperf with $NAMES names meanwhile:$line"
	grep -qE 'Queries lost: +0 ' "$work/dnsperf" && grep -qE 'Response codes: +NOERROR [0-9]+ \(100.00%\)' "$work/dnsperf" || trouble "dnsperf:$line"
	[[ $(tail -n 1 "$work/clients" | jq -r .failed) == 0 ]] || trouble "after the last phase: $(tail -n 1 "$work/clients" | jq -c .failures)"

	echo
	echo "What is left on the addresses that were given up, by the kernel's counters (softunicastc agility move cdn --to one):"
	timeout 120 "$BIN/softunicastc" -s "$STATE/$DNS_SERVER/control.sock" agility move cdn --to one --interval 5 || trouble "the old addresses do not come free"
}
