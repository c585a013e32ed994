/* secrets.h: who may write: users with bcrypt hashes, bearer tokens. Neither a
 * password nor a token is kept in memory, only keyed hashes of those that were
 * good. */
#ifndef HTTP_SECRETS_H
#define HTTP_SECRETS_H

#include "agent/base/buf.h"

struct secrets;

/* Either file may be NULL. -errno with a sentence: "/etc/…/users:3: …". */
int secrets_load(const char *users_file, const char *token_file, struct buf *why,
		 struct secrets **ret_secrets);
void secrets_free(struct secrets *s);

bool secrets_have_users(const struct secrets *s);
bool secrets_have_tokens(const struct secrets *s);

/* In a time that does not tell how near it was. */
bool secrets_token_ok(const struct secrets *s, const char *token);

/* The user's hash; for an unknown one a hash that no password has, as dear as the
 * dearest. Lives as long as the secrets. */
const char *secrets_hash(const struct secrets *s, const char *user, bool *ret_known);
/* The slow test, 60 ms and more: for the work queue. */
bool secrets_verify(const char *hash, const char *password);

/* Whether that pair was good in the last five minutes; from any thread. */
bool secrets_cached(struct secrets *s, const char *user, const char *password, int64_t now_ms);
void secrets_remember(struct secrets *s, const char *user, const char *password, int64_t now_ms);

/* Wipes and frees a string; NULL is fine. */
void secret_free(char *text);

/* Reads a whole file of at most 1 MiB, for what is named in [http]. */
int secret_read(const char *key, const char *path, struct buf *why, struct buf *ret_text);

#endif
