# shellcheck shell=bash
# Kinds of probes beside plain http, against servers that others wrote: nginx by TLS and
# HTTP/2 behind a virtual host, Google's gRPC, and aiosmtpd by STARTTLS. Each passes while
# all is well; a certificate that ends too soon fails, gRPC that does not serve takes its
# realserver out and explain says why, and it is back when it serves again.
#
# peers: nginx python3-grpcio python3-aiosmtpd
# deadline: 90
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"

NAME=www.example.net

# A certificate for NAME that signs itself, good for 20 days.
openssl req -x509 -newkey rsa:2048 -nodes -days 20 -subj "/CN=$NAME" \
	-addext "subjectAltName=DNS:$NAME" -keyout "$RUN/key.pem" -out "$RUN/cert.pem" \
	2>"$RUN/openssl.log" || exit

# web_start: nginx with TLS; only NAME is served, and says by what.
web_start() {
	local dir=$RUN/web

	mkdir -p "$dir"
	cat >"$dir/nginx.conf" <<-CONF
		daemon off;
		master_process off;
		pid $dir/pid;
		events {}
		http {
			access_log off;
			client_body_temp_path $dir/body;
			proxy_temp_path $dir/proxy;
			fastcgi_temp_path $dir/fastcgi;
			uwsgi_temp_path $dir/uwsgi;
			scgi_temp_path $dir/scgi;
			ssl_certificate $RUN/cert.pem;
			ssl_certificate_key $RUN/key.pem;
			server { listen 443 ssl http2 default_server; return 404; }
			server {
				listen 443 ssl http2;
				server_name $NAME;
				add_header X-Protocol \$server_protocol;
				return 200 "pool\n";
			}
		}
	CONF
	ip netns exec "$NS-rs1" nginx -e "$dir/error.log" -p "$dir" -c "$dir/nginx.conf" \
		>"$dir/nginx.log" 2>&1 &
	disown
	await 10 in_ns rs1 bash -c "</dev/tcp/127.0.0.1/443" 2>/dev/null
}

# talkers_start: a gRPC server whose service "shop" serves unless there is a file, and a mail
# server with STARTTLS, in one process: to start one takes long here.
talkers_start() {
	cat >"$RUN/talkers.py" <<-'PY'
		import os, ssl, sys
		from concurrent import futures
		import grpc
		from aiosmtpd.controller import Controller
		from aiosmtpd.handlers import Sink

		def check(request, context):
		    if request not in (b"", b"\x0a\x04shop"):
		        context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
		    return b"\x08\x02" if os.path.exists(sys.argv[1]) else b"\x08\x01"

		class Health(grpc.GenericRpcHandler):
		    def service(self, call):
		        if call.method == "/grpc.health.v1.Health/Check":
		            return grpc.unary_unary_rpc_method_handler(check)

		tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
		tls.load_cert_chain(sys.argv[2], sys.argv[3])
		# By a name of its own: it would ask a name server for one, at each connection.
		Controller(Sink(), "0.0.0.0", 25, tls_context=tls, server_hostname="mail").start()
		server = grpc.server(futures.ThreadPoolExecutor(2))
		server.add_generic_rpc_handlers((Health(),))
		server.add_insecure_port("0.0.0.0:50051")
		server.start()
		server.wait_for_termination()
	PY
	# shellcheck disable=SC2154 # lib.sh's
	PYTHONPATH=$peer_root/usr/lib/python3/dist-packages ip netns exec "$NS-rs1" \
		python3 "$RUN/talkers.py" "$RUN/sick" "$RUN/cert.pem" "$RUN/key.pem" \
		>"$RUN/talkers.log" 2>&1 &
	disown
	await 30 in_ns rs1 bash -c "</dev/tcp/127.0.0.1/50051" 2>/dev/null
}

# kind NAME URL [KEY = VALUE...]: a probe that is quick, and waits for a slow machine.
kind() {
	printf '[probe %s]\nurl = %s\ninterval = 5s\nfast_interval = 1s\n' "$1" "$2"
	printf 'timeout = 4500ms\nrise = 2\nfall = 2\n'
	shift 2
	[ $# = 0 ] || printf '%s\n' "$@"
}

# service NAME PORT PROBE...: one realserver, asked in these ways.
service() {
	printf '[service %s]\naddress = tcp://%s:%s\nforward = masq\nscheduler = wrr\n' "$1" "$VIP" "$2"
	printf 'realserver = %s1 %s\nprobe = %s\n' "$1" "$(rs_ip 1)" "${*:3}"
}

up() { metric_is "ipvs_probe_up{probe=\"$1\"}" "$2"; }
failed() { [ "$(metric "ipvs_probe_failures_total{probe=\"$1\",reason=\"$2\"}")" -ge 2 ]; }

topology masq 1 || exit
web_start || exit
talkers_start || {
	diag "the servers do not start" "$(cat "$RUN/talkers.log")"
	exit 1
}
tls="ca_file = $RUN/cert.pem"
agent_config <<-INI
	$(service web 443 h1 h2 tls)
	$(service old 8443 fallback soon stranger)
	$(service shop 50051 grpc)
	$(service cart 50052 nobody)
	$(service mail 25 smtp smtps)
	$(kind h1 "https://{address}/" "host = $NAME" "$tls" "expect_header = X-Protocol: HTTP/1.1")
	$(kind h2 "https://{address}/" "host = $NAME" "$tls" "http_version = 2" \
	"expect_header = x-protocol: HTTP/2")
	$(kind tls "tls://$NAME" "$tls" "min_days = 10")
	$(kind fallback "https://{address}:443/" "server_name = $NAME" "$tls")
	$(kind soon "tls://$NAME:443" "$tls" "min_days = 25")
	$(kind stranger "tls://other.example:443" "$tls")
	$(kind grpc "grpc://{address}/shop")
	$(kind nobody "grpc://{address}:50051/cart")
	$(kind smtp "smtp://$NAME" "$tls" "starttls = must" "min_days = 10")
	$(kind smtps "smtps://$NAME:25" "$tls")
INI
ok "the agent starts" agent_start
for probe in h1 h2 tls grpc smtp; do
	ok "$probe is up" await 15 up $probe 1
done
# The Host header is the URL's, which nobody serves.
ok "another Host header" await 15 failed fallback answer-status
ok "a certificate that ends too soon" await 15 failed soon tls-expiring
ok "a certificate of somebody else's" await 15 failed stranger tls-untrusted
ok "a mail server that does not begin by TLS" await 15 failed smtps tls-failed
ok "a gRPC service that nobody knows" await 15 failed nobody answer-status
like "$(agent explain cart/cart1)" 'NOT_FOUND' "explain says which status"

ends=$(date -d "$(openssl x509 -in "$RUN/cert.pem" -noout -enddate | cut -d = -f 2)" +%s)
shown=$(metric 'ipvs_probe_tls_expiry_timestamp_seconds{probe="tls"}')
is "$(printf '%.0f' "$shown")" "$ends" "the metric says when the certificate ends"
is "$(metric 'ipvs_probe_tls_expiry_timestamp_seconds{probe="h1"}')" "" "and nothing where nobody asked"

: >"$RUN/sick"
ok "gRPC that does not serve is down" await 15 up grpc 0
like "$(agent explain shop/shop1)" 'NOT_SERVING' "explain says why"
rm "$RUN/sick"
ok "and up when it serves again" await 15 up grpc 1

done_testing
