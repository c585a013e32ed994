# shellcheck shell=bash
# A real Prometheus finds, in the agent's own metrics, that a realserver has too many
# connections, and a real Alertmanager tells the agent. With a wrong token nothing
# happens; with the right one the realserver is drained, stays so for longer than the
# rule's ttl as the alert is repeated, also over a kill -9 of the agent, and comes back
# by its ramp when it is resolved. The same with two Alertmanagers as a cluster, of which
# one is killed while the alert fires; and with none left to say that it is over: the ttl
# ends it. promtool and amtool have nothing to say about the examples of contrib/.
#
# peers: prometheus prometheus-alertmanager nginx
# deadline: 420
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../rules.sh disable=SC1091
. "$(dirname "$0")/../rules.sh"

COUNT=3
# More than twice as long as what Alertmanager takes to repeat itself.
TTL=$(($(scaled 3) + 15))
TOKEN=only-for-alertmanager

config() {
	cat <<-INI
		[agent]
		state_dir = $RUN/state
		reconcile_interval = 1s
		[http]
		listen = 127.0.0.1:10015
		listen = unix:$RUN/agent.sock
		token_file = $RUN/token
		[service web]
		address = tcp://$VIP:80
		scheduler = wrr
		forward = masq
		probe = port
		ramp = 5s
		realserver = web1 $(rs_ip 1)
		realserver = web2 $(rs_ip 2) weight=10
		realserver = web3 $(rs_ip 3) weight=10
		[rule overloaded]
		alert = RealserverOverloaded
		action = quiesce
		ttl = ${TTL}s
	INI
	probe_ini port
}

prometheus_start() {
	cat >"$RUN/alerts.yml" <<-YML
		groups:
		- name: act
		  rules:
		  - alert: RealserverOverloaded
		    # Over a restart of the agent there are no figures for a moment.
		    expr: max_over_time(ipvs_realserver_active_connections[$(($(scaled 1) + 5))s]) > 20
		    annotations: { summary: "{{ \$labels.realserver }} has {{ \$value }}" }
	YML
	cat >"$RUN/prometheus.yml" <<-YML
		global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }
		rule_files: [ $RUN/alerts.yml ]
		scrape_configs:
		- job_name: ipvs-agent
		  static_configs: [ { targets: [ "127.0.0.1:10015" ] } ]
		alerting:
		  alertmanagers:
		  - static_configs: [ { targets: [ "127.0.0.1:9093", "127.0.0.1:9094" ] } ]
	YML
	in_director prometheus --config.file="$RUN/prometheus.yml" \
		--storage.tsdb.path="$RUN/tsdb" --web.listen-address=127.0.0.1:9090 \
		--rules.alert.resend-delay=2s >"$RUN/prometheus.log" 2>&1 &
	disown
}

# alertmanager_start N [OPTION...]: the first or the second, behind port 9092 + N.
alertmanager_start() {
	local n=$1
	shift

	cat >"$RUN/alertmanager.yml" <<-YML
		route:
		  receiver: ipvs-agent
		  group_by: [ alertname, ipvs_service, realserver ]
		  group_wait: 1s
		  group_interval: 2s
		  repeat_interval: 4s
		receivers:
		- name: ipvs-agent
		  webhook_configs:
		  - url: $AGENT_URL/api/v1/alerts
		    send_resolved: true
		    http_config:
		      follow_redirects: false
		      authorization: { credentials_file: $RUN/alertmanager.token }
	YML
	# It wants its templates where the package would have put them.
	# In no function: its shell would be killed, and not what it runs.
	# shellcheck disable=SC2016 # expands inside
	ip netns exec "$NS-dir" unshare -m sh -c 'mount --bind "$0" /usr/share && exec "$@"' \
		"$REPO/build/peers/root/usr/share" prometheus-alertmanager --config.file="$RUN/alertmanager.yml" \
		--storage.path="$RUN/am$n" --web.listen-address=127.0.0.1:$((9092 + n)) \
		--cluster.peer-timeout=1s "$@" >>"$RUN/alertmanager$n.log" 2>&1 &
	echo $! >"$RUN/alertmanager$n.pid"
	disown
}

alertmanager_kill() {
	local n

	for n; do
		kill -KILL "$(cat "$RUN/alertmanager$n.pid")"
	done
}

# Of the pair: each knows the other.
alertmanager_pair() {
	local n

	for n in 1 2; do
		alertmanager_start $n --cluster.listen-address=127.0.0.1:$((9192 + n)) \
			--cluster.advertise-address=127.0.0.1:$((9192 + n)) \
			--cluster.peer=127.0.0.1:$((9195 - n))
	done
}

alertmanager_ready() {
	in_director curl -sf -m 5 -o /dev/null "http://127.0.0.1:$((9092 + $1))/-/ready"
}

alertmanager_peers() {
	[ "$(in_director curl -sf -m 5 http://127.0.0.1:9093/metrics |
		series_values alertmanager_cluster_members)" = 2 ]
}

overload() { traffic_start busy -r 1 -t "$(scaled 3000)" -l 60 -i 2000 -w 1 "$VIP" 80; }
alerts_held() { metric 'ipvs_hold_since_timestamp_seconds{class="alert"}' | wc -l; }
alerts_held_are() { [ "$(alerts_held)" = "$1" ]; }
answers() { logged_lines "msg=asked.*what=\"POST /api/v1/alerts\".*status=200"; }
answered_more() { [ "$(answers)" -gt "$1" ]; }
placed() { grep -c '"type":"place".*"class":"alert"' "$RUN"/state/ledger*; }
passed_since() { [ $(($(now_ms) - $1)) -gt $(($2 * 1000)) ]; }

# ---- the examples ------------------------------------------------------------

ok "amtool takes the example" amtool check-config "$REPO/contrib/prometheus/alertmanager.yml"
ok "promtool takes the example" promtool check rules \
	"$REPO/contrib/prometheus/ipvs-agent.rules.yml"

# ---- a wrong token -----------------------------------------------------------

topology masq $COUNT || exit
for ((i = 1; i <= COUNT; i++)); do
	rs_start $i || exit
done
echo $TOKEN >"$RUN/token"
echo wrong-$TOKEN >"$RUN/alertmanager.token"
chmod 600 "$RUN/token"
ok "the agent starts" agent_start < <(config)
settles "100 10 10" "all serve"
alertmanager_start 1 --cluster.listen-address=
prometheus_start
ok "Alertmanager is there" await 30 alertmanager_ready 1
overload
ok "wrong token: it is refused" await 60 logged 'what="POST /api/v1/alerts".*status=401'
is "$(weights)" "100 10 10" "wrong token: nothing changes"
is "$(alerts_held)" 0 "wrong token: nothing is held"
is "$(grep -c alert "$RUN"/state/ledger*)" 0 "wrong token: nothing is recorded"

# ---- it fires, and resolves ----------------------------------------------------

echo $TOKEN >"$RUN/alertmanager.token"
settles "0 10 10" "it fires: the realserver is drained" 60
fired=$(now_ms)
is "$(alerts_held)" 1 "it fires: one hold"
explained=$(agent explain web/web1)
diag "$explained"
like "$explained" 'alert RealserverOverloaded: web1 has' "it fires: explain says why"
is "$(enforced overloaded)" 1 "it fires: the rule has acted once"
before=$(answers)
ok "it fires: Alertmanager repeats it" await 60 answered_more $((before + 2))
agent_kill9
ok "kill -9: the agent starts" agent_start
is "$(weights)" "0 10 10" "kill -9: it is drained as before"
ok "it fires for longer than the ttl" await $((2 * TTL)) passed_since "$fired" $((TTL + 2))
is "$(weights)" "0 10 10" "it fires: it is drained for as long as it is repeated"
ok "it fires: not every repetition is recorded" test "$(placed)" -lt "$(answers)"
watch_steps back "$(rs_ip 1)" 80
traffic_stop busy
settles "100 10 10" "it resolves: the realserver serves again" 60
steps=$(unwatch_steps back)
diag "ramp: $steps"
ok "it resolves: it comes back by its ramp" test "$(wc -w <<<"$steps")" -ge 4
is "$(alerts_held)" 0 "it resolves: no hold is left"
ok "it resolves: because it was told so" logged 'msg="alert resolved".*realserver=web1'

# ---- two of them, as a cluster --------------------------------------------------

alertmanager_kill 1
alertmanager_pair
ok "the pair knows each other" await 60 alertmanager_peers
before=$(placed)
overload
settles "0 10 10" "a pair: the realserver is drained" 60
ok "a pair: one hold" await 10 alerts_held_are 1
alertmanager_kill 1
before=$(answers)
ok "a pair: the other goes on repeating it" await 60 answered_more $((before + 1))
is "$(weights)" "0 10 10" "a pair: it is drained as before"
traffic_stop busy
settles "100 10 10" "a pair: the other tells that it is over" 60

# ---- none of them is left ---------------------------------------------------------

overload
settles "0 10 10" "none left: the realserver is drained" 60
alertmanager_kill 2
fired=$(now_ms)
traffic_stop busy
ok "none left: until the ttl has passed" await $((3 * TTL)) weights_are "100 10 10"
ok "none left: not much sooner" passed_since "$fired" $((TTL / 2))
ok "none left: the log says why" logged 'msg="hold released".*class=alert.*its time is over'
is "$(alerts_held)" 0 "none left: no hold is left"

# ---- and what was written down -------------------------------------------------------

ok "the agent stops" agent_stop
told=$(in_director "$AGENT" replay -c "$RUN/agent.ini" "$RUN/state/journal")
is $? 0 "replayed with the same file it comes to the same" || diag "$told"
like "$told" 'alert [0-9a-f]{16} holds it' "the journal names the alert"

done_testing
