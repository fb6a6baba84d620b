# shellcheck shell=bash
# What softunicast-lab does.

need_root() { ((EUID == 0)) || fail "must be root: it makes network namespaces"; }

# alone SECONDS: whoever changes the lab holds the lock (descriptor 9) until it and its workers have ended. The file
# goes with the lab, so it may be another one by the time it is ours.
alone() {
	need_root
	while :; do
		exec 9>>"$LOCK"
		flock -w "$1" 9 || fail "another softunicast-lab is changing the lab; wait until it is done"
		[[ $LOCK -ef /proc/self/fd/9 ]] && return
	done
}

is_up() { [[ -e $STATE/up ]]; }

need_up() { is_up || fail "the lab is not up: lab/softunicast-lab up"; }

check_tools() {
	local tool missing=()
	for tool in ip nsenter setsid flock ethtool bird birdc gobgpd; do
		command -v "$tool" >/dev/null || missing+=("$tool")
	done
	((${#missing[@]} == 0)) || fail "missing: ${missing[*]}; lab/packages installs them"
	[[ -e $XDP_PASS ]] || fail "$XDP_PASS is not there: run ./build"
	[[ $1 == without-daemons ]] && return
	for tool in softunicastd softunicastc softunicast-traffic; do
		[[ -x $BIN/$tool ]] || fail "$BIN/$tool is not there: run ./build"
	done
}

lab_up() {
	local daemons=with-daemons server
	case ${1-} in
	'') ;;
	--without-daemons) daemons=without-daemons ;;
	*) fail "up: unknown option '$1'" ;;
	esac
	is_up && fail "the lab is up already; lab/softunicast-lab down takes it down"
	check_tools $daemons
	if [[ -d $STATE ]]; then
		echo "Removing what an interrupted run left."
		remove_all
	fi
	local began=${EPOCHREALTIME/./}
	trap 'echo "softunicast-lab: interrupted; lab/softunicast-lab down removes what is there" >&2; exit 130' INT TERM
	mkdir -p "$STATE/pids" "$STATE/log"
	make_pins_mount
	make_network
	write_router_configurations
	write_server_configurations
	write_wrappers
	step network "$began"
	start_routers
	for server in "${SERVERS[@]}"; do
		start_gobgpd "$server"
	done
	wait_for_routers
	for server in "${SERVERS[@]}"; do
		wait_for "gobgpd of $server" 10 test -S "$STATE/$server/gobgpd.sock"
	done
	step "BIRD and gobgpd" "$began"
	if [[ $daemons == with-daemons ]]; then
		write_assignment
		spawn origin su-origin "$BIN/softunicast-traffic" origin --address "$ORIGIN_ADDRESS"
		for server in "${SERVERS[@]}"; do
			start_daemon "$server"
		done
		wait_for_fleet
		step softunicastd "$began"
	fi
	touch "$STATE/up"
}

# step WHAT SINCE
step() { printf '%5d ms  %s\n' $(((${EPOCHREALTIME/./} - $2) / 1000)) "$1"; }

wait_for_routers() {
	local router
	for router in $(routers); do
		wait_for "BIRD of $router (see $STATE/log/bird-$router.log)" 10 bird_says "$router" show status
	done
}

answers_or_ended() { answers "$1" || ! is_running "softunicastd-$1"; }

sessions_complete() { (($(established_at "$1") == $(sessions_at "$1"))); }

has_next_hops() { (($(next_hops "$1" "$2") == $3)); }

# The lab is up when every session stands and the kernels route as they should.
wait_for_fleet() {
	local router prefix datacenter server
	for server in "${SERVERS[@]}"; do
		wait_for "softunicastd of $server to record itself" 5 test -s "$STATE/pids/softunicastd-$server"
		wait_for "softunicastd of $server (see $STATE/log/softunicastd-$server.log)" 20 answers_or_ended "$server"
		is_running "softunicastd-$server" >/dev/null ||
			fail "softunicastd of $server ended: $(tail -n 5 "$STATE/log/softunicastd-$server.log")"
	done
	for router in $(routers); do
		wait_for "all BGP sessions of $router (lab/softunicast-lab status)" 40 sessions_complete "$router"
	done
	for prefix in "${EGRESS_PREFIXES[@]}"; do
		for datacenter in "${DATACENTERS[@]}"; do
			wait_for "$prefix from three servers at $datacenter-tor" 20 has_next_hops "$datacenter-tor" "$prefix" 3
		done
		wait_for "$prefix from three datacenters at the transit" 20 has_next_hops transit "$prefix" 3
	done
}

remove_all() {
	local records=()
	if [[ -d $STATE/pids ]]; then
		mapfile -t records < <(ls "$STATE/pids")
		end_now "${records[@]}"
	fi
	remove_network
	remove_pins
	remove_cgroups
	remove_daemon_locks
	rm -rf "$STATE"
}

lab_down() {
	if [[ ! -d $STATE ]] && ! ls /run/netns/su-* >/dev/null 2>&1 && [[ ! -d $PINS ]]; then
		rm -f "$LOCK"
		echo "The lab is not up."
		return
	fi
	rm -f "$STATE/up"
	remove_all
	rm -f "$LOCK"
	echo "The lab is down."
}

lab_shell() {
	need_root
	need_up
	local machine=${1-}
	[[ -n $machine && -e /run/netns/su-$machine ]] || fail "shell: no machine '$machine'; there are: $(namespaces | tr ' ' '\n' | sed 's/^su-//' | tr '\n' ' ')"
	shift
	local environment=("PATH=$STATE/$machine/bin:$BIN:$PATH")
	if (($# > 0)); then
		exec nsenter --net="/run/netns/su-$machine" -- env "${environment[@]}" "$@"
	fi
	echo "On $machine. Leave with exit."
	exec nsenter --net="/run/netns/su-$machine" -- env "${environment[@]}" \
		bash --rcfile <(echo "[ -f ~/.bashrc ] && . ~/.bashrc; PS1='[$machine] \\w # '") -i
}

state_of() { if is_running "$1" >/dev/null; then echo running; else echo dead; fi; }

lab_status() {
	need_root
	need_up
	local server datacenter router
	printf '%-10s %-10s %-8s %-12s\n' server endpoint gobgpd softunicastd
	for server in "${SERVERS[@]}"; do
		printf '%-10s %-10s %-8s %-12s\n' "$server" "$(server_endpoint "$server")" \
			"$(state_of "gobgpd-$server")" "$(state_of "softunicastd-$server")"
	done
	printf '\n%-12s %-10s %s\n' router sessions 'next hops of the egress prefixes'
	for router in $(routers); do
		printf '%-12s %-10s' "$router" "$(established_at "$router")/$(sessions_at "$router")"
		case $router in
		transit | *-tor)
			for prefix in "${EGRESS_PREFIXES[@]}"; do
				printf ' %s: %s' "$prefix" "$(next_hops "$router" "$prefix")"
			done
			;;
		esac
		echo
	done
	printf '\ncatchment: %s\n' "$(cat "$STATE/catchment")"
}

lab_catchment() {
	need_up
	local where=${1-} prefix
	[[ $where == all ]] || is_datacenter "$where" || fail "catchment: '${where}' is not one of: ${DATACENTERS[*]} all"
	write_catchment "$where"
	birdc -s "$STATE/transit/bird.sock" configure >"$STATE/log/catchment.log"
	for prefix in "${EGRESS_PREFIXES[@]}"; do
		if [[ $where != all ]] && [[ -z $(bird_says transit show route "$prefix" protocol "$where" | grep "$prefix") ]]; then
			echo "$where does not announce $prefix: until it does, answers land elsewhere" >&2
			continue
		fi
		wait_for "the transit to send $prefix to $where" 10 catchment_is "$where" "$prefix"
	done
	echo "Answers from the Internet land in: $where"
}

# As many next hops as datacenters announce it, or only the one.
catchment_is() {
	local routes expected
	routes=$(ip -n su-transit -o route show "$2" | grep -o 'via [0-9.]*' || true)
	if [[ $1 == all ]]; then
		expected=$(bird_says transit show route "$2" | grep -c 'via' || true)
		[[ $(wc -w <<<"$routes") -eq $((2 * expected)) ]]
	else
		[[ $routes == "via $(tor_end "$1")" ]]
	fi
}

# The cables first: nothing of the dying processes' farewells gets out.
lab_kill() {
	need_up
	local server=${1-}
	is_server "$server" || fail "kill: '$server' is not one of: ${SERVERS[*]}"
	set_cables "$server" down
	end_now "softunicastd-$server" "gobgpd-$server"
	rm -rf "${PINS:?}/$server"
	echo "$server is dead."
}

lab_revive() {
	need_up
	local server=${1-}
	is_server "$server" || fail "revive: '$server' is not one of: ${SERVERS[*]}"
	is_running "gobgpd-$server" >/dev/null && fail "revive: $server is alive"
	set_cables "$server" up
	start_gobgpd "$server"
	wait_for "gobgpd of $server" 10 test -S "$STATE/$server/gobgpd.sock"
	if [[ -x $BIN/softunicastd ]]; then
		start_daemon "$server"
		wait_for "softunicastd of $server (see $STATE/log/softunicastd-$server.log)" 10 answers "$server"
	fi
	echo "$server is on again."
}

need_program() {
	need_up
	[[ $1 == gobgpd || $1 == softunicastd || $1 == http ]] || fail "'$1' is none of gobgpd, softunicastd, http"
	is_server "$2" || fail "'$2' is not one of: ${SERVERS[*]}"
}

lab_crash() {
	need_program "${1-}" "${2-}"
	is_running "$1-$2" >/dev/null || fail "crash: $1 does not run on $2"
	end_now "$1-$2"
	echo "$1 of $2 is dead."
}

lab_start() {
	need_program "${1-}" "${2-}"
	is_running "$1-$2" >/dev/null && fail "start: $1 runs on $2 already"
	if [[ $1 == gobgpd ]]; then
		start_gobgpd "$2"
		wait_for "gobgpd of $2" 10 test -S "$STATE/$2/gobgpd.sock"
	elif [[ $1 == http ]]; then
		start_service "$2"
	else
		start_daemon "$2"
		wait_for "softunicastd of $2 (see $STATE/log/softunicastd-$2.log)" 10 answers "$2"
	fi
	echo "$1 of $2 runs."
}
