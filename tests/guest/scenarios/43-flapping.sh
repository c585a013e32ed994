# shellcheck shell=bash
# A server that falls again and again leaves traffic at once each time, and returns
# later each time. One realserver behind three services which differ in how long a
# return is delayed at most (flap_max: not at all, 6 s, 10 min) falls three times. Its
# first return is as soon as its probes pass everywhere; the others wait, as long as
# flap_max lets them. log and explain name the guard. When another server
# dies and min_available would keep that one in, the waiting one comes back at once.
#
# peers: nginx
# deadline: 150
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../rules.sh disable=SC1091
. "$(dirname "$0")/../rules.sh"

COUNT=2
CAP=6

config() {
	local i=0 name

	printf '[agent]\nstate_dir = %s/state\nreconcile_interval = 1s\n' "$RUN"
	for name in never capped long; do
		i=$((i + 1))
		printf '[service %s]\naddress = tcp://%s:%s\nscheduler = wrr\n' $name "$VIP" 800$i
		printf 'forward = masq\nprobe = port\n'
		printf 'realserver = web1 %s:80\nrealserver = web2 %s:80\n' "$(rs_ip 1)" "$(rs_ip 2)"
		case $name in
		never) echo "flap_max = 0s" ;;
		capped) echo "flap_max = ${CAP}s" ;;
		esac
	done
	probe_ini port
}

port_is() { [ "$(weights_behind "$1")" = "$2" ]; }
behind() {
	await 15 port_is "$1" "$2"
	is "$(weights_behind "$1")" "$2" "$3"
}

# lines MSG SERVICE: of web1's, in the log.
lines() { agent_log "msg=\"$1\" service=$2 realserver=web1"; }
lines_are() { [ "$(lines "$1" "$2" | wc -l)" -ge "$3" ]; }

# stamp LINE: the moment of a line of the log, in ms.
stamp() {
	local text=${1#ts=}

	date -d "${text%% *}" +%s%3N
}

# waited SERVICE NTH: from web1's Nth good verdict after a fall to the Nth release of
# its hold, in ms. All services have one target, so its line is one line for each.
waited() {
	local up down

	up=$(agent_log "msg=\"probe up\" service=$1 realserver=web1" | sed 1d | sed -n "$2p")
	down=$(lines "hold released" "$1" | sed -n "$2p")
	echo $(($(stamp "$down") - $(stamp "$up")))
}

# falls NTH: web1 leaves everywhere at once, and its server is there again.
falls() {
	local port

	rs_stop 1
	for port in 8001 8002 8003; do
		behind $port "0 100" "fall $1: it leaves traffic behind $port"
	done
	rs_start 1 || exit
}

topology masq $COUNT || exit
rs_start 1 && rs_start 2 || exit
ok "the agent starts" agent_start < <(config)
for port in 8001 8002 8003; do
	behind $port "100 100" "all serve behind $port"
done

falls 1
for port in 8001 8002 8003; do
	behind $port "100 100" "return 1: at once behind $port"
done
is "$(lines "hold is released later" '[a-z]*' | wc -l)" 0 "return 1: nothing is delayed"

falls 2
behind 8001 "100 100" "return 2: at once with flap_max = 0s"
ok "return 2: the log names the guard" await 10 lines_are "hold is released later" capped 1
like "$(lines "hold is released later" capped)" 'guard=flapping' "return 2: by its name"
ok "return 2: explain, too" explains long/web1 'guard flapping delays'
behind 8002 "100 100" "return 2: after flap_max"
is "$(weights_behind 8003)" "0 100" "return 2: where it may be longer, it is"

falls 3
behind 8001 "100 100" "return 3: at once with flap_max = 0s"
behind 8002 "100 100" "return 3: after flap_max, again"
is "$(weights_behind 8003)" "0 100" "return 3: where it may be longer, it is"
ok "it is up all the while" verdicts_are 1 1

for n in 1 2 3; do
	ms[n]=$(waited capped $n)
	diag "return $n: waited ${ms[n]} ms beyond its probes"
done
at_most "${ms[1]}" "$(scaled 500)" "the first return waits for nothing"
for n in 2 3; do
	ok "return $n waits $CAP s" test "${ms[n]}" -ge $((CAP * 1000 - 50))
	at_most "${ms[n]}" $((CAP * 1000 + $(scaled 500))) "and no longer: flap_max"
	at_most "$(waited never $n)" "$(scaled 500)" "with flap_max = 0s it does not"
done

# The other one dies: web1 is healthy, and needed.
rs_stop 2
behind 8003 "100 0" "web1 is back when web2 dies"
down=$(agent_log 'msg="probe down" service=long realserver=web2')
back=$(lines "hold released" long | tail -n 1)
at_most $(($(stamp "$back") - $(stamp "$down"))) "$(scaled 500)" "at once, not when its time has come"
is "$(metric 'ipvs_service_panic{ipvs_service="long"}')" 0 "which is no panic"
rs_start 2 || exit
behind 8003 "100 100" "and web2 when it is up: its first return"

done_testing
