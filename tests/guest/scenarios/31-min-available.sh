# shellcheck shell=bash
# How much a rule may take out, and what happens when everything is dead. Four
# realservers behind five services with policies of their own, on different ports
# of one VIP: three of the servers die one after the other, and come back.
#  - last: the last available realserver is never held (on_panic = none)
#  - half: min_available = 50% of four; weighed: 40% of the configured weight
#  - keep: all dead is panic, holds are suspended, it serves with its weights
#  - spare: all dead brings the backup in, and the first one up takes it out
# What a guard refused stays asked for: it is held as soon as another server is
# back. In each step the kernel never shows fewer servers than the policy says.
#
# peers: nginx
# deadline: 90
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"

# pool NAME PORT KEY=VALUE... : one service; WEIGHT1 ... are of the realservers.
pool() {
	local name=$1 port=$2 i weight
	shift 2
	printf '\n[service %s]\naddress = tcp://%s:%s\nscheduler = wrr\nforward = masq\n' \
		"$name" "$VIP" "$port"
	printf 'probe = connect\n'
	i=0
	for weight; do
		case $weight in
		*=*) printf '%s = %s\n' "${weight%%=*}" "${weight#*=}" && continue ;;
		esac
		i=$((i + 1))
		printf 'realserver = web%s %s:80 weight=%s\n' $i "$(rs_ip $i)" "$weight"
	done
}

config() {
	cat <<-INI
		[probe connect]
		url = tcp://
		interval = 500ms
		timeout = 400ms
		rise = 2
		fall = 2
	INI
	pool last 8001 on_panic=none 100 100
	pool half 8002 min_available=50% 100 100 100 100
	pool weighed 8003 "min_available=40% weight" 20 10 60 10
	pool keep 8004 on_panic=keep 100 100 100
	pool spare 8005 on_panic=backup 100 100
	printf 'backup = sorry %s:80\n' "$(rs_ip 4)"
}

# Each service's weights in the kernel, in the order of ports and addresses.
table() {
	# shellcheck disable=SC2016 # awk's
	in_director awk '
		$1 == "TCP" { split($2, a, ":"); port = a[2] }
		$1 == "->" && $2 ~ /:[0-9A-F]/ { print port, $2, $4 }' /proc/net/ip_vs |
		LC_ALL=C sort | awk '
		BEGIN { split("last half weighed keep spare", name) }
		$1 != port { if (n++) printf "; "; port = $1; printf "%s", name[n] }
		{ printf " %d", $3 }'
}

table_is() { [ "$(table)" = "$1" ]; }

# settles WANTED DESCRIPTION: the table becomes that, and stays it.
settles() {
	await 10 table_is "$1"
	is "$(table)" "$1" "$2"
}

# watch_least NAME: notes, until unwatch, the fewest realservers above 0 that each
# service ever shows.
watch_least() {
	# shellcheck disable=SC2016 # expands inside
	ip netns exec "$NS-dir" bash -c '
		exec 9<> <(:)
		trap "declare -p least; exit" TERM
		declare -A least
		while :; do
			declare -A now=()
			port=
			while read -r word where _ weight _; do
				case $word in
				TCP) port=${where#*:} now[$port]=0 ;;
				"->") [ -z "$port" ] || [ "$weight" = 0 ] || ((now[$port]++)) ;;
				esac
			done </proc/net/ip_vs
			for port in "${!now[@]}"; do
				[ "${least[$port]:-99}" -le "${now[$port]}" ] ||
					least[$port]=${now[$port]}
			done
			read -r -t 0.02 -u 9
		done' >"$RUN/least" 2>&1 &
	least_pid=$!
	disown
}

unwatch() {
	kill -TERM "$least_pid"
	await 5 test -s "$RUN/least"
	unset least
	eval "$(sed -n 's/^declare -A/declare -gA/p' "$RUN/least")"
}

# leasts: of the last watch, service by service.
leasts() {
	local port hex

	for port in 8001 8002 8003 8004 8005; do
		printf -v hex %04X $port
		# shellcheck disable=SC2154 # assigned by eval
		printf '%s ' "${least[$hex]-none}"
	done
}

refusals() { metric 'ipvs_rule_refused_total{rule="probe-down",guard="min_available"}'; }
panic_is() { metric_is "ipvs_service_panic{ipvs_service=\"$1\"}" "$2"; }

topology masq 4 || exit
for i in 1 2 3 4; do
	rs_start "$i" || exit
done
ok "the agent starts" agent_start < <(config)
settles "last 100 100; half 100 100 100 100; weighed 20 10 60 10; keep 100 100 100; spare 100 100 0" \
	"all serve with their weights, the backup waits"
watch_least

rs_stop 1
settles "last 0 100; half 0 100 100 100; weighed 0 10 60 10; keep 0 100 100; spare 0 100 0" \
	"one dead: held everywhere"
is "$(refusals)" 0 "nothing was refused so far"

rs_stop 2
settles "last 0 100; half 0 0 100 100; weighed 0 0 60 10; keep 0 0 100; spare 0 0 100" \
	"two dead: the last one is not held, the backup serves where nobody is left"
like "$(agent explain last/web2)" 'guard min_available' "explain: why the last one stays"
is "$(refusals)" 1 "and the refusal is counted once"
ok "panic is told" await 5 panic_is spare 1
is "$(metric 'ipvs_service_panic{ipvs_service="half"}')" 0 "and only where nobody is up"
is "$(in_client curl -s -m 5 "http://$VIP:8005/")" rs4 "the backup's page"

rs_stop 3
settles "last 0 100; half 0 0 100 100; weighed 0 0 60 10; keep 100 100 100; spare 0 0 100" \
	"three dead: 50% and 40% weight keep a dead one; panic keeps configured weights"
ok "panic" await 5 panic_is keep 1
like "$(agent explain half/web3)" 'guard min_available' "explain: why half keeps web3"
like "$(agent explain keep/web1)" 'no realserver is up: the hold of rule probe-down is suspended' \
	"explain: why keep serves"
like "$(agent_log 'msg="panic: ')" 'service=keep' "the log tells panic"
unwatch
is "$(leasts)" "1 2 2 1 1 " \
	"dying, no service ever had fewer than its policy says"

# The way back: web2 first.
watch_least
rs_start 2 || exit
settles "last 0 100; half 0 100 0 100; weighed 0 10 60 10; keep 0 100 0; spare 0 100 0" \
	"one back: the refused ones are held now, panic ends, the backup goes"
ok "no panic" await 5 panic_is keep 0
ok "nor there" await 5 panic_is spare 0
rs_start 3 || exit
settles "last 0 100; half 0 100 100 100; weighed 0 10 60 10; keep 0 100 100; spare 0 100 0" \
	"two back"
rs_start 1 || exit
settles "last 100 100; half 100 100 100 100; weighed 20 10 60 10; keep 100 100 100; spare 100 100 0" \
	"all back: as in the beginning"
unwatch
is "$(leasts)" "1 2 2 1 1 " \
	"coming back neither"
is "$(metric 'ipvs_hold_since_timestamp_seconds' | wc -l)" 0 "no hold is left"

done_testing
