/* doctor_run.c: reads the configuration, gathers the facts, has them judged, prints. It
 * needs neither a running agent nor root: what it may not look at it says. */
#include "agent/doctor_run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/base/netns.h"
#include "agent/cli/cli.h"
#include "agent/doctor/gather.h"
#include "agent/doctor_text.h"
#include "agent/http/http_conf.h"
#include "agent/lanes.h"
#include "agent/sections.h"
#include "agent/settings.h"

static int fail(const char *what, int error)
{
	fprintf(stderr, "ipvs-agent doctor: %s: %s\n", what, strerrordesc_np(-error) ?: "failed");
	return error;
}

static int load(const char *path, struct config **ret_conf)
{
	struct buf problems = BUF_INIT;
	int e = 0;

	if (access(path, R_OK))
		return fail(path, -errno);
	e = agent_config_load(path, ret_conf);
	if (e)
		return fail(path, e);
	if (config_errors(*ret_conf)) {
		config_format_problems(*ret_conf, &problems);
		fputs(buf_str(&problems), stderr);
		buf_fini(&problems);
		return -EINVAL;
	}
	return 0;
}

/* The first unix listener. */
static const char *socket_of(const struct config *conf)
{
	const struct http_conf *http = config_section(conf, &http_section);
	uint32_t i;

	for (i = 0; i < http->n_listens; i++)
		if (http->listens[i].unix_path)
			return http->listens[i].unix_path;
	return NULL;
}

static int examine(const struct config *conf, const struct layout *l, const char *socket,
		   struct facts *f)
{
	const struct agent_conf *c = config_section(conf, &agent_section);
	struct gather_asked asked = {
		.layout = l,
		.procfs = c->procfs,
		.state_dir = c->state_dir,
		.socket = socket ? socket : socket_of(conf),
		.journal_size = c->journal ? c->journal_size : 0,
		.max_probes = c->max_probes,
	};
	struct buf why = BUF_INIT;
	int e = c->netns ? netns_enter(c->netns, &why, NULL) : 0;

	if (e)
		fprintf(stderr, "ipvs-agent doctor: [agent] netns: %s\n", buf_str(&why));
	buf_fini(&why);
	if (e)
		return e;
	e = facts_gather(&asked, f);
	if (e)
		return fail("the facts", e);
	agent_lanes_lack(l, c->procfs, &f->way_back);
	return 0;
}

static int print(const struct doctor *d, bool json)
{
	struct text_style style = text_style_of(STDOUT_FILENO);
	struct buf out = BUF_INIT;
	int code;

	if (json)
		doctor_json(d, &out);
	else
		doctor_text(d, &style, &out);
	code = cli_print(&out);
	buf_fini(&out);
	return code;
}

int agent_doctor(const char *config_path, const char *socket, bool json)
{
	struct config *conf = NULL;
	struct layout *l = NULL;
	struct facts f = { 0 };
	struct doctor d = { 0 };
	int code = CLI_ERROR;

	if (socket && !strncmp(socket, "unix:", 5))
		socket += 5;
	if (load(config_path, &conf))
		goto out;
	if (layout_new(conf, &l)) {
		fail(config_path, -ENOMEM);
		goto out;
	}
	if (examine(conf, l, socket, &f))
		goto out;
	if (doctor_judge(&f, &d)) {
		fail("the findings", -ENOMEM);
		goto out;
	}
	code = print(&d, json);
	if (code == CLI_OK && d.counts[DOCTOR_ERROR])
		code = CLI_CHANGES;
	else if (code == CLI_OK && d.counts[DOCTOR_WARNING])
		code = CLI_STRICT;
out:
	doctor_fini(&d);
	facts_fini(&f);
	layout_unref(l);
	config_unref(conf);
	return code;
}
