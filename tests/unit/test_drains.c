/* test_drains.c: holds that drain are followed: the kernel is asked about their services
 * alone, the list of connections only where it must be, a change is told once, and a
 * reload or the end of a hold finds nobody waiting. */
#include <errno.h>
#include <jansson.h>
#include <sys/stat.h>

#include "agent/agent.h"
#include "agent/base/clock.h"
#include "agent/base/loop.h"
#include "agent/drains.h"
#include "agent/ipvs/ipvs.h"
#include "tests/unit/fake_store.h"
#include "tests/unit/model_fixture.h"

struct rig {
	struct agent a;
	struct fake_kernel *kernel;
	struct loop_timer *timer;
	char root[32];
	int64_t until_ms;
	bool (*awaited)(const struct rig *r);
	unsigned int told;
	enum drain_state state;
};

static struct rig *the_rig;

/* In place of the real one. */
void drains_tell(struct agent *a, const struct hold *hold, const struct drain *drain)
{
	struct rig *r = the_rig;

	assert_ptr_equal(a, &r->a);
	assert_non_null(hold);
	r->told++;
	r->state = drain->state;
}

static void on_time(void *arg)
{
	struct rig *r = arg;

	if (r->awaited(r) || clock_mono_ms() > r->until_ms)
		loop_stop(r->a.loop);
	else
		loop_timer_start(r->timer, 10);
}

static void await(struct rig *r, bool (*awaited)(const struct rig *r))
{
	r->awaited = awaited;
	r->until_ms = clock_mono_ms() + 20000;
	loop_timer_start(r->timer, 0);
	loop_run(r->a.loop);
	assert_true(awaited(r));
}

static void write_file(const struct rig *r, const char *name, const char *text)
{
	char path[96];
	FILE *out;

	(void)snprintf(path, sizeof(path), "%s/%s", r->root, name);
	out = fopen(path, "we");
	assert_non_null(out);
	(void)fputs(text, out);
	assert_int_equal(fclose(out), 0);
}

static void make_dirs(const struct rig *r)
{
	static const char *const dirs[] = { "net", "sys", "sys/net", "sys/net/ipv4",
					    "sys/net/ipv4/vs" };
	char path[96];
	size_t i;

	for (i = 0; i < countof(dirs); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", r->root, dirs[i]);
		assert_int_equal(mkdir(path, 0700), 0);
	}
}

/* The kernel has all of it, at weight 100. */
static void fill_kernel(struct rig *r)
{
	const struct layout *l = r->a.state->layout;
	struct ipvs_service s;
	struct ipvs_dest d;
	uint32_t i;

	for (i = 0; i < l->n_vips; i++) {
		layout_kernel_service(l, i, &s);
		assert_int_equal(fake_kernel_write(r->kernel, IPVS_NEW_SERVICE, &s, NULL), 0);
	}
	for (i = 0; i < l->n_dests; i++) {
		layout_kernel_service(l, l->dests[i].vip, &s);
		layout_kernel_dest(l, i, 100, &d);
		assert_int_equal(fake_kernel_write(r->kernel, IPVS_NEW_DEST, &s, &d), 0);
	}
}

#define SERVICE(name)                                                                              \
	"[service " name "]\naddress = tcp://10.9.0.100:80\nforward = masq\n"                      \
	"persistence = 5m\ndrain_timeout = 2m\n"
#define REALSERVERS "realserver = a 10.1.0.11\nrealserver = b 10.1.0.12\n"

static struct state *state_of(const struct rig *r, const char *ini)
{
	char text[600];

	(void)snprintf(text, sizeof(text), "[agent]\nprocfs = %s\n%s", r->root, ini);
	return make_state(text);
}

static int setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	the_rig = r;
	strcpy(r->root, "/tmp/drains-XXXXXX");
	assert_non_null(mkdtemp(r->root));
	make_dirs(r);
	r->a.state = state_of(r, SERVICE("web") REALSERVERS);
	r->a.conf = r->a.state->layout->conf;
	assert_int_equal(loop_new(&r->a.loop), 0);
	assert_int_equal(loop_timer_new(r->a.loop, "test", on_time, r, &r->timer), 0);
	assert_int_equal(holds_new(&r->a.holds), 0);
	r->kernel = fake_kernel_new();
	fill_kernel(r);
	assert_int_equal(ipvs_port_new(r->a.loop, fake_kernel_door(r->kernel), &r->a.port), 0);
	assert_int_equal(drains_new(&r->a, &r->a.drains), 0);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = { "net/ip_vs_conn",
					     "sys/net/ipv4/vs/expire_quiescent_template",
					     "net",
					     "sys/net/ipv4/vs",
					     "sys/net/ipv4",
					     "sys/net",
					     "sys" };
	struct rig *r = *state;
	char path[96];
	size_t i;

	ipvs_port_free(r->a.port);
	drains_free(r->a.drains);
	loop_timer_free(r->timer);
	loop_free(r->a.loop);
	holds_free(r->a.holds);
	state_free(r->a.state);
	fake_kernel_free(r->kernel);
	for (i = 0; i < countof(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", r->root, names[i]);
		(void)remove(path);
	}
	(void)rmdir(r->root);
	free(r);
	return 0;
}

/* An operator drains it: the kernel has weight 0 already. */
static struct hold *drain(struct rig *r, const char *holder, const char *realserver, int64_t ms)
{
	char id[32];
	struct hold like = {
		.id = id,
		.hold_class = HOLD_OPERATOR,
		.service = (char *)(uintptr_t) "web",
		.realserver = (char *)(uintptr_t)realserver,
		.holder = (char *)(uintptr_t)holder,
		.effect = HOLD_ZERO,
		.since_wall_ms = clock_wall_ms(),
		.drain_ms = ms,
		.active = true,
	};
	struct hold *h;

	(void)snprintf(id, sizeof(id), "o-%s-%s", holder, realserver);
	h = hold_new(&like);
	assert_non_null(h);
	assert_int_equal(holds_place(r->a.holds, h, NULL), 0);
	drains_note(r->a.drains, "web", realserver);
	return h;
}

static void kernel_says(struct rig *r, uint32_t weight, uint32_t active, uint32_t inactive,
			uint32_t persistent)
{
	pthread_mutex_lock(&r->kernel->lock);
	for (uint32_t i = 0; i < r->kernel->services[0].n_dests; i++) {
		struct ipvs_dest *d = &r->kernel->services[0].dests[i];

		d->weight = weight;
		d->active = active;
		d->inactive = inactive;
		d->persistent = persistent;
	}
	pthread_mutex_unlock(&r->kernel->lock);
}

static const struct drain *of(const struct rig *r, const char *id)
{
	const struct hold *h = holds_find(r->a.holds, id);

	return h ? drains_find(r->a.drains, h) : NULL;
}
static const struct drain *anns(const struct rig *r)
{
	return of(r, "o-ann-a");
}

static bool for_weight(const struct rig *r)
{
	return anns(r)->waits == DRAIN_FOR_WEIGHT;
}
static bool for_active(const struct rig *r)
{
	return anns(r)->waits == DRAIN_FOR_ACTIVE;
}
static bool for_closing(const struct rig *r)
{
	return anns(r)->waits == DRAIN_FOR_CLOSING;
}
static bool for_sticky(const struct rig *r)
{
	return anns(r)->waits == DRAIN_FOR_STICKY;
}
static bool sticky_by_list(const struct rig *r)
{
	return for_sticky(r) && anns(r)->look.sticky_ms == 70000;
}
static bool for_name(const struct rig *r)
{
	return anns(r)->waits == DRAIN_FOR_NAME;
}
static bool is_drained(const struct rig *r)
{
	return anns(r)->state == DRAIN_DRAINED;
}
static bool is_late(const struct rig *r)
{
	return anns(r)->state == DRAIN_LATE;
}
static bool both_looked(const struct rig *r)
{
	return anns(r)->memory.looked && of(r, "o-bob-a")->memory.looked;
}

#define TITLE "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData\n"

static void test_to_its_end(void **state)
{
	struct rig *r = *state;
	struct hold *h = drain(r, "ann", "a", 0);

	write_file(r, "net/ip_vs_conn",
		   TITLE "TCP 0A090002 9C40 0A090064 0050 0A01000B 0050 FIN_WAIT 50\n");
	/* Not before the kernel sends nobody there any more. */
	await(r, for_weight);
	assert_int_equal(anns(r)->deadline_wall_ms, h->since_wall_ms + 120000);
	kernel_says(r, 0, 2, 1, 0);
	await(r, for_active);
	assert_int_equal(anns(r)->left, 2);
	kernel_says(r, 0, 0, 3, 0);
	await(r, for_closing);
	assert_true(anns(r)->look.listed);
	assert_int_equal(anns(r)->look.open, 1);
	assert_int_equal(r->told, 0);
	write_file(r, "net/ip_vs_conn",
		   TITLE "TCP 0A090002 9C40 0A090064 0050 0A01000B 0050 TIME_WAIT 50\n");
	await(r, is_drained);
	assert_int_equal(r->told, 1);
	assert_int_equal(r->state, DRAIN_DRAINED);
	assert_int_equal(fake_kernel_dumps(r->kernel), 0);
	/* Somebody is back, and it is told again. */
	kernel_says(r, 0, 1, 0, 0);
	drains_note(r->a.drains, "web", "a");
	await(r, for_active);
	assert_int_equal(r->told, 2);
	assert_int_equal(r->state, DRAIN_DRAINING);
}

/* The list cannot be read: what is inactive is waited for. */
static void test_without_list(void **state)
{
	struct rig *r = *state;

	kernel_says(r, 0, 0, 3, 0);
	(void)drain(r, "ann", "a", 0);
	await(r, for_closing);
	assert_false(anns(r)->look.listed);
	kernel_says(r, 0, 0, 0, 0);
	await(r, is_drained);
}

static void test_sticky(void **state)
{
	struct rig *r = *state;

	kernel_says(r, 0, 0, 0, 4);
	(void)drain(r, "ann", "a", 0);
	await(r, for_sticky);
	/* As the service says it, where the list does not. */
	assert_int_equal(anns(r)->look.sticky_ms, 300000);
	write_file(r, "net/ip_vs_conn",
		   TITLE "TCP 0A090002 0000 0A090064 0050 0A01000B 0050 NONE 70\n");
	await(r, sticky_by_list);
	write_file(r, "sys/net/ipv4/vs/expire_quiescent_template", "1\n");
	await(r, is_drained);
}

static void test_deadline(void **state)
{
	struct rig *r = *state;

	kernel_says(r, 0, 1, 0, 0);
	(void)drain(r, "ann", "a", 300);
	await(r, is_late);
	assert_int_equal(r->told, 1);
	assert_int_equal(r->state, DRAIN_LATE);
}

/* A kernel that does not answer does not stop the clock. */
static void test_no_kernel(void **state)
{
	struct rig *r = *state;

	fake_kernel_break(r->kernel, -ENOPROTOOPT);
	(void)drain(r, "ann", "a", 300);
	await(r, is_late);
	assert_int_equal(r->told, 1);
	assert_int_equal(anns(r)->waits, DRAIN_FOR_LOOK);
}

static void test_json(void **state)
{
	static const char *const names[] = {
		"state",      "deadline",        "active", "inactive",    "persistent",
		"begun_with", "elapsed_seconds", "rate",   "eta_seconds", "why"
	};
	struct rig *r = *state;
	struct hold *h;
	json_t *o;
	size_t i;

	kernel_says(r, 0, 5, 2, 0);
	h = drain(r, "ann", "a", 0);
	await(r, for_active);
	o = drains_json(r->a.drains, h);
	assert_non_null(o);
	assert_int_equal(json_object_size(o), countof(names));
	for (i = 0; i < countof(names); i++)
		assert_non_null(json_object_get(o, names[i]));
	assert_string_equal(json_string_value(json_object_get(o, "state")), "draining");
	assert_string_equal(json_string_value(json_object_get(o, "why")), "5 active connections");
	assert_int_equal(json_integer_value(json_object_get(o, "begun_with")), 7);
	assert_true(json_is_null(json_object_get(o, "rate")));
	json_decref(o);
	/* A rule's is none, nor one that only lowers. */
	h->effect = 50;
	assert_null(drains_json(r->a.drains, h));
}

/* Each owner's has its own deadline; one that ends leaves the other's alone. */
static void test_two_owners(void **state)
{
	struct rig *r = *state;

	kernel_says(r, 0, 1, 0, 0);
	(void)drain(r, "ann", "a", 0);
	(void)drain(r, "bob", "a", 60000);
	await(r, both_looked);
	assert_int_equal(drains_count(r->a.drains), 2);
	hold_free(holds_take(r->a.holds, "o-bob-a"));
	drains_note(r->a.drains, "web", "a");
	kernel_says(r, 0, 0, 0, 0);
	await(r, is_drained);
	assert_int_equal(drains_count(r->a.drains), 1);
	assert_int_equal(r->told, 1);
}

/* A poll of before tells nothing about whoever has those ids now. */
static void test_reload(void **state)
{
	struct rig *r = *state;
	struct state *old = r->a.state;

	kernel_says(r, 0, 1, 0, 0);
	(void)drain(r, "ann", "a", 0);
	await(r, for_active);
	drains_note(r->a.drains, "web", "a");
	r->a.state = state_of(r, SERVICE("web") "realserver = c 10.1.0.13\n" REALSERVERS);
	r->a.conf = r->a.state->layout->conf;
	drains_reload(r->a.drains);
	state_free(old);
	kernel_says(r, 0, 0, 0, 0);
	await(r, is_drained);
	/* Nobody of that name: nobody can say that it has no connections. */
	old = r->a.state;
	r->a.state = state_of(r, SERVICE("shop") REALSERVERS);
	r->a.conf = r->a.state->layout->conf;
	drains_reload(r->a.drains);
	state_free(old);
	drains_note(r->a.drains, "web", "a");
	await(r, for_name);
	assert_int_equal(r->state, DRAIN_DRAINING);
}

/* The agent stops while the kernel is being asked. */
static void test_stop_under_way(void **state)
{
	struct rig *r = *state;

	(void)drain(r, "ann", "a", 0);
	await(r, for_weight);
	pthread_mutex_lock(&r->kernel->lock);
	r->until_ms = clock_mono_ms() + 1500;
	r->awaited = is_late; /* which it will not be */
	loop_timer_start(r->timer, 0);
	loop_run(r->a.loop);
	pthread_mutex_unlock(&r->kernel->lock);
	ipvs_port_free(r->a.port);
	r->a.port = NULL;
}

#define with_rig(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_rig(test_to_its_end),     with_rig(test_without_list),
		with_rig(test_sticky),         with_rig(test_deadline),
		with_rig(test_no_kernel),      with_rig(test_json),
		with_rig(test_two_owners),     with_rig(test_reload),
		with_rig(test_stop_under_way),
	};

	return cmocka_run_group_tests_name("drains", tests, NULL, NULL);
}
