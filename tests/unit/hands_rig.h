/* hands_rig.h: an agent that is told by hand: its holds are recorded in a real ledger,
 * its weights are decided, and there is no kernel. */
#ifndef HANDS_RIG_H
#define HANDS_RIG_H

#include <dirent.h>
#include <jansson.h>
#include <sys/resource.h>

#include "agent/agent.h"
#include "agent/base/clock.h"
#include "agent/base/loop.h"
#include "agent/explain.h"
#include "agent/hands.h"
#include "agent/holds/ledger.h"
#include "agent/holds/place.h"
#include "agent/rules/engine.h"
#include "tests/unit/model_fixture.h"

struct rig {
	struct agent a;
	char dir[64];
	struct loop_timer *timer;
	struct command *todo;
	unsigned int n_todo;
	/* Of the last answer: */
	unsigned int n_answers, awaited;
	enum command_status status;
	char guard[32];
	json_t *json; /* of COMMAND_OK */
	struct buf text;
};

static ATTR_UNUSED void on_hold(void *arg, const char *service, const char *realserver)
{
	struct rig *r = arg;
	uint32_t id = layout_find_service(r->a.state->layout, service);

	(void)realserver;
	if (!strcmp(service, HOLD_SERVICE))
		state_dirty_all(r->a.state);
	else if (id != LAYOUT_NONE)
		state_dirty(r->a.state, id);
}

static ATTR_UNUSED void settle(struct rig *r)
{
	struct moment now = { .mono_ms = clock_mono_ms(), .wall_ms = clock_wall_ms() };

	if (now.mono_ms <= r->a.decider.last_ms)
		now.mono_ms = r->a.decider.last_ms + 1;
	r->a.decider.kernel_known = true;
	(void)decide(&r->a.decider, &now, NULL, NULL);
}

static ATTR_UNUSED void open_ledger(struct rig *r)
{
	struct ledger_state kept;
	struct buf why = BUF_INIT;
	size_t i;

	assert_int_equal(ledger_open(r->dir, r->a.loop, &why, &kept, &r->a.ledger), 0);
	for (i = 0; i < kept.n_holds; i++) {
		kept.holds[i]->active = !kept.holds[i]->waiting;
		assert_int_equal(holds_place(r->a.holds, kept.holds[i], NULL), 0);
		kept.holds[i] = NULL;
	}
	ledger_state_fini(&kept);
	buf_fini(&why);
}

static ATTR_UNUSED void on_time(void *arg);

static ATTR_UNUSED void open_rig(struct rig *r, const char *ini)
{
	struct buf why = BUF_INIT;
	struct agent_rules rules;

	r->a = (struct agent){ .state = make_state(ini) };
	assert_int_equal(loop_new(&r->a.loop), 0);
	assert_int_equal(holds_new(&r->a.holds), 0);
	open_ledger(r);
	assert_int_equal(placer_new(r->a.loop, r->a.ledger, r->a.holds, on_hold, r, &r->a.placer),
			 0);
	assert_int_equal(loop_timer_new(r->a.loop, "order", on_time, r, &r->timer), 0);
	assert_int_equal(hands_new(&r->a, &r->a.hands), 0);
	assert_int_equal(agent_rules_new(&r->a), 0);
	r->a.decider.tell = NULL;
	r->a.decider.feed = NULL;
	assert_int_equal(
		agent_rules_prepare(r->a.state->layout->conf, r->a.state->layout, &why, &rules), 0);
	agent_rules_put(&r->a, r->a.state, &rules);
	settle(r);
}

/* As the agent ends. */
static ATTR_UNUSED void close_rig(struct rig *r)
{
	r->a.stopping = true;
	ledger_free(r->a.ledger);
	engine_free(r->a.engine);
	decider_fini(&r->a.decider);
	placer_free(r->a.placer);
	hands_free(r->a.hands);
	holds_free(r->a.holds);
	loop_timer_free(r->timer);
	loop_timer_free(r->a.decide_timer);
	loop_timer_free(r->a.sample_timer);
	loop_free(r->a.loop);
	state_free(r->a.state);
}

static ATTR_UNUSED void new_dir(struct rig *r)
{
	*r = (struct rig){ .dir = "/tmp/hands-XXXXXX" };
	assert_non_null(mkdtemp(r->dir));
}

static ATTR_UNUSED void drop(struct rig *r)
{
	char path[400];
	struct dirent *d;
	DIR *dir = opendir(r->dir);

	while (dir && (d = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/%s", r->dir, d->d_name);
		unlink(path);
	}
	if (dir)
		closedir(dir);
	rmdir(r->dir);
	json_decref(r->json);
	buf_fini(&r->text);
}

static ATTR_UNUSED void on_answer(void *arg, struct command_reply *reply)
{
	struct rig *r = arg;

	r->n_answers++;
	r->status = reply->status;
	snprintf(r->guard, sizeof(r->guard), "%s", reply->guard ? reply->guard : "");
	buf_reset(&r->text);
	buf_puts(&r->text, buf_str(&reply->text));
	json_decref(r->json);
	r->json = reply->status == COMMAND_OK ? json_loads(buf_str(&r->text), 0, NULL) : NULL;
	if (r->n_answers == r->awaited)
		loop_stop(r->a.loop);
}

static ATTR_UNUSED char *text_of(const char *s)
{
	return s ? strdup(s) : NULL;
}

static ATTR_UNUSED void on_time(void *arg)
{
	struct rig *r = arg;
	unsigned int i, n = r->n_todo;

	r->n_todo = 0;
	for (i = 0; i < n; i++) {
		hands_order(&r->a, &r->todo[i], on_answer, r);
		command_fini(&r->todo[i]);
	}
}

/* Orders all while the loop runs, as the door does, and waits for the answers. */
static ATTR_UNUSED void order_all(struct rig *r, struct command *cmds, unsigned int n)
{
	r->todo = cmds;
	r->n_todo = n;
	r->awaited = r->n_answers + n;
	loop_timer_start(r->timer, 0);
	loop_run(r->a.loop);
	assert_int_equal(r->n_answers, r->awaited);
	settle(r);
}

/* Orders, and waits for the answer. */
static ATTR_UNUSED enum command_status order(struct rig *r, struct command like)
{
	like.target = text_of(like.target);
	like.who = text_of(like.who);
	like.holder = text_of(like.holder);
	like.reason = text_of(like.reason);
	like.id = text_of(like.id);
	like.only = text_of(like.only);
	order_all(r, &like, 1);
	return r->status;
}

#define WORD(text) ((char *)(uintptr_t)(text))

static ATTR_UNUSED enum command_status lower(struct rig *r, const char *who, const char *target,
					     int effect, bool force)
{
	return order(r, (struct command){ .kind = COMMAND_HOLD,
					  .who = WORD(who),
					  .target = WORD(target),
					  .effect = effect,
					  .force = force });
}

static ATTR_UNUSED enum command_status undrain(struct rig *r, const char *who, const char *target)
{
	return order(r, (struct command){ .kind = COMMAND_LIFT,
					  .who = WORD(who),
					  .target = WORD(target),
					  .only = WORD("drain") });
}

static ATTR_UNUSED int32_t weight_of(const struct rig *r, const char *target)
{
	const struct layout_realserver *l =
		&r->a.state->layout->realservers[id_of(r->a.state->layout, target)];

	return r->a.state->dests[r->a.state->layout->dest_links[l->first_dest_link]].want;
}

/* A list of the last answer: "web/a ann 0, web/b ann 50%". */
static ATTR_UNUSED void assert_list(const struct rig *r, const char *name, const char *expected)
{
	struct buf got = BUF_INIT;
	json_t *one;
	size_t i;

	json_array_foreach (json_object_get(r->json, name), i, one) {
		char *effect =
			json_dumps(json_object_get(one, "effect"), JSON_ENCODE_ANY | JSON_COMPACT);

		buf_printf(&got, "%s%s/%s %s %s", i ? ", " : "",
			   json_string_value(json_object_get(one, "service")),
			   json_string_value(json_object_get(one, "realserver")),
			   json_string_value(json_object_get(one, "holder")), effect);
		free(effect);
	}
	assert_string_equal(buf_str(&got), expected);
	buf_fini(&got);
}

static ATTR_UNUSED const char *member(const json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));

	return text ? text : "";
}

#endif
