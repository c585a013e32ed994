# shellcheck shell=bash
# What realservers say of themselves, by agents that answer as for HAProxy: a share, drain,
# maint, down and back become weights in the kernel, and explain says whose word it is. It
# never beats a probe: "up ready" brings back nobody who is dead. The last one is not let
# go. An agent that falls silent changes nothing, nor does kill -9 while it is silent: the
# weight is never above what it asked for. When its probe leaves the file its word goes, too.
#
# peers: nginx
# deadline: 150
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../rules.sh disable=SC1091
. "$(dirname "$0")/../rules.sh"

# shellcheck disable=SC2034 # read by rules.sh
COUNT=2

# config PROBE...: of the service.
config() {
	cat <<-INI
		[agent]
		state_dir = $RUN/state
		reconcile_interval = 1s
		[service web]
		address = tcp://$VIP:80
		scheduler = wrr
		forward = masq
		probe = $*
		flap_max = 0s
		realserver = web1 $(rs_ip 1)
		realserver = web2 $(rs_ip 2)
		[probe word]
		url = agent://:9998
		interval = 500ms
		timeout = 400ms
	INI
	probe_ini port
}

# says N LINE: from now on.
says() { printf '%s\n' "$2" >"$RUN/word$1"; }

cat >"$RUN/agent.py" <<'PY'
import socket, sys
listener = socket.create_server(("", 9998))
while True:
    client = listener.accept()[0]
    with open(sys.argv[1], "rb") as words:
        client.sendall(words.read())
    client.close()
PY

# agents N...: one on each of these hosts.
agents() {
	local n

	for n; do
		ip netns exec "$NS-rs$n" python3 -S -E "$RUN/agent.py" "$RUN/word$n" \
			>"$RUN/agent$n.log" 2>&1 &
		echo $! >"$RUN/agent$n.pid"
		disown
	done
	for n; do
		await 15 in_ns "rs$n" bash -c "</dev/tcp/127.0.0.1/9998" 2>/dev/null || return
	done
}

# step N LINE WEIGHTS DESCRIPTION
step() {
	says "$1" "$2"
	settles "$3" "$4"
}

topology masq $COUNT || exit
for ((i = 1; i <= COUNT; i++)); do
	says $i "up ready 100%"
	rs_start $i || exit
done
ok "the realservers' agents start" agents 1 2
ok "the agent starts" agent_start < <(config port word)
settles "100 100" "who asks for nothing serves"

step 1 "75% # a long queue" "75 100" "75%"
like "$(agent explain web/web1)" $'\n *75 +agent word +since .*: it says 75% \(a long queue\)' \
	"explain says whose word that is, and why"
step 1 drain "0 100" "drain"
step 1 ready "75 100" "ready: the share stands"
step 1 "maint,100%" "0 100" "maint"
step 1 "ready # back" "100 100" "ready"
step 1 down "0 100" "down"
ok "is no verdict" verdicts_are 1 1
step 1 up "100 100" "up"

step 1 drain "0 100" "one may go"
says 2 maint
ok "the last may not" await 10 logged 'msg="what a realserver asks for itself is refused".*web2'
stays "0 100" "it serves on"
ok "explain says why" explains web/web2 'it says maint, but guard min_available refuses that'
says 2 "ready"
step 1 "ready" "100 100" "both are back"

rs_stop 1
settles "0 100" "a dead one is held"
says 1 "up ready 100% # I am fine"
stays "0 100" "whatever it says of itself"
rs_start 1 || exit
settles "100 100" "and comes back by its probe"

step 1 "30%" "30 100" "30%"
kill -KILL "$(cat "$RUN/agent1.pid")"
ok "who falls silent" await 10 logged 'msg="no advice, the last one stands".*advice-unreached'
stays "30 100" "changes nothing"
ok "and explain says so" explains web/web1 'hears nothing of it now: its last word stands'

# As in the kernel, until it has spoken.
watch_steps web1 "$(rs_ip 1)" 80
agent_kill9
ok "it starts after kill -9" agent_start
port_is_up() { metric_is 'ipvs_probe_up{realserver="web1",probe="port"}' 1; }
ok "and sees it up" await 10 port_is_up
stays "30 100" "it is not raised before its first word"
ok "explain says so" explains web/web1 'has heard no word of it yet: until then it is not raised'
says 1 "40%"
ok "its agent is there again" agents 1
settles "40 100" "and that is heard"
ok "as its word" explains web/web1 "^ *40 +agent word "
is "$(unwatch_steps web1)" "30 40 " "there was no other weight in between"

ok "the probe leaves the file" agent_reload < <(config port)
settles "100 100" "and with it what it said"
is "$(holds)" 0 "no hold is left"

done_testing
