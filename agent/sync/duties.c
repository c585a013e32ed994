/* duties.c: see duties.h. What is undone comes first where one thing replaces another;
 * what is ours and not wanted any more goes last, and a dummy after its addresses. */
#include "agent/sync/duties.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/attr.h"

const struct duty_reason_row duty_reasons[DUTY_N_REASONS] = {
	[DUTY_FINE] = { "", "" },
	[DUTY_STANDBY] = { "standby", "waits for the role master" },
	[DUTY_UNAVAILABLE] = { "unavailable", "no service on it can serve" },
	[DUTY_SETTLING] = { "settling", "whether a service on it can serve is not known yet" },
	[DUTY_NO_INTERFACE] = { "no-interface", "there is no such interface" },
	[DUTY_FOREIGN] = { "foreign", "somebody else put it there: it is left alone" },
	[DUTY_REFUSED] = { "refused", "the kernel refuses it" },
};

/* --- what is ours ---------------------------------------------------------------------- */

static const char *const kinds[DUTY_N_KINDS] = {
	[DUTY_ADDR] = "vip ", [DUTY_LINK] = "link ", [DUTY_DAEMON] = "sync "
};

void duty_own_format(const struct duty_own *own, struct buf *out)
{
	buf_puts(out, kinds[own->kind]);
	buf_puts(out, own->kind == DUTY_DAEMON ? daemon_names[own->state] : own->interface);
	if (own->kind == DUTY_ADDR) {
		buf_putc(out, ' ');
		addr_format_host(out, &own->addr);
	}
}

static bool parse_daemon(const char *text, struct duty_own *own)
{
	for (own->state = 0; own->state < DAEMON_N; own->state++)
		if (!strcmp(text, daemon_names[own->state]))
			return true;
	return false;
}

bool duty_own_parse(const char *text, struct duty_own *ret_own)
{
	struct duty_own own = { .kind = DUTY_ADDR };
	const char *rest = NULL;
	size_t len;
	int k;

	for (k = 0; k < DUTY_N_KINDS && !rest; k++) {
		len = strlen(kinds[k]);
		if (!strncmp(text, kinds[k], len)) {
			own.kind = (enum duty_kind)k;
			rest = text + len;
		}
	}
	if (!rest)
		return false;
	if (own.kind == DUTY_DAEMON) {
		if (!parse_daemon(rest, &own))
			return false;
	} else {
		len = strcspn(rest, " ");
		if (len == 0 || len >= sizeof(own.interface))
			return false;
		memcpy(own.interface, rest, len);
		rest += len;
		if (own.kind == DUTY_LINK
			    ? *rest != '\0'
			    : *rest != ' ' || addr_parse(rest + 1, &own.addr) || own.addr.port)
			return false;
	}
	*ret_own = own;
	return true;
}

bool duty_own_same(const struct duty_own *a, const struct duty_own *b)
{
	return a->kind == b->kind && a->state == b->state && !strcmp(a->interface, b->interface) &&
	       !addr_cmp(&a->addr, &b->addr);
}

bool duty_owns_has(const struct duty_owns *o, const struct duty_own *own)
{
	size_t i;

	for (i = 0; i < o->n; i++)
		if (duty_own_same(&o->rows[i], own))
			return true;
	return false;
}

int duty_owns_add(struct duty_owns *o, const struct duty_own *own)
{
	struct duty_own *rows;

	if (duty_owns_has(o, own))
		return 0;
	rows = realloc(o->rows, (o->n + 1) * sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	rows[o->n++] = *own;
	o->rows = rows;
	return 0;
}

void duty_owns_remove(struct duty_owns *o, const struct duty_own *own)
{
	size_t i;

	for (i = 0; i < o->n; i++) {
		if (!duty_own_same(&o->rows[i], own))
			continue;
		o->rows[i] = o->rows[--o->n];
		return;
	}
}

/* --- the difference -------------------------------------------------------------------- */

struct diff {
	const struct duty_want *wants;
	size_t n_wants;
	const struct duty_seen *seen;
	const struct duty_owns *owns;
	struct duty_ops ops;
	bool failed;
};

static struct duty_op *add(struct diff *d, enum duty_op_kind kind, const struct duty_own *what)
{
	struct duty_op *rows = realloc(d->ops.rows, (d->ops.n + 1) * sizeof(*rows));

	if (!rows) {
		d->failed = true;
		return NULL;
	}
	d->ops.rows = rows;
	rows[d->ops.n] = (struct duty_op){ .kind = kind, .what = *what };
	return &rows[d->ops.n++];
}

static bool is_made(const struct diff *d, const struct duty_own *what)
{
	size_t i;

	for (i = 0; i < d->ops.n; i++)
		if (d->ops.rows[i].kind == DUTY_MAKE && duty_own_same(&d->ops.rows[i].what, what))
			return true;
	return false;
}

static struct duty_own own_addr(const struct duty_want *w)
{
	struct duty_own own = { .kind = DUTY_ADDR, .addr = w->addr };

	memcpy(own.interface, w->interface, sizeof(own.interface));
	return own;
}

static struct duty_own own_link(const char *interface)
{
	struct duty_own own = { .kind = DUTY_LINK };

	memcpy(own.interface, interface, sizeof(own.interface));
	return own;
}

static void judge_addr(struct diff *d, const struct duty_want *w, struct duty_found *f)
{
	const struct duty_own own = own_addr(w), link = own_link(w->interface);

	*f = (struct duty_found){ .present =
					  route_find_addr(&d->seen->routes, w->interface, &w->addr),
				  .ours = duty_owns_has(d->owns, &own) };
	if (w->wish == DUTY_IN && !f->present) {
		bool there = route_find_link(&d->seen->routes, w->interface);

		if (!there && !w->dummy) {
			f->reason = DUTY_NO_INTERFACE;
			return;
		}
		if (!there && !is_made(d, &link))
			add(d, DUTY_MAKE, &link);
		add(d, DUTY_MAKE, &own);
		f->reason = DUTY_REFUSED; /* unless it is there when it was made */
	} else if (w->wish != DUTY_IN) {
		f->reason = w->why;
		if (w->wish == DUTY_OUT && f->present && f->ours)
			add(d, DUTY_UNDO, &own);
		else if (w->wish == DUTY_OUT && f->present)
			f->reason = DUTY_FOREIGN;
	}
}

static void judge_daemon(struct diff *d, unsigned int state, const struct daemon *want)
{
	const struct daemon *seen = &d->seen->daemons[state];
	const struct duty_own own = { .kind = DUTY_DAEMON, .state = state };
	bool ours = duty_owns_has(d->owns, &own);
	struct duty_op *op;

	if (daemon_fits(want, seen)) {
		if (ours && !seen->there)
			add(d, DUTY_FORGET, &own);
		return;
	}
	/* keepalived's, or ipvsadm's */
	if (seen->there && !ours)
		return;
	if (seen->there)
		add(d, DUTY_UNDO, &own);
	op = want->there ? add(d, DUTY_MAKE, &own) : NULL;
	if (op)
		op->daemon = *want;
}

static bool is_wanted(const struct diff *d, const struct duty_own *own)
{
	size_t i;

	for (i = 0; i < d->n_wants; i++)
		if (!strcmp(d->wants[i].interface, own->interface) &&
		    (own->kind == DUTY_LINK ? d->wants[i].dummy
					    : !addr_cmp(&d->wants[i].addr, &own->addr)))
			return true;
	return false;
}

/* No address is on it but ours, and what the kernel puts there itself (fe80::). */
static bool is_empty(const struct diff *d, const struct route_link *l)
{
	size_t i;

	for (i = 0; i < d->seen->routes.n_addrs; i++) {
		const struct route_addr *a = &d->seen->routes.addrs[i];
		struct duty_own own = { .kind = DUTY_ADDR, .addr = a->addr };

		memcpy(own.interface, l->name, sizeof(own.interface));
		if (a->index == l->index && !duty_owns_has(d->owns, &own) &&
		    !(a->addr.family == AF_INET6 && a->addr.bytes[0] == 0xfe &&
		      (a->addr.bytes[1] & 0xc0) == 0x80))
			return false;
	}
	return true;
}

/* Ours, and no line of the file names it any more. */
static void judge_left(struct diff *d, const struct duty_own *own)
{
	const struct route_link *l = route_find_link(&d->seen->routes, own->interface);

	if (is_wanted(d, own))
		return;
	if (own->kind == DUTY_ADDR && route_find_addr(&d->seen->routes, own->interface, &own->addr))
		add(d, DUTY_UNDO, own);
	else if (own->kind == DUTY_LINK && l && is_empty(d, l))
		add(d, DUTY_UNDO, own);
	else if (own->kind == DUTY_ADDR || !l)
		add(d, DUTY_FORGET, own);
}

int duty_diff(const struct duty_want *wants, size_t n, const struct daemon daemons[DAEMON_N],
	      const struct duty_seen *seen, const struct duty_owns *owns, struct duty_found *found,
	      struct duty_ops *ret_ops)
{
	struct diff d = { .wants = wants, .n_wants = n, .seen = seen, .owns = owns };
	size_t i;
	int kind;

	for (i = 0; i < n; i++)
		judge_addr(&d, &wants[i], &found[i]);
	for (i = 0; seen->daemons_known && i < DAEMON_N; i++)
		judge_daemon(&d, (unsigned int)i, &daemons[i]);
	for (kind = DUTY_ADDR; kind <= DUTY_LINK; kind++)
		for (i = 0; i < owns->n; i++)
			if ((int)owns->rows[i].kind == kind)
				judge_left(&d, &owns->rows[i]);
	if (d.failed) {
		free(d.ops.rows);
		return -ENOMEM;
	}
	*ret_ops = d.ops;
	return 0;
}

/* --- patience ---------------------------------------------------------------------------- */

static enum duty_wish acted(const struct duty_steady *s)
{
	return !s->known ? DUTY_AS_IS : s->serves ? DUTY_IN : DUTY_OUT;
}

enum duty_wish duty_steady(struct duty_steady *s, int now, int64_t now_ms,
			   int64_t withdraw_after_ms, int64_t return_after_ms, int64_t *ret_wait_ms)
{
	int64_t after = now > 0 ? return_after_ms : withdraw_after_ms;

	*ret_wait_ms = -1;
	if (now < 0 || (s->known && s->serves == (now > 0))) {
		s->turning = false;
		return acted(s);
	}
	if (!s->turning) {
		s->turning = true;
		s->since_ms = now_ms;
	}
	/* What is up at the first look needs no patience: it was nowhere withdrawn. */
	if ((!s->known && now > 0) || now_ms - s->since_ms >= after)
		*s = (struct duty_steady){ .known = true, .serves = now > 0 };
	else
		*ret_wait_ms = after - (now_ms - s->since_ms);
	return acted(s);
}
