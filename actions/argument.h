/* argument.h: what the actions' readers of arguments share. */
#ifndef ACTIONS_ARGUMENT_H
#define ACTIONS_ARGUMENT_H

#include <errno.h>

#include "agent/base/buf.h"

/* 0 when nothing follows the action's name, or -EINVAL having said what does. */
static inline int argument_none(const char *name, const char *argument, struct buf *why)
{
	if (!*argument)
		return 0;
	buf_printf(why, "%s takes no argument, but '%s' follows it", name, argument);
	return -EINVAL;
}

#endif
