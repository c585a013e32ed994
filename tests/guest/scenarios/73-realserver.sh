# shellcheck shell=bash
# contrib/realserver by itself: --check finds each of many planted faults and the command
# that it names mends it; a second run changes nothing; what fails half-way leaves nothing;
# what somebody else has changed since is left; hostile arguments are refused. A host that
# is prepared is silent about the VIP in ARP, one that is not answers.
#
# peers: nginx nftables busybox
# deadline: 180
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../realserver.sh disable=SC1091
. "$(dirname "$0")/../realserver.sh"

rs() { in_ns rs1 dash "$RS" --run-dir "$RUN/run" "$@"; }

# faulty WHAT TEXT COMMAND...: planted by the command, found by its text, mended by what is
# named.
faulty() {
	local what=$1 text=$2 found status=0
	shift 2

	in_ns rs1 sh -c "$*" >"$RUN/planted" 2>&1 || diag "$(cat "$RUN/planted")"
	found=$(rs --check) || status=$?
	like "$status $found" "^1 .*$text.*; mend it by: " "$what: is found"
	sed -n 's/.*; mend it by: //p' <<<"$found" >"$RUN/mend"
	in_ns rs1 sh -e "$RUN/mend" >"$RUN/mended" 2>&1 || diag "$(cat "$RUN/mended")"
	ok "$what: is mended" rs --check
}

# refused_as_usage ARGUMENT...
refused_as_usage() {
	local status=0

	rs "$@" >"$RUN/refused" 2>&1 || status=$?
	[ $status = 64 ] && return
	diag "exit $status: $*" "$(cat "$RUN/refused")"
	return 1
}

# reached: a neighbour who takes the VIP to be on this LAN finds somebody that has it.
reached() {
	ip -n "$NS-cl" neigh flush dev eth1
	in_client timeout 5 bash -c "</dev/tcp/$VIP/80"
}

modules
topology none 1 || exit
way_home 1
rs_start 1 || exit
before=$(state_of 1)

bad=0
while IFS= read -r line; do
	# shellcheck disable=SC2086 # words, as a shell would make them
	eval "refused_as_usage $line" || bad=$((bad + 1))
done <<'LINES'

route
route --vip
route --vip ''
route --vip '10.9.0.100; reboot'
route --vip '$(reboot)'
route --vip 10.9.0.100/24
route --vip 10.9.0.300
route --vip 127.0.0.1
route --vip ::1
route --vip fe80::1
route --vip 10.9.0.100 --vip 10.9.0.100
route --vip 10.9.0.100 --dev ../../x
route --vip 10.9.0.100 --dev 'a b'
route --vip 10.9.0.100 --dev -x
route --vip 10.9.0.100 --name ../x
route --vip 10.9.0.100 --name A
route --vip 10.9.0.100 --name averylongname
route --vip 10.9.0.100 --run-dir run
route --vip 10.9.0.100 --run-dir /a/../b
route --vip 10.9.0.100 --local 10.1.0.11
route --vip 10.9.0.100 --dev eth0 --redirect
route masq --vip 10.9.0.100
tunnel --vip 10.9.0.100
tunnel --vip 10.9.0.100 --local 10.1.0.11 --type gue
tunnel --vip 10.9.0.100 --local 10.1.0.11 --type gue:0
tunnel --vip 10.9.0.100 --local 10.1.0.11 --type gue:99999
tunnel --vip 10.9.0.100 --local 10.1.0.11 --type vxlan
tunnel --vip 10.9.0.100 --local 10.1.0.11 --redirect
masq
masq --director 10.1.0.1 --director 10.1.0.2
masq --director 10.1.0.1 --source fd01::11
masq --director 10.1.0.1 --table 254
masq --director 10.1.0.1 --vip 10.9.0.100
--frobnicate
LINES
is $bad 0 "what makes no sense is refused, and told as such"
not_ok "a --local of another host is refused" rs tunnel --vip "$VIP" --local 10.1.0.77
not_ok "so is an interface that is not there" rs route --vip "$VIP" --dev eth7
ok "--dry-run runs nothing" rs route --vip "$VIP" --vip "$VIP6" --dry-run
is "$(state_of 1)" "$before" "nothing was done"

# --- route -------------------------------------------------------------------------
ok "route" rs route --vip "$VIP" --vip "$VIP6"
cp "$RUN/run/vip" "$RUN/noted"
ok "again" rs route --vip "$VIP" --vip "$VIP6"
ok "changes no note" cmp "$RUN/run/vip" "$RUN/noted"
is "$(rs route --vip "$VIP" --vip "$VIP6" --dry-run)" "" "and needs no command"
not_ok "with other options it is refused" rs route --vip "$VIP"
ok "busybox's shell finds it in order, too" in_ns rs1 busybox sh "$RS" --run-dir "$RUN/run" --check
# The director would answer for it.
ns_set dir ipv4/conf/all/arp_ignore=1
ip -n "$NS-cl" route add "$VIP/32" dev eth1
not_ok "nobody on the LAN hears of the VIP" reached
ns_set rs1 ipv4/conf/eth0/arp_ignore=0
ok "(without arp_ignore everybody does)" reached
faulty "arp_ignore" "eth0 answers ARP" true
not_ok "silent again" reached
faulty "arp_announce" "eth0 may announce" "echo 0 >/proc/sys/net/ipv4/conf/eth0/arp_announce"
faulty "the VIP is gone" "VIP $VIP is not on this host" "ip address delete $VIP/32 dev lo"
faulty "IPv6 is off on lo" "IPv6 is off on lo" "echo 1 >/proc/sys/net/ipv6/conf/lo/disable_ipv6"
faulty "the VIP on eth0" "eth0 has the VIP $VIP/24" "ip address add $VIP/24 dev eth0"
faulty "the VIP with its network" "lo has the VIP $VIP/24: all" \
	"ip address delete $VIP/32 dev lo; ip address add $VIP/24 dev lo"
faulty "all at once" "not on this host" \
	"ip address delete $VIP/32 dev lo; ip -6 address delete $VIP6/128 dev lo;" \
	"echo 0 >/proc/sys/net/ipv4/conf/eth0/arp_ignore"
ok "undone" rs --undo
is "$(state_of 1)" "$before" "nothing is left of it"
ok "there is nothing more to undo" rs --undo

# Somebody else's hand since.
ok "route, once more" rs route --vip "$VIP"
ns_set rs1 ipv4/conf/eth0/arp_announce=1
like "$(rs --undo 2>&1)" "arp_announce is 1 now, which somebody else has set: it stays" \
	"undo tells what is another's"
is "$(cat <(in_ns rs1 cat /proc/sys/net/ipv4/conf/eth0/arp_announce))" 1 "and leaves it"
ns_set rs1 ipv4/conf/eth0/arp_announce=0
in_ns rs1 ip address add "$VIP/24" dev eth0
not_ok "a VIP on eth0 is not prepared around" rs route --vip "$VIP"
in_ns rs1 ip address delete "$VIP/24" dev eth0

# A record that somebody has been at.
ok "route, for the last time" rs route --vip "$VIP"
prepared=$(state_of 1)
echo 'address 4 $(reboot) lo' >>"$RUN/run/vip"
not_ok "a note that is none of ours is refused" rs --undo
is "$(state_of 1)" "$prepared" "and nothing is done"
sed -i '$d' "$RUN/run/vip"
ok "without it all is undone" rs --undo

# --- tunnel --------------------------------------------------------------------------
in_ns rs1 ip link add taken type gre local "$(rs_ip 1)"
taken=$(state_of 1)
not_ok "a tunnel that is taken" rs tunnel --vip "$VIP" --local "$(rs_ip6 1)" \
	--local "$(rs_ip 1)" --type gre
is "$(state_of 1)" "$taken" "leaves nothing of what was done before it"
in_ns rs1 ip link delete taken
ok "gue" rs tunnel --vip "$VIP" --local "$(rs_ip 1)" --type gue:6080
faulty "GUE's port" "nobody unpacks GUE" "ip fou del port 6080"
faulty "the tunnel is down" "ipip-vip is down" "ip link set ipip-vip down"
faulty "rp_filter" "ipip-vip drops" \
	"for d in all ipip-vip; do echo 1 >/proc/sys/net/ipv4/conf/\$d/rp_filter; done"
ns_set rs1 ipv4/conf/all/rp_filter=0
faulty "the tunnel is gone" "ipip-vip at $(rs_ip 1) is missing" "ip link delete ipip-vip"
ok "undone, too" rs --undo
is "$(state_of 1)" "$before" "nothing is left of that"

# --- masq -----------------------------------------------------------------------------
ok "masq" rs masq --director 10.1.0.1 --director fd01::1
faulty "the way to the director" "does not lead to the director 10.1.0.1" \
	"ip route flush table 1229"
faulty "the rule" "do not look at table 1229 .IPv6" "ip -6 rule delete pref 1230"
in_ns rs1 ip rule add pref 7 blackhole
like "$(rs --check)" "do not go by 10.1.0.1: another rule comes first" "another rule before it is found"
in_ns rs1 ip rule delete pref 7
ok "and found to be gone" rs --check
ok "masq is undone" rs --undo
is "$(state_of 1)" "$before" "nothing is left of masq"

done_testing
