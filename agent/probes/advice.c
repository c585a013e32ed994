/* advice.c: a share, an order of its administrator, up or down: the least of the three is
 * asked for, so that "50%" never lifts "maint", nor "ready" a "down". */
#include "agent/probes/advice.h"

#include "agent/probe.h"

bool advice_take(struct advice *a, const struct probe_report *report, bool advises)
{
	const struct probe_advice *said = report->advice;
	struct advice was = *a;

	if (!advises && probe_reasons[report->reason].outcome == PROBE_PASSED)
		*a = (struct advice){ .silent = was.silent };
	if (report->claim != PROBE_CLAIM_NONE)
		a->down = report->claim == PROBE_CLAIM_DOWN;
	if (said && said->admin != PROBE_ADMIN_NONE)
		a->admin = said->admin == PROBE_ADMIN_READY ? PROBE_ADMIN_NONE : said->admin & 3;
	/* Only an operator raises a weight above the file's. */
	if (said && said->has_share)
		a->less = said->share < 100 ? (uint8_t)(100 - said->share) : 0;
	return a->down != was.down || a->admin != was.admin || a->less != was.less;
}

int advice_share(const struct advice *a)
{
	return a->down || a->admin != PROBE_ADMIN_NONE ? 0 : 100 - a->less;
}

void advice_format(struct buf *out, const struct advice *a)
{
	static const char *const admin[] = {
		[PROBE_ADMIN_DRAIN] = "drain", [PROBE_ADMIN_MAINT] = "maint"
	};
	const char *comma = "";

	if (a->down) {
		buf_puts(out, "down");
		comma = ", ";
	}
	if (a->admin) {
		buf_printf(out, "%s%s", comma, admin[a->admin]);
		comma = ", ";
	}
	if (a->less || !*comma)
		buf_printf(out, "%s%d%%", comma, 100 - a->less);
}
