# shellcheck shell=bash
# keepalived and ldirectord beside what is imported from their files. Each runs for real, in a
# namespace of its own, and the agent in another one from the imported INI, on the same
# realservers. The tables are equal, service by service: addresses, ranges, networks, marks,
# schedulers and their flags, methods, tunnels, persistence, thresholds and weights; and they
# are equal again when a server has died: out of the table, or at weight 0, or replaced by
# what serves when all are dead.
#
# peers: keepalived ldirectord nginx ipvsadm
# deadline: 120
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"

# Two directors more on the back LAN.
topology masq 3 || exit
ns_add ka && lan_leg ka eth1 10.1.0.3 fd01::3 || exit
ns_add ld && lan_leg ld eth1 10.1.0.4 fd01::4 || exit
for i in 1 2 3; do
	rs_start $i 80 8080 || exit
done
web1=$(rs_ip 1) web2=$(rs_ip 2) web3=$(rs_ip 3)

# Backups, as SERVICE SERVER: theirs are not in the table while they do not serve, and ours
# are at weight 0.
backups="10.7.2.3:80 $web2:80
10.7.3.10:80 127.0.0.1:80
10.7.3.12:80 $web2:80"

# table NAMESPACE: services and realservers, then the thresholds of each; without backups
# that wait.
table() {
	{
		in_ns "$1" ipvsadm -Sn | LC_ALL=C sort -k2,3 -k1,1 -k4
		in_ns "$1" ipvsadm -Ln --thresholds | awk '
			$1 ~ /^(TCP|UDP|FWM)$/ { service = $2 }
			$1 == "->" && $2 ~ /[0-9]/ { print service, $2, $3, $4 }' | LC_ALL=C sort
	} | awk -v backups="$backups" '
		BEGIN { n = split(backups, list, "\n"); for (i = 1; i <= n; i++) backup[list[i]] = 1 }
		$1 == "-a" && ($3 " " $5) in backup && $NF == 0 { next }
		($1 " " $2) in backup { next }
		{ print }'
}

same_table() { [ "$(table "$1")" = "$(table dir)" ]; }

# has NAMESPACE REGEX, lacks NAMESPACE REGEX: a line of the table; none such.
has() { table "$1" | grep -qE -- "$2"; }
lacks() { ! has "$@"; }

# imports FORMAT FILE: something is not carried over, and is told; the result passes `check`.
imports() {
	local status=0

	"$AGENT" import "$@" >"$RUN/imported.ini" 2>"$RUN/$1.list" || status=$?
	cat "$RUN/$1.list"
	[ $status = 3 ] && "$AGENT" check -c "$RUN/imported.ini"
}

# equal NAMESPACE WHAT: the tables become it.
equal() {
	await 15 same_table "$1"
	is "$(table dir)" "$(table "$1")" "$2"
}

# runs: the agent, from the imported file.
runs() {
	rm -rf "$RUN/state"
	agent_config <<-INI
		[agent]
		state_dir = $RUN/state
		reconcile_interval = 500ms
		include = $RUN/imported.ini
	INI
	ok "the agent starts on what was imported" agent_start
}

# ---- keepalived ------------------------------------------------------------------------

# A realserver whose check asks for a page, connects, or is none.
# shellcheck disable=SC2016 # keepalived's own variables
cat >"$RUN/keepalived.conf" <<CONF
! what a director has
global_defs {
	router_id test
	script_user root
}
\$QUICK= \\
	connect_timeout 1 \\
	retry 1 \\
	delay_before_retry 0.2

virtual_server_group POOL {
	10.7.1.10 80
	10.7.1.20-22 80      # three
	10.7.1.32/30 80
	fwmark 77
}

virtual_server group POOL {
	delay_loop 1
	lvs_sched mh
	mh-port
	mh-fallback
	lvs_method DR
	protocol TCP
	inhibit_on_failure
	virtualhost www.example.net
	persistence_timeout 600
	real_server $web1 80 {
		weight 3
		uthreshold 500
		lthreshold 400
		HTTP_GET {
			url {
				path /healthz
				status_code 200-299 304
			}
			\$QUICK
		}
	}
	real_server $web2 80 {
		weight 2
		TCP_CHECK { connect_port 8080
			\$QUICK
		}
		PING_CHECK { }
	}
	real_server $web3 80 {
		HTTP_GET {
			url { path /healthz }
			\$QUICK
		}
	}
}

virtual_server 10.7.2.1 8443 {
	delay_loop 1
	lb_algo wrr
	lb_kind NAT
	protocol TCP
	persistence_timeout 120
	persistence_granularity 255.255.255.0
	real_server $web1 8080 {
		weight 7
		TCP_CHECK {
			\$QUICK
		}
	}
	real_server $web3 8080 {
		TCP_CHECK {
			\$QUICK
		}
	}
	real_server $web2 80 {
		lvs_method TUN type gue port 6080 csum
		MISC_CHECK {
			misc_path "/bin/true 'a b' c"
			misc_timeout 1
		}
	}
}

virtual_server fd07::53 53
{
	lvs_sched rr
	ops
	lvs_method NAT
	protocol UDP
	real_server $(rs_ip6 1) 53 {
	}
}

virtual_server 10.7.2.3 80 {
	delay_loop 1
	lvs_sched wlc
	lvs_method NAT
	protocol TCP
	sorry_server $web2 80
	real_server $web3 80 {
		TCP_CHECK {
			\$QUICK
		}
	}
}
CONF
ip netns exec "$NS-ka" keepalived -n -l -D -C -f "$RUN/keepalived.conf" \
	-p "$RUN/keepalived.pid" -c "$RUN/checkers.pid" >"$RUN/keepalived.log" 2>&1 &
disown
ok "keepalived.conf is imported" imports keepalived "$RUN/keepalived.conf"
runs
ok "keepalived has all of them in" await 15 has ka "-t 10.7.2.3:80 -r $web3:80"
equal ka "with all servers alive the two tables are equal"
ok "web3 dies" rs_stop 3
ok "keepalived sets it to 0" await 15 has ka "-t 10.7.1.10:80 -r $web3:80 .* -w 0"
ok "and takes it out where it is not to stay" await 15 lacks ka "10.7.2.1:8443 -r $web3"
ok "its sorry server serves" await 15 has ka "-t 10.7.2.3:80 -r $web2:80"
equal ka "with web3 dead the two tables are equal"
diag "$(table ka)"
ok "the agent stops" agent_stop
ok "its table is emptied" in_director ipvsadm -C
rs_start 3 80 8080 || exit

# ---- ldirectord ------------------------------------------------------------------------

cat >"$RUN/ldirectord.cf" <<CONF
checktimeout=1
negotiatetimeout=2
checkinterval=1
failurecount=2
quiescent=yes
logfile="$RUN/ldirectord.log"
autoreload=no

virtual=10.7.3.10:80
	servicename=shop
	real=$web1->$web3:80 gate 10
	fallback=127.0.0.1:80 gate
	service=http
	checktype=negotiate
	checkport=80
	request="healthz"
	receive="^o[k]"
	virtualhost=www.example.net
	scheduler=mh
	schedflags=mh-port,mh-fallback
	persistent=600
	netmask=255.255.255.0
	protocol=tcp

virtual=10.7.3.11:8443
    real = $web1:8080 masq 7 l:400 u:500
    real = $web2:80 ipip 2
    real = $web3:8080 masq
    checktype = connect
    checkport = 80
    scheduler = wlc
    quiescent = no

virtual=21
    real=$web1 gate
    real=$web2 gate 3
    checktype=external
    checkcommand="/bin/true"
    scheduler=wlc
    persistent=300

virtual6=[fd07::80]:80
    real6=[$(rs_ip6 1)]:80 masq
    checktype=connect
    scheduler=rr

virtual=10.7.3.12:80
    real=$web3:80 masq
    fallback=$web2:80 masq
    checktype=connect
    quiescent=no
CONF
# It knows ipvsadm at its installed place only.
sed "s:\"/sbin/ipvsadm\":\"$(command -v ipvsadm)\":g" "$(command -v ldirectord)" >"$RUN/ldirectord"
ip netns exec "$NS-ld" perl "$RUN/ldirectord" "$RUN/ldirectord.cf" start >"$RUN/ldirectord.out" 2>&1 &
disown
ok "ldirectord.cf is imported" imports ldirectord "$RUN/ldirectord.cf"
runs
ok "ldirectord has all of them in" await 30 has ld "-t 10.7.3.12:80 -r $web3:80" ||
	diag "$(cat "$RUN/ldirectord.out" "$RUN/ldirectord.log")"
equal ld "with all servers alive the two tables are equal"
ok "web3 dies" rs_stop 3
ok "ldirectord sets it to 0" await 30 has ld "-t 10.7.3.10:80 -r $web3:80 .* -w 0"
ok "and takes it out where it is not to stay" await 15 lacks ld "10.7.3.11:8443 -r $web3"
ok "its fallback serves" await 15 has ld "-t 10.7.3.12:80 -r $web2:80"
equal ld "with web3 dead the two tables are equal"
diag "$(table ld)"

done_testing
