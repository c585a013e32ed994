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

INTERVAL=1000 TIMEOUT=700 FALL=3 RISE=2
PATIENCE=$(scaled 750)

config() {
	cat <<-INI
		[service web]
		address = tcp://$VIP:80
		scheduler = wrr
		forward = $1
		probe = health
		realserver = web1 $(rs_ip 1)
		realserver = web2 $(rs_ip 2)
		realserver = web3 $(rs_ip 3)

		[probe health]
		url = http://www.example.net/healthz
		interval = ${INTERVAL}ms
		timeout = ${TIMEOUT}ms
		rise = $RISE
		fall = $FALL
		expect_status = 200
	INI
}

probe() { metric_is "ipvs_probe_up{ipvs_service=\"web\",realserver=\"web$1\"}" "$2"; }

# In the kernel: the fourth word of a realserver's line is its weight.
kernel_weights() {
	in_director cat /proc/net/ip_vs | awk '$1 == "->" && $2 ~ /:[0-9A-F]/ { print $4 }' | tr '\n' ' '
}

all_in() { [ "$(kernel_weights)" = "100 100 100 " ]; }

held() {
	metric "ipvs_hold_since_timestamp_seconds{ipvs_service=\"web\",realserver=\"web$1\",class=\"rule\",holder=\"probe-down\"}"
}

is_held() { [ -n "$(held "$1")" ]; }
not_held() { [ -z "$(held "$1")" ]; }

# Established connections (those with an answer) that were cut, but for rsN's.
cut_elsewhere() {
	local i sum=0

	for i in 1 2 3; do
		[ "$i" = "$2" ] || sum=$((sum + $(traffic_figure "$1" "cut_rs$i")))
	done
	echo $sum
}

# Attempts of web N that timed out while the agent itself stood still, as happens
# on a crowded emulator. They count neither as bad nor as good, by design.
stalls() {
	metric "ipvs_probe_failures_total{realserver=\"web$1\",reason=\"local-stall\"}" |
		awk '{ n += $1 } END { print n + 0 }'
}

# breaks NAME N COMMAND...: does it, and web N goes to 0 in time, counted from then.
breaks() {
	local name=$1 n=$2 from took stood limit
	shift 2

	stood=$(stalls "$n")
	watch_weight "$name" "$(rs_ip "$n")" 80 0
	from=$(now_ms)
	"$@"
	ok "$name: the kernel quiesces web$n" await 10 watched "$name"
	took=$(($(watched "$name") - from))
	stood=$(($(stalls "$n") - stood))
	limit=$((FALL * INTERVAL + TIMEOUT + $(scaled 500) + stood * INTERVAL))
	diag "$name: weight 0 after $took ms; allowed: $FALL x $INTERVAL + $TIMEOUT + $(scaled 500)$(
		[ $stood = 0 ] || echo " + $stood stalled x $INTERVAL")"
	at_most "$took" "$limit" "$name: in time"
	ok "$name: it took $FALL probes, not fewer" [ "$took" -ge $(((FALL - 1) * INTERVAL * 9 / 10)) ]
}

# mends NAME N COMMAND...: does it, and web N has its weight after RISE good probes.
mends() {
	local name=$1 n=$2 from mended limit=$((RISE * INTERVAL + TIMEOUT + $(scaled 500)))
	shift 2

	watch_weight "$name-up" "$(rs_ip "$n")" 80 100
	from=$(now_ms)
	"$@"
	mended=$(now_ms)
	ok "$name: web$n comes back" await 10 watched "$name-up"
	diag "$name: weight 100 after $(($(watched "$name-up") - from)) ms; allowed:" \
		"  $((mended - from)) to start it + $RISE x $INTERVAL + $TIMEOUT + $(scaled 500)"
	at_most $(($(watched "$name-up") - mended)) "$limit" "$name: back in time"
	ok "$name: not before $RISE good probes" \
		[ $(($(watched "$name-up") - from)) -ge $(((RISE - 1) * INTERVAL * 9 / 10)) ]
	ok "$name: the hold is gone" await 5 not_held "$n"
}

# A request may have been sent to the dead server just before the quiesce; after
# the client's timeout it is over.
in_flight_over() { [ "$(now_ms)" -gt "$1" ]; }

# goes_on NAME: after the quiesce, forty more answers and no failure.
goes_on() {
	local failed answered

	await 10 in_flight_over $(($(watched "$1") + PATIENCE + 1000))
	failed=$(traffic_figure "$1" failed)
	answered=$(traffic_figure "$1" ok)
	ok "$1: traffic goes on" await 20 traffic_has "$1" $((answered + 40))
	is "$(($(traffic_figure "$1" failed) - failed))" 0 "$1: without a failure"
}

# A round of plain killing; the service has METHOD already.
kill_round() {
	local name=$1 served

	ok "$name: all three are in" await 10 all_in
	# shellcheck disable=SC2016 # expands inside
	is "$(in_client bash -c 'for i in 1 2 3; do curl -s -m 20 "$1"; done' sh "http://$VIP/" |
		sort | tr '\n' ' ')" "rs1 rs2 rs3 " "$name: all three answer"
	traffic_start "$name" -r 20 -t "$PATIENCE" -l 6 -i 250 -w 1 -v "$VIP" 80
	ok "$name: traffic flows" await 15 traffic_has "$name" 30
	breaks "$name" 2 rs_stop 2
	goes_on "$name"
	is "$(cut_elsewhere "$name" 2)" 0 "$name: no connection to another server was cut"
	like "$(traffic_figure "$name" cut_rs2)" "^[1-9]" "$name: those to the dead one were"
	ok "$name: the hold is exported" await 5 is_held 2
	mends "$name" 2 rs_start 2
	served=$(traffic_figure "$name" rs2)
	ok "$name: web2 serves again" await 10 eval "[ \$(traffic_figure $name rs2) -gt $served ]"
	traffic_stop "$name"
	diag "$(tail -n 1 "$RUN/traffic.$name")"
}

topology masq 3 || exit
for i in 1 2 3; do
	rs_start "$i" || exit
done
ok "the agent starts" agent_start < <(config masq)
for i in 1 2 3; do
	ok "web$i is up" await 10 probe "$i" 1
done

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
	freeze) undo=rs_thaw reason='answer-timeout' ;;
	cut) undo=rs_join reason='connect-(timeout|unreachable)' ;;
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
