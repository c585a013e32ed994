# shellcheck shell=bash
# One of a pair. Before anybody says which role it has it is a standby: it probes, decides and
# writes its table like a master, and tells nobody. keepalived, with the configuration and the
# notify script of contrib, makes it the master: from then on it tells. The role is there after
# a kill -9, and is the one that it was; what the agent was not there to hear it is told again.
# keepalived ends, and it is a standby. Without roles nobody can have one.
#
# peers: nginx keepalived
# deadline: 120
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../rules.sh disable=SC1091
. "$(dirname "$0")/../rules.sh"

# shellcheck disable=SC2034 # read by rules.sh
COUNT=2

config() {
	web_ini $COUNT "scheduler = wrr" | sed "s/^reconcile_interval.*/&\nroles = ${1:-on}/"
	cat <<-INI
		[rule probe-down]
		expr = probe_up == 0
		action = quiesce
		action = exec $RUN/tell
	INI
	probe_ini port
}

printf '#!/bin/sh\necho "$IPVS_AGENT_EVENT $IPVS_AGENT_REALSERVER" >>%s/told\n' "$RUN" >"$RUN/tell"
chmod +x "$RUN/tell"
: >"$RUN/told"

told() { grep -qx "$1" "$RUN/told"; }
role_is() { metric_is "ipvs_agent_role{role=\"$1\"}" 1; }
untold() { metric 'ipvs_agent_notifications_total{action="exec",result="standby"}'; }
untold_is() { [ "$(untold)" = "$1" ]; }

# keepalived gives its scripts no environment of ours.
cat >"$RUN/notify" <<-SH
	#!/bin/sh
	export IPVS_AGENT="$AGENT -c $RUN/agent.ini" IPVS_AGENT_ROLE=$RUN/role
	export LD_LIBRARY_PATH=$LD_LIBRARY_PATH ASAN_OPTIONS=$ASAN_OPTIONS
	exec $REPO/contrib/keepalived/ipvs-agent-role "\$@"
SH
chmod +x "$RUN/notify"
notify_script() { in_director "$RUN/notify" INSTANCE director "$1" 150; }

# Files below /tmp are anybody's, to its eyes.
keepalived_start() {
	sed -e '/enable_script_security/d' -e "s|/etc/keepalived/ipvs-agent-role$|$RUN/notify|" \
		"$REPO/contrib/keepalived/keepalived.conf" >"$RUN/keepalived.conf"
	ip netns exec "$NS-dir" keepalived -n -l -D -P -f "$RUN/keepalived.conf" \
		-p "$RUN/keepalived.pid" -r "$RUN/vrrp.pid" >"$RUN/keepalived.log" 2>&1 &
	keepalived=$!
	disown
}
keepalived_gone() { ! kill -0 "$keepalived" 2>/dev/null; }
post_role() {
	in_director curl -s -o "$RUN/answer" -w '%{http_code}' --unix-socket "$RUN/agent.sock" \
		http://agent/api/v1/role -d "$1"
}

topology masq $COUNT || exit
for i in 1 2; do
	rs_start $i || exit
done
ok "the agent starts" agent_start < <(config)
ok "both are up" await 15 verdicts_are 1 1 2
settles "100 100" "a standby has its table written"
ok "nobody said which role it has" role_is unknown
like "$(agent role)" "role: unknown" "role: says so"
like "$(agent status)" "standby: the role is unknown" "status: says so"

rs_stop 2
settles "100 0" "standby: a dead server is held" 15
ok "standby: who would be told is counted" await 10 untold_is 1
is "$(cat "$RUN/told")" "" "standby: nobody was told"

keepalived_start
ok "keepalived is master, and says so" await 30 role_is master ||
	diag "$(tail -n 20 "$RUN/keepalived.log")"
not_ok "status has nothing to say of it" grep standby <(agent status)
like "$(agent role --json)" '"role": ?"master"' "role --json: says so"
rs_start 2 || exit
settles "100 100" "master: it comes back" 15
ok "master: that is told" await 10 told "release web2"
like "$(agent journal)" "role master by" "the journal has the order"

agent_kill9
ok "the agent starts again after a kill -9" agent_start
ok "it is the master still" role_is master
is "$(agent role --json | grep -c recorded)" 0 "and nothing was ordered"
kill -TERM "$keepalived"
ok "keepalived ends" await 15 keepalived_gone
ok "then it is a standby" await 10 role_is backup
ok "a clean stop" agent_stop
not_ok "the script: nobody hears of the master" notify_script MASTER
ok "the agent starts" agent_start
ok "it is what it was" role_is backup
ok "it is told again" in_director "$RUN/notify" --again
ok "and is the master" role_is master
ok "the script tells of a fault" notify_script FAULT
ok "the metric says so" role_is fault
ok "the script: who stopped is a standby" notify_script STOP
ok "the metric says so" role_is backup
not_ok "the script refuses another state" notify_script WHATEVER

is "$(post_role '{"role":"king"}')" 400 "http: another role is refused"
like "$(cat "$RUN/answer")" "is not master, backup or fault" "and told why"
is "$(post_role '{}')" 400 "http: none is refused"
is "$(post_role '{"role":"master","reason":"by hand"}')" 200 "http: a role is taken"
like "$(cat "$RUN/answer")" '"recorded": ?true' "and it is on disk"

ok "a reload without roles" agent_reload < <(config off)
not_ok "there is no role then" role_is master
not_ok "and none can be had" agent role backup
like "$(agent role)" "role: none" "role: says so"

done_testing
