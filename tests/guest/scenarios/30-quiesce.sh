# shellcheck shell=bash
# The main job under real traffic. Three nginx realservers behind one VIP; one is
# killed, one answers its health page with an error, one hangs, one loses its
# cable. Each time the kernel's weight is 0 within fall x interval + timeout and
# half a second (the half second grows with how slow this machine is), no
# connection to another server is cut, traffic goes on without a failure, metrics
# and explain name hold and reason, and the server is back after `rise` good
# probes, not after one. The kill again through direct routing, taken up by a
# reload.
#
# peers: nginx ipvsadm
# deadline: 300
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../kill.sh disable=SC1091
. "$(dirname "$0")/../kill.sh"

kill_topology masq
kill_round masq

# Its lasting connections outlive this, those of web3 among them: a
# quiesced server goes on serving those that it has.
traffic_start sick -r 20 -t "$PATIENCE" -l 6 -i 250 -w 1 -v "$VIP" 80
await 15 traffic_has sick 30
breaks sick 3 rs_sick 3
ok "sick: the metrics say weight 0" await 5 \
	metric_is 'ipvs_realserver_weight{ipvs_service="web",realserver="web3"}' 0
is "$(metric 'ipvs_probe_up{ipvs_service="web",realserver="web3"}')" 0 "sick: and probe down"
like "$(metric 'ipvs_probe_failures_total{realserver="web3",reason="answer-status"}')" \
	'^[3-9]$|^[1-9][0-9]+$' "sick: and count the reason"
is "$(metric 'ipvs_service_available{ipvs_service="web"}')" 2 "sick: two are available"
explained=$(agent explain web/web3)
like "$explained" 'rule probe-down.*503' "sick: explain names rule and status"
like "$explained" 'weight 0 of 100' "sick: and the weight"
like "$(agent_log 'msg="hold placed".*realserver=web3')" 'reason=.*503' "sick: the log too"
goes_on sick
is "$(traffic_figure sick cut)" 0 "sick: not one connection is cut, nor its own"
mends sick 3 rs_well 3
traffic_stop sick

# One that accepts and never answers, one without a cable.
for name in freeze cut; do
	breaks $name 1 "rs_$name" 1
	case $name in
	# The kernel keeps the frozen one's questions; thawed, it answers the last at once.
	freeze) undo=rs_thaw reason='answer-timeout' WAITING=$TIMEOUT ;;
	cut) undo=rs_join reason='connect-(timeout|unreachable)' WAITING=0 ;;
	esac
	like "$(metrics | grep -E "^ipvs_probe_failures_total\{.*web1.*reason=\"$reason\"")" ' [1-9]' \
		"$name: the reason is counted"
	ok "$name: and held" await 5 is_held 1
	mends $name 1 "$undo" 1
done

for i in 1 2 3; do
	ok "rs$i takes route" rs_method "$i" route
done
ok "reload to route" agent_reload < <(config route)
kill_round route

done_testing
