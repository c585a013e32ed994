# shellcheck shell=bash
# What rules may not do. Four realservers with min_available = 50%: three die, two of
# them are held and the third is refused, which metrics, log and explain all say. Then
# the fourth dies too, and on_panic is taken up by reload in each of its forms: keep
# serves with the configured weights, none leaves the holds in force, backup brings
# the backup in that is healthy and not the one that is dead. The first server that is
# back ends the panic.
#
# peers: nginx
# deadline: 150
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../rules.sh disable=SC1091
. "$(dirname "$0")/../rules.sh"

# shellcheck disable=SC2034 # read by rules.sh
COUNT=6

config() {
	web_ini 4 "scheduler = wrr" "min_available = 50%" "on_panic = $1" "flap_max = 0s" \
		"backup = web5 $(rs_ip 5)" "backup = web6 $(rs_ip 6)"
	probe_ini port
}

# pages N: who answers N requests, each once.
pages() {
	# shellcheck disable=SC2016 # expands inside
	in_client bash -c 'for ((i = 0; i < $2; i++)); do curl -s -m 10 "$1"; done' sh \
		"http://$VIP/" "$1" | sort -u | tr '\n' ' '
}

topology masq 6 || exit
for i in 1 2 3 4 5 6; do
	rs_start "$i" || exit
done
ok "the agent starts" agent_start < <(config keep)
settles "100 100 100 100 0 0" "all serve, the backups wait"
ok "all are up" await 10 verdicts_are 1 1 2 3 4 5 6
is "$(refused probe-down min_available)" 0 "nothing was refused yet"

# Three die, one after the other.
rs_stop 1
settles "0 100 100 100 0 0" "the first that dies is held"
rs_stop 2
settles "0 0 100 100 0 0" "the second, too"
rs_stop 3
ok "the third is refused" await 10 refused_are probe-down min_available 1
stays "0 0 100 100 0 0" "and keeps its weight"
ok "though it is down" verdict_is 3 0
like "$(agent_log 'msg="hold refused"')" \
	'realserver=web3 .*rule=probe-down .*guard=min_available .*available_after=1 .*min_available=2' \
	"the log says what was refused, and what would have been left"
is "$(logged_lines 'msg="hold refused"')" 1 "once, not each time that it is tried"
explained=$(agent explain web/web3)
diag "$explained"
like "$explained" 'rule probe-down fires .*guard min_available refuses' "explain says why it stays"
is "$(targets probe-down firing)" 3 "three targets fire"
is "$(enforced probe-down)" 2 "two were acted upon"
is "$(detected probe-down)" 3 "of three that were detected"
is "$(holds)" 2 "and two holds are there"
is "$(metric 'ipvs_service_available{ipvs_service="web"}')" 2 "two are available"

# All dead.
rs_stop 4
ok "keep: panic is told" await 15 panic_is 1
settles "100 100 100 100 0 0" "keep: it serves with its configured weights"
is "$(holds)" 2 "keep: the holds are suspended, not ended"
like "$(agent explain web/web1)" 'no realserver is up: the hold of rule probe-down is suspended' \
	"keep: explain says so"
like "$(agent_log 'msg="panic: ')" 'level=warn .*service=web' "keep: the log tells it"

ok "none: taken up by reload" agent_reload < <(config none)
settles "0 0 100 100 0 0" "none: the holds are in force, and no more than min_available lets"
stays "0 0 100 100 0 0" "none: it stays so"
is "$(holds)" 2 "none: the same two"
ok "none: it is panic all the same" panic_is 1

rs_stop 6
ok "a backup dies" await 10 verdict_is 6 0
ok "backup: taken up by reload" agent_reload < <(config backup)
settles "0 0 0 0 100 0" "backup: the one that lives is in, the dead one is not"
is "$(pages 3)" "rs5 " "backup: and its page is served"
like "$(agent explain web/web5)" 'serves, for no realserver is up' "backup: explain says why"
rs_start 6 || exit
settles "0 0 0 0 100 100" "backup: the other one comes in when its probe passes"
rs_stop 5
settles "0 0 0 0 0 100" "backup: one that dies goes out"
is "$(pages 3)" "rs6 " "backup: who is left serves"
rs_stop 6
settles "100 100 100 100 0 0" "backup: without a backup it serves with its configured weights"
rs_start 6 || exit
settles "0 0 0 0 0 100" "backup: until one is there again"

# The way back.
rs_start 4 || exit
ok "panic ends with the first that is up" await 15 panic_is 0
like "$(agent_log 'msg="panic is over"')" 'service=web' "the log tells it"
for i in 1 2 3 5; do
	rs_start "$i" || exit
done
settles "100 100 100 100 0 0" "all back: as in the beginning"
is "$(pages 8)" "rs1 rs2 rs3 rs4 " "all four serve"
ok "no hold is left" await 5 holds_are 0
ok "no target fires" targets_are probe-down firing 0

done_testing
