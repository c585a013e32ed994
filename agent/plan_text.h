/* plan_text.h: a difference in words: + what comes, ~ what changes, - what goes. */
#ifndef AGENT_PLAN_TEXT_H
#define AGENT_PLAN_TEXT_H

#include "agent/model/state.h"
#include "agent/sync/duties.h"
#include "agent/sync/pass.h"

/* A setting of the kernel that would be written, or could not be looked at. */
struct plan_setting {
	struct buf name, found, value;
	int error;
};

/* What is beside the table. */
struct plan_beside {
	const struct duty_ops *duties;
	const struct plan_setting *settings;
	size_t n_settings;
};

/* Appends the lines and the summary, or one JSON object; returns how many changes. */
uint32_t plan_print(const struct pass *p, const struct state *s, const struct plan_beside *beside,
		    bool json, struct buf *out);

#endif
