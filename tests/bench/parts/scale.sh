# shellcheck shell=bash
# Fifty thousand TCP probes every 3 s by one process, over 127.0.0.0/8 to one server that
# accepts and closes, in a network namespace of its own, on this machine as it is. Then
# the server dies, and all 50,000 with it.
#
#   late     the latest start of any probe against its plan, in the last ten seconds
#   cores    processor time of all its threads by the clock's
#   memory   the most that was ever resident, deaths included
#   rate     probes a second, of those that were planned
#   down     from the server's end to the last verdict, which is to be within
#            fall x interval + timeout + 2 s; looked at every second
#
# Who looks at all of them reads 50 MB of text, so nobody does while it is measured.
#
# Nobody else does as many; probes.sh has keepalived beside it, at 2,000.
#
# where: here
# runs: 1
# deadline: 120
# shellcheck source=../peers.sh disable=SC1091
. "$REPO/tests/bench/peers.sh"

SCALE=50000 SCALE_INTERVAL=3 SCALE_PORT=18080

scale_config() {
	printf '[agent]\nstate_dir = %s/state\ncorrelated_targets = 0\nmax_probes = 5000\n' "$RUN"
	printf '[http]\nlisten = 127.0.0.1:10015\n[metrics]\nmax_age = 0s\n'
	printf '[probe p]\nurl = tcp://\ninterval = %ss\ntimeout = 1s\nfall = 3\n' $SCALE_INTERVAL
	printf '[defaults]\nprobe = p\nscheduler = wrr\nforward = masq\n'
	awk -v n=$SCALE -v port=$SCALE_PORT 'BEGIN { for (i = 0; i < n; i++) {
		if (i % 10 == 0)
			printf "[service s%d]\naddress = tcp://10.96.%d.%d:%d\n", i / 10,
				i / 2500, i / 10 % 250 + 1, port
		printf "realserver = r%d 127.%d.%d.%d\n", i % 10, 1 + i / 62500,
			i / 250 % 250, i % 250 + 1 } }'
}

scale_page() { curl -s -m 20 "http://127.0.0.1:10015/metrics?collect%5B%5D=$1"; }

scale_sum() { scale_page probes | awk -v of="$1{" 'index($0, of) == 1 { n += $NF } END { print n + 0 }'; }

# scale_all VALUE: whether that is the verdict of all; tried for a while.
scale_all() {
	local end=$((SECONDS + 40))

	while [ $SECONDS -lt $end ]; do
		[ "$(scale_page probes | grep -c "^ipvs_probe_up{.* $1\$")" -lt $SCALE ] || return 0
		sleep 1
	done
	return 1
}

# Inside: prints FIGURE UNIT VALUE.
scale_inside() {
	local from cpu probes spent

	sink='' agent=''
	trap 'kill $sink $agent' EXIT
	ip link set lo up
	"$FLOOR" sink $SCALE_PORT &
	sink=$!
	"$AGENT" run -c "$RUN/agent.ini" >"$RUN/agent.log" 2>&1 &
	agent=$!
	sleep 10
	scale_all 1 || return
	probes=$(scale_sum ipvs_probe_attempts_total) from=${EPOCHREALTIME/./}
	# What is late is told of the last ten seconds.
	sleep 11
	cpu=$(cpu_ns $agent) spent=${EPOCHREALTIME/./}
	sleep 12
	cpu=$(($(cpu_ns $agent) - cpu)) spent=$((${EPOCHREALTIME/./} - spent))
	echo "late s $(scale_page agent | sed -n 's/^ipvs_agent_probe_lateness_seconds //p')"
	echo "cores count $(quotient $cpu $spent 0.001)"
	probes=$(($(scale_sum ipvs_probe_attempts_total) - probes))
	echo "rate 1/s $(quotient $probes "$(seconds "$from")" 1)"
	kill $sink
	from=${EPOCHREALTIME/./}
	scale_all 0 && echo "down s $(seconds "$from")" || echo "down s never"
	echo "memory MB $(awk '$1 == "VmHWM:" { print $2 / 1000 }' /proc/$agent/status)"
}

part_scale() {
	local figure unit value

	how scale ours "ipvs-agent run; its own metrics, /proc/PID/task/*/schedstat"
	mkdir -p "$RUN/state"
	scale_config >"$RUN/agent.ini"
	while read -r figure unit value; do
		measure scale tcp $SCALE ours "$figure" "$unit" "$value"
	done < <(
		export AGENT FLOOR RUN SCALE SCALE_PORT
		unshare -rn bash -c "$(declare -f scale_page scale_sum scale_all scale_inside \
			cpu_ns quotient seconds); scale_inside"
	)
}
