/* fuzz_simulate.c: any bytes as a file of tests, run against rules that stand still. The
 * rules' file that it names is not opened: it could be any of the machine. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/simulate.h"
#include "tests/unit/fake_probes.h"

enum { VALUES_MAX = 2000, MS_MAX = 3600 * 1000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char rules[] =
	"[service web]\naddress = tcp://10.1.2.15:80\nscheduler = wlc\n"
	"realserver = a 10.1.2.21\nrealserver = b 10.1.2.22\nrealserver = c 10.1.2.23\n"
	"backup = sorry 10.1.2.30\non_panic = backup\nprobe = p\nramp = 20s\n"
	"[probe p]\nurl = http://x/\n"
	"[rule busy]\nservice = web\nexpr = rate(connections_total[20s]) > 10 or "
	"active_connections > 100\nfor = 10s\nkeep_firing_for = 5s\naction = reweight 50%\n"
	"[rule few]\nservice = web\nexpr = service_available < 2\naction = fallback\n";

static const struct conf_section *const sections[] = { &sim_section, NULL };

static int file_of(const void *data, size_t size, char *path, size_t room)
{
	int fd = memfd_create("ini", MFD_CLOEXEC);

	if (fd == -1 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, room, "/proc/self/fd/%d", fd);
	return fd;
}

/* Long ones are right, and only take their time. */
static bool is_short(const struct sim_conf *t)
{
	const struct sim_series *s = t->series.items;
	const struct sim_hold *h = t->holds.items;
	const struct sim_at *at = t->ats.items;
	size_t i;

	for (i = 0; i < t->series.n; i++)
		if (s[i].values.n > VALUES_MAX)
			return false;
	for (i = 0; i < t->holds.n; i++)
		if (h[i].from_ms > MS_MAX || h[i].to_ms > MS_MAX)
			return false;
	for (i = 0; i < t->ats.n; i++)
		if (at[i].ms > MS_MAX)
			return false;
	return true;
}

static void run(struct sim_conf *t, const char *path)
{
	struct sim_file f = { .path = "t", .results = calloc(1, sizeof(*f.results)) };
	struct buf out = BUF_INIT;

	t->rules = path;
	f.n_results = 1;
	if (!f.results || sim_run(t, true, f.results))
		abort();
	sim_report_text(&f, 1, &out);
	sim_report_junit(&f, 1, &out);
	if (sim_report_json(&f, 1, &out))
		abort();
	buf_fini(&out);
	sim_file_fini(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char tests_path[64], rules_path[64];
	int tests = file_of(data, size, tests_path, sizeof(tests_path));
	int under = file_of(rules, strlen(rules), rules_path, sizeof(rules_path));
	struct config *c;
	void *const *list;
	size_t n, i;

	if (config_load(tests_path, sections, NULL, &c))
		abort();
	list = config_sections(c, &sim_section, &n);
	for (i = 0; !config_errors(c) && i < n && i < 8; i++)
		if (is_short(list[i]))
			run(list[i], rules_path);
	config_unref(c);
	close(tests);
	close(under);
	return 0;
}
