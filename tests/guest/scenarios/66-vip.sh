# shellcheck shell=bash
# Addresses. One on lo, always; one of each family on eth0 while it is the master, and the
# others on that network hear of it at once; one on a dummy of its own while a service on it
# can serve. What somebody deletes is put back; what somebody else put there stays; what is
# ours is known after a kill -9 and goes when the file names it no more. A clean stop with
# on_exit = remove leaves nothing.
#
# peers: nginx
# deadline: 150
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../rules.sh disable=SC1091
. "$(dirname "$0")/../rules.sh"

# shellcheck disable=SC2034 # read by rules.sh
COUNT=1
PAIR=10.9.0.150 PAIR6=fd09::150 ANY=10.9.0.151 LOCAL=10.9.0.152 THEIRS=10.9.0.153

config() {
	printf '[agent]\nstate_dir = %s/state\nreconcile_interval = 1s\nroles = on\n' "$RUN"
	printf 'on_exit = %s\n' "${2:-keep}"
	printf '[service web]\naddress = tcp://%s:80\nforward = masq\nprobe = port\n' "$ANY"
	printf 'realserver = web1 %s\n' "$(rs_ip 1)"
	probe_ini port
	printf '[vip pair]\naddress = %s\naddress = %s/128\ninterface = eth0\n' $PAIR $PAIR6
	printf '[vip any]\naddress = %s\ninterface = vip0\ndummy = on\nwhen = available\n' $ANY
	printf 'withdraw_after = 100ms\nreturn_after = 500ms\n'
	[ "$1" = short ] ||
		printf '[vip local]\naddress = %s\ninterface = lo\nwhen = always\n' $LOCAL
}

on() { ip -n "$NS-dir" -o address show dev "$1" 2>/dev/null | grep -Fq " $2/"; }
off() { ! on "$1" "$2"; }
no_link() { ! ip -n "$NS-dir" link show "$1" >/dev/null 2>&1; }
present_is() { metric_is "ipvs_vip_present{address=\"$1\"}" "$2"; }
mac() { cat_mac "$NS-dir"; }
cat_mac() { ip -n "$1" -o link show eth0 | sed -n 's/.*link\/ether \([0-9a-f:]*\).*/\1/p'; }
# What the client believes of an address: another one's, until it hears.
mislead() { ip -n "$NS-cl" neighbour replace "$1" lladdr 02:00:00:00:00:01 dev eth0 nud stale; }
heard() { ip -n "$NS-cl" neighbour show "$1" dev eth0 | grep -Fq "lladdr $(mac)"; }
up_is() { metric_is 'ipvs_probe_up{realserver="web1"}' "$1"; }

topology masq 1 || exit
rs_start 1 || exit
agent_config < <(config long)
agent plan >"$RUN/plan"
is $? 2 "plan: there is something to do"
like "$(cat "$RUN/plan")" "\+ vip +lo +$LOCAL" "plan: what is always there comes"
not_ok "plan: what waits does not" grep -e "$ANY put" -e "$PAIR" "$RUN/plan"

ok "the agent starts" agent_start
ok "always: it is on lo" await 10 on lo $LOCAL
ok "available: it is on a dummy, once the server is up" await 15 on vip0 $ANY
ok "the dummy is up" grep -q UP <(ip -n "$NS-dir" link show vip0)
off eth0 $PAIR
is $? 0 "master: a standby has none"
like "$(agent role)" "pair +$PAIR +eth0 +absent: waits for the role master" "role: says why"

mislead $PAIR
mislead $PAIR6
ok "it becomes the master" agent role master
ok "master: it is there" await 10 on eth0 $PAIR
ok "master: IPv6 too" await 10 on eth0 $PAIR6
ok "the client hears of it by ARP" await 10 heard $PAIR
ok "the client hears of it by a neighbour advertisement" await 10 heard $PAIR6
not_ok "IPv6: it is not tentative" grep tentative <(ip -n "$NS-dir" -o address show dev eth0)
ok "the metric says so" await 10 present_is $PAIR 1
is "$(in_client curl -s -m 5 "http://$ANY/")" rs1 "what is asked at the address is served"

ip -n "$NS-dir" address delete $PAIR/32 dev eth0
ok "what somebody deletes is put back" await 10 on eth0 $PAIR
ip -n "$NS-dir" address add $THEIRS/32 dev lo

rs_stop 1
ok "the server dies" await 15 up_is 0
ok "available: it is withdrawn" await 10 off vip0 $ANY
ok "the metric says so" await 10 present_is $ANY 0
like "$(agent role)" "no service on it can serve" "role: says why"
rs_start 1 || exit
ok "available: it comes back" await 20 on vip0 $ANY

agent_kill9
agent_config < <(config short)
ok "the agent starts after a kill -9, with one less in the file" agent_start
ok "what the file names no more goes" await 10 off lo $LOCAL
on lo $THEIRS
is $? 0 "what somebody else put there stays"
ok "the others are there" await 10 present_is $PAIR 1
on vip0 $ANY
is $? 0 "available: it stayed while nothing was known"
is "$(agent plan | tail -n 1 | cut -d';' -f1)" "nothing to change" "plan: nothing to do"

ok "it becomes the backup" agent role backup
ok "backup: the address goes" await 10 off eth0 $PAIR
ok "backup: IPv6 too" await 10 off eth0 $PAIR6
on eth0 "$VIP"
is $? 0 "the addresses of others on eth0 stay"

ok "a reload with on_exit = remove" agent_reload < <(config short remove)
ok "a clean stop" agent_stop
off vip0 $ANY
is $? 0 "remove: the address is gone"
no_link vip0
is $? 0 "remove: the dummy is gone"
on lo $THEIRS
is $? 0 "remove: what somebody else put there stays"

done_testing
