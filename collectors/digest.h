/* digest.h: what is asked of an answer's SHA-256: the key `digest`, and its judgement. For
 * every kind that sees an answer's bytes as they come. */
#ifndef COLLECTORS_DIGEST_H
#define COLLECTORS_DIGEST_H

#include "agent/base/sha256.h"
#include "agent/probe.h"
#include "conf/key.h"

enum digest_kind {
	DIGEST_NONE = 0,
	DIGEST_FIXED,     /* it must be the one that the key says */
	DIGEST_CONSENSUS, /* it is reported, and no answer fails by it */
};

/* A field of digest_type: "sha256:HEX" or "consensus"; all zero = not given. */
struct digest_conf {
	enum digest_kind kind;
	unsigned char sum[SHA256_SIZE];
};

extern const struct conf_type digest_type;

/* Of one attempt; all zero at the beginning. */
struct digest {
	struct sha256 *sum;
	int error;
};

/* Takes bytes of the answer in: as fetch shows them, `arg` is a struct digest. */
void digest_see(void *arg, const char *bytes, size_t len);

/* Judges what was taken in, and frees it. `cut`: it was not the whole answer. What is
 * wrong, or the digest, is put into the report. */
void digest_judge(struct digest *d, const struct digest_conf *conf, bool cut,
		  struct probe_report *report);

/* Frees what was taken in. */
void digest_drop(struct digest *d);

#endif
