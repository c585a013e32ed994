/* table.c: the formats, in the order in which the help tells them. */
#include "agent/import/formats.h"
#include "agent/import/run.h"

const struct import_format import_formats[] = {
	{ .name = "lvs.cf", .help = "lvs.cf of piranha", .read = import_lvs_cf },
	{ .name = "ipvsadm",
	  .help = "what ipvsadm -S prints, or a script of ipvsadm commands",
	  .read = import_ipvsadm },
	{ .name = "running", .help = "the kernel's IPVS table", .read_table = import_running },
	{ .name = NULL },
};
