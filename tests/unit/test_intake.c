/* test_intake.c: alerts on their way in, from the bytes of a request to its answer, the
 * ledger and the weights. What is said of which alert is pinned in tests/golden/alerts. */
#include "agent/intake.h"

#include <signal.h>

#include "tests/unit/golden.h"
#include "tests/unit/hands_rig.h"

static const char ini[] = "[service web]\naddress = tcp://10.1.2.15:80\n"
			  "realserver = a 10.1.2.21\nrealserver = b 10.1.2.22\n"
			  "realserver = c 10.1.2.23\n"
			  "[rule slow]\nalert = Slow\naction = quiesce\n";

enum { MANY = 17 };

struct post {
	struct rig r; /* first: hands_rig's functions take it */
	char *bodies[MANY];
	unsigned int n_bodies;
	enum command_status statuses[MANY];
	unsigned int n_statuses;
	struct loop_timer *timer;
};

static void on_reply(void *arg, struct command_reply *reply)
{
	struct post *p = arg;

	p->statuses[p->n_statuses++] = reply->status;
	on_answer(&p->r, reply);
}

static void on_post(void *arg)
{
	struct post *p = arg;
	unsigned int i;

	for (i = 0; i < p->n_bodies; i++) {
		struct command cmd = { .kind = COMMAND_ALERTS, .who = strdup("token") };

		buf_puts(&cmd.body, p->bodies[i]);
		free(p->bodies[i]);
		intake_take(p->r.a.intake, &cmd, on_reply, p);
		command_fini(&cmd);
	}
	p->n_bodies = 0;
}

/* All at once, while the loop runs, until the answers are there. */
static void send_all(struct post *p)
{
	p->r.awaited = p->r.n_answers + p->n_bodies;
	p->n_statuses = 0;
	loop_timer_start(p->timer, 0);
	loop_run(p->r.a.loop);
	assert_int_equal(p->r.n_answers, p->r.awaited);
}

static void add(struct post *p, const char *status, const char *fingerprint, const char *name)
{
	struct buf body = BUF_INIT;

	buf_printf(&body,
		   "{\"version\":\"4\",\"alerts\":[{\"status\":\"%s\",\"fingerprint\":\"%s\","
		   "\"startsAt\":\"2026-05-06T07:08:09Z\",\"labels\":{\"alertname\":\"Slow\","
		   "\"realserver\":\"%s\"}}]}",
		   status, fingerprint, name);
	p->bodies[p->n_bodies++] = buf_take(&body);
}

static enum command_status send_one(struct post *p, const char *status, const char *fingerprint,
				    const char *name)
{
	add(p, status, fingerprint, name);
	send_all(p);
	return p->r.status;
}

static json_int_t figure(const struct post *p, const char *name)
{
	return json_integer_value(json_object_get(p->r.json, name));
}

/* How many times the ledger was told of a hold. */
static unsigned int placed(const struct post *p)
{
	struct buf text = BUF_INIT;
	char path[100];
	const char *at;
	unsigned int n = 0;

	snprintf(path, sizeof(path), "%s/ledger", p->r.dir);
	golden_read(path, &text);
	for (at = buf_str(&text); (at = strstr(at, "\"type\":\"place\"")); at++)
		n++;
	buf_fini(&text);
	return n;
}

static void open_all(struct post *p)
{
	open_rig(&p->r, ini);
	assert_int_equal(intake_new(&p->r.a, &p->r.a.intake), 0);
	placer_watch(p->r.a.placer, agent_on_asked, &p->r.a);
	assert_int_equal(loop_timer_new(p->r.a.loop, "post", on_post, p, &p->timer), 0);
}

static void close_all(struct post *p)
{
	loop_timer_free(p->timer);
	/* What is said of holds from now on is nobody's business. */
	placer_watch(p->r.a.placer, NULL, NULL);
	p->r.a.stopping = true;
	intake_free(p->r.a.intake);
	close_rig(&p->r);
}

static int setup(void **state)
{
	struct post *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	new_dir(&p->r);
	open_all(p);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct post *p = *state;

	close_all(p);
	drop(&p->r);
	free(p);
	return 0;
}

static void recorded_before_it_acts(void **state)
{
	struct post *p = *state;
	const struct hold *h;

	assert_int_equal(send_one(p, "firing", "f1", "a"), COMMAND_OK);
	assert_int_equal(figure(p, "recorded"), 1);
	h = holds_of(p->r.a.holds, "web", "a");
	assert_non_null(h);
	assert_true(h->recorded && h->waiting && !h->active);
	assert_int_equal(placed(p), 1);
	assert_int_equal(weight_of(&p->r, "web/a"), 100);
	settle(&p->r);
	assert_int_equal(weight_of(&p->r, "web/a"), 0);
	assert_int_equal(send_one(p, "resolved", "f1", "a"), COMMAND_OK);
	assert_int_equal(figure(p, "resolved"), 1);
	settle(&p->r);
	assert_int_equal(weight_of(&p->r, "web/a"), 100);
}

/* The second of a pair finds what the first has placed. */
static void told_twice_at_once(void **state)
{
	struct post *p = *state;

	add(p, "firing", "f1", "a");
	add(p, "firing", "f1", "a");
	send_all(p);
	assert_int_equal(p->statuses[0], COMMAND_OK);
	assert_int_equal(p->statuses[1], COMMAND_OK);
	assert_int_equal(figure(p, "recorded"), 1);
	assert_int_equal(holds_count(p->r.a.holds), 1);
	assert_int_equal(placed(p), 1);
}

/* In the order in which they came. */
static void fired_and_resolved_at_once(void **state)
{
	struct post *p = *state;

	add(p, "firing", "f1", "a");
	add(p, "resolved", "f1", "a");
	send_all(p);
	assert_int_equal(figure(p, "resolved"), 1);
	assert_int_equal(holds_count(p->r.a.holds), 0);
}

static void what_is_no_message_is_refused(void **state)
{
	struct post *p = *state;

	p->bodies[p->n_bodies++] = strdup("{\"version\":\"3\"}");
	send_all(p);
	assert_int_equal(p->r.status, COMMAND_INVALID);
	assert_non_null(strstr(buf_str(&p->r.text), "version \"4\""));
	assert_int_equal(holds_count(p->r.a.holds), 0);
}

static void more_at_once_than_can_wait(void **state)
{
	uint64_t counts[ALERT_N_OUTCOMES];
	struct post *p = *state;
	char key[16];
	int i;

	for (i = 0; i < MANY; i++) {
		snprintf(key, sizeof(key), "f%d", i);
		add(p, "firing", key, i % 2 ? "a" : "b");
	}
	send_all(p);
	/* Who cannot wait is told at once: to send it again. */
	assert_int_equal(p->statuses[0], COMMAND_UNAVAILABLE);
	for (i = 1; i < MANY; i++)
		assert_int_equal(p->statuses[i], COMMAND_OK);
	assert_int_equal(holds_count(p->r.a.holds), MANY - 1);
	intake_counts(p->r.a.intake, counts);
	assert_int_equal(counts[ALERT_RECORDED], MANY - 1);
	assert_int_equal(counts[ALERT_FAILED], 1);
}

static void a_full_disk_is_no_yes(void **state)
{
	struct post *p = *state;
	struct rlimit old, none;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	none = (struct rlimit){ .rlim_cur = 0, .rlim_max = old.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	add(p, "firing", "f1", "a");
	send_all(p);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(p->r.status, COMMAND_UNAVAILABLE);
	assert_int_equal(holds_count(p->r.a.holds), 0);
	settle(&p->r);
	assert_int_equal(weight_of(&p->r, "web/a"), 100);
}

/* As the ledger keeps it; a copy that comes then is known, and so is the end. */
static void after_a_restart(void **state)
{
	struct post *p = *state;
	const struct hold *h;

	assert_int_equal(send_one(p, "firing", "f1", "a"), COMMAND_OK);
	settle(&p->r);
	close_all(p);
	open_all(p);
	h = holds_of(p->r.a.holds, "web", "a");
	assert_non_null(h);
	assert_false(h->waiting);
	intake_note(p->r.a.intake, h, false);
	settle(&p->r);
	assert_int_equal(weight_of(&p->r, "web/a"), 0);
	assert_int_equal(send_one(p, "firing", "f1", "a"), COMMAND_OK);
	assert_int_equal(figure(p, "recorded"), 1);
	assert_int_equal(send_one(p, "resolved", "f1", "a"), COMMAND_OK);
	assert_int_equal(figure(p, "resolved"), 1);
	settle(&p->r);
	assert_int_equal(weight_of(&p->r, "web/a"), 100);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(recorded_before_it_acts),
		TEST(told_twice_at_once),
		TEST(fired_and_resolved_at_once),
		TEST(what_is_no_message_is_refused),
		TEST(more_at_once_than_can_wait),
		TEST(a_full_disk_is_no_yes),
		TEST(after_a_restart),
	};

	return cmocka_run_group_tests_name("intake", tests, NULL, NULL);
}
