/* canary_conf.c: the keys of [canary NAME]. How it is asked, how often and by which way is
 * a [probe]'s to say, as for a realserver. */
#include "agent/probes/canary_conf.h"

#include "agent/probe.h"

#define FIELD(f) .offset = offsetof(struct canary_conf, f)

static const struct conf_key keys[] = {
	{ .name = "address",
	  .type = &conf_addr,
	  FIELD(address),
	  .flags = CONF_REQUIRED,
	  .help = "ADDRESS[:PORT] of something that always answers, such as a gateway; no "
		  "realserver's." },
	{ .name = "probe",
	  .type = &conf_string,
	  FIELD(probe),
	  .flags = CONF_REQUIRED,
	  .help = "The [probe] it is asked by; its interval is best no longer than the "
		  "realservers'." },
};

struct addr canary_conf_addr(const struct canary_conf *c, const struct probe_conf *probe)
{
	struct addr a = c->address;

	if (probe->port)
		a.port = probe->port;
	else if (!a.port)
		a.port = probe->scheme->port;
	return a;
}

const struct conf_section canary_section = {
	.name = "canary",
	.help = "Where no canary behind an interface answers, what fails there says nothing.",
	.named = true,
	.size = sizeof(struct canary_conf),
	.keys = keys,
	.n_keys = countof(keys),
};
