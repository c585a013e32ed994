/* secrets.c: users and tokens, read from files that only the agent need be able to
 * read. Tokens, and passwords that were good, are kept as HMACs under a key that
 * is made at every load: neither a core dump nor a timing tells them. bcrypt
 * because it is what Prometheus' own web configuration takes. */
#include "agent/http/secrets.h"

#include <crypt.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	FILE_MAX = 1 << 20,
	DIGEST = 32,
	BCRYPT_LEN = 60,
	BCRYPT_SALTED = 7, /* "$2y$10$" */
	COST_MIN = 4,
	COST_MAX = 16, /* some seconds already */
	TOKEN_MIN = 16,
	CACHED = 64,
	CACHE_MS = 5 * 60 * 1000,
};

struct user {
	char *name, *hash;
};

struct cached {
	uint8_t digest[DIGEST];
	int64_t until_ms; /* 0 = free */
};

struct secrets {
	uint8_t key[DIGEST];
	struct user *users;
	size_t n_users;
	uint8_t (*tokens)[DIGEST];
	size_t n_tokens;
	char *nobody; /* the hash of unknown users */
	pthread_mutex_t lock;
	struct cached cached[CACHED]; /* guarded by the lock */
};

void secret_free(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

static void wipe(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->cap);
	buf_fini(b);
}

/* --- files ---------------------------------------------------------------------- */

static int read_all(int fd, struct buf *out)
{
	ssize_t n;

	/* Room for all at once: growing would leave copies behind. */
	if (!buf_reserve(out, FILE_MAX + 1))
		return -ENOMEM;
	do {
		n = read(fd, out->data + out->len, FILE_MAX + 1 - out->len);
		if (n == -1 && errno != EINTR)
			return -errno;
		out->len += n > 0 ? (size_t)n : 0;
	} while (n != 0 && out->len <= FILE_MAX);
	out->data[out->len < out->cap ? out->len : out->cap - 1] = '\0';
	if (out->len > FILE_MAX)
		return -EFBIG;
	return memchr(out->data, '\0', out->len) ? -EILSEQ : 0;
}

int secret_read(const char *key, const char *path, struct buf *why, struct buf *ret_text)
{
	struct buf text = BUF_INIT;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), error;
	struct stat st;

	if (fd == -1) {
		error = -errno;
	} else {
		error = fstat(fd, &st) == -1 ? -errno : S_ISREG(st.st_mode) ? 0 : -EISDIR;
		if (error == 0)
			error = read_all(fd, &text);
		close(fd);
	}
	if (error == 0) {
		*ret_text = text;
		return 0;
	}
	wipe(&text);
	buf_printf(why, "%s %s: %s", key, path,
		   error == -EISDIR   ? "is not a file"
		   : error == -EILSEQ ? "is not text"
				      : strerror(-error));
	return error;
}

/* Calls fn for each line that says something; stops at its first failure. */
static int each_line(struct secrets *s, const char *path, char *text, struct buf *why,
		     int (*fn)(struct secrets *s, char *line, struct buf *reason))
{
	unsigned int number = 0;
	char *line, *rest = text;

	while ((line = strsep(&rest, "\n")) != NULL) {
		struct buf reason = BUF_INIT;
		size_t len = strlen(line);
		int error;

		number++;
		while (len > 0 && strchr(" \t\r", line[len - 1]))
			line[--len] = '\0';
		if (len == 0 || line[0] == '#')
			continue;
		error = fn(s, line, &reason);
		if (error < 0) {
			buf_printf(why, "%s:%u: %s", path, number, buf_str(&reason));
			buf_fini(&reason);
			return error;
		}
	}
	return 0;
}

/* "$2a$", "$2b$" or "$2y$", two digits, "$", 53 of the alphabet. */
static int check_hash(const char *hash, struct buf *reason)
{
	static const char alphabet[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "abcdefghijklmnopqrstuvwxyz";
	int cost;

	if (strncmp(hash, "$2", 2) != 0 || !hash[2] || !strchr("aby", hash[2]) || hash[3] != '$' ||
	    strspn(hash + 4, "0123456789") != 2 || hash[6] != '$' || strlen(hash) != BCRYPT_LEN ||
	    strspn(hash + BCRYPT_SALTED, alphabet) != BCRYPT_LEN - BCRYPT_SALTED) {
		buf_puts(reason, "not a bcrypt hash ($2y$…), as 'htpasswd -B' makes it");
		return -EINVAL;
	}
	cost = (hash[4] - '0') * 10 + hash[5] - '0';
	if (cost >= COST_MIN && cost <= COST_MAX)
		return 0;
	buf_printf(reason, "bcrypt cost %d is not from %d to %d", cost, COST_MIN, COST_MAX);
	return -EINVAL;
}

static int take_user(struct secrets *s, char *line, struct buf *reason)
{
	char *colon = strchr(line, ':');
	struct user *users;
	int error;

	if (!colon || colon == line) {
		buf_puts(reason, "not of the form name:$2y$…");
		return -EINVAL;
	}
	*colon = '\0';
	error = check_hash(colon + 1, reason);
	if (error < 0)
		return error;
	for (size_t i = 0; i < s->n_users; i++) {
		if (strcmp(s->users[i].name, line) == 0) {
			buf_puts(reason, "this user stands there twice");
			return -EINVAL;
		}
	}
	users = reallocarray(s->users, s->n_users + 1, sizeof(*users));
	if (!users)
		return -ENOMEM;
	s->users = users;
	users[s->n_users] = (struct user){ strdup(line), strdup(colon + 1) };
	s->n_users++;
	return users[s->n_users - 1].name && users[s->n_users - 1].hash ? 0 : -ENOMEM;
}

static void digest(const struct secrets *s, const char *text, size_t len, uint8_t out[DIGEST])
{
	/* Fails for wrong arguments only; then nothing matches. */
	if (gnutls_hmac_fast(GNUTLS_MAC_SHA256, s->key, sizeof(s->key), text, len, out) < 0)
		(void)gnutls_rnd(GNUTLS_RND_NONCE, out, DIGEST);
}

static int take_token(struct secrets *s, char *line, struct buf *reason)
{
	size_t len = strlen(line);
	void *tokens;

	if (len < TOKEN_MIN) {
		buf_printf(reason, "a token has at least %d characters", TOKEN_MIN);
		return -EINVAL;
	}
	for (const char *c = line; *c; c++) {
		if (*c <= ' ' || *c > '~') {
			buf_puts(reason, "a token has no blanks and is plain ASCII");
			return -EINVAL;
		}
	}
	tokens = reallocarray(s->tokens, s->n_tokens + 1, DIGEST);
	if (!tokens)
		return -ENOMEM;
	s->tokens = tokens;
	digest(s, line, len, s->tokens[s->n_tokens++]);
	return 0;
}

static int load_file(struct secrets *s, const char *key, const char *path, struct buf *why,
		     int (*fn)(struct secrets *s, char *line, struct buf *reason), const size_t *n)
{
	struct buf text = BUF_INIT;
	int error = secret_read(key, path, why, &text);

	if (error < 0)
		return error;
	error = each_line(s, path, text.data, why, fn);
	wipe(&text);
	if (error == 0 && *n == 0) {
		buf_printf(why, "%s %s: nothing in it", key, path);
		return -EINVAL;
	}
	return error;
}

/* As dear as the dearest of the users', or it would tell who exists. */
static int make_nobody(struct secrets *s)
{
	int cost = COST_MIN, c;

	for (size_t i = 0; i < s->n_users; i++) {
		c = (s->users[i].hash[4] - '0') * 10 + s->users[i].hash[5] - '0';
		cost = c > cost ? c : cost;
	}
	if (asprintf(&s->nobody, "$2b$%02d$......................0123456789012345678901234567890",
		     cost) == -1) {
		s->nobody = NULL;
		return -ENOMEM;
	}
	return 0;
}

int secrets_load(const char *users_file, const char *token_file, struct buf *why,
		 struct secrets **ret_secrets)
{
	struct secrets *s = calloc(1, sizeof(*s));
	int error = 0;

	if (!s) {
		buf_puts(why, "out of memory");
		return -ENOMEM;
	}
	pthread_mutex_init(&s->lock, NULL);
	if (gnutls_rnd(GNUTLS_RND_KEY, s->key, sizeof(s->key)) < 0) {
		buf_puts(why, "no random numbers");
		error = -EIO;
	}
	if (error == 0 && users_file)
		error = load_file(s, "users_file", users_file, why, take_user, &s->n_users);
	if (error == 0 && token_file)
		error = load_file(s, "token_file", token_file, why, take_token, &s->n_tokens);
	if (error == 0)
		error = make_nobody(s);
	if (error < 0) {
		if (error == -ENOMEM && why->len == 0)
			buf_puts(why, "out of memory");
		secrets_free(s);
		return error;
	}
	*ret_secrets = s;
	return 0;
}

void secrets_free(struct secrets *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_users; i++) {
		free(s->users[i].name);
		secret_free(s->users[i].hash);
	}
	free(s->users);
	free(s->tokens);
	free(s->nobody);
	pthread_mutex_destroy(&s->lock);
	explicit_bzero(s, sizeof(*s));
	free(s);
}

/* --- questions -------------------------------------------------------------------- */

bool secrets_have_users(const struct secrets *s)
{
	return s->n_users > 0;
}

bool secrets_have_tokens(const struct secrets *s)
{
	return s->n_tokens > 0;
}

bool secrets_token_ok(const struct secrets *s, const char *token)
{
	uint8_t d[DIGEST];
	bool ok = false;

	digest(s, token, strlen(token), d);
	for (size_t i = 0; i < s->n_tokens; i++)
		ok |= gnutls_memcmp(d, s->tokens[i], DIGEST) == 0;
	return ok;
}

const char *secrets_hash(const struct secrets *s, const char *user, bool *ret_known)
{
	for (size_t i = 0; i < s->n_users; i++) {
		if (strcmp(s->users[i].name, user) == 0) {
			*ret_known = true;
			return s->users[i].hash;
		}
	}
	*ret_known = false;
	return s->nobody;
}

bool secrets_verify(const char *hash, const char *password)
{
	struct crypt_data *data = calloc(1, sizeof(*data)); /* 32 KiB: not for the stack */
	const char *made;
	bool ok;

	if (!data)
		return false;
	made = crypt_r(password, hash, data);
	ok = made && made[0] != '*' && strlen(made) == strlen(hash) &&
	     gnutls_memcmp(made, hash, strlen(hash)) == 0;
	explicit_bzero(data, sizeof(*data));
	free(data);
	return ok;
}

static bool pair_digest(const struct secrets *s, const char *user, const char *password,
			uint8_t out[DIGEST])
{
	bool known;
	const char *hash = secrets_hash(s, user, &known);
	size_t room = strlen(user) + strlen(hash) + strlen(password) + 3;
	char *text = known ? malloc(room) : NULL;

	if (!text)
		return false;
	/* NULs between them: no two pairs make one text. */
	(void)snprintf(text, room, "%s%c%s%c%s", user, 0, hash, 0, password);
	digest(s, text, room - 1, out);
	explicit_bzero(text, room);
	free(text);
	return true;
}

bool secrets_cached(struct secrets *s, const char *user, const char *password, int64_t now_ms)
{
	uint8_t d[DIGEST];
	bool found = false;

	if (!pair_digest(s, user, password, d))
		return false;
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < CACHED; i++)
		found |= s->cached[i].until_ms > now_ms &&
			 gnutls_memcmp(d, s->cached[i].digest, DIGEST) == 0;
	pthread_mutex_unlock(&s->lock);
	return found;
}

void secrets_remember(struct secrets *s, const char *user, const char *password, int64_t now_ms)
{
	uint8_t d[DIGEST];
	size_t oldest = 0;

	if (!pair_digest(s, user, password, d))
		return;
	pthread_mutex_lock(&s->lock);
	for (size_t i = 1; i < CACHED; i++)
		if (s->cached[i].until_ms < s->cached[oldest].until_ms)
			oldest = i;
	memcpy(s->cached[oldest].digest, d, DIGEST);
	s->cached[oldest].until_ms = now_ms + CACHE_MS;
	pthread_mutex_unlock(&s->lock);
}
