# shellcheck shell=bash
# Growth: how reading and applying grow with the table, wide and deep, ours beside the
# floor. The report fits the exponent: 1 is linear; the kernel itself is not quite.
#
# runs: 1
# deadline: 300

# growth_one wide|deep SIZE
growth_one() {
	local services each name wall

	read -r services each <<<"$(shape_of "$1" "$2")"
	name=$(case_of "$1" "$2")
	bench_ns
	read -r wall _ <<<"$(floor_figures apply "$services" "$each")"
	measure growth "$name" "$2" floor apply s "$wall"
	floor_figures read >/dev/null
	read -r wall _ <<<"$(floor_figures read)"
	measure growth "$name" "$2" floor snapshot s "$wall"
	bench_ns
	table_agent "$services" "$each" | managed_config
	agent_launch
	measure growth "$name" "$2" ours apply s "$(since_launch table "$services" "$each")"
	await_idle_agent
	measure growth "$name" "$2" ours rss MB "$(rss_of "$AGENT_PID")"
	read -r wall _ <<<"$(scrape "$AGENT_URL/metrics?collect%5B%5D=agent")"
	measure growth "$name" "$2" ours snapshot s "$wall"
	agent_kill9
}

part_growth() {
	local shape size

	how growth floor "build/bench/floor apply and read"
	how growth ours "ipvs-agent run on the table, until build/bench/await table; then GET /metrics?collect[]=agent"
	for shape in wide deep; do
		for size in $SIZES; do
			growth_one $shape "$size"
		done
	done
}
