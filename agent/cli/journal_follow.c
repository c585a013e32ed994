/* journal_follow.c: journal --follow: the agent's stream of events. When the stream says
 * hello, the journal is read once more, and what came twice is told once: so nothing is
 * missed between the two, nor while the agent restarts. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/base/clock.h"
#include "agent/cli/client.h"
#include "agent/cli/journal.h"
#include "agent/cli/render.h"
#include "agent/cli/sse.h"

enum { AGAIN_S = 1, CATCH_UP = 1000 };

struct follow {
	const struct cli_args *args;
	struct client client;
	struct text_style style;
	unsigned int limit;             /* of the next catching up */
	json_t *targets;                /* of explain; NULL = all */
	int64_t t, seq;                 /* of the last line told */
	int64_t journal_t, journal_seq; /* of the last that the journal had, at the hello */
	bool ever;                      /* there was a hello */
	bool away_told;
	int code; /* not CLI_OK ends it */
};

/* --- which lines, and how ------------------------------------------------------ */

static bool concerns(const struct follow *f, const json_t *line)
{
	const char *service = render_text(line, "service"), *rs = render_text(line, "realserver");
	const json_t *target;
	size_t i;

	json_array_foreach (f->targets, i, target) {
		if (strcmp(render_text(target, "service"), service) == 0 &&
		    (!*rs || strcmp(rs, "*") == 0 ||
		     strcmp(render_text(target, "realserver"), rs) == 0))
			return true;
	}
	return !f->targets;
}

static void tell(struct follow *f, const json_t *line)
{
	struct buf out = BUF_INIT;
	char *text = NULL;

	f->t = render_int(line, "t", f->t);
	f->seq = render_int(line, "seq", f->seq);
	if (!concerns(f, line))
		return;
	f->style.now_wall_ms = clock_wall_ms();
	if (f->args->json) {
		text = json_dumps(line, JSON_COMPACT);
		buf_printf(&out, "%s\n", text ? text : "");
		free(text);
	} else {
		render_journal_line(line, &f->style, &out);
	}
	f->code = cli_print(&out);
	buf_fini(&out);
}

/* What the journal has behind the last line that was told. The sequence begins anew with
 * each start of the agent, time does not. */
static void catch_up(struct follow *f)
{
	struct buf path = BUF_INIT, why = BUF_INIT;
	int64_t t = f->t, seq = f->seq;
	json_t *answer = NULL, *line;
	size_t i;

	f->journal_t = f->journal_seq = 0;
	journal_put_path(f->args, f->limit, &path);
	if (client_call_json(&f->client, &(struct client_question){ .path = buf_str(&path) }, &why,
			     &answer) != 0)
		fprintf(stderr, "ipvs-agent: %s\n", buf_str(&why));
	json_array_foreach (json_object_get(answer, "lines"), i, line) {
		int64_t at = render_int(line, "t", 0);

		if (f->code == CLI_OK && (at > t || (at == t && render_int(line, "seq", 0) > seq)))
			tell(f, line);
		f->journal_t = at;
		f->journal_seq = render_int(line, "seq", 0);
	}
	f->limit = CATCH_UP;
	json_decref(answer);
	buf_fini(&path);
	buf_fini(&why);
}

/* --- the stream ---------------------------------------------------------------- */

static void on_line(struct follow *f, const json_t *line)
{
	int64_t t = render_int(line, "t", 0), seq = render_int(line, "seq", 0);

	/* What is not younger was told by the journal already. */
	if (t > f->journal_t || seq > f->journal_seq)
		tell(f, line);
}

static bool on_event(void *arg, const char *event, const char *data)
{
	struct follow *f = arg;
	json_t *json = json_loads(data, 0, NULL);

	if (strcmp(event, "hello") == 0) {
		f->ever = true;
		f->away_told = false;
		catch_up(f);
	} else if (strcmp(event, "journal") == 0 && json) {
		on_line(f, json);
	} else if (strcmp(event, "lost") == 0) {
		fprintf(stderr, "ipvs-agent: %lld lines were lost: this end was too slow\n",
			(long long)render_int(json, "dropped", 0));
	}
	json_decref(json);
	return f->code == CLI_OK;
}

static bool on_data(void *arg, const char *bytes, size_t len)
{
	return sse_feed(arg, bytes, len);
}

/* One stream, until it ends. */
static void stream(struct follow *f)
{
	struct sse sse = { .fn = on_event, .arg = f };
	struct buf why = BUF_INIT;
	int r = client_stream(&f->client, "/api/v1/events", on_data, &sse, &why);

	sse_fini(&sse);
	if (f->code == CLI_OK && r != 0 && (r == -EPROTO || !f->ever)) {
		fprintf(stderr, "ipvs-agent: %s\n", buf_str(&why));
		f->code = CLI_ERROR;
	} else if (f->code == CLI_OK && !f->away_told) {
		fputs("ipvs-agent: the agent is gone; waiting for it\n", stderr);
		f->away_told = true;
	}
	buf_fini(&why);
}

/* The realservers that a target means, from explain: it knows addresses too, and says
 * which name was meant. */
static int find_targets(struct follow *f)
{
	struct client_answer answer = { 0 };
	struct buf path = BUF_INIT, why = BUF_INIT;
	json_t *json;
	int r = CLI_ERROR;

	if (f->args->n_rest == 0)
		return CLI_OK;
	buf_puts(&path, "/api/v1/explain?target=");
	client_put_encoded(&path, f->args->rest[0]);
	if (client_call(&f->client, &(struct client_question){ .path = buf_str(&path) }, &why,
			&answer) != 0) {
		fprintf(stderr, "ipvs-agent: %s\n", buf_str(&why));
	} else {
		r = client_json(f->args, &answer, &json);
		if (r == CLI_OK) {
			f->targets = json_incref(json_object_get(json, "targets"));
			json_decref(json);
		}
	}
	buf_fini(&path);
	buf_fini(&why);
	return r;
}

int journal_follow(const struct cli_args *args, unsigned int limit)
{
	const struct timespec again = { .tv_sec = AGAIN_S };
	struct follow f = { .args = args, .limit = limit, .style = text_style_of(STDOUT_FILENO) };
	int r = client_open(args, &f.client);

	if (r != CLI_OK)
		return r;
	f.code = find_targets(&f);
	while (f.code == CLI_OK) {
		stream(&f);
		if (f.code == CLI_OK)
			nanosleep(&again, NULL);
	}
	json_decref(f.targets);
	client_close(&f.client);
	return f.code;
}
