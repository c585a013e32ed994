# shellcheck shell=bash
# [sysctl]: what the file names is set, and nothing else; what somebody changes is put
# right; what was there before is put back when a key leaves the file, and by on_exit =
# remove, also when a kill -9 came in between. What somebody has set since is left alone.
#
# peers: ipvsadm
# deadline: 120
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"

config() {
	cat <<CONFIG
[agent]
state_dir = $RUN/state
reconcile_interval = 1s
on_exit = ${1:-keep}

[sysctl]
${2-ip_forward = on
expire_nodest_conn = on
conntrack = on
sync_threshold = 5 60
rp_filter = eth1 2
tcp_timeout = 20m
udp_timeout = 1m}

[service web]
address = tcp://$VIP:80
forward = masq
realserver = web1 $(rs_ip 1)
CONFIG
}

# All of them, and two that nobody names.
values() {
	in_director sh -c 'cd /proc/sys/net/ipv4 && cat ip_forward vs/expire_nodest_conn vs/conntrack \
		vs/sync_threshold conf/eth1/rp_filter vs/expire_quiescent_template conf/eth0/rp_filter' |
		tr '\t\n' '  '
	in_director ipvsadm -L --timeout | sed 's/.*: //'
}
values_are() { [ "$(values)" = "$1" ]; }
recorded() { cut -sf 1 "$RUN/state/sysctl" | sort | tr '\n' ' '; }

topology masq 1 || exit
modprobe -q ip_vs
before="1 0 0 3 50 0 0 0 900 120 300"
during="1 1 1 5 60 2 0 0 1200 120 60"
is "$(values)" "$before" "a kernel as it comes"

agent_config < <(config)
plan=$(agent plan)
is $? 2 "plan: something would change"
diag "$plan"
like "$plan" '~ net.ipv4.vs.expire_nodest_conn 0 → 1' "a sysctl"
like "$plan" '~ tcp_timeout 900 → 1200' "a timeout"
is "$(grep -c ip_forward <<<"$plan")" 0 "not what is as it should be"
is "$(values)" "$before" "and plan changes none of it"

ok "the agent starts" agent_start
ok "all are set" await 10 values_are "$during"
is "$(recorded)" "net/ipv4/conf/eth1/rp_filter net/ipv4/vs/conntrack \
net/ipv4/vs/expire_nodest_conn net/ipv4/vs/sync_threshold timeout/tcp timeout/udp " \
	"what was written is recorded, what was right is not"
is "$(agent plan | grep -c '^~')" 0 "plan has nothing to change"

ns_set dir ipv4/vs/expire_nodest_conn=0 ipv4/vs/expire_quiescent_template=1
in_director ipvsadm --set 77 0 0
during="1 1 1 5 60 2 1 0 1200 120 60"
ok "what somebody changed is put right, what the file does not name is not" \
	await 10 values_are "$during"
told() { agent_log 'had been changed, put right.*net.ipv4.vs.expire_nodest_conn'; }
ok "the log says so" await 5 told
ok "so do the metrics" await 5 metric_is ipvs_agent_sysctl_drift_total 2

agent_kill9
is "$(values)" "$during" "kill -9 changes nothing"
ok "it starts again, with a key less" agent_start < <(config keep "expire_nodest_conn = on
sync_threshold = 5 60
tcp_timeout = 20m
udp_timeout = 1m")
ok "what left the file is as it was before the kill" await 10 \
	values_are "1 1 0 5 60 0 1 0 1200 120 60"

# Somebody sets it while nobody looks.
agent_kill9
ns_set dir "ipv4/vs/sync_threshold=7 70"
ok "it starts again, without [sysctl]'s keys" agent_start < <(config remove "")
ok "all is as it was, but for what somebody has set since" await 10 \
	values_are "1 0 0 7 70 0 1 0 900 120 300"
is "$(recorded)" "" "nothing is recorded any more"

ok "on_exit = remove" agent_reload < <(config remove)
ok "all are set again" await 10 values_are "1 1 1 5 60 2 1 0 1200 120 60"
agent_kill9
ok "after another kill -9 it starts" agent_start
ok "and stops" agent_stop
is "$(values)" "1 0 0 7 70 0 1 0 900 120 300" "everything is as it was before"

# What cannot be: once in the log, and the others are set all the same.
ok "a setting of an interface that is not there" agent_start < <(
	config remove "rp_filter = eth7 2
conntrack = on")
ok "the other one is set" await 10 values_are "1 0 1 7 70 0 1 0 900 120 300"
failed_again() { [ "$(metric ipvs_agent_sysctl_failures_total)" -ge 3 ]; }
ok "a few readings later" await 15 failed_again
is "$(agent_log 'could not be set.*eth7' | wc -l)" 1 "the log says it once"

done_testing
