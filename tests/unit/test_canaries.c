/* test_canaries.c: what fails while no canary answers says nothing; and when it does all the
 * same. Everything is behind the loopback interface, the one that every machine has. */
#include "agent/agent.h"
#include "agent/base/loop.h"
#include "agent/base/ways.h"
#include "agent/canaries.h"
#include "agent/probes/canary_conf.h"
#include "agent/probes/sched.h"
#include "agent/rules/brake.h"
#include "tests/unit/model_fixture.h"

#define SITE                                                                                       \
	"[service web]\naddress = tcp://10.1.2.15:80\nprobe = ping\n"                              \
	"realserver = a 127.0.0.21\nrealserver = far 127.0.0.22 probe=by-none\n"                   \
	"[probe ping]\nurl = tcp://\nfall = 2\n"                                                   \
	"[probe by-none]\nurl = tcp://\ninterface = none0\n"
#define CANARY(name, last) "[canary " name "]\naddress = 127.0.0." last ":7\nprobe = ping\n"

/* --- a kind, and a world --------------------------------------------------------- */

static struct {
	struct probe_run *runs[256]; /* by the address's last byte: those not asked for */
	enum probe_reason answer;    /* of those that are */
} kind;

static void fake_start(struct probe_run *run)
{
	if (run->shown)
		probe_done(run, &(struct probe_report){ .reason = kind.answer });
	else
		kind.runs[run->addr.bytes[3]] = run;
}

static void fake_cancel(struct probe_run *run)
{
	kind.runs[run->addr.bytes[3]] = NULL;
}

static const struct probe_type fake = { .name = "fake",
					.start = fake_start,
					.cancel = fake_cancel };

struct world {
	struct agent a;
	struct loop_timer *timer;
};

static void ignore(void *arg ATTR_UNUSED, uint32_t target ATTR_UNUSED, bool changed ATTR_UNUSED,
		   const struct probe_report *report ATTR_UNUSED)
{
}

static void ignore_told(void *arg ATTR_UNUSED, uint32_t target ATTR_UNUSED,
			const struct probe_report *report ATTR_UNUSED, int64_t took_us ATTR_UNUSED)
{
}

static void use_fakes(struct config *conf)
{
	size_t n, i;
	void *const *probes = config_sections(conf, &probe_section, &n);

	for (i = 0; i < n; i++) {
		struct probe_conf *p = probes[i];

		p->type = &fake;
		p->interval = p->interval_down = p->fast_interval = 10;
		p->timeout = 3600000;
	}
}

static void open_world(struct world *w, const char *ini)
{
	static const struct sched_limits limits = { .max_running = 100 };
	static const uint32_t from[] = { SCHED_NEW, SCHED_NEW };
	const struct layout *l;

	*w = (struct world){ 0 };
	memset(&kind, 0, sizeof(kind));
	w->a.state = make_state(ini);
	l = w->a.state->layout;
	w->a.conf = l->conf;
	use_fakes(w->a.conf);
	assert_int_equal(l->n_targets, countof(from));
	assert_int_equal(loop_new(&w->a.loop), 0);
	assert_int_equal(ways_new(BRAKE_INTERFACES, &w->a.ways), 0);
	assert_int_equal(sched_new(w->a.loop, NULL, &limits, ignore, w, &w->a.sched), 0);
	assert_int_equal(sched_replace(w->a.sched, l->targets, w->a.state->targets, l->n_targets,
				       from, &limits),
			 0);
	assert_int_equal(canaries_new(&w->a, &w->a.canaries), 0);
}

static void close_world(struct world *w)
{
	sched_free(w->a.sched);
	canaries_free(w->a.canaries);
	ways_free(w->a.ways);
	loop_free(w->a.loop);
	state_free(w->a.state);
}

static void stop(void *arg)
{
	loop_stop(((struct world *)arg)->a.loop);
}

/* The next attempt at the canary of that address ends so. */
static void canary(struct world *w, unsigned int last, enum probe_reason reason)
{
	struct probe_run *run;

	while (!kind.runs[last]) {
		assert_int_equal(loop_timer_new(w->a.loop, "stop", stop, w, &w->timer), 0);
		loop_timer_start(w->timer, 5);
		loop_run(w->a.loop);
		loop_timer_free(w->timer);
	}
	run = kind.runs[last];
	kind.runs[last] = NULL;
	probe_done(run, &(struct probe_report){ .reason = reason });
}

/* An attempt at a realserver ends so; what it was taken for. */
static enum probe_reason server(struct world *w, const char *name, enum probe_reason reason)
{
	const struct layout *l = w->a.state->layout;
	uint32_t target = l->links[l->realservers[id_of(l, name)].first_link];

	kind.answer = reason;
	assert_int_equal(sched_ask(w->a.sched, target,
				   &(struct sched_asked){ .fn = ignore_told, .counts = true }),
			 0);
	return (enum probe_reason)w->a.state->targets[target].health.reason;
}

static const struct health *health_of(const struct world *w, const char *name)
{
	const struct layout *l = w->a.state->layout;

	return &w->a.state->targets[l->links[l->realservers[id_of(l, name)].first_link]].health;
}

/* --- cases -------------------------------------------------------------------------- */

static void test_cut(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, SITE CANARY("gw", "2"));
	assert_int_equal(server(&w, "web/a", PROBE_OK), PROBE_OK);
	canary(&w, 2, PROBE_OK);
	assert_int_equal(server(&w, "web/a", PROBE_CONNECT_TIMEOUT), PROBE_CONNECT_TIMEOUT);
	canary(&w, 2, PROBE_CONNECT_TIMEOUT);
	assert_int_equal(server(&w, "web/a", PROBE_CONNECT_TIMEOUT), PROBE_LOCAL_CANARY);
	assert_int_equal(server(&w, "web/a", PROBE_CONNECT_REFUSED), PROBE_LOCAL_CANARY);
	assert_int_equal(server(&w, "web/a", PROBE_LOCAL_ROUTE), PROBE_LOCAL_ROUTE);
	assert_int_equal(health_of(&w, "web/a")->verdict, VERDICT_UP);
	assert_true(health_of(&w, "web/a")->unknown);
	assert_int_equal(health_of(&w, "web/a")->failures, 1);
	/* It answers: what fails now is the server's. */
	canary(&w, 2, PROBE_OK);
	assert_int_equal(server(&w, "web/a", PROBE_CONNECT_TIMEOUT), PROBE_CONNECT_TIMEOUT);
	assert_int_equal(health_of(&w, "web/a")->verdict, VERDICT_DOWN);
	close_world(&w);
}

/* What answers, well or not, proves the way: it is the canary that is broken, and nobody
 * heeds it until it answers again. */
static void test_proof(void **state)
{
	static const enum probe_reason proofs[] = { PROBE_OK, PROBE_ANSWER_STATUS };
	struct world w;
	size_t i;

	(void)state;
	open_world(&w, SITE CANARY("gw", "2"));
	for (i = 0; i < countof(proofs); i++) {
		canary(&w, 2, PROBE_OK);
		canary(&w, 2, PROBE_ANSWER_TIMEOUT);
		assert_int_equal(server(&w, "web/a", PROBE_ANSWER_TIMEOUT), PROBE_LOCAL_CANARY);
		assert_int_equal(server(&w, "web/a", proofs[i]), proofs[i]);
		canary(&w, 2, PROBE_ANSWER_TIMEOUT);
		assert_int_equal(server(&w, "web/a", PROBE_CONNECT_TIMEOUT), PROBE_CONNECT_TIMEOUT);
	}
	close_world(&w);
}

/* Several: each must fail. One that never answered is not among them. */
static void test_several(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, SITE CANARY("gw", "2") CANARY("ns", "3") CANARY("wrong", "4"));
	canary(&w, 4, PROBE_CONNECT_REFUSED);
	assert_int_equal(server(&w, "web/a", PROBE_CONNECT_TIMEOUT), PROBE_CONNECT_TIMEOUT);
	canary(&w, 2, PROBE_OK);
	canary(&w, 3, PROBE_OK);
	canary(&w, 2, PROBE_CONNECT_TIMEOUT);
	assert_int_equal(server(&w, "web/a", PROBE_CONNECT_TIMEOUT), PROBE_CONNECT_TIMEOUT);
	canary(&w, 3, PROBE_CONNECT_TIMEOUT);
	assert_int_equal(server(&w, "web/a", PROBE_CONNECT_TIMEOUT), PROBE_LOCAL_CANARY);
	/* That one could not be asked changes nothing. */
	canary(&w, 3, PROBE_LOCAL_RESOURCES);
	assert_int_equal(server(&w, "web/a", PROBE_CONNECT_TIMEOUT), PROBE_LOCAL_CANARY);
	canary(&w, 2, PROBE_OK);
	assert_int_equal(server(&w, "web/a", PROBE_CONNECT_TIMEOUT), PROBE_CONNECT_TIMEOUT);
	close_world(&w);
}

/* A canary speaks for its own interface. */
static void test_elsewhere(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, SITE CANARY("gw", "2"));
	canary(&w, 2, PROBE_OK);
	canary(&w, 2, PROBE_CONNECT_TIMEOUT);
	assert_int_equal(server(&w, "web/far", PROBE_CONNECT_TIMEOUT), PROBE_CONNECT_TIMEOUT);
	assert_int_equal(server(&w, "web/a", PROBE_CONNECT_TIMEOUT), PROBE_LOCAL_CANARY);
	close_world(&w);
}

static void reload(struct world *w, const char *ini, struct config **ret_conf)
{
	*ret_conf = load_conf(ini);
	use_fakes(*ret_conf);
	w->a.conf = *ret_conf;
	assert_int_equal(canaries_reload(w->a.canaries), 0);
}

/* Who stays has said what it has said; who is asked elsewhere is another one. */
static void test_reload(void **state)
{
	struct config *confs[3];
	struct world w;
	size_t i;

	(void)state;
	open_world(&w, SITE CANARY("gw", "2"));
	canary(&w, 2, PROBE_OK);
	canary(&w, 2, PROBE_CONNECT_TIMEOUT);
	reload(&w, SITE CANARY("new", "3") CANARY("gw", "2"), &confs[0]);
	assert_int_equal(server(&w, "web/a", PROBE_CONNECT_TIMEOUT), PROBE_LOCAL_CANARY);
	canary(&w, 3, PROBE_OK);
	assert_int_equal(server(&w, "web/a", PROBE_CONNECT_TIMEOUT), PROBE_CONNECT_TIMEOUT);
	reload(&w, SITE CANARY("gw", "2"), &confs[1]);
	assert_int_equal(server(&w, "web/a", PROBE_CONNECT_TIMEOUT), PROBE_LOCAL_CANARY);
	reload(&w, SITE CANARY("gw", "5"), &confs[2]);
	assert_int_equal(server(&w, "web/a", PROBE_CONNECT_TIMEOUT), PROBE_CONNECT_TIMEOUT);
	assert_null(kind.runs[2]);
	close_world(&w);
	for (i = 0; i < countof(confs); i++)
		config_unref(confs[i]);
}

static void test_show(void **state)
{
	struct world w;
	struct view *v;

	(void)state;
	open_world(&w, SITE CANARY("gw", "2") CANARY("ns", "3") CANARY("new", "4"));
	canary(&w, 2, PROBE_OK);
	canary(&w, 3, PROBE_CONNECT_REFUSED);
	v = view_new(w.a.conf, NULL);
	assert_non_null(v);
	assert_int_equal(canaries_show(w.a.canaries, v), 0);
	assert_int_equal(v->n_canaries, 3);
	assert_string_equal(v->canaries[0].name, "gw");
	assert_true(v->canaries[0].known && v->canaries[0].up);
	assert_true(v->canaries[1].known && !v->canaries[1].up);
	assert_false(v->canaries[2].known);
	assert_null(v->canaries[0].cut);
	view_unref(v);
	/* Its interface is named beside the one that was heeded, and is silent. */
	canary(&w, 2, PROBE_CONNECT_TIMEOUT);
	v = view_new(w.a.conf, NULL);
	assert_non_null(v);
	assert_int_equal(canaries_show(w.a.canaries, v), 0);
	assert_string_equal(v->canaries[0].cut, "lo");
	assert_null(v->canaries[1].cut);
	view_unref(v);
	close_world(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut),     cmocka_unit_test(test_proof),
		cmocka_unit_test(test_several), cmocka_unit_test(test_elsewhere),
		cmocka_unit_test(test_reload),  cmocka_unit_test(test_show),
	};

	return cmocka_run_group_tests_name("canaries", tests, NULL, NULL);
}
