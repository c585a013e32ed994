# shellcheck shell=bash
# What a health check costs: ours and keepalived by TCP and by HTTP, blackbox_exporter
# by HTTP, each in a namespace of its own against the same server (../peers.sh says
# what is equal). 1,000 realservers in 100 services, each checked every 10 s.
#
#   cpu      processor time of all its threads a check, over two intervals, in which
#            nobody asks it anything. Checks are counted by the kernel of those who are
#            checked, so one that is slow is not cheap. The kernel's work on the
#            director's side of each connection is in it, for each alike.
#   rate     checks a second which it made in that time, of 100 that were planned
#   memory   proportional set size of all its processes, steady
#   each     memory a realserver: what 1,000 take more than 100, by 900
#
# Not equal: ours holds the table, metrics, samples and a ledger in that memory too;
# keepalived has two processes. blackbox_exporter has no plan and no table, it checks
# when asked: one client asks for one address after another, all the time, and the
# client's processor time (Prometheus', in earnest) is not counted. Its memory is
# therefore not one that grows with the table, and `each` is not told.
#
# peers: keepalived nginx prometheus-blackbox-exporter
# deadline: 300
# shellcheck source=../peers.sh disable=SC1091
. "$REPO/tests/bench/peers.sh"

PROBES=1000 PROBES_FEW=100

probes_pairs() {
	awk -v n="$PROBES_N" 'BEGIN { for (i = 0; i < n; i++)
		print "10.96.0." int(i / 10) + 1, "10.32." int(i / 250) "." i % 250 + 1 }'
}

# A fresh network with one server that has all the addresses.
probes_network() {
	topology_remove
	topology masq 1 || return
	in_ns rs1 ip route add local 10.32.0.0/16 dev lo
	ip -n "$NS-dir" route add 10.32.0.0/16 via "$(rs_ip 1)"
	rs_start 1
}

# probes_run WHO N: in PROBES_CPU (us a check), PROBES_RATE, PROBES_MEMORY (KiB).
probes_run() {
	local who=$1 n=$2 pids from checks cpu

	PROBES_N=$n PAIRS=probes_pairs INTERVAL=10 TIMEOUT=5 FALL=3
	PROBES_CPU=failed PROBES_RATE=failed PROBES_MEMORY=failed
	probes_network || return
	peer_start "$who"
	# Everyone was checked, and the start is over.
	if await 30 accepted_more $((n + n / 2)) rs1; then
		pids=$(family "$PEER")
		# shellcheck disable=SC2086 # a list of words
		{
			from=${EPOCHREALTIME/./} checks=$(accepted rs1) cpu=$(cpu_ns $pids)
			sleep $((2 * INTERVAL))
			checks=$(($(accepted rs1) - checks)) cpu=$(($(cpu_ns $pids) - cpu))
			PROBES_RATE=$(quotient "$checks" "$(seconds "$from")" 1)
			PROBES_CPU=$(quotient "$cpu" "$checks" 0.001)
			PROBES_MEMORY=$(memory_kb $pids)
		}
	else
		peer_log "$who"
	fi
	peer_stop "$who"
}

# probes_of WHO: both sizes, and what they tell.
probes_of() {
	local few

	probes_run "$1" $PROBES_FEW
	few=$PROBES_MEMORY
	probes_run "$1" $PROBES
	measure probes "$CHECK" $PROBES "$1" cpu us "$PROBES_CPU"
	measure probes "$CHECK" $PROBES "$1" rate 1/s "$PROBES_RATE"
	measure probes "$CHECK" $PROBES "$1" memory KiB "$PROBES_MEMORY"
	measure probes "$CHECK" $PROBES "$1" each B \
		"$(quotient $((PROBES_MEMORY - few)) $((PROBES - PROBES_FEW)) 1024)"
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
	measure probes http $PROBES blackbox memory KiB "$(memory_kb "$PEER")"
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
