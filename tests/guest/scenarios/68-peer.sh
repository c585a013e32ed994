# shellcheck shell=bash
# Two directors whose agents are peers, each with its own IPVS table. A drain made on one is
# followed by both and lifted on either. Parted: a drain is made on one and an older one is
# lifted on the other; healed, both list the same, and nothing that was lifted returns. One
# that was killed hears of the drain when it is back. Two drains that are too much together
# are one on both sides, until it is lifted. An alert that one is told acts on both.
#
# peers: nginx
# deadline: 240
# shellcheck disable=SC2119 # what agent_start gets is the configuration on its input
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../rules.sh disable=SC1091
. "$(dirname "$0")/../rules.sh"

COUNT=4
# How long the two are parted at least.
PARTED=0
[ -z "${SOAK:-}" ] || PARTED=60

# sock SIDE: its socket; the first one's is where the library asks.
sock() { if [ "$1" = a ]; then echo agent; else echo b; fi; }

# config SIDE OTHER ADDRESS OTHER-ADDRESS
config() {
	local i

	printf '[agent]\nstate_dir = %s/state-%s\nreconcile_interval = 1s\n' "$RUN" "$1"
	printf '[http]\nlisten = 127.0.0.1:10015\nlisten = %s:10016\n' "$3"
	printf 'listen = unix:%s/%s.sock\ntoken_file = %s/tokens\n' "$RUN" "$(sock "$1")" "$RUN"
	printf '[metrics]\nmax_age = 0\n'
	printf '[peer %s]\nurl = http://%s:10016\ntoken_file = %s/token\n' "$2" "$4" "$RUN"
	printf 'interval = 300ms\ntimeout = 1s\n'
	printf '[service web]\naddress = tcp://%s:80\nforward = masq\nprobe = port\n' "$VIP"
	printf 'min_available = %s\nflap_max = 0s\n' "$MIN"
	for ((i = 1; i <= COUNT; i++)); do
		echo "realserver = web$i $(rs_ip $i)"
	done
	printf '[rule hot]\nalert = Hot\naction = quiesce\n'
	probe_ini port
}
config_a() { config a b 10.8.0.1 10.8.0.2; }
config_b() { config b a 10.8.0.2 10.8.0.1; }

# The second director's agent; the first one is the library's.
b_run() {
	ip netns exec "$NS-dirb" "$AGENT" run -c "$RUN/b.ini" >>"$RUN/b.log" 2>&1 &
	B_PID=$!
}
b_ready() { "$LOOK" get "$NS-dirb" $AGENT_PORT /-/ready >/dev/null 2>&1; }
b_gone() { ! kill -0 "$B_PID" 2>/dev/null; }
b_start() { b_run && await 15 b_ready; }
b_kill() {
	kill "-$1" "$B_PID"
	await 15 b_gone
}
b_weights() ( in_director() { in_ns dirb "$@"; }; weights )
b_weights_are() { [ "$(b_weights)" = "$1" ]; }
b_metric() { "$LOOK" get "$NS-dirb" $AGENT_PORT /metrics | series_values "$1"; }
b_metric_is() { [ "$(b_metric "$1")" = "$2" ]; }
b_logged() { grep -E -- "$1" "$RUN/b.log" >/dev/null; }
both_settle() {
	settles "$1" "$2: the first"
	await 10 b_weights_are "$1"
	is "$(b_weights)" "$1" "$2: the second"
}

# api SIDE METHOD PATH [JSON]: the body, a blank and the status.
api() {
	local where=dir side=$1
	[ "$side" = a ] || where=dirb
	in_ns $where curl -s -m 10 --unix-socket "$RUN/$(sock "$side").sock" -X "$2" \
		${4:+-H 'Content-Type: application/json' -d "$4"} -w ' %{http_code}' "http://agent$3"
}
hold() { api "$1" POST /api/v1/holds "$2"; }
undrain() { api "$1" DELETE "/api/v1/holds?target=$2&holder=$3&kind=drain"; }
# alert STATUS: to the first, about web4.
alert() {
	api a POST /api/v1/alerts "{\"version\":\"4\",\"status\":\"$1\",\"alerts\":[{
		\"status\":\"$1\",\"labels\":{\"alertname\":\"Hot\",\"ipvs_service\":\"web\",
		\"realserver\":\"web4\"},\"annotations\":{},\"fingerprint\":\"0123456789abcdef\",
		\"startsAt\":\"2020-01-02T03:04:05Z\",\"endsAt\":\"0001-01-01T00:00:00Z\"}]}"
}
# listed SIDE: what all directors know each hold by, sorted.
listed() { api "$1" GET /api/v1/holds | grep -o '"shared":"[^"]*"' | sort; }
same_list() { [ "$(listed a)" = "$(listed b)" ]; }
peers_are() {
	metric_is 'ipvs_peer_up{peer="b"}' "$1" && b_metric_is 'ipvs_peer_up{peer="a"}' "$1"
}
exchanges_past() {
	[ "$(metric ipvs_peer_exchanges_total)" -ge "$1" ] &&
		[ "$(b_metric ipvs_peer_exchanges_total)" -ge "$2" ]
}
# Two exchanges more on either side: what was wrong would be seen.
exchanged() {
	local first second
	first=$(metric ipvs_peer_exchanges_total) second=$(b_metric ipvs_peer_exchanges_total)
	await 20 exchanges_past $((first + 2)) $((second + 2))
}
part() {
	ip -n "$NS-dir" link set sync0 down
	ok "$1: each sees that the other is away" await 20 peers_are 0
}
heal() {
	[ "$PARTED" = 0 ] || sleep "$PARTED"
	ip -n "$NS-dir" link set sync0 up
	ok "$1: and that it is back" await 45 peers_are 1
	ok "$1: both list the same" await 20 same_list
}

topology masq $COUNT || exit
for ((i = 1; i <= COUNT; i++)); do
	rs_start $i || exit
done
ns_add dirb || exit
lan_leg dirb eth1 10.1.0.3 fd01::3
ip -n "$NS-dirb" address add "$VIP/32" dev lo
ip -n "$NS-dir" -batch - <<-BATCH
	link add sync0 type veth peer name sync0 netns $NS-dirb
	address add 10.8.0.1/24 dev sync0
	link set sync0 up
BATCH
ip -n "$NS-dirb" -batch - <<-BATCH
	address add 10.8.0.2/24 dev sync0
	link set sync0 up
BATCH
TOKEN=0123456789abcdef0123456789abcdef
echo "$TOKEN" >"$RUN/tokens"
echo "$TOKEN" >"$RUN/token"
chmod 600 "$RUN/tokens" "$RUN/token"
MIN=2
config_b >"$RUN/b.ini"
ok "the first starts" agent_start < <(config_a)
ok "the second starts" b_start
ok "they hear of each other" await 20 peers_are 1
both_settle "100 100 100 100" "all serve"
got=$(in_ns dirb curl -s -m 10 -o /dev/null -w '%{http_code}' http://10.8.0.1:10016/api/v1/peer)
is "$got" 401 "who shows no token is told nothing"

# Made on one, followed by both, lifted on the other.
like "$(hold a '{"target":"web1","weight":0,"reason":"deploy","holder":"ann"}')" ' 201$' \
	"ann drains web1 on the first"
both_settle "0 100 100 100" "drained"
like "$(api b GET '/api/v1/explain?target=web/web1')" 'operator ann@a' "explained on the second"
like "$(api b GET '/api/v1/holds?target=web1')" '"holder":"ann@a".*"drain":\{"state"' \
	"which has a drain of its own"
is "$(listed a)" "$(listed b)" "both list the same"
like "$(undrain b web1 ann)" '"lifted":\[\{[^]]*"ann@a".* 200$' "ann lets it in on the second"
both_settle "100 100 100 100" "back"
is "$(listed a)$(listed b)" "" "nobody holds anything"

like "$(alert firing)" '"recorded":1.* 200$' "an alert is told to the first"
both_settle "100 100 100 0" "it acts"
like "$(api b GET '/api/v1/holds?target=web4')" '"class":"alert".*"holder":"0123456789abcdef@a"' \
	"on the second by the peer's word"
like "$(alert resolved)" '"resolved":1.* 200$' "it is over"
both_settle "100 100 100 100" "over on both"

# Parted.
hold a '{"target":"web1","weight":0,"holder":"ann"}' >/dev/null
both_settle "0 100 100 100" "ann drains web1"
away=$(logged_lines "peer is away.*peer=b")
part "parted"
like "$(api a GET /api/v1/peers)" '"name":"b".*"state":"away","node":"[0-9a-f]{16}","since":"2' \
	"the API tells since when"
like "$(agent status)" 'peer b is away since' "status too"
like "$(hold a '{"target":"web2","weight":0,"holder":"bob"}')" ' 201$' "bob drains web2 on the first"
like "$(undrain b web1 ann)" ' 200$' "ann's is lifted on the second"
settles "0 0 100 100" "the first"
await 10 b_weights_are "100 100 100 100"
is "$(b_weights)" "100 100 100 100" "the second"
heal "healed"
both_settle "100 0 100 100" "the drain is on both, the lifted one on none"
like "$(api a GET /api/v1/holds)" '"holder":"bob"' "bob's is left"
exchanged
is "$(weights) $(b_weights)" "100 0 100 100 100 0 100 100" "nothing returns"
ok "it was told once that the peer was away" \
	test "$(logged_lines 'peer is away.*peer=b')" = $((away + 1))

# One was killed.
b_kill KILL
like "$(hold a '{"target":"web3","weight":0,"holder":"ann"}')" ' 201$' "ann drains web3 meanwhile"
ok "the second starts again" b_start
both_settle "100 0 0 100" "it has both"
undrain b web2 bob >/dev/null
undrain a web3 ann >/dev/null
both_settle "100 100 100 100" "all serve"

# Too much together.
MIN=3
config_b >"$RUN/b.ini"
ok "at least three shall serve" agent_reload < <(config_a)
like "$(api b POST /-/reload)" ' 200$' "on both"
part "parted again"
like "$(hold a '{"target":"web1","weight":0,"holder":"ann"}')" ' 201$' "web1 on the first"
like "$(hold b '{"target":"web2","weight":0,"holder":"bob"}')" ' 201$' "web2 on the second"
settles "0 100 100 100" "the first"
await 10 b_weights_are "100 0 100 100"
is "$(b_weights)" "100 0 100 100" "the second"
heal "healed again"
one_only() {
	[ "$(weights)" = "$(b_weights)" ] &&
		{ weights_are "0 100 100 100" || weights_are "100 0 100 100"; }
}
ok "the same one is left on both" await 15 one_only
exchanged
ok "and stays" one_only
if weights_are "0 100 100 100"; then
	kept=web1 whose=ann other="100 0 100 100" loser=web2
else
	kept=web2 whose=bob other="0 100 100 100" loser=web1
fi
is "$(listed a | wc -l)" 2 "the other one is in the list"
like "$(api a GET "/api/v1/holds?target=$loser")" '"waiting":true.*"refused_by":"min_available"' \
	"as refused, by name of the guard"
like "$(api b GET "/api/v1/explain?target=web/$loser")" 'guard min_available refuses it' \
	"explained on the second"
is "$(metric 'ipvs_peer_refused_total{guard="min_available"}')" 1 "counted"
ok "and logged" logged "hold refused: .*realserver=$loser.*guard=min_available"
like "$(undrain b "$kept" "$whose")" ' 200$' "the first one is lifted"
both_settle "$other" "then the other one acts"

b_kill TERM
is "$(grep -m 5 -E 'ERROR: (Address|Leak)Sanitizer|runtime error:' "$RUN/b.log")" "" \
	"no sanitizer report of the second"
done_testing
