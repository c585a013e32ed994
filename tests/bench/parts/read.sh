# shellcheck shell=bash
# Read: from the kernel to figures. All read the same table, one after the other, in the
# same namespace, where ours manages it and probes it. Of ours there are three: a fresh
# snapshot (`collect[]=agent` and `max_age = 0s`: the whole table is read and published, next
# to nothing is rendered), the whole fresh scrape with all the text, and one of the
# kernel's table alone (`collect[]=ipvs`). node_exporter has its ipvs collector only; its
# figures of a realserver are connections, active and inactive, and the weight.
#
# peers: ipvsadm prometheus-node-exporter
# runs: 3
# deadline: 300

# Every realserver is probed, as in real life, but at such intervals that next to no
# attempt falls into a measurement; there is no route to any, which changes no weight.
read_agent_start() {
	KEYS=$'probe = connect' table_agent "$1" "$2" | {
		printf '[probe connect]\nurl = tcp://\ninterval = 1h\ntimeout = 5s\n'
		cat
	} | managed_config
	agent_run
	await 60 agent_ready && await_idle_agent
}

# Floor and ours beside each other, thrice: what they take differs more from one second
# to the next than between them.
read_snapshots() {
	local wall cpu before

	for _ in 1 2 3; do
		read -r wall cpu <<<"$(floor_figures read)"
		measure read "$1" "$2" floor snapshot s "$wall"
		measure read "$1" "$2" floor snapshot-cpu s "$cpu"
		before=$(cpu_of "$AGENT_PID")
		read -r wall _ <<<"$(scrape "$AGENT_URL/metrics?collect%5B%5D=agent")"
		measure read "$1" "$2" ours snapshot s "$wall"
		measure read "$1" "$2" ours snapshot-cpu s "$(minus "$(cpu_of "$AGENT_PID")" "$before")"
	done
}

# read_scrape CASE SIZE SUFFIX [QUERY]
read_scrape() {
	local wall bytes before

	before=$(cpu_of "$AGENT_PID")
	read -r wall bytes <<<"$(scrape "$AGENT_URL/metrics${4:-}" "$RUN/page")"
	measure read "$1" "$2" ours "scrape$3" s "$wall"
	measure read "$1" "$2" ours "scrape$3-cpu" s "$(minus "$(cpu_of "$AGENT_PID")" "$before")"
	measure read "$1" "$2" ours "text$3" MB "$(megabytes "$bytes")"
	measure read "$1" "$2" ours "figures-each$3" count \
		"$(each_figures "$2" '^ipvs_[a-z_]*{[^}]*realserver="')"
}

# each_figures REALSERVERS PATTERN: how many figures a realserver the last page has.
each_figures() {
	grep -c "$2" "$RUN/page" | awk -v n="$1" '{ printf "%.1f\n", $1 / n }'
}

read_node_exporter() {
	local pid took bytes cpu

	ip netns exec "$NS-dir" prometheus-node-exporter --collector.disable-defaults \
		--collector.ipvs --web.listen-address=127.0.0.1:9100 >"$RUN/node.log" 2>&1 &
	pid=$!
	disown
	await 30 in_director bash -c '</dev/tcp/127.0.0.1/9100' 2>/dev/null
	cpu=$(cpu_of $pid)
	read -r took bytes <<<"$(scrape http://127.0.0.1:9100/metrics "$RUN/page")"
	measure read "$1" "$2" node_exporter scrape s "$took"
	measure read "$1" "$2" node_exporter scrape-cpu s "$(minus "$(cpu_of $pid)" "$cpu")"
	measure read "$1" "$2" node_exporter text MB "$(megabytes "$bytes")"
	measure read "$1" "$2" node_exporter figures-each count "$(each_figures "$2" '^node_ipvs_backend_')"
	kill -KILL $pid
}

# read_case wide|deep SIZE RUNS RUNS-WITH-PEERS
read_case() {
	local services each name wall cpu

	wanted "$2" && first_runs "$3" || return 0
	read -r services each <<<"$(shape_of "$1" "$2")"
	name=$(case_of "$1" "$2")
	bench_ns
	floor_figures apply "$services" "$each" >/dev/null
	read_agent_start "$services" "$each" || return
	floor_figures read >/dev/null
	read_snapshots "$name" "$2"
	read_scrape "$name" "$2" ""
	read_scrape "$name" "$2" -ipvs "?collect%5B%5D=ipvs"
	if first_runs "$4"; then
		read -r wall cpu <<<"$(timed ipvsadm -Ln --stats)"
		measure read "$name" "$2" ipvsadm scrape s "$wall"
		measure read "$name" "$2" ipvsadm scrape-cpu s "$cpu"
		read_node_exporter "$name" "$2"
	fi
	agent_kill9
}

part_read() {
	how read floor "build/bench/floor read"
	how read ours "ipvs-agent run on the table, max_age = 0s; GET /metrics?collect[]=agent for the snapshot, GET /metrics for the scrape"
	how read ipvsadm "ipvsadm -Ln --stats >/dev/null"
	how read node_exporter "prometheus-node-exporter --collector.disable-defaults --collector.ipvs; GET /metrics"
	read_case wide 10000 3 2
	read_case wide 50000 2 1
	read_case deep 100000 2 1
}
