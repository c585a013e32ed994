# shellcheck shell=bash
# What the scenarios about kinds of probes share: servers in realserver 1, and one probe for
# each way in which a real server's answer can be spoilt on its way, by tests/tools/injure.
# Sourced after lib.sh.
INJURE=$REPO/build/tools/injure
INJURED_MS=2000 # the deadline of an attempt there
INJURED_PORT=20000

# server NAME COMMAND...: starts it in realserver 1, in a session of its own; its output is
# in $RUN/NAME.log.
server() {
	local name=$1
	shift
	setsid ip netns exec "$NS-rs1" "$@" >"$RUN/$name.log" 2>&1 &
	echo $! >"$RUN/$name.pid"
	disown
}

# installed_server NAME COMMAND...: for one that finds its files only where its package
# would have been installed; the mount is seen by that server alone.
installed_server() {
	local name=$1
	shift
	# shellcheck disable=SC2154 # lib.sh's
	server "$name" sh -c 'mount -t overlay -o "lowerdir=$1/usr:/usr" overlay /usr &&
		shift && exec "$@"' sh "$peer_root" "$@"
}

# server_signal SIGNAL NAME...: with all their processes.
server_signal() {
	local signal=$1 name
	shift
	for name; do kill "-$signal" -- "-$(cat "$RUN/$name.pid")" 2>/dev/null; done
}

# server_takes PORT...: somebody takes connections at each.
server_takes() {
	local port
	for port; do
		in_ns rs1 bash -c "</dev/tcp/127.0.0.1/$port" 2>/dev/null || return
	done
}

# kind NAME URL [KEY = VALUE...]: a probe whose every attempt is a verdict.
kind() {
	printf '[probe %s]\nurl = %s\ninterval = 1s\ntimeout = 900ms\nrise = 1\nfall = 1\n' "$1" "$2"
	shift 2
	[ $# = 0 ] || printf '%s\n' "$@"
}

# service NAME PORT PROBE...: one realserver, asked in these ways.
service() {
	printf '[service %s]\naddress = tcp://%s:%s\nforward = masq\nscheduler = wrr\n' "$1" "$VIP" "$2"
	printf 'realserver = %s1 %s\nprobe = %s\n' "$1" "$(rs_ip 1)" "${*:3}"
}

# up PROBE 0|1, failed PROBE REASON: what the metrics say.
up() { metric_is "ipvs_probe_up{probe=\"$1\"}" "$2"; }
failed() { [ "$(metric "ipvs_probe_failures_total{probe=\"$1\",reason=\"$2\"}")" -ge 1 ] 2>/dev/null; }

# all_up PROBE...; all_failed REASON PROBE...: by one reading, counted from all_forget on.
all_up() {
	local seen probe
	seen=$(metrics)
	for probe; do
		[ "$(series_values "ipvs_probe_up{probe=\"$probe\"}" <<<"$seen")" = 1 ] || return
	done
}

failures_of() {
	series_values "ipvs_probe_failures_total{probe=\"$1\",reason=\"$2\"}" | grep . || echo 0
}

all_forget() { metrics >"$RUN/forgotten"; }

all_failed() {
	local seen probe reason=$1
	shift
	seen=$(metrics)
	for probe; do
		[ "$(failures_of "$probe" "$reason" <<<"$seen")" -gt \
			"$(failures_of "$probe" "$reason" <"$RUN/forgotten")" ] || return
	done
}

# ---- injuries ----------------------------------------------------------------

# injuries < ROWS: 'KIND PORT WAY BYTES MS REASON': behind that kind's real server at PORT
# of realserver 1, WAY spoils what comes behind the first BYTES; the reason that it is to
# have, 'ok' for none. Blank lines and '#' are skipped. The relay is started with them.
injuries() {
	local kind port way bytes ms reason i=0 rules=()

	: >"$RUN/injuries"
	while read -r kind port way bytes ms reason; do
		case $kind in '' | '#'*) continue ;; esac
		i=$((i + 1))
		echo "$kind $way $((INJURED_PORT + i)) $reason" >>"$RUN/injuries"
		rules+=("$((INJURED_PORT + i))=$port:$way:$bytes:$ms")
	done
	server injure "$INJURE" "${rules[@]}"
	await 10 grep -q ready "$RUN/injure.log"
}

# injured_ini KIND URL [KEY = VALUE...]: the probes of its rows; the URL has its port as PORT.
injured_ini() {
	local of=$1 url=$2 kind way port reason
	shift 2

	while read -r kind way port reason; do
		[ "$kind" = "$of" ] || continue
		printf '[probe %s-%s]\nurl = %s\ninterval = 3s\ntimeout = %sms\n' "$kind" "$way" \
			"${url/PORT/$port}" $INJURED_MS
		[ $# = 0 ] || printf '%s\n' "$@"
	done <"$RUN/injuries"
}

# injured_service: with all of them.
injured_service() {
	service injured 9 "$(awk '{ printf "%s-%s ", $1, $2 }' "$RUN/injuries")"
}

# injured_seen < EXPOSITION: a line 'PROBE ATTEMPTS MS REASON...' for each of them: its last
# attempt's duration, and why attempts failed that were not for a fault of ours.
injured_seen() {
	awk '
		function label(name) {
			if (!match($0, name "=\"[^\"]*\""))
				return ""
			return substr($0, RSTART + length(name) + 2, RLENGTH - length(name) - 3)
		}
		index($0, "ipvs_probe_") != 1 || label("ipvs_service") != "injured" { next }
		{ probe = label("probe") }
		/^ipvs_probe_attempts_total/ { attempts[probe] = $NF }
		/^ipvs_probe_duration_seconds/ { took[probe] = $NF * 1000 }
		/^ipvs_probe_failures_total/ && label("reason") ~ /^local-/ { ours[probe] += $NF; next }
		/^ipvs_probe_failures_total/ { reasons[probe] = reasons[probe] " " label("reason") }
		END {
			for (p in attempts)
				printf "%s %d %d%s\n", p, attempts[p] - ours[p], took[p], reasons[p]
		}' | sort
}

# injured_told: each row's attempts have ended as they are to, once at least.
injured_told() {
	local kind way port reason attempts ms reasons

	metrics | injured_seen >"$RUN/seen"
	injured_read
	while read -r kind way port reason; do
		read -r attempts ms reasons <<<"${injured[$kind-$way]:-0 0}"
		case $reason in
		ok) [ "$attempts" -gt 0 ] || return ;;
		*) [[ " $reasons " == *" $reason "* ]] || return ;;
		esac
	done <"$RUN/injuries"
}

declare -A injured
injured_read() {
	local probe rest

	injured=()
	while read -r probe rest; do injured[$probe]=$rest; done <"$RUN/seen"
}

# injured_check: each for its reason and no other, but for an attempt which a slow machine
# did not finish; none beyond its deadline; and nobody read to the end of a flood. The relay
# ends with it.
injured_check() {
	local kind way port reason attempts ms reasons one others late='' limit

	limit=$((INJURED_MS + $(scaled 400)))
	ok "every spoilt answer is told" await 20 injured_told
	injured_read
	while read -r kind way port reason; do
		read -r attempts ms reasons <<<"${injured[$kind-$way]:-0 0}"
		others=
		for one in $reasons; do
			case $one in "$reason" | *-timeout) ;; *) others+=" $one" ;; esac
		done
		[[ $reason = ok || " $reasons " == *" $reason "* ]] || others+=" ($attempts attempts)"
		is "${others:-$reason}" "$reason" "$kind, $way: $reason"
		[ "$ms" -le $limit ] || late+="$kind-$way took $ms ms "
		[[ $reason != *-timeout || $ms -ge $INJURED_MS ]] || late+="$kind-$way gave up at $ms ms "
	done <"$RUN/injuries"
	is "$late" "" "all under one deadline, by the agent's own clock"
	is "$(awk '$2 == "flood" && $3 > 4000000 { print $1, $3 }' "$RUN/injure.log")" "" \
		"nobody read 10 MB"
	server_signal KILL injure
}
