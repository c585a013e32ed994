# shellcheck shell=bash
# What an operator orders over the API, against the real kernel: drains by name, by
# service and by address, refused by the guards as one decision (409 with the guard's
# name) unless forced; two owners who never lift each other; another weight, admit,
# freeze. All of it survives a restart, kill -9 and a reload in which the service is
# called otherwise: a drained server never gets a connection on the way.
#
# peers: nginx
# deadline: 240
# shellcheck disable=SC2119 # what agent_start gets is the configuration on its input
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../rules.sh disable=SC1091
. "$(dirname "$0")/../rules.sh"

COUNT=4

# config NAME: the first service under that name, and a second one of the same servers.
config() {
	local i

	printf '[agent]\nstate_dir = %s/state\nreconcile_interval = 1s\n' "$RUN"
	printf 'maintenance_dir = %s/notes\n' "$RUN"
	printf '[defaults]\nforward = masq\nprobe = port\nmin_available = 50%%\nflap_max = 0s\n'
	printf '[service %s]\naddress = tcp://%s:80\n' "$1" "$VIP"
	for ((i = 1; i <= COUNT; i++)); do
		echo "realserver = web$i $(rs_ip $i)"
	done
	printf '[service shop]\naddress = tcp://%s:81\nscheduler = wrr\n' "$VIP"
	for ((i = 1; i <= 2; i++)); do
		echo "realserver = web$i $(rs_ip $i):80"
	done
	probe_ini port
}

# api METHOD PATH [JSON]: the body, a blank and the status.
api() {
	in_director curl -s -m 10 --unix-socket "$RUN/agent.sock" -X "$1" \
		${3:+-H 'Content-Type: application/json' -d "$3"} -w ' %{http_code}' "http://agent$2"
}

# hold JSON: places it. undrain TARGET HOLDER.
hold() { api POST /api/v1/holds "$1"; }
undrain() { api DELETE "/api/v1/holds?target=$1&holder=$2&kind=drain"; }
frozen_is() { metric_is ipvs_agent_frozen "$1"; }
shop() { weights_behind 81; }
shop_is() { [ "$(shop)" = "$1" ]; }

mkdir "$RUN/notes"
topology masq $COUNT || exit
for ((i = 1; i <= COUNT; i++)); do
	rs_start $i || exit
done
ok "the agent starts" agent_start < <(config web)
settles "100 100 100 100" "all serve"

# One server by its name, wherever it serves.
got=$(hold '{"target":"web1","weight":0,"reason":"deploy","holder":"ann"}')
like "$got" ' 201$' "a drain by name is recorded"
like "$got" '"service":"web".*"service":"shop"' "in both services"
settles "0 100 100 100" "and the kernel has weight 0"
ok "in the other one too" await 5 shop_is "0 100 - -"
like "$(agent explain web/web1)" '0 +operator ann .*deploy' "explain names owner and reason"

# Its address means the same; the guards are asked once, for all of it.
got=$(hold "{\"target\":\"$(rs_ip 2)\",\"weight\":0,\"holder\":\"ann\"}")
like "$got" '"guard":"min_available".* 409$' "the second of two by its address: refused"
like "$got" 'service shop would have 0 of 2 realservers available.*--force' "with figures"
is "$(weights)" "0 100 100 100" "and nothing of it was placed"
got=$(hold '{"target":"web/","weight":0,"holder":"ann"}')
like "$got" '"guard":"min_available".* 409$' "a whole service: refused"
got=$(hold "{\"target\":\"$(rs_ip 2)\",\"weight\":0,\"holder\":\"ann\",\"force\":true}")
like "$got" '"overrode":\[\{"guard":"min_available","service":"shop".* 201$' "by force"
settles "0 0 100 100" "it is done"

# Two owners.
like "$(hold '{"target":"web/web1","weight":0,"holder":"bob"}')" ' 201$' "bob drains web1 too"
like "$(undrain web1 bob)" '"lifted":\[\{[^]]*"bob".*"remaining":\[\{[^]]*"ann".* 200$' \
	"bob's end is bob's, and ann's is named"
stays "0 0 100 100" "it stays drained"
like "$(undrain web3 bob)" ' 404$' "nothing to lift is 404"
like "$(undrain web9 bob)" "no service or realserver 'web9'.*did you mean.* 404$" "so is nobody"

# Over a restart, kill -9, and under another name.
watch_steps drained "$(rs_ip 1)" 80
ok "the agent stops" agent_stop
ok "and starts" agent_start
stays "0 0 100 100" "both are drained still"
agent_kill9
ok "after kill -9 it starts" agent_start
stays "0 0 100 100" "and again"
ok "the service is called otherwise" agent_reload < <(config www)
stays "0 0 100 100" "its drains go on"
like "$(api GET '/api/v1/holds?target=www')" '"service":"www","realserver":"web1"' "under that name"
agent_kill9
ok "after kill -9 it starts" agent_start
stays "0 0 100 100" "on disk, too"
is "$(unwatch_steps drained)" "0 " "web1 was never above 0 in all of this"
like "$(undrain web1 ann)" ' 200$' "ann lets web1 in"
like "$(undrain "$(rs_ip 2)" ann)" ' 200$' "and web2 by its address"
settles "100 100 100 100" "all serve"

# Another weight: holds are shares of it.
like "$(hold '{"target":"www/web3","replace":40,"holder":"ann"}')" ' 201$' "another weight"
settles "100 100 40 100" "stands for the file's"
like "$(hold '{"target":"www/web3","weight":"50%","holder":"ann"}')" ' 201$' "half of it"
settles "100 100 20 100" "is half of that"
like "$(hold '{"target":"www/web3","replace":0,"holder":"ann"}')" ' 400$' "0 is no weight"
like "$(api DELETE '/api/v1/holds?target=www/web3&holder=ann')" ' 200$' "all of ann's goes"
settles "100 100 100 100" "and the file's weight is back"

# A file is an order, too.
echo "new disk" >"$RUN/notes/web3"
settles "100 100 0 100" "a file in maintenance_dir drains"
like "$(agent explain www/web3)" 'operator maintenance .*new disk' "with its line for a reason"
rm "$RUN/notes/web3"
settles "100 100 100 100" "for as long as it is there"

# Frozen: what dies stays in; an operator goes on working.
like "$(api POST /api/v1/freeze '{"reason":"a storm","holder":"ann"}')" ' 200$' "freeze"
ok "the metric says so" await 5 frozen_is 1
rs_stop 4
ok "web4 is found dead" await 15 verdict_is 4 0
like "$(hold '{"target":"www/web3","weight":0,"holder":"ann"}')" ' 201$' "a drain meanwhile"
settles "100 100 0 100" "is done; the rule's hold is refused"
ok "by the guard frozen" await 5 refused_are probe-down frozen 1
agent_kill9
ok "after kill -9 it starts" agent_start
ok "web4 is found dead again" await 15 verdict_is 4 0
stays "100 100 0 100" "and it is frozen as before"
like "$(agent explain www/web4)" 'frozen by ann' "explain says who froze it"
like "$(api DELETE '/api/v1/freeze?all=1')" '"frozen":null.* 200$' "thaw"
settles "100 100 0 0" "the rule acts now"

# The check is wrong: rules are ignored there.
like "$(hold '{"target":"www/web4","admit":true,"ttl":"1h","holder":"ann"}')" ' 201$' "admit"
settles "100 100 0 100" "ends the rule's hold"
like "$(agent_log 'msg="hold released".*web4')" 'admitted by ann' "for that reason"
stays "100 100 0 100" "and none is placed"
like "$(agent explain www/web4)" 'admitted +rules are ignored, says ann' "explain says so"
like "$(api DELETE '/api/v1/holds?target=www/web4&holder=ann&kind=admit')" ' 200$' "no more"
settles "100 100 0 0" "the rule is heard again"
got=$(api GET /api/v1/holds?class=rule)
id=$(sed -n 's/.*"id":"\(r[0-9a-z-]*\)".*/\1/p' <<<"$got")
like "$(api DELETE "/api/v1/holds/$id")" 'use admit www/web4.* 409$' "a rule's hold is not lifted"
like "$(api GET /api/v1/rules)" '"name":"probe-down".*"state":"firing".*"held":true' "rules tell"
like "$(cat "$RUN"/state/journal*)" '"what":"order","order":"drain","target":"web1"' \
	"orders are in the journal"

done_testing
