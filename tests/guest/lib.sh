# shellcheck shell=bash
# The scenario library. A scenario is one file, tests/guest/scenarios/NN-what.sh:
# a comment paragraph which says what it proves, then topology, timeline, and
# what must hold; it sources this file first and ends with done_testing.
# Its output is TAP. Lines which tests/guest/all reads in a scenario:
#
#   # peers: nginx ipvsadm    Debian packages that it needs (unpacked)
#   # data: pgsql             what its servers start from (tests/guest/fetch data)
#   # deadline: 120           seconds that it may take, before scaling (180)
#
# Everything that runs for long is in the scenario's namespaces, and killed with
# them. Nothing sleeps for a guessed time: await has an event and a deadline.
set -u

REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
SCENARIO=$(basename "$0" .sh)
# Short: names of namespaces and bridge ports are made with it.
NS=t${SCENARIO%%-*}
AGENT=${AGENT:-$REPO/build/asan/ipvs-agent}
TRAFFIC=${TRAFFIC:-$REPO/build/tools/traffic}
LOOK=$REPO/build/tools/look
LOGS=${GUEST_OUT:-/tmp}/log/$SCENARIO
RUN=$(mktemp -d "/tmp/$SCENARIO.XXXXXX")
AGENT_PORT=10015
# shellcheck disable=SC2034 # read by scenarios, too
AGENT_URL=http://127.0.0.1:$AGENT_PORT
AGENT_PID=
mkdir -p "$LOGS"

# Peers are unpacked, not installed; what the machine has of its own comes first.
peer_root=$REPO/build/peers/root
export PATH=$PATH:$peer_root/usr/sbin:$peer_root/usr/bin:$peer_root/sbin:$peer_root/bin
export LD_LIBRARY_PATH=$peer_root/usr/lib/x86_64-linux-gnu:$peer_root/lib/x86_64-linux-gnu
export PERL5LIB=$peer_root/usr/share/perl5:$peer_root/usr/lib/x86_64-linux-gnu/perl5/5.36
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0:exitcode=99}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1:exitcode=99}

# ---- TAP -------------------------------------------------------------------

tests=0
failures=0
finished=

# diag TEXT...: explains, in the TAP stream.
diag() {
	local text

	for text; do
		printf '%s\n' "$text" | sed 's/^/# /'
	done
}

# result STATUS DESCRIPTION: counts one test.
result() {
	tests=$((tests + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tests - $2"
	else
		failures=$((failures + 1))
		echo "not ok $tests - $2"
	fi
	return "$1"
}

# ok DESCRIPTION COMMAND...: the command succeeds. It runs in this shell, so that
# what it starts and sets stays known.
ok() {
	local what=$1 status
	shift
	"$@" >"$RUN/output" 2>&1
	status=$?
	[ $status = 0 ] || status=1
	result $status "$what" || diag "command: $*" "$(cat "$RUN/output")"
}

# not_ok DESCRIPTION COMMAND...: the command fails.
not_ok() {
	local what=$1
	shift
	if "$@" >"$RUN/output" 2>&1; then
		result 1 "$what" || diag "command: $*" "$(cat "$RUN/output")"
	else
		result 0 "$what"
	fi
}

# is GOT WANTED DESCRIPTION: equal, byte for byte.
is() {
	if [ "$1" = "$2" ]; then
		result 0 "$3"
	else
		result 1 "$3" || diag "     got: $1" "expected: $2"
	fi
}

# like GOT REGEX DESCRIPTION: bash's =~.
like() {
	if [[ $1 =~ $2 ]]; then
		result 0 "$3"
	else
		result 1 "$3" || diag "     got: $1" "no match: $2"
	fi
}

# at_most GOT LIMIT DESCRIPTION: integers.
at_most() {
	if [ "$1" -le "$2" ] 2>/dev/null; then
		result 0 "$3"
	else
		result 1 "$3" || diag "     got: $1" " at most: $2"
	fi
}

# skip DESCRIPTION REASON: loud and counted by prove.
skip() {
	tests=$((tests + 1))
	echo "ok $tests - $1 # SKIP $2"
}

skip_all() {
	finished=yes
	echo "1..0 # SKIP $1"
	exit 0
}

# done_testing: stops the agent, looks for sanitizer reports, prints the plan.
done_testing() {
	local found

	if [ -e "$RUN/agent.log" ]; then
		[ -z "$AGENT_PID" ] || ok "the agent stops cleanly" agent_stop
		found=$(grep -m 5 -E 'ERROR: (Address|Leak)Sanitizer|runtime error:|WARNING: ThreadSanitizer' \
			"$RUN/agent.log")
		is "$found" "" "no sanitizer report"
	fi
	finished=yes
	echo "1..$tests"
	[ "$failures" = 0 ]
}

# shellcheck source=time.sh disable=SC1091
. "$REPO/tests/guest/time.sh"

# ---- the agent -------------------------------------------------------------

# agent_config < TEXT: writes the file; [agent], [http] and [metrics] are added when the
# text has none, with a state directory and a socket of the scenario's own. A scrape sees
# what the kernel was told before it, never a reading from before that.
agent_config() {
	local text

	text=$(cat)
	{
		grep -q '^\[agent\]' <<<"$text" ||
			printf '[agent]\nstate_dir = %s/state\n\n' "$RUN"
		grep -q '^\[http\]' <<<"$text" ||
			printf '[http]\nlisten = 127.0.0.1:10015\nlisten = unix:%s/agent.sock\n\n' "$RUN"
		grep -q '^\[metrics\]' <<<"$text" || printf '[metrics]\nmax_age = 0\n\n'
		printf '%s\n' "$text"
	} >"$RUN/agent.ini"
	mkdir -p "$RUN/state"
}

# agent_run [OPTION...]: starts it on the file that is there; does not wait.
agent_run() {
	ip netns exec "$NS-dir" "$AGENT" run -c "$RUN/agent.ini" "$@" >>"$RUN/agent.log" 2>&1 &
	AGENT_PID=$!
}

agent_ready() {
	"$LOOK" get "$NS-dir" $AGENT_PORT /-/ready >/dev/null 2>&1
}

agent_gone() {
	! kill -0 "$AGENT_PID" 2>/dev/null
}

agent_ready_or_gone() {
	agent_ready || agent_gone
}

# config_given: there is a here-document (or a pipe), not just no input.
config_given() {
	[ -p /dev/stdin ] || [ -f /dev/stdin ]
}

# agent_start [OPTION...] [< CONFIG]: returns when it is ready; 1 when it is not
# (it ended, or the deadline passed). Without text: on the file that is there.
agent_start() {
	! config_given || agent_config
	agent_run "$@"
	await 15 agent_ready_or_gone
	agent_ready && return
	agent_gone && diag "the agent ended"
	return 1
}

# agent_stop [SIGNAL]: its exit status; 124 when it does not end. Not in $(...):
# only this shell can wait for it.
agent_stop() {
	local pid=$AGENT_PID

	[ -n "$pid" ] || return 1
	kill "-${1:-TERM}" "$pid"
	if ! await 15 agent_gone; then
		kill -KILL "$pid"
		AGENT_PID=
		return 124
	fi
	AGENT_PID=
	wait "$pid"
}

agent_kill9() {
	agent_stop KILL 2>/dev/null
	return 0
}

# agent_reload [< CONFIG]: the answer's body; fails when the reload is refused.
agent_reload() {
	! config_given || agent_config
	in_director curl -s --fail-with-body -m 30 --unix-socket "$RUN/agent.sock" \
		-X POST http://agent/-/reload
}

# agent COMMAND...: the command line, in the director.
agent() {
	in_director "$AGENT" -c "$RUN/agent.ini" "$@"
}

# agent_log PATTERN: lines of its log.
agent_log() {
	grep -E -- "$1" "$RUN/agent.log"
}

# metrics: the whole exposition.
metrics() {
	"$LOOK" get "$NS-dir" $AGENT_PORT /metrics
}

# series_values NAME{label="value",...} < EXPOSITION: the value of every series of
# that name which has (at least) these labels.
series_values() {
	WANT=$1 awk '
		function pairs(text, into,   n, k) {
			while (match(text, /[a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\.)*"/)) {
				k = substr(text, RSTART, RLENGTH)
				into[k] = 1
				n++
				text = substr(text, RSTART + RLENGTH)
			}
			return n
		}
		BEGIN {
			name = want = ENVIRON["WANT"]
			sub(/\{.*/, "", name)
			if (index(want, "{"))
				pairs(substr(want, index(want, "{")), need)
		}
		index($0, name) != 1 { next }
		{
			after = substr($0, length(name) + 1, 1)
			if (after != "{" && after != " ")
				next
			split("", have)
			pairs($0, have)
			for (k in need)
				if (!(k in have))
					next
			rest = $0
			sub(/^[^{ ]*(\{([^"}]|"([^"\\]|\\.)*")*\})? /, "", rest)
			sub(/ .*/, "", rest)
			print rest
		}'
}

# metric NAME{labels}: see series_values.
metric() {
	metrics | series_values "$1"
}

# metric_is NAME{labels} VALUE: one series, and it has this value.
metric_is() {
	[ "$(metric "$1")" = "$2" ]
}

# shellcheck source=topology.sh disable=SC1091
. "$REPO/tests/guest/topology.sh"

# ---- the end ---------------------------------------------------------------

scenario_end() {
	local status=$?

	trap - EXIT INT TERM
	if [ -z "$finished" ] || [ "$failures" != 0 ]; then
		[ -n "$finished" ] || diag "ended before done_testing (status $status)"
		[ ! -e "$RUN/agent.log" ] ||
			diag "the end of the agent's log:" "$(tail -n 40 "$RUN/agent.log")"
	fi
	topology_remove
	find "$RUN" -maxdepth 2 -type f -size -4096k -exec cp -t "$LOGS" {} + 2>/dev/null
	rm -rf "$RUN"
	exit $status
}
trap scenario_end EXIT
trap 'exit 143' INT TERM
