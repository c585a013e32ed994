# shellcheck shell=bash
# The same pool by route (with the VIP on lo, and by a redirection instead), by masq and by
# tunnel (ipip, gue, gre), over IPv4 and IPv6, on realservers that contrib/realserver has
# prepared: requests are answered, the realserver sees the client's own address, quiesce
# takes one out, and undo leaves a host as it was.
#
# peers: nginx nftables
# deadline: 240
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../realserver.sh disable=SC1091
. "$(dirname "$0")/../realserver.sh"

# config FORWARD [TUNNEL]
config() {
	cat <<-INI
		[agent]
		state_dir = $RUN/state
		reconcile_interval = 1s
		[service web]
		address = tcp://$VIP:80
		address = tcp://[$VIP6]:80
		scheduler = rr
		forward = $1
		${2:+tunnel = $2}
		probe = port
		realserver = web1 $(rs_ip 1) $(rs_ip6 1)
		realserver = web2 $(rs_ip 2) $(rs_ip6 2)
		[probe port]
		url = tcp://
		interval = 1s
		timeout = 900ms
	INI
}

# ask URL...: who answers, each asked twice, by a connection of its own.
ask() {
	# shellcheck disable=SC2016 # expands inside
	in_client bash -c 'for u; do curl -0 -s -m 10 "$u" "$u"; done' sh "$@" | LC_ALL=C sort -u |
		tr '\n' ' '
}

as_the_file_says() { agent plan >"$RUN/plan" 2>&1; }
weights() { in_director awk '$1 == "->" && $2 ~ /:[0-9A-F]+$/ { printf "%s ", $4 }' /proc/net/ip_vs; }
weights_are() { [ "$(weights | tr ' ' '\n' | LC_ALL=C sort -n | tr '\n' ' ')" = "$1 " ]; }

# both WHAT [OPTION...]: on both at once; fails if one of them does.
both() {
	local n pids=() status=0 pid

	for n in 1 2; do
		options_of $n "$@" | xargs ip netns exec "$NS-rs$n" dash "$RS" --run-dir "$RUN/run$n" \
			>"$RUN/both$n" 2>&1 &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || status=1
	done
	cat "$RUN/both1" "$RUN/both2"
	return $status
}

# options_of N OPTION...: with the host's own addresses put in.
options_of() {
	local n=$1
	shift
	printf '%s\n' "$@" | sed "s/^LOCAL4$/$(rs_ip "$n")/; s/^LOCAL6$/$(rs_ip6 "$n")/"
}

# round NAME FORWARD TUNNEL OPTION...
round() {
	local name=$1 forward=$2 tunnel=$3
	shift 3

	ok "$name: both hosts are prepared" both "$@"
	ok "$name: and found in order" both --check
	ok "$name: the file says so" agent_reload < <(config "$forward" "$tunnel")
	ok "$name: the kernel does" await 15 as_the_file_says
	is "$(ask "http://$VIP/" "http://[$VIP6]/")" "rs1 rs2 " "$name: both answer"
	is "$(ask "http://$VIP/from" "http://[$VIP6]/from")" "$CLIENT $CLIENT6 " \
		"$name: they see the client's address"
	ok "$name: web1 is drained" agent drain web/web1
	ok "$name: in the kernel" await 10 weights_are "0 0 100 100"
	is "$(ask "http://$VIP/" "http://[$VIP6]/")" "rs2 " "$name: the other answers all"
	ok "$name: web1 is back" agent undrain web/web1
	ok "$name: in the kernel, too" await 10 weights_are "100 100 100 100"
	ok "$name: undone" both --undo
	is "$(state_of 1)" "$before" "$name: nothing is left of it"
}

modules
topology none 2 || exit
for i in 1 2; do
	way_home $i
	rs_start $i || exit
done
before=$(state_of 1)
ok "the agent starts" agent_start < <(config masq)

vips=(--vip "$VIP" --vip "$VIP6")
locals=(--local LOCAL4 --local LOCAL6)
round route route "" route "${vips[@]}"
round redirect route "" route "${vips[@]}" --redirect
round masq masq "" masq --director 10.1.0.1 --director fd01::1 --source LOCAL4 --source LOCAL6
round ipip tunnel ipip tunnel "${vips[@]}" "${locals[@]}"
round gue tunnel gue:6080 tunnel "${vips[@]}" "${locals[@]}" --type gue:6080
round gre tunnel gre tunnel "${vips[@]}" "${locals[@]}" --type gre

done_testing
