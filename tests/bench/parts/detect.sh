# shellcheck shell=bash
# From a realserver's fault to weight 0 in the kernel: ours, keepalived and ldirectord
# with equal timings (../peers.sh says what is equal and what is not), one after the
# other in namespaces of their own, on the same four nginx. The time is from the fault
# to the moment at which ../watch.c, which is nobody's, sees the weight.
#
# Interval 2 s, timeout 1 s, three failures; faults come at any phase of the interval.
# So a perfect checker takes 4 to 6 s for what fails at once (refused, 503), and 5 to
# 7 s for what hangs: a spread of two seconds is in the timings, and in nobody's program.
# `delay` is that time, three faults each, so three values a run; `beyond` the part of
# it after the 4 s (5 s) which nobody can be faster than, most of it phase.
#
# crowd: 200 realservers in 20 services, the same by TCP. Three of them refuse, at any
# phase. ldirectord, which would fork ipvsadm three times a realserver to set such a
# table up, is given it and adopts it.
#
# peers: keepalived nginx ipvsadm ldirectord
# deadline: 300
# runs: 1
# shellcheck source=../peers.sh disable=SC1091
. "$REPO/tests/bench/peers.sh"

DETECT_KILLS="1 2 3"

detect_pairs_few() {
	local i

	for i in 1 2 3 4; do
		echo "$VIP $(rs_ip "$i")"
	done
}

detect_pairs_crowd() {
	awk 'BEGIN { for (n = 0; n < 200; n++) print "10.96.0." int(n / 10) + 1, "10.32.0." n + 1 }'
}

# detect_watch: watches all services of the table for weight 0; $WATCHER.
detect_watch() {
	"$PAIRS" | awk '{ print $1 ":80" }' | uniq >"$RUN/services"
	ip netns exec "$NS-dir" "$WATCH" 0 1000000 <"$RUN/services" >"$RUN/watch.zero" 2>&1 &
	WATCHER=$!
	disown
	await 10 grep -q ready "$RUN/watch.zero"
}

# detect_seen ADDRESS: when it came to 0, in microseconds; fails as long as it has not.
detect_seen() {
	awk -v at="$1:80" '$3 == at { print $1; found = 1; exit } END { exit !found }' \
		"$RUN/watch.zero"
}

detect_weights() {
	in_director awk '$1 == "->" && $2 ~ /:[0-9A-F]/ && $4 == 100 { n++ } END { print n + 0 }' \
		/proc/net/ip_vs
}

detect_all_in() { [ "$(detect_weights)" = "$1" ]; }

# A moment of the interval, any.
detect_phase() { sleep "$((RANDOM % INTERVAL)).$((RANDOM % 10))$((RANDOM % 10))"; }

# detect_round CASE SIZE WHO FAULT: the faults, and their delays. FAULT N does it to
# realserver N; ADDRESS_OF N tells its address.
detect_round() {
	local n from address delay least=$(((FALL - 1) * INTERVAL))
	local -A fault

	[ "$1" != hang ] || least=$((least + TIMEOUT))
	detect_watch
	for n in $DETECT_KILLS; do
		detect_phase
		fault[$n]=${EPOCHREALTIME/./}
		"$4" "$n"
	done
	for n in $DETECT_KILLS; do
		from=${fault[$n]} address=$("$ADDRESS_OF" "$n")
		if await 20 detect_seen "$address" >/dev/null; then
			delay=$(seconds "$from" "$(detect_seen "$address")")
		else
			delay=failed
			peer_log "$3"
		fi
		measure detect "$1" "$2" "$3" delay s "$delay"
		measure detect "$1" "$2" "$3" beyond s \
			"$(awk -v d="$delay" -v l="$least" 'BEGIN { print d == "failed" ? d : d - l }')"
	done
	kill -KILL "$WATCHER" 2>/dev/null
}

detect_refuse() { rs_signal "$1" KILL; }
detect_hang() { rs_freeze "$1"; }
detect_sick() { rs_sick "$1"; }

detect_mend() {
	local n

	for n in $DETECT_KILLS; do
		case $1 in
		refused) rs_start "$n" ;;
		sick) rs_well "$n" ;;
		hang) rs_thaw "$n" ;;
		esac
	done
}

# Checked twice each since: no verdict is a first one, no failure an old one.
detect_settled() {
	local n

	await 30 detect_all_in "$1" || return
	shift
	n=$(accepted "${@:2}")
	await 30 accepted_more $((n + $1)) "${@:2}"
}

detect_few() {
	local who=$1 case i

	CHECK=http INTERVAL=2 TIMEOUT=1 PAIRS=detect_pairs_few ADDRESS_OF=rs_ip
	topology_remove
	topology masq 4 || return
	for i in 1 2 3 4; do
		rs_start "$i" || return
	done
	peer_start "$who"
	for case in refused sick hang; do
		detect_settled 4 8 rs1 rs2 rs3 rs4 || peer_log "$who"
		detect_round "$case" 4 "$who" "detect_${case/refused/refuse}"
		detect_mend "$case"
	done
	peer_stop "$who"
}

detect_crowd_address() { echo "10.32.0.$(($1 * 37))"; }

# A way to a host on which nothing listens: refused at once.
detect_crowd_refuse() {
	ip -n "$NS-dir" route add "$(detect_crowd_address "$1")/32" via "$(rs_ip 2)"
}

detect_crowd() {
	local who=$1

	CHECK=tcp INTERVAL=2 TIMEOUT=1 PAIRS=detect_pairs_crowd ADDRESS_OF=detect_crowd_address
	topology_remove
	topology masq 2 || return
	in_ns rs1 ip route add local 10.32.0.0/16 dev lo
	in_ns rs2 ip route add local 10.32.0.0/16 dev lo
	ip -n "$NS-dir" route add 10.32.0.0/16 via "$(rs_ip 1)"
	rs_start 1 || return
	if [ "$who" = ldirectord ]; then
		"$PAIRS" | awk '$1 != vip { vip = $1; print "-A -t " vip ":80 -s wrr" }
			{ print "-a -t " vip ":80 -r " $2 ":80 -m -w 100" }' | in_director ipvsadm -R
	fi
	peer_start "$who"
	detect_settled 200 400 rs1 || peer_log "$who"
	detect_round crowd 200 "$who" detect_crowd_refuse
	peer_stop "$who"
}

part_detect() {
	local who

	how detect ours "ipvs-agent run, the fault, until build/bench/watch 0"
	how detect keepalived "keepalived -n -C, the same"
	how detect ldirectord "ldirectord FILE start, supervised, the same"
	for who in ours keepalived ldirectord; do
		detect_few "$who"
	done
	for who in ours keepalived ldirectord; do
		detect_crowd "$who"
	done
}
