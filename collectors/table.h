/* table.h: the registries of those who look: collectors and kinds of probes. Plain
 * arrays: the order here is the order in /metrics and in --help. */
#ifndef COLLECTORS_TABLE_H
#define COLLECTORS_TABLE_H

#include "agent/collector.h"
#include "agent/probe.h"

/* NULL-terminated. */
extern const struct collector *const collector_table[];
extern const struct probe_type *const probe_table[];

/* The descriptors, each at the end of its file. */
extern const struct collector collector_ipvs, collector_ip_vs_proc, collector_sysctl,
	collector_process, collector_probes, collector_decisions, collector_duties, collector_peers,
	collector_agent;
extern const struct probe_type probe_tcp, probe_udp, probe_http, probe_tls, probe_grpc, probe_mail,
	probe_dns, probe_redis, probe_mysql, probe_pgsql, probe_ftp, probe_ldap, probe_icmp,
	probe_exec, probe_file, probe_agent;

#endif
