/* test_maintenance.c: files in maintenance_dir that come and go. */
#include <sys/stat.h>

#include "agent/maintenance.h"
#include "tests/unit/hands_rig.h"

#define POOL                                                                                       \
	"[service web.front]\naddress = tcp://10.1.2.15:80\nrealserver = a 10.1.2.21\n"            \
	"realserver = b.c 10.1.2.22\n"                                                             \
	"[service mail]\naddress = tcp://10.1.2.15:25\nrealserver = a 10.1.2.21\n"                 \
	"realserver = mail 10.1.2.29\n"

struct place {
	struct rig rig;
	struct maintenance *maintenance;
	struct loop_timer *deadline;
	char notes[64];
	size_t awaited;
	const char *reason; /* awaited of mail/a; NULL = any */
	bool late;
};

static void on_late(void *arg)
{
	struct place *p = arg;

	p->late = true;
	loop_stop(p->rig.a.loop);
}

static void look(void *arg)
{
	struct place *p = arg;

	const struct hold *h = p->reason ? holds_of(p->rig.a.holds, "mail", "a") : NULL;

	if (holds_count(p->rig.a.holds) == p->awaited &&
	    (!p->reason || (h && !strcmp(h->reason, p->reason))))
		loop_stop(p->rig.a.loop);
}

/* Runs until so many holds stand, and mail/a has the reason: a file may be seen before its
 * text is. */
static void await_reason(struct place *p, size_t n, const char *reason)
{
	p->awaited = n;
	p->reason = reason;
	p->late = false;
	loop_timer_start(p->deadline, 20000);
	loop_run(p->rig.a.loop);
	settle(&p->rig);
	assert_false(p->late);
}

static void await(struct place *p, size_t n)
{
	await_reason(p, n, NULL);
}

static void open_place(struct place *p)
{
	char ini[1024];

	snprintf(ini, sizeof(ini), "[agent]\nmaintenance_dir = %s\n" POOL, p->notes);
	open_rig(&p->rig, ini);
	p->rig.a.conf = p->rig.a.state->layout->conf;
	assert_int_equal(loop_timer_new(p->rig.a.loop, "deadline", on_late, p, &p->deadline), 0);
	loop_before_sleep(p->rig.a.loop, "look", look, p);
	assert_int_equal(maintenance_new(&p->rig.a, &p->maintenance), 0);
}

static void close_place(struct place *p)
{
	p->rig.a.stopping = true;
	maintenance_free(p->maintenance);
	p->maintenance = NULL;
	loop_timer_free(p->deadline);
	close_rig(&p->rig);
}

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	new_dir(&p->rig);
	strcpy(p->notes, "/tmp/notes-XXXXXX");
	assert_non_null(mkdtemp(p->notes));
	open_place(p);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;

	close_place(p);
	drop(&p->rig);
	free(p);
	return 0;
}

static void path_of(const struct place *p, const char *name, char *out, size_t room)
{
	snprintf(out, room, "%s/%s", p->notes, name);
}

static void put(const struct place *p, const char *name, const char *text)
{
	char path[200];
	FILE *f;

	path_of(p, name, path, sizeof(path));
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void take(const struct place *p, const char *name)
{
	char path[200];

	path_of(p, name, path, sizeof(path));
	assert_int_equal(unlink(path), 0);
}

static void test_comes_and_goes(void **state)
{
	struct place *p = *state;

	put(p, "a", "");
	await_reason(p, 2, "");
	assert_int_equal(weight_of(&p->rig, "web.front/a"), 0);
	assert_int_equal(weight_of(&p->rig, "mail/a"), 0);
	put(p, "a", "new disk\nand more\n");
	await_reason(p, 2, "new disk");
	assert_string_equal(holds_of(p->rig.a.holds, "mail", "a")->holder, "maintenance");
	put(p, "web.front.b.c", "");
	await(p, 3);
	assert_int_equal(weight_of(&p->rig, "web.front/b.c"), 0);
	put(p, "10.1.2.29", "");
	await(p, 4);
	assert_int_equal(weight_of(&p->rig, "mail/mail"), 0);
	take(p, "10.1.2.29");
	await(p, 3);
	take(p, "a");
	await(p, 1);
	assert_int_equal(weight_of(&p->rig, "mail/a"), 100);
	take(p, "web.front.b.c");
	await(p, 0);
	rmdir(p->notes);
}

/* It survives; what is gone when it starts ends; what others hold does not. */
static void test_restart(void **state)
{
	struct place *p = *state;

	put(p, "a", "");
	await(p, 2);
	close_place(p);
	open_place(p);
	assert_int_equal(weight_of(&p->rig, "mail/a"), 0);
	close_place(p);
	take(p, "a");
	put(p, "b.c", "");
	/* Files that are nobody's. */
	put(p, ".hidden", "");
	put(p, "mail~", "");
	put(p, "no-such-server", "");
	open_place(p);
	await(p, 1);
	assert_non_null(holds_of(p->rig.a.holds, "web.front", "b.c"));
	take(p, ".hidden");
	take(p, "mail~");
	take(p, "no-such-server");
	take(p, "b.c");
	await(p, 0);
	rmdir(p->notes);
}

/* A directory that cannot be read says nothing. */
static void test_unreadable(void **state)
{
	struct place *p = *state;
	char away[80];

	put(p, "a", "");
	await(p, 2);
	snprintf(away, sizeof(away), "%s.away", p->notes);
	assert_int_equal(rename(p->notes, away), 0);
	maintenance_again(p->maintenance);
	loop_timer_start(p->deadline, 300);
	p->awaited = 0;
	loop_run(p->rig.a.loop);
	assert_int_equal(holds_count(p->rig.a.holds), 2);
	assert_int_equal(rename(away, p->notes), 0);
	take(p, "a");
	maintenance_again(p->maintenance);
	await(p, 0);
	rmdir(p->notes);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_comes_and_goes),
		test(test_restart),
		test(test_unreadable),
	};

	return cmocka_run_group_tests_name("maintenance", tests, NULL, NULL);
}
