# shellcheck shell=bash
# Killing one realserver of three under traffic, and what must hold then. Sourced
# by the scenarios which do that by one forward method or another, after lib.sh.
# Returns are measured, so none is delayed: a server that falls again and again comes
# back later each time otherwise.
#
# The client has few ports, so it uses each again while the director still knows
# the connection before: with expire_nodest_conn such a client is sent to a server
# that is there, without it to the dead one, by route and tunnel for two minutes.

INTERVAL=1000 TIMEOUT=700 FALL=3 RISE=2
PATIENCE=$(scaled 750)

config() {
	cat <<-INI
		[service web]
		address = tcp://$VIP:80
		scheduler = wrr
		forward = $1
		probe = health
		flap_max = 0s
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
# WAITING: for how long (ms) the first of them may already have waited for its answer.
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
		[ $(($(watched "$name-up") - from)) -ge \
		$((((RISE - 1) * INTERVAL - ${WAITING:-0}) * 9 / 10)) ]
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

# kill_topology METHOD: three realservers, the agent on them, all up.
kill_topology() {
	topology "$1" 3 || exit
	ns_set cl "ipv4/ip_local_port_range=40000 40299"
	for i in 1 2 3; do
		rs_start "$i" || exit
	done
	ok "the agent starts" agent_start < <(config "$1")
	ok "the director sends no client to a server that is out" \
		ns_set dir ipv4/vs/expire_nodest_conn=1
	for i in 1 2 3; do
		ok "web$i is up" await 10 probe "$i" 1
	done
}
