/* settings.c: the keys of [agent]. */
#include "agent/settings.h"

#include "agent/base/log.h"

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
};

const struct conf_section agent_section = {
	.name = "agent",
	.help = "The agent itself.",
	.size = sizeof(struct agent_conf),
	.keys = keys,
	.n_keys = countof(keys),
};
