# shellcheck shell=bash
# Who is told. A webhook in another host and a program of the operator's get what rules
# do: the hold, the guard's refusal, the panic and its end, the release, in that order;
# a receiver that does not answer costs nobody else anything, and is counted; a dry run
# tells as one. The program has no shell, no capability and the facts.
#
# peers: nginx
# deadline: 120
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../rules.sh disable=SC1091
. "$(dirname "$0")/../rules.sh"

config() {
	web_ini 2 "scheduler = wrr"
	cat <<-INI
		[rule probe-down]
		expr = probe_up == 0
		action = quiesce
		action = notify ops
		action = notify nobody
		action = exec $RUN/tell one two
		[rule would]
		expr = probe_up == 0
		enforce = dry-run
		action = reweight 50%
		action = exec $RUN/tell dry
		[notify ops]
		url = http://$(rs_ip 3)/hook
		[notify nobody]
		url = http://$(rs_ip 3):9/hook
		retries = 1
	INI
	probe_ini port
}

# One line a call: what it was told, with which arguments, and with which capabilities.
cat >"$RUN/tell" <<'SH'
#!/bin/sh
json=$(cat)
caps=$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)
echo "$IPVS_AGENT_EVENT $IPVS_AGENT_REALSERVER args=$# caps=$caps json=$json" >>"$(dirname "$0")/told"
SH
chmod +x "$RUN/tell"
: >"$RUN/told"

told() { grep -Eq -- "$1" "$RUN/told"; }
sent() { metric "ipvs_agent_notifications_total{action=\"notify\",receiver=\"$1\",result=\"$2\"}"; }
sent_is() { [ "$(sent "$1" "$2")" = "$3" ]; }
gave_up() { [ "$(sent "$1" failed)" -ge 1 ]; }
# Programs about one realserver come one after another, in order.
events() { awk -v rs="$1" '$2 == rs && $3 == "args=2" { printf "%s ", $1 }' "$RUN/told"; }

topology masq 3 || exit
for i in 1 2 3; do
	rs_start "$i" || exit
done
ok "the agent starts" agent_start < <(config)
ok "all are up" await 15 verdicts_are 1 1 2
is "$(sent ops sent)" 0 "nobody was told anything"

ok "web1 dies" rs_stop 1
ok "the program is told of the hold" await 15 told '^hold web1 args=2 '
like "$(grep '^hold web1 args=2' "$RUN/told")" 'caps=0000000000000000 ' "it has no capability"
like "$(grep '^hold web1 args=2' "$RUN/told")" '"rule": ?"probe-down"' "and the payload"
ok "the dry run is told as one" await 10 told '^hold web1 args=1 .*"dry_run": ?true'
ok "so is the webhook" await 10 sent_is ops sent 1
ok "web2 dies as well" rs_stop 2
ok "the program is told of the refusal" await 15 told '^refused web2 .*"guard": ?"min_available"'
ok "the webhook of that and of the panic" await 10 sent_is ops sent 3
ok "web1 comes back" rs_start 1
ok "the program is told of the release" await 15 told '^release web1 '
# Now there is one to serve, and web2 may be held.
ok "and that web2 is held now" await 15 told '^hold web2 args=2 '
ok "the webhook of both and of the end of the panic" await 10 sent_is ops sent 6
is "$(events web1)" "hold release " "each of it once, in order"
is "$(events web2)" "refused hold " "of both"
ok "the receiver that is not there is given up" await 30 gave_up nobody
is "$(sent ops failed) $(sent ops dropped)" "0 0" "which costs the other nothing"
ok "and is in the log" logged 'action=notify.*nobody'
ok "web2 comes back" rs_start 2

done_testing
