/* registry.h: the registries of collectors, kinds of probes and actions, handed on
 * by sections.c, the one room that may see them. NULL-terminated. */
#ifndef AGENT_REGISTRY_H
#define AGENT_REGISTRY_H

struct action;
struct collector;
struct probe_type;

extern const struct collector *const *const agent_collectors;
extern const struct action *const *const agent_actions;

#endif
