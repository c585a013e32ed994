# shellcheck shell=bash
# The director of the page's test, in the guest: three realservers, an agent whose page
# this machine's browser sees through a forwarded port. What is to happen comes as lines
# of $GUEST_OUT/orders, each answered by one in $GUEST_OUT/said:
#   stop N | start N    a realserver
#   many | few          300 realservers in 30 services, or three in one
#   weight N            says the kernel's weight of webN
#   end
# shellcheck source=../guest/lib.sh disable=SC1091
. "$(dirname "$0")/../guest/lib.sh"

# The password is "open sesame".
head_ini() {
	# shellcheck disable=SC2016 # a hash
	printf '%s\n' 'ann:$2b$04$UcXFm.Tv0y4TchvK.JWsC.KQitPypHtb78ZZpJglhhfPDD/iaSKsy' >"$RUN/users"
	chmod 600 "$RUN/users"
	cat <<-INI
		[agent]
		state_dir = $RUN/state

		[http]
		listen = 0.0.0.0:$PAGE_PORT
		listen = 127.0.0.1:10015
		listen = unix:$RUN/agent.sock
		users_file = $RUN/users

		[metrics]
		max_age = 500ms

		[defaults]
		probe = http
		scheduler = wlc
		forward = masq

		[probe http]
		url = http://www.example.net/healthz
		interval = 500ms
		timeout = 400ms
		rise = 2
		fall = 2
	INI
}

few() {
	head_ini
	printf '\n[service web]\naddress = tcp://%s:80\naddress = tcp://[%s]:80\n' "$VIP" "$VIP6"
	for i in 1 2 3; do
		printf 'realserver = web%s %s %s\n' "$i" "$(rs_ip "$i")" "$(rs_ip6 "$i")"
	done
	printf '\n[rule slow]\nexpr = probe_duration_seconds > 3\nfor = 30s\naction = reweight 50%%\n'
}

many() {
	local s i

	head_ini
	for ((s = 1; s <= 30; s++)); do
		printf '\n[service pool%s]\naddress = tcp://%s:%s\n' "$s" "$VIP" $((8000 + s))
		for ((i = 0; i < 10; i++)); do
			printf 'realserver = app%s %s:%s\n' $((i + 1)) "$(rs_ip $((i % 3 + 1)))" \
				$((80 + i / 3))
		done
	done
}

weight_of() {
	in_director curl -sf "$AGENT_URL/api/v1/services/web" |
		sed -n "s/.*\"realserver\":\"web$1\"[^}]*\"weight\":\([0-9]*\).*/\1/p"
}

obey() {
	case $1 in
	stop) rs_stop "$2" ;;
	start) rs_start "$2" 80 81 82 83 ;;
	many | few) "$1" | agent_reload >/dev/null ;;
	weight) weight_of "$2" ;;
	esac
}

topology masq 3
for i in 1 2 3; do
	rs_start "$i" 80 81 82 83
done
modprobe virtio_net
await 10 ip link show eth0 >/dev/null
ip link set eth0 netns "$NS-dir" name wan0
ip -n "$NS-dir" address add 10.0.2.15/24 dev wan0
ip -n "$NS-dir" link set wan0 up
# shellcheck disable=SC2119
few | agent_start || exit 1
traffic_start page -r 20 -t 10000 -l 6 -i 250 "$VIP" 80
: >"$GUEST_OUT/orders"
echo "ready $SLACK" >"$GUEST_OUT/said"
done=0
while :; do
	mapfile -t orders <"$GUEST_OUT/orders"
	while [ $done -lt ${#orders[@]} ]; do
		order=${orders[done]}
		done=$((done + 1))
		[ "$order" != end ] || exit 0
		# shellcheck disable=SC2086 # words
		echo "$done $order: $(obey $order 2>&1)" >>"$GUEST_OUT/said"
	done
	sleep 0.05
done
