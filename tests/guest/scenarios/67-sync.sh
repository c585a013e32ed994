# shellcheck shell=bash
# The kernel's sync daemons. With state = role the backup's runs until it is the master, then
# the master's; what somebody stops is started again, what the file says otherwise is started
# anew. One that somebody else started is his: it is shown, and never stopped.
#
# peers: ipvsadm
# deadline: 120
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"

config() {
	printf '[agent]\nstate_dir = %s/state\nreconcile_interval = 1s\nroles = on\n' "$RUN"
	printf '[sync]\nstate = %s\ninterface = eth1\nid = %s\n' "$1" "$2"
}

daemons() { in_director ipvsadm -l --daemon; }
# runs STATE ID: such a daemon is there; rests STATE: none is.
runs() { daemons | grep -Eq "^$1 sync daemon \(mcast=eth1, syncid=$2"; }
rests() { ! daemons | grep -q "^$1 sync daemon"; }
running_is() { metric_is "ipvs_sync_daemon_running{state=\"$1\"}" "$2"; }
info() { metric "ipvs_sync_daemon_info{state=\"$1\",interface=\"eth1\",sync_id=\"$2\",managed=\"$3\"}"; }

topology masq 0 || exit
modprobe -q ip_vs
ok "the agent starts" agent_start < <(config role 7)
ok "a standby takes connections in" await 15 runs backup 7
rests master
is $? 0 "and tells of none"
ok "the metric says so" await 10 running_is backup 1
is "$(info backup 7 1)" 1 "with its particulars"
ok "it becomes the master" agent role master
ok "the master tells of connections" await 10 runs master 7
ok "and takes none in" await 10 rests backup
like "$(agent role)" "sync master  eth1  id 7" "role: shows it"

in_director ipvsadm --stop-daemon master
ok "one that somebody stops is started again" await 10 runs master 7
in_director ipvsadm --start-daemon backup --mcast-interface eth1 --syncid 9
ok "one that somebody else starts is shown" await 10 running_is backup 1
is "$(info backup 9 0)" 1 "as his"
agent_kill9
agent_config < <(config role 8)
ok "the agent starts after a kill -9, with another id" agent_start
ok "its own is started anew" await 15 runs master 8
runs backup 9
is $? 0 "the other's goes on"

ok "a reload without daemons" agent_reload < <(config off 8)
ok "its own is stopped" await 10 rests master
runs backup 9
is $? 0 "the other's goes on still"

done_testing
