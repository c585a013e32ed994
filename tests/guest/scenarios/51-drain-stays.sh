# shellcheck shell=bash
# A drain stays a drain. Lasting connections keep it under way: it stalls, and says so,
# while the server goes on serving them; it survives a reload, a restart, kill -9, and a
# reload which gives the realserver, or its service, another name. The holds of two
# operators on one server never lift each other. In the end the connections go, and it is
# drained.
#
# peers: nginx ipvsadm
# deadline: 420
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"

topology masq 3 || exit
for i in 1 2 3; do rs_start $i || exit; done

# config [SERVICE [NAME]]: names of the service and of its first realserver.
config() {
	cat <<-INI
		[agent]
		state_dir = $RUN/state
		reconcile_interval = 2s

		[service ${1:-web}]
		address = tcp://$VIP:80
		forward = masq
		probe = port
		drain_timeout = 10m
		realserver = ${2:-web1} 10.1.0.11
		realserver = web2 10.1.0.12
		realserver = web3 10.1.0.13

		[probe port]
		url = tcp://:80
		interval = 500ms
		timeout = 400ms
		fall = 2
	INI
}
weights() {
	in_director ipvsadm -Ln | awk '$1 == "->" && $2 ~ /^10/ { print $2, $4 }' | sort |
		awk '{ printf "%s ", $2 }'
}
weights_are() { [ "$(weights)" = "$1" ]; }
holds() { agent holds --json; }
# drain_state SERVICE REALSERVER HOLDER STATE: so say the metrics.
drain_state() {
	metric_is "ipvs_drain_state{ipvs_service=\"$1\",realserver=\"$2\",holder=\"$3\",state=\"$4\"}" 1
}
active() { in_director ipvsadm -Ln | awk '$2 == "10.1.0.11:80" { print $5 }'; }
# is_counted SERVICE REALSERVER: a drain looks at its connections a moment after it began.
is_counted() {
	metric_is "ipvs_drain_active_connections{ipvs_service=\"$1\",realserver=\"$2\",holder=\"alice\"}" \
		"$(active)"
}
# stays NAME SERVICE REALSERVER: as it was before, whatever has happened.
stays() {
	ok "$1: it is under way" await 15 is_under_way "$2" "$3"
	is "$(weights)" "0 100 100 " "$1: at weight 0"
	is "$(traffic_figure lasting cut)" 0 "$1: and serves whom it has"
	ok "$1: its connections are counted" await 15 is_counted "$2" "$3"
}
is_under_way() { drain_state "$1" "$2" alice draining || drain_state "$1" "$2" alice stalled; }

ok "the agent starts" agent_start <<<"$(config)"
ok "all serve" await 15 weights_are "100 100 100 "
traffic_start lasting -r 10 -t 5000 -l 6 -i 200 -w 1 -v "$VIP" 80
ok "traffic" await 15 traffic_has lasting 10
ok "alice drains" agent drain web/web1 --holder alice --reason deploy
stays "drain" web web1
ok "it stalls" await 60 drain_state web web1 alice stalled
like "$(agent explain web/web1)" 'drain of operator alice is stalled: [0-9]+ active connections?, not one fewer for' \
	"stalled: explain says why"
like "$(agent_log 'msg="drain stalled')" 'realserver=web1' "stalled: the log too"

ok "reload" agent_reload
stays "reload" web web1
ok "restart: it stops" agent_stop
ok "restart: it starts" agent_start
stays "restart" web web1
agent_kill9
ok "kill -9: it starts" agent_start
stays "kill -9" web web1

ok "bob drains it too" agent drain web/web1 --holder bob
ok "two: both are under way" await 15 drain_state web web1 bob draining
ok "two: alice gives it back" agent undrain web/web1 --holder alice
is "$(weights)" "0 100 100 " "two: it is still bob's"
not_ok "two: alice's is gone" drain_state web web1 alice stalled
ok "two: alice drains again" agent drain web/web1 --holder alice
ok "two: bob gives it back" agent undrain web/web1 --holder bob
is "$(weights)" "0 100 100 " "two: it is still alice's"

since=$(holds | grep '"since"')
ok "another name: reload" agent_reload < <(config web app1)
stays "another name" web app1
is "$(holds | grep '"since"')" "$since" "another name: it is the same hold"
ok "another service: reload" agent_reload < <(config shop app1)
stays "another service" shop app1
agent_kill9
ok "another service: it starts again" agent_start
stays "another service, restart" shop app1
is "$(holds | grep '"since"')" "$since" "another service: the same hold after a restart"

traffic_stop lasting
is "$(traffic_figure lasting failed) $(traffic_figure lasting cut)" "0 0" "no request failed"
ok "its connections go: it is drained" await 30 drain_state shop app1 alice drained
ok "it is given back" agent undrain shop/app1 --holder alice
ok "all serve" await 15 weights_are "100 100 100 "

done_testing
