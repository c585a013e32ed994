/* keepalived.c: a keepalived.conf as our sections. Virtual servers are imported; VRRP and what
 * belongs to it stay with keepalived, which may go on with them. */
#include "agent/import/keepalived.h"

#include <errno.h>
#include <string.h>

#include "agent/import/director.h"
#include "agent/import/formats.h"
#include "agent/import/keepalived_model.h"
#include "agent/import/shape.h"

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

/* clang-format on */

/* --- global_defs ----------------------------------------------------------------------- */

/* The number behind a word, as keepalived takes it; false: none, or another one. */
static bool number_behind(const struct ka_stmt *s, uint32_t i, uint64_t max, uint64_t *ret_n)
{
	const char *text = ka_word(s, i + 1);

	return text && shape_number(text, max, ret_n);
}

/* lvs_timeouts [tcp N] [tcpfin N] [udp N] */
static const char *take_timeouts(struct director *d, const struct ka_stmt *s)
{
	static const char *const words[] = {
		[DIRECTOR_TCP] = "tcp", [DIRECTOR_TCP_FIN] = "tcpfin", [DIRECTOR_UDP] = "udp"
	};
	uint64_t timeouts[DIRECTOR_TIMEOUTS] = { 0 };
	uint32_t i, t;

	for (i = 1; i < s->n_words; i += 2) {
		for (t = 0; t < countof(words) && strcmp(words[t], s->words[i]); t++)
			;
		if (t == countof(words))
			return "a word that is none of tcp, tcpfin, udp";
		if (!number_behind(s, i, DIRECTOR_TIMEOUT_MAX, &timeouts[t]))
			return "a timeout that is no number of seconds, or more than 31 days";
	}
	director_time(d, timeouts, s->at);
	return NULL;
}

/* Why the word at *i and its value cannot be of a daemon; NULL = they are. */
static const char *take_daemon_word(struct daemon *daemon, bool *by_role, const struct ka_stmt *s,
				    uint32_t *i)
{
	const char *word = s->words[*i];
	uint64_t n = 0;
	bool good = true;

	if (!strcmp(word, "id"))
		good = number_behind(s, *i, 255, &n), daemon->sync_id = (uint32_t)n;
	else if (!strcmp(word, "maxlen"))
		good = number_behind(s, *i, 65507, &n), daemon->max_len = (uint16_t)n;
	else if (!strcmp(word, "port"))
		good = number_behind(s, *i, 65535, &n), daemon->port = (uint16_t)n;
	else if (!strcmp(word, "ttl"))
		good = number_behind(s, *i, 255, &n), daemon->ttl = (uint8_t)n;
	else if (!strcmp(word, "group"))
		good = ka_word(s, *i + 1) && !addr_parse(ka_word(s, *i + 1), &daemon->group) &&
		       !daemon->group.port && addr_is_multicast(&daemon->group);
	else if (*by_role)
		good = false;
	else if (!strcmp(word, "inst"))
		good = *by_role = ka_word(s, *i + 1) != NULL;
	else
		*by_role = true, --*i; /* the name of the instance by itself */
	*i += 2;
	return good ? NULL : "a word that keepalived would not take";
}

/* lvs_sync_daemon INTERFACE [[inst] INSTANCE] [id N] [maxlen N] [port N] [ttl N] [group ADDRESS] */
static const char *take_daemon(struct director *d, const struct ka_stmt *s)
{
	struct daemon daemon = { .there = true };
	const char *interface = ka_word(s, 1), *why = NULL;
	bool by_role = false;
	uint32_t i = 2;

	if (!interface || !import_interface_ok(interface))
		return "the daemon needs the name of an interface";
	memcpy(daemon.interface, interface, strlen(interface) + 1);
	while (i < s->n_words && !why)
		why = take_daemon_word(&daemon, &by_role, s, &i);
	if (why)
		return why;
	d->by_role = by_role;
	d->daemons[DAEMON_MASTER] = d->daemons[DAEMON_BACKUP] = daemon;
	d->daemons_at = s->at;
	return NULL;
}

/* What is taken, or why it is nothing to us. */
static const struct global {
	const char *word;
	const char *(*take)(struct director *d, const struct ka_stmt *s); /* why it cannot */
	const char *why; /* it is dropped; or, of what is taken, what is to be known */
} globals[] = {
	{ "lvs_timeouts", take_timeouts, NULL },
	{ "lvs_sync_daemon", take_daemon,
	  "ipvs-agent runs it: take the line out of keepalived's file, and have the notify of the "
	  "instance that it names tell the role, 'ipvs-agent role master|backup'" },
	{ "lvs_flush", NULL, "ipvs-agent touches no service that its file does not name" },
	{ "lvs_flush_on_stop", NULL,
	  "on_exit = remove takes our services out when the agent stops" },
	{ "lvs_notify_fifo", NULL, "GET /api/v1/events tells what happens, as it happens" },
	{ "lvs_notify_fifo_script", NULL, "GET /api/v1/events tells what happens, as it happens" },
	{ "checker_log_all_failures", NULL, "log_level = debug shows each attempt" },
	{ "script_user", NULL, "programs run as the agent's user, without capabilities" },
	{ "enable_script_security", NULL,
	  "programs run as the agent's user, without capabilities" },
	{ "notification_email", NULL, mail },
	{ "smtp_server", NULL, mail },
};

static void read_globals(struct ka *k, const struct ka_stmt *block, struct director *d)
{
	const struct ka_stmt *s;
	size_t i;

	for (s = block->first; s; s = s->next) {
		const char *why = "a matter of keepalived's own";
		enum import_fate fate = IMPORT_DROPPED;

		for (i = 0; i < countof(globals) && strcmp(globals[i].word, s->words[0]); i++)
			;
		if (i < countof(globals)) {
			why = globals[i].take ? globals[i].take(d, s) : globals[i].why;
			if (!why) {
				why = globals[i].why;
				fate = why ? IMPORT_APPROXIMATED : IMPORT_IMPORTED;
			}
		}
		ka_note(k, NULL, fate, s, "%s", why ? why : "");
	}
}

/* --- the rest ----------------------------------------------------------------------------- */

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

static int read_top(struct ka *k, const struct ka_stmt *s, struct director *d)
{
	if (!strcmp(s->words[0], "virtual_server"))
		return ka_virtual(k, s);
	if (!strcmp(s->words[0], "global_defs"))
		read_globals(k, s, d);
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
	struct director d = { .by_role = false };
	struct ka_stmt *first = NULL;
	const struct ka_stmt *s;
	int r = ka_parse(im, source, &arena, &first);

	k.first = first;
	for (s = first; s && !r; s = s->next)
		r = read_top(&k, s, &d);
	if (!r) {
		ka_notes(&k, NULL, first, top);
		if (d.by_role)
			import_key(import_part(im, "agent", NULL, d.daemons_at), d.daemons_at,
				   "roles", "on");
		director_carry(im, &d);
	}
	if (!r && k.oom)
		r = -ENOMEM;
	arena_fini(&arena);
	return r;
}
