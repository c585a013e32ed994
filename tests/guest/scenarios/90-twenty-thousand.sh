# shellcheck shell=bash
# Size: 2,000 services with ten realservers each, managed, probed and scraped by
# one agent (a plain build). One nginx answers for all 20,000 addresses. What it
# costs is printed, not judged, for this machine may be any; what is judged is
# that everything is right: all of it in the kernel once and with its weight after
# its first good probe, every series there once, a reload of the same file writes
# nothing, and no callback kept the loop for half a second of a real machine.
#
# peers: nginx
# deadline: 400
AGENT=$(cd "$(dirname "$0")/../../.." && pwd)/build/ipvs-agent
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"

SERVICES=2000 EACH=10
TOTAL=$((SERVICES * EACH))
# So many probes a second are a light load for a real machine and all that an
# emulated one can do: the director, the network and the server are all this one.
INTERVAL=$((20 * SLACK / 10))
[ $INTERVAL -le 120 ] || INTERVAL=120

config() {
	awk -v services=$SERVICES -v each=$EACH -v interval="$INTERVAL" 'BEGIN {
		printf "[probe connect]\nurl = tcp://\ninterval = %ds\ntimeout = 10s\n", interval
		print "[defaults]\nscheduler = wrr\nforward = masq\nprobe = connect"
		for (s = 0; s < services; s++) {
			printf "[service s%d]\naddress = tcp://10.64.%d.%d:80\n", s, s / 250, s % 250 + 1
			for (r = 0; r < each; r++) {
				n = s * each + r
				printf "realserver = r%d 10.32.%d.%d\n", r, n / 250, n % 250 + 1
			}
		}
	}'
}

# The kernel's realservers at a weight, and all of them; no fork a line.
kernel_count() {
	# shellcheck disable=SC2016 # awk's
	in_director awk '$1 == "->" && $2 ~ /:[0-9A-F]/ { all++; at[$4]++ }
		END { print all + 0, at[100] + 0 }' /proc/net/ip_vs
}

kernel_has() { [ "$(kernel_count)" = "$1 $2" ]; }

# page: the exposition into $RUN/page, and its seconds and bytes.
page() {
	in_director curl -sf -m 120 -o "$RUN/page" -w '%{time_total} s, %{size_download} bytes' \
		"$AGENT_URL/metrics"
}

# figure NAME{labels}: of the last page.
figure() {
	grep "^${1%%\{*}" "$RUN/page" | series_values "$1" | awk '{ n += $1 } END { printf "%.3f\n", n }'
}

figures() {
	diag "$1: a scrape took $(page)"
	diag "$1: memory $(($(grep '^process_resident_memory_bytes ' "$RUN/page" |
		awk '{ printf "%d", $2 / 1024 }'))) KiB, loop lag $(figure ipvs_agent_loop_lag_seconds) s, a probe late by" \
		"  $(figure ipvs_agent_probe_lateness_seconds) s at most, snapshot $(figure ipvs_agent_snapshot_age_seconds) s old," \
		"  slow callbacks $(figure ipvs_agent_slow_callbacks_total), attempts $(figure ipvs_probe_attempts_total)," \
		"  failures $(figure ipvs_probe_failures_total), CPU $(figure process_cpu_seconds_total) s"
}

# Scrapes one after another, each of which reads the kernel: the reconciling must
# find its turn between them.
reconciles() {
	in_director curl -s "$AGENT_URL/metrics?collect%5B%5D=agent" |
		series_values ipvs_agent_reconciles_total
}

reconciled() { [ "$(reconciles)" -gt "$from" ]; }

writes() { figure ipvs_agent_kernel_writes_total; }

topology masq 1 || exit
in_ns rs1 ip route add local 10.32.0.0/16 dev lo
ip -n "$NS-dir" route add 10.32.0.0/16 via "$(rs_ip 1)"
# The director sends a SYN to each and closes: no need for long lists in TIME_WAIT.
ns_set dir ipv4/tcp_max_tw_buckets=1000 2>/dev/null
rs_start 1 || exit

agent_config < <(config)
diag "$TOTAL realservers, a probe every $INTERVAL s: $((TOTAL / INTERVAL)) a second"
from=$(now_ms)
ok "check passes" in_director "$AGENT" check -c "$RUN/agent.ini"
diag "check took $(($(now_ms) - from)) ms"
from=$(now_ms)
agent_run
ok "the agent is ready" await 60 agent_ready
diag "ready after $(($(now_ms) - from)) ms"
ok "all of it is in the kernel" await 60 eval \
	"[[ \"\$(kernel_count)\" == \"$TOTAL \"* ]]"
diag "cold apply: $TOTAL realservers of $SERVICES services in the kernel after $(($(now_ms) - from)) ms"
figures "while the first probes run"

ok "after its first good probe each has its weight" await $((INTERVAL * 3)) kernel_has $TOTAL $TOTAL ||
	diag "$(kernel_count)"
diag "all up after $(($(now_ms) - from)) ms"
figures "all up"

is "$(grep -v '^#' "$RUN/page" | sed 's/ [^ ]*$//' | LC_ALL=C sort | uniq -d | head -n 3)" "" \
	"no series twice"
is "$(grep -c '^ipvs_service_info{' "$RUN/page")" $SERVICES "every service"
is "$(grep -c '^ipvs_realserver_weight{.*} 100$' "$RUN/page")" $TOTAL "every realserver, with its weight"
is "$(grep -c '^ipvs_probe_up{.*} 1$' "$RUN/page")" $TOTAL "every probe, up"
is "$(grep -c '^ipvs_hold_since' "$RUN/page")" 0 "nothing is held"
before=$(writes)
diag "kernel writes: $before"

from=$(now_ms)
ok "a reload of the same file" agent_reload
diag "it took $(($(now_ms) - from)) ms"
from=$(reconciles)
ok "and the reconciling after it" await 30 reconciled
figures "after the reload"
is "$(writes)" "$before" "wrote nothing"
ok "everything stands" kernel_has $TOTAL $TOTAL

slowest=$(agent_log 'msg="slow callback"' | sed -n 's/.*took=\([0-9]*\)\.\([0-9]*\)s$/\1\2/p' |
	sort -n | tail -n 1)
at_most "$((10#${slowest:-0}))" "$(scaled 500)" "no callback kept the loop for long (ms)"
diag "the slowest: $(agent_log 'msg="slow callback"' | sed -n 's/.*callback=\(.*\) took=\(.*\)s$/\2 \1/p' |
	sort -rn | awk '!seen[$2]++ { printf "%s %s s; ", $2, $1 }')"

done_testing
