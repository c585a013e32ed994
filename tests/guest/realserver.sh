# shellcheck shell=bash
# Hosts that contrib/realserver prepares: what of a host it may touch, to compare before and
# after. Sourced after lib.sh.

# shellcheck disable=SC2034 # read by the scenarios
RS=$REPO/contrib/realserver/ipvs-realserver

# Loaded at first use, each would leave devices of its own in every namespace.
modules() {
	modprobe -qa ipip sit ip6_tunnel ip_gre ip6_gre fou fou6 nf_tables nft_chain_nat nft_redir
}

# way_home N: where answers go that do not pass the director.
way_home() {
	ip -n "$NS-rs$1" -batch - <<-BATCH
		route add 10.9.0.0/24 via 10.1.0.2
		route add fd09::/64 via fd01::2
	BATCH
}

# state_of N: addresses, links, rules, routes, sysctls, ports for GUE, nftables.
state_of() {
	in_ns "rs$1" bash -c '
		ip -o address; ip -o link; ip rule; ip -6 rule
		ip route show table all; ip -6 route show table all
		grep . /proc/sys/net/ipv4/conf/*/{arp_ignore,arp_announce,rp_filter} \
			/proc/sys/net/ipv6/conf/*/disable_ipv6
		ip fou show; nft list ruleset' 2>&1
}
