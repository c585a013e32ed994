# shellcheck shell=bash
# What an operator reads. Every subcommand against a running agent and without one:
# exit codes, the words that matter, JSON that parses, and hints where something was
# mistyped.
#
# peers: nginx ipvsadm
# deadline: 240
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"

topology masq 3 || exit
ok "nginx starts on rs1" rs_start 1
ok "nginx starts on rs2" rs_start 2

# said STATUS DESCRIPTION ARGUMENT...: runs the command line; its exit status is
# STATUS. What it said is in $output, and in the TAP as a comment.
said() {
	local wanted=$1 what=$2
	shift 2
	output=$(agent "$@" 2>&1)
	is "$?" "$wanted" "$what: exit status"
	diag "\$ ipvs-agent $*" "$output"
}
json() {
	python3 -c 'import json, sys; json.load(sys.stdin)' <<<"$output"
}

agent_config <<CONFIG
[agent]
state_dir = $RUN/state
reconcile_interval = 1s

[defaults]
forward = masq

[service web]
address = tcp://$VIP:80
address = tcp://$VIP:443
scheduler = rr
probe = port
realserver = web1 10.1.0.11:80
realserver = web2 10.1.0.12:80
realserver = web3 10.1.0.13:80

[service api]
address = tcp://10.7.0.1:80
probe = port
realserver = web1 10.1.0.11
realserver = spare 10.1.0.12 enabled=no

[probe port]
url = tcp://:80
interval = 500ms
timeout = 400ms
rise = 2
fall = 2
CONFIG
in_director ipvsadm -R <<TABLE
-A -t 10.7.9.9:80 -s rr
-a -t 10.7.9.9:80 -r 10.1.0.21:80 -m -w 3
TABLE

said 0 "version" version
like "$output" '^ipvs-agent [0-9]+\.[0-9]+' "version"
said 0 "check" check
said 0 "config" config
like "$output" 'realserver = web3 10.1.0.13' "config: as in the file"
said 1 "status without an agent" status
like "$output" 'the agent does not run here' "it says that there is none"
like "$output" 'start' "and what to do"
said 1 "explain without an agent" explain web/web1
said 1 "reload without an agent" reload
said 2 "plan on an empty kernel" plan
like "$output" 'web3' "plan: names what it would add"
said 2 "plan --json" plan --json
ok "plan --json parses" json

ok "the agent starts" agent_start
held() { [ -n "$(metric 'ipvs_hold_since_timestamp_seconds{realserver="web3",holder="probe-down"}')" ]; }
ok "web3 is held" await 15 held
up() { metric_is 'ipvs_probe_up{ipvs_service="api",realserver="web1"}' 1; }
ok "the others are up" await 15 up

said 0 "plan where all is as it should be" plan
ok "somebody changes something" in_director ipvsadm -E -t "$VIP:80" -s wrr
said 0 "status" status
for word in web1 web2 web3 tcp://10.9.0.100:80 10.7.9.9; do
	like "$output" "$word" "status: $word"
done
said 0 "status of a service" status web
said 1 "status of none" status wbe
like "$output" "did you mean .web.\?" "status: did you mean"
said 0 "status --json" status --json
ok "status --json parses" json
said 0 "explain SERVICE/REALSERVER" explain web/web3
like "$output" 'weight 0 of 100' "explain: the weight"
like "$output" '(^|[^0-9])100 +configured' "explain: the configured one"
like "$output" 'agent.ini:[0-9]+' "explain: where it stands"
like "$output" 'rule probe-down' "explain: the holder"
like "$output" 'returns' "explain: when it ends"
said 0 "explain SERVICE" explain web
said 0 "explain a name, wherever it serves" explain web1
like "$output" 'web/web1.*api/web1|api/web1.*web/web1' "explain: in both services"
said 0 "explain an address" explain 10.1.0.13
like "$output" 'web/web3' "explain: whose address"
said 0 "explain what is not enabled" explain api/spare
said 1 "explain the unknown" explain web/wbe3
like "$output" "did you mean" "explain: did you mean"
said 0 "explain --json" explain web/web3 --json
ok "explain --json parses" json
said 0 "reload" reload
said 0 "reload --json" reload --json
ok "reload --json parses" json
printf '[service x]\nadress = tcp://1.2.3.4:80\n' >>"$RUN/agent.ini"
said 1 "check of a broken file" check
like "$output" "agent.ini:[0-9]+: error: .*'adress'.*did you mean 'address'" "check: where, what, and what was meant"
said 1 "reload of a broken file" reload
said 1 "plan of a broken file" plan
said 64 "a mistyped subcommand" stauts
like "$output" "did you mean 'status'" "a mistyped subcommand: did you mean"
said 64 "a mistyped option" status --jsno

done_testing
