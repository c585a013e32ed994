# shellcheck shell=bash
# Traffic that is not TCP over IPv4: an IPv6 service (masq) whose pool has IPv4
# addresses too, and a UDP service whose health is asked over TCP on another port.
# Both forward to every realserver, both lose one that dies (the UDP one by its
# TCP neighbour alone: the UDP server itself is still there), and have it back.
#
# peers: nginx socat
# deadline: 60
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"

# Answers each datagram with its name.
udp_start() {
	ip netns exec "$NS-rs$1" socat -T 5 UDP4-RECVFROM:5353,fork SYSTEM:"echo rs$1" \
		>"$RUN/socat.$1" 2>&1 &
	disown
}

# udp_ask: one question from a port of its own, and who answered.
udp_ask() {
	# A datagram must be read at once, and bash reads byte by byte.
	# shellcheck disable=SC2016 # expands inside
	in_client bash -c 'exec 3<>"/dev/udp/$1/53"; echo who >&3; timeout 10 head -n 1 <&3' sh "$VIP"
}

udp_round() {
	local i

	for ((i = 0; i < $1; i++)); do udp_ask; done | sort -u | tr '\n' ' '
}

page_round() {
	# shellcheck disable=SC2016 # expands inside
	in_client bash -c 'for i in 1 2 3 4; do curl -s -m 5 "$1"; done' sh "$1" |
		sort -u | tr '\n' ' '
}

# weights PREFIX: of the kernel's realservers whose address looks like that.
weights() {
	in_director cat /proc/net/ip_vs | awk -v p="$1" \
		'$1 == "->" && $2 ~ /:[0-9A-F]+$/ && (!p || index($2, p) == 1) { print $2, $4 }' |
		LC_ALL=C sort | awk '{ printf "%s ", $2 }'
}

weights_are() { [ "$(weights "$1")" = "$2" ]; }

topology masq 2 || exit
for i in 1 2; do
	rs_start $i || exit
	udp_start $i
done
agent_config <<-INI
	[service web]
	address = tcp://$VIP:80
	address = tcp://[$VIP6]:80
	scheduler = rr
	forward = masq
	probe = health
	realserver = web1 $(rs_ip 1) $(rs_ip6 1)
	realserver = web2 $(rs_ip 2) $(rs_ip6 2)

	[service dns]
	address = udp://$VIP:53
	scheduler = rr
	forward = masq
	probe = neighbour
	realserver = dns1 $(rs_ip 1):5353
	realserver = dns2 $(rs_ip 2):5353

	[probe health]
	url = http://www.example.net/healthz
	interval = 500ms
	timeout = 450ms
	rise = 2
	fall = 2

	[probe neighbour]
	url = tcp://:80
	interval = 500ms
	timeout = 450ms
	rise = 2
	fall = 2
INI
ok "the agent starts" agent_start
ok "all are in" await 15 weights_are "" "100 100 100 100 100 100 "
is "$(page_round "http://[$VIP6]/")" "rs1 rs2 " "IPv6: both answer"
is "$(page_round "http://$VIP/")" "rs1 rs2 " "IPv4: both answer"
is "$(udp_round 4)" "rs1 rs2 " "UDP: both answer"

# What the kernel counted shows in the metrics, by family.
ok "connections are counted, IPv6" await 5 metric_is \
	"ipvs_service_connections_total{ipvs_service=\"web\",address=\"tcp://[$VIP6]:80\"}" 4
ok "connections are counted, UDP" await 5 metric_is \
	"ipvs_service_connections_total{ipvs_service=\"dns\"}" 4
is "$(metric 'ipvs_probe_up{ipvs_service="web"}' | wc -l)" "$(metric \
	'ipvs_probe_attempts_total{ipvs_service="web"}' | wc -l)" "a verdict a probed address"

traffic_start six -r 10 -t "$(scaled 1000)" -l 4 -i 250 -w 1 -v "$VIP6" 80
ok "IPv6 traffic flows" await 10 traffic_has six 20
rs_stop 2
ok "web2 and dns2 are quiesced" await 15 weights_are "" "100 100 0 0 100 0 "
ok "their address by IPv6 too" weights_are "[" "100 0 "
is "$(udp_round 3)" "rs1 " "UDP: only the healthy one answers"
is "$(page_round "http://[$VIP6]/")" "rs1 " "IPv6: only the healthy one answers"
is "$(($(traffic_figure six cut) - $(traffic_figure six cut_rs2)))" 0 \
	"IPv6: no connection to the other was cut"
like "$(agent explain dns/dns2)" 'neighbour connection refused' "explain names the TCP neighbour"
rs_start 2 || exit
ok "both are back" await 15 weights_are "" "100 100 100 100 100 100 "
is "$(udp_round 4)" "rs1 rs2 " "UDP: both answer again"
traffic_stop six
diag "$(tail -n 1 "$RUN/traffic.six")"

done_testing
