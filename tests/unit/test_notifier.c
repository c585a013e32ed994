/* test_notifier.c: webhooks to a real receiver: what it gets, in which order, how often
 * it is asked, and what happens to those who wait. */
#include <fcntl.h>
#include <limits.h>

#include "tests/unit/notify_world.h"

/* Whose realserver the request number i is about. */
static bool is_about(struct hook *h, size_t i, const char *realserver)
{
	char want[64];

	snprintf(want, sizeof(want), "\"realserver\":\"%s\"", realserver);
	return strstr(h->requests[i], want) != NULL;
}

/* A world whose first receiver is the hook. */
static void hooked(struct notify_world *w, struct hook *h, int64_t backoff_ms)
{
	hook_start(h);
	world_init(w, backoff_ms);
	w->confs[0].url = h->url;
}

static void test_post(void **state ATTR_UNUSED)
{
	struct hook h = { .answers = { HOOK_OK } };
	struct notify_world w;

	hooked(&w, &h, 1);
	world_receivers(&w, 1);
	world_tell(&w, NOTICE_HOLD, "web1");
	assert_int_equal(world_row(&w, 0).running, 1);
	w.want = 1;
	world_await(&w, settled);
	assert_non_null(strstr(h.requests[0], "POST /hook HTTP/1.1\r\n"));
	assert_non_null(strstr(h.requests[0], "\r\nContent-Type: application/json\r\n"));
	assert_null(strstr(h.requests[0], "Authorization"));
	assert_non_null(strstr(h.requests[0], "\r\n\r\n{\"version\":1,\"id\":\""));
	assert_non_null(strstr(h.requests[0], "\"host\":\"director1\",\"event\":\"hold\""));
	assert_true(is_about(&h, 0, "web1"));
	assert_int_equal(world_row(&w, 0).sent, 1);
	assert_int_equal(world_row(&w, 0).retried, 0);
	assert_string_equal(world_row(&w, 0).action, "notify");
	assert_string_equal(world_row(&w, 0).name, "a");
	world_fini(&w);
	hook_stop(&h);
}

/* What a standby would have told is counted and goes nowhere; the master tells again. */
static void test_standby(void **state ATTR_UNUSED)
{
	struct hook h = { .answers = { HOOK_OK } };
	struct notify_world w;

	hooked(&w, &h, 1);
	world_receivers(&w, 1);
	notifier_standby(w.n, true);
	world_tell(&w, NOTICE_HOLD, "web1");
	assert_int_equal(world_row(&w, 0).standby, 1);
	assert_int_equal(world_row(&w, 0).running + world_row(&w, 0).waiting, 0);
	notifier_standby(w.n, false);
	world_tell(&w, NOTICE_RELEASE, "web2");
	w.want = 1;
	world_await(&w, settled);
	assert_int_equal(hook_count(&h), 1);
	assert_true(is_about(&h, 0, "web2"));
	assert_int_equal(world_row(&w, 0).sent, 1);
	assert_int_equal(world_row(&w, 0).standby, 1);
	world_fini(&w);
	hook_stop(&h);
}

/* Same id on every attempt: the receiver knows a repetition. */
static void copy_id(struct hook *h, size_t i, char to[64])
{
	const char *at = strstr(h->requests[i], "\"id\":\"");

	assert_non_null(at);
	snprintf(to, 64, "%.*s", (int)strcspn(at + 6, "\""), at + 6);
}

static void test_again_in_order(void **state ATTR_UNUSED)
{
	struct hook h = { .answers = { HOOK_ANSWER("503 Busy", ""), HOOK_ANSWER("429 Slow", ""),
				       HOOK_OK } };
	struct notify_world w;
	char first[64], again[64], other[64];

	hooked(&w, &h, 1);
	world_receivers(&w, 1);
	world_tell(&w, NOTICE_HOLD, "web1");
	world_tell(&w, NOTICE_HOLD, "web2");
	world_tell(&w, NOTICE_RELEASE, "web1");
	w.want = 3;
	world_await(&w, settled);
	assert_int_equal(hook_count(&h), 5);
	assert_true(is_about(&h, 0, "web1") && is_about(&h, 1, "web1") && is_about(&h, 2, "web1"));
	assert_true(is_about(&h, 3, "web2"));
	assert_true(is_about(&h, 4, "web1"));
	assert_non_null(strstr(h.requests[4], "\"event\":\"release\",\"active\":false"));
	copy_id(&h, 0, first);
	copy_id(&h, 2, again);
	copy_id(&h, 3, other);
	assert_string_equal(first, again);
	assert_string_not_equal(first, other);
	assert_int_equal(world_row(&w, 0).sent, 3);
	assert_int_equal(world_row(&w, 0).retried, 2);
	assert_int_equal(world_row(&w, 0).failed, 0);
	world_fini(&w);
	hook_stop(&h);
}

static void test_final(void **state ATTR_UNUSED)
{
	struct hook h = { .answers = { HOOK_ANSWER("404 Not Found", ""),
				       HOOK_ANSWER("302 Found", "Location: /other\r\n"),
				       HOOK_OK } };
	struct notify_world w;

	hooked(&w, &h, 1);
	world_receivers(&w, 1);
	world_tell(&w, NOTICE_HOLD, "web1");
	world_tell(&w, NOTICE_HOLD, "web2");
	world_tell(&w, NOTICE_HOLD, "web3");
	w.want = 3;
	world_await(&w, settled);
	assert_int_equal(hook_count(&h), 3);
	assert_int_equal(world_row(&w, 0).failed, 2);
	assert_int_equal(world_row(&w, 0).sent, 1);
	assert_int_equal(world_row(&w, 0).retried, 0);
	world_fini(&w);
	hook_stop(&h);
}

static void test_gives_up(void **state ATTR_UNUSED)
{
	struct hook h = { .answers = { HOOK_ANSWER("500 No", ""), HOOK_ANSWER("500 No", ""),
				       HOOK_OK } };
	struct notify_world w;

	hooked(&w, &h, 1);
	w.confs[0].retries = 1;
	world_receivers(&w, 1);
	world_tell(&w, NOTICE_HOLD, "web1");
	world_tell(&w, NOTICE_HOLD, "web2");
	w.want = 2;
	world_await(&w, settled);
	assert_int_equal(hook_count(&h), 3);
	assert_true(is_about(&h, 2, "web2"));
	assert_int_equal(world_row(&w, 0).failed, 1);
	assert_int_equal(world_row(&w, 0).sent, 1);
	assert_int_equal(world_row(&w, 0).retried, 1);
	world_fini(&w);
	hook_stop(&h);
}

static void test_nobody_listens(void **state ATTR_UNUSED)
{
	struct hook h = { .answers = { HOOK_OK } };
	struct notify_world w;

	hook_start(&h);
	hook_stop(&h);
	world_init(&w, 1);
	w.confs[0].url = h.url;
	w.confs[0].retries = 2;
	world_receivers(&w, 1);
	world_tell(&w, NOTICE_HOLD, "web1");
	w.want = 1;
	world_await(&w, settled);
	assert_int_equal(world_row(&w, 0).failed, 1);
	assert_int_equal(world_row(&w, 0).retried, 2);
	world_fini(&w);
}

/* The pauses double, and half of each is certain; the receiver's wish is heeded. */
static void test_pauses(void **state ATTR_UNUSED)
{
	struct hook h = { .answers = { HOOK_ANSWER("503 Busy", ""), HOOK_ANSWER("503 Busy", ""),
				       HOOK_ANSWER("429 Slow", "Retry-After: 1\r\n"), HOOK_OK } };
	struct notify_world w;

	hooked(&w, &h, 40);
	world_receivers(&w, 1);
	world_tell(&w, NOTICE_HOLD, "web1");
	w.want = 1;
	world_await(&w, settled);
	assert_int_equal(world_row(&w, 0).sent, 1);
	assert_true(h.at_ms[1] - h.at_ms[0] >= 20);
	assert_true(h.at_ms[2] - h.at_ms[1] >= 40);
	assert_true(h.at_ms[3] - h.at_ms[2] >= 1000);
	world_fini(&w);
	hook_stop(&h);
}

static bool second_settled(struct notify_world *w)
{
	return world_row(w, 1).sent >= w->want;
}

static bool hook_reached(struct notify_world *w)
{
	return hook_count(w->hook) >= 1;
}

/* One that never answers fills its own queue, and nobody else's. */
static void test_slow_and_full(void **state ATTR_UNUSED)
{
	struct hook slow = { 0 }, quick = { .answers = { HOOK_OK } };
	struct notify_world w;
	size_t i;

	hook_start(&slow);
	hook_start(&quick);
	world_init(&w, 1);
	w.confs[0].url = slow.url;
	w.confs[0].max_queue = 2;
	w.confs[1].url = quick.url;
	world_receivers(&w, 2);
	for (i = 0; i < 6; i++)
		world_tell(&w, NOTICE_HOLD,
			   (const char *[]){ "r0", "r1", "r2", "r3", "r4", "r5" }[i]);
	w.want = 6;
	world_await(&w, second_settled);
	assert_int_equal(world_row(&w, 0).running, 1);
	assert_int_equal(world_row(&w, 0).waiting, 2);
	assert_int_equal(world_row(&w, 0).dropped, 3);
	assert_int_equal(world_row(&w, 0).sent, 0);
	assert_int_equal(world_row(&w, 1).dropped, 0);
	for (i = 0; i < 6; i++)
		assert_true(is_about(&quick, i,
				     (const char *[]){ "r0", "r1", "r2", "r3", "r4", "r5" }[i]));
	world_fini(&w);
	hook_stop(&slow);
	hook_stop(&quick);
}

/* Deadline of an attempt: worth another. */
static void test_timeout(void **state ATTR_UNUSED)
{
	struct hook h = { 0 };
	struct notify_world w;

	hooked(&w, &h, 1);
	w.confs[0].timeout = 30;
	w.confs[0].retries = 1;
	world_receivers(&w, 1);
	world_tell(&w, NOTICE_HOLD, "web1");
	w.want = 1;
	world_await(&w, settled);
	assert_int_equal(world_row(&w, 0).failed, 1);
	assert_int_equal(world_row(&w, 0).retried, 1);
	world_fini(&w);
	hook_stop(&h);
}

static void test_events_and_rules(void **state ATTR_UNUSED)
{
	struct hook a = { .answers = { HOOK_OK } }, b = { .answers = { HOOK_OK } };
	struct notice panic = NOTICE_INIT;
	struct notify_world w;

	hook_start(&a);
	hook_start(&b);
	world_init(&w, 1);
	w.confs[0].url = a.url;
	w.confs[1].url = b.url;
	w.confs[0].events = NOTIFY_RELEASE | NOTIFY_PANIC;
	world_receivers(&w, 2);
	w.rule.n_actions = 1; /* only "a" is the rule's */
	world_tell(&w, NOTICE_HOLD, "web1");
	world_tell(&w, NOTICE_RELEASE, "web1");
	panic.kind = NOTICE_PANIC;
	panic.service = "web";
	notifier_tell(w.n, &panic, NULL);
	panic.kind = NOTICE_FREEZE;
	notifier_tell(w.n, &panic, NULL);
	w.want = 2;
	world_await(&w, settled);
	world_await(&w, second_settled);
	assert_int_equal(hook_count(&a), 2);
	assert_non_null(strstr(a.requests[0], "\"event\":\"release\""));
	assert_non_null(strstr(a.requests[1], "\"event\":\"panic\""));
	assert_int_equal(hook_count(&b), 2);
	assert_non_null(strstr(b.requests[0], "\"event\":\"panic\""));
	assert_non_null(strstr(b.requests[1], "\"event\":\"freeze\""));
	/* a section that is not there any more is passed by */
	w.actions[0].argument = "gone";
	world_tell(&w, NOTICE_RELEASE, "web1");
	assert_int_equal(world_row(&w, 0).sent, 2);
	world_fini(&w);
	hook_stop(&a);
	hook_stop(&b);
}

/* The same name goes on where it was, at the new URL; another's queue is dropped. */
static void test_reload(void **state ATTR_UNUSED)
{
	struct hook old = { 0 }, new = { .answers = { HOOK_OK } };
	struct notify_conf changed;
	void *list[] = { &changed };
	struct notify_world w;
	struct notifier_row row;

	hook_start(&old);
	hook_start(&new);
	world_init(&w, 1);
	w.confs[0].url = w.confs[1].url = old.url;
	w.confs[0].timeout = 1000; /* of the attempt at the old one, too: a busy machine */
	world_receivers(&w, 2);
	world_tell(&w, NOTICE_HOLD, "web1");
	world_tell(&w, NOTICE_HOLD, "web2");
	changed = w.confs[0];
	changed.url = new.url;
	memset(w.confs, 0, sizeof(w.confs)); /* nobody may read the old ones */
	assert_int_equal(notifier_reload(w.n, list, 1), 0);
	assert_int_equal(world_row(&w, 0).running, 1);
	assert_int_equal(world_row(&w, 0).waiting, 1);
	assert_false(notifier_row(w.n, 1, &row));
	w.want = 2;
	world_await(&w, settled);
	assert_int_equal(world_row(&w, 0).sent, 2);
	assert_true(is_about(&new, 0, "web1"));
	assert_true(is_about(&new, 1, "web2"));
	world_fini(&w);
	hook_stop(&old);
	hook_stop(&new);
}

static bool paused(struct notify_world *w)
{
	return world_row(w, 0).retried == 1;
}

/* What pauses is told at once when the agent stops. */
static void test_stop_tells(void **state ATTR_UNUSED)
{
	struct hook h = { .answers = { HOOK_ANSWER("503 Busy", ""), HOOK_OK } };
	struct notify_world w;

	hooked(&w, &h, 3600 * 1000);
	world_receivers(&w, 1);
	world_tell(&w, NOTICE_HOLD, "web1");
	world_tell(&w, NOTICE_HOLD, "web2");
	world_await(&w, paused);
	notifier_stop(w.n, 30000, world_on_stop, &w);
	assert_int_equal(w.stops, 0);
	world_tell(&w, NOTICE_HOLD, "web3"); /* too late */
	world_await(&w, stopped);
	assert_int_equal(w.stops, 1);
	assert_int_equal(world_row(&w, 0).sent, 2);
	assert_int_equal(world_row(&w, 0).dropped, 0);
	assert_int_equal(hook_count(&h), 3);
	world_fini(&w);
	hook_stop(&h);
}

static void test_stop_deadline(void **state ATTR_UNUSED)
{
	struct hook h = { 0 };
	struct notify_world w;

	hooked(&w, &h, 1);
	world_receivers(&w, 1);
	world_tell(&w, NOTICE_HOLD, "web1");
	world_tell(&w, NOTICE_HOLD, "web2");
	w.hook = &h;
	notifier_stop(w.n, 50, world_on_stop, &w);
	world_await(&w, stopped);
	assert_int_equal(world_row(&w, 0).dropped, 2);
	assert_int_equal(world_row(&w, 0).running, 0);
	world_fini(&w);
	/* nothing to tell: it stops at once, but not from within */
	world_init(&w, 1);
	notifier_stop(w.n, 3600 * 1000, world_on_stop, &w);
	assert_int_equal(w.stops, 0);
	world_await(&w, stopped);
	world_fini(&w);
	hook_stop(&h);
	notifier_free(NULL);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void test_token(void **state ATTR_UNUSED)
{
	struct hook h = { .answers = { HOOK_OK } };
	char path[] = "/tmp/ipvs-agent-test-XXXXXX";
	struct notify_world w;

	close(mkstemp(path));
	hooked(&w, &h, 1);
	w.confs[0].bearer_token_file = path;
	w.confs[0].retries = 1;
	world_receivers(&w, 1);
	write_file(path, "s3cret-token\n");
	world_tell(&w, NOTICE_HOLD, "web1");
	w.want = 1;
	world_await(&w, settled);
	assert_non_null(strstr(h.requests[0], "\r\nAuthorization: Bearer s3cret-token\r\n"));
	/* nothing is sent without it, nor with one that would be more than a token */
	write_file(path, "two words");
	world_tell(&w, NOTICE_HOLD, "web1");
	w.want = 2;
	world_await(&w, settled);
	unlink(path);
	world_tell(&w, NOTICE_HOLD, "web1");
	w.want = 3;
	world_await(&w, settled);
	assert_int_equal(world_row(&w, 0).failed, 2);
	assert_int_equal(hook_count(&h), 1);
	world_fini(&w);
	hook_stop(&h);
}

static void test_free_under_way(void **state ATTR_UNUSED)
{
	struct hook h = { 0 };
	struct notify_world w;

	hooked(&w, &h, 1);
	w.hook = &h;
	world_receivers(&w, 1);
	world_tell(&w, NOTICE_HOLD, "web1");
	world_tell(&w, NOTICE_HOLD, "web2");
	world_await(&w, hook_reached);
	world_fini(&w);
	hook_stop(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_post),
		cmocka_unit_test(test_again_in_order),
		cmocka_unit_test(test_final),
		cmocka_unit_test(test_gives_up),
		cmocka_unit_test(test_nobody_listens),
		cmocka_unit_test(test_pauses),
		cmocka_unit_test(test_slow_and_full),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_events_and_rules),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_stop_tells),
		cmocka_unit_test(test_stop_deadline),
		cmocka_unit_test(test_token),
		cmocka_unit_test(test_standby),
		cmocka_unit_test(test_free_under_way),
	};

	return cmocka_run_group_tests_name("notifier", tests, NULL, NULL);
}
