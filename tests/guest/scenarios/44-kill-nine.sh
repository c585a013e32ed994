# shellcheck shell=bash
# kill -9 at random moments while servers die and come back and rules fire: 20 times,
# with SOAK=1 200 times (SEED repeats a run, as far as the machine lets it). Once in a
# while the next kill comes before the agent is even ready. After each restart
#  - the ledger is whole, as far as it was written;
#  - the operator's drain of web5 stands, and that of web6, which left the file and
#    still has a connection: neither is ever above 0 in the kernel;
#  - what was held and is still dead never gets a connection;
#  - every weight in the kernel is the one that explain derives.
# In the end all is as the configuration and the drain ask.
#
# peers: nginx
# deadline: 300
# shellcheck disable=SC2119 # what agent_start gets is the configuration on its input
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../rules.sh disable=SC1091
. "$(dirname "$0")/../rules.sh"

# The plain build: what is killed here is the work of its ordinary speed.
# shellcheck disable=SC2034 # read by lib.sh
AGENT=$REPO/build/ipvs-agent
COUNT=6
ROUNDS=20
[ -z "${SOAK:-}" ] || ROUNDS=200
SEED=${SEED:-$((RANDOM + 1))}
# web1 to web4 die and come back; no more than two are dead at a time.
CHANGING=4
declare -A dead=()

# config N TIME: with web1 to webN; what leaves the file may take that long.
config() {
	web_ini "$1" "scheduler = wrr" "drain_timeout = $2" "flap_max = 0s" |
		sed 's/^\[agent\]$/&\nrate = 0/'
	probe_ini port
	printf '\n[rule first]\nexpr = probe_consecutive_failures >= 1\naction = reweight 50%%\n'
}

# random N: below N, into $picked. Not in a subshell, which would not go on in the series.
random() { picked=$((RANDOM % $1)); }

# random_wait MS: up to that long on this machine.
random_wait() {
	local ms

	random "$(scaled "$1")"
	printf -v ms '%d.%03d' $((picked / 1000)) $((picked % 1000))
	sleep "$ms"
}

# seed_drain: an operator's hold, as the ledger writes it.
seed_drain() {
	local line crc

	line="$(wc -l <"$RUN/state/ledger") {\"type\":\"place\",\"id\":\"drill-1\",\"class\":\"operator\"\
,\"service\":\"web\",\"realserver\":\"web5\",\"holder\":\"drill\",\"effect\":0\
,\"reason\":\"a drill\",\"since\":$(now_ms),\"until\":0}"
	crc=$(printf %s "$line" | gzip -c | tail -c 8 | head -c 4 | od -An -tx4 | tr -d ' ')
	echo "$crc $line" >>"$RUN/state/ledger"
}

drained() {
	metric 'ipvs_hold_since_timestamp_seconds{ipvs_service="web",realserver="web5",class="operator"}'
}

# connected N: the kernel has an active connection to web N.
connected() {
	local host

	# shellcheck disable=SC2046 # four numbers
	printf -v host '%02X' $(rs_ip "$1" | tr . ' ')
	in_director cat /proc/net/ip_vs |
		awk -v host="$host:0050" '$2 == host && $5 > 0 { n++ } END { exit !n }'
}

# change: one server dies or comes back.
change() {
	local n

	random $CHANGING
	n=$((picked + 1))
	if [ -n "${dead[$n]:-}" ]; then
		unset "dead[$n]"
		rs_start $n
	elif [ ${#dead[@]} -lt 2 ]; then
		dead[$n]=yes
		rs_stop $n
	fi
}

# As explain derives them, web1 to web5; web6 is not its business any more.
explained() {
	agent explain web | sed -n 's/^web\/.* weight \([0-9a-z]*\).*/\1/p' | tr '\n' ' '
}

explained_is_kernel() {
	local got

	got=$(weights)
	[ "$(explained)" = "${got% *} " ]
}

# watch_dead: those that are dead and at 0 in the kernel must not rise.
watch_dead() {
	local n seen
	watching=()

	read -r -a seen <<<"$(weights)"
	for n in "${!dead[@]}"; do
		[ "${seen[n - 1]}" = 0 ] || continue
		watch_steps "$n" "$(rs_ip "$n")" 80
		watching+=("$n")
	done
}

# restart ROUND: what must hold afterwards; prints what does not.
restart() {
	local n steps wrong=

	watch_dead
	# Sometimes it does not get far.
	random 3
	if [ "$picked" = 0 ]; then
		agent_run
		random_wait 300
		agent_kill9
	fi
	agent_start || wrong+="it does not start; "
	[ -n "$(drained)" ] || wrong+="the drain is forgotten; "
	await 15 explained_is_kernel ||
		wrong+="the kernel has $(weights), explain says $(explained); "
	for n in "${watching[@]}"; do
		steps=$(unwatch_steps "$n")
		[ "$steps" = "0 " ] || wrong+="web$n is dead and had the weights $steps; "
	done
	! logged 'ledger was damaged|level=error' ||
		wrong+="$(agent_log 'level=error' | tail -n 1)"
	is "$wrong" "" "round $1: dead: ${!dead[*]}"
}

topology masq $COUNT || exit
for ((i = 1; i <= COUNT; i++)); do
	rs_start $i || exit
done
diag "SEED=$SEED, $ROUNDS rounds"
RANDOM=$SEED
ok "the agent starts" agent_start < <(config 6 1h)
settles "100 100 100 100 100 100" "all serve"
ok "a client that stays" traffic_start lasting -r 0 -l 12 -i 1000 \
	-t "$(scaled 3000)" -w 1 "$VIP" 80
ok "has a connection to web6" await 20 connected 6
ok "web6 leaves the file" agent_reload < <(config 5 1h)
settles "100 100 100 100 100 0" "and is drained"
agent_kill9
seed_drain
ok "the agent starts with an operator's hold" agent_start
settles "100 100 100 100 0 0" "and keeps it"
watch_steps drain5 "$(rs_ip 5)" 80
watch_steps drain6 "$(rs_ip 6)" 80

for ((round = 1; round <= ROUNDS; round++)); do
	change
	random_wait 1500
	agent_kill9
	restart $round
done

for n in "${!dead[@]}"; do
	rs_start "$n"
done
settles "100 100 100 100 0 0" "all alive: each has the weight that is asked" 20
is "$(unwatch_steps drain5)" "0 " "web5 was never above 0"
is "$(unwatch_steps drain6)" "0 " "nor web6"
is "$(traffic_figure lasting cut_rs6)$(traffic_figure lasting cut_rs5)" 00 \
	"no connection of theirs was cut"
ok "its client goes" traffic_stop lasting
# The kernel remembers closed connections for two minutes: not waited for.
ok "the time to drain is up" agent_reload < <(config 5 1s)
settles "100 100 100 100 0 -" "and web6 is deleted" 20
is "$(metric 'ipvs_hold_since_timestamp_seconds{class="rule"}' | wc -l)" 0 "no rule holds anything"
is "$(find "$RUN/state" -name '*damaged*' -o -name '*corrupt*')" "" "no ledger was set aside"

done_testing
