# shellcheck shell=bash
# Cold apply: from the start of the program to the last realserver in an empty kernel,
# each in a namespace of its own. What the agent takes to read and check its file alone
# (`parse`: ipvs-agent check) is measured beside it. keepalived runs its checker process
# alone, without any checker. When the table is there is found out from the kernel
# (build/bench/await), not from whoever writes it.
#
# peers: ipvsadm keepalived
# runs: 3
# deadline: 400

# apply_ours CASE SIZE SERVICES EACH
apply_ours() {
	local wall cpu from

	bench_ns
	table_agent "$3" "$4" | managed_config
	read -r wall cpu <<<"$(timed "$AGENT" check -c "$RUN/agent.ini")"
	measure apply "$1" "$2" ours parse s "$wall"
	measure apply "$1" "$2" ours parse-cpu s "$cpu"
	from=${EPOCHREALTIME/./}
	agent_run
	measure apply "$1" "$2" ours wall s "$(since "$from" table "$3" "$4")"
	measure apply "$1" "$2" ours cpu s "$(cpu_of "$AGENT_PID")"
	agent_kill9
}

apply_keepalived() {
	local from

	bench_ns
	table_keepalived "$3" "$4" >"$RUN/keepalived.conf"
	from=${EPOCHREALTIME/./}
	keepalived_start
	measure apply "$1" "$2" keepalived wall s "$(since "$from" table "$3" "$4")"
	# shellcheck disable=SC2046 # process ids
	measure apply "$1" "$2" keepalived cpu s "$(cpu_of $(family "$KEEPALIVED"))"
	keepalived_stop
}

apply_ipvsadm() {
	local wall cpu

	bench_ns
	table_ipvsadm "$3" "$4" >"$RUN/rules"
	read -r wall cpu <<<"$(timed sh -c 'exec ipvsadm -R <"$1"' sh "$RUN/rules")"
	table_there "$2" || wall=incomplete
	measure apply "$1" "$2" ipvsadm wall s "$wall"
	measure apply "$1" "$2" ipvsadm cpu s "$cpu"
}

# apply_case wide|deep SIZE RUNS RUNS-WITH-KEEPALIVED RUNS-WITH-IPVSADM
apply_case() {
	local services each name wall cpu

	wanted "$2" && first_runs "$3" || return 0
	read -r services each <<<"$(shape_of "$1" "$2")"
	name=$(case_of "$1" "$2")
	bench_ns
	read -r wall cpu <<<"$(floor_figures apply "$services" "$each")"
	measure apply "$name" "$2" floor wall s "$wall"
	measure apply "$name" "$2" floor cpu s "$cpu"
	apply_ours "$name" "$2" "$services" "$each"
	! first_runs "$4" || apply_keepalived "$name" "$2" "$services" "$each"
	! first_runs "$5" || apply_ipvsadm "$name" "$2" "$services" "$each"
}

part_apply() {
	how apply floor "build/bench/floor apply SERVICES EACH"
	how apply ours "ipvs-agent run, until build/bench/await table; parse: ipvs-agent check"
	how apply keepalived "keepalived -n -C, until build/bench/await table"
	how apply ipvsadm "ipvsadm -R <rules"
	apply_case wide 10000 3 2 1
	apply_case wide 50000 2 1 1
	apply_case deep 100000 2 1 1
}
