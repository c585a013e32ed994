/* digest.c: a fixed digest is judged here, by one answer alone; of a consensus only the
 * digest is told, for it takes all realservers of a service (agent/model/compare.c). */
#include "collectors/digest.h"

#include <errno.h>
#include <string.h>

#include "conf/setter.h"

static const char consensus[] = "consensus", sha256[] = "sha256:";

/* --- the key ---------------------------------------------------------------------- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 32);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_sum(const char *hex, unsigned char sum[static SHA256_SIZE])
{
	size_t i;

	for (i = 0; i < SHA256_SIZE; i++) {
		int high = hex_digit(hex[2 * i]);
		int low = high < 0 ? -1 : hex_digit(hex[2 * i + 1]);

		if (low < 0)
			return false;
		sum[i] = (unsigned char)(high << 4 | low);
	}
	return !hex[2 * SHA256_SIZE];
}

static int set_digest(void *field, const char *text, const struct conf_key *key ATTR_UNUSED,
		      struct conf_env *env)
{
	struct digest_conf c = { .kind = DIGEST_FIXED };

	if (!strcmp(text, consensus))
		c.kind = DIGEST_CONSENSUS;
	else if (strncmp(text, sha256, strlen(sha256)) != 0 ||
		 !read_sum(text + strlen(sha256), c.sum))
		return conf_refuse(env, text,
				   "is neither consensus nor sha256: with 64 digits from 0 to f");
	*(struct digest_conf *)field = c;
	return 0;
}

static void get_digest(const void *field, const struct conf_key *key ATTR_UNUSED,
		       size_t i ATTR_UNUSED, struct buf *out)
{
	const struct digest_conf *c = field;
	size_t k;

	if (c->kind == DIGEST_CONSENSUS)
		buf_puts(out, consensus);
	if (c->kind != DIGEST_FIXED)
		return;
	buf_puts(out, sha256);
	for (k = 0; k < SHA256_SIZE; k++)
		buf_printf(out, "%02x", (unsigned int)c->sum[k]);
}

const struct conf_type digest_type = { .name = "digest", .set = set_digest, .get = get_digest };

/* --- an answer -------------------------------------------------------------------- */

void digest_see(void *arg, const char *bytes, size_t len)
{
	struct digest *d = arg;

	if (!d->error)
		d->error = sha256_add(&d->sum, bytes, len);
}

void digest_drop(struct digest *d)
{
	sha256_free(d->sum);
	d->sum = NULL;
}

/* A sum that begins with 8 bytes of 0 is not to be met. */
static uint64_t first_bytes(const unsigned char *sum)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < sizeof(n); i++)
		n = n << 8 | sum[i];
	return n;
}

void digest_judge(struct digest *d, const struct digest_conf *conf, bool cut,
		  struct probe_report *report)
{
	unsigned char sum[SHA256_SIZE];

	if (cut) {
		digest_drop(d);
		report->too_long = true;
		if (conf->kind == DIGEST_FIXED)
			report->reason = PROBE_ANSWER_TOO_LONG;
		return;
	}
	if (!d->error)
		d->error = sha256_end(&d->sum, sum);
	if (d->error) {
		digest_drop(d);
		report->reason = d->error == -ENOMEM ? PROBE_LOCAL_RESOURCES : PROBE_LOCAL_ERROR;
		report->os_errno = -d->error;
		report->text = "no SHA-256 could be made here";
		return;
	}
	report->digest = first_bytes(sum);
	if (conf->kind == DIGEST_FIXED && memcmp(sum, conf->sum, sizeof(sum)) != 0)
		report->reason = PROBE_ANSWER_DIGEST;
}
