/* ldirectord.h: an ldirectord.cf as lines of its virtual services, and what its reader is made
 * of; for import/ldirectord*.c only. */
#ifndef IMPORT_LDIRECTORD_H
#define IMPORT_LDIRECTORD_H

#include "agent/base/arena.h"
#include "agent/import/kernel.h"

/* What a line is about. LD_NOTE: nothing of ours. */
enum ld_id {
	LD_NOTE = 0,
	LD_CHECKTIMEOUT,
	LD_NEGOTIATETIMEOUT,
	LD_CHECKINTERVAL,
	LD_CHECKCOUNT,
	LD_FAILURECOUNT,
	LD_FALLBACK,
	LD_FALLBACK6,
	LD_FORK,
	LD_QUIESCENT,
	LD_CLEANSTOP,
	LD_MAINTENANCEDIR,
	LD_REAL,
	LD_CHECKTYPE,
	LD_SERVICE,
	LD_CHECKCOMMAND,
	LD_CHECKPORT,
	LD_REQUEST,
	LD_RECEIVE,
	LD_HTTPMETHOD,
	LD_VIRTUALHOST,
	LD_LOGIN,
	LD_SCHEDULER,
	LD_SCHEDFLAGS,
	LD_PERSISTENT,
	LD_NETMASK,
	LD_PROTOCOL,
	LD_OPS,
	LD_SERVICENAME
};

enum ld_where { LD_GLOBAL = 1, LD_VIRTUAL = 2 };
enum ld_quotes { LD_PLAIN = 0, LD_QUOTED, LD_MAY_QUOTE };
struct ld_key {
	const char *word; /* NULL ends the table */
	enum ld_id id;
	unsigned int where; /* enum ld_where */
	enum ld_quotes quotes;
	const char *why; /* of LD_NOTE */
	bool secret;     /* its value is not told */
};
extern const struct ld_key ld_keys[];

struct ld_line {
	struct ld_line *next;
	const struct ld_key *key;
	const char *text;
	struct import_at at;
};

struct ld_virtual {
	struct ld_virtual *next;
	const char *text; /* behind virtual= */
	bool six;         /* virtual6= */
	struct import_at at;
	struct ld_line *lines, **end;
	/* while it becomes a section: */
	struct import_part *part;
	struct ipvs_service service;
	const char *kind; /* of `service=`, or by its port */
	struct import_dest *dests;
	size_t n_dests, n_probed;
};

struct ld {
	struct import *im;
	struct arena *arena;
	struct ld_line *lines, **end; /* of the file itself */
	struct ld_virtual *virtuals, **last;
	bool said_panic, said_redirect;
	bool oom;
};

/* The last line of that kind, or NULL. The second: of the virtual service, else of the file. */
const struct ld_line *ld_find(const struct ld_line *lines, enum ld_id id);
const struct ld_line *ld_of(const struct ld *ld, const struct ld_virtual *v, enum ld_id id);
/* import_note() about a line. */
void ld_note(struct ld *ld, struct import_part *p, enum import_fate fate, const struct ld_line *l,
	     const char *fmt, ...) ATTR_PRINTF(5, 6);
/* The number in a line, as ldirectord finds it; `other` where there is none. */
uint64_t ld_number(struct ld *ld, struct import_part *p, const struct ld_line *l, uint64_t other);
bool ld_yes(const struct ld_line *l);

/* A virtual service as a section. */
int ld_put_virtual(struct ld *ld, struct ld_virtual *v);
/* Each address of a real= line into v->dests, and the fallback behind them. */
int ld_reals(struct ld *ld, struct ld_virtual *v);
int ld_fallback(struct ld *ld, struct ld_virtual *v, bool *ret_there);

#endif
