# shellcheck shell=bash
# When too much fails at once, the fault is on our side. Six realservers which all live:
#  - the director's own link goes down: probes cannot tell, nothing is down
#  - its cable is pulled, and then the switch between it and the servers goes: every
#    probe times out, and the correlated brake refuses every hold, though a server
#    behind another interface answers all the time
# In none of these is anything held or written; metrics, log and explain say why; when
# the way is there again all is as before. One server that dies alone is held as ever.
#
# peers: nginx
# deadline: 150
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../rules.sh disable=SC1091
. "$(dirname "$0")/../rules.sh"

# shellcheck disable=SC2034 # read by rules.sh
COUNT=6
all="100 100 100 100 100 100"

config() {
	web_ini $COUNT "scheduler = wrr"
	printf '[service far]\naddress = tcp://%s:8080\nforward = masq\nprobe = port\n' "$VIP"
	echo "realserver = far 10.2.0.2:80"
	# Not as quick as elsewhere: between the first failure of one and the second, the
	# others have failed, too.
	probe_ini port | sed 's/^interval = .*/interval = 1s/; s/^timeout = .*/timeout = 900ms/'
}

# The switch: its ports to the realservers, at once.
switch() {
	local i

	for ((i = 1; i <= COUNT; i++)); do
		echo "link set rs$i $1"
	done | ip -n "$NS-lan" -batch -
}

cable() { ip -n "$NS-lan" link set dir "$1"; }
link() { ip -n "$NS-dir" link set eth1 "$1"; }

unknowns() {
	metric ipvs_probe_unknown | awk '{ n += $1 } END { print n + 0 }'
}
unknowns_are() { [ "$(unknowns)" = "$1" ]; }

correlated_grows() { [ "$(refused probe-down correlated)" -ge $((before + COUNT)) ]; }

# as_before NAME: once the way is there again. Nothing was held and nothing written.
as_before() {
	local name=$1

	ok "$name: over, all are seen up" await 20 verdicts_are 1 1 2 3 4 5 6
	ok "$name: and no rule fires" await 10 targets_are probe-down firing 0
	is "$(enforced probe-down) $(holds)" "0 0" "$name: nothing was held"
	is "$(writes)" "$written" "$name: nothing was written"
	is "$(weights)" "$all" "$name: all serve"
	# shellcheck disable=SC2016 # expands inside
	is "$(in_client bash -c 'for i in 1 2 3 4 5 6; do curl -s -m 10 "$1"; done' sh \
		"http://$VIP/" | sort | tr '\n' ' ')" "rs1 rs2 rs3 rs4 rs5 rs6 " "$name: and answer"
}

# doubted NAME TIMES: every verdict is down, and yet nothing is held. The brake lapses
# after 30 s: what must hold meanwhile is looked at without a pause.
doubted() {
	local name=$1 lines

	ok "$name: every probe fails, and each hold is refused" await 25 correlated_grows
	is "$(holds)" 0 "$name: nothing is held"
	ok "$name: though every verdict is down" verdicts_are 0 1 2 3 4 5 6
	is "$(weights)" "$all" "$name: every weight is as configured"
	ok "$name: explain says why" explains web/web4 \
		'rule probe-down fires .*guard correlated refuses'
	lines=$(agent_log 'msg="too many targets failed at once')
	like "$lines" 'level=warn' "$name: the log tells it"
	is "$(wc -l <<<"$lines")" "$2" "$name: once each time"
	like "$(agent_log 'msg="hold refused"' | tail -n 1)" 'guard=correlated' \
		"$name: and what was refused"
}

# far_away: a host of its own behind the director's third leg; started as realserver 7.
far_away() {
	ns_add rs7 || return
	ip -n "$NS-dir" -batch - <<-BATCH
		link add eth2 type veth peer name eth0 netns $NS-rs7
		address add 10.2.0.1/24 dev eth2
		link set eth2 up
	BATCH
	ip -n "$NS-rs7" -batch - <<-BATCH
		address add 10.2.0.2/24 dev eth0
		link set eth0 up
		route add default via 10.2.0.1
	BATCH
}

topology masq $COUNT && far_away || exit
for ((i = 1; i <= COUNT + 1; i++)); do
	rs_start $i || exit
done
ok "the agent starts" agent_start < <(config)
ok "all are up" await 15 verdicts_are 1 1 2 3 4 5 6
settles "$all" "all serve"
two_passes
written=$(writes)

link down
ok "link: no probe can tell" await 10 unknowns_are $COUNT
two_passes
ok "link: every verdict stays" verdicts_are 1 1 2 3 4 5 6
is "$(detected probe-down)" 0 "link: no rule has fired"
is "$(holds)" 0 "link: nothing is held"
is "$(weights)" "$all" "link: every weight is as configured"
ok "link: the reason is counted" test "$(
	metric 'ipvs_probe_failures_total{reason="local-route"}' | wc -l)" = $COUNT
ok "link: explain says so" explains web/web4 'could not tell'
like "$(agent_log 'msg="probe cannot tell' | tail -n 1)" 'reason=local-route' "link: the log, too"
link up
ok "link: back, probes can tell" await 15 unknowns_are 0
as_before link

before=$(refused probe-down correlated)
cable down
doubted cable 1
cable up
as_before cable

before=$(refused probe-down correlated)
switch down
doubted switch 2
switch up
as_before switch
is "$(logged_lines 'msg="the failure of many targets at once is over"')" 2 \
	"the log tells that it is over, each time"

rs_stop 3
settles "100 100 0 100 100 100" "one dies alone: it is held"
is "$(enforced probe-down)" 1 "by a rule that was not kept from it"
rs_start 3 || exit
settles "$all" "and comes back"

done_testing
