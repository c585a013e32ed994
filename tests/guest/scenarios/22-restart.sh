# shellcheck shell=bash
# The process may go, what it decided stays. A restart by SIGTERM and one by kill -9
# write nothing and reset no counter; a dead server stays at 0 across it, held since
# the same moment, and is released by good probes. What left the file while the agent
# was stopped is removed, because the ledger knows that it is ours; what is not ours is
# not. on_exit = remove takes away our own and no more.
#
# peers: nginx ipvsadm
# deadline: 240
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"

topology masq 3 || exit
ok "nginx starts on rs1" rs_start 1
ok "nginx starts on rs2" rs_start 2
ok "a foreign service" in_director ipvsadm -R <<TABLE
-A -t 10.7.9.9:80 -s rr
-a -t 10.7.9.9:80 -r 10.1.0.21:80 -m -w 3
TABLE

config() {
	cat <<CONFIG
[agent]
state_dir = $RUN/state
reconcile_interval = 1s
on_exit = ${1:-keep}

[service web]
address = tcp://$VIP:80
scheduler = rr
forward = masq
probe = health
realserver = web1 10.1.0.11
realserver = web2 10.1.0.12
realserver = web3 10.1.0.13

[probe health]
url = http://www.example.net/healthz
interval = 500ms
timeout = 400ms
rise = 2
fall = 2
CONFIG
}
old="
[service old]
address = tcp://10.7.0.1:80
address = udp://10.7.0.1:80
realserver = old1 10.1.0.11
"

weights_are() {
	[ "$(in_director ipvsadm -Ln -t "$VIP:80" | awk '$1 == "->" && $2 ~ /^10/ { print $4 }' |
		tr '\n' ' ')" = "$1" ]
}
passed_again() { [ "$(metric ipvs_agent_reconciles_total)" -ge "$passes" ]; }
two_passes() {
	passes=$(($(metric ipvs_agent_reconciles_total) + 2))
	await 20 passed_again
}
held_since() { metric 'ipvs_hold_since_timestamp_seconds{realserver="web3",holder="probe-down"}'; }
up() { metric_is "ipvs_probe_up{realserver=\"$1\"}" 1; }
stats() { in_director ipvsadm -Ln --stats --exact; }

# same_after HOW: what must hold after a restart, whatever ended the one before.
same_after() {
	is "$(held_since)" "$since" "$1: web3 is held, since the same moment, before any verdict"
	ok "$1: web1 is seen up" await 15 up web1
	ok "$1: two passes" two_passes
	is "$(metric ipvs_agent_kernel_writes_total | sort -u)" 0 "$1: nothing was written"
	is "$(ipvs_table)" "$table" "$1: the table is as it was"
	is "$(stats)" "$stats" "$1: so are all counters"
	not_ok "$1: web3 was never above 0" watched never
	like "$(agent_log 'hold kept over the restart' | tail -n 1)" 'realserver=web3' "$1: the log says so"
}

ok "the agent starts" agent_start <<<"$(config)$old"
ok "web3 is down, the others serve" await 15 weights_are "100 100 0 "
is_held() { [ -n "$(held_since)" ]; }
ok "and web3 is held" await 5 is_held
ok "traffic" in_client bash -c "for i in 1 2 3 4; do curl -sf -m 5 http://$VIP/ || exit; done"
# The kernel adds its counters up every 2 seconds.
stand_still() {
	stats=$(stats)
	sleep 4
	[ "$(stats)" = "$stats" ] && grep -q "$VIP:80  *4 " <<<"$stats"
}
ok "its counters stand still" await 20 stand_still
since=$(held_since)
table=$(ipvs_table)
watch_weight never "$(rs_ip 3)" 80 100

ok "it ends by SIGTERM" agent_stop
is "$(ipvs_table)" "$table" "which leaves the table as it was"
ok "and starts again" agent_start
same_after SIGTERM
agent_kill9
ok "it starts again after kill -9" agent_start
same_after "kill -9"

ok "web3 comes" rs_start 3
ok "and is released" await 15 watched never
released() { ! is_held; }
ok "its hold is gone" await 5 released
is "$(agent_log 'msg="hold released".*realserver=web3' | wc -l)" 1 "and the log says so"

# Services that leave the file while nobody looks.
agent_kill9
ok "somebody makes a service" in_director ipvsadm -A -t 10.7.0.2:80 -s rr
ok "it starts without [service old]" agent_start <<<"$(config)"
old_gone() { ! ipvs_table | grep -q 10.7.0.1; }
ok "both of old's addresses are removed" await 15 old_gone
is "$(ipvs_table | grep '10\.7\.')" "-A -t 10.7.0.2:80 -s rr
-A -t 10.7.9.9:80 -s rr
-a -t 10.7.9.9:80 -r 10.1.0.21:80 -m -w 3" "what was never ours is not"
is "$(metric ipvs_agent_drift_total)" 0 "none of this is drift"

ok "on_exit = remove" agent_reload <<<"$(config remove)"
ok "it ends" agent_stop
is "$(ipvs_table)" "-A -t 10.7.0.2:80 -s rr
-A -t 10.7.9.9:80 -s rr
-a -t 10.7.9.9:80 -r 10.1.0.21:80 -m -w 3" "and took its own with it, and no more"
ok "it starts again" agent_start
ok "and makes its service anew" await 15 weights_are "100 100 100 "

done_testing
