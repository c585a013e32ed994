# shellcheck shell=bash
# Taking over from keepalived. It manages the table, has found two servers dead
# and set them to 0 (inhibit_on_failure), and is killed with its table left. The
# agent takes over the same services: it writes nothing at all, the two stay at 0,
# before their first verdict and after it, the living one keeps its weight, its
# counters and its connections. One of the dead returns: it stays at 0 until its
# first good verdict, and one write puts it in.
#
# peers: keepalived nginx ipvsadm
# deadline: 90
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"

real_server() {
	cat <<-CONF
		real_server $1 80 {
			weight 100
			inhibit_on_failure
			TCP_CHECK {
				connect_timeout 1
				retry 0
				delay_before_retry 0
			}
		}
	CONF
}

keepalived_start() {
	cat >"$RUN/keepalived.conf" <<-CONF
		global_defs {
			router_id test
			vrrp_skip_check_adv_addr
		}
		virtual_server $VIP 80 {
			delay_loop 1
			lb_algo wrr
			lb_kind NAT
			protocol TCP
			$(for i in 1 2 3; do real_server "$(rs_ip $i)"; done)
		}
	CONF
	ip netns exec "$NS-dir" keepalived -n -l -D -C -f "$RUN/keepalived.conf" \
		-p "$RUN/keepalived.pid" -c "$RUN/checkers.pid" >"$RUN/keepalived.log" 2>&1 &
	keepalived=$!
	disown
}

# Parent and checker at once: neither has time to tidy up.
keepalived_kill() {
	# shellcheck disable=SC2046 # process ids
	kill -KILL $keepalived $(cat "/proc/$keepalived/task/$keepalived/children")
	await 5 keepalived_gone
}

keepalived_gone() { ! kill -0 "$keepalived" 2>/dev/null; }

# Weights by address.
weights() {
	in_director cat /proc/net/ip_vs |
		awk '$1 == "->" && $2 ~ /:[0-9A-F]/ { print $2, $4 }' | LC_ALL=C sort |
		awk '{ printf "%s ", $2 }'
}

weights_are() { [ "$(weights)" = "$1" ]; }

writes() {
	metric ipvs_agent_kernel_writes_total | awk '{ n += $1 } END { print n + 0 }'
}

# Counted when the kernel's answer has come, which is after the weight is there.
writes_are() { [ "$(writes)" = "$1" ]; }
ups_are() { [ "$(metrics | grep -c 'ipvs_probe_up{.*} 1$')" = "$1" ]; }

probe() { metric_is "ipvs_probe_up{ipvs_service=\"web\",realserver=\"web$1\"}" "$2"; }

attempts() {
	metric "ipvs_probe_attempts_total{ipvs_service=\"web\",realserver=\"web$1\"}"
}

connections() {
	in_director ipvsadm -Ln --stats --exact | awk -v rs="$(rs_ip 1):80" '$2 == rs { print $3 }'
}

topology masq 3 || exit
rs_start 1 || exit
keepalived_start
ok "keepalived has found the two dead servers" await 20 weights_are "100 0 0 " ||
	diag "$(weights)" "$(tail -n 20 "$RUN/keepalived.log")"
traffic_start steady -r 10 -t "$(scaled 1000)" -l 3 -i 250 -w 1 -v "$VIP" 80
ok "traffic flows through the living one" await 10 traffic_has steady 20
ok "keepalived is killed" keepalived_kill
is "$(weights)" "100 0 0 " "its table stays"
before=$(ipvs_table)
counted=$(connections)

# The first verdict is some attempts away: there is a while without one.
agent_config <<-INI
	[service web]
	address = tcp://$VIP:80
	scheduler = wrr
	forward = masq
	probe = health
	realserver = web1 $(rs_ip 1)
	realserver = web2 $(rs_ip 2)
	realserver = web3 $(rs_ip 3)

	[probe health]
	url = http://www.example.net/healthz
	interval = 1s
	timeout = 800ms
	rise = 2
	fall = 3
INI
watch_weight touched2 "$(rs_ip 2)" 80 100
watch_weight touched3 "$(rs_ip 3)" 80 100
ok "the agent takes over" agent_start
is "$(weights)" "100 0 0 " "ready, without a verdict on all: the dead ones are at 0"
for i in 2 3; do
	ok "web$i has its verdict: down" await 15 probe $i 0
done
ok "web1 is up" await 10 probe 1 1
is "$(weights)" "100 0 0 " "with verdicts: as before"
is "$(ipvs_table)" "$before" "no option of anything changed"
is "$(writes)" 0 "not one write to the kernel"
ok "the living one's counters went on" [ "$(connections)" -ge "$counted" ]

# One returns.
watch_weight back "$(rs_ip 2)" 80 100
from=$(now_ms)
rs_start 2 || exit
ok "web2 returns" await 15 watched back
diag "in the kernel after $(($(watched back) - from)) ms"
ok "not before a good verdict: two good probes" [ $(($(watched back) - from)) -ge 900 ]
is "$(weights)" "100 100 0 " "only web2"
ok "by one write" await 5 writes_are 1
not_ok "web3 was never raised" watched touched3
is "$(watched touched2 | wc -l)" 1 "web2 was raised"
ok "and not before its server was back" [ "$(watched touched2)" -ge "$from" ]
like "$(attempts 3)" '^[1-9]' "web3 was probed all the time"

# Again with no ledger: a living server which somebody left at 0, no verdict yet.
ok "the agent stops" agent_stop
rm -rf "$RUN/state"
mkdir "$RUN/state"
rs_start 3 || exit
watch_weight fresh "$(rs_ip 3)" 80 100
from=$(now_ms)
ok "the agent starts without a ledger" agent_start
ok "web3 comes in" await 15 watched fresh
ok "all are up by their probes" await 15 ups_are 3
ok "one write again" await 5 writes_are 1
traffic_stop steady
diag "$(tail -n 1 "$RUN/traffic.steady")"
is "$(traffic_figure steady cut)" 0 "no connection was cut in all that time"
is "$(traffic_figure steady failed)" 0 "no request failed"

done_testing
