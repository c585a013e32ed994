# shellcheck shell=bash
# Resident memory, all in, with a TCP probe for every realserver: after the cold start, after
# a scrape of everything, after a reload. All realservers are addresses of this machine,
# where one program accepts. Probes are far apart (20 min): what they cost in processor time
# is measured elsewhere, what they cost in memory is there from the first one. A snapshot is
# kept for 2 s after it was asked for, which is in the peak only. keepalived has no checker,
# which is the least that it takes; both of its processes count.
#
# peers: keepalived
# runs: 1
# deadline: 400

# memory_ours CASE SIZE SERVICES EACH
memory_ours() {
	bench_ns
	in_director ip route add local 10.32.0.0/11 dev lo
	ip netns exec "$NS-dir" "$FLOOR" sink 80 >/dev/null 2>&1 &
	disown
	KEYS=$'probe = connect' table_agent "$3" "$4" | {
		printf '[probe connect]\nurl = tcp://\ninterval = 20m\ntimeout = 5s\n'
		cat
	} | managed_config
	agent_run
	since "${EPOCHREALTIME/./}" table "$3" "$4" >/dev/null
	await 30 agent_ready
	await_idle_agent
	measure memory "$1" "$2" ours start MB "$(rss_of "$AGENT_PID")"
	scrape "$AGENT_URL/metrics" "$RUN/page" >/dev/null
	sleep 3
	await_idle_agent
	measure memory "$1" "$2" ours scrape MB "$(rss_of "$AGENT_PID")"
	agent_reload >/dev/null
	await_idle_agent
	measure memory "$1" "$2" ours reload MB "$(rss_of "$AGENT_PID")"
	measure memory "$1" "$2" ours peak MB "$(kib_mb "$(memory_of VmHWM "$AGENT_PID")")"
	agent_kill9
}

memory_keepalived() {
	bench_ns
	table_keepalived "$3" "$4" >"$RUN/keepalived.conf"
	keepalived_start
	since "${EPOCHREALTIME/./}" table "$3" "$4" >/dev/null
	# shellcheck disable=SC2046 # process ids
	measure memory "$1" "$2" keepalived start MB \
		"$(kib_mb "$(memory_of VmRSS $(family "$KEEPALIVED"))")"
	keepalived_stop
}

part_memory() {
	local size services each name

	how memory ours "ipvs-agent run; VmRSS after the start, 3 s after GET /metrics, after POST /-/reload; peak: VmHWM"
	how memory keepalived "keepalived -n -C; VmRSS of its processes"
	for size in $SIZES; do
		name=$(case_of wide "$size")
		read -r services each <<<"$(shape_of wide "$size")"
		memory_ours "$name" "$size" "$services" "$each"
		! first_runs 1 || memory_keepalived "$name" "$size" "$services" "$each"
	done
	wanted 100000 || return 0
	read -r services each <<<"$(shape_of deep 100000)"
	memory_ours "$(case_of deep 100000)" 100000 "$services" "$each"
}
