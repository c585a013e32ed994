# shellcheck shell=bash
# An agent that is started in one network namespace and manages another ([agent] netns): it
# writes, probes, and reads sysctls and totals there; it is reached where it was started, at
# a listener of a later reload too. No thread keeps the right to change namespaces. What is
# missing (the namespace, the capability) is told before anything is done.
#
# peers: nginx
# deadline: 120
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../rules.sh disable=SC1091
. "$(dirname "$0")/../rules.sh"

# shellcheck disable=SC2034 # read by rules.sh
COUNT=2

# Where the agent is started; the director is where it works.
in_home() { in_ns mg "$@"; }
agent_run() {
	ip netns exec "$NS-mg" "$AGENT" run -c "$RUN/agent.ini" >>"$RUN/agent.log" 2>&1 &
	AGENT_PID=$!
}
agent_ready() { "$LOOK" get "$NS-mg" $AGENT_PORT /-/ready >/dev/null 2>&1; }
metrics() { "$LOOK" get "$NS-mg" $AGENT_PORT /metrics; }

# config NETNS [LISTENER...]
config() {
	local netns=$1
	shift
	cat <<-INI
		[agent]
		state_dir = $RUN/state
		reconcile_interval = 1s
		netns = $netns
		[http]
		listen = 127.0.0.1:$AGENT_PORT
		listen = unix:$RUN/agent.sock
	INI
	[ $# = 0 ] || printf 'listen = %s\n' "$@"
	cat <<-INI
		[service web]
		address = tcp://$VIP:80
		scheduler = wrr
		forward = masq
		probe = port
		realserver = web1 $(rs_ip 1)
		realserver = web2 $(rs_ip 2)
	INI
	probe_ini port
}

# refusal COMMAND...: the exit status, and what is said.
refusal() {
	local status=0

	in_home "$@" -c "$RUN/agent.ini" 2>&1 || status=$?
	echo "exit $status"
}

# Bit 21 is CAP_SYS_ADMIN.
may_enter() {
	awk '/^Cap(Prm|Eff|Amb):/ { print substr($2, length($2) - 5, 1) }' /proc/"$AGENT_PID"/task/*/status |
		grep -c '[2367abefABEF]'
}

modprobe -q ip_vs
topology masq $COUNT || exit
ns_add mg || exit
for ((i = 1; i <= COUNT; i++)); do
	rs_start $i || exit
done
ok "the director has a sysctl of its own" ns_set dir ipv4/vs/expire_nodest_conn=1

agent_config < <(config "$NS-nowhere")
refused=$(refusal "$AGENT" run)
like "$refused" "network namespace '$NS-nowhere' cannot be opened: /run/netns/$NS-nowhere: No such file.*ip netns add" \
	"a namespace that is not there is told"
like "$refused" "exit 1"$ "and is no start"
agent_config < <(config "$RUN/agent.ini")
like "$(refusal "$AGENT" run)" "it is no network namespace.*exit 1"$ "nor is a file that is none"
agent_config < <(config "$NS-dir")
like "$(refusal setpriv --bounding-set -sys_admin "$AGENT" run)" \
	"needs CAP_SYS_ADMIN.*RestrictNamespaces=net.*exit 1"$ "nor the lack of the capability"
like "$(refusal setpriv --bounding-set -sys_admin "$AGENT" plan)" \
	"needs CAP_SYS_ADMIN.*exit 1"$ "which 'plan' needs, too"
is "$(weights)" "- -" "and nothing was done"

planned=$(refusal "$AGENT" plan)
like "$planned" "\+ web.*exit 2"$ "plan reads the director's table, which lacks all"
ok "the agent starts" agent_start
settles "100 100" "it writes the director's table"
like "$(refusal "$AGENT" plan)" "exit 0"$ "plan sees it there"
ok "its probes reach what only the director reaches" await 10 verdicts_are 1 1 2
is "$(in_home grep -c '^TCP' /proc/net/ip_vs)" 0 "it writes nothing where it was started"
is "$(metric 'ipvs_sysctl{name="expire_nodest_conn"}')" 1 "sysctls are the director's"
is "$(in_home cat /proc/sys/net/ipv4/vs/expire_nodest_conn)" 0 "(and are others at home)"
is "$(may_enter)" 0 "no thread keeps CAP_SYS_ADMIN"
not_ok "nobody listens in the director" "$LOOK" get "$NS-dir" $AGENT_PORT /-/ready

# shellcheck disable=SC2016 # expands inside
is "$(in_client bash -c 'for i in 1 2; do curl -s -m 20 "$1"; done' sh "http://$VIP/" |
	sort | tr '\n' ' ')" "rs1 rs2 " "clients are served"
ok "their connections are in the totals of /proc/net" await 10 metric_is ipvs_connections_total 2
rs_stop 2
settles "100 0" "who dies is quiesced"

ok "a reload adds a listener" agent_reload < <(config "$NS-dir" 127.0.0.1:10016)
ok "it is where the agent was started" "$LOOK" get "$NS-mg" 10016 /-/ready
not_ok "not in the director" "$LOOK" get "$NS-dir" 10016 /-/ready
ok "another namespace is read from the file" agent_reload < <(config "$NS-cl")
ok "and needs a restart" logged 'msg="some changes need a restart".*netns'
stays "100 0" "until then it manages this one"
is "$(in_client grep -c '^TCP' /proc/net/ip_vs)" 0 "and not that one"

done_testing
