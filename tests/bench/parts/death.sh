# shellcheck shell=bash
# 1,000 realservers die at once, among 100,000 (10,000 services of ten).
#
#   host    one machine which serves in 1,000 services is gone: one target, whose third
#           bad probe in a row turns 1,000 realservers in the same moment. At once in
#           earnest: the decision is made for all of them in one turn of the loop.
#   fleet   1,000 machines, one in each of 1,000 other services, refuse from one moment
#           on; each is probed every 10 s, so that their failures come over ten seconds,
#           100 a second, which is what an emulated machine can probe.
#
#   writes    requests written to the kernel meanwhile: wanted is one each, at most
#   lag       how late the loop came at most meanwhile, its own word (10 s back)
#   slowest   the longest callback that it complained of (above 10 ms; 0: none)
#   batch     from the first weight 0 in the kernel to the last, of 20 of them, evenly
#             taken from the 1,000, which ../watch.c watches
#   held      how many are at 0 in the end, by /proc/net/ip_vs: 1,000
#
# Who else is probed: 500 that stay well, every 10 s, as witnesses. The other 97,500 are
# not: their first probes alone would keep an emulated machine busy for minutes. Rules
# are judged for all. The wanted 10 ms are scaled by how slow this machine is (limit);
# natively, without a kernel's table, `make bench-decide` says more about the decision.
# No peer stands beside it: keepalived checks the host 1,000 times over, and each falls
# on its own.
#
# peers: nginx
# deadline: 150
# runs: 1
# shellcheck source=../peers.sh disable=SC1091
. "$REPO/tests/bench/peers.sh"

DEATH_SERVICES=${DEATH_SERVICES:-10000} DEATH=${DEATH:-1000}

# Realserver r of service s is 10.(32 + r).(s / 250).(s mod 250 + 1), but for the first of
# services DEATH to 2 x DEATH, which is one host. The first DEATH are one block, /22.
death_config() {
	awk -v services="$DEATH_SERVICES" -v death="$DEATH" -v run="$RUN" '
		BEGIN {
			print "[agent]\nstate_dir = " run "/state"
			print "[probe check]\nurl = tcp://\ninterval = 10s\ntimeout = 5s\nfall = 1"
			print "[probe host]\nurl = tcp://\ninterval = 2s\ntimeout = 1s\nfall = 3"
			print "[defaults]\nscheduler = wrr\nforward = masq\ninitial = up\nflap_max = 0s"
			for (s = 0; s < services; s++) {
				block = int(s / 250) "." s % 250 + 1
				print "[service s" s "]\naddress = tcp://10.96." block ":80"
				for (r = 0; r < 10; r++) {
					probe = ""
					address = "10." 32 + r "." block
					if (r == 0 && s < death)
						probe = " probe=check"
					else if (r == 0 && s < 2 * death) {
						probe = " probe=host"
						address = "10.48.0.1"
					} else if (r == 0 && s < 2 * death + 500)
						probe = " probe=check"
					print "realserver = r" r " " address probe
				}
			}
		}'
}

death_network() {
	topology_remove
	topology masq 2 || return
	for rs in rs1 rs2; do
		in_ns "$rs" ip route add local 10.32.0.0/12 dev lo
		in_ns "$rs" ip route add local 10.48.0.0/16 dev lo
	done
	ip -n "$NS-dir" route add 10.32.0.0/12 via "$(rs_ip 1)"
	ip -n "$NS-dir" route add 10.48.0.0/16 via "$(rs_ip 1)"
	rs_start 1 || return
}

# death_figure NAME: from the agent's own metrics.
death_figure() {
	in_director curl -s "$AGENT_URL/metrics?collect%5B%5D=agent" | series_values "$1" |
		awk '{ n += $1 } END { printf "%.6f\n", n }'
}

death_probed() {
	in_director curl -s "$AGENT_URL/metrics?collect%5B%5D=probes" |
		awk -v want=$((2 * DEATH + 500)) \
			'/^ipvs_probe_up/ && $NF == 1 { n++ } END { exit n < want }'
}

death_zeroes() {
	in_director awk '$1 == "->" && $2 ~ /:[0-9A-F]/ && $4 == 0 { n++ } END { print n + 0 }' \
		/proc/net/ip_vs
}

death_seen() { [ "$(grep -c '^[0-9]' "$RUN/watch.$1")" -ge 20 ]; }
death_all() { [ "$(death_zeroes)" -ge "$1" ]; }

# death_of CASE FIRST-SERVICE ZEROES ROUTE: what is routed there now refuses; ZEROES are
# to be at 0 in the end.
death_of() {
	local what=$1 writes from batch said

	awk -v first="$2" -v step=$((DEATH / 20)) 'BEGIN { for (i = 0; i < 20; i++) {
		s = first + i * step; print "10.96." int(s / 250) "." s % 250 + 1 ":80" } }' \
		>"$RUN/services"
	ip netns exec "$NS-dir" "$WATCH" 0 20 <"$RUN/services" >"$RUN/watch.$what" 2>&1 &
	disown
	await 10 grep -q ready "$RUN/watch.$what"
	writes=$(death_figure ipvs_agent_kernel_writes_total)
	said=$(wc -l <"$RUN/agent.log")
	from=${EPOCHREALTIME/./}
	ip -n "$NS-dir" route add "$4" via "$(rs_ip 2)"
	await 10 death_seen "$what" || diag "$what: $(death_zeroes) at 0"
	measure death "$what" "$DEATH" ours lag s "$(death_figure ipvs_agent_loop_lag_seconds)"
	measure death "$what" "$DEATH" limit lag s "$(quotient "$(scaled 10)" 1000 1)"
	batch=$(awk '/^[0-9]/ { if (!n++) first = $1; last = $1 }
		END { if (n == 20) printf "%.6f\n", (last - first) / 1e6 }' "$RUN/watch.$what")
	measure death "$what" "$DEATH" ours batch s "$batch"
	await 10 death_all "$3"
	measure death "$what" "$DEATH" ours held realservers $(($(death_zeroes) - $3 + DEATH))
	measure death "$what" "$DEATH" ours writes requests "$(awk -v a="$writes" \
		-v b="$(death_figure ipvs_agent_kernel_writes_total)" 'BEGIN { print b - a }')"
	measure death "$what" "$DEATH" limit writes requests "$DEATH"
	measure death "$what" "$DEATH" ours slowest s "$(tail -n +$((said + 1)) "$RUN/agent.log" |
		sed -n 's/.*msg="slow callback".*took=\([0-9.]*\)s$/\1/p' | sort -n |
		awk '{ v = $1 } END { print v + 0 }')"
	diag "$what: after $(seconds "$from") s" "$(tail -n +$((said + 1)) "$RUN/agent.log" |
		sed -n 's/.*msg="slow callback" //p')"
}

part_death() {
	how death ours "ipvs-agent run; build/bench/watch 0; GET /metrics?collect[]=agent"
	how death limit "10 ms, as much longer as this machine is slower; a write each"
	death_network || return
	agent_config < <(death_config)
	agent_run
	await 30 agent_ready
	if ! await 20 death_probed; then
		diag "not everyone is up" "$(tail -n 5 "$RUN/agent.log")"
		measure death host "$DEATH" ours held realservers failed
		return
	fi
	death_of host "$DEATH" "$DEATH" 10.48.0.1/32
	death_of fleet 0 $((2 * DEATH)) 10.32.0.0/22
	agent_kill9
}
