# shellcheck shell=bash
# What the demo reads from the servers: slices, counters and the path that packets took. Needs topology.sh and BIN.

# The control program, speaking to SERVER's daemon.
ask() {
	local server=$1
	shift
	"$BIN/softunicastc" -s "$STATE/$server/show.sock" "$@"
}

# on_server SERVER COMMAND...: softunicast-traffic, on that machine.
on_server() {
	local server=$1
	shift
	nsenter --net="/run/netns/su-$server" -- "$BIN/softunicast-traffic" "$@"
}

# The same, for the background: the job's process is softunicast-traffic itself, so that a signal reaches it.
become_on_server() {
	local server=$1
	shift
	exec nsenter --net="/run/netns/su-$server" -- "$BIN/softunicast-traffic" "$@"
}

# run_through_exec SERVER OPTIONS -- PROGRAM...: an unmodified program, on slices of that server.
run_through_exec() {
	local server=$1
	shift
	nsenter --net="/run/netns/su-$server" -- "$BIN/softunicastc" -s "$STATE/$server/control.sock" exec "$@"
}

# slices_of SERVER POOL: lines of "ADDRESS FIRST-LAST", from its kernel's own table.
slices_of() {
	ask "$1" --json show slices pool "$2" |
		jq -r '.slices[] | select(.owner.kind == "here") | .slice | capture("(?<a>.*):(?<p>.*)") | "\(.a) \(.p)"'
}

# take_counters DIRECTORY: per server "landed steered carried-on": packets that came without a tunnel for an egress
# address (delivered at once, or steered), those that were steered, those carried on in transit. The numbers are the
# reasons of bpf/abi.h. A dead server has no counters.
take_counters() {
	local server workers=()
	rm -rf "$1"
	mkdir -p "$1"
	for server in "${SERVERS[@]}"; do
		ask "$server" --json show drops 2>/dev/null |
			jq -r '[.reasons[] | {(.number | tostring): .packets}] | add | "\(.["2"] + .["3"]) \(.["3"]) \(.["5"])"' \
				>"$1/$server" 2>/dev/null &
		workers+=($!)
	done
	wait "${workers[@]}" || true
}

# path_between BEFORE AFTER: "DATACENTERS HOPS": where packets landed, and how many tunnels they passed on average.
path_between() {
	local server
	for server in "${SERVERS[@]}"; do
		[[ -s $1/$server && -s $2/$server ]] && paste -d' ' "$1/$server" "$2/$server" | sed "s/^/${server%-*} /"
	done | awk '
		{ landed = $5 - $2; total += landed; tunnels += $6 - $3 + $7 - $4; if (landed > 0) where[$1] += landed }
		END {
			for (name in where) list = list (list == "" ? "" : ",") name
			if (total == 0) print "- -"; else printf "%s %.2f\n", list, tunnels / total
		}'
}

landed_enough() {
	take_counters "$1.now"
	local server
	for server in "${SERVERS[@]}"; do
		[[ -s $1/$server && -s $1.now/$server ]] && paste -d' ' "$1/$server" "$1.now/$server"
	done | awk -v enough="$2" '{ landed += $4 - $1 } END { exit landed < enough }'
}

# until_true SECONDS COMMAND...
until_true() {
	local deadline=$((${EPOCHREALTIME/./} + $1 * 1000000))
	shift
	until "$@"; do
		((${EPOCHREALTIME/./} < deadline)) || return 1
		sleep 0.1
	done
}
