# shellcheck shell=bash
# Realservers that are judged by DNS (a real unbound, over UDP, and over TCP what is
# cut), by echo requests, by a program and by a file; each of these takes its server
# out, with its own reason, and gives it back. A host whose cable is cut is told as
# unreachable or silent; a program that is not there changes nothing.
#
# peers: unbound
# deadline: 120
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"

# name_server N: unbound on the host, with a record that is longer than a datagram.
name_server() {
	local dir=$RUN/rs$1 i

	mkdir -p "$dir"
	{
		cat <<-CONF
			server:
			  interface: $(rs_ip "$1")
			  access-control: 0.0.0.0/0 allow
			  do-daemonize: no
			  use-syslog: no
			  username: ""
			  chroot: ""
			  directory: "$dir"
			  pidfile: "$dir/pid"
			  module-config: "iterator"
			  local-zone: "test." static
			  local-data: "www.test. A 192.0.2.7"
			remote-control:
			  control-enable: no
		CONF
		for i in $(seq 60); do
			echo "server: local-data: 'long.test. TXT \"record $i of so many that they do not fit\"'"
		done
	} >"$dir/unbound.conf"
	ip netns exec "$NS-rs$1" unbound -d -c "$dir/unbound.conf" >"$dir/unbound.log" 2>&1 &
	echo $! >"$dir/pid.main"
	disown
}

verdict() {
	metric "ipvs_probe_up{ipvs_service=\"$1\",realserver=\"$2\",probe=\"$3\"}"
}

verdict_is() { [ "$(verdict "$1" "$2" "$3")" = "$4" ]; }

failed_by() {
	[ "$(metric "ipvs_probe_failures_total{ipvs_service=\"$1\",realserver=\"$2\",probe=\"$3\",reason=\"$4\"}")" != "" ]
}

weight_is() { [ "$(metric "ipvs_realserver_weight{ipvs_service=\"$1\",realserver=\"$2\"}")" = "$3" ]; }

explains() { agent explain "$1" | grep -F -- "$2" >/dev/null; }

topology masq 2 || exit
for i in 1 2; do name_server $i; done
mkdir -p "$RUN/say"
echo up >"$RUN/say/$(rs_ip 1)"
echo up >"$RUN/say/$(rs_ip 2)"
cat >"$RUN/check" <<-'SH'
	#!/bin/sh
	# The first argument is where what is wrong with it stands.
	[ -e "$1/bad.$IPVS_ADDRESS" ] || exit 0
	echo "CRITICAL - $IPVS_ADDRESS:$IPVS_PORT is bad"
	exit 2
SH
chmod 755 "$RUN" "$RUN/check"
agent_config <<-INI
	[defaults]
	scheduler = wrr
	forward = masq

	[service name]
	address = udp://$VIP:53
	probe = short long
	realserver = r1 $(rs_ip 1)
	realserver = r2 $(rs_ip 2)
	[service ping]
	address = udp://$VIP:54
	probe = ping
	realserver = r1 $(rs_ip 1)
	realserver = r2 $(rs_ip 2)
	[service exec]
	address = udp://$VIP:55
	probe = exec
	realserver = r1 $(rs_ip 1)
	realserver = r2 $(rs_ip 2)
	[service gone]
	address = udp://$VIP:57
	probe = none
	realserver = r1 $(rs_ip 1)
	[service file]
	address = udp://$VIP:56
	probe = file
	realserver = r1 $(rs_ip 1)
	realserver = r2 $(rs_ip 2)

	[probe short]
	url = dns://{address}:53/www.test?type=A
	expect_answer = 192.0.2.7
	interval = 1s
	timeout = 900ms
	[probe long]
	url = dns://{address}:53/long.test?type=TXT
	expect_answer = record 59 of so many that they do not fit
	interval = 1s
	timeout = 900ms
	[probe ping]
	url = icmp://{address}
	interval = 1s
	timeout = 900ms
	[probe exec]
	url = exec://$RUN/check
	arg = $RUN
	interval = 1s
	timeout = 900ms
	[probe none]
	url = exec:///nonexistent/check
	interval = 1s
	timeout = 900ms
	[probe file]
	url = file://$RUN/say/{address}
	interval = 1s
	timeout = 900ms
INI
ok "the agent starts" agent_start
for probe in "name r1 short" "name r2 short" "name r2 long" "ping r1 ping" "ping r2 ping" \
	"exec r2 exec" "file r2 file"; do
	# shellcheck disable=SC2086 # three words
	ok "up: $probe" await 20 verdict_is $probe 1
done
is "$(verdict gone r1 none)" "" "no verdict by a program that is not there"
ok "told as ours" await 10 failed_by gone r1 none local-config

kill -KILL "$(cat "$RUN/rs2/pid.main")"
ok "unbound is gone" await 20 weight_is name r2 0
ok "refused" failed_by name r2 short connect-refused
name_server 2
ok "unbound is back" await 20 weight_is name r2 100

: >"$RUN/bad.$(rs_ip 2)"
ok "the program says bad" await 20 weight_is exec r2 0
ok "by its reason" failed_by exec r2 exec exec-failed
ok "in the program's words" await 10 explains exec/r2 "CRITICAL - $(rs_ip 2)"
ok "in the log, too" agent_log 'msg="probe down".*realserver=r2.*text="exit status 2: CRITICAL'
rm "$RUN/bad.$(rs_ip 2)"
ok "the program says good" await 20 weight_is exec r2 100

echo down >"$RUN/say/$(rs_ip 2)"
ok "the file says down" await 20 weight_is file r2 0
ok "by its reason" failed_by file r2 file file-down
echo up >"$RUN/say/new" && mv "$RUN/say/new" "$RUN/say/$(rs_ip 2)"
ok "the file says up" await 20 weight_is file r2 100
rm "$RUN/say/$(rs_ip 2)"
ok "the file is gone: unknown" await 10 failed_by file r2 file local-config
is "$(verdict file r2 file)" 1 "which changes no verdict"

rs_cut 2
ok "a cut cable: no echo" await 30 verdict_is ping r2 ping 0
rs_join 2
ok "and echo again" await 30 verdict_is ping r2 ping 1

ok "the agent stops" agent_stop
done_testing
