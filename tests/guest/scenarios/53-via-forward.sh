# shellcheck shell=bash
# Probes by the director's own forwarding. Realservers behind route, tunnel and masq are
# asked through the VIP, each by a private service of its own. One that loses the VIP is
# down for them, while a probe of its own address, and keepalived's TCP_CHECK beside it,
# find it well; its neighbour stays up. What the director lacks is unknown and named. The
# private services show nowhere, are put right when somebody meddles, are pruned after a
# kill -9 by a configuration without them, and gone after a clean stop.
#
# peers: keepalived nginx ipvsadm socat
# deadline: 90
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"

# keepalived's own service, of the same hosts: its checker asks port 80 and 81.
real_server() {
	cat <<-CONF
		real_server $1 8080 {
			weight 100
			inhibit_on_failure
			TCP_CHECK {
				connect_port $2
				connect_timeout 1
				retry 0
				delay_before_retry 0
			}
		}
	CONF
}

keepalived_start() {
	cat >"$RUN/keepalived.conf" <<-CONF
		global_defs {
			router_id test
			vrrp_skip_check_adv_addr
		}
		virtual_server $VIP 8080 {
			delay_loop 1
			lb_algo wrr
			lb_kind DR
			protocol TCP
			$(real_server "$(rs_ip 1)" 80)
			$(real_server "$(rs_ip 2)" 81)
		}
	CONF
	ip netns exec "$NS-dir" keepalived -n -l -D -C -f "$RUN/keepalived.conf" \
		-p "$RUN/keepalived.pid" -c "$RUN/checkers.pid" >"$RUN/keepalived.log" 2>&1 &
	disown
}

# The weight that keepalived gives a realserver.
checked() {
	in_director ipvsadm -Ln | awk -v rs="$(rs_ip "$1"):8080" '$2 == rs { print $4 }'
}

checked_is() { [ "$(checked "$1")" = "$2" ]; }

# up SERVICE REALSERVER PROBE VALUE
up() {
	metric_is "ipvs_probe_up{ipvs_service=\"$1\",realserver=\"$2\",probe=\"$3\"}" "$4"
}

unknown() {
	metric_is "ipvs_probe_unknown{ipvs_service=\"$1\",realserver=\"$2\",probe=\"through\"}" "$3"
}

lanes() { in_director ipvsadm -Ln | grep -c '^FWM'; }
lanes_are() { [ "$(lanes)" = "$1" ]; }

lane_of() {
	in_director ipvsadm -Sn | awk -v rs="$1" '$1 == "-a" && $2 == "-f" && $5 ~ "^" rs ":" { print $3 }'
}

services() {
	cat <<-INI
		[service dr]
		address = tcp://$VIP:80
		forward = route
		probe = $1
		realserver = dr1 $(rs_ip 1)
		realserver = dr4 $(rs_ip 4)

		[service six]
		address = tcp://[$VIP6]:80
		forward = route
		probe = $1
		realserver = six4 $(rs_ip6 4)

		[service tun]
		address = tcp://$VIP:81
		forward = tunnel
		probe = $1
		realserver = tun2 $(rs_ip 2)

		[service nat]
		address = tcp://$VIP:82
		forward = masq
		probe = $1
		realserver = nat3 $(rs_ip 3):8082

		[probe plain]
		url = tcp://
		interval = 1s
		timeout = 800ms
		fall = 2
	INI
}

# Answers each datagram to the VIP with its name.
udp_start() {
	ip netns exec "$NS-rs$1" socat -T 5 "UDP4-RECVFROM:53,bind=$VIP,fork" SYSTEM:"echo rs$1" \
		>"$RUN/socat.$1" 2>&1 &
	disown
}

# Who answers a datagram says his name: nobody else may have been asked.
named() {
	cat <<-INI

		[probe name$1]
		url = udp://
		send = who\n
		expect = rs$1
		silence = failed
		via = forward
		interval = 1s
		timeout = 800ms
		fall = 2
	INI
}

through() {
	services "plain through"
	named 1
	named 4
	cat <<-INI

		[service udp]
		address = udp://$VIP:53
		forward = route
		realserver = udp1 $(rs_ip 1) probe=name1
		realserver = udp4 $(rs_ip 4) probe=name4

		[probe through]
		url = http://www.example.net/
		via = forward
		interval = 1s
		timeout = 800ms
		fall = 2
	INI
}

topology route 1 && rs_add 2 tunnel && rs_add 3 masq && rs_add 4 route || exit
rs_start 1 80 && rs_start 2 81 && rs_start 3 8082 && rs_start 4 80 || exit
udp_start 1
udp_start 4
keepalived_start

# As a machine comes: answers with an address of its own are dropped.
ns_set dir ipv4/conf/all/accept_local=0 ipv4/conf/eth1/accept_local=0 \
	ipv4/conf/eth1/rp_filter=1
through | agent_config
ok "the agent starts" agent_start
ok "masq needs nothing: up" await 10 up nat nat3 through 1
ok "IPv6 as well" await 10 up six six4 through 1
ok "route: unknown, for the kernel drops the answers" await 10 unknown dr dr1 1
ok "tunnel: as well" await 10 unknown tun tun2 1
ok "while the plain probe finds it up" await 10 up dr dr1 plain 1
like "$(agent_log 'drops the answers' | head -n 1)" \
	'net.ipv4.conf.eth1.accept_local=1 net.ipv4.conf.eth1.rp_filter=2' \
	"the sysctls are named"
like "$(agent plan 2>&1 >/dev/null)" 'eth1.accept_local=1 net.ipv4.conf.eth1.rp_filter=2' \
	"by plan too"
ns_set dir ipv4/conf/eth1/accept_local=1 ipv4/conf/eth1/rp_filter=2
for what in "dr dr1" "dr dr4" "tun tun2"; do
	# shellcheck disable=SC2086 # two words
	ok "${what#* } is up through the VIP" await 10 up $what through 1
done
for i in 1 4; do
	ok "a datagram through the VIP for rs$i is answered by it" await 10 \
		up udp udp$i name$i 1
done

# Private.
is "$(lanes)" 5 "a private service for each of the five"
is "$(metrics | grep -c fwmark)" 0 "none of them is in the metrics"
is "$(agent status --json | grep -c fwmark)" 0 "nor in the status"
like "$(agent plan)" '^nothing to change' "nor in the plan"

# The VIP goes, the host answers.
ok "keepalived finds rs1 well" await 10 checked_is 1 100
ip -n "$NS-rs1" address delete "$VIP/32" dev lo
ip -n "$NS-rs2" address delete "$VIP/32" dev lo
ok "route: without the VIP dr1 is down through it" await 15 up dr dr1 through 0
ok "tunnel: tun2 as well" await 15 up tun tun2 through 0
ok "a probe of dr1's own address finds it up" up dr dr1 plain 1
ok "and of tun2's" up tun tun2 plain 1
is "$(checked 1) $(checked 2)" "100 100" "keepalived keeps both in service"
ok "dr4 has its VIP and is up" up dr dr4 through 1
ok "nor does rs1 answer datagrams" await 15 up udp udp1 name1 0
ok "which rs4 does" up udp udp4 name4 1
ok "the agent took dr1 out" await 10 metric_is \
	'ipvs_realserver_weight{ipvs_service="dr",realserver="dr1"}' 0
ip -n "$NS-rs1" address add "$VIP/32" dev lo
ip -n "$NS-rs2" address add "$VIP/32" dev lo
ok "the VIP is back: dr1 is up" await 15 up dr dr1 through 1
ok "tun2 is up" await 15 up tun tun2 through 1
rs_stop 3
ok "masq: the server is gone, down" await 15 up nat nat3 through 0

# Somebody meddles; a crash.
mark=$(lane_of "$(rs_ip 1)")
ok "somebody deletes a private service" in_director ipvsadm -D -f "$mark"
ok "it is put back" await 15 lanes_are 5
is "$(lane_of "$(rs_ip 1)")" "$mark" "with its mark"
agent_kill9
is "$(lanes)" 5 "after a kill -9 they are there"
ok "the agent starts again" agent_start
ok "dr1 is up through the VIP" await 10 up dr dr1 through 1
is "$(lanes) $(lane_of "$(rs_ip 1)")" "5 $mark" "by the same mark"
agent_kill9
rm -rf "$RUN/state"
ok "the agent starts without its ledger, and without such probes" agent_start < <(services plain)
ok "what was left is pruned" await 15 lanes_are 0
ok "it is told to use them again" agent_reload < <(through)
ok "they are there again" await 15 lanes_are 5
ok "the agent stops" agent_stop
is "$(lanes)" 0 "none is left, the services are"
is "$(in_director ipvsadm -Ln | grep -c '^TCP')" 5 "with keepalived's"

done_testing
