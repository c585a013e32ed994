# shellcheck shell=bash
# What the scenarios about rules share: the kernel's weights realserver by realserver,
# and what metrics, log and explain say of a rule. Sourced after lib.sh; COUNT is how
# many realservers there are.

# probe_ini NAME [KEY=VALUE...]: a quick TCP probe.
probe_ini() {
	printf '\n[probe %s]\nurl = tcp://\ninterval = 500ms\ntimeout = 400ms\n' "$1"
	shift
	printf 'rise = 2\nfall = 2\n'
	[ $# = 0 ] || printf '%s\n' "$@"
}

# web_ini N [LINE...]: service web behind the VIP by masq, with N realservers, the probe
# port and lines of its own; and what [agent] needs here.
web_ini() {
	local n=$1 i

	shift
	printf '[agent]\nstate_dir = %s/state\nreconcile_interval = 1s\n' "$RUN"
	printf '[service web]\naddress = tcp://%s:80\nforward = masq\nprobe = port\n' "$VIP"
	[ $# = 0 ] || printf '%s\n' "$@"
	for ((i = 1; i <= n; i++)); do
		echo "realserver = web$i $(rs_ip $i)"
	done
}

# weights_behind PORT: of realserver 1 to COUNT, in that order, in the kernel behind the
# VIP's port; '-' for one that is not there. weights: behind port 80.
weights_behind() {
	local n i hex=

	for ((i = 1; i <= COUNT; i++)); do
		# shellcheck disable=SC2046,SC2086 # four numbers
		printf -v n '%02X' $(rs_ip $i | tr . ' ')
		hex+="$n "
	done
	printf -v n '%04X' "$1"
	# shellcheck disable=SC2016 # awk's
	in_director awk -v port="$n" -v hosts="$hex" '
		$1 != "->" { split($2, a, ":"); here = $1 == "TCP" && a[2] == port }
		here && $1 == "->" { split($2, a, ":"); weight[a[1]] = $4 }
		END {
			n = split(hosts, host, " ")
			for (i = 1; i <= n; i++)
				printf "%s%s", (i == 1 ? "" : " "),
					((host[i] in weight) ? weight[host[i]] : "-")
			print ""
		}' /proc/net/ip_vs
}

weights() { weights_behind 80; }
weights_are() { [ "$(weights)" = "$1" ]; }

# settles WANTED DESCRIPTION [SECONDS]: the weights become that.
settles() {
	await "${3:-10}" weights_are "$1"
	is "$(weights)" "$1" "$2"
}

# For a passage of two whole passes of the reconciler: what was wrong would be seen.
passed_again() { [ "$(metric ipvs_agent_reconciles_total)" -ge "$passes" ]; }
two_passes() {
	passes=$(($(metric ipvs_agent_reconciles_total) + 2))
	await 30 passed_again
}

# stays WANTED DESCRIPTION: they are that, and still are when time has passed.
stays() {
	two_passes
	is "$(weights)" "$1" "$2"
}

refused() { metric "ipvs_rule_refused_total{rule=\"$1\",guard=\"$2\"}"; }
detected() { metric "ipvs_rule_detected_total{rule=\"$1\"}"; }
enforced() { metric "ipvs_rule_enforced_total{rule=\"$1\"}"; }
targets() { metric "ipvs_rule_targets{rule=\"$1\",state=\"$2\"}"; }
writes() { metric ipvs_agent_kernel_writes_total | awk '{ n += $1 } END { print n + 0 }'; }
holds() { metric 'ipvs_hold_since_timestamp_seconds' | wc -l; }

targets_are() { [ "$(targets "$1" "$2")" = "$3" ]; }
refused_are() { [ "$(refused "$1" "$2")" = "$3" ]; }
holds_are() { [ "$(holds)" = "$1" ]; }
panic_is() { metric_is 'ipvs_service_panic{ipvs_service="web"}' "$1"; }
verdict_is() { metric_is "ipvs_probe_up{realserver=\"web$1\"}" "$2"; }

# verdicts_are 0|1 N...: of web N, all of them.
verdicts_are() {
	local wanted=$1 seen n
	shift

	seen=$(metrics | grep '^ipvs_probe_up{')
	for n; do
		[ "$(series_values "ipvs_probe_up{realserver=\"web$n\"}" <<<"$seen" |
			sort -u)" = "$wanted" ] || return
	done
}

# logged PATTERN: a line of the log; logged_lines PATTERN: how many.
logged() { agent_log "$1" >/dev/null; }
logged_lines() { agent_log "$1" | wc -l; }
explains() { agent explain "$1" | grep -E -- "$2" >/dev/null; }

# watch_steps NAME ADDRESS PORT: notes every weight that the kernel shows for that
# realserver of the service at that port from now on, until unwatch_steps.
watch_steps() {
	"$LOOK" weights "$NS-dir" "$2" 0 "$3" >"$RUN/steps.$1" 2>&1 &
	echo $! >"$RUN/steps.$1.pid"
	disown
}

# unwatch_steps NAME: the weights, in one line.
unwatch_steps() {
	kill -TERM "$(cat "$RUN/steps.$1.pid")" 2>/dev/null
	awk '{ printf "%s ", $2 }' "$RUN/steps.$1"
}
