/* keepalived.c: a keepalived.conf as our sections. Virtual servers are imported; VRRP and what
 * belongs to it stay with keepalived, which may go on with them. */
#include "agent/import/keepalived.h"

#include <errno.h>
#include <string.h>

#include "agent/import/formats.h"
#include "agent/import/keepalived_model.h"

static const char vrrp[] = "VRRP stays with keepalived: leave it in its file, without the "
			   "virtual_server blocks";
static const char routes[] = "addresses, routes and rules stay with keepalived, or with what sets "
			     "up the network";
static const char mail[] = "ipvs-agent sends no mail: its metrics, and Alertmanager, do that";
static const char tracks[] = "it serves VRRP, which stays with keepalived";

#define DROP(word, why)                                                                            \
	{                                                                                          \
		word, KA_NOTE, 0, IMPORT_DROPPED, why                                              \
	}
#define ELSEWHERE(word)                                                                            \
	{                                                                                          \
		word, KA_ELSEWHERE, 0, 0, NULL                                                     \
	}

/* clang-format off */
static const struct ka_key top[] = {
	ELSEWHERE("global_defs"),
	ELSEWHERE("virtual_server"),
	ELSEWHERE("virtual_server_group"),
	ELSEWHERE("vrrp_instance"),
	DROP("vrrp_sync_group", vrrp),
	DROP("vrrp_script", tracks),
	DROP("vrrp_track_process", tracks),
	DROP("track_process", tracks),
	DROP("track_file", tracks),
	DROP("vrrp_track_file", tracks),
	DROP("static_track_group", tracks),
	DROP("linkbeat_interfaces", tracks),
	DROP("linkbeat_use_polling", tracks),
	DROP("interface_up_down_delays", tracks),
	DROP("garp_group", tracks),
	DROP("bfd_instance", "ipvs-agent speaks no BFD"),
	DROP("static_ipaddress", routes),
	DROP("static_routes", routes),
	DROP("static_rules", routes),
	DROP("SSL", "ipvs-agent shows no certificate; ca_file of a probe names authorities"),
	DROP("net_namespace", "it is read in the namespace that the agent runs in"),
	DROP("net_namespace_ipvs", "it is read in the namespace that the agent runs in"),
	DROP("namespace_with_ipsets", "ipvs-agent makes no ipsets"),
	DROP("use_pid_dir", "ipvs-agent writes no pid file"),
	DROP("instance", "keepalived's own"),
	DROP("include_check", "a file that cannot be read is told of in any case"),
	DROP("config_copy_directory", "keepalived's own"),
	DROP("reload_time_file", "systemctl reload reads the file again"),
	DROP("child_wait_time", "keepalived's own"),
	{ NULL, 0, 0, 0, NULL },
};

/* What others of global_defs mean to us: nothing. */
static const struct ka_key globals[] = {
	DROP("lvs_timeouts", "the kernel's timeouts stay: ipvsadm --set TCP TCPFIN UDP"),
	DROP("lvs_sync_daemon", "the sync daemon stays as it is: ipvsadm --start-daemon"),
	DROP("lvs_flush", "ipvs-agent touches no service that its file does not name"),
	DROP("lvs_flush_on_stop", "on_exit = remove takes our services out when the agent stops"),
	DROP("lvs_notify_fifo", "GET /api/v1/events tells what happens, as it happens"),
	DROP("lvs_notify_fifo_script", "GET /api/v1/events tells what happens, as it happens"),
	DROP("checker_log_all_failures", "log_level = debug shows each attempt"),
	DROP("script_user", "programs run as the agent's user, without capabilities"),
	DROP("enable_script_security", "programs run as the agent's user, without capabilities"),
	DROP("notification_email", mail),
	DROP("smtp_server", mail),
	{ NULL, 0, 0, 0, NULL },
};
/* clang-format on */

static void read_globals(struct ka *k, const struct ka_stmt *block)
{
	const struct ka_stmt *s;
	size_t i;

	for (s = block->first; s; s = s->next) {
		for (i = 0; globals[i].word; i++)
			if (!strcmp(globals[i].word, s->words[0]))
				break;
		ka_note(k, NULL, IMPORT_DROPPED, s, "%s",
			globals[i].word ? globals[i].why : "a matter of keepalived's own");
	}
}

/* Who holds which address is worth knowing, for the services' are among them. */
static void read_vrrp(struct ka *k, const struct ka_stmt *block)
{
	const struct ka_stmt *s, *a;

	ka_note(k, NULL, IMPORT_DROPPED, block, "%s", vrrp);
	for (s = block->first; s; s = s->next) {
		if (strcmp(s->words[0], "virtual_ipaddress") != 0 &&
		    strcmp(s->words[0], "virtual_ipaddress_excluded") != 0)
			continue;
		for (a = s->first; a; a = a->next)
			ka_note(k, NULL, IMPORT_DROPPED, a,
				"this virtual address stays with keepalived's VRRP");
	}
}

static void check_group(struct ka *k, const struct ka_stmt *group)
{
	const char *name = ka_word(group, 1);
	const struct ka_stmt *s;

	for (s = k->first; name && s; s = s->next)
		if (!strcmp(s->words[0], "virtual_server") && ka_word(s, 2) &&
		    !strcmp(s->words[1], "group") && !strcmp(s->words[2], name))
			return;
	ka_note(k, NULL, IMPORT_DROPPED, group, "no virtual_server is for this group");
}

static int read_top(struct ka *k, const struct ka_stmt *s)
{
	if (!strcmp(s->words[0], "virtual_server"))
		return ka_virtual(k, s);
	if (!strcmp(s->words[0], "global_defs"))
		read_globals(k, s);
	else if (!strcmp(s->words[0], "vrrp_instance"))
		read_vrrp(k, s);
	else if (!strcmp(s->words[0], "virtual_server_group"))
		check_group(k, s);
	return 0;
}

int import_keepalived(struct import *im, struct import_source *source)
{
	struct arena arena = ARENA_INIT;
	struct ka k = { .im = im, .arena = &arena };
	struct ka_stmt *first = NULL;
	const struct ka_stmt *s;
	int r = ka_parse(im, source, &arena, &first);

	k.first = first;
	for (s = first; s && !r; s = s->next)
		r = read_top(&k, s);
	if (!r)
		ka_notes(&k, NULL, first, top);
	if (!r && k.oom)
		r = -ENOMEM;
	arena_fini(&arena);
	return r;
}
