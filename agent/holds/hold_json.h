/* hold_json.h: a hold as JSON, wherever one is told outside. */
#ifndef HOLDS_HOLD_JSON_H
#define HOLDS_HOLD_JSON_H

#include <jansson.h>

#include "agent/holds/hold.h"

/* "absent", 0, "50%", "fallback", "freeze", "admit", {"replace": 30 or "150%"}. */
json_t *hold_effect_json(int effect, uint32_t weight);
/* With all that a hold knows of itself. NULL = memory is out. */
json_t *hold_json(const struct hold *h);

#endif
