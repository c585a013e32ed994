# shellcheck shell=bash
# Probes that talk. Redis is asked as Redis is: one that wants a password serves, one that
# is frozen, that has lost its master or that is in protected mode does not, and each comes
# back. The same by tcp with send and expect_regex. A UDP server is asked a question: the
# wrong answer is one, a port that nobody has is a refusal, and silence says nothing. None
# of it leaves a word in Redis' log.
#
# peers: redis-server
# deadline: 120
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../rules.sh disable=SC1091
. "$(dirname "$0")/../rules.sh"
# shellcheck disable=SC2034 # read by weights_behind
COUNT=2

redis_cli() {
	local n=$1
	shift
	in_ns "rs$n" redis-cli -e -p 6379 "$@"
}

redis_pongs() { [ "$(redis_cli "$1" PING 2>/dev/null)" = PONG ]; }

redis_start() {
	mkdir -p "$RUN/rs$1"
	ip netns exec "$NS-rs$1" redis-server --port 6379 --bind 0.0.0.0 --protected-mode no \
		--save '' --dir "$RUN/rs$1" >"$RUN/redis.$1.log" 2>&1 &
	echo $! >"$RUN/rs$1/pid.main"
	disown
	await 20 redis_pongs "$1"
}

# udp_start N ANSWER: to each datagram.
udp_start() {
	ip netns exec "$NS-rs$1" python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", 5353))
while True:
    s.sendto(sys.argv[1].encode(), s.recvfrom(2048)[1])' "$2" >"$RUN/udp.$1" 2>&1 &
	echo $! >"$RUN/rs$1/pid.udp"
	disown
}

udp_signal() { kill "-$2" "$(cat "$RUN/rs$1/pid.udp")" 2>/dev/null; }

# said REALSERVER PROBE up|unknown: the metric.
said() { metric "ipvs_probe_$3{realserver=\"$1\",probe=\"$2\"}"; }
said_is() { [ "$(said "$1" "$2" "$3")" = "$4" ]; }
failed() { metric "ipvs_probe_failures_total{realserver=\"$1\",probe=\"$2\",reason=\"$3\"}"; }
has_failed() { [ "$(failed "$1" "$2" "$3")" -ge "${4:-1}" ] 2>/dev/null; }

# weights of realservers 1 and 2 in the service cache.
cache() { weights_behind 6379; }
cache_is() { [ "$(cache)" = "$1" ]; }
becomes() {
	await 20 cache_is "$1"
	is "$(cache)" "$1" "$2"
}

topology masq 2 || exit
for i in 1 2; do
	ok "redis $i starts" redis_start $i
	udp_start $i "rs$i"
done
agent_config <<-INI
	[agent]
	state_dir = $RUN/state
	reconcile_interval = 1s
	[service cache]
	address = tcp://$VIP:6379
	scheduler = wrr
	forward = masq
	probe = redis line
	flap_max = 0s
	realserver = cache1 $(rs_ip 1)
	realserver = cache2 $(rs_ip 2)
	[service names]
	address = udp://$VIP:5353
	scheduler = wrr
	forward = masq
	probe = names
	realserver = names1 $(rs_ip 1)
	realserver = names2 $(rs_ip 2)
	[probe redis]
	url = redis://
	interval = 500ms
	timeout = 400ms
	fall = 2
	[probe line]
	url = tcp://
	send = PING\r\n
	expect_regex = ^(\+PONG|-NOAUTH )
	interval = 500ms
	timeout = 400ms
	fall = 2
	[probe names]
	url = udp://
	send = who\n
	expect_regex = ^rs\d+$
	interval = 500ms
	timeout = 400ms
	fall = 2
INI
ok "the agent starts" agent_start
for probe in redis line; do
	ok "$probe says that cache1 is up" await 15 said_is cache1 "$probe" up 1
	ok "$probe says that cache2 is up" await 15 said_is cache2 "$probe" up 1
done
ok "names1 answers" await 15 said_is names1 names up 1
ok "names2 answers" await 15 said_is names2 names up 1

ok "redis 1 wants a password" redis_cli 1 CONFIG SET requirepass secret
two_passes
is "$(cache)" "100 100" "which it says while it serves"
is "$(failed cache1 redis answer-body)" "" "no probe failed by it"

ok "redis 2 is frozen" rs_freeze 2
becomes "100 0" "it is held"
ok "for want of an answer" has_failed cache2 redis answer-timeout 2
ok "by either probe" await 10 has_failed cache2 line answer-timeout 2
rs_thaw 2
becomes "100 100" "and comes back"

ok "redis 2 loses its master" redis_cli 2 REPLICAOF "$(rs_ip 99)" 6379
ok "and may not answer then" redis_cli 2 CONFIG SET replica-serve-stale-data no
becomes "100 0" "it is held"
ok "for what it says" has_failed cache2 redis answer-body 2
ok "which the pattern does not take either" await 10 said_is cache2 line up 0
ok "it is a master again" redis_cli 2 REPLICAOF NO ONE
becomes "100 100" "and comes back"

ok "redis 2 protects itself" redis_cli 2 CONFIG SET protected-mode yes
becomes "100 0" "it is held"
ok "and does so no longer" redis_cli 2 CONFIG SET protected-mode no
becomes "100 100" "and comes back"

ok "redis 2 dies" rs_stop 2
becomes "100 0" "it is held"
ok "for a refusal" has_failed cache2 redis connect-refused
ok "redis 2 starts" redis_start 2
becomes "100 100" "and comes back"
is "$(grep -ciE 'error|reset|protocol|abort|security' "$RUN/redis.1.log")" 0 \
	"no probe is in the log of redis"

ok "the UDP server of names2 freezes" udp_signal 2 STOP
ok "which is unknown" await 15 said_is names2 names unknown 1
is "$(said names2 names up)" 1 "and no verdict"
ok "it thaws" udp_signal 2 CONT
ok "and is known again" await 15 said_is names2 names unknown 0
ok "it dies" udp_signal 2 KILL
ok "which ICMP says" await 15 said_is names2 names up 0
ok "as a refusal" has_failed names2 names connect-refused 2
udp_start 2 nobody
ok "another one, that says something else, is wrong" await 15 has_failed names2 names answer-body
is "$(said names2 names up)" 0 "and stays down"
udp_signal 2 KILL
udp_start 2 rs2
ok "the right one is up" await 15 said_is names2 names up 1

done_testing
