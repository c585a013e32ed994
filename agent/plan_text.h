/* plan_text.h: a difference in words: + what comes, ~ what changes, - what goes. */
#ifndef AGENT_PLAN_TEXT_H
#define AGENT_PLAN_TEXT_H

#include "agent/model/state.h"
#include "agent/sync/duties.h"
#include "agent/sync/pass.h"

/* Appends the lines and the summary, or one JSON object; returns how many changes. */
uint32_t plan_print(const struct pass *p, const struct state *s, const struct duty_ops *duties,
		    bool json, struct buf *out);

#endif
