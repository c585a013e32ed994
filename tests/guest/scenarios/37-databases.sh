# shellcheck shell=bash
# A real MariaDB and a real PostgreSQL, each asked as itself: up, whoever logs in or is
# turned down; too many connections, a frozen server, a dead one and another's port each have
# their own reason. MariaDB, which blocks a host that leaves in mid handshake too often, never
# blocks the agent, and neither server complains of it. What they say is then spoilt on its
# way in every manner: dripped, reset, cut, replaced by garbage and by 10 MB.
#
# peers: mariadb-server-core postgresql-15
# data: mariadb pgsql
# deadline: 120
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../injured.sh disable=SC1091
. "$(dirname "$0")/../injured.sh"

TOO_MANY=12 # connections for MariaDB
TOO_BAD=10  # handshakes given up, by one host

# mariadb_start: it knows the director by name, which it needs to count its errors.
mariadb_start() {
	# shellcheck disable=SC2154 # lib.sh's
	local share=$peer_root/usr/share/mysql

	[ -e "$share" ] || share=/usr/share/mysql
	mkdir "$RUN/mariadb.data"
	tar -x -C "$RUN/mariadb.data" -f "$REPO/build/peers/data/mariadb.tar"
	printf '%s localhost\n%s director\n' 127.0.0.1 10.1.0.1 >"$RUN/hosts"
	echo "CREATE USER guest@'%';" >"$RUN/init.sql"
	# The mount is seen by this server alone.
	server mariadb sh -c 'mount --bind "$1" /etc/hosts && shift && exec "$@"' sh "$RUN/hosts" \
		mariadbd --no-defaults --user=root --datadir="$RUN/mariadb.data" \
		--lc-messages-dir="$share" --socket="$RUN/mariadb.sock" \
		--pid-file="$RUN/mariadb.pid.own" --bind-address=0.0.0.0 --port=3306 \
		--skip-innodb --default-storage-engine=Aria --init-file="$RUN/init.sql" \
		--max-connections=$TOO_MANY --max-connect-errors=$TOO_BAD --connect-timeout=60
}

# pgsql_start: says of each line of its log on whose account it is.
pgsql_start() {
	local postgres

	for postgres in "$peer_root"/usr/lib/postgresql/*/bin/postgres \
		/usr/lib/postgresql/*/bin/postgres; do
		[ ! -x "$postgres" ] || break
	done
	mkdir "$RUN/pgsql.data"
	tar -x -C "$RUN/pgsql.data" -f "$REPO/build/peers/data/pgsql.tar"
	chown -R 65534:65534 "$RUN/pgsql.data"
	chmod 700 "$RUN/pgsql.data"
	server pgsql "$REPO/tests/guest/nobody" "$postgres" -D "$RUN/pgsql.data" -c listen_addresses=0.0.0.0 -c fsync=off \
		-c unix_socket_directories= -c autovacuum=off -c log_line_prefix='%h '
}

# hold N: that many connections to MariaDB that were greeted, which say nothing, until
# released. The probes may be there first; bash reads past NULs.
hold() {
	cat >"$RUN/hold.sh" <<-'BASH'
		LC_ALL=C
		for ((n = 0; n < $1; )); do
			exec {fd}<>/dev/tcp/127.0.0.1/3306
			IFS= read -r -N 2 -u "$fd" head
			[[ $head = ?$'\n' ]] && n=$((n + 1)) || exec {fd}>&-
		done
		echo held
		exec sleep 1000
	BASH
	server hold bash "$RUN/hold.sh" "$1"
	await 15 grep -q held "$RUN/hold.log"
}

# leave N: the director connects to MariaDB, and leaves without a word.
leave() {
	in_director bash -c 'for ((i = 0; i < $1; i++)); do
		read -r -N 4 -u 3 3<>"/dev/tcp/$2/3306"; done' bash "$1" "$(rs_ip 1)"
}

attempts_are() { [ "$(metric "ipvs_probe_attempts_total{probe=\"$1\"}")" -gt "$2" ]; }

topology masq 1 || exit
mariadb_start
pgsql_start
injuries <<-ROWS
	mysql 3306 pass    0 0    ok
	mysql 3306 drip    8 100  answer-timeout
	mysql 3306 reset  20 100  connect-reset
	mysql 3306 close  20 100  connect-reset
	mysql 3306 garbage 0 100  answer-malformed
	mysql 3306 flood   4 100  answer-malformed
	pgsql 5432 pass    0 0    ok
	pgsql 5432 drip    0 3000 answer-timeout
	pgsql 5432 reset   0 100  connect-reset
	pgsql 5432 close   0 100  connect-reset
	pgsql 5432 garbage 0 100  answer-malformed
	pgsql 5432 flood   0 100  answer-malformed
	wrong 3306 pass    0 0    answer-malformed
	quiet 5432 pass    0 0    answer-timeout
ROWS
ok "the servers start" await 30 server_takes 3306 5432
agent_config <<-INI
	$(service mysql 3306 mysql guest)
	$(service pgsql 5432 pgsql)
	$(injured_service)
	$(kind mysql "mysql://")
	$(kind guest "mysql://" "user = guest")
	$(kind pgsql "pgsql://")
	$(injured_ini mysql "mysql://{address}:PORT")
	$(injured_ini pgsql "pgsql://{address}:PORT")
	$(injured_ini wrong "pgsql://{address}:PORT")
	$(injured_ini quiet "mysql://{address}:PORT")
INI
ok "the agent starts" agent_start
ok "all are up: who logs in, who is turned down, and PostgreSQL" await 20 all_up mysql guest pgsql
# Another's port included: one makes no sense, one waits to be spoken to.
injured_check

ok "many attempts later" await 30 attempts_are guest $((TOO_BAD + 1))
for probe in mysql guest pgsql; do
	is "$(metrics | grep 'ipvs_probe_failures_total{' | grep "\"$probe\"" | grep -v '"local-')" "" \
		"no attempt by $probe has failed"
done
is "$(grep '^10\.1\.0\.1 ' "$RUN/pgsql.log")" "" "PostgreSQL has nothing to say of the director"
is "$(grep -iE "abort|unauth.*director|guest" "$RUN/mariadb.log" | grep -v localhost)" "" \
	"nor has MariaDB of one who logs in"

ok "clients take all connections of MariaDB" hold $((TOO_MANY + 1))
ok "which is a failure" await 10 failed mysql answer-status
like "$(agent explain mysql/mysql1)" 'Too many connections' "explain has its words"
server_signal KILL hold
ok "it is up when they are gone" await 10 all_up mysql guest

all_forget
server_signal STOP mariadb pgsql
ok "frozen servers do not answer" await 15 all_failed answer-timeout mysql guest pgsql
server_signal CONT mariadb pgsql
ok "and are up again" await 15 all_up mysql guest pgsql

all_forget
ok "somebody at the director leaves in mid handshake, again and again" leave $((TOO_BAD + 1))
ok "for which MariaDB blocks the director" await 10 all_failed answer-status mysql guest
like "$(agent explain mysql/mysql1)" 'blocked' "explain has its words"

server_signal KILL mariadb pgsql
ok "dead servers refuse" await 15 all_failed connect-refused mysql guest pgsql

done_testing
