# shellcheck shell=bash
# Two realservers are too few for the correlated brake. A canary behind the same interface
# tells that the way there is cut: the cable is pulled, both probes fail, and neither is
# taken down; it is put back, and all is as before. A server that dies while the canary
# answers is held as ever, and so is one whose canary died, as another server proves the way.
#
# peers: nginx
# deadline: 120
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../rules.sh disable=SC1091
. "$(dirname "$0")/../rules.sh"

# shellcheck disable=SC2034 # read by rules.sh
COUNT=2

# The canary is asked more often: it knows before the second failure of a server.
config() {
	web_ini $COUNT "scheduler = wrr"
	probe_ini port | sed 's/^interval = .*/interval = 1s/; s/^timeout = .*/timeout = 900ms/'
	probe_ini quick
	printf '[canary gw]\naddress = %s:80\nprobe = quick\n' "$(rs_ip 3)"
}

cable() { ip -n "$NS-lan" link set dir "$1"; }
canary_is() { metric_is 'ipvs_canary_up{canary="gw"}' "$1"; }
doubts() {
	metric "ipvs_probe_failures_total{realserver=\"web$1\",reason=\"local-canary\"}" |
		awk '{ n += $1 } END { print n + 0 }'
}
status_says() { agent status | grep -F "$1" >/dev/null; }
status_is_content() { ! status_says 'no canary'; }
has_doubts() { [ "$(doubts "$1")" -ge 3 ]; }

topology masq 3 || exit
for i in 1 2 3; do
	rs_start $i || exit
done
ok "the agent starts" agent_start < <(config)
ok "both are up" await 15 verdicts_are 1 1 2
ok "the canary answers" await 15 canary_is 1
settles "100 100" "both serve"

cable down
ok "cut: the canary is silent" await 15 canary_is 0
for i in 1 2; do
	ok "cut: what web$i does not say is put down to the way" await 20 has_doubts $i
done
ok "cut: both verdicts stay" verdicts_are 1 1 2
is "$(detected probe-down) $(holds)" "0 0" "cut: no rule fires, and nothing is held"
is "$(weights)" "100 100" "cut: both serve"
ok "cut: explain says why" explains web/web1 'none of its interface.s canaries answers'
like "$(agent_log 'msg="no canary answers')" 'interface=eth1' "cut: the log says where"
ok "cut: status says so" await 5 status_says 'no canary answers behind eth1'
cable up
ok "whole: the canary answers" await 15 canary_is 1
ok "whole: status has nothing to say of it" await 5 status_is_content

rs_stop 2
settles "100 0" "one that dies then is held" 15
rs_start 2 || exit
settles "100 100" "and comes back" 15

rs_stop 3
ok "the canary dies" await 15 canary_is 0
rs_stop 2
settles "100 0" "one that dies is held all the same: the other one answers" 15

done_testing
