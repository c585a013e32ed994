/* doctor.h: PURE: what is wrong with a machine, by the facts that were gathered of it: a
 * table of checks, each with what it looks at, what a finding means and the command that
 * mends it. */
#ifndef DOCTOR_DOCTOR_H
#define DOCTOR_DOCTOR_H

#include "agent/doctor/facts.h"

/* Notes are worth knowing, and nothing is wrong. */
enum doctor_severity { DOCTOR_NOTE = 0, DOCTOR_WARNING, DOCTOR_ERROR, DOCTOR_N_SEVERITIES };
extern const char *const doctor_severity_names[DOCTOR_N_SEVERITIES];

struct doctor;

struct doctor_check {
	const char *slug;
	enum doctor_severity severity;
	const char *looks; /* at what */
	const char *means; /* what a finding means: whole sentences */
	void (*judge)(struct doctor *d, const struct doctor_check *c);
	/* Of those which judge_sysctl() judges: values from…to are bad, `advised` is not, and
	 * when() is the service that suffers, or FACTS_NONE. */
	uint32_t (*when)(const struct facts *f);
	enum fact_sysctl sysctl;
	int64_t bad_from, bad_to, advised;
};
/* Ends with a row without a slug. */
extern const struct doctor_check doctor_checks[];

struct doctor_finding {
	const struct doctor_check *check;
	enum doctor_severity severity;
	struct buf subject, command;
	uint32_t more; /* of the same check, and not told */
};

/* What could not be looked at. */
struct doctor_unseen {
	const struct doctor_check *check;
	struct buf what;
	int error;
};

struct doctor {
	const struct facts *facts; /* borrowed */
	struct doctor_finding *findings;
	struct doctor_unseen *unseen;
	uint32_t n_findings, n_unseen, n_checks;
	uint32_t counts[DOCTOR_N_SEVERITIES];
	struct doctor_finding spare; /* for what is not told */
	bool failed;
};

/* Judges; doctor_fini() is due. -ENOMEM is the only failure. */
int doctor_judge(const struct facts *f, struct doctor *ret_doctor);
void doctor_fini(struct doctor *d);

/* --- for the checks, which stand in judge_*.c --- */

/* A finding, of which subject and command are to be written; never NULL. */
struct doctor_finding *doctor_find(struct doctor *d, const struct doctor_check *c,
				   enum doctor_severity severity);
/* True where the fact is known; what could not be looked at is noted as `what`. */
bool doctor_sees(struct doctor *d, const struct doctor_check *c, const struct fact *fact,
		 const char *what);
/* Notes that `what` could not be looked at. */
void doctor_misses(struct doctor *d, const struct doctor_check *c, const char *what, int error);

/* Appends a word of a shell's command, and a sysctl's name as sysctl(8) takes it. */
void doctor_word(struct buf *out, const char *text);
void doctor_sysctl_name(struct buf *out, const char *path);

typedef void doctor_judge_fn(struct doctor *d, const struct doctor_check *c);
doctor_judge_fn judge_sysctl, judge_ip_vs, judge_scheduler, judge_ftp, judge_kernel,
	judge_conn_reuse, judge_netfilter, judge_conntrack_table, judge_chains, judge_memory;
doctor_judge_fn judge_ipv6, judge_rp_filter, judge_way_back, judge_redirects, judge_arp, judge_vip,
	judge_no_route, judge_on_link, judge_mtu, judge_neighbours4, judge_neighbours6, judge_ports;
doctor_judge_fn judge_capability, judge_ping, judge_agent, judge_files, judge_state_dir,
	judge_state_room, judge_settings, judge_clock, judge_writer, judge_names;

/* Which service suffers: the first that uses … */
uint32_t when_any(const struct facts *f), when_masq4(const struct facts *f),
	when_masq6(const struct facts *f), when_no_masq(const struct facts *f),
	when_persistent(const struct facts *f), when_hashing(const struct facts *f);
/* Probes that may be under way at once. */
uint32_t facts_probes(const struct facts *f);
/* The name of a service of the layout. */
const char *facts_service(const struct facts *f, uint32_t service);

#endif
