# shellcheck shell=bash
# Somebody else's hand. ipvsadm -w 0 in an emergency becomes an operator's hold, which
# survives kill -9 and a reload and ends when the weight is set back by hand, or at its
# time; any other weight is put right. What was set to 0 while nobody looked is a hold
# too. drift = repair, adopt and report do as they say. A script that fights is told
# after three rounds, and left alone; a server that dies meanwhile goes to 0 all the same.
#
# peers: nginx ipvsadm
# deadline: 240
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"

topology masq 3 || exit
for i in 1 2 3; do rs_start $i || exit; done

# config [LINE...]: more lines of the service.
config() {
	cat <<-INI
		[agent]
		state_dir = $RUN/state
		reconcile_interval = 1s

		[service web]
		address = tcp://$VIP:80
		forward = masq
		probe = port
		realserver = web1 10.1.0.11
		realserver = web2 10.1.0.12
		realserver = web3 10.1.0.13
		$(printf '%s\n' "$@")

		[probe port]
		url = tcp://:80
		interval = 500ms
		timeout = 400ms
		fall = 2
	INI
}
weights() {
	in_director ipvsadm -Ln | awk '$1 == "->" && $2 ~ /^10/ { print $2, $4 }' | sort |
		awk '{ printf "%s ", $2 }'
}
weights_are() { [ "$(weights)" = "$1" ]; }
set_weight() { in_director ipvsadm -e -t "$VIP:80" -r "$(rs_ip "$1"):80" -m -w "$2"; }
hold_since() {
	metric "ipvs_hold_since_timestamp_seconds{realserver=\"web$1\",class=\"operator\",holder=\"ipvsadm\"}"
}
is_held() { [ -n "$(hold_since "$1")" ]; }
not_held() { metric ipvs_agent_drift_total >/dev/null && ! is_held "$1"; }
passed_again() { [ "$(metric ipvs_agent_reconciles_total)" -ge "$passes" ]; }
two_passes() {
	passes=$(($(metric ipvs_agent_reconciles_total) + 2))
	await 20 passed_again
}
drifted() { [ "$(metric ipvs_agent_drift_total)" -ge "$1" ]; }
writes() { metric ipvs_agent_kernel_writes_total | awk '{ n += $1 } END { print n + 0 }'; }

ok "the agent starts" agent_start <<<"$(config)"
ok "all serve" await 15 weights_are "100 100 100 "
ok "traffic through all" in_client bash -c "for i in 1 2 3 4 5 6; do curl -sf -m 5 http://$VIP/ || exit; done"

# auto: a 0 is a hold.
ok "somebody drains web2 with ipvsadm" set_weight 2 0
ok "it is an operator's hold" await 10 is_held 2
ok "two passes" two_passes
is "$(weights)" "100 0 100 " "and is not fought"
explained=$(agent explain web/web2)
like "$explained" 'operator ipvsadm .*until .*somebody set weight 0 in the kernel' "explain tells it"
like "$(agent status)" 'web2 .*ipvsadm' "so does status"
is "$(metric ipvs_agent_drift_adopted_total)" 1 "and it is counted"
since=$(hold_since 2)

ok "somebody sets another weight" set_weight 1 5
ok "which is put right" await 10 weights_are "100 0 100 "

agent_kill9
ok "kill -9, and a start" agent_start
is "$(hold_since 2)" "$since" "the hold is the same one"
ok "two passes" two_passes
is "$(weights)" "100 0 100 " "and web2 stays at 0"
is "$(writes)" 0 "nothing was written"
ok "a reload" agent_reload
ok "two passes" two_passes
is "$(weights)" "100 0 100 " "web2 stays at 0"

ok "somebody sets it back by hand" set_weight 2 100
ok "the hold ends" await 10 not_held 2
ok "two passes" two_passes
is "$(weights)" "100 100 100 " "web2 serves"
is "$(writes)" 0 "as his hand left it"
like "$(agent_log 'hold released' | tail -n 1)" 'realserver=web2 .*set the weight back' "the log says so"

# While nobody looks.
agent_kill9
ok "somebody drains web3 while the agent is away" set_weight 3 0
ok "the agent starts" agent_start
ok "that is a hold as well" await 10 is_held 3
up() { metric_is "ipvs_probe_up{realserver=\"web$1\"}" 1; }
ok "web3 is seen up" await 15 up 3
ok "two passes" two_passes
is "$(weights)" "100 100 0 " "and stays at 0"
ok "it is set back" set_weight 3 100
ok "the hold ends" await 10 not_held 3

# An end of its own.
ok "drift_ttl = 3s" agent_reload <<<"$(config 'drift_ttl = 3s')"
ok "somebody drains web2" set_weight 2 0
ok "it is a hold" await 10 is_held 2
ok "its time ends it" await 15 weights_are "100 100 100 "
not_ok "it is gone" is_held 2
like "$(agent_log 'hold released' | tail -n 1)" 'realserver=web2 .*its time is over' "the log says so"

# adopt: any lower weight.
ok "drift = adopt" agent_reload <<<"$(config 'drift = adopt')"
ok "somebody sets 30" set_weight 1 30
ok "it is a hold" await 10 is_held 1
ok "two passes" two_passes
is "$(weights)" "30 100 100 " "of that weight"
ok "somebody sets 200" set_weight 2 200
ok "that is put right: a hold never raises" await 10 weights_are "30 100 100 "
ok "30 is set back" set_weight 1 100
ok "the hold ends" await 10 not_held 1

# report: hands off.
ok "drift = report" agent_reload <<<"$(config 'drift = report')"
ok "two passes" two_passes
from=$(metric ipvs_agent_drift_total)
ok "somebody sets 0" set_weight 2 0
ok "somebody sets 5" set_weight 1 5
ok "both are counted" await 10 drifted $((from + 2))
ok "two passes" two_passes
ok "a reload" agent_reload
ok "two passes" two_passes
is "$(weights)" "5 0 100 " "neither is touched"
is "$(metric ipvs_agent_drift_total)" $((from + 2)) "each was counted once"
not_ok "no hold" is_held 2
like "$(agent explain web/web1)" 'weight 5.*only reported' "explain tells it"

# repair: always put right; and a script that fights.
ok "drift = repair" agent_reload <<<"$(config 'drift = repair')"
ok "both are put right" await 10 weights_are "100 100 100 "
ok "somebody sets 0" set_weight 3 0
ok "it is put right" await 10 weights_are "100 100 100 "
(while sleep 0.2; do set_weight 3 7; done) &
script=$!
stopped() { metric_is ipvs_agent_drift_stopped "$1"; }
ok "a script fights for web3: left alone" await 30 stopped 1
like "$(agent_log 'there is another writer')" 'realserver=10.1.0.13:80' "the log says so"
kill $script
wait $script 2>/dev/null
ok "its last word" set_weight 3 7
ok "two passes" two_passes
ok "two more" two_passes
is "$(weights)" "100 100 7 " "is left alone"
like "$(agent explain web/web3)" 'another writer' "explain tells it"
ok "the others are put right still: somebody sets 9" set_weight 1 9
ok "put right" await 10 weights_are "100 100 7 "
ok "web3 dies" rs_stop 3
ok "and goes to 0 all the same" await 15 weights_are "100 100 0 "
ok "the stop stands" stopped 1

done_testing
