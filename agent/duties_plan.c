/* duties_plan.c: what a start would change of addresses and sync daemons. Whether something
 * can serve is not known then: addresses that wait for that stay as they are. */
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/duties_internal.h"
#include "agent/holds/ledger.h"
#include "agent/settings.h"
#include "agent/sync/tend.h"

static int recall(struct duties *d, const struct ledger_state *kept, struct duty_owns *owns)
{
	struct duty_own own;
	size_t i;
	int e = 0;

	for (i = 0; !e && i < kept->n_facts; i++)
		if (!strcmp(kept->facts[i].name, ROLE_FACT))
			duties_read_role(d, kept->facts[i].value);
		else if (duty_own_parse(kept->facts[i].name, &own))
			e = duty_owns_add(owns, &own);
	return e;
}

static int work_out(struct duties *d, const struct duty_owns *owns, struct duty_ops *ret_ops)
{
	struct duty_seen seen = { .daemons_known = false };
	struct duty_want *wants = NULL;
	struct duty_found *found = calloc((size_t)d->places.n + 1, sizeof(*found));
	struct daemon daemons[DAEMON_N];
	int64_t soon_ms;
	int e;

	(void)duties_wishes(d, &soon_ms);
	duties_daemons(d, daemons);
	e = duties_wants(d, &wants);
	if (!e)
		e = tend_real.read(&seen.routes);
	/* Without ip_vs there are none, and that is told of the table. */
	seen.daemons_known = !e && !tend_real.read_daemons(seen.daemons);
	if (!e && found)
		e = duty_diff(wants, d->places.n, daemons, &seen, owns, found, ret_ops);
	route_table_fini(&seen.routes);
	free(wants);
	free(found);
	return e;
}

int duties_foresee(struct agent *a, const struct ledger_state *kept, struct duty_ops *ret_ops)
{
	struct duties d = { .agent = a, .roles = agent_conf(a)->roles };
	const struct places none = { 0 };
	struct duty_owns owns = { 0 };
	int e;

	duties_read_boot(&d);
	e = recall(&d, kept, &owns);
	if (!e)
		e = duties_places_new(&none, a->conf, a->state->layout, &d.places);
	if (!e)
		e = work_out(&d, &owns, ret_ops);
	duties_places_fini(&d.places);
	free(owns.rows);
	return e;
}
