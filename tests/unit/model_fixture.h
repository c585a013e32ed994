/* model_fixture.h: from the text of a configuration to its layout and state, with
 * verdicts as the test wants them. */
#ifndef TESTS_MODEL_FIXTURE_H
#define TESTS_MODEL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/model/state.h"
#include "agent/sections.h"
#include "tests/unit/fake_probes.h"

static ATTR_UNUSED struct config *load_conf(const char *text)
{
	char path[] = "/tmp/model-XXXXXX";
	int fd = mkstemp(path);
	struct buf problems = BUF_INIT;
	struct config *c;

	assert_true(fd != -1);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	assert_int_equal(agent_config_load(path, &c), 0);
	unlink(path);
	if (config_errors(c)) {
		config_format_problems(c, &problems);
		fail_msg("%s", buf_str(&problems));
	}
	return c;
}

static ATTR_UNUSED struct layout *make_layout(const char *text)
{
	struct config *c = load_conf(text);
	struct layout *l;

	assert_int_equal(layout_new(c, &l), 0);
	config_unref(c);
	return l;
}

static ATTR_UNUSED struct state *make_state(const char *text)
{
	struct layout *l = make_layout(text);
	struct state *s;

	assert_int_equal(state_new(l, &s), 0);
	layout_unref(l);
	return s;
}

/* The id of "service/realserver". */
static ATTR_UNUSED uint32_t id_of(const struct layout *l, const char *target)
{
	const char *slash = strchr(target, '/');
	char *service = strndup(target, strcspn(target, "/"));
	uint32_t id = layout_find_service(l, service);

	free(service);
	if (id != LAYOUT_NONE)
		id = layout_find_realserver(l, id, slash + 1);
	if (id == LAYOUT_NONE)
		fail_msg("there is no '%s'", target);
	return id;
}

/* All probes of a realserver end so; its service is dirty then. */
static ATTR_UNUSED void end_probes(struct state *s, uint32_t realserver, enum verdict verdict,
				   enum probe_reason reason, int64_t now_ms)
{
	const struct layout_realserver *r = &s->layout->realservers[realserver];
	uint32_t i;

	for (i = r->first_link; i < r->first_link + r->n_links; i++) {
		struct health *h = &s->targets[s->layout->links[i]].health;

		h->verdict = verdict;
		h->reason = reason;
		h->failures = verdict == VERDICT_DOWN ? 3 : 0;
	}
	state_judge(s, realserver, now_ms);
	state_dirty(s, r->service);
}

static ATTR_UNUSED void all_up(struct state *s)
{
	uint32_t i;

	for (i = 0; i < s->layout->n_realservers; i++)
		end_probes(s, i, VERDICT_UP, PROBE_OK, 0);
}

#endif
