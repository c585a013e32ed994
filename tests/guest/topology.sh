# shellcheck shell=bash
# The network of a scenario: client, director and realservers as network
# namespaces; nginx in the realservers, load from the client. Sourced by lib.sh.
#
#      client ---- front 10.9.0.0/24, fd09::/64 ---- director
#         \                                             |
#          ------ back 10.1.0.0/24, fd01::/64 --------- + ---- rs1 rs2 ... rsN
#
# The VIP is in front. The client's leg in the back is the way home for answers
# that do not pass the director (route and tunnel); with masq the realservers'
# way home is the director. Addresses are the same in every scenario: namespaces
# keep them apart.
# shellcheck disable=SC2034 # read by the scenarios
CLIENT=10.9.0.2 CLIENT6=fd09::2
VIP=10.9.0.100 VIP6=fd09::100

# rs_ip N, rs_ip6 N: a realserver's addresses.
rs_ip() {
	echo "10.1.$((($1 + 10) / 256)).$((($1 + 10) % 256))"
}

rs_ip6() {
	printf 'fd01::%x\n' $(($1 + 16))
}

# in_ns cl|dir|lan|rsN COMMAND...: runs it there.
in_ns() {
	local where=$1
	shift
	ip netns exec "$NS-$where" "$@"
}

in_client() { in_ns cl "$@"; }
in_director() { in_ns dir "$@"; }

# ns_set NAMESPACE KEY=VALUE...: sysctls, by path below /proc/sys/net.
ns_set() {
	local where=$1
	shift
	# shellcheck disable=SC2016 # expands inside
	in_ns "$where" sh -c 'for kv; do echo "${kv#*=}" >"/proc/sys/net/${kv%%=*}"; done' \
		sh "$@"
}

ns_add() {
	ip netns add "$NS-$1" || return
	ns_set "$1" ipv4/conf/all/rp_filter=0 ipv4/conf/default/rp_filter=0 \
		ipv6/conf/all/accept_dad=0 ipv6/conf/default/accept_dad=0 \
		ipv6/conf/default/accept_ra=0
	ip -n "$NS-$1" link set lo up
}

# A leg of a namespace on the back LAN.
lan_leg() {
	local where=$1 dev=$2 port=$1

	ip -n "$NS-$where" -batch - <<-BATCH
		link add $dev type veth peer name $port netns $NS-lan
		address add $3/23 dev $dev
		address add $4/64 dev $dev nodad
		link set $dev up
	BATCH
	ip -n "$NS-lan" link set "$port" master br0 up
}

# topology METHOD N: the whole network with N realservers which take METHOD
# (masq, route, tunnel); the VIPs are on the director's eth0. Waits for nothing:
# links between namespaces are up when they are made.
topology() {
	local method=$1 count=$2 i

	ns_add cl && ns_add dir && ns_add lan || return
	ip -n "$NS-lan" link add br0 type bridge forward_delay 0 mcast_snooping 0
	ip -n "$NS-lan" link set br0 up
	ip -n "$NS-cl" -batch - <<-BATCH
		link add eth0 type veth peer name eth0 netns $NS-dir
		address add $CLIENT/24 dev eth0
		address add $CLIENT6/64 dev eth0 nodad
		link set eth0 up
	BATCH
	ip -n "$NS-dir" -batch - <<-BATCH
		address add 10.9.0.1/24 dev eth0
		address add fd09::1/64 dev eth0 nodad
		address add $VIP/32 dev eth0
		address add $VIP6/128 dev eth0 nodad
		link set eth0 up
	BATCH
	lan_leg dir eth1 10.1.0.1 fd01::1
	lan_leg cl eth1 10.1.0.2 fd01::2
	ns_set dir ipv4/ip_forward=1 ipv6/conf/all/forwarding=1
	for ((i = 1; i <= count; i++)); do
		rs_add "$i" "$method" || return
	done
}

# rs_add N METHOD: one more realserver host.
rs_add() {
	local rs=rs$1

	ns_add "$rs" || return
	lan_leg "$rs" eth0 "$(rs_ip "$1")" "$(rs_ip6 "$1")"
	rs_method "$1" "$2"
}

# The VIPs on a device of the realserver, silent to ARP, and the way home.
rs_own_vips() {
	ns_set "$1" ipv4/conf/all/arp_ignore=1 ipv4/conf/all/arp_announce=2
	ip -n "$NS-$1" -batch - <<-BATCH
		address replace $VIP/32 dev $2
		address replace $VIP6/128 dev $2 nodad
		route replace 10.9.0.0/24 via 10.1.0.2
		route replace fd09::/64 via fd01::2
	BATCH
}

# Not any more: what comes back goes through the director.
rs_disown_vips() {
	ip -n "$NS-$1" -force -batch - 2>/dev/null <<-BATCH
		address delete $VIP/32 dev lo
		address delete $VIP6/128 dev lo
		route delete 10.9.0.0/24 via 10.1.0.2
		route delete fd09::/64 via fd01::2
	BATCH
	return 0
}

# rs_method N METHOD [GUE-PORT]: prepares the host for masq, route, tunnel
# (ipip, also 6in6), gre or gue.
rs_method() {
	local rs=rs$1 dev=

	case $2 in
	masq)
		rs_disown_vips "$rs"
		ip -n "$NS-$rs" -batch - <<-BATCH
			route replace default via 10.1.0.1
			route replace ::/0 via fd01::1
		BATCH
		;;
	route)
		rs_own_vips "$rs" lo
		;;
	tunnel)
		modprobe -qa ipip ip6_tunnel
		ip -n "$NS-$rs" link set tunl0 up
		ip -n "$NS-$rs" link set ip6tnl0 up
		rs_own_vips "$rs" lo
		dev=tunl0
		;;
	gre)
		ip -n "$NS-$rs" link add gre1 type gre local "$(rs_ip "$1")" || return
		ip -n "$NS-$rs" link set gre1 up
		rs_own_vips "$rs" lo
		dev=gre1
		;;
	gue)
		modprobe -qa ipip fou
		in_ns "$rs" ip fou add port "${3:-6080}" gue || return
		ip -n "$NS-$rs" link set tunl0 up
		rs_own_vips "$rs" lo
		dev=tunl0
		;;
	esac
	[ -z "$dev" ] || ns_set "$rs" "ipv4/conf/$dev/rp_filter=0"
}

# rs_start N [PORT...]: nginx on the host; its page is its name (rsN), /healthz
# says ok, /from the client's address, /page is the file "page" in its directory. Returns
# when it accepts connections.
rs_start() {
	local n=$1 dir=$RUN/rs$1 port listen=
	shift
	[ $# -gt 0 ] || set -- 80
	mkdir -p "$dir"
	for port; do
		listen+="listen $port; listen [::]:$port ipv6only=on; "
	done
	cat >"$dir/nginx.conf" <<-CONF
		daemon off;
		master_process off;
		pid $dir/pid;
		events { worker_connections 4096; }
		http {
			access_log off;
			default_type text/plain;
			keepalive_requests 1000000;
			keepalive_timeout 3600s;
			client_body_temp_path $dir/body;
			proxy_temp_path $dir/proxy;
			fastcgi_temp_path $dir/fastcgi;
			uwsgi_temp_path $dir/uwsgi;
			scgi_temp_path $dir/scgi;
			server {
				$listen
				location = /healthz {
					if (-f $dir/sick) { return 503 "sick\n"; }
					return 200 "ok\n";
				}
				location = /page { root $dir; }
				location = /from { return 200 "\$remote_addr\n"; }
				location / { return 200 "rs$n\n"; }
			}
		}
	CONF
	ip netns exec "$NS-rs$n" nginx -e "$dir/error.log" -p "$dir" -c "$dir/nginx.conf" \
		>"$dir/nginx.log" 2>&1 &
	echo $! >"$dir/pid.main"
	disown
	await 10 in_ns "rs$n" bash -c "</dev/tcp/127.0.0.1/$1" 2>/dev/null && return
	diag "nginx on rs$n does not start" "$(cat "$dir/nginx.log" "$dir/error.log")"
	return 1
}

rs_signal() {
	kill "-$2" "$(cat "$RUN/rs$1/pid.main")" 2>/dev/null
}

# rs_stop N: the server is gone at once, its port refuses.
rs_stop() {
	rs_signal "$1" KILL
	await 5 rs_gone "$1"
}

rs_gone() {
	! kill -0 "$(cat "$RUN/rs$1/pid.main")" 2>/dev/null
}

# rs_freeze N, rs_thaw N: accepts connections and never answers.
rs_freeze() { rs_signal "$1" STOP; }
rs_thaw() { rs_signal "$1" CONT; }

# rs_sick N, rs_well N: /healthz answers 503; the page itself is served.
rs_sick() { : >"$RUN/rs$1/sick"; }
rs_well() { rm -f "$RUN/rs$1/sick"; }

# rs_cut N, rs_join N: the host's cable.
rs_cut() { ip -n "$NS-lan" link set "rs$1" down; }
rs_join() { ip -n "$NS-lan" link set "rs$1" up; }

# traffic_start NAME ADDRESS PORT [options of tests/tools/traffic]: load from the
# client until traffic_stop.
traffic_start() {
	local name=$1
	shift
	ip netns exec "$NS-cl" "$TRAFFIC" "$@" >"$RUN/traffic.$name" 2>&1 &
	echo $! >"$RUN/traffic.$name.pid"
	disown
}

# traffic_stop NAME: ends it; its figures are then there for traffic_figure.
traffic_stop() {
	local pid

	pid=$(cat "$RUN/traffic.$1.pid")
	kill -TERM "$pid" 2>/dev/null
	await 10 traffic_ended "$pid"
}

traffic_ended() {
	! kill -0 "$1" 2>/dev/null
}

# traffic_figure NAME KEY: one of its latest figures (requests, ok, failed,
# max_gap_ms, cut, rs1 ...); 0 where the client has none such.
traffic_figure() {
	local line value=0 pair

	line=$(grep '^requests=' "$RUN/traffic.$1" | tail -n 1)
	for pair in $line; do
		[ "${pair%%=*}" != "$2" ] || value=${pair#*=}
	done
	echo "$value"
}

# traffic_has NAME N: at least N requests were answered (with -w). traffic_logged
# NAME REGEX: a failure that says so is there (with -v).
traffic_has() {
	[ "$(traffic_figure "$1" ok)" -ge "$2" ]
}

traffic_logged() {
	grep -qE -- "$2" "$RUN/traffic.$1"
}

# watch_weight NAME ADDRESS PORT WEIGHT: notes when the kernel first shows that
# weight for that realserver (IPv4) in the director. It looks every 20 ms, so its time is
# the event's, not the time of a slow poll. watched NAME then prints it, in ms since the
# epoch; it fails as long as it has not happened.
watch_weight() {
	echo "$4" >"$RUN/watch.$1.wanted"
	"$LOOK" weights "$NS-dir" "$2" "$3" 0 >"$RUN/watch.$1" 2>&1 &
	disown
}

watched() {
	awk -v wanted="$(cat "$RUN/watch.$1.wanted")" '
		$2 == wanted { print $1; found = 1; exit } END { exit !found }' "$RUN/watch.$1"
}

# ipvs_table: services and realservers of the director in ipvsadm's words,
# sorted, each service before its realservers.
ipvs_table() {
	in_director ipvsadm -Sn | LC_ALL=C sort -k2,3 -k1,1 -k4
}

topology_remove() {
	local name pids

	for name in $(ip netns list | awk -v p="$NS-" 'index($1, p) == 1 { print $1 }'); do
		pids=$(ip netns pids "$name")
		# shellcheck disable=SC2086 # a list of words
		[ -z "$pids" ] || kill -KILL $pids 2>/dev/null
		ip netns delete "$name"
	done
}
