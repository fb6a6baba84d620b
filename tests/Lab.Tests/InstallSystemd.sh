#!/usr/bin/env bash
# Boots a real systemd in a container over this machine's own files (nothing is written to them), installs into it, and
# runs the real units. Prints what it sees as lines `KEY VALUE`; InstallSystemdTests.cs judges.
# Usage: InstallSystemd.sh REPOSITORY PROGRAMS WORK_FOLDER
set -u
repository=$1 programs=$2 work=$3
machine=sunet-boot-$$ peer=sunet-peer-$$
nspawn=0 inside=0

cleanup() {
	if ((inside)); then
		nsenter -t "$inside" -a systemctl poweroff --force 2>/dev/null
	fi
	if ((nspawn)); then
		for ((i = 0; i < 100; i++)); do
			kill -0 "$nspawn" 2>/dev/null || break
			sleep 0.1
		done
		kill -KILL "$nspawn" 2>/dev/null
		wait "$nspawn" 2>/dev/null
	fi
	umount -l "$work/root" 2>/dev/null
	umount -l "$work/upper" 2>/dev/null
	ip netns del "$machine" 2>/dev/null
	ip netns del "$peer" 2>/dev/null
}
trap cleanup EXIT
trap 'exit 1' INT TERM

say() { printf '%s %s\n' "$1" "$(tr '\n' '|')"; }

# until_true TENTHS COMMAND...: true as soon as the command is.
until_true() {
	local tenths=$1
	shift
	for ((i = 0; i < tenths; i++)); do
		"$@" && return 0
		sleep 0.1
	done
	return 1
}

within() { nsenter -t "$inside" -a "$@"; }
pid() { within systemctl show -P MainPID softunicastd; }
program() { ip -n "$machine" -d link show eth0 | sed -n 's/.*prog\/xdp id \([0-9]*\).*/\1/p'; }
# Between two lives there is no process: 0 is nobody's, and a signal to it would be one to this process group.
is_another() {
	local now
	[[ $(within systemctl show -P ActiveState softunicastd) == active ]] && now=$(pid) && ((now > 1)) && [[ $now != "$1" ]]
}
booted() { inside=$(pgrep -P "$nspawn" | head -1) && [[ -n $inside ]] && within systemctl -q is-active basic.target 2>/dev/null; }

mkdir -p "$work/upper" "$work/root"
mount -t tmpfs tmpfs "$work/upper" && mkdir "$work/upper/files" "$work/upper/work" || exit 1
mount -t overlay -o "lowerdir=/,upperdir=$work/upper/files,workdir=$work/upper/work" overlay "$work/root" || exit 1
root=$work/root
rm -f "$root/usr/sbin/policy-rc.d"
rm -rf "$root/etc/softunicast" "$root/usr/local/lib/softunicast"

ip netns add "$machine" && ip netns add "$peer" || exit 1
for i in 0 1; do
	ip -n "$machine" link add "eth$i" type veth peer name "p$i" netns "$peer"
	ip -n "$machine" link set "eth$i" up
	ip -n "$peer" link set "p$i" up
done
ip -n "$machine" link set lo up
ip -n "$machine" addr add 10.1.0.2/24 dev eth1
ip -n "$machine" addr add 10.1.1.1/32 dev lo
ip -n "$machine" route add 10.0.0.0/8 via 10.1.0.1
ip -n "$peer" addr add 10.1.0.1/24 dev p1
ip -n "$peer" link set lo up
ip -n "$peer" route add 198.51.96.0/20 via 10.1.0.2

BINDIR=$programs "$repository/install" --root "$root" 2>&1 | say install
cat >"$root/etc/softunicast/fleet.yaml" <<'YAML'
fleet: { as: 64512 }
datacenters:
  ams: { endpoint: 10.255.1.0 }
servers:
  ams-1: { datacenter: ams, endpoint: 10.1.1.1 }
  ams-2: { datacenter: ams, endpoint: 10.1.1.2 }
pools:
  us: { prefix: 192.0.2.0/24, addresses: 192.0.2.1-192.0.2.3, slices-per-server: 8, datacenters: { ams: 1 } }
YAML
cat >"$root/etc/softunicast/softunicast.yaml" <<'YAML'
server: ams-1
interfaces:
  eth0: { role: internet }
  eth1: { role: backbone }
bgp:
  neighbours:
    - { address: 10.1.0.1, as: 64601, scopes: [internet, underlay] }
egress:
  nat:
    us: { sources: [10.88.0.0/16] }
dispatch:
  pools:
    web: { prefixes: [198.51.96.0/20] }
  labels:
    www: { users: [daemon] }
  bindings:
    - { label: www, protocol: tcp, prefix: 198.51.96.0/20, ports: [80, 443] }
YAML
cat >"$root/etc/systemd/system/www.socket" <<'UNIT'
[Socket]
ListenStream=0.0.0.0:8080
FileDescriptorName=www
UNIT
cp -r "$programs" "$root/usr/local/lib/traffic" # they may lie where the container has a folder of its own
cat >"$root/etc/systemd/system/www.service" <<'UNIT'
[Unit]
After=softunicastd.service
[Service]
User=daemon
ExecStart=/usr/local/bin/softunicastc register www --name www -- /usr/local/lib/traffic/softunicast-traffic serve --name www
UNIT
"$programs/softunicastc" plan --fleet "$root/etc/softunicast/fleet.yaml" --in-place >/dev/null
mkdir -p "$root/etc/systemd/system/gobgpd.service.d" "$root/etc/systemd/system/softunicastd.service.d"
cp "$root/usr/local/share/doc/softunicast/gobgpd.service.d/softunicast.conf" "$root/etc/systemd/system/gobgpd.service.d/"
printf '[Service]\nWatchdogSec=4\n' >"$root/etc/systemd/system/softunicastd.service.d/test.conf" # not to wait for 30 s

systemd-nspawn -q -D "$root" --register=no --keep-unit --boot --console=pipe --network-namespace-path="/run/netns/$machine" \
	--capability=CAP_BPF,CAP_NET_ADMIN,CAP_PERFMON,CAP_NET_RAW --system-call-filter="bpf perf_event_open" \
	systemd.unit=basic.target >"$work/console" 2>&1 </dev/null &
nspawn=$!
until_true 600 booted || {
	echo "boot failed: $(tail -5 "$work/console" | tr '\n' '|')"
	exit 1
}
within mount -t bpf bpf /sys/fs/bpf # on a server systemd does it at boot, in a container it does not
within systemd-sysusers
within systemctl daemon-reload

within systemctl start gobgpd 2>&1 | say gobgpd-start
within stat -c '%A %U %G' /run/gobgpd/gobgpd.sock | say gobgpd-socket
within systemctl start softunicastd 2>&1 | say start
within systemctl show -P ActiveState softunicastd | say state
within systemctl show -P StatusText softunicastd | say status-text
first=$(pid)
within grep -E '^(Uid|CapEff|NoNewPrivs|Seccomp):' "/proc/$first/status" | tr -s '\t' ' ' | say process
within id -u softunicast | say uid
within ls -ld /sys/fs/bpf/softunicast | cut -d' ' -f1,3,4 | say pins
[[ -n $(program) ]] && echo yes | say attached
within /usr/local/bin/softunicastc show status 2>&1 | say show
within setpriv --reuid=65534 --regid=65534 --clear-groups /usr/local/bin/softunicastc -r show status >/dev/null 2>&1
echo $? | say show-as-nobody
within setpriv --reuid=65534 --regid=65534 --clear-groups /usr/local/bin/softunicastc down >/dev/null 2>&1
echo $? | say down-as-nobody

# What slices for programs need of the unit's limits: state folder, guard, chooser, settings, nft, other users' processes.
setting() { ip netns exec "$machine" cat /proc/sys/net/ipv4/ip_local_port_range | tr '\t' ' '; }
egress() { within /usr/local/bin/softunicastc show status 2>/dev/null | grep '^egress '; }
hands_out() { egress | grep -q ' hands out '; }
until_true 100 hands_out
egress | say egress
within /usr/local/bin/softunicastc show status 2>&1 | say problems
within stat -c '%A %U %G' /var/lib/softunicast /var/lib/softunicast/attribution | say state-folder
within /usr/local/bin/softunicastc show guard 2>&1 | say guard
within /usr/local/bin/softunicastc show host 2>&1 | say host
setting | say range
within nft list tables 2>&1 | say tables
within systemd-run -q --pipe --wait /usr/local/bin/softunicastc exec --pool us -- sh -c 'sed -n s/^0:://p /proc/self/cgroup' 2>&1 | say exec
# A process of another user leases, and its lease ends with it.
within systemd-run -q --pipe --wait -p User=daemon -p Group=softunicast /usr/local/bin/softunicastc lease pool us 2>&1 | say lease
has_no_lease() { ! within /usr/local/bin/softunicastc show leases 2>/dev/null | grep -q ' lease '; }
until_true 100 has_no_lease && echo yes | say lease-ended
within /usr/local/bin/softunicastc verify-log 2>&1 | say log

# Socket activation: systemd passes the socket, softunicastc registers it and becomes the service.
asked() { ip netns exec "$peer" curl -s -m 5 "http://$1/" 2>&1; }
answers() { [[ $(asked 198.51.97.5:443) == www* ]]; }
cookies() { within /usr/local/bin/softunicastc --json show dispatch | sed -n 's/.*"cookie": \([0-9]*\).*/\1/p'; }
within systemctl start www.socket www.service 2>&1 | say service-start
until_true 100 answers
asked 198.51.97.5:443 | say answer
asked 198.51.111.255:80 | say other-answer
cookies | say cookies
within ip route show table local proto 213 | say local-prefix
within systemctl restart www.service 2>&1 | say service-restart
asked 198.51.97.6:443 | say answer-after-restart
until_true 100 eval '[[ -n $(cookies) ]]'
cookies | say cookies-after-restart
within setpriv --reuid=65534 --regid=65534 --clear-groups /usr/local/bin/softunicastc unregister www 2>&1 | say unregister-as-nobody

within systemctl reload softunicastd 2>&1 | say reload
is_another 0 && [[ $(pid) == "$first" ]] && echo yes | say same-process-after-reload

within kill -KILL "$first"
[[ -n $(program) ]] && echo yes | say attached-while-dead
asked 198.51.97.7:443 | say answer-while-dead
until_true 300 is_another "$first" && echo yes | say back-after-kill

second=$(pid)
((second > 1)) && within kill -STOP "$second"
until_true 600 is_another "$second" && echo yes | say back-after-hang
within journalctl -q --no-pager -u softunicastd | grep -c 'Watchdog timeout' | say watchdog

within systemctl stop softunicastd 2>&1 | say stop
[[ -n $(program) ]] && echo yes | say attached-after-stop

within systemctl start softunicastd
setting | say range-after-restart
until_true 100 hands_out
within /usr/local/bin/softunicastc down now 2>&1 | say down
is_down() { [[ $(within systemctl show -P ActiveState softunicastd) == inactive ]]; }
until_true 100 is_down && echo yes | say down-stays-down
setting | say range-after-down
within ip route show table local proto 213 | say local-prefix-after-down
within nft list tables 2>&1 | say tables-after-down
ip netns exec "$machine" tc filter show dev eth0 egress 2>&1 | say filters-after-down
within /usr/local/bin/softunicastc who 192.0.2.1:2048 2>&1 | say who-after-down

echo 'nonsense: true' >>"$root/etc/softunicast/softunicast.yaml"
before=$(within systemctl show -P NRestarts softunicastd)
within systemctl start softunicastd >/dev/null 2>&1
within systemctl show -P ExecMainStatus,ActiveState softunicastd | say broken-file
[[ $(within systemctl show -P NRestarts softunicastd) == "$before" ]] && echo yes | say not-restarted
echo done | say end
