/* note_events.c: the journal's lines for who listens to events over HTTP. Samples are
 * not: there are many, and they are what rules looked at, nothing that happened. */
#include "agent/agent.h"
#include "agent/http/server.h"
#include "agent/note.h"

static bool wants(void *arg, enum journal_kind kind)
{
	const struct agent *a = arg;

	return kind != JOURNAL_SAMPLE && http_listened(a->http);
}

static void tell(void *arg, const struct buf *text, uint64_t seq)
{
	const struct agent *a = arg;

	http_event(a->http, "journal", text->data, text->len, seq);
}

void note_events(struct agent *a)
{
	journal_set_tap(a->journal,
			&(struct journal_tap){ .wants = wants, .line = tell, .arg = a });
}
