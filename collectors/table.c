/* table.c: the registries. A new collector or kind of probe is its file and one
 * row here. */
#include "collectors/table.h"

const struct collector *const collector_table[] = {
	&collector_ipvs,      &collector_ip_vs_proc,
	&collector_sysctl,    &collector_probes,
	&collector_decisions, &collector_duties,
	&collector_peers,     &collector_agent,
	&collector_process,   NULL,
};

const struct probe_type *const probe_table[] = {
	&probe_tcp,  &probe_udp,   &probe_http,  &probe_tls,   &probe_grpc, &probe_mail,
	&probe_dns,  &probe_redis, &probe_mysql, &probe_pgsql, &probe_ftp,  &probe_ldap,
	&probe_icmp, &probe_exec,  &probe_file,  &probe_agent, NULL,
};
