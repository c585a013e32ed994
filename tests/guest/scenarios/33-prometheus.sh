# shellcheck shell=bash
# What Prometheus sees. The director has services of every sort: own ones (two
# addresses of one pool, UDP, IPv6, fwmark), an extra realserver in an own service,
# foreign ones (with an IPv6 and a fwmark one among them). promtool has nothing to
# say about the page, also with node_exporter's names; a real Prometheus scrapes
# it as OpenMetrics and as text (through a proxy that asks for text only) without
# an error, and finds every service and realserver exactly once. gzip, HEAD and
# collect[] do what they should, and bad requests get clean errors.
#
# peers: prometheus nginx ipvsadm
# deadline: 120
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"

config() {
	cat <<-INI
		[metrics]
		max_age = 0
		${1:-}

		[service web]
		address = tcp://$VIP:80
		address = tcp://$VIP:443
		address = tcp://[$VIP6]:80
		scheduler = wrr
		forward = masq
		probe = connect
		realserver = web1 $(rs_ip 1) $(rs_ip6 1)
		realserver = web2 $(rs_ip 2) $(rs_ip6 2)

		[service dns]
		address = udp://$VIP:53
		forward = masq
		realserver = dns1 $(rs_ip 1)
		realserver = dns2 $(rs_ip 2)

		[service mark]
		address = fwmark://5
		realserver = web1 $(rs_ip 1)

		[service mark6]
		address = fwmark6://6
		realserver = web1 $(rs_ip6 1)

		[service empty]
		address = tcp://$VIP:8888

		[probe connect]
		url = tcp://:80
		interval = 1s
		timeout = 800ms
		histogram = on
	INI
}

# The director's nginx: 9101 hands on what Prometheus accepts, 9102 asks for text.
# Both note what came back.
proxies_start() {
	local dir=$RUN/proxy

	mkdir -p "$dir"
	cat >"$dir/nginx.conf" <<-CONF
		daemon off;
		master_process off;
		pid $dir/pid;
		events { }
		http {
			log_format scrape '\$server_port \$status \$sent_http_content_type'
				' \$sent_http_content_encoding';
			access_log $dir/access.log scrape;
			client_body_temp_path $dir/body;
			proxy_temp_path $dir/proxy;
			fastcgi_temp_path $dir/fastcgi;
			uwsgi_temp_path $dir/uwsgi;
			scgi_temp_path $dir/scgi;
			server {
				listen 127.0.0.1:9101;
				location / { proxy_pass $AGENT_URL; }
			}
			server {
				listen 127.0.0.1:9102;
				location / {
					proxy_pass $AGENT_URL;
					proxy_set_header Accept "text/plain;version=0.0.4";
				}
			}
		}
	CONF
	in_director nginx -e "$dir/error.log" -p "$dir" -c "$dir/nginx.conf" \
		>"$dir/nginx.log" 2>&1 &
	disown
}

prometheus_start() {
	cat >"$RUN/prometheus.yml" <<-YML
		global: { scrape_interval: 3s, scrape_timeout: 3s }
		scrape_configs:
		- job_name: openmetrics
		  static_configs: [ { targets: [ "127.0.0.1:9101" ] } ]
		- job_name: text
		  static_configs: [ { targets: [ "127.0.0.1:9102" ] } ]
	YML
	in_director prometheus --config.file="$RUN/prometheus.yml" \
		--storage.tsdb.path="$RUN/tsdb" --web.listen-address=127.0.0.1:9090 \
		>"$RUN/prometheus.log" 2>&1 &
	disown
}

# query EXPRESSION: an instant query; the values, one a line, of all that it finds.
query() {
	in_director curl -sS -m 10 --data-urlencode "query=$1" \
		http://127.0.0.1:9090/api/v1/query |
		grep -o '"value":\[[^]]*\]' | sed 's/.*,"//; s/"\]//'
}

query_is() { [ "$(query "$1" | tr '\n' ' ')" = "$2" ]; }

# fetch [CURL-OPTIONS] PATH: status, headers in $RUN/headers, body in $RUN/body.
fetch() {
	local path=${!#}

	in_director curl -s -m 10 -D "$RUN/headers" -o "$RUN/body" -w '%{http_code}' \
		"${@:1:$#-1}" "$AGENT_URL$path"
}

header() {
	tr -d '\r' <"$RUN/headers" | sed -n "s/^$1: //Ip"
}

promtool_silent() {
	local said

	said=$(in_director promtool check metrics <"$1" 2>&1)
	is "$?:$said" "0:" "$2"
}

all_up() { [ "$(metric ipvs_probe_up | tr -d '\n')" = 11 ]; }

node_names() {
	metrics >"$RUN/text" && grep -q ^node_ipvs_ "$RUN/text"
}

extra_connections() {
	in_director grep -q -- '-> 0A01000D:0050 *Masq *7 *2 ' /proc/net/ip_vs
}

extra_drained() { in_director grep -q -- '-> 0A01000D:0050 *Masq *0 ' /proc/net/ip_vs; }

# ---- the table ---------------------------------------------------------------

topology masq 3 || exit
for i in 1 2 3; do
	rs_start "$i" || exit
done
in_director ipvsadm -R <<-RULES
	-A -t $VIP:80 -s wrr
	-a -t $VIP:80 -r $(rs_ip 3):80 -m -w 7
	-A -t 10.9.0.101:80 -s rr
	-a -t 10.9.0.101:80 -r $(rs_ip 1):80 -m -w 1
	-a -t 10.9.0.101:80 -r $(rs_ip 2):80 -m -w 2
	-A -u 10.9.0.101:53 -s rr
	-A -f 77 -s rr
	-a -f 77 -r $(rs_ip 1):0 -g -w 1
	-A -t [fd09::101]:80 -s rr
	-a -t [fd09::101]:80 -r [$(rs_ip6 1)]:80 -m -w 1
RULES
# The extra realserver is drained, not deleted, as long as it has connections.
traffic_start extra -r 0 -l 2 -i 500 -t "$(scaled 1000)" -w 1 -v "$VIP" 80
ok "the extra realserver has connections" await 10 \
	extra_connections

ok "the agent starts" agent_start < <(config)
proxies_start
prometheus_start
ok "probes have verdicts" await 15 all_up
ok "the extra realserver is at 0" await 15 extra_drained

# Services and realservers of the kernel itself.
services=$(ipvs_table | grep -c '^-A')
realservers=$(ipvs_table | grep -c '^-a')
is "$services $realservers" "11 15" "the kernel has all of it" || diag "$(ipvs_table)"

# ---- the page ----------------------------------------------------------------

is "$(fetch /metrics)" 200 "the page"
like "$(header content-type)" '^text/plain; version=0.0.4' "is text"
cp "$RUN/body" "$RUN/text"
promtool_silent "$RUN/text" "promtool check metrics is silent"
is "$(grep -v '^#' "$RUN/text" | sed 's/ [^ ]*$//' | sort | uniq -d)" "" "no series twice"
is "$(grep -c '^ipvs_service_info{' "$RUN/text")" "$services" "every service, once"
is "$(grep -c '^ipvs_realserver_weight{' "$RUN/text")" "$realservers" "every realserver, once"
is "$(series_values 'ipvs_service_info{ipvs_service="tcp://10.9.0.101:80"}' <"$RUN/text")" 1 \
	"a foreign service by its address"
is "$(series_values 'ipvs_realserver_weight{ipvs_service="web",realserver="10.1.0.13:80"}' \
	<"$RUN/text")" 0 "the extra realserver, drained"

is "$(fetch -H 'Accept: application/openmetrics-text; version=1.0.0' /metrics)" 200 "OpenMetrics"
like "$(header content-type)" '^application/openmetrics-text; version=1.0.0; charset=utf-8' "by name"
is "$(tail -n 1 "$RUN/body")" "# EOF" "to its end"
is "$(grep -v '^#' "$RUN/body" | sed 's/ [^ ]*$//' | sort | uniq -d)" "" "no series twice"

is "$(fetch --compressed /metrics)" 200 "compressed"
is "$(header content-encoding)" gzip "by gzip"
is "$(grep -c '^# TYPE' "$RUN/body")" "$(grep -c '^# TYPE' "$RUN/text")" "and all there"
is "$(fetch --head /metrics)" 200 "HEAD"
is "$(wc -c <"$RUN/body" | tr -d ' ')" "$(wc -c <"$RUN/headers" | tr -d ' ')" "is headers only"
is "$(fetch '/metrics?collect%5B%5D=process')" 200 "collect[]"
is "$(grep -c '^ipvs_service' "$RUN/body")" 0 "leaves out what was not asked for"
like "$(grep '^process_resident_memory_bytes' "$RUN/body")" ' [1-9]' "and has what was"

# bad WHAT STATUS [CURL-OPTIONS] PATH: one line of text says why; JSON in the API.
bad() {
	local what=$1 status=$2 wanted='^[a-z][^<>]{10,300}$'
	shift 2

	case ${!#} in
	/api/*) wanted='^\{"error":\{"code":"[a-z_]+","message":".+"\}\}' ;;
	esac
	is "$(fetch "$@")" "$status" "$what: $status"
	like "$(cat "$RUN/body")" "$wanted" "$what: and says why"
}
bad "an unknown collector" 400 '/metrics?collect%5B%5D=nonsense'
bad "an unknown path" 404 /nothing
bad "a wrong method" 405 -X DELETE /metrics
is "$(header allow)" "GET, HEAD" "and which are right"
bad "a path that climbs" 404 --path-as-is /../../etc/passwd
bad "an unknown service" 404 /api/v1/services/nosuch
bad "explain without a target" 400 /api/v1/explain
bad "a reload from the network" 403 -X POST /-/reload
# The first line of the answer to bytes that are not HTTP at all.
# shellcheck disable=SC2016 # expands inside
garbage=$(in_director bash -c 'exec 3<>/dev/tcp/127.0.0.1/10015
	printf "\001\002 nonsense\r\n\r\n" >&3; read -r -t 5 -u 3 line; echo "${line:-closed}"')
like "$garbage" '^(closed|HTTP/1.[01] 400)' "garbage is refused"
ok "and the agent is still there" agent_ready

# ---- Prometheus --------------------------------------------------------------

ok "Prometheus is up and scrapes both" await 40 query_is \
	'count by (job) (min_over_time(up[9s]) == 1 and count_over_time(up[9s]) >= 2)' "1 1 "
is "$(query 'min_over_time(up[1h])' | tr '\n' ' ')" "1 1 " "no scrape failed"
is "$(query 'scrape_samples_scraped > 0' | wc -l)" 2 "samples from both"
is "$(query 'scrape_samples_scraped - scrape_samples_post_metric_relabeling' | tr '\n' ' ')" \
	"0 0 " "none dropped"
is "$(query 'count by (job) (ipvs_service_info)' | tr '\n' ' ')" "$services $services " \
	"every service, in both"
is "$(query 'count by (job, ipvs_service, address) (ipvs_service_info) != 1' | wc -l)" 0 \
	"exactly once"
is "$(query 'count by (job) (ipvs_realserver_weight)' | tr '\n' ' ')" \
	"$realservers $realservers " "every realserver, in both"
is "$(query 'count by (job, ipvs_service, address, realserver) (ipvs_realserver_weight) != 1' |
	wc -l)" 0 "exactly once"
is "$(query 'count by (job) (ipvs_probe_up == 1)' | tr '\n' ' ')" "2 2 " "the probes, in both"
is "$(query 'count by (job) (ipvs_probe_response_seconds_bucket{le="1.0"} > 0)' | tr '\n' ' ')" "2 2 " \
	"their durations, in both"
is "$(query 'count by (job) (histogram_quantile(0.9, ipvs_probe_response_seconds_bucket) < 0.8)' |
	tr '\n' ' ')" "2 2 " "of which Prometheus makes quantiles"
is "$(query 'ipvs_probe_response_seconds_count != ignoring(le) ipvs_probe_response_seconds_bucket{le="+Inf"}' |
	wc -l)" 0 "as many as the last bucket has"
is "$(grep -cE 'level=(warn|error).*(scrape|append|sample|duplicate)' "$RUN/prometheus.log")" 0 \
	"Prometheus has nothing to complain of" || diag "$(grep level=warn "$RUN/prometheus.log")"
formats=$(sort -u "$RUN/proxy/access.log")
diag "$formats"
like "$formats" '9101 200 application/openmetrics-text; version=1.0.0; charset=utf-8 gzip' \
	"it was OpenMetrics, compressed"
like "$formats" '9102 200 text/plain; version=0.0.4' "and it was text"
is "$(grep -vc ' 200 ' "$RUN/proxy/access.log")" 0 "every scrape was answered"

# ---- node_exporter's names ----------------------------------------------------

ok "reload: with node_exporter's names" agent_reload < <(config "node_exporter_names = on")
ok "they are there" await 5 node_names
# What promtool says of these names is the price of having exactly those of
# node_exporter; it must say nothing of ours.
said=$(in_director promtool check metrics <"$RUN/text" 2>&1)
is "$(grep -v '^node_ipvs_' <<<"$said")" "" "promtool is silent about all but those"
diag "of those: ${said:-nothing}"
is "$(grep -v '^#' "$RUN/text" | sed 's/ [^ ]*$//' | sort | uniq -d)" "" "no series twice"

traffic_stop extra
done_testing
