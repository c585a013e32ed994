/* names.c: names that our grammar takes, each there once: what people call their servers is
 * what they will look for in the result. */
#include <errno.h>
#include <string.h>

#include "agent/import/frame.h"
#include "conf/setter.h"

/* --- what is there once ---------------------------------------------------------- */

/* No kind has a control character in it. */
static void put_seen_key(struct buf *out, const char *kind, const char *name)
{
	buf_printf(out, "%s\x1f%s", kind, name);
}

struct import_seen *import_seen_find(struct import *im, const char *kind, const char *name)
{
	struct import_seen *seen = NULL;
	struct buf key = BUF_INIT;

	put_seen_key(&key, kind, name);
	if (buf_ok(&key))
		HASH_FIND(hh, im->seen, key.data, key.len, seen);
	im->oom |= !buf_ok(&key);
	buf_fini(&key);
	return seen;
}

struct import_seen *import_seen_add(struct import *im, const char *kind, const char *name)
{
	struct import_seen *seen = arena_alloc(&im->arena, sizeof(*seen));
	struct buf key = BUF_INIT;

	put_seen_key(&key, kind, name);
	if (seen && buf_ok(&key))
		seen->key = arena_strdup(&im->arena, key.data);
	buf_fini(&key);
	if (!seen || !seen->key) {
		im->oom = true;
		return NULL;
	}
	HASH_ADD_KEYPTR(hh, im->seen, seen->key, strlen(seen->key), seen);
	if (!seen->hh.tbl) {
		im->oom = true;
		return NULL;
	}
	return seen;
}

void import_seen_remove(struct import *im, struct import_seen *seen)
{
	HASH_DELETE(hh, im->seen, seen);
}

/* --- legal names ------------------------------------------------------------------- */

static bool legal(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '.' || c == '-';
}

/* `wish` with '-' for what a name cannot hold, at most `max` bytes of it; `other` where
 * nothing is left of it. */
static void put_legal(struct buf *out, const char *wish, const char *other, size_t max)
{
	size_t begin = out->len;
	bool parted = false;

	for (; *wish && out->len - begin < max; wish++) {
		if (legal(*wish)) {
			buf_putc(out, *wish);
			parted = false;
		} else if (out->len > begin && !parted) {
			buf_putc(out, '-');
			parted = true;
		}
	}
	while (buf_ok(out) && out->len > begin && out->data[out->len - 1] == '-')
		out->data[--out->len] = '\0';
	if (buf_ok(out) && !conf_name_ok(out->len > begin ? out->data + begin : "")) {
		out->len = begin;
		buf_puts(out, other);
	}
}

/* Name and suffix ("-2") within the longest name. */
static void put_suffixed(struct buf *out, const char *wish, const char *other, const char *suffix)
{
	buf_reset(out);
	put_legal(out, wish, other, IMPORT_NAME_MAX - strlen(suffix));
	buf_puts(out, suffix);
}

/* The number to try behind a name that is taken: each name counts for itself, so that
 * 10,000 of one wish cost 10,000 looks. 0: memory is out. */
static unsigned int next_number(struct import *im, const char *kind, const char *base)
{
	struct import_seen *seen = import_seen_find(im, kind, base);

	if (!seen)
		seen = import_seen_add(im, kind, base);
	if (!seen)
		return 0;
	seen->number = seen->number ? seen->number + 1 : 2;
	return seen->number;
}

const char *import_part_name_for(struct import *im, const char *type, const char *wish)
{
	struct buf name = BUF_INIT, base = BUF_INIT, suffix = BUF_INIT;
	const char *kept = NULL;
	unsigned int n = 1;

	put_suffixed(&base, wish, type, "");
	buf_puts(&name, buf_str(&base));
	while (n && buf_ok(&name) && buf_ok(&base) && import_seen_find(im, type, buf_str(&name))) {
		n = next_number(im, "number", buf_str(&base));
		buf_reset(&suffix);
		buf_printf(&suffix, "-%u", n);
		put_suffixed(&name, wish, type, buf_str(&suffix));
	}
	if (n && buf_ok(&name) && buf_ok(&base))
		kept = arena_strdup(&im->arena, buf_str(&name));
	buf_fini(&name);
	buf_fini(&base);
	buf_fini(&suffix);
	return kept;
}

/* --- hosts ----------------------------------------------------------------------------- */

/* Of a host that nobody named: its address, and a word before it, for the address itself
 * means the host wherever it serves. */
static void put_host_wish(struct buf *out, const struct addr *host)
{
	buf_puts(out, "rs-");
	addr_format_host(out, host);
}

static bool same_host(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && !memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

/* Whether the host may have the name in this service; then it is the host's. */
static bool take_host_name(struct import_part *service, const char *name, const struct addr *host)
{
	struct import *im = service->im;
	struct import_seen *owner = import_seen_find(im, "host", name);
	struct buf kind = BUF_INIT;
	bool free = !owner || same_host(&owner->host, host);

	buf_printf(&kind, "in %u", service->nth);
	if (free && import_seen_find(im, buf_str(&kind), name))
		free = false;
	if (free) {
		(void)import_seen_add(im, buf_str(&kind), name);
		if (!owner)
			owner = import_seen_add(im, "host", name);
		if (owner)
			owner->host = *host;
	}
	buf_fini(&kind);
	return free;
}

const char *import_host_name_for(struct import_part *service, const char *wish,
				 const struct addr *host)
{
	struct import *im = service->im;
	struct buf name = BUF_INIT, made = BUF_INIT, suffix = BUF_INIT, base = BUF_INIT;
	const char *kept = NULL;
	unsigned int n = 1;
	bool found;

	if (!wish)
		put_host_wish(&made, host);
	wish = wish ? wish : buf_str(&made);
	put_suffixed(&base, wish, "rs", "");
	buf_puts(&name, buf_str(&base));
	found = take_host_name(service, buf_str(&name), host);
	if (!found && host->port) { /* a second port of a machine is its name, and the port */
		buf_printf(&suffix, "-%u", host->port);
		put_suffixed(&name, wish, "rs", buf_str(&suffix));
		found = take_host_name(service, buf_str(&name), host);
	}
	while (!found && n && !im->oom && buf_ok(&name) && buf_ok(&base)) {
		n = next_number(im, "host number", buf_str(&base));
		buf_reset(&suffix);
		buf_printf(&suffix, "-%u", n);
		put_suffixed(&name, wish, "rs", buf_str(&suffix));
		found = take_host_name(service, buf_str(&name), host);
	}
	if (found && buf_ok(&name) && buf_ok(&made))
		kept = arena_strdup(&im->arena, buf_str(&name));
	im->oom |= !kept;
	buf_fini(&name);
	buf_fini(&made);
	buf_fini(&suffix);
	buf_fini(&base);
	return kept;
}
