/* ask.h: what operators ask over HTTP, read strictly: JSON bodies and queries become a
 * command, or a sentence that names the member which is wrong. Knows no HTTP. */
#ifndef HTTP_ASK_H
#define HTTP_ASK_H

#include "agent/command.h"

enum {
	ASK_TARGET_MAX = 200,
	ASK_HOLDER_MAX = 64,
	ASK_PROBE_MAX = 40,
	ASK_REASON_MAX = 500,               /* bytes */
	ASK_REPLACE_SHARE_MAX = 1000,       /* percent */
	ASK_ADMIT_MS = 3600 * 1000,         /* an admission's end where none is given */
	ASK_ADMIT_MAX_MS = 7 * 86400 * 1000 /* and the last that may be given */
};

/* The bodies of POST /api/v1/holds, /api/v1/freeze, /api/v1/role and /api/v1/probe; an empty one is
 * {} to the second. 0, with what was asked in *cmd, whose kind and who stay; -EINVAL or -ENOMEM
 * with a sentence, and *cmd as it was. */
int ask_hold(const struct buf *body, struct command *cmd, struct buf *why);
int ask_freeze(const struct buf *body, struct command *cmd, struct buf *why);
int ask_role(const struct buf *body, struct command *cmd, struct buf *why);
int ask_probe(const struct buf *body, struct command *cmd, struct buf *why);

/* Members of queries, each copied to *ret_text. -EINVAL with a sentence, or -ENOMEM. */
int ask_target(const char *text, char **ret_text, struct buf *why);
int ask_holder(const char *text, char **ret_text, struct buf *why);
/* A user's name as a holder's: other characters become '_', what is too long is cut;
 * malloc'd, NULL = out of memory. */
char *ask_as_holder(const char *user);
/* One of the words of `words` (NULL-terminated); `name` is the member's. */
int ask_word(const char *name, const char *text, const char *const *words, char **ret_text,
	     struct buf *why);
int ask_flag(const char *name, const char *text, bool *ret_flag, struct buf *why);

#endif
