# shellcheck shell=bash
# What the parts of the bench share. A part is one file, tests/bench/parts/NAME.sh:
# a comment paragraph which says what it measures and how, then part_NAME(), which
# measures everything once, everybody beside everybody else; the harness calls it
# again and again, in a process of its own each time. It is sourced inside the guest
# after tests/guest/lib.sh and this file. Lines which the harness reads in a part:
#
#   # peers: keepalived ipvsadm   Debian packages that it needs (unpacked)
#   # deadline: 120               seconds that one call may take, before scaling (300)
#   # where: here                 on this machine as it is, for what needs no IPVS
#   # runs: 5                     how often it is called (3), unless RUNS says so
#
# What it may rely on: $BENCH_OUT, $RUN_NO (from 1), $RUNS, $SIZES, $AGENT (a plain
# build), $FLOOR, $RUN (a directory of this call's own, removed after it), and all of
# tests/guest/lib.sh, topology() included. Namespaces and what runs in them are gone
# after the call.
# shellcheck disable=SC2034 # read by the parts

FLOOR=${FLOOR:-$REPO/build/bench/floor}
AWAIT=${AWAIT:-$REPO/build/bench/await}
BENCH_OUT=${BENCH_OUT:-${GUEST_OUT:-/tmp}}
RUN_NO=${RUN_NO:-1}
RUNS=${RUNS:-3}
SIZES=${SIZES:-1000 10000 50000 100000}
NS=b

# ---- results ---------------------------------------------------------------

# measure PART CASE SIZE WHO FIGURE UNIT VALUE: one measurement of this run. CASE says
# what was done (wide-1000x10), SIZE how many realservers that are, FIGURE what is
# measured (wall, cpu, rss), WHO whose it is (ours, floor, keepalived ...). A VALUE
# that is no number is a measurement that failed: said, and shown as such.
measure() {
	local value=$7

	[[ $value =~ ^-?[0-9]+(\.[0-9]+)?([eE]-?[0-9]+)?$ ]] || value=failed
	printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$4" "$5" "$6" "$value" \
		"$RUN_NO" >>"$BENCH_OUT/measures.tsv"
	printf '  %-8s %-14s %-14s %-12s %s %s\n' "$1" "$2" "$4" "$5" "$value" "$6"
}

# how PART WHO TEXT: the command whose figures WHO's are, for the report.
how() {
	[ "$RUN_NO" != 1 ] || printf '%s\t%s\t%s\n' "$1" "$2" "$3" >>"$BENCH_OUT/how.tsv"
}

# first_runs N: whether this is one of the first N runs; for what takes long and
# differs little.
first_runs() { [ "$RUN_NO" -le "$1" ]; }

# ---- sizes -----------------------------------------------------------------

# Wide is many services of 10 realservers, deep is services of 100.
# wanted SIZE: whether $SIZES has it.
wanted() { [[ " $SIZES " = *" $1 "* ]]; }

# shape_of wide|deep SIZE: "SERVICES EACH".
shape_of() {
	case $1 in
	wide) echo "$(($2 / 10)) 10" ;;
	deep) echo "$(($2 / 100)) 100" ;;
	esac
}

# case_of wide|deep SIZE: the case's name.
case_of() {
	local services each

	read -r services each <<<"$(shape_of "$1" "$2")"
	echo "$1-${services}x$each"
}

# ---- the tables, in everybody's language ------------------------------------
# Service N is tcp 10.96.(N / 250).(N mod 250 + 1):80, its realservers are numbered
# through over all services: 10.(32 + N / 62500).(N / 250 mod 250).(N mod 250 + 1).
# wrr, masquerading, weight 100: what is neither cheap nor dear for anyone.
# In each, WITHOUT is the number of a realserver that is left out.

table_awk='
	function vip(s) { return "10.96." int(s / 250) "." s % 250 + 1 }
	function rip(n) { return "10." 32 + int(n / 62500) "." int(n / 250) % 250 "." n % 250 + 1 }'

# table_agent SERVICES EACH [WITHOUT]: without [agent] and [http]. KEYS in the
# environment is put into [defaults].
table_agent() {
	awk -v services="$1" -v each="$2" -v without="${3:--1}" -v keys="${KEYS:-}" "$table_awk"'
		BEGIN {
			print "[defaults]\nscheduler = wrr\nforward = masq"
			if (keys != "")
				print keys
			for (s = 0; s < services; s++) {
				printf "[service s%d]\naddress = tcp://%s:80\n", s, vip(s)
				for (r = 0; r < each; r++)
					if (s * each + r != without)
						printf "realserver = r%d %s\n", r, rip(s * each + r)
			}
		}'
}

# table_ipvsadm SERVICES EACH [WITHOUT]: for ipvsadm -R.
table_ipvsadm() {
	awk -v services="$1" -v each="$2" -v without="${3:--1}" "$table_awk"'
		BEGIN {
			for (s = 0; s < services; s++) {
				v = vip(s) ":80"
				print "-A -t " v " -s wrr"
				for (r = 0; r < each; r++)
					if (s * each + r != without)
						print "-a -t " v " -r " rip(s * each + r) ":80 -m -w 100"
			}
		}'
}

# table_keepalived SERVICES EACH [WITHOUT]: no checker; CHECKER in the environment is
# put into each real_server.
table_keepalived() {
	awk -v services="$1" -v each="$2" -v without="${3:--1}" -v checker="${CHECKER:-}" "$table_awk"'
		BEGIN {
			print "global_defs {\n router_id bench\n}"
			for (s = 0; s < services; s++) {
				print "virtual_server " vip(s) " 80 {\n delay_loop " delay() \
					"\n lb_algo wrr\n lb_kind NAT\n protocol TCP"
				for (r = 0; r < each; r++)
					if (s * each + r != without)
						print " real_server " rip(s * each + r) " 80 {\n  weight 100\n" \
							checker " }"
				print "}"
			}
		}
		function delay() { return "DELAY" in ENVIRON ? ENVIRON["DELAY"] : 60 }'
}

# ---- namespaces ------------------------------------------------------------

# bench_ns: a fresh director's namespace (in_director works in it), the last one gone:
# the kernel keeps deleted realservers for two minutes, and walks them at every add.
bench_ns() {
	topology_remove
	ns_add dir
}

# table_there N: N realservers are in the director's kernel.
table_there() {
	[ "$(in_director "$FLOOR" read | sed -n 's/.* dests=\([0-9]*\) .*/\1/p')" = "$1" ]
}

# ---- time, processor, memory ------------------------------------------------

# seconds FROM-MICROSECONDS [TO]: FROM is ${EPOCHREALTIME/./}.
seconds() {
	local us=$((${2:-${EPOCHREALTIME/./}} - $1))

	printf '%d.%06d\n' $((us / 1000000)) $((us % 1000000))
}

# shellcheck disable=SC2153 # RUN is tests/guest/lib.sh's
# timed COMMAND...: runs it in the director and prints "WALL CPU" in seconds, its own,
# without what it takes to enter the namespace; fails as the command does.
timed() {
	in_director bash -c '
		TIMEFORMAT="%3R %3U %3S"
		{ time "$@" >/dev/null 2>"$0.err"; } 2>"$0" || exit
		while read -r wall user system; do
			printf "%s %d.%03d\n" "$wall" \
				$(((10#${user/./} + 10#${system/./}) / 1000)) \
				$(((10#${user/./} + 10#${system/./}) % 1000))
		done <"$0"' "$RUN/time" "$@" && return
	diag "failed: $*" "$(tail -n 5 "$RUN/time.err")"
	return 1
}

# floor_figures read|apply ...: the floor program in the director; prints "WALL CPU".
floor_figures() {
	in_director "$FLOOR" "$@" | sed -n 's/.*wall=\([^ ]*\) cpu=\([^ ]*\)/\1 \2/p'
}

# since FROM-MICROSECONDS table|idle ...: seconds until build/bench/await says so.
since() {
	local from=$1 at
	shift

	at=$(in_director "$AWAIT" "$@")
	[ -n "$at" ] && seconds "$from" "${at#at=}"
}

# launch COMMAND...: starts it in the director, as $LAUNCHED; since_launch table|idle ...
# is then like since, from the moment at which the program itself began: entering a
# namespace is not its work.
launch() {
	rm -f "$RUN/launched"
	ip netns exec "$NS-dir" bash -c 'echo "${EPOCHREALTIME/./}" >"$0"; exec "$@"' \
		"$RUN/launched" "$@" &
	LAUNCHED=$!
}

since_launch() {
	local at

	at=$(in_director "$AWAIT" "$@")
	[ -n "$at" ] && seconds "$(cat "$RUN/launched")" "${at#at=}"
}

# minus A B: of two decimals.
minus() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f\n", a - b }'; }

# megabytes BYTES, kib_mb KIB: millions of bytes.
megabytes() { awk -v n="$1" 'BEGIN { printf "%.2f\n", n / 1e6 }'; }
kib_mb() { awk -v n="$1" 'BEGIN { printf "%.2f\n", n * 1024 / 1e6 }'; }

# rss_of PID...: resident memory, in millions of bytes.
rss_of() { kib_mb "$(memory_of VmRSS "$@")"; }

# cpu_of PID...: processor seconds used so far, children that have ended included.
cpu_of() {
	local pid text ticks=0 hz
	local -a f

	hz=$(getconf CLK_TCK)
	for pid; do
		read -r text <"/proc/$pid/stat" || continue
		# shellcheck disable=SC2206 # fields; the name is cut off
		f=(${text##*) })
		ticks=$((ticks + f[11] + f[12] + f[13] + f[14]))
	done 2>/dev/null
	printf '%d.%02d\n' $((ticks / hz)) $((ticks % hz * 100 / hz))
}

# memory_of KEY PID...: a line of /proc/PID/status (VmRSS, VmHWM), summed, in KiB.
memory_of() {
	local key=$1 pid
	shift

	for pid; do
		cat "/proc/$pid/status" 2>/dev/null
	done | awk -v key="$key:" '$1 == key { n += $2 } END { print n + 0 }'
}

# family PID: it and all its descendants.
family() {
	local pid

	echo "$1"
	# shellcheck disable=SC2013 # words it is
	for pid in $(cat "/proc/$1/task/$1/children" 2>/dev/null); do
		family "$pid"
	done
}

# ---- ours ----------------------------------------------------------------------

# managed_config < TABLE: the agent's file, such that nothing but what is measured
# happens: it reconciles when it is asked to, and what leaves the file goes at once.
managed_config() {
	{
		printf '[agent]\nstate_dir = %s/state\nreconcile_interval = 1h\n' "$RUN"
		printf '[http]\nlisten = 127.0.0.1:10015\nlisten = unix:%s/agent.sock\n' "$RUN"
		printf '[metrics]\nmax_age = 0s\n'
		sed 's/^\[defaults\]$/&\non_remove = now/'
	} >"$RUN/agent.ini"
	mkdir -p "$RUN/state"
}

# agent_launch: agent_run, for since_launch.
agent_launch() {
	launch "$AGENT" run -c "$RUN/agent.ini" >>"$RUN/agent.log" 2>&1
	AGENT_PID=$LAUNCHED
}

# await_idle_agent: until it rests.
await_idle_agent() { "$AWAIT" idle "$AGENT_PID" >/dev/null; }

# ---- the peers ---------------------------------------------------------------

# keepalived_start: the checker part alone, on $RUN/keepalived.conf, in the director;
# $KEEPALIVED is its process. keepalived_stop kills it with its table left.
keepalived_start() {
	launch keepalived -n -l -C -f "$RUN/keepalived.conf" -p "$RUN/keepalived.pid" \
		-c "$RUN/checkers.pid" >"$RUN/keepalived.log" 2>&1
	KEEPALIVED=$LAUNCHED
	disown
}

keepalived_stop() {
	# shellcheck disable=SC2046 # process ids
	kill -KILL $(family "$KEEPALIVED") 2>/dev/null
	await 10 keepalived_ended
}

keepalived_ended() { ! kill -0 "$KEEPALIVED" 2>/dev/null; }

# scrape URL [FILE]: prints "SECONDS BYTES"; curl in the director.
scrape() {
	in_director curl -gsf -m 600 -o "${2:-/dev/null}" -w '%{time_total} %{size_download}\n' "$1"
}
