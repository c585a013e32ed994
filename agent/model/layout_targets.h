/* layout_targets.h: the part of a layout that says what is probed; for layout.c only. */
#ifndef MODEL_LAYOUT_TARGETS_H
#define MODEL_LAYOUT_TARGETS_H

#include "agent/model/layout.h"

/* Fills targets, lanes, links and users in; all else stands already. -ENOMEM, -E2BIG. */
int layout_fill_targets(struct layout *l);

#endif
