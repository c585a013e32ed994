# shellcheck shell=bash
# Weights that follow the load. contrib/weights/ipvs-load answers for one realserver: as its
# load grows and goes, the share of the weight in the kernel falls and rises, by steps; with
# its drain file it drains; what cannot be read changes nothing. And a rule as in
# conf/examples/load.ini: the one that holds far more connections than its weight asks for
# has half of it, as long as it does.
#
# peers: nginx socat
# deadline: 120
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../rules.sh disable=SC1091
. "$(dirname "$0")/../rules.sh"

# shellcheck disable=SC2034 # read by rules.sh
COUNT=2

config() {
	cat <<-INI
		[agent]
		state_dir = $RUN/state
		reconcile_interval = 1s
		sample_interval = 500ms
		[service web]
		address = tcp://$VIP:80
		scheduler = wlc
		forward = masq
		probe = port load
		realserver = web1 $(rs_ip 1)
		realserver = web2 $(rs_ip 2) weight=50
		[probe load]
		url = agent://:9998
		interval = 500ms
		timeout = 450ms
		[rule crowded]
		service = web
		expr = active_connections * peers_avg(configured_weight) > 1.5 * configured_weight * peers_avg(active_connections) and active_connections > 5
		for = 1s
		keep_firing_for = 1s
		action = reweight 50%
	INI
	probe_ini port
}

# load N TEXT: what realserver N's /proc/loadavg says, at once and whole.
load() {
	mkdir -p "$RUN/proc$1"
	echo "$2 0.00 0.00 1/100 42" >"$RUN/proc$1/loadavg.new"
	mv "$RUN/proc$1/loadavg.new" "$RUN/proc$1/loadavg"
}

# As its socket unit does: once for each connection.
load_agent() {
	ip netns exec "$NS-rs$1" socat TCP-LISTEN:9998,fork,reuseaddr \
		SYSTEM:"$REPO/contrib/weights/ipvs-load --cpus 2 --proc $RUN/proc$1 --drain $RUN/drain$1" \
		>"$RUN/load$1.log" 2>&1 &
	disown
	await 15 in_ns "rs$1" bash -c "</dev/tcp/127.0.0.1/9998" 2>/dev/null
}

# taken: how many of these calls are taken for good.
taken() {
	local n=0 line

	while read -r line; do
		# shellcheck disable=SC2086 # words
		"$REPO/contrib/weights/ipvs-load" $line >/dev/null 2>&1
		[ $? = 64 ] || n=$((n + 1))
	done
	echo $n
}

is "$(taken <<'LINES'
--floor 0
--floor 101
--floor -1
--floor 1e1
--step 0
--step 5;reboot
--idle 3 --full 2
--idle 1.2.3
--full .
--memory 100
--cpus 0
--cpus 999999
--drain
--what 1
LINES
)" 0 "what makes no sense is refused"

topology masq $COUNT || exit
for i in 1 2; do
	load $i 0.10
	rs_start $i || exit
	ok "rs$i can be asked for its load" load_agent $i
done
ok "the agent starts" agent_start < <(config)
settles "100 50" "idle machines get their weight"

# 0.5 to 2.0 of a processor, of which there are two.
load 1 2.50
settles "55 50" "a busy one gets less"
load 1 2.53
ok "explain says why" explains web/web1 '55 +agent load .*it says 55% \(load 2\.5[03] on 2\)'
stays "55 50" "a little more is no other weight"
load 1 40.00
settles "10 50" "never less than the floor"
echo nonsense >"$RUN/proc1/loadavg"
ok "what cannot be read is told on its host" await 10 grep -q 'procfs does not say' "$RUN/load1.log"
stays "10 50" "and changes nothing"
load 1 0.20
settles "100 50" "a machine that is well again"
: >"$RUN/drain2"
settles "100 0" "the drain file drains"

# All connections go to web1 meanwhile, and stay.
traffic_start pinned -r 1 -t "$(scaled 2000)" -l 12 -i 1000 -w 1 "$VIP" 80
ok "connections pile up" await 20 traffic_has pinned 4
rm "$RUN/drain2"
ok "the rule fires for the one that has them" await 30 targets_are crowded firing 1
settles "50 50" "whose weight is halved" 20
ok "by the rule" explains web/web1 '50 +rule crowded '
traffic_stop pinned
settles "100 50" "without them it gets it back" 30
ok "no rule holds anything" await 10 targets_are crowded inactive 2

done_testing
