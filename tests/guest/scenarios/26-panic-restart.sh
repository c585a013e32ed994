# shellcheck shell=bash
# A restart changes no weight, in panic neither: both servers are dead and serve all the
# same, one of them with a hold that is suspended. kill -9 and a new start must write
# nothing while the first verdicts come in, whichever comes first.
# peers: nginx ipvsadm
# deadline: 120
# shellcheck disable=SC2119 # what agent_start gets is the configuration on its input
. "$(dirname "$0")/../lib.sh"
topology masq 2 || exit
rs_start 1; rs_start 2
agent_start <<CONFIG
[agent]
state_dir = $RUN/state
reconcile_interval = 1s
[service web]
address = tcp://$VIP:80
forward = masq
probe = port
realserver = web1 10.1.0.11
realserver = web2 10.1.0.12
[probe port]
url = tcp://:80
interval = 500ms
timeout = 400ms
rise = 3
fall = 3
CONFIG
w() { [ "$(in_director ipvsadm -Ln | awk '$1=="->" && $2~/^10/ {print $4}' | tr '\n' ' ')" = "$1" ]; }
ok "up" await 15 w "100 100 "
rs_stop 1
ok "held" await 15 w "0 100 "
rs_stop 2
ok "panic: both serve" await 15 w "100 100 "
agent_kill9
watch_weight low 10.1.0.11 80 0
ok "restart in panic" agent_start
passed_again() { [ "$(metric ipvs_agent_reconciles_total)" -ge 6 ]; }
await 20 passed_again
diag "writes: $(metrics | grep -E '^ipvs_agent_kernel_writes_total' | tr '\n' ' ')" "panic: $(metric ipvs_service_panic)"
not_ok "weights stay in panic over a restart" watched low
ok "the restart wrote nothing" test "$(metrics | awk '/^ipvs_agent_kernel_writes_total/ {n += $2} END {print n + 0}')" = 0
agent_kill9
done_testing
