/* sections.c: the list of section types. With main.c and agent.c the only file
 * that knows what stands in collectors/ and actions/. */
#include "agent/sections.h"

#include "actions/table.h"
#include "agent/check.h"
#include "agent/http/http_conf.h"
#include "agent/metrics/metrics_conf.h"
#include "agent/model/duty_conf.h"
#include "agent/model/service_conf.h"
#include "agent/model/sysctl_conf.h"
#include "agent/peer_conf.h"
#include "agent/probes/canary_conf.h"
#include "agent/probes/probe_conf.h"
#include "agent/rules/notify_conf.h"
#include "agent/rules/rule_conf.h"
#include "agent/settings.h"
#include "collectors/table.h"

const struct conf_section *const agent_sections[] = {
	&agent_section,     &http_section,
	&metrics_section,   &sysctl_section,
	&defaults_section,  &service_section,
	&probe_section,     &canary_section,
	&rule_section,      &notify_section,
	&peer_section,      &duty_vip_section,
	&duty_sync_section, NULL,
};

conf_check_fn *const agent_checks[] = {
	check_probes, check_canaries, check_forward, check_addresses, check_rules, check_duties,
	check_peers,  lint_http,      lint_services, lint_probes,     lint_rules,  lint_effects,
	lint_notify,  NULL,
};

void agent_sections_init(void)
{
	probe_conf_types(probe_table);
	rule_conf_actions(action_table);
}

int agent_config_load(const char *path, struct config **ret_config)
{
	agent_sections_init();
	return config_load(path, agent_sections, agent_checks, ret_config);
}
