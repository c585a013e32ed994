/* simulate.h: what became of tests of rules: results as values, and how they are told. */
#ifndef AGENT_SIMULATE_H
#define AGENT_SIMULATE_H

#include "agent/simulate_conf.h"

enum sim_status { SIM_OK = 0, SIM_FAILED, SIM_ERROR };
extern const char *const sim_status_names[]; /* "ok", "FAILED", "ERROR" */

struct sim_message {
	unsigned int line; /* in the file of tests */
	char *text;        /* "at 30s: …", without file, line and the test's name */
};

struct sim_result {
	const char *name; /* the configuration's */
	unsigned int line;
	enum sim_status status;
	uint32_t assertions, failed;
	int64_t virtual_ms; /* how long it ran, in its own time */
	struct sim_message *messages;
	size_t n_messages;
	struct buf timeline; /* a line each decision, where it was asked for */
};

struct sim_file {
	const char *path;
	struct config *conf;
	struct buf problems; /* why it cannot be used; nothing = it can */
	struct sim_result *results;
	size_t n_results;
};

struct sim_options {
	const char *pattern; /* tests whose name matches (* ? [ ]); NULL = all */
	bool timeline;
};

/* Runs the tests of a file, in virtual time, with a kernel that exists in memory alone.
 * What is wrong is in *ret_file, which is whole in any case but -ENOMEM;
 * sim_file_fini() is due. */
int sim_file_run(const char *path, const struct sim_options *options, struct sim_file *ret_file);
void sim_file_fini(struct sim_file *f);

/* simulate_run.c: runs one test; *ret_result zeroed before. -ENOMEM. */
int sim_run(const struct sim_conf *test, bool timeline, struct sim_result *ret_result);
/* Adds a message: what is wrong with the test, or with what it tests. -ENOMEM. */
int sim_say(struct sim_result *r, enum sim_status status, unsigned int line, const char *fmt, ...)
	ATTR_PRINTF(4, 5);

/* --- simulate_report.c: all of it, as text for people and machines --- */

/* CLI_OK, or CLI_ERROR where a test failed, or a file is wrong. */
int sim_report_status(const struct sim_file *files, size_t n);
/* What goes to stdout; problems of files are left out. */
void sim_report_text(const struct sim_file *files, size_t n, struct buf *out);
/* -ENOMEM */
int sim_report_json(const struct sim_file *files, size_t n, struct buf *out);
void sim_report_junit(const struct sim_file *files, size_t n, struct buf *out);

#endif
