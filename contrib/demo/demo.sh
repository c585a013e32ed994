#!/bin/bash
# The demo, inside (contrib/demo/run starts it): a client, a director and three
# nginx realservers as network namespaces; steady traffic; one server dies and
# comes back. Every step waits for what it names, says the figures that it saw,
# and counts: the exit status says whether all of it happened.
# shellcheck disable=SC2317 # expect calls functions by name
# shellcheck source=../../tests/guest/lib.sh disable=SC1091
. "$(dirname "$0")/../../tests/guest/lib.sh"

here=$REPO/contrib/demo
home=/tmp/ipvs-agent-demo
began=$(now_ms)
missed=0
# In the demo there is no TAP: finished keeps the library silent at the end.
# shellcheck disable=SC2034 # read by the library
finished=yes

seconds() {
	printf '%d.%d' $(($1 / 1000)) $(($1 % 1000 / 100))
}

# say TEXT: what happens now, with the demo's clock. note: what was seen.
say() {
	printf '\n[%5s s] %s\n' "$(seconds $(($(now_ms) - began)))" "$*"
}

note() {
	printf '          %s\n' "$@"
}

# expect WHAT SECONDS COMMAND...: waits for it; says so if it does not come.
expect() {
	local what=$1 limit=$2
	shift 2
	if await "$limit" "$@"; then
		note "$what"
		return 0
	fi
	note "MISSING: $what"
	missed=$((missed + 1))
	return 1
}

give_up() {
	say "The demo cannot go on: $*"
	[ ! -e "$RUN/agent.log" ] || { note "the agent's log ends:" && tail -n 20 "$RUN/agent.log"; }
	exit 1
}

series='ipvs_service="web",realserver="web2"'

probe_says() { metric_is "ipvs_probe_up{$series}" "$1"; }
weight_is() { metric_is "ipvs_realserver_weight{$series}" "$1"; }

# The same from the kernel itself, in case the agent only thinks so.
kernel_weight_is() {
	in_director ipvsadm -Sn | grep -q -- "-r 10\.1\.0\.12:80 .*-w $1\$"
}

show_table() {
	in_director ipvsadm -Ln | sed 's/^/          | /'
}

show_series() {
	metrics | grep -E "^$1" | sed 's/^/          | /'
}

figure() { traffic_figure client "$1"; }

past() { [ "$(now_ms)" -gt "$1" ]; }

served_since() {
	[ $(($(figure ok) - $1)) -ge "$2" ]
}

served_by_since() {
	[ $(($(figure "$1") - $2)) -ge 1 ]
}

say "Building a network: a client, a director, three realservers (direct routing)."
topology route 3 || give_up "no network namespaces"
for i in 1 2 3; do
	rs_start $i || give_up "nginx does not start"
done
note "VIP $VIP on the director; web1 $(rs_ip 1), web2 $(rs_ip 2), web3 $(rs_ip 3) run nginx"

say "Starting ipvs-agent in the director on this configuration (contrib/demo/demo.ini):"
grep -vE '^(;|$)' "$here/demo.ini" | sed 's/^/          | /'
rm -rf "$home"
mkdir -p "$home/state"
cp "$here/demo.ini" "$RUN/agent.ini"
agent_run
await 15 agent_ready_or_gone
expect "the agent is ready" 1 agent_ready || give_up "the agent is not ready"
expect "the first probes say web2 is up" 10 probe_says 1
expect "the kernel has web2 with weight 100" 5 kernel_weight_is 100
show_table

# The kernel remembers a client's port for two minutes. Without this a client that
# uses a port again goes where it went before, even to a server that is out.
ns_set dir ipv4/vs/expire_nodest_conn=1

say "The client sends 20 new requests a second to the VIP and holds 6 connections open."
patience=$(scaled 1000)
# Few ports: each is used again within the demo, as busy clients do.
ns_set cl "ipv4/ip_local_port_range=40000 40299"
traffic_start client -r 20 -t "$patience" -l 6 -i 250 -w 1 -v "$VIP" 80
expect "all three servers answer" 10 served_by_since rs2 0
expect "60 requests are answered" 10 served_since 0 60
note "so far: $(figure requests) requests, $(figure failed) failed; web1 $(figure rs1), web2 $(figure rs2), web3 $(figure rs3)"

say "Killing web2's nginx."
watch_weight down "$(rs_ip 2)" 80 0
killed=$(now_ms)
rs_stop 2
expect "the probe says web2 is down: ipvs_probe_up 0" 10 probe_says 0
expect "the kernel has web2 with weight 0" 5 kernel_weight_is 0
expect "and its time was noted" 5 watched down >/dev/null
quiesced=$(($(watched down) - killed))
expect "the metrics say so: ipvs_realserver_weight 0" 5 weight_is 0
note "seconds from the kill to weight 0 in the kernel: $(seconds $quiesced)"
show_table
show_series "ipvs_(probe_up|realserver_weight|hold_since_timestamp_seconds)\{.*web"
say "Why? 'ipvs-agent explain web/web2' answers:"
if agent explain web/web2 >"$RUN/explain" 2>&1; then
	sed 's/^/          | /' "$RUN/explain"
else
	note "MISSING: an explanation" "$(cat "$RUN/explain")"
	missed=$((missed + 1))
fi

say "Traffic goes on with the two that are left."
# Requests that were on their way when the weight fell may still fail, until the
# client's patience is over; figures come once a second.
await 10 past $(($(watched down) + patience + 1500))
failed=$(figure failed)
ok=$(figure ok)
expect "100 more requests are answered" 20 served_since "$ok" 100
since=$(($(figure failed) - failed))
note "requests failed before web2 was out: $failed; since then: $since"
if [ "$since" != 0 ]; then
	note "MISSING: no failure after web2 was out; the client's last ones:"
	grep ' failed ' "$RUN/traffic.client" | tail -n "$((since + 3))" | sed 's/^/          | /'
	note "web2 was out at $(watched down) ms"
	missed=$((missed + 1))
fi
others=$(($(figure cut) - $(figure cut_rs2)))
note "established connections cut: to web2 $(figure cut_rs2), to the others $others"
[ "$others" = 0 ] || missed=$((missed + 1))

say "Starting web2's nginx again."
watch_weight up "$(rs_ip 2)" 80 100
back=$(now_ms)
before=$(figure rs2)
rs_start 2
expect "the probe says web2 is up: ipvs_probe_up 1" 10 probe_says 1
expect "the kernel has web2 with its weight of 100" 10 kernel_weight_is 100
expect "and its time was noted" 5 watched up >/dev/null
returned=$(($(watched up) - back))
expect "web2 serves again" 10 served_by_since rs2 "$before"
show_table

if [ -n "${KEEP:-}" ] && [ "${KEEP:-}" != 0 ]; then
	say "KEEP=1: everything stays up. This is a shell in the director; leave with exit."
	note "try: curl -s 127.0.0.1:10015/metrics | grep ^ipvs" \
		"     $AGENT -c $RUN/agent.ini status" \
		"     ip netns exec $NS-cl curl -s http://$VIP/" \
		"     ipvsadm -Ln"
	in_director bash -i
fi

traffic_stop client
agent_stop || { note "MISSING: a clean end of the agent" && missed=$((missed + 1)); }
say "Figures:"
note "requests sent $(figure requests), answered $(figure ok), failed $(figure failed)" \
	"answered by web1 $(figure rs1), web2 $(figure rs2), web3 $(figure rs3)" \
	"longest time without an answer: $(figure max_gap_ms) ms" \
	"seconds from the kill of web2 to its weight 0: $(seconds $quiesced)" \
	"seconds from its start to its full weight: $(seconds $returned)"
if [ $missed = 0 ]; then
	say "All of it happened."
	exit 0
fi
say "$missed of it did not happen."
note "the agent's log ends:"
tail -n 20 "$RUN/agent.log" | sed 's/^/          | /'
exit 1
