# shellcheck shell=bash
# Time in scenarios: deadlines are said in seconds of a machine as fast as the
# one they were chosen on, and grow with how slow this one (often emulated) is.

now_ms() {
	echo $((${EPOCHREALTIME/./} / 1000))
}

# How much slower than the reference, in tenths, 10 at least: a fixed loop of
# shell work and forks. The reference, 720 ms, is a slow machine; a fast one takes
# 200, software emulation of that one 3 to 4 seconds.
calibrate() {
	local from i

	/bin/true
	from=$(now_ms)
	for ((i = 0; i < 60000; i++)); do :; done
	for ((i = 0; i < 40; i++)); do /bin/true; done
	i=$((($(now_ms) - from) * 10 / 720))
	[ $i -ge 10 ] || i=10
	echo $i
}

SLACK=${SLACK:-$(calibrate)}
export SLACK

# scaled N: N, in any unit of time, as long as it takes here.
scaled() {
	echo $(($1 * SLACK / 10))
}

# await SECONDS COMMAND...: until the command succeeds; 1 when the (scaled)
# deadline passed before.
await() {
	local end=$(($(now_ms) + $(scaled "$1") * 1000))
	shift
	until "$@"; do
		[ "$(now_ms)" -lt $end ] || return 1
		sleep 0.05
	done
}
