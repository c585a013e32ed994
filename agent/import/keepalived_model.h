/* keepalived_model.h: a virtual server of keepalived's on its way to a [service]; for
 * import/keepalived*.c only. */
#ifndef IMPORT_KEEPALIVED_MODEL_H
#define IMPORT_KEEPALIVED_MODEL_H

#include "agent/import/keepalived.h"
#include "agent/import/kernel.h"

/* What a virtual server, a real server and a check may say; each has it from the one before.
 * KA_UNSET: nobody says it. */
struct ka_terms {
	int64_t delay_loop, connect_timeout, retry, delay_before_retry; /* ms; retry: a count */
	int8_t alpha, inhibit;
	const struct ka_stmt *virtualhost;
};
/* Their rows in a table whose struct has them as `terms`. */
#define KA_TERMS(type)                                                                             \
	{ "delay_loop", KA_TIMER, offsetof(struct type, terms.delay_loop), 0, NULL },              \
		{ "connect_timeout", KA_TIMER, offsetof(struct type, terms.connect_timeout), 0,    \
		  NULL },                                                                          \
		{ "retry", KA_COUNT, offsetof(struct type, terms.retry), 0, NULL },                \
		{ "nb_get_retry", KA_COUNT, offsetof(struct type, terms.retry), 0, NULL },         \
		{ "delay_before_retry", KA_TIMER, offsetof(struct type, terms.delay_before_retry), \
		  0, NULL },                                                                       \
		{ "alpha", KA_FLAG, offsetof(struct type, terms.alpha), 0, NULL },                 \
		{ "inhibit_on_failure", KA_FLAG, offsetof(struct type, terms.inhibit), 0, NULL },  \
		{ "virtualhost", KA_STMT, offsetof(struct type, terms.virtualhost), 0, NULL },     \
	{                                                                                          \
		"warmup", KA_NOTE, 0, IMPORT_DROPPED,                                              \
			"first attempts are spread over the interval by themselves"                \
	}

struct ka_virtual {
	struct ka *k;
	const struct ka_stmt *stmt;
	struct import_part *part;
	struct ka_terms terms;
	const struct ka_stmt *sched, *method, *protocol, *family, *persistence, *granularity,
		*engine, *ops, *quorum, *hysteresis, *sorry, *sorry_method, *name;
	int64_t weight;
	struct ipvs_service service; /* its key: the first address */
	struct ipvs_key *keys;       /* its addresses */
	size_t n_keys;
	const struct ka_stmt **origins; /* of each key: where it stands */
	struct import_dest *dests;
	size_t n_dests, n_alpha;  /* without the sorry server, which is behind them */
	size_t n_removed, n_kept; /* of them leave the table when they fail, or do not */
	bool sorry_there;
	int8_t sorry_inhibit;
};

struct ka_real {
	struct ka_virtual *v;
	const struct ka_stmt *stmt;
	struct ka_terms terms;
	const struct ka_stmt *method, *name;
	int64_t weight, upper, lower;
	struct ipvs_dest dest;
	uint16_t check_port;       /* 0 = none is written */
	struct buf probes;         /* names, with commas between them */
	const char *probe_address; /* NULL = its own */
	bool own_address;          /* a check goes there */
};

/* The addresses that a virtual server's words ask for, into v->keys (keepalived_address.c);
 * what is none is noted at the top, for there may be no section to come. */
int ka_addresses(struct ka_virtual *v);
/* A real or sorry server's address and port, by word 1 and 2; why not, else NULL. */
const char *ka_server_address(struct ka *k, const struct ka_stmt *s, uint8_t proto,
			      struct addr *ret_addr);
/* "NAT", "DR", "TUN type …" (lvs_method) into d; why not, else NULL. */
const char *ka_method(const struct ka_stmt *s, struct ipvs_dest *d);

/* A [service] of a virtual_server (keepalived_virtual.c). */
int ka_virtual(struct ka *k, const struct ka_stmt *s);
/* A real_server into v->dests (keepalived_real.c). */
int ka_real(struct ka_virtual *v, const struct ka_stmt *s);
/* The sorry server, behind them. */
int ka_sorry(struct ka_virtual *v);

#endif
