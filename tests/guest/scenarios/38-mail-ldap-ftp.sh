# shellcheck shell=bash
# Dovecot by IMAP and POP3, plain and by TLS, OpenLDAP's slapd and vsftpd, each asked as
# itself: up, also where slapd lets nobody in without a name. A file server that is full, a
# frozen one, a dead one and another's port each have their own reason. What they say is then
# spoilt on its way in every manner: dripped, reset, cut, replaced by garbage and by 10 MB.
#
# peers: dovecot-imapd dovecot-pop3d slapd vsftpd
# deadline: 120
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../injured.sh disable=SC1091
. "$(dirname "$0")/../injured.sh"

NAME=mail.example.net

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 20 \
	-subj "/CN=$NAME" -addext "subjectAltName=DNS:$NAME" -keyout "$RUN/key.pem" \
	-out "$RUN/cert.pem" 2>"$RUN/openssl.log" || exit

dovecot_start() {
	local dir=$RUN/dovecot.run

	mkdir "$dir"
	chmod 755 "$RUN" "$dir"
	cat >"$RUN/dovecot.conf" <<-CONF
		base_dir = $dir
		state_dir = $dir
		log_path = /dev/stderr
		protocols = imap pop3
		listen = *
		default_internal_user = nobody
		default_internal_group = nogroup
		default_login_user = daemon
		ssl = yes
		ssl_cert = <$RUN/cert.pem
		ssl_key = <$RUN/key.pem
		passdb {
			driver = static
			args = password=secret
		}
		userdb {
			driver = static
			args = uid=65534 gid=65534 home=$dir
		}
		# One process for all clients: a fresh one for each is slow here.
		service imap-login {
			service_count = 0
			process_min_avail = 1
		}
		service pop3-login {
			service_count = 0
			process_min_avail = 1
		}
	CONF
	installed_server dovecot dovecot -F -c "$RUN/dovecot.conf"
}

# slapd_start NAME PORT [LINE]: without any database, which a bind of nobody does not need.
slapd_start() {
	printf 'pidfile %s/%s.own\nargsfile %s/%s.args\n%s\n' "$RUN" "$1" "$RUN" "$1" "${3:-}" \
		>"$RUN/$1.conf"
	server "$1" slapd -f "$RUN/$1.conf" -h "ldap://0.0.0.0:$2/" -d 0
}

# vsftpd_start NAME PORT CLIENTS
vsftpd_start() {
	mkdir -p "$RUN/empty"
	cat >"$RUN/$1.conf" <<-CONF
		listen=YES
		listen_ipv6=NO
		listen_port=$2
		background=NO
		anonymous_enable=YES
		ftp_username=nobody
		nopriv_user=nobody
		secure_chroot_dir=$RUN/empty
		isolate=NO
		isolate_network=NO
		seccomp_sandbox=NO
		max_clients=$3
	CONF
	server "$1" vsftpd "$RUN/$1.conf"
}

# hold PORT: one connection that is let in, which says nothing, until released. The probe may
# be there first.
hold() {
	server hold bash -c 'until [[ ${line-} = 220* ]]; do
			exec 3<>"/dev/tcp/127.0.0.1/$1"
			read -r line <&3
		done; echo held; exec sleep 1000' bash "$1"
	await 10 grep -q held "$RUN/hold.log"
}

SERVERS=(dovecot slapd shy vsftpd small)
PROBES=(imap pop3 imap-tls pop3-tls imaps pop3s ldap shy ftp small)

topology masq 1 || exit
dovecot_start
slapd_start slapd 389
slapd_start shy 1389 "disallow bind_anon"
vsftpd_start vsftpd 21 50
vsftpd_start small 2121 1
injuries <<-ROWS
	imap 143 pass    0   0 ok
	imap 143 drip    4 100 answer-timeout
	imap 143 reset   4 100 connect-reset
	imap 143 close   4 100 connect-reset
	imap 143 garbage 0 100 answer-malformed
	imap 143 flood   5 100 answer-malformed
	pop3 110 pass    0   0 ok
	pop3 110 drip    3 300 answer-timeout
	pop3 110 reset   3 100 connect-reset
	pop3 110 close   3 100 connect-reset
	pop3 110 garbage 0 100 answer-malformed
	pop3 110 flood   4 100 answer-malformed
	ldap 389 pass    0   0 ok
	ldap 389 drip    2 300 answer-timeout
	ldap 389 reset   5 100 connect-reset
	ldap 389 close   5 100 connect-reset
	ldap 389 garbage 0 100 answer-malformed
	ldap 389 flood   1 100 answer-malformed
	ftp  21  pass    0   0 ok
	ftp  21  drip    3 300 answer-timeout
	ftp  21  reset   3 100 connect-reset
	ftp  21  close   3 100 connect-reset
	ftp  21  garbage 0 100 answer-malformed
	ftp  21  flood   4 100 answer-malformed
ROWS
ok "the servers start" await 30 server_takes 143 110 993 995 389 1389 21
tls="ca_file = $RUN/cert.pem"
agent_config <<-INI
	$(service mail 143 "${PROBES[@]}" wrong-pop3 wrong-imap wrong-ldap wrong-ftp)
	$(injured_service)
	$(kind imap "imap://{address}:143")
	$(kind pop3 "pop3://{address}:110")
	$(kind imap-tls "imap://$NAME:143" "$tls" "starttls = must")
	$(kind pop3-tls "pop3://$NAME:110" "$tls" "starttls = must")
	$(kind imaps "imaps://$NAME:993" "$tls" "min_days = 10")
	$(kind pop3s "pop3s://$NAME:995" "$tls" "min_days = 10")
	$(kind ldap "ldap://{address}:389")
	$(kind shy "ldap://{address}:1389")
	$(kind ftp "ftp://{address}:21")
	$(kind small "ftp://{address}:2121")
	$(kind wrong-pop3 "pop3://{address}:143")
	$(kind wrong-imap "imap://{address}:21")
	$(kind wrong-ldap "ldap://{address}:110")
	$(kind wrong-ftp "ftp://{address}:389")
	$(injured_ini imap "imap://{address}:PORT")
	$(injured_ini pop3 "pop3://{address}:PORT")
	$(injured_ini ldap "ldap://{address}:PORT")
	$(injured_ini ftp "ftp://{address}:PORT")
INI
ok "the agent starts" agent_start
ok "all are up" await 20 all_up "${PROBES[@]}"
for probe in wrong-pop3 wrong-imap wrong-ldap; do
	ok "$probe: another's greeting makes no sense" await 10 failed $probe answer-malformed
done
ok "wrong-ftp: one that waits to be spoken to does not greet" await 10 failed wrong-ftp answer-timeout
injured_check

ok "a client takes the only place there is" hold 2121
ok "which is a failure" await 10 failed small answer-status
like "$(agent explain mail/mail1)" 'too many connected users' "explain has its words"
server_signal KILL hold
ok "it is up when that one is gone" await 10 all_up small

all_forget
server_signal STOP "${SERVERS[@]}"
ok "frozen servers do not answer" await 15 all_failed answer-timeout imap pop3 imap-tls pop3-tls \
	ldap shy ftp small
ok "nor begin with TLS" await 15 all_failed tls-timeout imaps pop3s
server_signal CONT "${SERVERS[@]}"
ok "and are up again" await 15 all_up "${PROBES[@]}"

server_signal KILL "${SERVERS[@]}"
ok "dead servers refuse" await 15 all_failed connect-refused "${PROBES[@]}"

done_testing
