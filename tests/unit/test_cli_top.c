/* test_cli_top.c: top on a terminal: what it shows, the keys, and that the terminal is as
 * it was, however it ends. */
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "agent/base/attr.h"
#include "tests/unit/cli_agent.h"
#include "tests/unit/t.h"

static const struct cli_command commands[] = {
	{ .name = "top", .run = cmd_top, .max_rest = 1, .options = CLI_AGENT | CLI_TOP },
	{ .name = NULL },
};

#define RS(name, state, active)                                                                    \
	"{\"name\":\"" name "\",\"state\":\"" state "\",\"effective_weight\":100,"                 \
	"\"configured_weight\":100,\"probes\":[],\"reason\":\"\"}"
#define DEST(name, active)                                                                         \
	"{\"realserver\":\"" name                                                                  \
	"\",\"in_kernel\":true,\"weight\":100,\"active_connections\":" active                      \
	",\"connections_total\":1}"

static struct fake_answer answers[] = {
	{ "GET /api/v1/services", 200,
	  "{\"services\":[{\"name\":\"web\",\"addresses\":[{\"address\":\"tcp://10.0.0.1:80\","
	  "\"destinations\":[" DEST("aa", "5") "," DEST("bb", "9") "]}],\"realservers\":[" RS(
		  "aa", "down", "5") "," RS("bb", "up",
					    "9") "]}],"
						 "\"time\":\"2026-11-22T14:02:07.000Z\"}",
	  false },
	{ "GET /api/v1/holds", 200, "{\"frozen\":null,\"holds\":[]}", false },
	{ NULL, 0, NULL, false },
};

struct screen {
	struct fake_agent agent;
	int master, slave;
	struct fake_run run;
	struct termios before;
	struct buf seen;
};

static void screen_start(struct screen *s, unsigned short width, unsigned short height)
{
	struct winsize size = { .ws_col = width, .ws_row = height };
	char name[64];

	fake_agent_start(&s->agent, answers);
	assert_int_equal(openpty(&s->master, &s->slave, name, NULL, &size), 0);
	assert_int_equal(tcgetattr(s->slave, &s->before), 0);
	fake_run_on_terminal(&s->agent, "top", name, &s->run);
}

/* Reads what comes next; `text` is what is waited for. */
static void screen_more(struct screen *s, const char *text)
{
	struct pollfd fd = { .fd = s->master, .events = POLLIN };
	char chunk[4096];
	ssize_t n;

	if (poll(&fd, 1, 20000) != 1 || (n = read(s->master, chunk, sizeof(chunk))) <= 0)
		fail_msg("'%s' does not come:\n%s", text, buf_str(&s->seen));
	else
		buf_put(&s->seen, chunk, (size_t)n);
}

/* Reads on until that stands there, and forgets what stood before it. */
static void screen_until(struct screen *s, const char *text)
{
	const char *found;

	while (!(found = strstr(buf_str(&s->seen), text)))
		screen_more(s, text);
	s->seen.len -= (size_t)(found - s->seen.data);
	memmove(s->seen.data, found, s->seen.len + 1);
}

static void screen_press(struct screen *s, const char *keys)
{
	assert_int_equal(write(s->master, keys, strlen(keys)), strlen(keys));
}

/* The exit code, or minus the signal; the terminal is as before. */
static int screen_end(struct screen *s)
{
	struct termios after;
	int code;

	screen_until(s, "\033[?7h\033[?25h\033[?1049l");
	code = fake_run_end(&s->run, NULL, NULL);
	assert_int_equal(tcgetattr(s->slave, &after), 0);
	assert_int_equal(after.c_lflag, s->before.c_lflag);
	assert_memory_equal(after.c_cc, s->before.c_cc, sizeof(after.c_cc));
	close(s->master);
	close(s->slave);
	fake_agent_stop(&s->agent);
	buf_fini(&s->seen);
	return code;
}

/* Waits for a screen of that head, and tells whether web/aa stands above web/bb. */
static bool aa_is_first(struct screen *s, const char *head)
{
	const char *a, *b;

	screen_until(s, head);
	while (!(a = strstr(buf_str(&s->seen), "web/aa")) ||
	       !(b = strstr(buf_str(&s->seen), "web/bb")))
		screen_more(s, "a row");
	return a < b;
}

static void test_keys(void **state)
{
	struct screen s = { 0 };

	(void)state;
	screen_start(&s, 100, 20);
	screen_until(&s, "\033[?1049h");
	/* Most connections first; then by name, and the other way round; what is wrong. */
	assert_false(aa_is_first(&s, "by connections, every 2s"));
	screen_press(&s, "n");
	assert_true(aa_is_first(&s, "by name, every 2s"));
	screen_press(&s, "n");
	assert_false(aa_is_first(&s, "by name (reversed), every 2s"));
	screen_press(&s, "s");
	assert_true(aa_is_first(&s, "by state, every 2s"));
	screen_press(&s, "/");
	screen_until(&s, "filter: _");
	screen_press(&s, "x\177b");
	screen_until(&s, "filter: b_");
	screen_press(&s, "\n");
	screen_until(&s, "with 'b' only");
	screen_until(&s, "web/");
	screen_until(&s, "q quit");
	screen_press(&s, "q");
	assert_int_equal(screen_end(&s), 0);
}

/* Ctrl-C of the terminal, and a signal from elsewhere. */
static void test_signals(void **state)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

	(void)state;
	for (size_t i = 0; i < countof(signals); i++) {
		struct screen s = { 0 };

		screen_start(&s, 80, 10);
		screen_until(&s, "q quit");
		if (signals[i] == SIGINT)
			screen_press(&s, "\003");
		else
			kill(s.run.pid, signals[i]);
		assert_int_equal(screen_end(&s), -signals[i]);
	}
}

static void test_stop(void **state)
{
	struct screen s = { 0 };
	struct termios now;
	int status;

	(void)state;
	screen_start(&s, 80, 10);
	screen_until(&s, "q quit");
	screen_press(&s, "\032");
	screen_until(&s, "\033[?1049l");
	assert_int_equal(waitpid(s.run.pid, &status, WUNTRACED), s.run.pid);
	assert_true(WIFSTOPPED(status));
	assert_int_equal(tcgetattr(s.slave, &now), 0);
	assert_int_equal(now.c_lflag, s.before.c_lflag);
	buf_reset(&s.seen);
	kill(s.run.pid, SIGCONT);
	screen_until(&s, "\033[?1049h");
	screen_until(&s, "q quit");
	screen_press(&s, "q");
	assert_int_equal(screen_end(&s), 0);
}

/* Another size is seen at once. */
static void test_size(void **state)
{
	struct winsize size = { .ws_col = 40, .ws_row = 4 };
	struct screen s = { 0 };

	(void)state;
	screen_start(&s, 100, 20);
	screen_until(&s, "n name  s state");
	buf_reset(&s.seen);
	assert_int_equal(ioctl(s.master, TIOCSWINSZ, &size), 0);
	screen_until(&s, "2 more  q quit");
	screen_press(&s, "q");
	assert_int_equal(screen_end(&s), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_size),
	};
	int code;

	if (fake_run_child(commands, &code))
		return code;
	return cmocka_run_group_tests_name("cli_top", tests, NULL, NULL);
}
