# shellcheck shell=bash
# Parse: reading, checking and unfolding a file (ipvs-agent check), on this machine as it
# is and not in an emulated one.
#
# where: here
# runs: 5
# deadline: 60

parse_case() {
	local services each wall cpu

	read -r services each <<<"$(shape_of "$1" "$2")"
	table_agent "$services" "$each" | managed_config
	read -r wall cpu <<<"$(timed "$AGENT" check -c "$RUN/agent.ini")"
	measure parse "$(case_of "$1" "$2")" "$2" ours wall s "$wall"
	measure parse "$(case_of "$1" "$2")" "$2" ours cpu s "$cpu"
}

part_parse() {
	local size

	how parse ours "ipvs-agent check"
	for size in $SIZES; do
		parse_case wide "$size"
	done
	wanted 100000 && parse_case deep 100000
	return 0
}
