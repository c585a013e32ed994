# shellcheck shell=bash
# An incident, recorded: a server dies, comes back and flaps; an operator drains one with
# ipvsadm; a rule that looks at the kernel's figures halves the busy ones; kill -9, and
# one dies meanwhile; another is refused by min_available. Replayed with the same
# configuration the journal gives every decision again, byte for byte; with another one
# the difference shows.
#
# peers: nginx ipvsadm
# deadline: 300
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"

topology masq 4 || exit
for i in 1 2 3 4; do rs_start $i || exit; done

# config MIN_AVAILABLE
config() {
	cat <<-INI
		[agent]
		state_dir = $RUN/state
		reconcile_interval = 1s
		sample_interval = 1s

		[http]
		listen = 127.0.0.1:10015
		listen = unix:$RUN/agent.sock

		[service web]
		address = tcp://$VIP:80
		scheduler = wlc
		forward = masq
		probe = health
		min_available = $1
		flap_max = 4s
		ramp = 3s
		realserver = web1 10.1.0.11
		realserver = web2 10.1.0.12
		realserver = web3 10.1.0.13
		realserver = web4 10.1.0.14

		[probe health]
		url = http://www.example.net/healthz
		interval = 500ms
		timeout = 400ms
		rise = 2
		fall = 2

		[rule busy]
		expr = rate(connections_total[6s]) > 1.5 and avg_over_time(probe_duration_seconds[4s]) < 10
		for = 2s
		keep_firing_for = 1s
		action = reweight 50%
	INI
}
held() { metric "ipvs_hold_since_timestamp_seconds{realserver=\"web$1\",class=\"$2\"}"; }
is_held() { [ -n "$(held "$1" "$2")" ]; }
not_held() { metric ipvs_agent_drift_total >/dev/null && ! is_held "$1" "$2"; }
weight_is() { metric_is "ipvs_realserver_weight{realserver=\"web$1\"}" "$2"; }
up() { metric_is "ipvs_probe_up{realserver=\"web$1\"}" "$2"; }
lines() { grep -c "\"what\":\"$1\"" "$RUN/state/journal"; }
has_line() { grep -q "\"what\":\"$1\",.*$2" "$RUN/state/journal"; }

ok "the agent starts" agent_start <<<"$(config 50%)"
for i in 1 2 3 4; do ok "web$i serves" await 20 weight_is $i 100; done

ok "web1 dies" rs_stop 1
ok "and is held" await 15 is_held 1 rule
ok "it is back" rs_start 1
ok "and serves after its ramp" await 30 weight_is 1 100
ok "it dies again" rs_stop 1
ok "and is held again" await 15 is_held 1 rule
ok "it is back" rs_start 1
ok "this time it waits" await 15 has_line refused '"guard":"flapping"'
ok "and serves later" await 30 weight_is 1 100

traffic_start load -r 40 -t "$(scaled 1000)" "$VIP" 80
ok "the busy ones are halved" await 40 has_line hold '"holder":"busy"'
traffic_stop load
ok "and get their weight back" await 40 has_line release '"holder":"busy"'

ok "an operator drains web2" in_director ipvsadm -e -t "$VIP:80" -r 10.1.0.12:80 -m -w 0
ok "that is his hold" await 15 is_held 2 operator
# The file has it within a second.
ok "which is recorded" await 10 has_line asked '"realserver":"web2"'
agent_kill9
ok "web3 dies while the agent is gone" rs_stop 3
ok "kill -9, and a start" agent_start
ok "web3 is held" await 20 is_held 3 rule
ok "web2 still is" is_held 2 operator
ok "web4 dies too" rs_stop 4
ok "min_available refuses" await 20 has_line refused '"guard":"min_available"'
ok "web3 comes back" rs_start 3
ok "and is let go" await 20 not_held 3 rule
ok "web2 is given back by hand" in_director ipvsadm -e -t "$VIP:80" -r 10.1.0.12:80 -m -w 100
ok "and the hold ends" await 15 not_held 2 operator
ok "web4 is held now" await 20 is_held 4 rule
ok "a reload of the same file" agent_reload
ok "web4 comes back" rs_start 4
ok "and is let go" await 30 not_held 4 rule
ok "the agent stops" agent_stop

cp "$RUN/agent.ini" "$RUN/same.ini"
config 1 >"$RUN/other.ini"
is "$(lines start)" 2 "the journal has two starts"
told=$(in_director "$AGENT" replay -c "$RUN/same.ini" "$RUN/state/journal")
is $? 0 "replayed with the same file: exit 0"
like "$told" 'holds it: 0%' "it tells the holds"
like "$told" '[1-9][0-9]* recorded, [1-9][0-9]* replayed, [1-9][0-9]* equal, 0 differ' \
	"every decision is the same, byte for byte"
diag "$(tail -n 5 <<<"$told")"
for name in panic rule hold release refused weight; do
	[ "$name" = panic ] || ok "there were $name lines among them" [ "$(lines $name)" -ge 1 ]
done

told=$(in_director "$AGENT" replay -c "$RUN/other.ini" "$RUN/state/journal")
is $? 2 "replayed with min_available = 1: exit 2"
like "$told" '- [0-9T:.Z-]+ +web/web4 +.."what":"refused"' "the refusal is gone"
like "$told" '\+ [0-9T:.Z-]+ +web/web4 +.."what":"hold"' "a hold stands in its place"
like "$(in_director "$AGENT" replay --json -c "$RUN/other.ini" "$RUN/state/journal")" \
	'"side":"replayed".*"what":"hold"' "the same as JSON"

done_testing
