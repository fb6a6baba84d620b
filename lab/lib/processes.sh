# shellcheck shell=bash
# Starting, finding and ending the lab's processes. A process is known by its id and its start time, so that a recycled
# id is never taken for one of ours.

# The 22nd field of /proc/PID/stat; the second may hold blanks, so counting starts behind its parenthesis.
start_time_of() {
	local stat
	{ read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
	# shellcheck disable=SC2086 # split on purpose
	set -- ${stat##*) }
	echo "${20}"
}

# in_namespace NAMESPACE COMMAND...: only the network changes, so bpffs stays visible (ip netns exec remounts /sys).
in_namespace() {
	local namespace=$1
	shift
	nsenter --net="/run/netns/$namespace" -- "$@"
}

# spawn NAME NAMESPACE COMMAND...: detached; the new process records itself before it becomes COMMAND, so that there is
# no moment at which it runs unrecorded (wait for is_running). Locks (8, 9) are not handed down to it. Output goes to log/NAME.log.
spawn() {
	local name=$1 namespace=$2
	shift 2
	# shellcheck disable=SC2016 # expanded by the inner shell
	setsid nsenter --net="/run/netns/$namespace" -- bash -c '
		read -r stat </proc/$$/stat
		record=$1 command=${*:2}
		set -- "${@:2}"
		fields=(${stat##*) })
		echo "$$ ${fields[19]} $command" >"$record"
		exec "$@"' spawn "$STATE/pids/$name" "$@" \
		>>"$STATE/log/$name.log" 2>&1 </dev/null 8>&- 9>&- &
}

# is_running NAME: prints its process id.
is_running() {
	local pid started _
	{ read -r pid started _ <"$STATE/pids/$1"; } 2>/dev/null || return 1
	[[ -n $started && $(start_time_of "$pid") == "$started" ]] || return 1
	is_zombie "$pid" && return 1
	echo "$pid"
}

# end_now NAME...: SIGKILL, and wait until it is gone. A lab machine that goes away goes like one whose power is cut.
end_now() {
	local name pid ended=()
	for name in "$@"; do
		if pid=$(is_running "$name"); then
			kill -KILL "$pid" 2>/dev/null || true
			ended+=("$name")
		else
			rm -f "$STATE/pids/$name"
		fi
	done
	for name in "${ended[@]}"; do
		wait_for "$name to end" 10 not_running "$name"
		rm -f "$STATE/pids/$name"
	done
}

# A zombie has ended; whoever is its parent reaps it.
is_zombie() {
	grep -q '^State:[[:space:]]*Z' "/proc/$1/status" 2>/dev/null
}

not_running() {
	! is_running "$1"
}

# wait_for WHAT SECONDS COMMAND...: until COMMAND succeeds; an error that says what was waited for.
wait_for() {
	local what=$1 seconds=$2 deadline
	shift 2
	deadline=$((${EPOCHREALTIME/./} + seconds * 1000000))
	until "$@" >/dev/null 2>&1; do
		if ((${EPOCHREALTIME/./} > deadline)); then
			fail "waited ${seconds} s for $what, in vain"
		fi
		sleep 0.05
	done
}
