# shellcheck shell=bash
# The ground that the other scenarios stand on, without the agent: the guest's
# kernel has IPVS with every scheduler, modules load by themselves, and clients
# reach nginx in the realservers through masq, route and tunnel, IPv4 and IPv6;
# a killed server is seen by new and lasting connections as it should be.
#
# peers: nginx ipvsadm
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"

topology masq 3 || exit
for i in 1 2 3; do
	ok "nginx starts on rs$i" rs_start "$i"
done

# Modules: nobody has loaded ip_vs here.
ok "ip_vs loads by itself" in_director ipvsadm -Ln
for s in rr wrr lc wlc fo ovf lblc lblcr dh sh mh sed nq; do
	ok "scheduler $s" in_director ipvsadm -A -f "$((tests + 100))" -s "$s"
done
ok "clear" in_director ipvsadm -C

# service METHOD-FLAG ADDRESS RS-FUNCTION: one service, all three realservers.
service() {
	local i bracket=$2

	[ "$3" = rs_ip ] || bracket="[$2]"
	in_director ipvsadm -A -t "$bracket:80" -s rr || return
	for i in 1 2 3; do
		bracket=$("$3" "$i")
		[ "$3" = rs_ip ] || bracket="[$bracket]"
		# shellcheck disable=SC2086 # a flag and its argument
		in_director ipvsadm -a -t "$([ "$3" = rs_ip ] && echo "$2" || echo "[$2]"):80" \
			-r "$bracket:80" $1 || return
	done
}

pages() {
	in_client bash -c 'for i in 1 2 3; do curl -s -m 5 "$1"; done' sh "$1" | sort | tr '\n' ' '
}

ok "a masq service" service -m "$VIP" rs_ip
is "$(pages "http://$VIP/")" "rs1 rs2 rs3 " "masq: each server answers"
ok "a masq service, IPv6" service -m "$VIP6" rs_ip6
is "$(pages "http://[$VIP6]/")" "rs1 rs2 rs3 " "masq, IPv6: each server answers"
is "$(ipvs_table | head -n 3)" "-A -t $VIP:80 -s rr
-a -t $VIP:80 -r 10.1.0.11:80 -m -w 1
-a -t $VIP:80 -r 10.1.0.12:80 -m -w 1" "the table, normalised"

# One server killed under load, one that only fails its health page.
traffic_start a -r 50 -l 6 -w 1 -v "$VIP" 80
await 10 traffic_has a 30 || diag "no traffic" "$(cat "$RUN/traffic.a")"
ok "rs2 is killed" rs_stop 2
ok "and its port refuses" rs_gone 2
await 10 traffic_logged a "reason=ECONNREFUSED"
ok "the load stops" traffic_stop a

# The watcher of weights.
not_ok "a watcher that has seen nothing" watched w
watch_weight w "$(rs_ip 3)" 80 0
before=$(now_ms)
ok "rs3 to weight 0" in_director ipvsadm -e -t "$VIP:80" -r "$(rs_ip 3):80" -m -w 0
ok "the watcher sees it" await 5 watched w
at_most "$(($(watched w) - before))" "$(scaled 1000)" "and its time is the event's"

diag "$(tail -n 1 "$RUN/traffic.a")"
is "$(traffic_figure a cut)" 2 "two of six lasting connections are cut"
is "$(traffic_figure a cut_rs2)" 2 "and they were rs2's"
like "$(traffic_figure a failed)" '^[1-9]' "new connections to rs2 failed"
like "$(traffic_figure a rs1)" '^[1-9]' "rs1 served"
like "$(traffic_figure a rs3)" '^[1-9]' "rs3 served"
ok "rs2 is back" rs_start 2
rs_sick 3
is "$(in_director curl -s -o /dev/null -w '%{http_code}' "http://$(rs_ip 3)/healthz")" 503 \
	"a sick server's health page"
rs_well 3
is "$(in_director curl -s "http://$(rs_ip 3)/healthz")" ok "and when it is well again"

for method in route tunnel gre gue; do
	case $method in
	route) flag=-g ;;
	tunnel) flag=-i ;;
	gre) flag="-i --tun-type gre" ;;
	gue) flag="-i --tun-type gue --tun-port 6080" ;;
	esac
	in_director ipvsadm -C
	for i in 1 2 3; do
		ok "rs$i takes $method" rs_method "$i" "$method"
	done
	ok "a $method service" service "$flag" "$VIP" rs_ip
	is "$(pages "http://$VIP/")" "rs1 rs2 rs3 " "$method: each server answers"
done
for method in route tunnel; do
	[ $method = route ] && flag=-g || flag=-i
	in_director ipvsadm -C
	ok "a $method service, IPv6" service "$flag" "$VIP6" rs_ip6
	is "$(pages "http://[$VIP6]/")" "rs1 rs2 rs3 " "$method, IPv6: each server answers"
done

# What the library itself says about an exposition.
text='# HELP x_total h
x_total{a="1",b="two } words",c="q\"uote"} 7
x_total{a="2"} 8 1700000000
x_totals 9
y 1.5'
is "$(series_values 'x_total{b="two } words"}' <<<"$text")" 7 "a series by one label"
is "$(series_values 'x_total{c="q\"uote",a="1"}' <<<"$text")" 7 "labels in any order"
is "$(series_values 'x_total' <<<"$text" | tr '\n' ' ')" "7 8 " "a family, not its namesakes"
is "$(series_values 'y' <<<"$text")" 1.5 "a series without labels"
is "$(series_values 'x_total{a="3"}' <<<"$text")" "" "no such series"

done_testing
