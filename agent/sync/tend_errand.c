/* tend_errand.c: what is done on the port's thread: values in, values out. */
#include "agent/sync/tend_errand.h"

#include <stdlib.h>

#include "agent/base/log.h"
#include "agent/ipvs/neighbours.h"

static int carry_out(const struct duty_op *op)
{
	const struct duty_own *o = &op->what;
	bool make = op->kind == DUTY_MAKE;

	switch (o->kind) {
	case DUTY_ADDR:
		return make ? route_add_addr(o->interface, &o->addr)
			    : route_del_addr(o->interface, &o->addr);
	case DUTY_LINK:
		return make ? route_add_dummy(o->interface) : route_del_link(o->interface);
	default:
		return make ? daemon_start(o->state, &op->daemon) : daemon_stop(o->state);
	}
}

const struct tend_kernel tend_real = {
	.read = route_read,
	.read_daemons = daemon_read,
	.carry_out = carry_out,
	.tell = neighbours_tell,
};

void tend_errand_run(struct ipvs_errand *errand)
{
	struct tend_errand *e = (struct tend_errand *)errand;
	size_t i;
	int r;

	for (i = 0; i < e->ops.n; i++)
		if (e->ops.rows[i].kind != DUTY_FORGET)
			e->ops.rows[i].result = e->kernel->carry_out(&e->ops.rows[i]);
	if (e->routes_too)
		e->error = e->kernel->read(&e->seen.routes);
	if (e->daemons_too) {
		e->daemon_error = e->kernel->read_daemons(e->seen.daemons);
		e->seen.daemons_known = !e->daemon_error;
	}
	for (i = 0; !e->error && i < e->n_told; i++) {
		const struct route_link *l = route_find_link(&e->seen.routes, e->told[i].interface);

		if (!l || !route_find_addr(&e->seen.routes, l->name, &e->told[i].addr))
			continue;
		r = e->kernel->tell(l, &e->told[i].addr);
		e->tell_error = r ? r : e->tell_error;
	}
}

void tend_errand_free(struct tend_errand *e)
{
	if (!e)
		return;
	free(e->ops.rows);
	free(e->told);
	route_table_fini(&e->seen.routes);
	free(e);
}

void tend_errand_drop(struct ipvs_errand *errand)
{
	tend_errand_free((struct tend_errand *)errand);
}

void tend_log_op(const struct duty_op *op)
{
	static const char *const done[DUTY_N_KINDS][2] = {
		[DUTY_ADDR] = { "VIP put there", "VIP taken away" },
		[DUTY_LINK] = { "dummy interface made", "dummy interface taken away" },
		[DUTY_DAEMON] = { "sync daemon started", "sync daemon stopped" },
	};
	struct buf name = BUF_INIT;

	duty_own_format(&op->what, &name);
	if (op->result)
		log_event(LOG_WARN,
			  op->kind == DUTY_MAKE ? "the kernel refuses to make it"
						: "the kernel refuses to take it away",
			  LOG_STR("what", buf_str(&name)), LOG_ERR(op->result));
	else
		log_event(LOG_INFO, done[op->what.kind][op->kind], LOG_STR("what", buf_str(&name)));
	buf_fini(&name);
}
