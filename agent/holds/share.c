/* share.c: see share.h. A hold has the members that the ledger gives it. */
#include "agent/holds/share.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "agent/holds/effect.h"
#include "agent/holds/record_line.h"

enum { SHARE_NAME_MAX = 40 };

void share_fini(struct share *s)
{
	size_t i;

	for (i = 0; s->holds && i < s->n; i++)
		hold_free(s->holds[i]);
	free(s->holds);
	free(s->tag);
	seen_fini(&s->seen);
	*s = (struct share){ 0 };
}

struct merge_side share_side(const struct share *s)
{
	return (struct merge_side){ s->node, &s->seen, (const struct hold *const *)s->holds, s->n };
}

/* --- writing ------------------------------------------------------------------------ */

static json_t *head(const char *node, const char *tag, int64_t now_wall_ms)
{
	return json_pack("{s:i, s:s, s:s, s:I}", "version", SHARE_VERSION, "node", node, "tag", tag,
			 "now", (json_int_t)now_wall_ms);
}

/* Takes `root` over. */
static int put(json_t *root, bool ok, struct buf *out)
{
	char *text = ok ? json_dumps(root, JSON_COMPACT) : NULL;

	json_decref(root);
	if (text)
		buf_puts(out, text);
	free(text);
	return text && buf_ok(out) ? 0 : -ENOMEM;
}

int share_write_unchanged(const char *node, const char *tag, int64_t now_wall_ms, struct buf *out)
{
	json_t *root = head(node, tag, now_wall_ms);

	return put(root, json_object_set_new(root, "unchanged", json_true()) == 0, out);
}

static json_t *seen_json(const struct merge_side *side)
{
	json_t *o = json_object();
	size_t i;

	for (i = 0; o && i < side->seen->n; i++) {
		const struct seen *s = &side->seen->list[i];

		if (json_object_set_new(o, *s->node ? s->node : side->node,
					json_integer((json_int_t)s->number))) {
			json_decref(o);
			return NULL;
		}
	}
	return o;
}

static int hold_object(const struct hold *hold, const char *node, json_t **ret_object)
{
	struct hold h = *hold;
	json_t *o;
	int e = record_check_hold(hold);

	if (e)
		return e;
	/* Whether it acts each side judges for itself. */
	h.waiting = false;
	h.origin = h.origin && *h.origin ? h.origin : (char *)(uintptr_t)node;
	o = json_object();
	if (!record_set_hold(o, &h)) {
		json_decref(o);
		return -ENOMEM;
	}
	*ret_object = o;
	return 0;
}

int share_write(const struct merge_side *side, const char *tag, int64_t now_wall_ms,
		struct buf *out)
{
	json_t *root = NULL, *list = NULL, *o;
	size_t i, before = out->len;
	int e = side->n > SHARE_HOLDS_MAX ? -E2BIG : 0;

	if (!e) {
		root = head(side->node, tag, now_wall_ms);
		list = json_array();
	}
	for (i = 0; !e && i < side->n; i++) {
		e = hold_object(side->holds[i], side->node, &o);
		if (!e && json_array_append_new(list, o))
			e = -ENOMEM;
	}
	if (!e && (json_object_set_new(root, "seen", seen_json(side)) ||
		   json_object_set(root, "holds", list)))
		e = -ENOMEM;
	json_decref(list);
	if (e)
		json_decref(root);
	else
		e = put(root, true, out);
	if (!e && out->len - before > SHARE_BYTES_MAX) {
		out->len = before;
		e = -E2BIG;
	}
	return e;
}

/* --- reading ------------------------------------------------------------------------ */

static int bad(struct buf *why, const char *text)
{
	buf_puts(why, text);
	return -EINVAL;
}

static bool printable(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

/* As the configuration has them. */
static bool is_name(const char *text)
{
	size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				  "0123456789_.-");

	return len && len <= SHARE_NAME_MAX && !text[len];
}

static const char *wrong_with(const struct hold *h, const struct seen_set *seen)
{
	if (!*h->origin || !h->number)
		return "has no origin or no number";
	if (!hold_is_shared(h))
		return "is not an operator's or an alert's, or is a freeze";
	if (h->number > seen_get(seen, h->origin))
		return "has a number above what is said to be seen of its origin";
	if (!is_name(h->service) || (!is_name(h->realserver) && strcmp(h->realserver, "*") != 0))
		return "has names that no service or realserver has";
	if (strlen(h->holder) > SHARE_HOLDER_MAX || !*h->holder || !printable(h->holder) ||
	    !printable(h->rule) || !printable(h->reason))
		return "has a holder, rule or reason that is no text";
	return NULL;
}

static int read_hold(const json_t *o, const struct seen_set *seen, size_t i, struct buf *why,
		     struct hold **ret_hold)
{
	struct buf text = BUF_INIT;
	struct hold *h = NULL;
	const char *wrong;
	int e = json_is_object(o) ? record_get_hold(o, &text, &h) : -EBADMSG;

	wrong = e ? buf_str(&text) : wrong_with(h, seen);
	if (e == -EBADMSG || (!e && wrong)) {
		buf_printf(why, "hold %zu %s", i, *wrong ? wrong : "is not an object");
		e = -EINVAL;
	}
	buf_fini(&text);
	if (e) {
		hold_free(h);
		return e;
	}
	h->waiting = false;
	h->recorded = false;
	*ret_hold = h;
	return 0;
}

static int read_seen(const json_t *o, struct buf *why, struct seen_set *seen)
{
	const char *node;
	json_t *value;
	int e = 0;

	if (!json_is_object(o))
		return bad(why, "\"seen\" is not an object");
	json_object_foreach ((json_t *)(uintptr_t)o, node, value) {
		json_int_t n = json_integer_value(value);

		if (!seen_node_ok(node) || !json_is_integer(value) || n < 0 || n > SEEN_NUMBER_MAX)
			return bad(why, "\"seen\" has a member that is no node with its number");
		e = seen_raise(seen, node, (uint64_t)n);
		if (e == -E2BIG)
			return bad(why, "\"seen\" names more nodes than there may be");
		if (e)
			return e;
	}
	return 0;
}

static bool same_number(const struct hold *a, const struct hold *b)
{
	return a->number == b->number && !strcmp(a->origin, b->origin);
}

static int by_number(const void *x, const void *y)
{
	return merge_order(*(struct hold *const *)x, *(struct hold *const *)y, "");
}

static int read_holds(const json_t *list, struct buf *why, struct share *s)
{
	size_t i, n = json_array_size(list);
	int e = 0;

	if (!json_is_array(list))
		return bad(why, "\"holds\" is not a list");
	if (n > SHARE_HOLDS_MAX)
		return bad(why, "there are too many holds");
	s->holds = calloc(n + 1, sizeof(struct hold *));
	if (!s->holds)
		return -ENOMEM;
	for (i = 0; !e && i < n; i++) {
		e = read_hold(json_array_get(list, i), &s->seen, i, why, &s->holds[s->n]);
		s->n += !e;
	}
	if (!e)
		qsort(s->holds, s->n, sizeof(struct hold *), by_number);
	for (i = 1; !e && i < s->n; i++)
		if (same_number(s->holds[i - 1], s->holds[i]))
			e = bad(why, "two holds have one origin and number");
	return e;
}

/* The head, which documents of every version have. */
static int read_head(const json_t *root, struct buf *why, struct share *s)
{
	const json_t *version = json_object_get(root, "version");
	const json_t *now = json_object_get(root, "now");
	const char *node = json_string_value(json_object_get(root, "node"));
	const char *tag = json_string_value(json_object_get(root, "tag"));

	if (!json_is_integer(version))
		return bad(why, "\"version\" is missing: is that an ipvs-agent?");
	if (json_integer_value(version) != SHARE_VERSION) {
		buf_printf(why,
			   "it speaks version %" JSON_INTEGER_FORMAT " and this one version %d: "
			   "let both be of one release",
			   json_integer_value(version), SHARE_VERSION);
		return -EPROTONOSUPPORT;
	}
	if (!node || !seen_node_ok(node))
		return bad(why, "\"node\" is not 16 hexadecimal digits");
	if (!tag || !*tag || strlen(tag) > SHARE_TAG_MAX ||
	    strspn(tag, "0123456789abcdef-") != strlen(tag))
		return bad(why, "\"tag\" is no tag");
	if (!json_is_integer(now) || json_integer_value(now) < 0 ||
	    json_integer_value(now) > RECORD_TIME_MAX)
		return bad(why, "\"now\" is no time");
	memcpy(s->node, node, sizeof(s->node));
	s->now_wall_ms = json_integer_value(now);
	s->unchanged = json_is_true(json_object_get(root, "unchanged"));
	s->tag = strdup(tag);
	return s->tag ? 0 : -ENOMEM;
}

int share_read(const char *text, size_t len, struct buf *why, struct share *ret_share)
{
	struct share s = { 0 };
	json_error_t error;
	json_t *root;
	int e;

	if (len > SHARE_BYTES_MAX)
		return bad(why, "it is larger than it may be");
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (!root && json_error_code(&error) == json_error_out_of_memory)
		return -ENOMEM;
	if (!json_is_object(root)) {
		json_decref(root);
		return bad(why, "it is not a JSON object");
	}
	e = read_head(root, why, &s);
	if (!e && !s.unchanged)
		e = read_seen(json_object_get(root, "seen"), why, &s.seen);
	if (!e && !s.unchanged)
		e = read_holds(json_object_get(root, "holds"), why, &s);
	json_decref(root);
	if (e)
		share_fini(&s);
	else
		*ret_share = s;
	return e;
}
