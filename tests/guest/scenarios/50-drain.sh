# shellcheck shell=bash
# A deploy that nobody notices: under steady traffic, keep-alive and new connections, a
# server is drained (drain --wait), stopped, started, given back (undrain): not one request
# fails, by masq and by route, with and without persistence. Clients whom persistence binds
# come back to a drained server until expire_quiescent_template = 1 lets them go; the drain
# says so. rolling-deploy does the same to a pool of four, and is refused where too few
# would be left.
#
# peers: nginx ipvsadm
# deadline: 300
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"

topology masq 4 || exit
up() { rs_start "$1" 80 8080; }
for i in 1 2 3 4; do up $i || exit; done
for i in 11 12 13 14 15 16; do
	ip -n "$NS-cl" address add "10.9.0.$i/24" dev eth0
done

# Of the service. What changes its method gets another: a connection that the kernel keeps
# for a while goes on by the method that it began with.
PORT=8080

# config METHOD [LINE...]: more lines of the service.
config() {
	local method=$1
	shift
	cat <<-INI
		[agent]
		state_dir = $RUN/state
		reconcile_interval = 2s

		[service web]
		address = tcp://$VIP:$PORT
		forward = $method
		probe = port
		min_available = 3
		ramp = 4s
		flap_max = 0s
		realserver = web1 10.1.0.11
		realserver = web2 10.1.0.12
		realserver = web3 10.1.0.13
		realserver = web4 10.1.0.14
		$(printf '%s\n' "$@")

		[probe port]
		url = tcp://:80
		interval = 500ms
		timeout = 400ms
		fall = 2
	INI
}
weights() {
	in_director ipvsadm -Ln -t "$VIP:$PORT" | awk '$1 == "->" && $2 ~ /^10/ { print $2, $4 }' | sort |
		awk '{ printf "%s ", $2 }'
}
weights_are() { [ "$(weights)" = "$1" ]; }
all_serve() { weights_are "100 100 100 100 "; }
drain_is() {
	metric_is "ipvs_drain_state{ipvs_service=\"web\",realserver=\"$1\",state=\"$2\"}" 1
}
# serves_again NAME N BEFORE: that server has answered more than before.
serves_again() { [ "$(traffic_figure "$1" "rs$2")" -gt "$3" ]; }
# Slow machines: nobody may time out for want of processor.
PATIENCE=$((5000 + $(scaled 1000)))
LONG=$(($(scaled 30) + 30))s

# traffic NAME: new connections, and some that are kept for twenty questions.
traffic() {
	traffic_start "$1" -r 20 -t $PATIENCE -l 8 -i 100 -k 20 -w 1 -v "$VIP" "$PORT"
}

# deploy NAME: one server goes and comes back under traffic.
deploy() {
	local name=$1 before

	traffic "$name"
	ok "$name: traffic" await 15 traffic_has "$name" 40
	ok "$name: drain --wait says drained" agent drain web/web1 --wait --timeout $LONG --reason deploy
	is "$(weights)" "0 100 100 100 " "$name: its weight is 0, the others' as before"
	ok "$name: the server is stopped" rs_stop 1
	before=$(traffic_figure "$name" ok)
	ok "$name: traffic goes on" await 15 traffic_has "$name" $((before + 60))
	ok "$name: the server is started" up 1
	before=$(traffic_figure "$name" rs1)
	ok "$name: undrain" agent undrain web/web1
	ok "$name: it comes back in steps" await 20 comes_back
	ok "$name: and all serve" await 30 all_serve
	ok "$name: it too" await 20 serves_again "$name" 1 "$before"
	traffic_stop "$name"
	is "$(traffic_figure "$name" failed) $(traffic_figure "$name" cut)" "0 0" \
		"$name: not one request failed, not one connection was cut" ||
		diag "$(grep -v '^requests' "$RUN/traffic.$name" | head -n 5)"
}
# A weight between none and all.
comes_back() {
	local w

	w=$(weights)
	[ "${w%% *}" -gt 0 ]
}

ok "the agent starts" agent_start <<<"$(config masq)"
ok "all serve" await 15 all_serve
deploy masq
like "$(agent_log 'msg=drained')" 'realserver=web1 holder=' "the log told of it"
like "$(grep '"what":"drain"' "$RUN/state/journal")" '"state":"drained"' "and the journal"

PORT=80
for i in 1 2 3 4; do rs_method $i route; done
# The README's advice: a client's port that comes again is not an old connection.
ns_set dir ipv4/vs/expire_nodest_conn=1
ok "route: reload" agent_reload < <(config route)
deploy route

# ---- persistence -----------------------------------------------------------

# Each client is bound to one server; with expire_quiescent_template = 1 a drain sets them
# free with their next connection.
persistent_traffic() {
	local i

	for i in 11 12 13 14 15 16; do
		traffic_start "$1$i" -s 10.9.0.$i -r 4 -t $PATIENCE -l 1 -i 100 -k 20 -w 1 -v \
			"$VIP" "$PORT"
	done
}
# figure NAME KEY: of all the clients.
figure() {
	local i sum=0

	for i in 11 12 13 14 15 16; do
		sum=$((sum + $(traffic_figure "$1$i" "$2")))
	done
	echo $sum
}
stop_traffic() {
	local i

	for i in 11 12 13 14 15 16; do traffic_stop "$1$i"; done
}
has() { [ "$(figure "$1" ok)" -ge "$2" ]; }

for method in route masq; do
	[ $method = route ] || PORT=8080
	for i in 1 2 3 4; do rs_method $i $method; done
	ok "sticky $method: reload" agent_reload < <(config $method "persistence = 30s")
	ok "sticky $method: all serve" await 15 all_serve
	persistent_traffic $method
	ok "sticky $method: traffic" await 15 has $method 60
	victim=
	for i in 1 2 3 4; do
		[ "$(figure $method rs$i)" = 0 ] || victim=$i
	done
	ns_set dir ipv4/vs/expire_quiescent_template=0
	if [ $method = route ]; then
		agent drain web/web$victim --wait --timeout 6s --json >"$RUN/late.json"
		is $? 2 "sticky: bound clients come back, and it is late: exit 2"
		like "$(cat "$RUN/late.json")" '"state": "late"' "sticky: says the JSON"
		like "$(cat "$RUN/late.json")" 'sticky: clients come back for up to' \
			"sticky: and why"
	fi
	ns_set dir ipv4/vs/expire_quiescent_template=1
	ok "sticky $method: set free, it is drained" \
		agent drain web/web$victim --wait --timeout $LONG
	ok "sticky $method: the server is stopped" rs_stop "$victim"
	before=$(figure $method ok)
	ok "sticky $method: traffic goes on" await 15 has $method $((before + 60))
	ok "sticky $method: the server is started" up "$victim"
	ok "sticky $method: undrain" agent undrain web/web$victim
	ok "sticky $method: all serve" await 30 all_serve
	stop_traffic $method
	is "$(figure $method failed) $(figure $method cut)" "0 0" \
		"sticky $method: not one request failed" ||
		diag "$(grep -hv '^requests' "$RUN/traffic.$method"1? | head -n 5)"
done

# ---- the whole pool ---------------------------------------------------------

ok "pool: reload" agent_reload < <(config masq)
ok "pool: all serve" await 15 all_serve
# What a deploy does: another version of nginx, and a line about it.
cat >"$RUN/release" <<-SH
	#!/bin/bash
	set -e
	n=\${REALSERVER#web}
	kill -KILL "\$(cat "$RUN/rs\$n/pid.main")"
	echo "\$SERVICE \$REALSERVER \$ADDRESS" >>"$RUN/released"
	[ ! -e "$RUN/broken" ] || exit 7
	ip netns exec "$NS-rs\$n" nginx -e "$RUN/rs\$n/error.log" -p "$RUN/rs\$n" \\
		-c "$RUN/rs\$n/nginx.conf" >"$RUN/rs\$n/nginx.log" 2>&1 </dev/null &
	echo \$! >"$RUN/rs\$n/pid.main"
	disown
SH
roll() {
	in_director "$REPO/contrib/deploy/rolling-deploy" -t $LONG -u "${LONG%s}" \
		-a "$AGENT -c $RUN/agent.ini" web "bash $RUN/release"
}
traffic pool
ok "pool: traffic" await 15 traffic_has pool 40
ok "pool: rolling-deploy" roll
traffic_stop pool
is "$(cat "$RUN/released")" "$(for i in 1 2 3 4; do echo "web web$i 10.1.0.1$i"; done)" \
	"pool: one after the other, all four"
is "$(traffic_figure pool failed) $(traffic_figure pool cut)" "0 0" \
	"pool: not one request failed" ||
	diag "$(grep -v '^requests' "$RUN/traffic.pool" | head -n 5)"
ok "pool: all serve" await 15 all_serve

: >"$RUN/released"
ok "too few: somebody else drains one" agent drain web/web4 --holder bob
roll >"$RUN/refused" 2>&1
is $? 1 "too few: rolling-deploy is refused"
like "$(cat "$RUN/refused")" 'min_available' "too few: and names the guard"
is "$(cat "$RUN/released")" "" "too few: nothing was touched"
is "$(weights)" "100 100 100 0 " "too few: nothing has changed"
ok "too few: it is given back" agent undrain web/web4 --holder bob
ok "too few: all serve" await 30 all_serve

touch "$RUN/broken"
roll >"$RUN/failed" 2>&1
is $? 3 "broken: the command's failure ends it"
like "$(cat "$RUN/failed")" 'stopped at web/web1: the command failed \(7\): it stays drained' \
	"broken: it says how it stands"
like "$(cat "$RUN/failed")" 'done: none; not begun: web2 web3 web4' "broken: and what is left"
is "$(weights)" "0 100 100 100 " "broken: the others serve"

done_testing
