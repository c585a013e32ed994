/* test_hands.c: what operators order, from the request to the weights and the ledger. */
#include "tests/unit/hands_rig.h"

static const char ini[] =
	"[service web]\naddress = tcp://10.1.2.15:80\nmin_available = 50%\n"
	"drain_timeout = 3m\nrealserver = a 10.1.2.21\n"
	"realserver = b 10.1.2.22\nrealserver = c 10.1.2.23\n"
	"[service mail]\naddress = tcp://10.1.2.15:25\nmin_available = 1\n"
	"realserver = a 10.1.2.21\nrealserver = m 10.1.2.29\n"
	"[service hash]\naddress = tcp://10.1.2.15:81\nscheduler = dh\n"
	"realserver = x 10.1.3.1\nrealserver = y 10.1.3.2\n"
	"[service m]\naddress = tcp://10.1.2.15:82\nrealserver = z 10.1.3.3\n"
	"[service racks]\naddress = tcp://10.1.2.15:83\ndomain_guard = on\n"
	"min_available = 0\n"
	"realserver = r1 10.1.4.1 domain=one\nrealserver = r2 10.1.4.2 domain=one\n"
	"realserver = r3 10.1.4.3 domain=two\nrealserver = r4 10.1.4.4\n";

static int setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	new_dir(r);
	open_rig(r, ini);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;

	close_rig(r);
	drop(r);
	free(r);
	return 0;
}

static void test_drain(void **state)
{
	struct rig *r = *state;
	json_t *hold;

	assert_int_equal(lower(r, "ann", "web/a", HOLD_ZERO, false), COMMAND_OK);
	assert_int_equal(weight_of(r, "web/a"), 0);
	assert_int_equal(weight_of(r, "mail/a"), 100);
	assert_list(r, "holds", "web/a ann 0");
	hold = json_object_get(r->json, "hold");
	assert_string_equal(member(r->json, "id"), member(hold, "id"));
	assert_string_equal(member(hold, "class"), "operator");
	assert_true(json_is_null(json_object_get(hold, "until")));
	assert_int_equal(json_array_size(json_object_get(r->json, "overrode")), 0);
	/* Late by what the service says. */
	assert_int_equal(holds_of(r->a.holds, "web", "a")->drain_ms, 180000);
	assert_int_equal(undrain(r, "ann", "web/a"), COMMAND_OK);
	assert_list(r, "lifted", "web/a ann 0");
	assert_int_equal(weight_of(r, "web/a"), 100);
	assert_int_equal(undrain(r, "ann", "web/a"), COMMAND_NOT_FOUND);
}

/* By name, by address and by service: everywhere that it means. */
static void test_targets(void **state)
{
	struct rig *r = *state;

	assert_int_equal(lower(r, "ann", "a", HOLD_ZERO, false), COMMAND_OK);
	assert_list(r, "holds", "web/a ann 0, mail/a ann 0");
	assert_int_equal(undrain(r, "ann", "10.1.2.21"), COMMAND_OK);
	assert_list(r, "lifted", "web/a ann 0, mail/a ann 0");
	assert_int_equal(lower(r, "ann", "web", 50, false), COMMAND_OK);
	assert_list(r, "holds", "web/a ann \"50%\", web/b ann \"50%\", web/c ann \"50%\"");
	assert_int_equal(weight_of(r, "web/b"), 50);
	assert_int_equal(lower(r, "ann", "wbe/a", HOLD_ZERO, false), COMMAND_NOT_FOUND);
	assert_string_equal(buf_str(&r->text),
			    "no service or realserver 'wbe/a'; did you mean realserver 'a'?");
	/* A service, and a realserver of another one. */
	assert_int_equal(lower(r, "ann", "m", HOLD_ZERO, true), COMMAND_CONFLICT);
	assert_string_equal(r->guard, "");
	assert_non_null(strstr(buf_str(&r->text), "say m/ for the service or /m for the"));
	assert_int_equal(lower(r, "ann", "/m", HOLD_ZERO, false), COMMAND_OK);
	assert_list(r, "holds", "mail/m ann 0");
}

/* Several are one decision: each would be fine alone. */
static void test_guards(void **state)
{
	struct rig *r = *state;

	assert_int_equal(lower(r, "ann", "web", HOLD_ZERO, false), COMMAND_CONFLICT);
	assert_string_equal(r->guard, "min_available");
	assert_string_equal(buf_str(&r->text),
			    "service web would have 0 of 3 realservers available, and "
			    "min_available asks for 2; --force does it all the same");
	assert_int_equal(holds_count(r->a.holds), 0);
	assert_int_equal(lower(r, "ann", "web/a", HOLD_ZERO, false), COMMAND_OK);
	assert_int_equal(lower(r, "bob", "web/b", HOLD_ZERO, false), COMMAND_CONFLICT);
	/* What is out already takes nothing away. */
	assert_int_equal(lower(r, "bob", "web/a", HOLD_ZERO, false), COMMAND_OK);
	assert_int_equal(lower(r, "bob", "hash/x", HOLD_ZERO, false), COMMAND_CONFLICT);
	assert_string_equal(r->guard, "scheduler");
	/* In one service fine, in the other not: nothing is placed. */
	assert_int_equal(lower(r, "ann", "mail/m", HOLD_ZERO, false), COMMAND_OK);
	assert_int_equal(lower(r, "bob", "10.1.2.21", HOLD_ZERO, false), COMMAND_CONFLICT);
	assert_string_equal(buf_str(&r->text),
			    "service mail would have 0 of 2 realservers available, and "
			    "min_available asks for 1; --force does it all the same");
	assert_null(holds_of(r->a.holds, "mail", "a"));
}

static void test_domains(void **state)
{
	struct rig *r = *state;

	assert_int_equal(lower(r, "ann", "racks/r4", HOLD_ZERO, false), COMMAND_OK);
	assert_int_equal(lower(r, "ann", "racks/r1", HOLD_ZERO, false), COMMAND_OK);
	assert_int_equal(lower(r, "ann", "racks/r2", HOLD_ZERO, false), COMMAND_OK);
	assert_int_equal(lower(r, "ann", "racks/r3", HOLD_ZERO, false), COMMAND_CONFLICT);
	assert_string_equal(r->guard, "min_available");
	assert_int_equal(undrain(r, "ann", "racks/r4"), COMMAND_OK);
	assert_int_equal(lower(r, "ann", "racks/r3", HOLD_ZERO, false), COMMAND_CONFLICT);
	assert_string_equal(r->guard, "domain");
}

static void test_force(void **state)
{
	struct rig *r = *state;
	json_t *one;

	assert_int_equal(lower(r, "ann", "web", HOLD_ZERO, true), COMMAND_OK);
	assert_list(r, "holds", "web/a ann 0, web/b ann 0, web/c ann 0");
	one = json_array_get(json_object_get(r->json, "overrode"), 0);
	assert_string_equal(member(one, "guard"), "min_available");
	assert_string_equal(member(one, "service"), "web");
	assert_string_equal(member(one, "message"),
			    "service web would have 0 of 3 realservers available, and "
			    "min_available asks for 2");
	assert_int_equal(lower(r, "ann", "hash", HOLD_ZERO, true), COMMAND_OK);
	assert_int_equal(json_array_size(json_object_get(r->json, "overrode")), 2);
}

/* Two owners never lift each other's; and one of them has one of each kind. */
static void test_owners(void **state)
{
	struct rig *r = *state;

	assert_int_equal(lower(r, "ann", "web/a", HOLD_ZERO, false), COMMAND_OK);
	assert_int_equal(lower(r, "bob", "web/a", 50, false), COMMAND_OK);
	assert_int_equal(weight_of(r, "web/a"), 0);
	assert_int_equal(undrain(r, "bob", "web/a"), COMMAND_OK);
	assert_list(r, "lifted", "");
	assert_list(r, "remaining", "web/a ann 0, web/a bob \"50%\"");
	assert_int_equal(weight_of(r, "web/a"), 0);
	assert_int_equal(undrain(r, "ann", "web/a"), COMMAND_OK);
	assert_list(r, "lifted", "web/a ann 0");
	assert_list(r, "remaining", "web/a bob \"50%\"");
	assert_int_equal(weight_of(r, "web/a"), 50);
	/* In another's name, if one says so. */
	assert_int_equal(order(r, (struct command){ .kind = COMMAND_LIFT,
						    .who = WORD("ann"),
						    .holder = WORD("bob"),
						    .target = WORD("web/a") }),
			 COMMAND_OK);
	assert_int_equal(weight_of(r, "web/a"), 100);
	assert_int_equal(lower(r, "ann", "web/a", HOLD_ZERO, false), COMMAND_OK);
	assert_int_equal(lower(r, "bob", "web/a", HOLD_ZERO, false), COMMAND_OK);
	assert_int_equal(order(r, (struct command){ .kind = COMMAND_LIFT,
						    .who = WORD("cid"),
						    .all = true,
						    .target = WORD("web") }),
			 COMMAND_OK);
	assert_list(r, "lifted", "web/a ann 0, web/a bob 0");
}

static void test_weight_and_admit(void **state)
{
	struct rig *r = *state;
	struct command more = { .kind = COMMAND_HOLD,
				.who = WORD("ann"),
				.target = WORD("web/a"),
				.effect = HOLD_REPLACE_SHARE,
				.weight = 150 };

	assert_int_equal(order(r, more), COMMAND_OK);
	assert_list(r, "holds", "web/a ann {\"replace\":\"150%\"}");
	assert_int_equal(weight_of(r, "web/a"), 150);
	more.effect = HOLD_REPLACE;
	more.weight = 30;
	assert_int_equal(order(r, more), COMMAND_OK);
	assert_int_equal(weight_of(r, "web/a"), 30);
	assert_int_equal(holds_count(r->a.holds), 1);
	assert_int_equal(lower(r, "ann", "web/a", 50, false), COMMAND_OK);
	assert_int_equal(weight_of(r, "web/a"), 15);
	more.weight = 0;
	assert_int_equal(order(r, more), COMMAND_INVALID);
	assert_non_null(strstr(buf_str(&r->text), "use drain"));
	/* Rules are ignored for an hour unless it is said for how long, and not for ever. */
	more.effect = HOLD_ADMIT;
	assert_int_equal(order(r, more), COMMAND_OK);
	assert_list(r, "holds", "web/a ann \"admit\"");
	assert_string_not_equal(member(json_object_get(r->json, "hold"), "until"), "");
	more.ttl_ms = INT64_C(8) * 86400 * 1000;
	assert_int_equal(order(r, more), COMMAND_INVALID);
	assert_int_equal(holds_count(r->a.holds), 3);
	assert_int_equal(undrain(r, "ann", "web/a"), COMMAND_OK);
	assert_list(r, "lifted", "");
	assert_int_equal(order(r, (struct command){ .kind = COMMAND_LIFT,
						    .who = WORD("ann"),
						    .only = WORD("weight"),
						    .target = WORD("web/a") }),
			 COMMAND_OK);
	assert_list(r, "lifted", "web/a ann {\"replace\":30}, web/a ann \"50%\"");
	assert_int_equal(order(r, (struct command){ .kind = COMMAND_LIFT,
						    .who = WORD("ann"),
						    .only = WORD("admit"),
						    .target = WORD("web/a") }),
			 COMMAND_OK);
	assert_int_equal(holds_count(r->a.holds), 0);
}

static void test_freeze(void **state)
{
	struct rig *r = *state;
	struct command freeze = { .kind = COMMAND_FREEZE,
				  .who = WORD("ann"),
				  .reason = WORD("storm") };
	struct command thaw = { .kind = COMMAND_THAW, .who = WORD("bob") };

	assert_int_equal(order(r, freeze), COMMAND_OK);
	assert_string_equal(member(json_object_get(r->json, "frozen"), "reason"), "storm");
	assert_true(r->a.decider.frozen);
	/* An operator goes on working. */
	assert_int_equal(lower(r, "ann", "web/a", HOLD_ZERO, false), COMMAND_OK);
	assert_int_equal(weight_of(r, "web/a"), 0);
	assert_int_equal(order(r, thaw), COMMAND_OK);
	assert_list(r, "lifted", "");
	assert_string_equal(member(json_object_get(r->json, "frozen"), "holder"), "ann");
	thaw.all = true;
	assert_int_equal(order(r, thaw), COMMAND_OK);
	assert_list(r, "lifted", "*/* ann \"freeze\"");
	assert_true(json_is_null(json_object_get(r->json, "frozen")));
	assert_false(r->a.decider.frozen);
	assert_int_equal(order(r, thaw), COMMAND_OK);
}

/* What operators did is explained, step by step. */
static void test_explained(void **state)
{
	static const char *const said[] = {
		"\"weight\":40,\"why\":\"operator ann\",\"text\":\"instead of the file's, since ",
		"\"why\":\"admitted\",\"text\":\"rules are ignored, says ann since ",
		"\"weight\":0,\"why\":\"operator bob\"",
		"frozen by ann since ",
		"rules, alerts and probes change nothing (storm)",
		"alert 8a3f (rule load) asks for it: weight 0; no guard has let it act yet",
	};
	struct hold lease = { .hold_class = HOLD_ALERT,
			      .id = WORD("l"),
			      .service = WORD("web"),
			      .realserver = WORD("a"),
			      .holder = WORD("8a3f"),
			      .rule = WORD("load"),
			      .waiting = true };
	struct command cmd = { .kind = COMMAND_HOLD,
			       .who = WORD("ann"),
			       .target = WORD("web/a"),
			       .effect = HOLD_REPLACE,
			       .weight = 40 };
	struct rig *r = *state;
	struct buf text = BUF_INIT;
	size_t i;

	assert_int_equal(order(r, cmd), COMMAND_OK);
	cmd.effect = HOLD_ADMIT;
	assert_int_equal(order(r, cmd), COMMAND_OK);
	assert_int_equal(lower(r, "bob", "web/a", HOLD_ZERO, false), COMMAND_OK);
	assert_int_equal(holds_place(r->a.holds, hold_new(&lease), NULL), 0);
	cmd = (struct command){ .kind = COMMAND_FREEZE,
				.who = WORD("ann"),
				.reason = WORD("storm") };
	assert_int_equal(order(r, cmd), COMMAND_OK);
	assert_int_equal(explain_target(&r->a, "web/a", &text), COMMAND_OK);
	for (i = 0; i < countof(said); i++)
		if (!strstr(buf_str(&text), said[i]))
			fail_msg("'%s' is not in %s", said[i], buf_str(&text));
	buf_fini(&text);
}

static void list(struct rig *r, struct command cmd)
{
	struct command_reply reply = { 0 };

	reply.status = hands_list(&r->a, &cmd, &reply.text);
	on_answer(r, &reply);
	buf_fini(&reply.text);
}

static void test_list(void **state)
{
	struct rig *r = *state;
	char id[64];

	assert_int_equal(lower(r, "ann", "a", HOLD_ZERO, false), COMMAND_OK);
	assert_int_equal(lower(r, "bob", "web/a", 50, false), COMMAND_OK);
	snprintf(id, sizeof(id), "%s", member(r->json, "id"));
	assert_int_equal(order(r, (struct command){ .kind = COMMAND_FREEZE, .who = WORD("ann") }),
			 COMMAND_OK);
	list(r, (struct command){ .kind = COMMAND_HOLDS });
	assert_list(r, "holds", "web/a ann 0, mail/a ann 0, web/a bob \"50%\"");
	assert_string_equal(member(json_object_get(r->json, "frozen"), "holder"), "ann");
	list(r, (struct command){ .kind = COMMAND_HOLDS, .target = WORD("mail") });
	assert_list(r, "holds", "mail/a ann 0");
	list(r, (struct command){ .kind = COMMAND_HOLDS, .holder = WORD("bob") });
	assert_list(r, "holds", "web/a bob \"50%\"");
	list(r, (struct command){ .kind = COMMAND_HOLDS, .only = WORD("rule") });
	assert_list(r, "holds", "");
	list(r, (struct command){ .kind = COMMAND_HOLDS, .target = WORD("nobody") });
	assert_int_equal(r->status, COMMAND_NOT_FOUND);
	assert_int_equal(order(r, (struct command){ .kind = COMMAND_LIFT, .id = id }), COMMAND_OK);
	assert_list(r, "lifted", "web/a bob \"50%\"");
	assert_list(r, "remaining", "web/a ann 0");
	assert_int_equal(order(r, (struct command){ .kind = COMMAND_LIFT, .id = id }),
			 COMMAND_NOT_FOUND);
}

/* A rule would place it again. */
static void test_rules_hold(void **state)
{
	struct rig *r = *state;
	struct hold like = { .hold_class = HOLD_RULE,
			     .service = WORD("web"),
			     .realserver = WORD("a"),
			     .holder = WORD("probe-down"),
			     .reason = WORD("refused") };

	assert_int_equal(placer_rule(r->a.placer, &like, 1), 0);
	assert_int_equal(order(r, (struct command){ .kind = COMMAND_LIFT,
						    .id = holds_of(r->a.holds, "web", "a")->id }),
			 COMMAND_CONFLICT);
	assert_non_null(strstr(buf_str(&r->text), "use admit web/a"));
	assert_int_equal(undrain(r, "ann", "web/a"), COMMAND_OK);
	assert_list(r, "lifted", "");
	assert_list(r, "remaining", "web/a probe-down 0");
}

/* All or nothing; and what is on its way is waited for by who comes behind it. */
static void test_unrecordable(void **state)
{
	struct rig *r = *state;
	struct rlimit was, none;

	assert_int_equal(lower(r, "ann", "web/a", HOLD_ZERO, false), COMMAND_OK);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	none = was;
	none.rlim_cur = 0;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	assert_int_equal(lower(r, "ann", "a", HOLD_ZERO, false), COMMAND_UNAVAILABLE);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_non_null(strstr(buf_str(&r->text), "nothing was changed"));
	assert_int_equal(weight_of(r, "web/a"), 0);
	assert_int_equal(weight_of(r, "mail/a"), 100);
	assert_int_equal(holds_count(r->a.holds), 1);
}

static void test_one_after_the_other(void **state)
{
	struct rig *r = *state;
	struct command cmds[4] = { { .kind = COMMAND_HOLD, .target = strdup("web/a") },
				   { .kind = COMMAND_HOLD, .target = strdup("web/b") },
				   { .kind = COMMAND_LIFT, .target = strdup("web/a") },
				   { .kind = COMMAND_HOLD, .target = strdup("web/b") } };
	int i;

	for (i = 0; i < 4; i++)
		cmds[i].who = strdup("ann");
	order_all(r, cmds, 4);
	/* The second was refused by what the first had done, and the last was not. */
	assert_int_equal(r->status, COMMAND_OK);
	assert_int_equal(weight_of(r, "web/a"), 100);
	assert_int_equal(weight_of(r, "web/b"), 0);
	assert_int_equal(holds_count(r->a.holds), 1);
}

static void test_survives(void **state)
{
	struct rig *r = *state;

	assert_int_equal(lower(r, "ann", "a", HOLD_ZERO, false), COMMAND_OK);
	assert_int_equal(order(r, (struct command){ .kind = COMMAND_FREEZE, .who = WORD("ann") }),
			 COMMAND_OK);
	close_rig(r);
	open_rig(r, ini);
	assert_int_equal(weight_of(r, "web/a"), 0);
	assert_int_equal(weight_of(r, "mail/a"), 0);
	assert_true(r->a.decider.frozen);
	assert_int_equal(undrain(r, "ann", "a"), COMMAND_OK);
	assert_list(r, "lifted", "web/a ann 0, mail/a ann 0");
	/* What has left the file can still be ended by its names. */
	assert_int_equal(lower(r, "ann", "web/c", HOLD_ZERO, false), COMMAND_OK);
	close_rig(r);
	open_rig(r, "[service web]\naddress = tcp://10.1.2.15:80\nrealserver = a 10.1.2.21\n");
	assert_int_equal(undrain(r, "ann", "web/c"), COMMAND_OK);
	assert_list(r, "lifted", "web/c ann 0");
}

/* Behind the same VIP, at the same address: the same, whatever it is called. */
static void test_renamed(void **state)
{
	static const char other[] = "[service www]\naddress = tcp://10.1.2.15:80\n"
				    "realserver = a 10.1.2.21\nrealserver = bee 10.1.2.22\n"
				    "[service mail]\naddress = tcp://10.1.2.15:25\n"
				    "realserver = gone 10.1.9.9\n";
	struct rig *r = *state;
	struct layout *now = make_layout(other);

	assert_int_equal(lower(r, "ann", "web/a", HOLD_ZERO, true), COMMAND_OK);
	assert_int_equal(lower(r, "bob", "web/b", 50, true), COMMAND_OK);
	assert_int_equal(lower(r, "bob", "mail/m", HOLD_ZERO, true), COMMAND_OK);
	/* Another process: its first id is not one of the first process's. */
	close_rig(r);
	open_rig(r, ini);
	hands_rename(&r->a, now);
	assert_null(holds_of(r->a.holds, "web", "a"));
	assert_int_equal(holds_of(r->a.holds, "www", "a")->effect, HOLD_ZERO);
	assert_int_equal(holds_of(r->a.holds, "www", "a")->drain_ms, 180000);
	assert_string_equal(holds_of(r->a.holds, "www", "bee")->holder, "bob");
	assert_non_null(holds_of(r->a.holds, "mail", "m"));
	assert_int_equal(holds_count(r->a.holds), 3);
	layout_unref(now);
	close_rig(r);
	open_rig(r, other);
	assert_int_equal(weight_of(r, "www/a"), 0);
	assert_int_equal(weight_of(r, "www/bee"), 50);
}

static void test_stopping(void **state)
{
	struct rig *r = *state;
	struct command cmd = { .kind = COMMAND_HOLD, .target = strdup("web/a") };

	hands_order(&r->a, &cmd, on_answer, r);
	command_fini(&cmd);
	cmd = (struct command){ .kind = COMMAND_HOLD, .target = strdup("web/b") };
	hands_order(&r->a, &cmd, on_answer, r);
	command_fini(&cmd);
	close_rig(r);
	/* Both were told something. */
	assert_int_equal(r->n_answers, 2);
	assert_int_equal(r->status, COMMAND_STOPPING);
	open_rig(r, ini);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_drain),        test(test_targets),
		test(test_guards),       test(test_domains),
		test(test_force),        test(test_owners),
		test(test_freeze),       test(test_weight_and_admit),
		test(test_explained),    test(test_list),
		test(test_rules_hold),   test(test_survives),
		test(test_unrecordable), test(test_stopping),
		test(test_renamed),      test(test_one_after_the_other),
	};

	return cmocka_run_group_tests_name("hands", tests, NULL, NULL);
}
