# shellcheck shell=bash
# A director with everything wrong at once: sysctls, modules, an address, routes, limits,
# the clock, a full disk, two other writers. `ipvs-agent doctor` finds each, and is silent
# about it when the very command that it printed was carried out.
#
# peers: keepalived ipvsadm
# deadline: 120
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"

# It meddles with the clock and with modules.
[ "${GUEST_MODE:-}" = qemu ] || skip_all "only in a guest"

# The guest's modprobe removes a module with those that it alone needed.
no_ip_vs() {
	awk '$1 ~ /^ip_vs_/ { print $1 }' /proc/modules | xargs -r -n 1 modprobe -r
	! grep -q '^ip_vs ' /proc/modules || modprobe -r ip_vs
	! grep -q '^ip_vs ' /proc/modules
} 2>/dev/null

# What sets the clock on a machine that has an NTP client: here it says that one has.
mkdir -p "$RUN/bin"
cat >"$RUN/bin/timedatectl" <<'PERL'
#!/usr/bin/perl
# adjtimex(2): ADJ_STATUS | ADJ_MAXERROR, no error, nothing unsynchronised
my $t = pack("I x4 q5", 0x14, 0, 0, 0, 0, 0) . "\0" x 200;
exit(syscall(159, $t) == -1);
PERL
chmod +x "$RUN/bin/timedatectl"
chmod 755 "$RUN"

# doctor NAME: its report is $RUN/NAME; its exit status.
doctor() { agent doctor >"$RUN/$1" 2>"$RUN/$1.err"; }
finds() { grep -qE "^(error|warning|note) +$2: " "$RUN/$1"; }
# mend: runs each command of a report: the third line of each finding.
mend() {
	awk '/^(error|warning|note) / { getline; getline; sub(/^ +/, ""); print }' "$RUN/$1" |
		while read -r command; do
			echo "+ $command"
			in_director env "PATH=$RUN/bin:$PATH" bash -c "$command" </dev/null || exit
		done
}

topology masq 1 && rs_add 2 route && rs_add 3 tunnel || exit
ok "ip_vs is not there" await 15 no_ip_vs
agent_config <<CONFIG
[agent]
state_dir = $RUN/state
reconcile_interval = 1s
journal = off

[defaults]
probe = plain

[service web]
address = tcp://$VIP:80
forward = masq
persistence = 5m
realserver = web1 $(rs_ip 1)

[service six]
address = tcp://[$VIP6]:80
forward = masq
realserver = six1 $(rs_ip6 1)

[service ftp]
address = tcp://$VIP:21
forward = masq
realserver = ftp1 $(rs_ip 1)

[service arm]
address = tcp://10.1.0.100:80
forward = masq
realserver = arm1 $(rs_ip 1)

[service direct]
address = tcp://$VIP:81
scheduler = mh
scheduler_flags = mh-fallback
forward = route
probe = through
realserver = dr2 $(rs_ip 2)

[service far]
address = tcp://$VIP:82
forward = tunnel
realserver = tun3 $(rs_ip 3)

[service gone]
address = tcp://10.9.0.102:80
forward = masq
realserver = gone1 $(rs_ip 1)

[service self]
address = tcp://10.9.0.101:80
forward = route
realserver = me 10.1.0.1

[probe plain]
url = tcp://
interval = 5s

[probe through]
url = tcp://
via = forward
CONFIG

# Before anything runs.
doctor before
is $? 2 "without ip_vs: errors"
ok "ip_vs is missing" finds before ip-vs
ok "state_dir is there" eval '! finds before state-dir'
rmdir "$RUN/state"
doctor before
ok "and is missing when it is" finds before state-dir
ok "no agent is running" finds before agent
grep -E -A 2 '^error +(ip-vs|state-dir)' "$RUN/before" >"$RUN/two"
ok "both are mended as it says" mend two
doctor before
ok "it is silent about ip_vs" eval '! finds before ip-vs'
ok "and about state_dir" eval '! finds before state-dir'

mount -t tmpfs -o size=200k,mode=750 state "$RUN/state"
ok "the agent starts" agent_start

# Everything else.
modprobe -r ip_vs_ftp 2>/dev/null
modprobe nf_nat
ip -n "$NS-dir" -batch - <<-BATCH
	address add 10.1.0.100/32 dev eth1
	address add 10.9.0.101/32 dev lo
	route add default via 10.1.0.2 dev eth1
	route add $(rs_ip 2)/32 via 10.1.0.2
BATCH
ns_set dir ipv4/ip_forward=0 ipv6/conf/all/forwarding=0 ipv4/conf/eth0/rp_filter=1 \
	ipv4/conf/eth1/rp_filter=1 ipv4/conf/eth1/accept_local=0 ipv4/conf/all/send_redirects=1 \
	"ipv4/ip_local_port_range=40000 40009" \
	ipv4/vs/conn_reuse_mode=0 ipv4/vs/drop_entry=3 ipv4/vs/drop_packet=3 \
	ipv4/vs/secure_tcp=3 ipv4/vs/run_estimation=0
prlimit --pid "$AGENT_PID" --nofile=60:60
cp "$(command -v sleep)" "$RUN/bin/ldirectord"
ip netns exec "$NS-dir" "$RUN/bin/ldirectord" 600 &
disown
cat >"$RUN/keepalived.conf" <<-CONF
	virtual_server 10.9.0.77 80 {
		lb_algo rr
		lb_kind NAT
		protocol TCP
	}
CONF
ip netns exec "$NS-dir" keepalived -n -l -C -f "$RUN/keepalived.conf" \
	-p "$RUN/keepalived.pid" -c "$RUN/checkers.pid" >"$RUN/keepalived.log" 2>&1 &
disown
ok "keepalived runs" await 10 test -s "$RUN/checkers.pid"

faults="ftp ip-forward ip-forward6 vip arp rp-filter way-back send-redirects on-link tunnel-mtu
ports expire-nodest expire-quiescent conn-reuse netfilter sloppy-tcp drop-entry
drop-packet secure-tcp estimation files state-room clock writer"
doctor planted
is $? 2 "with everything wrong: errors"
diag "$(tail -n 1 "$RUN/planted")"
for fault in $faults; do
	ok "$fault is found" finds planted "$fault"
done
is "$(grep -cE '^warning +writer: ' "$RUN/planted")" 2 "both writers are"
not_ok "nothing but what was planted" eval \
	"grep -E '^(error|warning|note) ' '$RUN/planted' | grep -vE \" (${faults//[[:space:]]/|}): \""
names="import json, sys
print(*sorted({f['check'] for f in json.load(sys.stdin)['findings']}))"
is "$(agent doctor --json | /usr/bin/python3 -c "$names")" \
	"$(tr ' ' '\n' <<<"$faults" | sort -u | paste -sd ' ')" "--json says the same"

# Who may not look says so.
like "$(in_director setpriv --reuid 65534 --clear-groups "$AGENT" doctor -c "$RUN/agent.ini")" \
	'could not be looked at' "without root it says what it could not look at"

ok "all is mended as it says" mend planted
quiet() { doctor mended; }
ok "afterwards nothing is wrong" await 10 quiet
for fault in $faults; do
	ok "it is silent about $fault" eval "! finds mended $fault"
done
diag "$(cat "$RUN/mended")"

# The table of neighbours is the whole kernel's: it is looked at where it is.
echo 4 >/proc/sys/net/ipv4/neigh/default/gc_thresh3
outside() { "$AGENT" doctor -c "$RUN/agent.ini" >"$RUN/outside"; }
outside
ok "neighbours is found" finds outside neighbours
grep -A 2 ' neighbours: ' "$RUN/outside" >"$RUN/table"
ok "it is mended as it says" bash -c "$(sed -n '3s/^ *//p' "$RUN/table")"
outside
ok "it is silent about neighbours" eval '! finds outside neighbours'

# A cable.
ns_set dir ipv6/conf/eth1/keep_addr_on_down=1
ip -n "$NS-dir" link set eth1 down
doctor down
ok "no-route is found" finds down no-route
like "$(cat "$RUN/down")" 'ip link set up dev eth1' "and what mends it"
in_director ip link set up dev eth1
doctor up
ok "it is silent about no-route" eval '! finds up no-route'

agent_stop
umount -l "$RUN/state"
done_testing
