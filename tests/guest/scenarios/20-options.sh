# shellcheck shell=bash
# What the file says is what ipvsadm shows, option by option: every forward method,
# scheduler and scheduler flag, IPv4, IPv6, firewall marks, UDP, one-packet, SCTP,
# every tunnel type with its port and checksum, thresholds, persistence with its
# netmasks and engine, several addresses, and a realserver's own keys. The agent's
# reading agrees with its writing (the next passes write nothing), and when another
# hand has changed every one of these things, every one of them is put back.
#
# peers: ipvsadm
# deadline: 240
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"

topology masq 0 || exit

# try WHAT ADDRESSES KEYS WANTED: a service of its own with these addresses (words)
# and lines, and the lines of `ipvsadm -Sn` about them.
whats=()
wants=()
config="[agent]
state_dir = $RUN/state
reconcile_interval = 500ms
"
try() {
	local address

	whats+=("$1")
	# The lines are indented here, by tabs only.
	wants+=("$(LC_ALL=C sort -k2,3 -k1,1 -k4 <<<"${4//$'\t'/}")")
	config+="
[service s${#whats[@]}]
"
	for address in $2; do
		config+="address = $address
"
	done
	config+="${3//$'\t'/}
"
}

try "nothing but an address and a realserver: wlc, route, weight 100" tcp://10.7.0.1:80 \
	"realserver = a 10.1.0.11" \
	"-A -t 10.7.0.1:80 -s wlc
	-a -t 10.7.0.1:80 -r 10.1.0.11:80 -g -w 100"
try "masq, to another port" tcp://10.7.0.2:80 \
	"forward = masq
	realserver = a 10.1.0.11:8080" \
	"-A -t 10.7.0.2:80 -s wlc
	-a -t 10.7.0.2:80 -r 10.1.0.11:8080 -m -w 100"
try "tunnel: ipip" tcp://10.7.0.3:80 \
	"forward = tunnel
	realserver = a 10.1.0.11" \
	"-A -t 10.7.0.3:80 -s wlc
	-a -t 10.7.0.3:80 -r 10.1.0.11:80 -i -w 100 --tun-type ipip"
try "tunnel: gue with its port" tcp://10.7.0.4:80 \
	"forward = tunnel
	tunnel = gue:6080
	realserver = a 10.1.0.11" \
	"-A -t 10.7.0.4:80 -s wlc
	-a -t 10.7.0.4:80 -r 10.1.0.11:80 -i -w 100 --tun-type gue --tun-port 6080 --tun-nocsum"
try "tunnel: gue with a checksum" tcp://10.7.0.5:80 \
	"forward = tunnel
	tunnel = gue:6081 csum
	realserver = a 10.1.0.11" \
	"-A -t 10.7.0.5:80 -s wlc
	-a -t 10.7.0.5:80 -r 10.1.0.11:80 -i -w 100 --tun-type gue --tun-port 6081 --tun-csum"
try "tunnel: gue with a remote checksum" tcp://10.7.0.6:80 \
	"forward = tunnel
	tunnel = gue:6082 remcsum
	realserver = a 10.1.0.11" \
	"-A -t 10.7.0.6:80 -s wlc
	-a -t 10.7.0.6:80 -r 10.1.0.11:80 -i -w 100 --tun-type gue --tun-port 6082 --tun-remcsum"
try "tunnel: gre" tcp://10.7.0.7:80 \
	"forward = tunnel
	tunnel = gre
	realserver = a 10.1.0.11" \
	"-A -t 10.7.0.7:80 -s wlc
	-a -t 10.7.0.7:80 -r 10.1.0.11:80 -i -w 100 --tun-type gre --tun-nocsum"
try "tunnel: gre with a checksum" tcp://10.7.0.8:80 \
	"forward = tunnel
	tunnel = gre csum
	realserver = a 10.1.0.11" \
	"-A -t 10.7.0.8:80 -s wlc
	-a -t 10.7.0.8:80 -r 10.1.0.11:80 -i -w 100 --tun-type gre --tun-csum"
try "tunnel: an IPv6 realserver behind an IPv4 address" tcp://10.7.0.9:80 \
	"forward = tunnel
	realserver = a fd01::11" \
	"-A -t 10.7.0.9:80 -s wlc
	-a -t 10.7.0.9:80 -r [fd01::11]:80 -i -w 100 --tun-type ipip"

n=0
schedulers="rr wrr lc wlc fo ovf lblc lblcr dh sh mh sed nq"
for scheduler in $schedulers; do
	n=$((n + 1))
	try "scheduler $scheduler" tcp://10.7.1.$n:80 \
		"scheduler = $scheduler
		realserver = a 10.1.0.11" \
		"-A -t 10.7.1.$n:80 -s $scheduler
		-a -t 10.7.1.$n:80 -r 10.1.0.11:80 -g -w 100"
done
try "sh with both of its flags" tcp://10.7.2.1:80 \
	"scheduler = sh
	scheduler_flags = sh-fallback sh-port
	realserver = a 10.1.0.11" \
	"-A -t 10.7.2.1:80 -s sh -b sh-fallback,sh-port
	-a -t 10.7.2.1:80 -r 10.1.0.11:80 -g -w 100"
try "sh with sh-port alone" tcp://10.7.2.2:80 \
	"scheduler = sh
	scheduler_flags = sh-port
	realserver = a 10.1.0.11" \
	"-A -t 10.7.2.2:80 -s sh -b sh-port
	-a -t 10.7.2.2:80 -r 10.1.0.11:80 -g -w 100"
try "mh with mh-fallback alone" tcp://10.7.2.3:80 \
	"scheduler = mh
	scheduler_flags = mh-fallback
	realserver = a 10.1.0.11" \
	"-A -t 10.7.2.3:80 -s mh -b mh-fallback
	-a -t 10.7.2.3:80 -r 10.1.0.11:80 -g -w 100"
try "mh with both of its flags" tcp://10.7.2.4:80 \
	"scheduler = mh
	scheduler_flags = mh-fallback mh-port
	realserver = a 10.1.0.11" \
	"-A -t 10.7.2.4:80 -s mh -b mh-fallback,mh-port
	-a -t 10.7.2.4:80 -r 10.1.0.11:80 -g -w 100"
try "a flag by its number" tcp://10.7.2.5:80 \
	"scheduler = wrr
	scheduler_flags = flag-3
	realserver = a 10.1.0.11" \
	"-A -t 10.7.2.5:80 -s wrr -b flag-3
	-a -t 10.7.2.5:80 -r 10.1.0.11:80 -g -w 100"

try "IPv6" "tcp://[fd07::1]:80" \
	"forward = masq
	realserver = a [fd01::11]:8080" \
	"-A -t [fd07::1]:80 -s wlc
	-a -t [fd07::1]:80 -r [fd01::11]:8080 -m -w 100"
try "a firewall mark" fwmark://7 \
	"realserver = a 10.1.0.11" \
	"-A -f 7 -s wlc
	-a -f 7 -r 10.1.0.11:0 -g -w 100"
try "a firewall mark, IPv6" fwmark6://8 \
	"realserver = a fd01::11" \
	"-A -f 8 -6 -s wlc
	-a -f 8 -6 -r [fd01::11]:0 -g -w 100"
try "UDP" udp://10.7.3.1:53 \
	"realserver = a 10.1.0.11" \
	"-A -u 10.7.3.1:53 -s wlc
	-a -u 10.7.3.1:53 -r 10.1.0.11:53 -g -w 100"
try "UDP, one packet" udp://10.7.3.2:53 \
	"one_packet = on
	scheduler = rr
	realserver = a 10.1.0.11" \
	"-A -u 10.7.3.2:53 -s rr -o
	-a -u 10.7.3.2:53 -r 10.1.0.11:53 -g -w 100"
try "SCTP" sctp://10.7.3.3:36412 \
	"forward = masq
	realserver = a 10.1.0.11" \
	"-A --sctp-service 10.7.3.3:36412 -s wlc
	-a --sctp-service 10.7.3.3:36412 -r 10.1.0.11:36412 -m -w 100"

try "persistence" tcp://10.7.4.1:80 \
	"persistence = 5m
	realserver = a 10.1.0.11" \
	"-A -t 10.7.4.1:80 -s wlc -p 300
	-a -t 10.7.4.1:80 -r 10.1.0.11:80 -g -w 100"
try "persistence of networks" tcp://10.7.4.2:80 \
	"persistence = 1h30m
	persistence_netmask = 255.255.255.0
	realserver = a 10.1.0.11" \
	"-A -t 10.7.4.2:80 -s wlc -p 5400 -M 255.255.255.0
	-a -t 10.7.4.2:80 -r 10.1.0.11:80 -g -w 100"
try "persistence of networks, IPv6" "tcp://[fd07::2]:80" \
	"persistence = 10s
	persistence_netmask6 = 64
	realserver = a fd01::11" \
	"-A -t [fd07::2]:80 -s wlc -p 10 -M 64
	-a -t [fd07::2]:80 -r [fd01::11]:80 -g -w 100"
try "persistence by SIP's call" udp://10.7.4.3:5060 \
	"persistence = 60s
	persistence_engine = sip
	one_packet = on
	scheduler = rr
	realserver = a 10.1.0.11" \
	"-A -u 10.7.4.3:5060 -s rr -p 60 --pe sip -o
	-a -u 10.7.4.3:5060 -r 10.1.0.11:5060 -g -w 100"
try "every port, with persistence" tcp://10.7.4.4:0 \
	"persistence = 5m
	realserver = a 10.1.0.11" \
	"-A -t 10.7.4.4:0 -s wlc -p 300
	-a -t 10.7.4.4:0 -r 10.1.0.11:0 -g -w 100"

try "thresholds, the service's and one's own" tcp://10.7.5.1:80 \
	"upper = 5000
	lower = 4000
	realserver = a 10.1.0.11
	realserver = b 10.1.0.12 upper=10 lower=0" \
	"-A -t 10.7.5.1:80 -s wlc
	-a -t 10.7.5.1:80 -r 10.1.0.11:80 -g -w 100
	-a -t 10.7.5.1:80 -r 10.1.0.12:80 -g -w 100"
try "weights: the service's, one's own, and 0" tcp://10.7.5.2:80 \
	"weight = 7
	realserver = a 10.1.0.11
	realserver = b 10.1.0.12 weight=65535
	realserver = c 10.1.0.13 weight=0" \
	"-A -t 10.7.5.2:80 -s wlc
	-a -t 10.7.5.2:80 -r 10.1.0.11:80 -g -w 7
	-a -t 10.7.5.2:80 -r 10.1.0.12:80 -g -w 65535
	-a -t 10.7.5.2:80 -r 10.1.0.13:80 -g -w 0"
try "forward and tunnel, each realserver its own" tcp://10.7.5.3:80 \
	"forward = masq
	realserver = a 10.1.0.11
	realserver = b 10.1.0.12 forward=route
	realserver = c 10.1.0.13 forward=tunnel tunnel=gre" \
	"-A -t 10.7.5.3:80 -s wlc
	-a -t 10.7.5.3:80 -r 10.1.0.11:80 -m -w 100
	-a -t 10.7.5.3:80 -r 10.1.0.12:80 -g -w 100
	-a -t 10.7.5.3:80 -r 10.1.0.13:80 -i -w 100 --tun-type gre --tun-nocsum"
try "one that is not enabled, and a backup" tcp://10.7.5.4:80 \
	"realserver = a 10.1.0.11
	realserver = b 10.1.0.12 enabled=no
	backup = c 10.1.0.13" \
	"-A -t 10.7.5.4:80 -s wlc
	-a -t 10.7.5.4:80 -r 10.1.0.11:80 -g -w 100
	-a -t 10.7.5.4:80 -r 10.1.0.13:80 -g -w 0"
try "several addresses, both families, one pool" \
	"tcp://10.7.6.1:80 tcp://10.7.6.1:443 udp://10.7.6.1:443 tcp://[fd07::6]:80" \
	"scheduler = wrr
	realserver = a 10.1.0.11 fd01::11 weight=3" \
	"-A -t 10.7.6.1:80 -s wrr
	-a -t 10.7.6.1:80 -r 10.1.0.11:80 -g -w 3
	-A -t 10.7.6.1:443 -s wrr
	-a -t 10.7.6.1:443 -r 10.1.0.11:443 -g -w 3
	-A -u 10.7.6.1:443 -s wrr
	-a -u 10.7.6.1:443 -r 10.1.0.11:443 -g -w 3
	-A -t [fd07::6]:80 -s wrr
	-a -t [fd07::6]:80 -r [fd01::11]:80 -g -w 3"
config+="
[service out]
enabled = no
address = tcp://10.7.9.1:80
realserver = a 10.1.0.11
"

# the lines of a table about the addresses that the given lines name
about() {
	awk 'NR == FNR { wanted[$2, $3] = 1; next } ($2, $3) in wanted' \
		<(printf '%s\n' "$1") - <<<"$2"
}

wanted_lines() {
	printf '%s\n' "${wants[@]}" | grep -c -- "$1"
}

passes() {
	[ "$(metric ipvs_agent_reconciles_total)" -ge "$1" ]
}

writes() {
	metric ipvs_agent_kernel_writes_total | awk '{ n += $1 } END { print n + 0 }'
}

ok "the agent starts" agent_start <<<"$config"
services=$(wanted_lines '^-A')
realservers=$(wanted_lines '^-a')
written() { [ "$(writes)" -ge $((services + realservers)) ]; }
ok "and writes its table" await 20 written
table=$(ipvs_table)
for ((i = 0; i < ${#whats[@]}; i++)); do
	is "$(about "${wants[$i]}" "$table" | sed 's/ *$//')" "${wants[$i]}" "${whats[$i]}"
done
is "$(wc -l <<<"$table")" $((services + realservers)) "and nothing else is there"

# ipvsadm saves no thresholds; it shows them.
thresholds() {
	in_director ipvsadm -Ln -t 10.7.5.1:80 --thresholds |
		awk '$1 == "->" && $2 ~ /^10/ { print $2, $3, $4 }' | sort
}
wanted_thresholds="10.1.0.11:80 5000 4000
10.1.0.12:80 10 0"
is "$(thresholds)" "$wanted_thresholds" "thresholds, as ipvsadm -Ln shows them"
if [ -d "/lib/modules/$(uname -r)/kernel/net/netfilter/ipvs" ]; then
	is "$(find "/lib/modules/$(uname -r)/kernel/net/netfilter/ipvs" -name 'ip_vs_*.ko*' |
		sed 's/.*ip_vs_//; s/\.ko.*//' | grep -vE '^(ftp|pe_sip)$' | sort | tr '\n' ' ')" \
		"$(tr ' ' '\n' <<<"$schedulers" | sort | tr '\n' ' ')" "no scheduler of this kernel is left out"
fi

# What was written is what is read: nothing is left to do.
seen=$(metric ipvs_agent_reconciles_total)
ok "two more passes" await 20 passes $((seen + 2))
metrics >"$RUN/exposition"
value() { series_values "$1" <"$RUN/exposition"; }
is "$(value 'ipvs_agent_kernel_writes_total{op="new_service"}')" "$services" "one write a service"
is "$(value 'ipvs_agent_kernel_writes_total{op="new_dest"}')" "$realservers" "one write a realserver"
is "$(value ipvs_agent_kernel_writes_total | awk '{ n += $1 } END { print n }')" \
	$((services + realservers)) "and no other"
is "$(value ipvs_agent_kernel_write_failures_total | sort -u)" 0 "none was refused"
is "$(value ipvs_agent_drift_total)" 0 "nothing drifted"
is "$(value ipvs_service_info | wc -l)" "$services" "each service is exported once"
is "$(value ipvs_realserver_weight | wc -l)" "$realservers" "each realserver is exported once"
is "$(value 'ipvs_service_info{managed="true"}' | wc -l)" "$services" "as managed ones"

# Another hand: every scheduler, flag, persistence and engine, every forward method,
# tunnel, threshold and weight becomes another.
awk '$1 == "-A" {
		key = $2 " " $3 ($4 == "-6" ? " -6" : "")
		print "-E", key, "-s", / -s rr/ ? "lc" : "rr", $3 ~ /:0$/ ? "-p 99" : / -p / ? "" : "-p 77"
	}
	$1 == "-a" {
		key = $2 " " $3 ($4 == "-6" ? " -6" : "")
		match($0, /-r [^ ]+/)
		dest = substr($0, RSTART, RLENGTH)
		# ipvsadm knows another port with masq only.
		fwd = dest ~ /:8080$/ ? "-m" : / -i / ? "-i --tun-type gue --tun-port 999" : "-i"
		print "-e", key, dest, fwd, "-w 55 -x 99 -y 9"
	}' <<<"$table" >"$RUN/other-hand"
# shellcheck disable=SC2016 # expands inside
ok "somebody changes everything" in_director sh -c 'ipvsadm -R <"$1"' sh "$RUN/other-hand"
same() { [ "$(ipvs_table)" = "$table" ] && [ "$(thresholds)" = "$wanted_thresholds" ]; }
ok "and everything is put back" await 20 same || diag "$(diff <(echo "$table") <(ipvs_table))"
drift_counted() { [[ $(metric ipvs_agent_drift_total) =~ ^[1-9][0-9]+$ ]]; }
ok "and was counted as drift" await 5 drift_counted
is "$(metric ipvs_agent_kernel_write_failures_total | sort -u)" 0 "still, none was refused"

done_testing
