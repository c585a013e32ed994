# shellcheck shell=bash
# What a health check costs: ours and keepalived by TCP and by HTTP, blackbox_exporter
# by HTTP, each in a namespace of its own against the same server (../peers.sh says
# what is equal). 2,000 realservers in 200 services, each checked every 10 s.
#
#   cpu      processor time of all its threads a check, over two intervals, in which
#            nobody asks it anything. Checks are counted by the kernel of those who are
#            checked, so one that is slow is not cheap. The kernel's work on the
#            director's side of each connection is in it, for each alike.
#   rate     checks a second which it made in that time, of 200 that were planned
#   memory   proportional set size of all its processes, steady
#   each     memory a realserver: what 10,000, checked every 100 s, take more than the
#            2,000 do, by 8,000; anonymous memory alone (no program, no library), taken when
#            2,000 of them were checked
#
# Not equal: ours holds the table, metrics, samples and a ledger in that memory too;
# keepalived has two processes. blackbox_exporter has no plan and no table, it checks
# when asked: one client asks for one address after another, all the time, and the
# client's processor time (Prometheus', in earnest) is not counted. Its memory is
# therefore not one that grows with the table, and `each` is not told.
#
# peers: keepalived nginx prometheus-blackbox-exporter
# deadline: 300
# runs: 1
# shellcheck source=../peers.sh disable=SC1091
. "$REPO/tests/bench/peers.sh"

PROBES=2000 PROBES_MANY=10000

probes_pairs() {
	awk -v n="$PROBES_N" 'BEGIN { for (i = 0; i < n; i++)
		print "10.96." int(i / 2500) "." int(i / 10) % 250 + 1,
			"10.32." int(i / 250) "." i % 250 + 1 }'
}

# A fresh network with one server that has all the addresses.
probes_network() {
	topology_remove
	topology masq 1 || return
	in_ns rs1 ip route add local 10.32.0.0/16 dev lo
	ip -n "$NS-dir" route add 10.32.0.0/16 via "$(rs_ip 1)"
	rs_start 1
}

# probes_start WHO N INTERVAL CHECKS: returns when so many checks came through.
probes_start() {
	PROBES_N=$2 PAIRS=probes_pairs INTERVAL=$3 TIMEOUT=5 FALL=3
	probes_network || return
	peer_start "$1"
	await 20 accepted_more "$4" rs1 && return
	peer_log "$1"
	return 1
}

# probes_cost WHO: measures it with PROBES realservers; their own memory is in $PROBES_KIB.
probes_cost() {
	local pids from checks cpu seconds

	pids=$(family "$PEER")
	from=${EPOCHREALTIME/./} checks=$(accepted rs1)
	# shellcheck disable=SC2086 # a list of words
	cpu=$(cpu_ns $pids)
	sleep $((2 * INTERVAL))
	checks=$(($(accepted rs1) - checks)) seconds=$(seconds "$from")
	# shellcheck disable=SC2086
	cpu=$(($(cpu_ns $pids) - cpu)) PROBES_KIB=$(memory_kb Pss_Anon $pids)
	measure probes "$CHECK" $PROBES "$1" cpu us "$(quotient "$cpu" "$checks" 0.001)"
	measure probes "$CHECK" $PROBES "$1" rate 1/s "$(quotient "$checks" "$seconds" 1)"
	# shellcheck disable=SC2086
	measure probes "$CHECK" $PROBES "$1" memory KiB "$(memory_kb Pss $pids)"
}

# probes_of WHO: all that is told of one.
probes_of() {
	local many

	# Everyone was checked, and the start is over.
	if ! probes_start "$1" $PROBES 10 $((PROBES * 3 / 2)); then
		measure probes "$CHECK" $PROBES "$1" cpu us failed
		return
	fi
	probes_cost "$1"
	peer_stop "$1"
	probes_start "$1" $PROBES_MANY 100 2000 || return
	# shellcheck disable=SC2046 # a list of words
	many=$(memory_kb Pss_Anon $(family "$PEER"))
	measure probes "$CHECK" $PROBES "$1" each B \
		"$(quotient $((many - PROBES_KIB)) $((PROBES_MANY - PROBES)) 1024)"
	peer_stop "$1"
}

blackbox_there() { in_director bash -c '</dev/tcp/127.0.0.1/9115' 2>/dev/null; }

blackbox_ask() {
	probes_pairs | awk '{
		printf "url = \"http://127.0.0.1:9115/probe?module=check&target=http://%s/healthz\"\n", $2
		print "output = \"/dev/null\"" }' >"$RUN/ask"
	in_director curl -s -m 120 -K "$RUN/ask"
}

probes_blackbox() {
	local from checks cpu

	PROBES_N=$PROBES CHECK=http
	probes_network || return
	cat >"$RUN/blackbox.yml" <<-YML
		modules:
		  check:
		    prober: http
		    timeout: 5s
		    http:
		      preferred_ip_protocol: ip4
	YML
	ip netns exec "$NS-dir" prometheus-blackbox-exporter --config.file="$RUN/blackbox.yml" \
		--web.listen-address=127.0.0.1:9115 >"$RUN/blackbox.log" 2>&1 &
	PEER=$!
	disown
	await 15 blackbox_there || diag "$(tail -n 5 "$RUN/blackbox.log")"
	PROBES_N=50 blackbox_ask
	PROBES_N=$PROBES
	from=${EPOCHREALTIME/./} checks=$(accepted rs1) cpu=$(cpu_ns "$PEER")
	blackbox_ask
	checks=$(($(accepted rs1) - checks)) cpu=$(($(cpu_ns "$PEER") - cpu))
	measure probes http $PROBES blackbox cpu us "$(quotient "$cpu" "$checks" 0.001)"
	measure probes http $PROBES blackbox rate 1/s \
		"$(quotient "$checks" "$(seconds "$from")" 1)"
	measure probes http $PROBES blackbox memory KiB "$(memory_kb Pss "$PEER")"
	peer_stop blackbox
}

part_probes() {
	how probes ours "ipvs-agent run; /proc/PID/task/*/schedstat, smaps_rollup"
	how probes keepalived "keepalived -n -C; the same"
	how probes blackbox "prometheus-blackbox-exporter; GET /probe?target= for each"
	for CHECK in tcp http; do
		probes_of ours
		probes_of keepalived
	done
	probes_blackbox
}
