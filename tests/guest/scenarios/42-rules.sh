# shellcheck shell=bash
# What rules do. Behind port 80: one that reads a signal of the kernel, with for and
# keep_firing_for, and one that compares a probe's duration with that of the peers;
# both halve a weight, in every state that a rule has, and give it back. Behind the
# other ports one death is answered in four ways: remove makes the realserver absent,
# fallback brings the backup in, enforce = dry-run writes nothing and counts what it
# would have done, and after a ramp it comes back in steps.
#
# peers: nginx
# deadline: 180
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../rules.sh disable=SC1091
. "$(dirname "$0")/../rules.sh"

COUNT=6

# pool NAME PORT LINE...: a service behind a port of the VIP.
pool() {
	printf '\n[service %s]\naddress = tcp://%s:%s\nscheduler = wrr\nforward = masq\n' \
		"$1" "$VIP" "$2"
	shift 2
	printf '%s\n' "$@"
}

# rule NAME LINE...
rule() {
	printf '\n[rule %s]\n' "$1"
	shift
	printf '%s\n' "$@"
}

config() {
	cat <<-INI
		[agent]
		state_dir = $RUN/state
		reconcile_interval = 1s
		sample_interval = 500ms
		[probe steady]
		url = tcp://
		interval = 1s
		timeout = 950ms
		fall = 3
	INI
	probe_ini port
	# Its verdict comes late: what happens before is the rules' doing.
	probe_ini late | sed 's/^fall = .*/fall = 1000/'
	pool web 80 "probe = steady" "realserver = web1 $(rs_ip 1)" \
		"realserver = web2 $(rs_ip 2) weight=20" "realserver = web3 $(rs_ip 3) weight=20" \
		"realserver = web4 $(rs_ip 4) weight=20"
	pool gone 8001 "probe = late" "realserver = a $(rs_ip 5):80" "realserver = b $(rs_ip 6):80"
	pool spare 8002 "probe = port" "realserver = a $(rs_ip 5):80" \
		"realserver = b $(rs_ip 6):80" "backup = c $(rs_ip 4):80"
	pool dry 8003 "probe = late" "realserver = a $(rs_ip 5):80" "realserver = b $(rs_ip 6):80"
	pool soft 8004 "probe = port" "ramp = 8s" "realserver = a $(rs_ip 5):80" \
		"realserver = b $(rs_ip 6):80"
	rule busy "service = web" "expr = active_connections > 20" "for = 2s" \
		"keep_firing_for = 3s" "action = reweight 50%"
	rule slow "service = web" "for = 1s" "action = reweight 50%" \
		"expr = probe_duration_seconds > 3 * peers_median(probe_duration_seconds) and probe_duration_seconds > 0.3"
	rule gone "service = gone" "expr = probe_success == 0" "for = 1s" "action = remove"
	rule spare "service = spare" "expr = probe_up == 0" "action = fallback"
	rule would "service = dry" "expr = probe_success == 0" "for = 1s" "action = quiesce" \
		"enforce = dry-run"
}

# states RULE REALSERVER: those that the log tells, in their order.
states() {
	agent_log "msg=\"rule changed its state\" .*realserver=$2 rule=$1 " |
		sed 's/.* to=//; s/ .*//' | tr '\n' ' '
}

# when RULE REALSERVER STATE: the moment that the log gives for it, in ms.
when() {
	local text

	text=$(agent_log "msg=\"rule changed its state\" .*realserver=$2 rule=$1 .*to=$3" |
		tail -n 1)
	text=${text#ts=}
	date -d "${text%% *}" +%s%3N
}

port_is() { [ "$(weights_behind "$1")" = "$2" ]; }

# behind PORT WANTED DESCRIPTION: as settles.
behind() {
	await 15 port_is "$1" "$2"
	is "$(weights_behind "$1")" "$2" "$3"
}

topology masq $COUNT || exit
for ((i = 1; i <= COUNT; i++)); do
	rs_start $i || exit
done
ok "the agent starts" agent_start < <(config)
settles "100 20 20 20 - -" "all serve"
for port in 8001 8003 8004; do
	behind $port "- - - - 100 100" "behind $port, too"
done
behind 8002 "- - - 0 100 100" "and the backup waits"
ok "busy watches four targets" targets_are busy inactive 4
is "$(detected busy) $(enforced busy) $(detected slow)" "0 0 0" "no rule has acted"

# The kernel's figure: more than half of the lasting connections are web1's.
traffic_start busy -r 1 -t "$(scaled 2000)" -l 48 -i 2000 -w 1 "$VIP" 80
ok "busy: it fires for one" await 30 targets_are busy firing 1
settles "50 20 20 20 - -" "busy: whose weight is halved"
is "$(detected busy) $(enforced busy)" "1 1" "busy: which is counted"
like "$(metric 'ipvs_hold_since_timestamp_seconds{ipvs_service="web",realserver="web1",class="rule",holder="busy"}')" \
	'^[0-9]' "busy: the hold is exported"
explained=$(agent explain web/web1)
diag "$explained"
like "$explained" '50 +rule busy .*active_connections > 20' "busy: explain says why"
traffic_stop busy
settles "100 20 20 20 - -" "busy: without the load it gets its weight back" 30
is "$(states busy web1)" "pending firing recovering inactive " "busy: through every state"
ok "busy: not before it was true for 2 s" test \
	$(($(when busy web1 firing) - $(when busy web1 pending))) -ge 2000
ok "busy: not given back before it was over for 3 s" test \
	$(($(when busy web1 inactive) - $(when busy web1 recovering))) -ge 2900
is "$(states busy web2)$(states busy web3)$(states busy web4)" "" "busy: the others never"

# A slow one among its peers.
modprobe -q sch_netem
ok "slow: rs2 takes half a second" tc -n "$NS-rs2" qdisc add dev eth0 root netem delay 500ms
settles "100 10 20 20 - -" "slow: its weight is halved" 30
ok "slow: it is up all the same" verdict_is 2 1
is "$(targets slow firing)" 1 "slow: no other target fires"
ok "slow: explain says why" explains web/web2 '10 +rule slow .*peers_median'
ok "slow: rs2 is quick again" tc -n "$NS-rs2" qdisc del dev eth0 root
settles "100 20 20 20 - -" "slow: it gets its weight back" 30
is "$(enforced slow)" 1 "slow: one hold in all"

# One dies, behind four services with an answer of their own.
rs_stop 5
behind 8001 "- - - - - 100" "remove: it is absent"
behind 8002 "- - - 100 0 100" "fallback: the backup serves beside who is left"
behind 8004 "- - - - 0 100" "it is quiesced where nothing else is asked"
ok "dry-run: refused for that reason alone" await 15 refused_are would dry-run 1
before=$(writes)
two_passes
is "$(writes)" "$before" "dry-run: it writes nothing"
is "$(weights_behind 8003)" "- - - - 100 100" "dry-run: its weight is as configured"
is "$(detected would) $(enforced would)" "1 0" "dry-run: it would have acted once"
like "$(agent_log 'msg="hold refused".*rule=would')" 'guard=dry-run' "dry-run: the log says so"
ok "dry-run: explain, too" explains dry/a 'guard dry-run refuses'
ok "remove: explain says why it is absent" explains gone/a 'rule gone '
ok "fallback: explain says why the backup serves" explains spare/c 'backup +serves'
is "$(metric 'ipvs_service_panic{ipvs_service="spare"}')" 0 "fallback: this is no panic"
like "$(metric 'ipvs_hold_since_timestamp_seconds{ipvs_service="spare",realserver="*",holder="spare"}')" \
	'^[0-9]' "fallback: its hold is the service's"

# It comes back, everywhere.
watch_steps soft "$(rs_ip 5)" 8004
rs_start 5 || exit
behind 8001 "- - - - 100 100" "remove: it is there again"
behind 8002 "- - - 0 100 100" "fallback: the backup waits again"
await 30 port_is 8004 "- - - - 100 100"
steps=$(unwatch_steps soft)
diag "ramp: $steps"
is "$(tr ' ' '\n' <<<"${steps% }" | sort -n | uniq | tr '\n' ' ')" "$steps" \
	"ramp: the weight only ever grows"
ok "ramp: in four steps at least" test "$(wc -w <<<"$steps")" -ge 5
like "$steps" '^0 .* 100 $' "ramp: from 0 to the configured weight"
ok "no hold is left" await 10 holds_are 0
is "$(targets would inactive)" 2 "nothing fires any more"

done_testing
