# shellcheck shell=bash
# Reload, in a director that has everything as its file says: of the same file, and of
# one with a realserver less. The first ends when the program rests again (processor time,
# build/bench/await idle), the second when the realserver is gone from the kernel. `read`
# and `parse` are what a reload must cost at least.
#
# peers: keepalived
# runs: 2
# deadline: 400

reload_writes() {
	in_director curl -sf "$AGENT_URL/metrics?collect%5B%5D=agent" |
		awk '/^ipvs_agent_kernel_writes_total/ { n += $2 } END { print n + 0 }'
}

# reload_ours CASE SIZE SERVICES EACH
reload_ours() {
	local wall before writes from

	bench_ns
	table_agent "$3" "$4" | managed_config
	read -r wall _ <<<"$(timed "$AGENT" check -c "$RUN/agent.ini")"
	measure reload "$1" "$2" ours parse s "$wall"
	agent_run
	since "${EPOCHREALTIME/./}" table "$3" "$4" >/dev/null
	await_idle_agent
	floor_figures read >/dev/null
	read -r wall _ <<<"$(floor_figures read)"
	measure reload "$1" "$2" floor read s "$wall"
	read -r wall _ <<<"$(scrape "$AGENT_URL/metrics?collect%5B%5D=agent")"
	measure reload "$1" "$2" ours read s "$wall"
	writes=$(reload_writes)
	await_idle_agent

	before=$(cpu_of "$AGENT_PID")
	from=${EPOCHREALTIME/./}
	agent_reload >/dev/null
	measure reload "$1" "$2" ours none-answer s "$(seconds "$from")"
	measure reload "$1" "$2" ours none s "$(since "$from" idle "$AGENT_PID")"
	measure reload "$1" "$2" ours none-cpu s "$(minus "$(cpu_of "$AGENT_PID")" "$before")"
	measure reload "$1" "$2" ours none-writes count $(($(reload_writes) - writes))

	table_agent "$3" "$4" $(($2 / 2)) | managed_config
	await_idle_agent
	before=$(cpu_of "$AGENT_PID")
	from=${EPOCHREALTIME/./}
	agent_reload >/dev/null &
	measure reload "$1" "$2" ours one s "$(since "$from" table "$3" "$4" $(($2 / 2)))"
	wait $!
	measure reload "$1" "$2" ours one-idle s "$(since "$from" idle "$AGENT_PID")"
	measure reload "$1" "$2" ours one-cpu s "$(minus "$(cpu_of "$AGENT_PID")" "$before")"
	measure reload "$1" "$2" ours one-writes count $(($(reload_writes) - writes))
	measure reload "$1" "$2" ours rss MB "$(rss_of "$AGENT_PID")"
	agent_kill9
}

# shellcheck disable=SC2046 # process ids
reload_keepalived() {
	local before from

	bench_ns
	table_keepalived "$3" "$4" >"$RUN/keepalived.conf"
	keepalived_start
	since "${EPOCHREALTIME/./}" table "$3" "$4" >/dev/null
	"$AWAIT" idle $(family "$KEEPALIVED") >/dev/null

	before=$(cpu_of $(family "$KEEPALIVED"))
	from=${EPOCHREALTIME/./}
	kill -HUP "$KEEPALIVED"
	measure reload "$1" "$2" keepalived none s "$(since "$from" idle $(family "$KEEPALIVED"))"
	measure reload "$1" "$2" keepalived none-cpu s "$(minus "$(cpu_of $(family "$KEEPALIVED"))" "$before")"

	table_keepalived "$3" "$4" $(($2 / 2)) >"$RUN/keepalived.conf"
	before=$(cpu_of $(family "$KEEPALIVED"))
	from=${EPOCHREALTIME/./}
	kill -HUP "$KEEPALIVED"
	measure reload "$1" "$2" keepalived one s "$(since "$from" table "$3" "$4" $(($2 / 2)))"
	measure reload "$1" "$2" keepalived one-idle s "$(since "$from" idle $(family "$KEEPALIVED"))"
	measure reload "$1" "$2" keepalived one-cpu s "$(minus "$(cpu_of $(family "$KEEPALIVED"))" "$before")"
	keepalived_stop
}

# reload_case wide|deep SIZE RUNS RUNS-WITH-KEEPALIVED
reload_case() {
	local services each name

	wanted "$2" && first_runs "$3" || return 0
	read -r services each <<<"$(shape_of "$1" "$2")"
	name=$(case_of "$1" "$2")
	reload_ours "$name" "$2" "$services" "$each"
	! first_runs "$4" || reload_keepalived "$name" "$2" "$services" "$each"
}

part_reload() {
	how reload ours "POST /-/reload on the unix socket (on_remove = now, no probe); parse: ipvs-agent check; read: GET /metrics?collect[]=agent"
	how reload floor "build/bench/floor read"
	how reload keepalived "kill -HUP (no checker)"
	reload_case wide 10000 2 2
	reload_case wide 100000 2 1
	reload_case deep 100000 1 0
}
