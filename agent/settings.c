/* settings.c: the keys of [agent]. */
#include "agent/settings.h"

#include "agent/base/log.h"
#include "agent/base/netns.h"
#include "conf/setter.h"

static int set_netns(void *field, const char *text, const struct conf_key *key,
		     struct conf_env *env)
{
	struct buf reason = BUF_INIT;
	int e = 0;

	if (!netns_name_ok(text, &reason))
		e = conf_refuse(env, text, "%s", buf_str(&reason));
	buf_fini(&reason);
	return e ? e : conf_string.set(field, text, key, env);
}

static void get_netns(const void *field, const struct conf_key *key, size_t i, struct buf *out)
{
	conf_string.get(field, key, i, out);
}

static const struct conf_type netns_type = { .name = "namespace",
					     .set = set_netns,
					     .get = get_netns };

static const struct conf_enum on_exit_names[] = {
	{ "keep", ON_EXIT_KEEP },
	{ "remove", ON_EXIT_REMOVE },
	{ NULL, 0 },
};

static const struct conf_enum level_names[] = {
	{ "error", LOG_ERROR }, { "warn", LOG_WARN },    { "info", LOG_INFO },
	{ "debug", LOG_DEBUG }, { "warning", LOG_WARN }, { NULL, 0 },
};

#define FIELD(f) .offset = offsetof(struct agent_conf, f)

static const struct conf_key keys[] = {
	{ .name = "state_dir",
	  .type = &conf_path,
	  FIELD(state_dir),
	  .def = "/var/lib/ipvs-agent",
	  .flags = CONF_RESTART,
	  .help = "Directory of the ledger (the holds, and what the agent created) and the "
		  "journal." },
	{ .name = "reconcile_interval",
	  .type = &conf_duration,
	  FIELD(reconcile_interval),
	  .def = "10s",
	  .min = 100,
	  .max = 3600 * 1000,
	  .help = "How often the kernel is read and what drifted is put right." },
	{ .name = "include",
	  .type = &conf_strings_type,
	  FIELD(include),
	  .flags = CONF_LIST | CONF_INCLUDE,
	  .help = "More files, by path or pattern, relative to this one; read in sorted order." },
	{ .name = "on_exit",
	  .type = &conf_enum_type,
	  FIELD(on_exit),
	  .def = "keep",
	  .extra = on_exit_names,
	  .help = "keep | remove: what becomes of our services on a clean stop." },
	{ .name = "log_level",
	  .type = &conf_enum_type,
	  FIELD(log_level),
	  .def = "info",
	  .extra = level_names,
	  .help = "error | warn | info | debug: what is logged on stderr." },
	{ .name = "max_probes",
	  .type = &conf_u32,
	  FIELD(max_probes),
	  .def = "1000",
	  .min = 1,
	  .max = 100000,
	  .help = "How many probes may be under way at once." },
	{ .name = "maintenance_dir",
	  .type = &conf_path,
	  FIELD(maintenance_dir),
	  .help = "A file in it named after a realserver, its address or SERVICE.REALSERVER drains "
		  "that one as long as the file is there; its first line is the reason." },
	{ .name = "journal",
	  .type = &conf_bool,
	  FIELD(journal),
	  .def = "on",
	  .help = "Whether each decision is written to state_dir/journal, as a line of JSON." },
	{ .name = "journal_size",
	  .type = &conf_size,
	  FIELD(journal_size),
	  .def = "16MB",
	  .min = 64 * 1024,
	  .max = INT64_C(1) << 40,
	  .help = "Size at which the journal becomes journal.1, in place of the one before it." },
	{ .name = "procfs",
	  .type = &conf_path,
	  FIELD(procfs),
	  .def = "/proc",
	  .flags = CONF_RESTART,
	  .help = "Where procfs is mounted." },
	{ .name = "roles",
	  .type = &conf_bool,
	  FIELD(roles),
	  .def = "off",
	  .help = "Whether it is one of a pair, whose role 'ipvs-agent role' tells: a standby "
		  "decides and writes its table like the master, but notify, exec and VIPs wait." },
	{ .name = "netns",
	  .type = &netns_type,
	  FIELD(netns),
	  .flags = CONF_RESTART,
	  .help = "Network namespace whose table is managed, a name of `ip netns` or a path: "
		  "kernel and probes are there, [http] listens where the agent was started." },
	{ .name = "sample_interval",
	  .type = &conf_duration,
	  FIELD(sample_interval),
	  .def = "2s",
	  .min = 100,
	  .max = 60 * 1000,
	  .help = "How often the signals that rules read are sampled." },
	{ .name = "window_memory",
	  .type = &conf_size,
	  FIELD(window_memory),
	  .def = "64MB",
	  .min = 1024,
	  .max = INT64_C(64) << 30,
	  .help = "Memory for the windows of rules, as in rate(x[30s]); a configuration that "
		  "needs more is refused." },
	{ .name = "rate",
	  .type = &conf_rate_type,
	  FIELD(rate),
	  .def = "10/m",
	  .help = "So many holds rules place at most in a second, minute or hour (10/s, 10/m, "
		  "10/h), probe-down apart; 0 is no limit." },
	{ .name = "correlated_targets",
	  .type = &conf_u32,
	  FIELD(correlated_targets),
	  .def = "5",
	  .max = 1000000,
	  .help = "When so many targets turn bad within 10 s, the fault is taken to be on our "
		  "side and nothing is held; 0 is off." },
	{ .name = "correlated_share",
	  .type = &conf_share,
	  FIELD(correlated_share),
	  .def = "50%",
	  .min = 1,
	  .max = 100,
	  .help = "… if they are at least such a share of all targets." },
};

const struct conf_section agent_section = {
	.name = "agent",
	.help = "The agent itself.",
	.size = sizeof(struct agent_conf),
	.keys = keys,
	.n_keys = countof(keys),
};
