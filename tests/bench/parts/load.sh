# shellcheck shell=bash
# What a scrape does to everything else: 100,000 realservers (10,000 services) in the
# kernel, managed and exported, one in ten probed (100 a second); and beside them one
# service of ten which are probed every second by HTTP. First nobody scrapes (`quiet`),
# then one client reads the whole exposition, for which the kernel is read anew, again
# and again (`scraped`).
#
#   late_p50, late_p99, late_max   how late the probes of the ten came, by ../pace.c on
#       their side: so much more than the interval after the one before, at that address
#       (ours plans the next probe from the start of the last). What differs on the way
#       through the network and to the server's turn is in it.
#   late_told   the agent's own word, after: the latest start of any probe against its
#       plan, in the last ten seconds
#   change      from a probe's answer that decides (503, fall = 1) to weight 0 in the
#       kernel, as ../watch.c sees it, which looks every 5 ms
#   wall, bytes of one scrape
#
# The guest's processors are two, and emulated; the client of the scrape takes one. That
# is in `scraped` too. So the wanted 20 ms are scaled by how slow this machine is, and
# told beside it (`limit`), and what counts is what the scrapes add to the quiet time of
# the same run: late_added, the difference of the two late_max, and change_added, that of
# the medians of change, which are to be a chunk of the kernel's dump at most; that is
# less than 20 ms, so the same limit stands for it. No peer does all this.
# The brake on mass failures is off, for it lets a failure wait for another probe's
# success, which is a wait for that probe and not for the scrape.
#
# peers: nginx
# deadline: 150
# runs: 1
# shellcheck source=../peers.sh disable=SC1091
. "$REPO/tests/bench/peers.sh"

PACE=${PACE:-$REPO/build/bench/pace}
LOAD=${LOAD:-100000}

load_config() {
	local services=$((LOAD / 10)) i

	printf '[agent]\nstate_dir = %s/state\ncorrelated_targets = 0\n' "$RUN"
	printf '[probe rare]\nurl = tcp://\ninterval = %ds\ntimeout = 10s\n' $((services / 100 + 1))
	printf '[probe pace]\nurl = http://www.example.net/\ninterval = 1s\ntimeout = 900ms\n'
	printf 'jitter = 0%%\nfall = 1\nrise = 1\n'
	printf '[service pace]\naddress = tcp://10.97.0.1:81\nscheduler = wrr\nforward = masq\n'
	printf 'probe = pace\nflap_max = 0s\n'
	for i in 1 2 3 4 5 6 7 8 9 10; do
		echo "realserver = p$i 10.48.0.$i"
	done
	table_agent "$services" 10 | sed '/^realserver = r[0-9]*0 /s/$/ probe=rare/'
}

load_network() {
	topology_remove
	topology masq 1 || return
	in_ns rs1 ip route add local 10.32.0.0/14 dev lo
	in_ns rs1 ip route add local 10.48.0.0/16 dev lo
	ip -n "$NS-dir" route add 10.32.0.0/14 via "$(rs_ip 1)"
	ip -n "$NS-dir" route add 10.48.0.0/16 via "$(rs_ip 1)"
	mkdir -p "$RUN/sick"
	rs_start 1 || return
	ip netns exec "$NS-rs1" "$PACE" 81 "$RUN/sick" >"$RUN/pace" 2>"$RUN/pace.err" &
	disown
}

# Every one of the probed was probed, so the start is over.
load_started() {
	in_director curl -s "$AGENT_URL/metrics?collect%5B%5D=probes" |
		awk '/^ipvs_probe_attempts_total/ && $NF > 0 { n++ } END { exit n < '$((LOAD / 10))' }'
}

# load_late FROM TO: "p50 p99 max" of the lateness, in seconds, of the probes that came
# between (microseconds).
load_late() {
	awk -v from="$1" -v to="$2" '
		$1 >= from && $1 <= to && $3 in last {
			late = $1 - last[$3] - 1000000
			print (late > 0 ? late : 0)
		}
		{ last[$3] = $1 }' "$RUN/pace" | sort -n | awk '{ v[NR] = $1 / 1e6 } END {
			if (!NR) exit
			printf "%.6f %.6f %.6f\n", v[int((NR + 1) / 2)], v[int(NR * .99 + .999)], v[NR] }'
}

# load_sicken N: it answers 503 from now on; returns when its weight was seen at 0.
load_sicken() {
	: >"$RUN/sick/10.48.0.$1"
	await 10 load_seen "$1"
}

load_seen() { grep -q " 10\.48\.0\.$1:81\$" "$RUN/watch.pace"; }

# load_change CASE N: from the answer to the weight.
load_change() {
	local told seen

	told=$(awk -v at="10.48.0.$2" '$3 == at && $4 == 503 { print $2; exit }' "$RUN/pace")
	seen=$(awk -v at="10.48.0.$2:81" '$3 == at { print $1; exit }' "$RUN/watch.pace")
	if [ -n "$told" ] && [ -n "$seen" ]; then
		measure load "$1" "$LOAD" ours change s "$(seconds "$told" "$seen")"
		echo $((seen - told)) >>"$RUN/change.$1"
	else
		measure load "$1" "$LOAD" ours change s failed
	fi
}

load_scrapes() {
	local wall bytes

	while [ ! -e "$RUN/enough" ]; do
		read -r wall bytes <<<"$(scrape "$AGENT_URL/metrics")"
		echo "$wall $bytes" >>"$RUN/scrapes"
	done
}

# load_phase CASE N...: the weights of N... change meanwhile, ten seconds at least, and
# as long as it takes in `scraped` for two scrapes to end.
load_phase() {
	local phase=$1 from n late told
	shift

	from=${EPOCHREALTIME/./}
	for n; do
		load_sicken "$n" || diag "p$n is not at 0"
		sleep 1
	done
	until [ $((${EPOCHREALTIME/./} - from)) -gt 10000000 ]; do
		sleep 0.2
	done
	[ "$phase" = quiet ] || await 20 load_scraped 2 || diag "no two scrapes"
	late=$(load_late "$from" "${EPOCHREALTIME/./}")
	told=$(in_director curl -s "$AGENT_URL/metrics?collect%5B%5D=agent" |
		series_values ipvs_agent_probe_lateness_seconds)
	for n; do
		load_change "$phase" "$n"
	done
	measure load "$phase" "$LOAD" ours late_p50 s "${late%% *}"
	measure load "$phase" "$LOAD" ours late_p99 s "$(cut -d' ' -f2 <<<"$late")"
	measure load "$phase" "$LOAD" ours late_max s "${late##* }"
	measure load "$phase" "$LOAD" ours late_told s "$told"
	LOAD_LATE=${late##* }
}

# load_added A B: how much more B is than A; "failed" without one of them.
load_added() {
	awk -v a="$1" -v b="$2" 'BEGIN {
		if (a == "" || b == "") print "failed"
		else printf "%.6f\n", (b > a + 0 ? b - a : 0) }'
}

# load_median CASE: of its changes, in seconds.
load_median() {
	sort -n "$RUN/change.$1" | awk '{ v[NR] = $1 }
		END { if (NR) printf "%.6f\n", (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2e6 }'
}

load_scraped() { [ "$(wc -l <"$RUN/scrapes")" -ge "$1" ]; }

part_load() {
	local quiet scraper wall bytes figure

	how load ours "ipvs-agent run; build/bench/pace and watch; GET /metrics, again and again"
	how load limit "20 ms, as much longer as this machine is slower"
	load_network || return
	agent_config < <(load_config)
	agent_run
	await 30 agent_ready
	await 20 load_started || diag "not everyone was probed"
	echo 10.97.0.1:81 >"$RUN/services"
	ip netns exec "$NS-dir" "$WATCH" 0 1000 <"$RUN/services" >"$RUN/watch.pace" 2>&1 &
	disown
	await 10 grep -q ready "$RUN/watch.pace"
	load_phase quiet 1 2 3 4
	quiet=$LOAD_LATE
	: >"$RUN/scrapes"
	load_scrapes &
	scraper=$!
	load_phase scraped 5 6 7 8
	: >"$RUN/enough"
	wait "$scraper"
	measure load scraped "$LOAD" ours late_added s "$(load_added "$quiet" "$LOAD_LATE")"
	measure load scraped "$LOAD" ours change_added s \
		"$(load_added "$(load_median quiet)" "$(load_median scraped)")"
	for figure in late_added change_added; do
		measure load scraped "$LOAD" limit $figure s "$(quotient "$(scaled 20)" 1000 1)"
	done
	while read -r wall bytes; do
		measure load scraped "$LOAD" ours wall s "$wall"
		measure load scraped "$LOAD" ours bytes B "$bytes"
	done <"$RUN/scrapes"
	agent_kill9
}
