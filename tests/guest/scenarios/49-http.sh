# shellcheck shell=bash
# Hands over HTTP. Without credentials every write over TCP is refused and changes
# nothing; with a token a realserver drains and comes back, and who listens to events
# hears of it. A thousand idle connections, and a thousand slow senders, keep neither
# /metrics nor the probes; a body of 10 MB is refused before it is read.
#
# peers: nginx
# deadline: 120
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../rules.sh disable=SC1091
. "$(dirname "$0")/../rules.sh"

COUNT=2
TOKEN=0123456789abcdef0123
API=$AGENT_URL/api/v1

config() {
	web_ini 2 "scheduler = wrr"
	cat <<-INI
		[http]
		listen = 127.0.0.1:10015
		listen = unix:$RUN/agent.sock
		token_file = $RUN/token
	INI
	probe_ini port
}

# code METHOD PATH [CURL-OPTION...]: the status.
code() {
	local method=$1 path=$2
	shift 2
	in_director curl -s -m 30 -o "$RUN/answer" -w '%{http_code}' -X "$method" \
		-H "Content-Type: ${TYPE:-application/json}" "$@" "$API$path"
}
allowed() { code "$@" -H "Authorization: Bearer $TOKEN"; }

# field NAME: of the last answer.
field() {
	python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' \
		"$RUN/answer" "$1" 2>&1
}

heard() { grep -q -- "$1" "$RUN/events"; }

# flood SECONDS TEXT: a thousand connections, each from an address of its own, each
# with a part of a request, a byte of which follows now and then.
flood() {
	in_director python3 - "$@" <<-'PY' &
		import select, socket, sys, time
		end = time.monotonic() + float(sys.argv[1])
		text = sys.argv[2].encode().decode("unicode_escape").encode()
		socks = []
		for i in range(1000):
		    s = socket.socket()
		    s.bind(("127.0.%d.%d" % (1 + i // 250, 1 + i % 250), 0))
		    s.setblocking(False)
		    s.connect_ex(("127.0.0.1", 10015))
		    socks.append(s)
		print("flooding", flush=True)
		while time.monotonic() < end:
		    for s in socks:
		        try:
		            s.send(text[:1] or b"")
		        except OSError:
		            pass
		    text = text[1:]
		    time.sleep(0.1)
	PY
	FLOOD=$!
}

attempts() { metric 'ipvs_probe_attempts_total{realserver="web1"}'; }
attempted() { [ "$(attempts)" -ge "$1" ]; }

topology masq 2 || exit
for i in 1 2; do
	rs_start "$i" || exit
done
echo "$TOKEN" >"$RUN/token"
ok "the agent starts" agent_start < <(config)
ok "both are up" await 15 verdicts_are 1 1 2
settles "100 100" "both are in"

# --- who may ---------------------------------------------------------------

hold='{"target":"web/web1","weight":0,"reason":"deploy"}'
is "$(code POST /holds -d "$hold")" 401 "a hold without credentials: 401"
is "$(code DELETE '/holds?target=web/web1')" 401 "lifting: 401"
is "$(code DELETE /holds/o1-1)" 401 "lifting by id: 401"
is "$(code POST /freeze)" 401 "freeze: 401"
is "$(code DELETE /freeze)" 401 "thaw: 401"
is "$(code POST /alerts -d '{}')" 401 "alerts: 401"
is "$(code POST /holds -d "$hold" -H 'Authorization: Bearer wrong-wrong-wrong')" 401 "a wrong token: 401"
is "$(allowed POST /holds -d "$hold" -H 'Origin: http://evil.example')" 403 "from another site's page: 403"
is "$(TYPE=text/plain allowed POST /holds -d "$hold")" 415 "of another type: 415"
stays "100 100" "nothing of that changed anything"
is "$(holds)" 0 "and nothing is held"
ok "the refused ones are in the log" agent_log 'asked, and refused.*what="POST /api/v1/holds".*status=401'

# --- a drain, and who hears of it ------------------------------------------

in_director curl -sN -m "$(scaled 110)" "$API/events" >"$RUN/events" &
LISTENER=$!
ok "a listener is greeted" await 10 heard 'event: hello'
is "$(allowed POST /holds -d "$hold")" 201 "with the token: 201"
id=$(field id)
like "$id" '^[0-9a-z-]+$' "its hold has an id"
settles "0 100" "web1 has weight 0"
ok "the listener heard of it" await 10 heard '"what":"asked".*"realserver":"web1"'
ok "who asked is in the log" agent_log 'msg=asked who=token.*target=web/web1 outcome=ok status=201'
is "$(code GET '/holds?target=web/web1')" 200 "reading needs no credentials"
like "$(cat "$RUN/answer")" "\"id\":\"$id\"" "the hold is listed"
is "$(code GET '/journal?target=web/web1&what=asked')" 200 "the journal is read"
like "$(cat "$RUN/answer")" "\"id\":\"$id\"" "and has it"
is "$(allowed POST /holds -d '{"target":"web/web9","weight":0}')" 404 "no such target: 404"
is "$(allowed POST /holds -d '{"target":"web/web2","wait":0}')" 400 "an unknown member: 400"
is "$(allowed POST /holds -d '{"target":"web/web2","weight":0}')" 409 "the last one: 409"
like "$(cat "$RUN/answer")" '"guard":"min_available"' "which names its guard"
is "$(allowed DELETE "/holds/$id")" 200 "lifted by its id"
settles "100 100" "web1 is back"
ok "the listener heard of that too" await 10 heard '"what":"ended"'
is "$(code GET /config)" 200 "the configuration is shown"
like "$(cat "$RUN/answer")" '"type":"service","name":"web"' "with its sections"

# --- a thousand who do nothing, or do it slowly ----------------------------

for text in '' 'GET /metrics HTTP/1.1\r\nHost: localhost\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaa'; do
	what=$([ -n "$text" ] && echo "slow senders" || echo "idle connections")
	before=$(attempts)
	flood "$(scaled 8)" "$text" >"$RUN/flooding"
	await 20 grep -q flooding "$RUN/flooding"
	took=$(in_director curl -s -m 60 -o "$RUN/answer" -w '%{time_total}' "$AGENT_URL/metrics")
	ok "1,000 $what: /metrics answers" grep -q '^ipvs_up 1' "$RUN/answer"
	at_most "${took%.*}" "$(scaled 5)" "1,000 $what: in time ($took s)"
	ok "1,000 $what: probes go on" await 10 attempted $((before + 6))
	is "$(allowed POST /freeze)" 200 "1,000 $what: an operator is heard"
	is "$(allowed DELETE /freeze)" 200 "1,000 $what: twice"
	wait "$FLOOD"
done
is "$(metric ipvs_agent_frozen)" 0 "nothing is frozen"

# --- too much ----------------------------------------------------------------

head -c 10485760 /dev/zero >"$RUN/large"
is "$(allowed POST /alerts --data-binary "@$RUN/large")" 413 "a body of 10 MB: 413"
sent=$(in_director curl -s -m 30 -o /dev/null -w '%{size_upload}' -H "Authorization: Bearer $TOKEN" \
	-H 'Content-Type: application/json' -H 'Expect: 100-continue' \
	--data-binary "@$RUN/large" "$API/alerts")
is "$sent" 0 "who asks before he sends it sends nothing"
rm "$RUN/large"

ok "the listener is still there" kill -0 "$LISTENER"
ok "it has heard heartbeats" heard 'event: heartbeat'
ok "the agent stops" agent_stop
wait "$LISTENER"
is $? 0 "and ends the stream in order"
done_testing
