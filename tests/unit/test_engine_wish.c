/* test_engine_wish.c: what a realserver asks for itself, on its way from a word to a
 * weight: beside probes, which it never beats, and rules, under guards and hands. */
#include "agent/holds/effect.h"
#include "tests/unit/engine_rig.h"

#define WORD "[probe word]\nurl = agent://:9999\n"
#define BOTH "[service web]\naddress = tcp://10.1.2.15:80\nprobe = p word\n"

static uint32_t target_of(const struct rig *r, const char *target, const char *probe)
{
	const struct layout *l = r->w->state->layout;
	const struct layout_realserver *rs = &l->realservers[id_of(l, target)];
	uint32_t i;

	for (i = rs->first_link; i < rs->first_link + rs->n_links; i++)
		if (!strcmp(l->targets[l->links[i]].conf->head.name, probe))
			return l->links[i];
	fail_msg("%s has no probe %s", target, probe);
	return 0;
}

static void probe(struct rig *r, const char *target, enum verdict v)
{
	world_target(r->w, target_of(r, target, "p"), v,
		     v == VERDICT_UP ? PROBE_OK : PROBE_CONNECT_REFUSED);
	settle(r);
}

enum { NOTHING = -1 };

/* A word of it, as a probe hands it on; NOTHING = of a share it says none. */
static void says(struct rig *r, const char *target, enum probe_claim claim, enum probe_admin admin,
		 int share)
{
	const struct probe_advice advice = { share != NOTHING,
					     share != NOTHING ? (uint32_t)share : 0, admin };
	const struct probe_report report = { .claim = claim, .advice = &advice, .text = "busy" };
	uint32_t word = target_of(r, target, "word");

	world_advice(r->w, word, &report);
	world_target(r->w, word, VERDICT_UP, PROBE_OK);
	settle(r);
}

static void wants(struct rig *r, const char *target, int share)
{
	says(r, target, PROBE_CLAIM_NONE, PROBE_ADMIN_NONE, share);
}

static void orders(struct rig *r, const char *target, enum probe_admin admin)
{
	says(r, target, PROBE_CLAIM_NONE, admin, NOTHING);
}

static void claims(struct rig *r, const char *target, enum probe_claim claim)
{
	says(r, target, claim, PROBE_ADMIN_NONE, NOTHING);
}

static const struct hold *hold_of(const struct rig *r, const char *target)
{
	const struct layout *l = r->w->state->layout;
	const struct layout_realserver *rs = &l->realservers[id_of(l, target)];
	const struct hold *h =
		holds_of(r->w->holds, l->services[rs->service].conf->head.name, rs->conf->name);

	while (h && h->hold_class != HOLD_AGENT)
		h = h->next;
	return h;
}

static enum guard refused_by(const struct rig *r, const char *target)
{
	return (enum guard)r->w->state->realservers[id_of(r->w->state->layout, target)]
		.wish_refused;
}

static void test_words(void **state)
{
	const struct hold *h;
	struct rig r;

	(void)state;
	open_rig(&r, BOTH THREE PROBE WORD);
	assert_int_equal(want(&r, "web/a"), 100);
	wants(&r, "web/a", 50);
	assert_int_equal(want(&r, "web/a"), 50);
	h = hold_of(&r, "web/a");
	assert_non_null(h);
	assert_string_equal(h->holder, "word");
	assert_string_equal(h->reason, "it says 50% (busy)");
	assert_true(h->active && !h->recorded && !h->until_wall_ms);
	assert_int_equal(h->id[0], 's');
	orders(&r, "web/a", PROBE_ADMIN_READY);
	assert_int_equal(want(&r, "web/a"), 50);
	orders(&r, "web/a", PROBE_ADMIN_MAINT);
	assert_int_equal(want(&r, "web/a"), 0);
	assert_string_equal(hold_of(&r, "web/a")->reason, "it says maint, 50% (busy)");
	claims(&r, "web/a", PROBE_CLAIM_UP);
	assert_int_equal(want(&r, "web/a"), 0);
	orders(&r, "web/a", PROBE_ADMIN_READY);
	assert_int_equal(want(&r, "web/a"), 50);
	wants(&r, "web/a", 250); /* not above the file's */
	assert_int_equal(want(&r, "web/a"), 100);
	assert_null(hold_of(&r, "web/a"));
	assert_int_equal(want(&r, "web/b"), 100);
	close_rig(&r);
}

/* An own word is no verdict: "up" does not make it up, nor "down" down. */
static void test_never_beats_a_probe(void **state)
{
	const struct realserver_state *a;
	struct rig r;

	(void)state;
	open_rig(&r, BOTH "flap_max = 0s\n" THREE PROBE WORD);
	probe(&r, "web/a", VERDICT_DOWN);
	assert_int_equal(want(&r, "web/a"), 0);
	says(&r, "web/a", PROBE_CLAIM_UP, PROBE_ADMIN_READY, 100);
	assert_int_equal(want(&r, "web/a"), 0);
	assert_true(held(&r, "web/a"));
	probe(&r, "web/a", VERDICT_UP);
	assert_int_equal(want(&r, "web/a"), 100);
	claims(&r, "web/a", PROBE_CLAIM_DOWN);
	a = &r.w->state->realservers[id_of(r.w->state->layout, "web/a")];
	assert_int_equal(a->verdict, VERDICT_UP);
	assert_int_equal(want(&r, "web/a"), 0);
	/* both: each keeps it out by itself */
	probe(&r, "web/a", VERDICT_DOWN);
	claims(&r, "web/a", PROBE_CLAIM_UP);
	assert_int_equal(want(&r, "web/a"), 0);
	probe(&r, "web/a", VERDICT_UP);
	assert_int_equal(want(&r, "web/a"), 100);
	close_rig(&r);
}

/* Silence, and what makes no sense, is nobody's failure and changes nothing. */
static void test_silence(void **state)
{
	static const enum probe_reason reasons[] = { PROBE_ADVICE_UNREACHED, PROBE_ADVICE_TIMEOUT,
						     PROBE_ADVICE_MALFORMED,
						     PROBE_LOCAL_RESOURCES };
	struct rig r;
	size_t i;

	(void)state;
	open_rig(&r, BOTH THREE PROBE WORD);
	wants(&r, "web/a", 30);
	for (i = 0; i < countof(reasons); i++) {
		const struct layout *l = r.w->state->layout;
		struct health *h = &r.w->state->targets[target_of(&r, "web/a", "word")].health;

		assert_int_equal(probe_reasons[reasons[i]].outcome, PROBE_UNKNOWN);
		assert_false(health_take(h, reasons[i], 1, 1, 1));
		(void)state_judge(r.w->state, id_of(l, "web/a"), 1);
		state_dirty_all(r.w->state);
		settle(&r);
		assert_int_equal(want(&r, "web/a"), 30);
		assert_int_equal(want(&r, "web/b"), 100);
		/* nor do rules lack data for it */
		assert_false(r.w->state->realservers[id_of(l, "web/a")].unknown);
	}
	close_rig(&r);
}

static void test_guards(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r, BOTH "min_available = 2\n" THREE PROBE WORD);
	orders(&r, "web/a", PROBE_ADMIN_DRAIN);
	assert_int_equal(want(&r, "web/a"), 0);
	orders(&r, "web/b", PROBE_ADMIN_DRAIN);
	assert_int_equal(want(&r, "web/b"), 100);
	assert_int_equal(refused_by(&r, "web/b"), GUARD_MIN_AVAILABLE);
	wants(&r, "web/c", 10); /* takes nobody out */
	assert_int_equal(want(&r, "web/c"), 10);
	/* What is refused leaves the word before in force. */
	orders(&r, "web/c", PROBE_ADMIN_MAINT);
	assert_int_equal(want(&r, "web/c"), 10);
	assert_int_equal(refused_by(&r, "web/c"), GUARD_MIN_AVAILABLE);
	/* Room is made, and the next word, whatever it says, asks again. */
	orders(&r, "web/a", PROBE_ADMIN_READY);
	claims(&r, "web/b", PROBE_CLAIM_UP);
	assert_int_equal(want(&r, "web/b"), 0);
	assert_int_equal(refused_by(&r, "web/b"), GUARD_ADMIT);
	/* No more than an alert's may it take the last. */
	orders(&r, "web/a", PROBE_ADMIN_MAINT);
	assert_int_equal(want(&r, "web/a"), 100);
	close_rig(&r);
}

/* What is out already may ask: its hold outlives the other. */
static void test_harmless(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r, BOTH "min_available = 2\n" THREE PROBE WORD);
	probe(&r, "web/a", VERDICT_DOWN);
	orders(&r, "web/b", PROBE_ADMIN_DRAIN);
	assert_int_equal(want(&r, "web/b"), 100);
	orders(&r, "web/a", PROBE_ADMIN_DRAIN);
	assert_non_null(hold_of(&r, "web/a"));
	probe(&r, "web/a", VERDICT_UP);
	assert_false(held(&r, "web/a"));
	assert_int_equal(want(&r, "web/a"), 0);
	close_rig(&r);
}

static void test_max_held(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r, BOTH "max_held = 34%\n" THREE PROBE WORD);
	claims(&r, "web/a", PROBE_CLAIM_DOWN);
	claims(&r, "web/b", PROBE_CLAIM_DOWN);
	assert_int_equal(want(&r, "web/a"), 0);
	assert_int_equal(want(&r, "web/b"), 100);
	assert_int_equal(refused_by(&r, "web/b"), GUARD_MAX_HELD);
	close_rig(&r);
}

/* With a scheduler that would refuse clients at 0 it is not set to 0. */
static void test_scheduler(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r, BOTH "scheduler = dh\n" THREE PROBE WORD);
	orders(&r, "web/a", PROBE_ADMIN_DRAIN);
	assert_int_equal(refused_by(&r, "web/a"), GUARD_SCHEDULER);
	assert_int_equal(want(&r, "web/a"), 100);
	close_rig(&r);
}

/* Panic doubts our probes; what a realserver says of itself is none of theirs. */
static void test_panic(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r, "[agent]\ncorrelated_targets = 0\n" BOTH THREE PROBE WORD);
	orders(&r, "web/a", PROBE_ADMIN_MAINT);
	probe(&r, "web/a", VERDICT_DOWN);
	probe(&r, "web/b", VERDICT_DOWN);
	probe(&r, "web/c", VERDICT_DOWN);
	assert_true(r.w->state->services[0].panic);
	assert_int_equal(want(&r, "web/a"), 0);
	assert_int_equal(want(&r, "web/b"), 100);
	assert_int_equal(want(&r, "web/c"), 100);
	close_rig(&r);
}

static struct hold hand(int effect, const char *service, const char *realserver)
{
	return (struct hold){ .id = (char *)(uintptr_t) "h",
			      .hold_class = HOLD_OPERATOR,
			      .service = (char *)(uintptr_t)service,
			      .realserver = (char *)(uintptr_t)realserver,
			      .holder = (char *)(uintptr_t) "ann",
			      .effect = effect };
}

static void reload_with(struct rig *r, const char *ini)
{
	struct config *c = load_conf(ini);
	struct buf why = BUF_INIT;

	assert_int_equal(world_reload(r->w, c, &why), 0);
	config_unref(c);
	settle(r);
}

static void test_freeze(void **state)
{
	struct hold freeze = hand(HOLD_FREEZE, HOLD_SERVICE, HOLD_SERVICE);
	struct rig r;

	(void)state;
	open_rig(&r, BOTH THREE PROBE WORD);
	wants(&r, "web/b", 40);
	assert_int_equal(world_hold(r.w, &freeze), 0);
	orders(&r, "web/a", PROBE_ADMIN_DRAIN);
	wants(&r, "web/b", 100);
	assert_int_equal(want(&r, "web/a"), 100);
	assert_int_equal(want(&r, "web/b"), 40);
	assert_int_equal(refused_by(&r, "web/a"), GUARD_FROZEN);
	reload_with(&r, BOTH THREE PROBE WORD);
	assert_int_equal(want(&r, "web/b"), 40);
	assert_int_equal(refused_by(&r, "web/a"), GUARD_FROZEN);
	assert_int_equal(refused_by(&r, "web/b"), GUARD_FROZEN);
	world_lift(r.w, &freeze);
	claims(&r, "web/a", PROBE_CLAIM_UP);
	claims(&r, "web/b", PROBE_CLAIM_UP);
	assert_int_equal(want(&r, "web/a"), 0);
	assert_int_equal(want(&r, "web/b"), 100);
	assert_int_equal(refused_by(&r, "web/a"), GUARD_ADMIT);
	close_rig(&r);
}

/* At once where it is admitted, and again with the first word after. */
static void test_admit(void **state)
{
	struct hold admit = hand(HOLD_ADMIT, "web", "a");
	struct rig r;

	(void)state;
	open_rig(&r, BOTH THREE PROBE WORD);
	orders(&r, "web/a", PROBE_ADMIN_DRAIN);
	assert_int_equal(world_hold(r.w, &admit), 0);
	settle(&r);
	assert_int_equal(want(&r, "web/a"), 100);
	claims(&r, "web/a", PROBE_CLAIM_DOWN);
	assert_int_equal(want(&r, "web/a"), 100);
	assert_null(hold_of(&r, "web/a"));
	world_lift(r.w, &admit);
	settle(&r);
	claims(&r, "web/a", PROBE_CLAIM_UP);
	assert_int_equal(want(&r, "web/a"), 0);
	close_rig(&r);
}

static void test_reload(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r, BOTH THREE PROBE WORD);
	orders(&r, "web/a", PROBE_ADMIN_DRAIN);
	wants(&r, "web/a", 20);
	wants(&r, "web/b", 70);
	reload_with(&r, BOTH THREE "realserver = d 10.1.2.24\n" PROBE WORD);
	assert_int_equal(want(&r, "web/a"), 0);
	assert_int_equal(want(&r, "web/b"), 70);
	orders(&r, "web/a", PROBE_ADMIN_READY);
	assert_int_equal(want(&r, "web/a"), 20);
	/* The probe goes, and with it what it said. */
	reload_with(&r, HEAD THREE PROBE);
	assert_null(hold_of(&r, "web/a"));
	assert_int_equal(want(&r, "web/a"), 100);
	assert_int_equal(want(&r, "web/b"), 100);
	close_rig(&r);
}

/* Whom it was asked for before is not raised until the next word. */
static void test_reload_shared(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r, BOTH THREE PROBE WORD);
	orders(&r, "web/a", PROBE_ADMIN_DRAIN);
	wants(&r, "web/b", 30);
	reload_with(&r, BOTH THREE PROBE WORD
		    "[service api]\naddress = tcp://10.1.2.15:81\nprobe = p word\n"
		    "realserver = a 10.1.2.21\nrealserver = b 10.1.2.22\n"
		    "realserver = c 10.1.2.23\n");
	assert_int_equal(target_of(&r, "web/a", "word"), target_of(&r, "api/a", "word"));
	probe(&r, "api/a", VERDICT_UP);
	probe(&r, "api/b", VERDICT_UP);
	probe(&r, "api/c", VERDICT_UP);
	assert_int_equal(want(&r, "api/a"), 0);
	assert_int_equal(want(&r, "api/b"), 30);
	assert_int_equal(want(&r, "api/c"), 100);
	assert_string_equal(hold_of(&r, "api/a")->reason, "it says drain");
	/* The others' are what they were, also their words. */
	assert_string_equal(hold_of(&r, "web/a")->reason, "it says drain (busy)");
	close_rig(&r);
}

/* What was refused is forgotten with the probe. */
static void test_reload_refused(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r, BOTH "min_available = 3\n" THREE PROBE WORD);
	orders(&r, "web/a", PROBE_ADMIN_DRAIN);
	assert_int_equal(refused_by(&r, "web/a"), GUARD_MIN_AVAILABLE);
	reload_with(&r, BOTH "min_available = 3\npersistence = 5m\n" THREE PROBE WORD);
	assert_int_equal(refused_by(&r, "web/a"), GUARD_MIN_AVAILABLE);
	reload_with(&r, HEAD "min_available = 3\n" THREE PROBE);
	assert_int_equal(refused_by(&r, "web/a"), GUARD_ADMIT);
	close_rig(&r);
}

/* A fresh process: the kernel has what it has, and a word may come late. */
static void test_restart(void **state)
{
	struct rig r;
	uint32_t i;

	(void)state;
	open_rig(&r, BOTH THREE PROBE WORD);
	close_rig(&r);
	r = (struct rig){ .now = { .mono_ms = 1000, .wall_ms = 1700000000000 } };
	{
		struct config *c = load_conf(BOTH THREE PROBE WORD);
		struct buf why = BUF_INIT;

		assert_int_equal(world_new(c, &r.now, &why, &r.w), 0);
		config_unref(c);
	}
	world_blind(r.w);
	for (i = 0; i < 3; i++)
		world_seen(r.w, i, i == 0 ? 50 : i == 1 ? 100 : 30);
	/* Before the kernel was read, nothing is judged by what may be in it. */
	orders(&r, "web/b", PROBE_ADMIN_DRAIN);
	assert_int_equal(refused_by(&r, "web/b"), GUARD_SETTLING);
	world_kernel(r.w);
	for (i = 0; i < 3; i++)
		world_target(r.w,
			     target_of(&r,
				       i == 0   ? "web/a"
				       : i == 1 ? "web/b"
						: "web/c",
				       "p"),
			     VERDICT_UP, PROBE_OK);
	settle(&r);
	assert_int_equal(want(&r, "web/a"), 50); /* up, but it has not spoken */
	assert_int_equal(want(&r, "web/b"), 100);
	assert_int_equal(want(&r, "web/c"), 30);
	/* A word that asks for nothing is one. */
	claims(&r, "web/c", PROBE_CLAIM_UP);
	assert_int_equal(want(&r, "web/c"), 100);
	claims(&r, "web/b", PROBE_CLAIM_UP);
	assert_int_equal(want(&r, "web/b"), 0);
	wants(&r, "web/a", 60);
	assert_int_equal(want(&r, "web/a"), 60);
	wants(&r, "web/a", 100);
	assert_int_equal(want(&r, "web/a"), 100);
	close_rig(&r);
}

/* Advice alone is no verdict, and none against it: it is taken to be up. */
static void test_advice_alone(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r, "[service web]\naddress = tcp://10.1.2.15:80\nprobe = word\n" THREE WORD);
	claims(&r, "web/a", PROBE_CLAIM_DOWN);
	assert_int_equal(r.w->state->realservers[0].verdict, VERDICT_UP);
	assert_int_equal(want(&r, "web/a"), 0);
	assert_int_equal(want(&r, "web/b"), 100);
	close_rig(&r);
}

/* One host behind two services: each has its own floor. */
static void test_services(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r, BOTH THREE PROBE WORD
		 "[service api]\naddress = tcp://10.1.2.15:81\nprobe = p word\n"
		 "realserver = a 10.1.2.21\n");
	assert_int_equal(target_of(&r, "web/a", "word"), target_of(&r, "api/a", "word"));
	orders(&r, "web/a", PROBE_ADMIN_DRAIN);
	assert_int_equal(want(&r, "web/a"), 0);
	assert_int_equal(want(&r, "api/a"), 100);
	assert_int_equal(refused_by(&r, "api/a"), GUARD_MIN_AVAILABLE);
	close_rig(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),         cmocka_unit_test(test_never_beats_a_probe),
		cmocka_unit_test(test_silence),       cmocka_unit_test(test_guards),
		cmocka_unit_test(test_max_held),      cmocka_unit_test(test_scheduler),
		cmocka_unit_test(test_panic),         cmocka_unit_test(test_freeze),
		cmocka_unit_test(test_admit),         cmocka_unit_test(test_reload),
		cmocka_unit_test(test_restart),       cmocka_unit_test(test_advice_alone),
		cmocka_unit_test(test_services),      cmocka_unit_test(test_harmless),
		cmocka_unit_test(test_reload_shared), cmocka_unit_test(test_reload_refused),
	};

	return cmocka_run_group_tests_name("engine_wish", tests, NULL, NULL);
}
