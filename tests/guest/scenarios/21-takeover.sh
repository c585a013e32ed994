# shellcheck shell=bash
# Somebody else's table. A table that ipvsadm-restore made for the same services is
# taken over without one write and without a counter reset, dead servers at 0
# included; what another hand changes, removes or adds in our services is put right
# within one interval and counted as drift; what the file does not name is shown and
# never touched.
#
# peers: nginx ipvsadm
# deadline: 240
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"

topology masq 2 || exit
ok "nginx starts on rs1" rs_start 1

# web2's host refuses connections, web3 is nowhere: both are at 0, as a predecessor
# that checked them left them.
ok "somebody's table is restored" in_director ipvsadm -R <<TABLE
-A -t $VIP:80 -s wlc
-a -t $VIP:80 -r 10.1.0.11:80 -m -w 100
-a -t $VIP:80 -r 10.1.0.12:80 -m -w 0
-a -t $VIP:80 -r 10.1.0.13:80 -m -w 0
-A -u 10.7.0.1:53 -s rr -o
-a -u 10.7.0.1:53 -r 10.1.0.11:53 -g -w 7
-a -u 10.7.0.1:53 -r 10.1.0.12:53 -g -w 9
-A -f 9 -s sh -b sh-port
-a -f 9 -r 10.1.0.11:0 -i --tun-type gue --tun-port 6080 --tun-csum -w 100 -x 10 -y 5
-A -t [fd07::1]:443 -s wrr -p 60 -M 64
-a -t [fd07::1]:443 -r [fd01::11]:443 -g -w 3
-A -t 10.7.9.9:80 -s rr
-a -t 10.7.9.9:80 -r 10.1.0.21:80 -m -w 3
TABLE
ok "traffic" in_client bash -c "for i in 1 2 3; do curl -sf -m 5 http://$VIP/ || exit; done"
stats() {
	in_director ipvsadm -Ln --stats --exact
}
# The kernel adds its counters up every 2 seconds.
stand_still() {
	stats=$(stats)
	sleep 4
	[ "$(stats)" = "$stats" ] && grep -q "$VIP:80  *3 " <<<"$stats"
}
ok "its counters stand still" await 20 stand_still
table=$(ipvs_table)

ok "the agent starts" agent_start <<CONFIG
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

[service dns]
address = udp://10.7.0.1:53
scheduler = rr
one_packet = on
realserver = dns1 10.1.0.11 weight=7
realserver = dns2 10.1.0.12 weight=9

[service mark]
address = fwmark://9
scheduler = sh
scheduler_flags = sh-port
forward = tunnel
tunnel = gue:6080 csum
realserver = a 10.1.0.11 upper=10 lower=5

[service six]
address = tcp://[fd07::1]:443
scheduler = wrr
persistence = 1m
persistence_netmask6 = 64
realserver = six1 fd01::11 weight=3

[probe port]
url = tcp://:80
interval = 500ms
timeout = 400ms
fall = 2
CONFIG

verdict() {
	metric_is "ipvs_probe_up{ipvs_service=\"web\",realserver=\"$1\"}" "$2"
}
passed_again() {
	[ "$(metric ipvs_agent_reconciles_total)" -ge "$passes" ]
}
# Two more readings and their writes, if any.
two_passes() {
	passes=$(($(metric ipvs_agent_reconciles_total) + 2))
	await 20 passed_again
}
holds() {
	metric 'ipvs_hold_since_timestamp_seconds{ipvs_service="web",class="rule"}' | wc -l
}
two_holds() { [ "$(holds)" = 2 ]; }

ok "web1 is seen up" await 15 verdict web1 1
ok "web2 is seen down" await 15 verdict web2 0
ok "web3 is seen down" await 15 verdict web3 0
ok "both are held" await 5 two_holds
ok "two passes" two_passes
metrics >"$RUN/exposition"
value() { series_values "$1" <"$RUN/exposition"; }
is "$(value ipvs_agent_kernel_writes_total | sort -u)" 0 "nothing was written"
is "$(value ipvs_agent_drift_total)" 0 "nothing is called drift"
is "$(ipvs_table)" "$table" "the table is as it was"
is "$(stats)" "$stats" "so are all counters"
like "$(value 'ipvs_service_connections_total{ipvs_service="web"}')" '^3(\.0)?$' "which are exported"
is "$(value 'ipvs_service_info{managed="false",ipvs_service="tcp://10.7.9.9:80",scheduler="rr"}')" 1 \
	"the foreign service is exported, by its address"
is "$(value 'ipvs_realserver_weight{ipvs_service="tcp://10.7.9.9:80"}')" 3 "and its realserver"
is "$(value 'ipvs_service_info{managed="true"}' | wc -l)" 4 "ours are managed ones"

# Another hand. drifts N: the count of drifts grew by N at least since the last time. A
# scrape may show a snapshot that is a second old, so it is waited for.
drift=0
grown() { now=$(metric ipvs_agent_drift_total) && [ $((now - drift)) -ge "$1" ]; }
drifts() {
	local now

	ok "counted as drift" await 5 grown "$1"
	drift=$now
}
put_back() { [ "$(ipvs_table | grep -v 10.7.9.9)" = "$ours" ]; }
ours=$(grep -v 10.7.9.9 <<<"$table")

# While the foreign service is somebody's to change.
ok "the foreign service is changed" in_director ipvsadm -e -t 10.7.9.9:80 -r 10.1.0.21:80 -m -w 9

ok "somebody sets a weight of 5" in_director ipvsadm -e -t "$VIP:80" -r 10.1.0.11:80 -m -w 5
watch_weight back 10.1.0.11 80 100
from=$(now_ms)
ok "it is put right" await 10 watched back
at_most "$(($(watched back) - from))" $((1000 + $(scaled 1000))) "within one interval"
drifts 1
like "$(agent_log 'somebody else changed' | tail -n 1)" 'address=tcp://10.9.0.100:80 realserver=10.1.0.11:80 .*want=100 found=5' \
	"and logged with who, what and how"

ok "somebody gives a held server a weight" in_director ipvsadm -e -t "$VIP:80" -r 10.1.0.12:80 -m -w 50
ok "it is at 0 again" await 10 put_back
drifts 1
ok "somebody deletes a realserver" in_director ipvsadm -d -u 10.7.0.1:53 -r 10.1.0.12:53
ok "it is back" await 10 put_back
drifts 1
ok "somebody deletes a service" in_director ipvsadm -D -t "[fd07::1]:443"
ok "it is back" await 10 put_back
drifts 1
ok "somebody edits a service" in_director ipvsadm -E -f 9 -s rr
ok "it is put right" await 10 put_back
drifts 1
ok "somebody flushes all of it" in_director ipvsadm -C
ok "ours is back" await 10 put_back
drifts 4
is "$(ipvs_table)" "$ours" "and the foreign service is not made again"

# An extra realserver is drained, and then removed. In a service that was just made
# again it is no drift yet: only a reading that finds all as it should be says so.
ok "two passes" two_passes
ok "somebody adds a realserver to ours" in_director ipvsadm -a -u 10.7.0.1:53 -r 10.1.0.77:53 -g -w 9
ok "it goes" await 10 put_back
drifts 1
like "$(metric 'ipvs_agent_kernel_writes_total{op="set_dest"}')" '^[3-9]$' "it went by way of weight 0"
is "$(metric 'ipvs_agent_kernel_writes_total{op="del_dest"}')" 1 "it was the only one to be deleted"

ok "a foreign service again" in_director ipvsadm -A -t 10.7.9.9:80 -s rr
ok "with a realserver" in_director ipvsadm -a -t 10.7.9.9:80 -r 10.1.0.21:80 -m -w 0
ok "two passes" two_passes
is "$(ipvs_table | grep 10.7.9.9)" "-A -t 10.7.9.9:80 -s rr
-a -t 10.7.9.9:80 -r 10.1.0.21:80 -m -w 0" "stays as it is"
is "$(metric ipvs_agent_kernel_write_failures_total | sort -u)" 0 "no write was refused"

done_testing
