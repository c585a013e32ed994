# shellcheck shell=bash
# The health checkers beside each other: one description of what is checked becomes a
# configuration of ours, of keepalived and of ldirectord, with timings as equal as their
# languages allow. Sourced by the parts that compare them, after lib.sh.
#
# What is described: CHECK (http: GET /healthz must answer 2xx; tcp: a connection is
# accepted), INTERVAL and TIMEOUT in whole seconds (ldirectord knows no parts of one),
# FALL bad checks in a row take a server out, one good brings it back (keepalived and
# ldirectord know no other), PAIRS: a function that prints the table, a line a
# realserver, `VIP ADDRESS`, sorted by VIP; ports are 80, weights 100.
#
# What is equal: interval, number of failures, timeout, what is asked, weight 0 instead
# of removal, wrr, masquerading, no notification, no jitter on an interval.
# What is not, and cannot be made so:
#   - keepalived and ldirectord count the interval from the end of a check, ours from
#     its start;
#   - ldirectord checks one realserver after the other and sleeps INTERVAL after each
#     round, so that its real interval grows with the table;
#   - keepalived's timeout is for the connection and again for the answer; ours is for
#     the whole attempt;
#   - ours holds a server only if its guards agree (min_available 1 here; the brake on
#     mass failures needs 5 targets), and records the hold in its ledger first;
#   - ours serves metrics, a ledger and a journal meanwhile, the others do not.
# shellcheck disable=SC2034 # read by the parts

# What fails is a measurement that failed, and the next one is made all the same.
set +e

WATCH=${WATCH:-$REPO/build/bench/watch}
CHECK=http INTERVAL=2 TIMEOUT=1 FALL=3

conf_ours() {
	local url=tcp://

	[ "$CHECK" = tcp ] || url=http://www.example.net/healthz
	printf '[probe check]\nurl = %s\ninterval = %ds\ntimeout = %ds\n' \
		"$url" "$INTERVAL" "$TIMEOUT"
	printf 'rise = 1\nfall = %d\njitter = 0%%\n' "$FALL"
	printf '[defaults]\nscheduler = wrr\nforward = masq\nprobe = check\nflap_max = 0s\n'
	"$PAIRS" | awk '
		$1 != vip { vip = $1; printf "[service s%d]\naddress = tcp://%s:80\n", ++s, vip }
		{ printf "realserver = r%d %s\n", NR, $2 }'
}

conf_keepalived() {
	printf 'global_defs {\n router_id bench\n}\n'
	"$PAIRS" | awk -v check="$CHECK" -v interval="$INTERVAL" -v timeout="$TIMEOUT" \
		-v fall="$FALL" '
		$1 != vip {
			if (vip != "")
				print "}"
			vip = $1
			print "virtual_server " vip " 80 {\n delay_loop " interval \
				"\n lb_algo wrr\n lb_kind NAT\n protocol TCP\n inhibit_on_failure"
		}
		{
			print " real_server " $2 " 80 {\n  weight 100"
			print check == "tcp" ? "  TCP_CHECK {" : \
				"  HTTP_GET {\n   url {\n    path /healthz\n    status_code 200-299\n   }"
			print "   connect_timeout " timeout "\n   retry " fall - 1 \
				"\n   delay_before_retry " interval "\n  }\n }"
		}
		END { print "}" }'
}

conf_ldirectord() {
	printf 'supervised = yes\nlogfile = "%s"\nquiescent = yes\nautoreload = no\n' \
		"$RUN/ldirectord.messages"
	printf 'checkinterval = %d\nchecktimeout = %d\nnegotiatetimeout = %d\nfailurecount = %d\n' \
		"$INTERVAL" "$TIMEOUT" "$TIMEOUT" "$FALL"
	"$PAIRS" | awk -v check="$CHECK" '
		$1 != vip {
			vip = $1
			print "virtual = " vip ":80"
			print "\tprotocol = tcp\n\tscheduler = wrr\n\tservice = http"
			print check == "tcp" ? "\tchecktype = connect" : \
				"\tchecktype = negotiate\n\trequest = \"/healthz\""
		}
		{ print "\treal = " $2 ":80 masq 100" }'
}

# peer_start ours|keepalived|ldirectord: in the director; $PEER is its first process.
# Returns when its process is there, not when it has checked anything.
peer_start() {
	case $1 in
	ours)
		rm -rf "$RUN/state"
		agent_config < <(conf_ours)
		agent_start
		PEER=$AGENT_PID
		;;
	keepalived)
		conf_keepalived >"$RUN/keepalived.conf"
		keepalived_start
		PEER=$KEEPALIVED
		;;
	ldirectord)
		conf_ldirectord >"$RUN/ldirectord.cf"
		# It looks for ipvsadm where Debian installs it, and that is unpacked here.
		sed "s:\"/sbin/ipvsadm\":\"$(command -v ipvsadm)\":g" "$(command -v ldirectord)" \
			>"$RUN/ldirectord"
		ip netns exec "$NS-dir" perl "$RUN/ldirectord" "$RUN/ldirectord.cf" start \
			>"$RUN/ldirectord.log" 2>&1 &
		PEER=$!
		disown
		;;
	esac
}

# peer_stop WHO: kills it; nothing is tidied up, the namespace goes anyway.
peer_stop() {
	# shellcheck disable=SC2046 # process ids
	kill -KILL $(family "$PEER") 2>/dev/null
	[ "$1" != ours ] || { wait "$AGENT_PID"; AGENT_PID=; } 2>/dev/null
	await 10 peer_gone
}

peer_gone() { ! kill -0 "$PEER" 2>/dev/null; }

# peer_log WHO: the end of what it said, for a measurement that failed.
peer_log() {
	diag "$1 said:" "$(tail -n 5 "$RUN/agent.log" "$RUN/keepalived.log" "$RUN/ldirectord.log" \
		"$RUN/ldirectord.messages" 2>/dev/null)"
}

# accepted RS...: connections which these realservers have accepted: checks that came
# through, counted by the kernel of those who are checked and not by the checker.
accepted() {
	local rs

	for rs; do
		in_ns "$rs" cat /proc/net/snmp
	done | awk '$1 == "Tcp:" && $2 + 0 > 0 { n += $7 } END { print n + 0 }'
}

accepted_more() {
	local wanted=$1
	shift
	[ "$(accepted "$@")" -ge "$wanted" ]
}

# cpu_ns PID...: processor time used so far, to the nanosecond and of every thread that
# lives; ticks are too coarse for what a probe costs. The kernel's share (sockets, and
# on a virtual network the way to the server's accept queue) is in it, for each alike.
cpu_ns() {
	local pid

	# Debian's kernel shows it only where delays are accounted for.
	[ ! -w /proc/sys/kernel/task_delayacct ] || echo 1 >/proc/sys/kernel/task_delayacct
	for pid; do
		cat /proc/"$pid"/task/*/schedstat 2>/dev/null
	done | awk '{ n += $1 } END { printf "%.0f\n", n }'
}

# memory_kb KEY PID...: Pss (all), Pss_Anon (without programs, libraries and other files);
# the proportional sizes, so that pages that a parent and its child share (keepalived)
# are counted once. What another program maps too counts for less in Pss, not in Pss_Anon.
memory_kb() {
	local key=$1 pid
	shift

	for pid; do
		cat "/proc/$pid/smaps_rollup" 2>/dev/null
	done | awk -v key="$key:" '$1 == key { n += $2 } END { print n + 0 }'
}

# quotient A B SCALE: A / B x SCALE, with three digits; "failed" when B is none.
quotient() {
	awk -v a="$1" -v b="$2" -v scale="$3" \
		'BEGIN { if (b + 0 <= 0) print "failed"; else printf "%.3f\n", a / b * scale }'
}
