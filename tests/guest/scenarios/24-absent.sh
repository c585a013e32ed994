# shellcheck shell=bash
# What the agent needs may be missing, and it goes on with what there is. Without ip_vs
# it says so and takes up its work when the module comes; without CAP_NET_ADMIN it
# shows what /proc says; with a full disk below its ledger, rules' holds still take
# effect, and are written down as soon as there is room. A second agent on the same
# ledger does not start.
#
# peers: nginx ipvsadm
# deadline: 300
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"

topology masq 2 || exit
ok "nginx starts on rs1" rs_start 1
ok "nginx starts on rs2" rs_start 2

status_of() { in_director curl -s -m 5 -w ' %{http_code}' "$AGENT_URL$1"; }
answers() { [ "$(in_director curl -s -m 5 -o /dev/null -w '%{http_code}' "$AGENT_URL/")" = 200 ]; }
table_is() { [ "$(ipvs_table)" = "$1" ]; }

# Out with the modules which scenarios before this one left, as soon as their
# namespaces are gone; never on the user's own kernel.
no_ip_vs() {
	awk '$1 ~ /^ip_vs_/ { print $1 }' /proc/modules | xargs -r modprobe -r 2>/dev/null
	! grep -q '^ip_vs ' /proc/modules || modprobe -r ip_vs 2>/dev/null
	[ ! -e /proc/net/ip_vs ] && ! grep -q '^ip_vs ' /proc/modules
}

config="[agent]
state_dir = $RUN/state
reconcile_interval = 1s

[service web]
address = tcp://$VIP:80
forward = masq
realserver = web1 10.1.0.11
"
made="-A -t $VIP:80 -s wlc
-a -t $VIP:80 -r 10.1.0.11:80 -m -w 100"
if [ "${GUEST_MODE:-}" = qemu ]; then
	ok "ip_vs is unloaded" await 30 no_ip_vs
	modprobe=$(cat /proc/sys/kernel/modprobe)
	: | tee /proc/sys/kernel/modprobe >/dev/null
	printf '\n' >/proc/sys/kernel/modprobe
	agent_config <<<"$config"
	agent_run
	ok "without ip_vs: it serves all the same" await 15 answers
	waits() { agent_log 'the kernel has no ip_vs, waiting for it'; }
	ok "the log says so" await 5 waits
	ready=$(status_of /-/ready)
	diag "$ready"
	like "$ready" 'ip_vs.* 503$' "/-/ready says what is missing"
	is "$(metric ipvs_up)" 0 "the metrics say so"
	is "$(metric 'ipvs_agent_collector_success{collector="ipvs"}')" 0 "the collector, too"
	ok "status answers" agent status
	status=$(cat "$RUN/output")
	diag "$status"
	like "$status" 'ip_vs' "and says what is missing"
	sleep 2
	is "$(waits | wc -l)" 1 "the log says it once"
	echo "$modprobe" >/proc/sys/kernel/modprobe
	ok "ip_vs comes" modprobe ip_vs
	ok "it takes up its work" await 15 table_is "$made"
	ok "and is ready" await 5 agent_ready
	like "$(agent_log 'can be read again')" level=info "and says so"
	ok "it stops" agent_stop
else
	skip "without ip_vs" "its modules are not to be unloaded here"
fi

# Without CAP_NET_ADMIN, on the table that is there.
in_director ipvsadm -C
in_director ipvsadm -R <<TABLE
-A -t 10.7.9.9:80 -s rr
-a -t 10.7.9.9:80 -r 10.1.0.21:80 -m -w 3
TABLE
table=$(ipvs_table)
agent_config <<<"$config"
ip netns exec "$NS-dir" setpriv --bounding-set=-net_admin --inh-caps=-net_admin \
	"$AGENT" run -c "$RUN/agent.ini" >>"$RUN/agent.log" 2>&1 &
# shellcheck disable=SC2034 # read by the library
AGENT_PID=$!
ok "without CAP_NET_ADMIN: it serves" await 15 answers
shows_proc() { metric_is 'ipvs_realserver_weight{ipvs_service="tcp://10.7.9.9:80"}' 3; }
ok "what /proc says" await 10 shows_proc
is "$(metric 'ipvs_source{source="proc"}')" 1 "and says where from"
is "$(metric ipvs_agent_kernel_writes_total | sort -u)" 0 "it tries no write"
like "$(agent_log CAP_NET_ADMIN)" 'managing nothing' "and says why in the log"
diag "$(status_of /-/ready)"
ok "status answers" agent status
status=$(cat "$RUN/output")
diag "$status"
like "$status" 'CAP_NET_ADMIN' "and says why"
is "$(ipvs_table)" "$table" "the table is as it was"
ok "it stops" agent_stop
in_director ipvsadm -C

# A full disk: a small file system under ledger and journal. There are 30 services so that
# their holds do not fit into what is left of its last page.
mkdir -p "$RUN/state"
umount "$RUN/state" 2>/dev/null
ok "a small disk" mount -t tmpfs -o size=256k tmpfs "$RUN/state"
full="[agent]
state_dir = $RUN/state
reconcile_interval = 1s

[probe port]
url = tcp://:80
interval = 500ms
timeout = 400ms
rise = 2
fall = 2

[defaults]
probe = port
forward = masq
"
for ((i = 1; i <= 30; i++)); do
	full+="
[service s$i]
address = tcp://10.7.0.$i:80
realserver = a 10.1.0.11
realserver = b 10.1.0.12
"
done
weights() {
	in_director ipvsadm -Ln | awk -v w="$2" -v d="$1:80" '$2 == d && $4 == w' | wc -l
}
all_weights() { [ "$(weights 10.1.0.12 "$1")" = 30 ]; }
ok "the agent starts" agent_start <<<"$full"
ok "all is up" await 30 all_weights 100
not_ok "the disk is filled" dd if=/dev/zero of="$RUN/state/fill" bs=4k
ok "rs2 dies" rs_stop 2
ok "its weight falls everywhere" await 20 all_weights 0
not_writable() { metric_is ipvs_agent_ledger_writable 0; }
ok "the metrics say that nothing can be written" await 5 not_writable
like "$(metric ipvs_agent_ledger_unrecorded_holds_total)" '^[1-9]' "and count what is unrecorded"
like "$(agent_log ledger)" 'level=(warn|error)' "the log says so"
diag "$(agent_log ledger | head -n 3)"
ok "it is healthy" in_director curl -sf -o /dev/null "$AGENT_URL/-/healthy"
ok "a reload works" agent_reload
rm "$RUN/state/fill"
writable() { metric_is ipvs_agent_ledger_writable 1; }
ok "with room again it writes" await 15 writable || diag "$(ls -l "$RUN/state")" "$(df "$RUN/state")"
agent_kill9
agent_run
kept() { [ "$(agent_log 'hold kept over the restart' | wc -l)" = 30 ]; }
ok "and after kill -9 all 30 holds are there" await 15 kept
ok "the agent is ready" await 15 agent_ready

# A second agent on the same ledger.
second=$RUN/second.ini
sed 's/^listen = .*//' "$RUN/agent.ini" | sed 's/^\[http\]/[http]\nlisten = 127.0.0.1:10016/' >"$second"
not_ok "a second agent does not start" in_director timeout 20 "$AGENT" run -c "$second"
output=$(cat "$RUN/output")
diag "$output"
like "$output" "$RUN/state" "it says which directory"
like "$output" 'another' "and why"
ok "the first one goes on" agent_ready
ok "it stops" agent_stop
umount "$RUN/state"

done_testing
