/* tend.c: a look is a chain of steps, each of which ends in a callback on the loop:
 *
 *   read (port's thread) → difference → facts into the ledger → carry out, and read again
 *   (port's thread) → what came of it
 *
 * A fact is on disk before what it speaks of is in the kernel, so that after a kill -9 all
 * that is ours is known; but a slow disk does not keep an address from coming for longer
 * than FACTS_MS. */
#include "agent/sync/tend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/log.h"
#include "agent/base/loop.h"
#include "agent/sync/tend_errand.h"

enum {
	FACTS_MS = 200, /* that the ledger is waited for */
	TELLS = 5,      /* how often the others on an interface are told of an address, … */
	TELL_MS = 1000, /* … and so long apart */
};

struct row {
	struct duty_want want;
	struct duty_found found;
	uint8_t tells; /* that are still to be sent */
};

struct tend {
	struct tend_env env;
	struct duty_owns owns;
	struct duty_owns refusals; /* that were logged */
	struct row *rows;
	size_t n;
	struct daemon wanted[DAEMON_N], running[DAEMON_N];
	bool daemons_too, daemons_known;
	struct loop_timer *timer, *facts_timer;
	int64_t interval_ms;
	struct tend_errand *waiting; /* for the ledger */
	unsigned int unwritten;      /* facts that are not on disk */
	uint64_t done, refused;
	int error, tell_error, daemon_error; /* of the last ones, as they were logged */
	bool looked, busy, again, closed;
	void (*removed)(void *arg);
	void *removed_arg;
};

static void look(struct tend *t);

/* --- what came of it ---------------------------------------------------------------------- */

static void tell_error(int *was, int now, enum log_level level, const char *what, const char *over)
{
	if (*was == now)
		return;
	*was = now;
	if (now)
		log_event(level, what, LOG_ERR(now));
	else
		log_event(LOG_INFO, over);
}

static void forget(struct tend *t, const struct duty_own *own)
{
	struct buf name = BUF_INIT;

	duty_owns_remove(&t->owns, own);
	duty_own_format(own, &name);
	if (!buf_ok(&name) || ledger_fact(t->env.ledger, buf_str(&name), "", NULL, NULL))
		log_event(LOG_ERROR, "out of memory: the ledger goes on naming what is gone");
	buf_fini(&name);
}

static bool is_gone(int result)
{
	return result == -EADDRNOTAVAIL || result == -ENODEV || result == -ESRCH;
}

/* It is to be there again, by an op behind this one. */
static bool is_made_anew(const struct duty_ops *ops, size_t op)
{
	size_t i;

	for (i = op + 1; i < ops->n; i++)
		if (ops->rows[i].kind == DUTY_MAKE &&
		    duty_own_same(&ops->rows[i].what, &ops->rows[op].what))
			return true;
	return false;
}

/* What somebody else made between our reading and our writing is his. */
static void take_result(struct tend *t, struct duty_ops *ops, size_t which)
{
	struct duty_op *op = &ops->rows[which];
	size_t i;

	if (op->kind == DUTY_FORGET) {
		forget(t, &op->what);
		return;
	}
	if (op->kind == DUTY_UNDO && is_gone(op->result))
		op->result = 0;
	if (op->result)
		t->refused++;
	else
		t->done++;
	/* What is refused time and again is logged once. */
	if (!op->result || !duty_owns_has(&t->refusals, &op->what))
		tend_log_op(op);
	if (!op->result)
		duty_owns_remove(&t->refusals, &op->what);
	else
		(void)duty_owns_add(&t->refusals, &op->what);
	if (op->kind == DUTY_UNDO ? !op->result && !is_made_anew(ops, which) : op->result != 0)
		forget(t, &op->what);
	for (i = 0; op->kind == DUTY_MAKE && op->what.kind == DUTY_ADDR && i < t->n; i++)
		if (!addr_cmp(&t->rows[i].want.addr, &op->what.addr) &&
		    !strcmp(t->rows[i].want.interface, op->what.interface))
			t->rows[i].tells = op->result ? 0 : TELLS;
}

static void take_told(struct tend *t, const struct tend_errand *e)
{
	size_t i, k;

	for (i = 0; i < e->n_told; i++)
		for (k = 0; k < t->n; k++)
			if (t->rows[k].tells &&
			    !addr_cmp(&t->rows[k].want.addr, &e->told[i].addr) &&
			    !strcmp(t->rows[k].want.interface, e->told[i].interface))
				t->rows[k].tells--;
	if (e->n_told)
		tell_error(&t->tell_error, e->tell_error, LOG_WARN,
			   "the others on the interface cannot be told of the VIP (CAP_NET_RAW?)",
			   "the others on the interface were told of the VIP");
}

/* --- the steps ------------------------------------------------------------------------------ */

static void end(struct tend *t)
{
	int64_t next_ms = t->interval_ms;
	void (*fn)(void *arg) = t->removed;
	size_t i;

	t->busy = false;
	for (i = 0; i < t->n; i++)
		if (t->rows[i].tells && next_ms > TELL_MS)
			next_ms = TELL_MS;
	if (t->again) {
		look(t);
		return;
	}
	loop_timer_start(t->timer, next_ms);
	if (fn) {
		t->removed = NULL;
		fn(t->removed_arg);
	}
}

static void send_errand(struct tend *t, struct tend_errand *e)
{
	int r = ipvs_port_run(t->env.port, &e->errand);

	if (!r)
		return;
	log_event(LOG_ERROR, "VIPs and sync daemons are not looked after, retrying", LOG_ERR(r));
	tend_errand_free(e);
	end(t);
}

static void send_waiting(struct tend *t)
{
	struct tend_errand *e = t->waiting;

	t->waiting = NULL;
	loop_timer_stop(t->facts_timer);
	if (e && !t->closed)
		send_errand(t, e);
	else
		tend_errand_free(e);
}

static void on_fact(void *arg, int error ATTR_UNUSED)
{
	struct tend *t = arg;

	/* Those of before that were not waited for are counted too: the later ones come last. */
	if (--t->unwritten == 0)
		send_waiting(t);
}

static void on_facts_late(void *arg)
{
	send_waiting(arg);
}

/* Notes what is about to be ours. -ENOMEM: then it must not be made. */
static int claim(struct tend *t, const struct duty_own *own)
{
	struct buf name = BUF_INIT;
	int r;

	if (duty_owns_has(&t->owns, own))
		return 0;
	duty_own_format(own, &name);
	r = buf_ok(&name) ? duty_owns_add(&t->owns, own) : -ENOMEM;
	if (!r)
		r = ledger_fact(t->env.ledger, buf_str(&name), "ours", on_fact, t);
	if (!r)
		t->unwritten++;
	else
		duty_owns_remove(&t->owns, own);
	buf_fini(&name);
	return r;
}

static struct tend_errand *new_errand(struct tend *t);

static void act(struct tend *t, struct duty_ops *ops)
{
	struct tend_errand *e = new_errand(t);
	size_t i;
	int r = e ? 0 : -ENOMEM;

	/* The others are told at once, and again later. */
	for (i = 0; !r && i < ops->n; i++) {
		if (ops->rows[i].kind != DUTY_MAKE)
			continue;
		r = claim(t, &ops->rows[i].what);
		if (ops->rows[i].what.kind == DUTY_ADDR && e->n_told < t->n)
			e->told[e->n_told++] = ops->rows[i].what;
	}
	if (r) {
		log_event(LOG_ERROR, "VIPs and sync daemons are not looked after, retrying",
			  LOG_ERR(r));
		tend_errand_free(e);
		free(ops->rows);
		end(t);
		return;
	}
	e->ops = *ops;
	t->waiting = e;
	if (t->unwritten)
		loop_timer_start(t->facts_timer, t->env.facts_ms);
	else
		send_waiting(t);
}

/* Judges what was seen. */
static int judge(struct tend *t, const struct duty_seen *seen, struct duty_ops *ret_ops)
{
	struct duty_want *wants = calloc(t->n + 1, sizeof(*wants));
	struct duty_found *found = calloc(t->n + 1, sizeof(*found));
	int r = wants && found ? 0 : -ENOMEM;
	size_t i;

	for (i = 0; !r && i < t->n; i++)
		wants[i] = t->rows[i].want;
	if (!r)
		r = duty_diff(wants, t->n, t->wanted, seen, &t->owns, found, ret_ops);
	for (i = 0; !r && i < t->n; i++)
		t->rows[i].found = found[i];
	free(wants);
	free(found);
	return r;
}

static void on_done(struct ipvs_errand *errand)
{
	struct tend_errand *e = (struct tend_errand *)errand;
	struct tend *t = e->tend;
	struct duty_ops ops = { 0 };
	bool acted = e->ops.n > 0;
	size_t i;
	int r;

	if (t->closed) {
		tend_errand_free(e);
		return;
	}
	for (i = 0; i < e->ops.n; i++)
		take_result(t, &e->ops, i);
	take_told(t, e);
	tell_error(&t->error, e->error, LOG_ERROR, "interfaces and addresses cannot be read",
		   "interfaces and addresses can be read again");
	tell_error(&t->daemon_error, e->daemon_error, LOG_WARN, "the sync daemons cannot be read",
		   "the sync daemons can be read again");
	t->daemons_known = e->seen.daemons_known;
	memcpy(t->running, e->seen.daemons, sizeof(t->running));
	r = e->error ? e->error : judge(t, &e->seen, &ops);
	t->looked |= !r;
	tend_errand_free(e);
	/* What still differs when it was carried out just now waits for the interval. */
	if (r || !ops.n || acted) {
		free(ops.rows);
		end(t);
	} else {
		act(t, &ops);
	}
}

/* Who has no addresses is spared the reading of all that the machine has. */
static bool needs_routes(const struct tend *t)
{
	size_t i;

	for (i = 0; i < t->owns.n; i++)
		if (t->owns.rows[i].kind != DUTY_DAEMON)
			return true;
	return t->n > 0;
}

static struct tend_errand *new_errand(struct tend *t)
{
	struct tend_errand *e = calloc(1, sizeof(*e));
	size_t i;

	if (!e)
		return NULL;
	e->told = calloc(t->n + 1, sizeof(*e->told));
	if (!e->told) {
		free(e);
		return NULL;
	}
	e->errand = (struct ipvs_errand){ tend_errand_run, on_done, tend_errand_drop };
	e->tend = t;
	e->kernel = t->env.kernel;
	e->routes_too = needs_routes(t);
	e->daemons_too = t->daemons_too;
	for (i = 0; i < t->n; i++) {
		struct duty_own *to = &e->told[e->n_told];

		if (!t->rows[i].tells || t->rows[i].want.wish != DUTY_IN)
			continue;
		to->addr = t->rows[i].want.addr;
		memcpy(to->interface, t->rows[i].want.interface, sizeof(to->interface));
		e->n_told++;
	}
	return e;
}

static void look(struct tend *t)
{
	struct tend_errand *e;

	if (t->closed)
		return;
	t->again = t->busy;
	if (t->busy)
		return;
	loop_timer_stop(t->timer);
	e = new_errand(t);
	t->busy = true;
	if (e) {
		send_errand(t, e);
	} else {
		log_event(LOG_ERROR, "VIPs and sync daemons are not looked after, retrying",
			  LOG_ERR(-ENOMEM));
		end(t);
	}
}

static void on_timer(void *arg)
{
	look(arg);
}

/* --- outside ---------------------------------------------------------------------------------- */

int tend_new(const struct tend_env *env, struct tend **ret_tend)
{
	struct tend *t = calloc(1, sizeof(*t));
	int e;

	if (!t)
		return -ENOMEM;
	t->env = *env;
	if (!t->env.facts_ms)
		t->env.facts_ms = FACTS_MS;
	t->interval_ms = 1000;
	e = loop_timer_new(env->loop, "tend", on_timer, t, &t->timer);
	if (!e)
		e = loop_timer_new(env->loop, "facts", on_facts_late, t, &t->facts_timer);
	if (e)
		tend_free(t);
	else
		*ret_tend = t;
	return e;
}

void tend_close(struct tend *t)
{
	if (t)
		t->closed = true;
}

void tend_free(struct tend *t)
{
	if (!t)
		return;
	tend_errand_free(t->waiting);
	loop_timer_free(t->timer);
	loop_timer_free(t->facts_timer);
	free(t->owns.rows);
	free(t->refusals.rows);
	free(t->rows);
	free(t);
}

int tend_own(struct tend *t, const char *fact)
{
	struct duty_own own;

	return duty_own_parse(fact, &own) ? duty_owns_add(&t->owns, &own) : 0;
}

static const struct row *find_row(const struct tend *t, const struct duty_want *w)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (!addr_cmp(&t->rows[i].want.addr, &w->addr) &&
		    !strcmp(t->rows[i].want.interface, w->interface))
			return &t->rows[i];
	return NULL;
}

int tend_want(struct tend *t, const struct duty_want *wants, size_t n,
	      const struct daemon daemons[DAEMON_N], bool daemons_too, int64_t interval_ms)
{
	struct row *rows = calloc(n + 1, sizeof(*rows));
	size_t i;

	if (!rows)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		const struct row *was = find_row(t, &wants[i]);

		if (was)
			rows[i] = *was;
		rows[i].want = wants[i];
		if (wants[i].wish != DUTY_IN)
			rows[i].tells = 0;
	}
	free(t->rows);
	t->rows = rows;
	t->n = n;
	memcpy(t->wanted, daemons, sizeof(t->wanted));
	t->daemons_too = daemons_too;
	t->interval_ms = interval_ms;
	look(t);
	return 0;
}

int tend_remove(struct tend *t, void (*fn)(void *arg), void *arg)
{
	const struct daemon none[DAEMON_N] = { 0 };
	int e = t->closed ? -ESHUTDOWN : 0;

	if (e || !t->owns.n)
		return e ? e : -ENOENT;
	t->removed = fn;
	t->removed_arg = arg;
	e = tend_want(t, NULL, 0, none, t->daemons_too, t->interval_ms);
	if (e)
		t->removed = NULL;
	return e;
}

const struct duty_found *tend_found(const struct tend *t, size_t i)
{
	return t->looked && i < t->n ? &t->rows[i].found : NULL;
}

const struct daemon *tend_daemons(const struct tend *t)
{
	return t->daemons_known ? t->running : NULL;
}

bool tend_owns_daemon(const struct tend *t, unsigned int state)
{
	const struct duty_own own = { .kind = DUTY_DAEMON, .state = state };

	return duty_owns_has(&t->owns, &own);
}

void tend_counts(const struct tend *t, uint64_t *ret_done, uint64_t *ret_refused)
{
	*ret_done = t->done;
	*ret_refused = t->refused;
}
