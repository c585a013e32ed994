/* pass.h: one pass of the reconciler: a reading, the values its difference is worked
 * out from, and what is left to write of it. */
#ifndef SYNC_PASS_H
#define SYNC_PASS_H

#include "agent/model/match.h"
#include "agent/sync/batch.h"
#include "agent/sync/diff.h"

struct owned;
struct writes;

struct pass {
	struct layout *layout; /* a reference */
	struct reading *reading;
	bool matched, told; /* the reading; and handed on */
	int64_t begun_us;   /* monotonic: before its dump */
	/* It was begun for a configuration that is still being read: what came of the dump
	 * is kept until then. */
	bool ahead, has_kept;
	struct ipvs_table kept;
	int error;
	/* Copies, for the work queue. */
	struct dest_state *dests;
	struct vip_state *vips;
	struct service_state *services;
	struct diff_leaving *leaving;
	uint32_t n_leaving;
	bool *owned; /* by row of the table's services, then of lanes */
	struct diff_policy gone;
	int64_t now_ms;
	struct diff diff;
	uint32_t *news; /* dests of which the reading tells what the state does not know */
	uint32_t n_news;
	uint32_t next; /* item to send */
	/* Batches that are not back yet, and those of them that add or raise. */
	unsigned int under_way, adding;
	void (*on_batch)(void *arg, struct batch *b);
	void *arg;
};

int pass_new(struct layout *layout, struct pass **ret_pass);
/* NULL is fine. */
void pass_free(struct pass *p);

/* Of readings, where that has changed; 0 = they are good again. */
void pass_tell_error(int error);
/* Takes a dump over, for later. */
void pass_keep(struct pass *p, struct ipvs_table *table);
/* It waits no more: whether a dump was kept, which is the caller's then. */
bool pass_go_on(struct pass *p, struct ipvs_table *ret_table);
/* What it has not read yet, or kept, is for this layout. */
void pass_serve(struct pass *p, struct layout *layout);
/* On the first reading of a layout: what was never seen up is not raised above what
 * the kernel had. */
void pass_set_caps(const struct pass *p, struct state *s);
/* Copies what the difference needs, but for pass_own(). */
int pass_prepare(struct pass *p, const struct state *s, const struct diff_leaving *leaving,
		 uint32_t n_leaving, const struct diff_policy *gone, int64_t now_ms);
/* Notes which rows that the file does not name are ours all the same. */
void pass_own(struct pass *p, const struct owned *owned);
/* On the work queue: fills diff and news, or error. */
void pass_diff(struct pass *p);
/* Whether writes of ours overlap what was read of a VIP: it may show either side. */
bool pass_overlaps(const struct pass *p, const struct state *s, uint32_t vip);
/* Takes what was seen into the state; costs what is new, and a look at each VIP. */
void pass_take_in(struct pass *p, struct state *s);
/* Sends the next batches of items, as many as are to be under way together; false when
 * none is, for all are sent. */
bool pass_send(struct pass *p, struct state *s, struct writes *w);
/* One that p->on_batch told of is back. */
void pass_sent(struct pass *p, const struct batch *b);

#endif
