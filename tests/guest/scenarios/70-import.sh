# shellcheck shell=bash
# From what was there before. What `ipvsadm -S` saved of a table, and a table of every kind
# as it runs, become an INI that changes nothing: plan says so, and a run of the agent leaves
# the table as it was, without a write. An lvs.cf becomes the table that lvsd would have made
# of it, its checks run, and a server that fails leaves the table where quiesce_server = 0.
#
# peers: nginx ipvsadm
# deadline: 120
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../rules.sh disable=SC1091
. "$(dirname "$0")/../rules.sh"

# shellcheck disable=SC2034 # read by rules.sh
COUNT=2
topology masq 2 || exit
ok "nginx starts on rs1" rs_start 1 80 8080
ok "nginx starts on rs2" rs_start 2 80

# import FORMAT [FILE]: the INI is $RUN/imported, the list $RUN/list; its exit status.
import() {
	in_director "$AGENT" import "$@" >"$RUN/imported" 2>"$RUN/list"
}

# imports STATUS FORMAT [FILE]: it exits with that status.
imports() {
	local wanted=$1 status=0
	shift

	import "$@" || status=$?
	cat "$RUN/list"
	[ $status = "$wanted" ]
}

# use: what was imported becomes the agent's file, on a state directory of its own.
use() {
	rm -rf "$RUN/state"
	{
		printf '[agent]\nstate_dir = %s/state\nreconcile_interval = 500ms\n\n' "$RUN"
		cat "$RUN/imported"
	} | agent_config
}

look() { in_director ipvsadm -Ln; in_director ipvsadm -Ln --thresholds; }

# unchanged TABLE: the agent runs for two passes, writes nothing, and it is still that.
unchanged() {
	ok "plan finds nothing to change" agent plan
	ok "the agent starts on it" agent_start
	two_passes
	is "$(writes)" 0 "and writes nothing"
	is "$(look)" "$1" "the table is as it was"
	ok "the agent stops" agent_stop
}

# ---- what ipvsadm saved: without thresholds, which it does not save ----------------------

ok "a table" in_director ipvsadm -R <<TABLE
-A -t $VIP:80 -s wlc -p 600 -M 255.255.255.0
-a -t $VIP:80 -r 10.1.0.11:80 -m -w 3
-a -t $VIP:80 -r 10.1.0.12:8080 -m -w 0
-A -t 10.7.0.2:443 -s mh -b mh-fallback,mh-port
-a -t 10.7.0.2:443 -r 10.1.0.11:443 -g -w 10
-a -t 10.7.0.2:443 -r 10.1.0.12:443 -i -w 20
-A -u [fd07::53]:53 -s rr -o
-a -u [fd07::53]:53 -r [fd01::11]:53 -m -w 1
-A --sctp-service 10.7.0.3:3868 -s lc
-a --sctp-service 10.7.0.3:3868 -r 10.1.0.11:3868 -i -w 1
-A -f 21 -s wrr -p 300
-a -f 21 -r 10.1.0.11:0 -g -w 1
-A -f 22 -6 -s sh -b sh-port
-a -f 22 -6 -r [fd01::12]:0 -i -w 1 --tun-type gue --tun-port 6080 --tun-csum
TABLE
in_director ipvsadm -S >"$RUN/saved"
table=$(look)
ok "ipvsadm -S is imported, all of it" imports 0 ipvsadm "$RUN/saved"
use
unchanged "$table"

# ---- the table as it runs ------------------------------------------------------------------

ok "more of it" in_director ipvsadm -R <<TABLE
-e -t $VIP:80 -r 10.1.0.11:80 -m -w 3 -x 1000 -y 800
-e -t 10.7.0.2:443 -r 10.1.0.12:443 -i -w 20 -x 50 --tun-type gre --tun-csum
-A -t 10.7.0.4:0 -s sed -p 60
-a -t 10.7.0.4:0 -r 10.1.0.11:0 -g -w 65535
-A -u 10.7.0.5:5060 -s wlc -p 90 --pe sip
-a -u 10.7.0.5:5060 -r 10.1.0.12:5060 -m -w 7
-A -t [fd07::80]:80 -s nq -p 60 -M 64
-a -t [fd07::80]:80 -r [fd01::11]:80 -g -w 5
-a -t [fd07::80]:80 -r 10.1.0.12:80 -i -w 6
-A -t 10.7.0.6:80 -s fo
TABLE
table=$(look)
ok "the running table is imported, all of it" imports 0 running
use
unchanged "$table"

# ---- lvs.cf --------------------------------------------------------------------------------

cat >"$RUN/lvs.cf" <<CF
serial_no = 3
primary = 10.9.0.1
service = lvs
network = nat
nat_router = 10.1.0.1 eth1:1
virtual web {
     active = 1
     address = $VIP eth0:1
     port = 80
     scheduler = wlc
     persistent = 120
     timeout = 1
     reentry = 2
     server web1 {
         address = 10.1.0.11
         active = 1
         weight = 4
     }
     server web2 {
         address = 10.1.0.12
         active = 1
     }
     server web3 {
         address = 10.1.0.13
         active = 0
     }
}
virtual marked {
     active = 1
     address = $VIP eth0:1
     fwmark = 7
     port = 8080
     scheduler = rr
     send = "GET / HTTP/1.0\r\n\r\n"
     expect = "^HTTP/1\.[01] 200"
     use_regex = 1
     quiesce_server = 1
     timeout = 1
     server web1 {
         address = 10.1.0.11
         active = 1
         weight = 2
     }
}
virtual asleep {
     active = 0
     address = 10.7.0.9 eth0:2
     server web1 {
         address = 10.1.0.11
         active = 1
     }
}
CF
ok "lvs.cf is imported, with a list" imports 3 lvs.cf "$RUN/lvs.cf"
like "$(cat "$RUN/list")" "lvs.cf:2: dropped: primary = 10.9.0.1: " "which tells the line"
use
in_director ipvsadm -C
ok "the agent starts on it" agent_start
verdict() { metric_is "ipvs_probe_up{ipvs_service=\"$1\",realserver=\"$2\"}" "$3"; }
ok "web1 answers as nanny would have it" await 15 verdict web web1 1
ok "so does web2" await 15 verdict web web2 1
ok "and web1 behind the mark, by the expression" await 15 verdict marked web1 1
two_passes
is "$(ipvs_table)" "-A -f 7 -s rr
-a -f 7 -r 10.1.0.11:0 -m -w 2
-A -t $VIP:80 -s wlc -p 120
-a -t $VIP:80 -r 10.1.0.11:80 -m -w 4
-a -t $VIP:80 -r 10.1.0.12:80 -m -w 1" "the table is what lvsd makes of the file"
rs_stop 2
settles "4 -" "a server that fails leaves the table: quiesce_server = 0" 15

done_testing
