# shellcheck shell=bash
# A reload writes exactly the difference, by every way to ask for one (SIGHUP, POST
# /-/reload over the unix socket, `ipvs-agent reload`), and keeps the probe state and
# the holds of what stayed. A broken file changes nothing, and every error is told with
# its line, in the answer and in the log. What leaves is drained or deleted, as
# on_remove says.
#
# peers: nginx ipvsadm
# deadline: 300
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"

topology masq 3 || exit
ok "nginx starts on rs1" rs_start 1
ok "nginx starts on rs2" rs_start 2
# Connections that were closed are forgotten soon.
ok "timeouts" in_director ipvsadm --set 900 2 300

base="[agent]
state_dir = $RUN/state
reconcile_interval = 1s

[probe port]
url = tcp://:80
interval = 500ms
timeout = 400ms
rise = 2
fall = 2
"
web="
[service web]
address = tcp://$VIP:80
scheduler = rr
forward = masq
probe = port
realserver = web1 10.1.0.11
realserver = web3 10.1.0.13
"
ok "the agent starts" agent_start <<<"$base
[defaults]
on_remove = now
$web
[service stays]
address = udp://10.7.0.1:53
realserver = a 10.1.0.11

[service goes]
address = tcp://10.7.0.2:80
realserver = a 10.1.0.11

[service changes]
address = tcp://10.7.0.3:80
address = tcp://10.7.0.3:443
scheduler = rr
realserver = a 10.1.0.11
realserver = b 10.1.0.12
realserver = c 10.1.0.13
"
held_since() { metric 'ipvs_hold_since_timestamp_seconds{realserver="web3",holder="probe-down"}'; }
is_held() { [ -n "$(held_since)" ]; }
up() { metric_is "ipvs_probe_up{realserver=\"$1\"}" 1; }
ok "web1 is seen up" await 15 up web1
ok "web3 is held" await 15 is_held

writes() {
	local op

	for op in new_service set_service del_service new_dest set_dest del_dest; do
		printf '%s ' "$(series_values "ipvs_agent_kernel_writes_total{op=\"$op\"}" <"$RUN/exposition")"
	done
}
# since BEFORE: new writes by op, as writes lists them.
since() {
	paste -d' ' <(tr ' ' '\n' <<<"$1") <(writes | tr ' ' '\n') |
		awk 'NF == 2 { printf "%d ", $2 - $1 }'
}
passed_again() { [ "$(metric ipvs_agent_reconciles_total)" -ge "$passes" ]; }
# Two more passes; the exposition is then there to be looked at.
two_passes() {
	passes=$(($(metric ipvs_agent_reconciles_total) + 2))
	await 20 passed_again && metrics >"$RUN/exposition"
}
value() { series_values "$1" <"$RUN/exposition"; }

ok "two passes" two_passes
# web1 was added at 0 and raised when its probe passed, unless it passed before.
like "$(writes)" '^5 0 0 10 [01] 0 $' "what a start on an empty kernel writes"
before=$(writes)
since=$(held_since)
attempts=$(value 'ipvs_probe_attempts_total{realserver="web1"}')
verdicts=$(agent_log 'msg="probe (up|down)"' | wc -l)

changed="$base
[defaults]
on_remove = now
$web
[service stays]
address = udp://10.7.0.1:53
realserver = a 10.1.0.11

[service comes]
address = tcp://10.7.0.4:80
realserver = a 10.1.0.11

[service changes]
address = tcp://10.7.0.3:80
address = tcp://10.7.0.3:443
scheduler = wrr
realserver = a 10.1.0.11 weight=50
realserver = b 10.1.0.12
realserver = d 10.1.0.14
"
ok "a reload that adds, changes and removes" agent_reload <<<"$changed"
ok "two passes" two_passes
is "$(since "$before")" "1 2 1 3 2 2 " \
	"comes is new; changes: 2 schedulers, 2 weights, d added, c removed; goes is gone"
is "$(ipvs_table)" "-A -t 10.7.0.3:443 -s wrr
-a -t 10.7.0.3:443 -r 10.1.0.11:443 -g -w 50
-a -t 10.7.0.3:443 -r 10.1.0.12:443 -g -w 100
-a -t 10.7.0.3:443 -r 10.1.0.14:443 -g -w 100
-A -t 10.7.0.3:80 -s wrr
-a -t 10.7.0.3:80 -r 10.1.0.11:80 -g -w 50
-a -t 10.7.0.3:80 -r 10.1.0.12:80 -g -w 100
-a -t 10.7.0.3:80 -r 10.1.0.14:80 -g -w 100
-A -t 10.7.0.4:80 -s wlc
-a -t 10.7.0.4:80 -r 10.1.0.11:80 -g -w 100
-A -t 10.9.0.100:80 -s rr
-a -t 10.9.0.100:80 -r 10.1.0.11:80 -m -w 100
-a -t 10.9.0.100:80 -r 10.1.0.13:80 -m -w 0
-A -u 10.7.0.1:53 -s wlc
-a -u 10.7.0.1:53 -r 10.1.0.11:53 -g -w 100" "the table is the file's"
is "$(held_since)" "$since" "web3 is held since the same moment"
is "$(agent_log 'msg="probe (up|down)"' | wc -l)" "$verdicts" "no verdict was made anew"
not_ok "attempts are counted on" [ "$(value 'ipvs_probe_attempts_total{realserver="web1"}')" -le "$attempts" ]
is "$(value ipvs_agent_drift_total)" 0 "a reload is not drift"
is "$(value ipvs_agent_config_generation)" 2 "the second configuration"

# The same file again, by the other ways: nothing to write.
before=$(writes)
ok "ipvs-agent reload" agent reload
diag "$(cat "$RUN/output")"
kill -HUP "$AGENT_PID"
generation() { metric_is ipvs_agent_config_generation "$1"; }
ok "SIGHUP" await 10 generation 4
ok "two passes" two_passes
is "$(since "$before")" "0 0 0 0 0 0 " "the same file again writes nothing"

# A broken file.
table=$(ipvs_table)
cp "$RUN/agent.ini" "$RUN/good.ini"
cat >>"$RUN/agent.ini" <<'BROKEN'

[service broken]
address = tcp://10.7.0.300:80
schedular = rr
realserver = x
BROKEN
line=$(grep -n '^\[service broken\]' "$RUN/agent.ini" | cut -d: -f1)
answer=$(in_director curl -s -w '%{http_code}' -m 30 --unix-socket "$RUN/agent.sock" -X POST http://agent/-/reload)
diag "$answer"
like "$answer" '400$' "a broken file is refused"
for i in 1 2 3; do
	like "$answer" "agent.ini:$((line + i)): error:" "the answer tells the error in line $((line + i))"
	like "$(agent_log level=error)" "agent.ini.*line=$((line + i))" "so does the log"
done
# A scrape may show a snapshot that is a second old.
ok "the metrics say so" await 10 metric_is ipvs_agent_config_last_reload_successful 0
not_ok "ipvs-agent reload says so" agent reload
output=$(cat "$RUN/output")
diag "$output"
like "$output" "agent.ini:$((line + 2)): error: unknown key 'schedular'.*did you mean 'scheduler'" "with the errors"
like "$output" 'old configuration stays in force' "and what becomes of it"
kill -HUP "$AGENT_PID"
refused() { [ "$(agent_log 'msg="reload refused' | wc -l)" = 3 ]; }
ok "SIGHUP on it is refused, too" await 10 refused
before=$(writes)
ok "two passes" two_passes
is "$(since "$before")" "0 0 0 0 0 0 " "nothing is written"
is "$(ipvs_table)" "$table" "the table is as it was"
metrics >"$RUN/exposition"
is "$(value ipvs_agent_config_generation)" 4 "the configuration is the one before"
cp "$RUN/good.ini" "$RUN/agent.ini"
ok "the good file" agent_reload
ok "the metrics say so" await 10 metric_is ipvs_agent_config_last_reload_successful 1

# What leaves. An established connection holds web2's drain up, but not on_remove = now.
drain="$base
$web"
ok "web2 comes" agent_reload <<<"$drain
realserver = web2 10.1.0.12"
web2_is() { ipvs_table | grep -q -- "-r 10.1.0.12:80 -m -w $1"; }
no_web2() { ! ipvs_table | grep -q -- "-r 10.1.0.12:80 -m"; }
ok "and serves" await 15 web2_is 100
has_connection() { in_director ipvsadm -Lnc | grep -q 'ESTABLISHED.*10.1.0.12:80'; }
traffic_start a -r 20 -l 4 -w 1 "$VIP" 80
await 10 traffic_has a 8
ok "web2 leaves" agent_reload <<<"$drain"
ok "it is quiesced" await 10 web2_is 0
ok "two passes" two_passes
ok "it stays while it has connections" web2_is 0
ok "the traffic ends" traffic_stop a
diag "$(tail -n 1 "$RUN/traffic.a")"
is "$(traffic_figure a cut)" 0 "no established connection was cut"
is "$(traffic_figure a failed)" 0 "no request failed"
# The kernel remembers closed connections for two minutes, however fast the machine is.
ok "then it is deleted" await 150 no_web2

now="$base
${web}on_remove = now"
ok "web2 comes again" agent_reload <<<"$now
realserver = web2 10.1.0.12"
ok "and serves" await 15 web2_is 100
traffic_start b -r 20 -l 4 -w 1 "$VIP" 80
await 10 traffic_has b 8
ok "web2 leaves, with on_remove = now" agent_reload <<<"$now"
ok "it is deleted" await 3 no_web2
ok "although it had connections" has_connection
ok "the traffic ends" traffic_stop b

# Of many warnings the log has some, and how many there are more.
many() {
	local i

	printf '%s' "$base"
	for i in {1..25}; do
		printf '[service s%d]\naddress = tcp://10.1.9.%d:80\nforward = masq\n' "$i" "$i"
		printf 'realserver = web1 10.1.0.11\n'
	done
}
ok "25 services without a probe" agent_reload < <(many)
# One of the 20 is about a probe that nobody uses.
is "$(agent_log 'service s[0-9]+ has no probe' | wc -l)" 19 "20 warnings are logged"
like "$(agent_log 'has more warnings')" 'more=6' "and how many there are more"

done_testing
