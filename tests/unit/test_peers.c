/* test_peers.c: two agents and what they tell each other, without a network between: holds
 * recorded in real ledgers, guards as the configuration has them. */
#include "agent/peers_internal.h"
#include "tests/unit/hands_rig.h"

static const char ini[] = "[peer lb]\n"
			  "url = http://127.0.0.1:1\n"
			  "interval = 60s\n"
			  "[http]\n"
			  "token_file = /nowhere\n"
			  "[service web]\n"
			  "address = tcp://10.0.0.1:80\n"
			  "scheduler = wlc\n"
			  "min_available = 2\n"
			  "realserver = web1 10.0.1.1\n"
			  "realserver = web2 10.0.1.2\n"
			  "realserver = web3 10.0.1.3\n";

struct pair {
	struct rig a, b;
};

/* --- the rig --------------------------------------------------------------------------- */

/* What is to be done on the loop, for only there the ledger's answers come. */
struct awaiting {
	struct rig *rig;
	struct loop_timer *timer;
	void (*begin)(void *arg); /* NULL = nothing */
	void *arg;
	const int *pending; /* 1 = something is; NULL = nothing */
};

static void on_look(void *arg)
{
	struct awaiting *w = arg;
	const struct peers *p;

	if (w->begin)
		w->begin(w->arg);
	w->begin = NULL;
	p = w->rig->a.peers;
	if (p->recorded && !p->merging && !(w->pending && *w->pending == 1))
		loop_stop(w->rig->a.loop);
	else
		loop_timer_start(w->timer, 1);
}

/* Until nothing is on its way to the ledger any more. */
static void await_idle(struct rig *r, void (*begin)(void *arg), void *arg, const int *pending)
{
	struct awaiting w = { .rig = r, .begin = begin, .arg = arg, .pending = pending };

	assert_int_equal(loop_timer_new(r->a.loop, "look", on_look, &w, &w.timer), 0);
	loop_timer_start(w.timer, 0);
	loop_run(r->a.loop);
	loop_timer_free(w.timer);
	peers_note(r->a.peers);
	peers_turn(r->a.peers);
	settle(r);
}

static void begin_merge(void *x)
{
	exchange_merge(x);
}

static void begin_peers(void *arg)
{
	struct rig *r = arg;
	struct ledger_state none = { 0 };

	assert_int_equal(peers_new(&r->a, &none, &r->a.peers), 0);
	/* Nobody is asked: what is told is handed over. */
	loop_timer_stop(r->a.peers->first->timer);
}

static void open_one(struct rig *r)
{
	new_dir(r);
	open_rig(r, ini);
	r->a.conf = r->a.state->layout->conf;
	await_idle(r, begin_peers, r, NULL);
}

static void close_one(struct rig *r)
{
	struct peers *p = r->a.peers;

	peers_stop(p);
	loop_timer_free(p->first->timer);
	p->first->timer = NULL;
	close_rig(r);
	peers_free(p);
	drop(r);
}

static int open_pair(void **state)
{
	struct pair *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	open_one(&p->a);
	open_one(&p->b);
	*state = p;
	return 0;
}

static int close_pair(void **state)
{
	struct pair *p = *state;

	close_one(&p->a);
	close_one(&p->b);
	free(p);
	return 0;
}

/* Hands the document over; the peer it comes from is called lb. */
static void tell_text(struct rig *to, const char *text, size_t len)
{
	struct exchange *x = calloc(1, sizeof(*x));
	struct peer *peer = to->a.peers->first;

	assert_non_null(x);
	x->peers = to->a.peers;
	x->peer = peer;
	peer->busy = x;
	assert_int_equal(share_read(text, len, &x->why, &x->share), 0);
	await_idle(to, begin_merge, x, NULL);
}

static void tell(struct rig *from, struct rig *to)
{
	const struct command cmd = { .kind = COMMAND_PEER };
	struct buf text = BUF_INIT;

	assert_int_equal(peers_share(&from->a, &cmd, &text), COMMAND_OK);
	tell_text(to, text.data, text.len);
	buf_fini(&text);
	assert_true(to->a.peers->first->up);
}

static void tell_each_other(struct pair *p)
{
	tell(&p->a, &p->b);
	tell(&p->b, &p->a);
}

static struct hold *only_at(struct rig *r, const char *realserver)
{
	struct hold *h = holds_of(r->a.holds, "web", realserver);

	if (h)
		assert_null(h->next);
	return h;
}

static bool acts(struct rig *r, const char *realserver)
{
	const struct hold *h = only_at(r, realserver);

	return h && h->active;
}

static void lift_of(struct rig *r, const char *who, const char *target)
{
	assert_int_equal(order(r, (struct command){ .kind = COMMAND_LIFT,
						    .who = WORD(who),
						    .target = WORD(target) }),
			 COMMAND_OK);
}

/* --- the tests -------------------------------------------------------------------------- */

static void test_both(void **state)
{
	struct pair *p = *state;
	const struct hold *h;

	assert_int_equal(lower(&p->a, "ann", "web/web1", 0, false), COMMAND_OK);
	tell(&p->a, &p->b);
	h = only_at(&p->b, "web1");
	assert_non_null(h);
	assert_true(h->active && h->recorded);
	assert_string_equal(h->holder, "ann@lb");
	assert_string_equal(h->origin, p->a.a.peers->node);
	assert_int_equal(h->number, only_at(&p->a, "web1")->number);
	assert_int_equal(h->since_wall_ms, only_at(&p->a, "web1")->since_wall_ms);
	/* It comes back as what is known. */
	tell_each_other(p);
	assert_int_equal(holds_count(p->a.a.holds), 1);
	assert_int_equal(holds_count(p->b.a.holds), 1);
	/* It is ann's there, too, and nobody else's. */
	assert_false(peers_same_holder(h, "an"));
	assert_false(peers_same_holder(h, "ann@l"));
	lift_of(&p->b, "ann", "web/web1");
	assert_int_equal(holds_count(p->b.a.holds), 0);
	/* Told late what was, it does not return. */
	tell(&p->a, &p->b);
	assert_int_equal(holds_count(p->b.a.holds), 0);
	tell(&p->b, &p->a);
	assert_int_equal(holds_count(p->a.a.holds), 0);
	assert_int_equal(p->a.a.peers->first->ended, 1);
	assert_int_equal(p->b.a.peers->first->taken, 1);
}

static void test_renewed(void **state)
{
	struct pair *p = *state;
	struct command again = { .kind = COMMAND_HOLD,
				 .who = WORD("ann"),
				 .target = WORD("web/web1"),
				 .reason = WORD("longer"),
				 .ttl_ms = 3600000 };
	char *id;

	assert_int_equal(lower(&p->a, "ann", "web/web1", 0, false), COMMAND_OK);
	tell(&p->a, &p->b);
	id = strdup(only_at(&p->b, "web1")->id);
	assert_int_equal(order(&p->a, again), COMMAND_OK);
	tell(&p->a, &p->b);
	assert_string_equal(only_at(&p->b, "web1")->reason, "longer");
	assert_string_equal(only_at(&p->b, "web1")->id, id);
	assert_int_equal(only_at(&p->b, "web1")->until_wall_ms,
			 only_at(&p->a, "web1")->until_wall_ms);
	/* Another effect is another hold in its place. */
	again.effect = 50;
	assert_int_equal(order(&p->a, again), COMMAND_OK);
	tell(&p->a, &p->b);
	tell(&p->a, &p->b);
	assert_int_equal(only_at(&p->b, "web1")->effect, 50);
	assert_int_equal(holds_count(p->b.a.holds), 1);
	free(id);
}

static void test_too_much(void **state)
{
	struct pair *p = *state;
	const char *first, *second;
	struct rig *of_first;

	assert_int_equal(lower(&p->a, "ann", "web/web1", 0, false), COMMAND_OK);
	assert_int_equal(lower(&p->b, "bob", "web/web2", 0, false), COMMAND_OK);
	tell_each_other(p);
	assert_true(acts(&p->a, "web1") != acts(&p->a, "web2"));
	assert_true(acts(&p->a, "web1") == acts(&p->b, "web1"));
	assert_true(acts(&p->a, "web2") == acts(&p->b, "web2"));
	first = acts(&p->a, "web1") ? "web1" : "web2";
	second = acts(&p->a, "web1") ? "web2" : "web1";
	of_first = acts(&p->a, "web1") ? &p->a : &p->b;
	assert_int_equal(peers_refused(only_at(&p->a, second)), GUARD_MIN_AVAILABLE);
	assert_int_equal(peers_refused(only_at(&p->b, second)), GUARD_MIN_AVAILABLE);
	assert_int_equal(p->a.a.peers->refused[GUARD_MIN_AVAILABLE], 1);
	assert_int_equal(p->b.a.peers->refused[GUARD_MIN_AVAILABLE], 1);
	/* It stays so, and acts once there is room. */
	tell_each_other(p);
	assert_false(acts(&p->a, second) || acts(&p->b, second));
	lift_of(of_first, of_first == &p->a ? "ann" : "bob",
		first[3] == '1' ? "web/web1" : "web/web2");
	tell_each_other(p);
	tell_each_other(p);
	assert_true(acts(&p->a, second) && acts(&p->b, second));
	assert_null(only_at(&p->a, first));
	assert_null(only_at(&p->b, first));
}

static void test_forced(void **state)
{
	struct pair *p = *state;

	assert_int_equal(lower(&p->a, "ann", "web/web1", 0, true), COMMAND_OK);
	assert_int_equal(lower(&p->b, "bob", "web/web2", 0, true), COMMAND_OK);
	tell_each_other(p);
	assert_true(acts(&p->a, "web1") && acts(&p->a, "web2"));
	assert_true(acts(&p->b, "web1") && acts(&p->b, "web2"));
}

/* What was refused is asked for again, by force. */
static void test_forced_then(void **state)
{
	struct pair *p = *state;
	const char *name, *target;
	struct rig *of;

	assert_int_equal(lower(&p->a, "ann", "web/web1", 0, false), COMMAND_OK);
	assert_int_equal(lower(&p->b, "ann", "web/web2", 0, false), COMMAND_OK);
	tell_each_other(p);
	name = acts(&p->a, "web1") ? "web2" : "web1";
	target = acts(&p->a, "web1") ? "web/web2" : "web/web1";
	of = acts(&p->a, "web1") ? &p->b : &p->a;
	assert_int_equal(lower(of, "ann", target, 0, false), COMMAND_CONFLICT);
	assert_int_equal(lower(of, "ann", target, 0, true), COMMAND_OK);
	tell_each_other(p);
	assert_true(acts(&p->a, name) && acts(&p->b, name));
	assert_true(acts(&p->a, "web1") && acts(&p->a, "web2"));
}

/* What it knows of us that we don't: nothing follows, and it is told. */
static void test_restored(void **state)
{
	struct pair *p = *state;
	struct buf text = BUF_INIT;

	assert_int_equal(lower(&p->a, "ann", "web/web1", 0, false), COMMAND_OK);
	buf_printf(&text,
		   "{\"version\":1,\"node\":\"%s\",\"tag\":\"1-1\",\"now\":1,\"seen\":{\"%s\":99},"
		   "\"holds\":[]}",
		   p->b.a.peers->node, p->a.a.peers->node);
	tell_text(&p->a, text.data, text.len);
	assert_true(acts(&p->a, "web1"));
	assert_false(p->a.a.peers->first->up);
	assert_int_equal(p->a.a.peers->first->failures[PEER_RESTORED], 1);
	assert_non_null(strstr(p->a.a.peers->first->why, "older copy"));
	buf_fini(&text);
}

/* Named otherwise there it goes on here; what is named nowhere here is kept. */
static void test_names(void **state)
{
	struct pair *p = *state;
	const struct hold *h;
	struct buf text = BUF_INIT;

	assert_int_equal(lower(&p->a, "ann", "web/web1", 0, false), COMMAND_OK);
	tell(&p->a, &p->b);
	assert_int_equal(placer_move(p->a.a.placer, only_at(&p->a, "web1")->id, "www", "w1", 5), 0);
	tell(&p->a, &p->b);
	assert_true(acts(&p->b, "web1"));
	assert_int_equal(only_at(&p->b, "web1")->revision, 1);
	buf_printf(&text,
		   "{\"version\":1,\"node\":\"%s\",\"tag\":\"1-1\",\"now\":1,\"seen\":{\"%s\":99},"
		   "\"holds\":[{\"id\":\"o\",\"class\":\"operator\",\"service\":\"shop\","
		   "\"realserver\":\"s1\",\"holder\":\"eve\",\"effect\":0,\"reason\":\"\","
		   "\"since\":1,\"until\":0,\"origin\":\"%s\",\"number\":7}]}",
		   p->b.a.peers->node, p->b.a.peers->node, p->b.a.peers->node);
	tell_text(&p->a, text.data, text.len);
	h = holds_of(p->a.a.holds, "shop", "s1");
	assert_non_null(h);
	assert_string_equal(h->holder, "eve@lb");
	buf_fini(&text);
}

struct placing_of {
	struct rig *rig;
	struct hold like;
	int error; /* 1 = not yet told */
};

static void on_told(void *arg, int error, const struct hold *hold)
{
	struct placing_of *p = arg;

	(void)hold;
	p->error = error;
}

static void begin_placing(void *arg)
{
	struct placing_of *p = arg;

	assert_int_equal(placer_asked(p->rig->a.placer, &p->like, clock_wall_ms(), on_told, p), 0);
}

/* Without the guards that an order is judged by. */
static void place_directly(struct rig *r, const struct hold *like)
{
	struct placing_of p = { .rig = r, .like = *like, .error = 1 };

	p.like.service = WORD("web");
	p.like.reason = WORD("");
	await_idle(r, begin_placing, &p, &p.error);
	assert_int_equal(p.error, 0);
}

/* Ordered while a peer's drain was on its way: neither was judged beside the other. */
static void test_crossing(void **state)
{
	struct pair *p = *state;

	assert_int_equal(lower(&p->a, "ann", "web/web1", 0, false), COMMAND_OK);
	tell(&p->a, &p->b);
	place_directly(&p->b, &(struct hold){ .hold_class = HOLD_OPERATOR,
					      .realserver = WORD("web2"),
					      .holder = WORD("bob") });
	assert_true(acts(&p->b, "web1"));
	assert_false(acts(&p->b, "web2"));
	assert_int_equal(peers_refused(only_at(&p->b, "web2")), GUARD_MIN_AVAILABLE);
	tell(&p->b, &p->a);
	assert_false(acts(&p->a, "web2"));
}

/* An alert's waits for the rule that goes by it; here is none. */
static void test_alert(void **state)
{
	struct pair *p = *state;
	const struct hold *h;

	place_directly(&p->a, &(struct hold){ .hold_class = HOLD_ALERT,
					      .realserver = WORD("web3"),
					      .rule = WORD("overloaded"),
					      .holder = WORD("8a3f21c0"),
					      .until_wall_ms = clock_wall_ms() + 3600000 });
	assert_true(acts(&p->a, "web3"));
	tell(&p->a, &p->b);
	h = only_at(&p->b, "web3");
	assert_non_null(h);
	assert_true(h->waiting && !h->active);
	assert_string_equal(h->holder, "8a3f21c0@lb");
	assert_string_equal(h->rule, "overloaded");
	placer_lift(p->a.a.placer, only_at(&p->a, "web3")->id);
	tell(&p->a, &p->b);
	assert_null(only_at(&p->b, "web3"));
}

/* A freeze is of one director. */
static void test_freeze(void **state)
{
	struct pair *p = *state;

	assert_int_equal(
		order(&p->a, (struct command){ .kind = COMMAND_FREEZE, .who = WORD("ann") }),
		COMMAND_OK);
	tell(&p->a, &p->b);
	assert_int_equal(holds_count(p->a.a.holds), 1);
	assert_int_equal(holds_count(p->b.a.holds), 0);
}

/* Clocks that differ by an hour: its ends are ends here, too. */
static void test_clock(void **state)
{
	struct pair *p = *state;
	struct exchange *x = calloc(1, sizeof(*x));
	const struct command cmd = { .kind = COMMAND_PEER };
	struct buf text = BUF_INIT;

	assert_int_equal(order(&p->a, (struct command){ .kind = COMMAND_HOLD,
							.who = WORD("ann"),
							.target = WORD("web/web1"),
							.ttl_ms = 60000 }),
			 COMMAND_OK);
	assert_int_equal(peers_share(&p->a.a, &cmd, &text), COMMAND_OK);
	assert_non_null(x);
	x->peers = p->b.a.peers;
	x->peer = p->b.a.peers->first;
	x->shift_ms = 3600000;
	assert_int_equal(share_read(text.data, text.len, &x->why, &x->share), 0);
	await_idle(&p->b, begin_merge, x, NULL);
	assert_int_equal(only_at(&p->b, "web1")->until_wall_ms,
			 only_at(&p->a, "web1")->until_wall_ms - 3600000);
	buf_fini(&text);
}

#define pair_test(name) cmocka_unit_test_setup_teardown(name, open_pair, close_pair)

int main(void)
{
	const struct CMUnitTest tests[] = {
		pair_test(test_both),   pair_test(test_renewed),     pair_test(test_too_much),
		pair_test(test_forced), pair_test(test_forced_then), pair_test(test_restored),
		pair_test(test_names),  pair_test(test_clock),       pair_test(test_crossing),
		pair_test(test_alert),  pair_test(test_freeze),
	};

	return cmocka_run_group_tests_name("peers", tests, NULL, NULL);
}
