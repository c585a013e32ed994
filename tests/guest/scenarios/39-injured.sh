# shellcheck shell=bash
# What real servers say is spoilt on its way to the probe: a byte at a time, a reset or an end
# in the middle, garbage or 10 MB in its place. Whatever the kind, the attempt ends for the
# right reason, under its one deadline. nginx by http and tls, Redis, Google's gRPC and
# aiosmtpd here; 37 and 38 have databases, mail boxes, directories and files.
#
# peers: nginx redis-server python3-grpcio python3-aiosmtpd
# deadline: 90
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../injured.sh disable=SC1091
. "$(dirname "$0")/../injured.sh"

web_start() {
	local dir=$RUN/web

	mkdir -p "$dir"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 20 \
		-subj /CN=web -keyout "$dir/key.pem" -out "$dir/cert.pem" 2>"$RUN/openssl.log" || return
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
			ssl_certificate $dir/cert.pem;
			ssl_certificate_key $dir/key.pem;
			server {
				listen 80;
				listen 443 ssl;
				location = /big { root $dir; }
				location / { return 200 "a page of a few words\n"; }
			}
		}
	CONF
	echo "a page of a few words, and 10 MB" >"$dir/big"
	truncate -s 10M "$dir/big"
	server nginx nginx -e "$dir/error.log" -p "$dir" -c "$dir/nginx.conf"
}

# talkers_start: a gRPC server that serves, and a mail server, in one process.
talkers_start() {
	cat >"$RUN/talkers.py" <<-'PY'
		from concurrent import futures
		import grpc
		from aiosmtpd.controller import Controller
		from aiosmtpd.handlers import Sink

		class Health(grpc.GenericRpcHandler):
		    def service(self, call):
		        if call.method == "/grpc.health.v1.Health/Check":
		            return grpc.unary_unary_rpc_method_handler(lambda request, context: b"\x08\x01")

		# By a name of its own: it would ask a name server for one, at each connection.
		Controller(Sink(), "0.0.0.0", 25, server_hostname="mail").start()
		server = grpc.server(futures.ThreadPoolExecutor(2))
		server.add_generic_rpc_handlers((Health(),))
		server.add_insecure_port("0.0.0.0:50051")
		server.start()
		server.wait_for_termination()
	PY
	# shellcheck disable=SC2154 # lib.sh's
	PYTHONPATH=$peer_root/usr/lib/python3/dist-packages server talkers python3 "$RUN/talkers.py"
}

topology masq 1 || exit
talkers_start
ok "nginx starts" web_start
server redis redis-server --port 6379 --bind 0.0.0.0 --protected-mode no --save '' --dir "$RUN"
injuries <<-ROWS
	http  80    pass     0   0 ok
	http  80    drip    17 100 answer-timeout
	http  80    reset   17 100 connect-reset
	http  80    close   17 100 connect-reset
	http  80    garbage  0 100 answer-malformed
	http  80    flood   17 100 answer-malformed
	head  80    close   17 100 connect-reset
	big   80    pass     0   0 ok
	big   80    drip   400  50 answer-timeout
	big   80    reset 5000 100 connect-reset
	tls   443   pass     0   0 ok
	tls   443   drip     5  50 tls-timeout
	tls   443   reset    5 100 connect-reset
	tls   443   close    5 100 tls-failed
	tls   443   garbage  0 100 tls-failed
	tls   443   flood    5 100 tls-failed
	redis 6379  pass     0   0 ok
	redis 6379  drip     1 500 answer-timeout
	redis 6379  reset    1 100 connect-reset
	redis 6379  close    1 100 connect-reset
	redis 6379  garbage  0 100 answer-malformed
	redis 6379  flood    1 100 answer-malformed
	grpc  50051 pass     0   0 ok
	grpc  50051 drip     9 100 answer-timeout
	grpc  50051 reset    9 100 connect-reset
	grpc  50051 close    9 100 connect-reset
	grpc  50051 garbage  0 100 answer-malformed
	grpc  50051 flood    9 100 answer-malformed
	smtp  25    pass     0   0 ok
	smtp  25    drip     4 200 answer-timeout
	smtp  25    reset    4 100 connect-reset
	smtp  25    close    4 100 connect-reset
	smtp  25    garbage  0 100 answer-malformed
	smtp  25    flood    4 100 answer-malformed
ROWS
ok "the servers start" await 30 server_takes 80 443 6379 25 50051
agent_config <<-INI
	$(injured_service)
	$(injured_ini http "http://{address}:PORT/" "expect_body = few words")
	$(injured_ini head "http://{address}:PORT/")
	$(injured_ini big "http://{address}:PORT/big" "expect_body = few words")
	$(injured_ini tls "tls://{address}:PORT" "verify = off")
	$(injured_ini redis "redis://{address}:PORT")
	$(injured_ini grpc "grpc://{address}:PORT/")
	$(injured_ini smtp "smtp://{address}:PORT")
INI
ok "the agent starts" agent_start
injured_check

done_testing
