/* test_snapshot.c: the rows of a snapshot against what was decided: the short way that
 * most realservers take must come to what the decision itself says, and slices must
 * come to what one piece does. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/agent.h"
#include "agent/base/clock.h"
#include "agent/http/view_json.h"
#include "agent/ipvs/table.h"
#include "agent/model/compare.h"
#include "agent/model/match.h"
#include "agent/publish.h"
#include "agent/sections.h"
#include "agent/world.h"

static const char conf_text[] =
	"[probe tcp]\nurl = tcp://\ninterval = 10s\n"
	"[probe other]\nurl = tcp://\ninterval = 10s\n"
	"[probe timed]\nurl = tcp://\nhistogram = on\n"
	"[defaults]\nscheduler = wrr\nforward = masq\nprobe = tcp\n"
	"[service web]\naddress = tcp://10.0.0.1:80\n"
	"address = tcp://10.0.0.1:443\n"
	"probe = other\n"
	"realserver = up 10.0.1.1\n"
	"realserver = down 10.0.1.2\n"
	"realserver = held 10.0.1.3 weight=50\n"
	"realserver = one 10.0.1.4 weight=1\n"
	"realserver = off 10.0.1.5 enabled=no\n"
	"realserver = new 10.0.1.6\n"
	"backup = sorry 10.0.1.7\n"
	"[service gone]\naddress = tcp://10.0.0.2:80\n"
	"realserver = a 10.0.2.1\n"
	"realserver = b 10.0.2.2\n"
	"[service late]\naddress = tcp://10.0.0.3:80\n"
	"realserver = c 10.0.3.1\n"
	"[probe page]\nurl = http://x/\ndigest = consensus\n"
	"[service same]\naddress = tcp://10.0.0.4:80\nprobe = other, page\n"
	"realserver = x 10.0.4.1\nrealserver = y 10.0.4.2\n"
	"realserver = z 10.0.4.3\n"
	"[service timed]\naddress = tcp://10.0.0.5:80\nprobe = other, timed\n"
	"address = tcp://[2001:db8::5]:80\n"
	"realserver = x 10.0.5.1 2001:db8:5::1\nrealserver = y 10.0.5.3\n";

struct fixture {
	struct world *world;
	struct agent agent;
	struct reading *reading;
};

static uint32_t id_of(const struct fixture *f, const char *service, const char *realserver)
{
	return layout_find(f->agent.state->layout, service, realserver);
}

static void load(struct config **ret_conf)
{
	char path[] = "/tmp/ipvs-agent-snapshot-XXXXXX";
	int fd = mkstemp(path);
	FILE *file = fdopen(fd, "w");

	assert_non_null(file);
	fputs(conf_text, file);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(agent_config_load(path, ret_conf), 0);
	assert_int_equal(config_errors(*ret_conf), 0);
	unlink(path);
}

static void hold(struct fixture *f, const char *service, const char *realserver, int effect)
{
	struct hold h = { .id = (char *)(uintptr_t)realserver,
			  .hold_class = HOLD_OPERATOR,
			  .service = (char *)(uintptr_t)service,
			  .realserver = (char *)(uintptr_t)realserver,
			  .holder = (char *)(uintptr_t) "J",
			  .reason = (char *)(uintptr_t) "deploy",
			  .effect = effect };

	assert_int_equal(world_hold(f->world, &h), 0);
}

/* The first VIP is in the kernel with a realserver of somebody else's, and so is a
 * service of somebody else's. */
static void read_kernel(struct fixture *f)
{
	const struct layout *l = f->agent.state->layout;
	struct ipvs_table table = { .complete = true };
	struct table_draft draft = { .table = &table };
	struct ipvs_service *s = table_add_service(&draft);
	struct ipvs_dest *d;

	layout_kernel_service(l, 0, s);
	s->first_dest = 0;
	s->n_dests = 2;
	s = table_add_service(&draft);
	layout_kernel_service(l, 0, s);
	s->key.addr.port = 8080;
	s->first_dest = 2;
	s->n_dests = 1;
	for (int i = 0; i < 3; i++) {
		d = table_add_dest(&draft);
		layout_kernel_dest(l, 0, 7, d);
		d->addr.bytes[3] = (uint8_t)(i ? 200 + i : d->addr.bytes[3]);
	}
	assert_int_equal(reading_new(f->agent.state->layout, &table, &f->reading), 0);
	assert_int_equal(reading_match(f->reading), 0);
}

static struct target *target_of(const struct fixture *f, const char *service,
				const char *realserver)
{
	const struct layout *l = f->agent.state->layout;
	uint32_t link = l->realservers[id_of(f, service, realserver)].first_link;

	return &f->agent.state->targets[l->links[link]];
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct moment now = { .mono_ms = clock_mono_ms(), .wall_ms = clock_wall_ms() };
	struct buf why = BUF_INIT;

	assert_non_null(f);
	load(&f->agent.conf);
	assert_int_equal(world_new(f->agent.conf, &now, &why, &f->world), 0);
	f->agent.state = f->world->state;
	world_verdict(f->world, id_of(f, "web", "up"), VERDICT_UP, PROBE_OK);
	world_verdict(f->world, id_of(f, "web", "down"), VERDICT_DOWN, PROBE_CONNECT_REFUSED);
	world_verdict(f->world, id_of(f, "web", "held"), VERDICT_UP, PROBE_OK);
	world_verdict(f->world, id_of(f, "web", "one"), VERDICT_UP, PROBE_OK);
	world_verdict(f->world, id_of(f, "gone", "a"), VERDICT_DOWN, PROBE_CONNECT_REFUSED);
	world_verdict(f->world, id_of(f, "gone", "b"), VERDICT_DOWN, PROBE_CONNECT_TIMEOUT);
	target_set_text(target_of(f, "web", "down"), "Host is blocked");
	hold(f, "web", "held", 50);
	hold(f, "web", "one", 50);
	world_step(f->world, &now);
	f->agent.decider = f->world->decider;
	f->agent.engine = f->world->engine;
	f->agent.holds = f->world->holds;
	read_kernel(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	reading_unref(f->reading);
	world_free(f->world);
	config_unref(f->agent.conf);
	free(f);
	return 0;
}

/* In as many slices as there can be, or in one. */
static struct view *make(struct fixture *f, bool slices)
{
	struct view *v = view_new(f->agent.conf, f->reading->layout);
	struct snapshot s;
	int e;

	assert_non_null(v);
	assert_int_equal(snapshot_room(v), 0);
	snapshot_begin(&s, v, &f->agent);
	do {
		if (slices)
			assert_int_equal(snapshot_next(&s, 0), -EAGAIN); /* no time: nothing */
		e = snapshot_next(&s, slices ? clock_mono_us() + 1 : INT64_MAX);
	} while (e == -EAGAIN);
	assert_int_equal(e, 0);
	snapshot_fini(&s);
	view_read(v, f->reading);
	assert_int_equal(snapshot_dests(v), 0);
	return v;
}

static void check(const struct fixture *f, const struct view *v, const char *service,
		  const char *realserver, enum view_state state, int32_t weight, const char *reason)
{
	uint32_t id = id_of(f, service, realserver);

	assert_int_equal(v->realservers[id].state, state);
	assert_int_equal(v->realservers[id].effective_weight, weight);
	assert_string_equal(view_reason(v, id), reason);
	assert_string_equal(view_conf(v, id)->name, realserver);
}

static void test_realservers(void **state)
{
	struct fixture *f = *state;
	struct view *v = make(f, false);

	check(f, v, "web", "up", VIEW_UP, 100, "");
	check(f, v, "web", "held", VIEW_HELD, 25, "operator J: deploy");
	/* Lowered by nothing, and held all the same. */
	check(f, v, "web", "one", VIEW_HELD, 1, "operator J: deploy");
	assert_int_equal(v->realservers[id_of(f, "web", "one")].reason,
			 v->realservers[id_of(f, "web", "held")].reason);
	check(f, v, "web", "off", VIEW_DISABLED, -1, "enabled = no");
	check(f, v, "web", "new", VIEW_UNKNOWN, 0, "not seen up yet");
	check(f, v, "web", "sorry", VIEW_UNKNOWN, 0, "backup");
	assert_int_equal(v->realservers[id_of(f, "web", "down")].state, VIEW_DOWN);
	assert_true(v->services[1].panic);
	assert_int_equal(v->services[1].states[VIEW_DOWN], 2);
	assert_int_equal(v->services[0].states[VIEW_HELD], 2);
	view_unref(v);
}

/* Whoever takes the short way: the decision says the same. */
static void test_decided(void **state)
{
	struct fixture *f = *state;
	struct view *v = make(f, true);
	struct desired_input in;
	struct desired d;

	for (uint32_t i = 0; i < v->n_realservers; i++) {
		decide_desired(&f->agent.decider, i, clock_mono_ms(), &in, &d);
		assert_int_equal(v->realservers[i].effective_weight,
				 d.weight == WANT_OUT ? WANT_ABSENT : d.weight);
	}
	view_unref(v);
}

static void test_probes(void **state)
{
	struct fixture *f = *state;
	struct view *v = make(f, false);
	uint32_t down = id_of(f, "web", "down"), b = id_of(f, "gone", "b");
	uint32_t first = v->realservers[down].first_probe;

	for (uint32_t i = 0; i < v->n_probes; i++)
		assert_true(v->probes[i].realserver < v->n_realservers);
	assert_int_equal(v->probes[first].verdict, VERDICT_DOWN);
	assert_true(v->probes[first].streak < 0);
	assert_string_equal(view_probe_name(v, first), "other");
	assert_string_equal(view_probe_name(v, v->realservers[b].first_probe), "tcp");
	assert_int_equal(v->probes[v->realservers[b].first_probe].reason, PROBE_CONNECT_TIMEOUT);
	assert_int_equal(view_probes_end(v, v->n_realservers - 1), v->n_probes);
	assert_string_equal(view_probe_text(v, first), "Host is blocked");
	assert_string_equal(view_probe_text(v, v->realservers[b].first_probe), "");
	view_unref(v);
}

/* The row of a realserver's last probe, and what the API says of it. */
static void check_digest(const struct fixture *f, const struct view *v, const char *realserver,
			 enum consensus_word word, const char *json)
{
	uint32_t id = id_of(f, "same", realserver), row = view_probes_end(v, id) - 1;
	json_t *o = view_json_realserver(v, id), *probes = json_object_get(o, "probes");
	json_t *want = json_loads(json, 0, NULL), *value;
	const char *key;

	assert_non_null(want);
	assert_int_equal(v->digests[row].word, word);
	assert_false(v->digests[row - 1].compared);
	assert_null(json_object_get(json_array_get(probes, 0), "stale"));
	json_object_foreach (want, key, value)
		assert_true(json_equal(value, json_object_get(json_array_get(probes, 1), key)));
	json_decref(want);
	json_decref(o);
}

static void test_digests(void **state)
{
	struct fixture *f = *state;
	const struct layout *l = f->agent.state->layout;
	uint32_t first = l->realservers[id_of(f, "same", "x")].first_link, i;
	const uint64_t digests[] = { 0x0123456789abcdefu, 0xfedcba9876543210u,
				     0x0123456789abcdefu };
	struct view *v = make(f, true);

	check_digest(f, v, "x", CONSENSUS_UNKNOWN,
		     "{\"digest\":null,\"stale\":null,\"digest_heard\":0}");
	view_unref(v);
	for (i = 0; i < 3; i++)
		compare_note(f->agent.state->compare, l->links[first + 2 * i + 1], digests[i],
			     false, clock_mono_ms());
	v = make(f, true);
	check_digest(f, v, "x", CONSENSUS_SAME,
		     "{\"digest\":\"0123456789ab\",\"stale\":false,\"digest_agree\":2,"
		     "\"digest_heard\":3,\"digest_too_long\":false}");
	check_digest(f, v, "y", CONSENSUS_STALE,
		     "{\"digest\":\"fedcba987654\",\"stale\":true,\"digest_agree\":2,"
		     "\"digest_heard\":3}");
	view_unref(v);
	compare_note(f->agent.state->compare, l->links[first + 1], 0, true, clock_mono_ms());
	v = make(f, false);
	check_digest(f, v, "x", CONSENSUS_UNKNOWN,
		     "{\"digest\":null,\"stale\":null,\"digest_heard\":2,"
		     "\"digest_too_long\":true}");
	view_unref(v);
}

/* What both addresses of a realserver took is one row, and only of the probe that counts;
 * one that nobody answered yet has its row as well. */
static void test_durations(void **state)
{
	static const uint32_t took_us[] = {
		0, 1000, 1001, 9999999, 10000000, 10000001, UINT32_MAX
	};
	struct fixture *f = *state;
	const struct layout *l = f->agent.state->layout;
	const struct layout_realserver *x = &l->realservers[id_of(f, "timed", "x")];
	const struct layout_realserver *y = &l->realservers[id_of(f, "timed", "y")];
	struct target *targets = f->agent.state->targets;
	struct durations *d;
	struct view *v;
	uint32_t row, i;

	assert_int_equal(x->n_links, 4);
	for (i = 0; i < countof(took_us); i++)
		target_count_duration(&targets[l->links[x->first_link + 2 + i % 2]], took_us[i]);
	/* Beside a text and failures, which it shares its memory with. */
	target_set_text(&targets[l->links[x->first_link + 2]], "slow");
	target_count_failure(&targets[l->links[x->first_link + 3]], PROBE_CONNECT_REFUSED);
	target_count_failure(&targets[l->links[x->first_link + 3]], PROBE_CONNECT_TIMEOUT);
	v = make(f, true);
	row = v->realservers[id_of(f, "timed", "x")].first_probe;
	assert_false(v->durations[row].on);
	assert_false(v->durations[0].on);
	d = &v->durations[row + 1];
	assert_true(d->on);
	assert_int_equal(d->counts[0], 2);
	assert_int_equal(d->counts[1], 1);
	assert_int_equal(d->counts[DURATION_N_BUCKETS - 1], 2);
	assert_int_equal(d->counts[DURATION_N_BUCKETS], 2);
	assert_int_equal(d->sum_us, 2001 + 9999999 + 20000001ul + UINT32_MAX);
	d = &v->durations[v->realservers[id_of(f, "timed", "y")].first_probe + y->n_links - 1];
	assert_true(d->on);
	assert_int_equal(d->sum_us, 0);
	view_unref(v);
}

static void test_dests(void **state)
{
	struct fixture *f = *state;
	struct view *v = make(f, false);
	const struct view_vip *foreign = &v->vips[v->n_vips - 1];
	uint32_t extra = v->vips[0].first_dest + v->vips[0].n_dests - 1;

	assert_string_equal(v->dests[extra].name, "10.0.1.201:80");
	assert_int_equal(v->dests[extra].realserver, VIEW_NONE);
	assert_int_equal(view_vip_of(v, extra), 0);
	assert_int_equal(view_vip_of(v, extra + 1), 1);
	assert_int_equal(foreign->owner, VIEW_NONE);
	assert_string_equal(foreign->service, "tcp://10.0.0.1:8080");
	assert_int_equal(foreign->n_dests, 1);
	assert_int_equal(foreign->first_dest + 1, v->n_dests);
	assert_int_equal(view_vip_of(v, foreign->first_dest), v->n_vips - 1);
	view_unref(v);
}

static void test_slices(void **state)
{
	struct fixture *f = *state;
	struct view *a = make(f, false), *b = make(f, true);

	assert_int_equal(a->n_probes, b->n_probes);
	assert_memory_equal(a->probes, b->probes, a->n_probes * sizeof(*a->probes));
	assert_memory_equal(a->realservers, b->realservers,
			    a->n_realservers * sizeof(*a->realservers));
	assert_int_equal(a->n_rules, b->n_rules);
	assert_int_equal(a->n_holds, holds_count(f->agent.holds));
	assert_int_equal(b->n_holds, a->n_holds);
	view_unref(a);
	view_unref(b);
}

/* Of one owner there is one series at a realserver: that of the hold that lowers it. */
static void test_series(void **state)
{
	static const int effects[] = { HOLD_REPLACE, HOLD_ZERO, HOLD_ADMIT, HOLD_FREEZE };
	struct fixture *f = *state;
	uint32_t loud = 0, i;
	struct view *v = make(f, false);

	for (i = 0; i < v->n_holds; i++)
		loud += !v->holds[i].silent;
	view_unref(v);
	for (i = 0; i < countof(effects); i++) {
		struct hold h = { .id = (char *)(uintptr_t)(i % 2 ? i == 1 ? "x1" : "x3"
							    : i   ? "x2"
								  : "x0"),
				  .hold_class = HOLD_OPERATOR,
				  .service = (char *)(uintptr_t)(i == 3 ? HOLD_SERVICE : "nowhere"),
				  .realserver = (char *)(uintptr_t)(i == 3 ? HOLD_SERVICE : "r"),
				  .holder = (char *)(uintptr_t) "K",
				  .weight = i ? 0 : 30,
				  .effect = effects[i] };

		assert_int_equal(world_hold(f->world, &h), 0);
	}
	v = make(f, false);
	for (i = 0; i < v->n_holds; i++) {
		bool lowers = v->holds[i].effect <= 100;

		loud -= !v->holds[i].silent;
		if (!strcmp(v->holds[i].holder, "K"))
			assert_int_equal(v->holds[i].silent, !lowers);
	}
	assert_int_equal(loud, (uint32_t)-1);
	view_unref(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_realservers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_decided, setup, teardown),
		cmocka_unit_test_setup_teardown(test_probes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_digests, setup, teardown),
		cmocka_unit_test_setup_teardown(test_durations, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dests, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slices, setup, teardown),
		cmocka_unit_test_setup_teardown(test_series, setup, teardown),
	};

	return cmocka_run_group_tests_name("snapshot", tests, NULL, NULL);
}
