# shellcheck shell=bash
# Routes: BIRD with the file of contrib announces by BGP what the agent puts on a dummy, to a
# BIRD that stands for the router of the rack. The pool dies: the route is withdrawn, for both
# families; it comes back: so does the route, and who asks at the address is served.
#
# peers: nginx bird2
# deadline: 150
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../rules.sh disable=SC1091
. "$(dirname "$0")/../rules.sh"

# shellcheck disable=SC2034 # read by rules.sh
COUNT=1
ANY=192.0.2.15 ANY6=2001:db8::15

config() {
	printf '[agent]\nstate_dir = %s/state\nreconcile_interval = 1s\n' "$RUN"
	printf '[service web]\naddress = tcp://%s:80\nforward = masq\nprobe = port\n' $ANY
	printf 'realserver = web1 %s\n' "$(rs_ip 1)"
	printf '[service web6]\naddress = tcp://[%s]:80\nforward = masq\nprobe = port\n' $ANY6
	printf 'realserver = web1 %s\n' "$(rs_ip6 1)"
	probe_ini port
	# As the file of contrib has it.
	sed -n 's/^#   //p' "$REPO/contrib/bird/bird.conf"
	printf 'withdraw_after = 100ms\nreturn_after = 500ms\n'
}

# The example, with the addresses of this network.
director_bird() {
	sed 's/10\.1\.0\.254/10.9.0.2/; s/2001:db8:1::fe/fd09::2/; s/10\.1\.0\.1/10.9.0.1/' \
		"$REPO/contrib/bird/bird.conf"
}

rack_bird() {
	cat <<-'BIRD'
		router id 10.9.0.2;
		protocol device { }
		protocol kernel { ipv4 { import none; export all; }; }
		protocol kernel { ipv6 { import none; export all; }; }
		template bgp director {
			local as 65000;
			connect delay time 1;
			connect retry time 1;
			error wait time 1, 2;
		}
		protocol bgp four from director {
			neighbor 10.9.0.1 as 65010;
			ipv4 { import all; export none; };
		}
		protocol bgp six from director {
			neighbor fd09::1 as 65010;
			ipv6 { import all; export none; };
		}
	BIRD
}

bird_start() {
	in_ns "$1" bird -f -c "$RUN/bird.$1" -s "$RUN/bird.$1.ctl" -P "$RUN/bird.$1.pid" \
		>"$RUN/bird.$1.log" 2>&1 &
	BIRDS+=($!)
}

route() { ip -n "$NS-cl" route show $ANY | grep -q 'via 10.9.0.1 .*proto bird'; }
route6() { ip -n "$NS-cl" -6 route show $ANY6 | grep -q 'via .*proto bird'; }
both() { route && route6; }
neither() { ! route && ! route6; }
asked() { in_client curl -s -m 5 "http://$1/"; }
answers() { [ "$(asked "$1")" = rs1 ]; }

topology masq 1 || exit
rs_start 1 || exit
agent_config < <(config)
ok "the agent starts" agent_start
BIRDS=()
director_bird >"$RUN/bird.dir"
rack_bird >"$RUN/bird.cl"
ok "BIRD takes the file of contrib" in_director bird -p -c "$RUN/bird.dir"
bird_start dir
bird_start cl
ok "both addresses are announced" await 40 both || {
	diag "$(cat "$RUN"/bird.*.log)"
	diag "$(in_client birdc -s "$RUN/bird.cl.ctl" show protocols all)"
}
diag "$(ip -n "$NS-cl" route show $ANY)" "$(ip -n "$NS-cl" -6 route show $ANY6)"
ok "who asks there is served" await 10 answers $ANY
ok "by IPv6, too" await 10 answers "[$ANY6]"
is "$(ip -n "$NS-cl" route | grep -c 'proto bird')" 1 "nothing else of the director is"

died=${EPOCHREALTIME/./}
rs_stop 1
ok "the pool dies: the routes are withdrawn" await 20 neither
diag "withdrawn after $(((${EPOCHREALTIME/./} - died) / 1000)) ms"
not_ok "nobody is sent there" ip -n "$NS-cl" route get $ANY
like "$(agent role)" "no service on it can serve" "role says why"

rs_start 1 || exit
ok "it comes back: they are announced again" await 30 both
ok "and it serves" await 10 answers $ANY

agent_kill9
ok "without an agent they stay" both
kill "${BIRDS[@]}"
wait "${BIRDS[@]}"

done_testing
