/* record_read.c: a line of the ledger to a value. What the checksum lets pass is still
 * checked field by field: the file may have been written by anybody. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/parse.h"
#include "agent/holds/record_line.h"
#include "agent/holds/seen.h"

static int bad(struct buf *why, const char *text)
{
	buf_puts(why, text);
	return -EBADMSG;
}

static bool hex_value(const char *text, uint32_t *ret_value)
{
	uint32_t value = 0;

	for (int i = 0; i < RECORD_CRC_LEN; i++) {
		const char *digits = "0123456789abcdef";
		const char *at = text[i] ? strchr(digits, text[i]) : NULL;

		if (!at)
			return false;
		value = value << 4 | (uint32_t)(at - digits);
	}
	*ret_value = value;
	return true;
}

/* Checks the frame and reads the JSON in it. */
static int read_frame(const char *line, size_t len, uint64_t sequence, struct buf *why,
		      json_t **ret_object)
{
	char expected[24];
	size_t n;
	uint32_t crc;
	json_t *object;
	json_error_t error;

	if (len <= RECORD_CRC_LEN + 1 || len + 1 > RECORD_MAX || !hex_value(line, &crc) ||
	    line[RECORD_CRC_LEN] != ' ')
		return bad(why, "is not a record");
	line += RECORD_CRC_LEN + 1;
	len -= RECORD_CRC_LEN + 1;
	if (crc != record_checksum(line, len))
		return bad(why, "has a checksum that does not match");
	n = (size_t)snprintf(expected, sizeof(expected), "%" PRIu64 " ", sequence);
	if (len < n || memcmp(line, expected, n) != 0) {
		buf_printf(why, "is not number %" PRIu64 " of the sequence", sequence);
		return -EBADMSG;
	}
	object = json_loadb(line + n, len - n, JSON_REJECT_DUPLICATES, &error);
	if (!object && json_error_code(&error) == json_error_out_of_memory)
		return -ENOMEM;
	if (!json_is_object(object)) {
		json_decref(object);
		return bad(why, "is not a JSON object");
	}
	*ret_object = object;
	return 0;
}

int record_read_header(const char *line, size_t len, struct buf *why)
{
	json_t *o, *format;
	int r = read_frame(line, len, 0, why, &o);

	if (r != 0)
		return r;
	format = json_object_get(o, "ledger");
	if (!json_is_integer(format) || json_integer_value(format) < 1) {
		r = bad(why, "is not a ledger's header");
	} else if (json_integer_value(format) > RECORD_FORMAT) {
		buf_printf(why,
			   "was written by a newer ipvs-agent (format %" JSON_INTEGER_FORMAT
			   "; this one knows %d)",
			   json_integer_value(format), RECORD_FORMAT);
		r = -EPROTONOSUPPORT;
	}
	json_decref(o);
	return r;
}

/* A copy of a string member of 1 (or, where `empty` is allowed, 0) to `max` bytes. */
static int take_text(const json_t *o, const char *key, size_t max, bool empty, struct buf *why,
		     char **ret_text)
{
	const json_t *value = json_object_get(o, key);
	size_t len = json_string_length(value);

	if (!json_is_string(value) || len > max || (len == 0 && !empty)) {
		buf_printf(why, "has no good \"%s\"", key);
		return -EBADMSG;
	}
	*ret_text = strdup(json_string_value(value));
	return *ret_text ? 0 : -ENOMEM;
}

static int take_int(const json_t *o, const char *key, int64_t min, int64_t max, struct buf *why,
		    int64_t *ret_n)
{
	const json_t *value = json_object_get(o, key);
	int64_t n = json_integer_value(value);

	if (!json_is_integer(value) || n < min || n > max) {
		buf_printf(why, "has no good \"%s\"", key);
		return -EBADMSG;
	}
	*ret_n = n;
	return 0;
}

static int take_class(const json_t *o, struct buf *why, enum hold_class *ret_class)
{
	const char *name = json_string_value(json_object_get(o, "class"));

	for (int i = 0; name && i < HOLD_N_CLASSES; i++) {
		if (strcmp(name, hold_class_names[i]) == 0) {
			*ret_class = (enum hold_class)i;
			return 0;
		}
	}
	return bad(why, "has no good \"class\"");
}

/* One that may be missing: then it is 0. */
static int take_rest_int(const json_t *o, const char *key, int64_t max, struct buf *why,
			 int64_t *ret_n)
{
	if (json_object_get(o, key))
		return take_int(o, key, 1, max, why, ret_n);
	*ret_n = 0;
	return 0;
}

static int take_flag(const json_t *o, const char *key, struct buf *why, bool *ret_flag)
{
	const json_t *value = json_object_get(o, key);

	if (value && !json_is_boolean(value)) {
		buf_printf(why, "has no good \"%s\"", key);
		return -EBADMSG;
	}
	*ret_flag = json_is_true(value);
	return 0;
}

/* A node's name, or "" where it may be missing. */
static int take_node(const json_t *o, const char *key, bool may_miss, struct buf *why,
		     char **ret_node)
{
	const json_t *value = json_object_get(o, key);
	const char *node = json_string_value(value);

	if (value ? !node || (!seen_node_ok(node) && (!may_miss || *node)) : !may_miss) {
		buf_printf(why, "has no good \"%s\"", key);
		return -EBADMSG;
	}
	*ret_node = strdup(node ? node : "");
	return *ret_node ? 0 : -ENOMEM;
}

/* What peers know it by. */
static int read_number(const json_t *o, struct buf *why, struct hold *h)
{
	int64_t number = 0, revision = 0;
	int r = take_node(o, "origin", true, why, &h->origin);

	if (r == 0)
		r = take_rest_int(o, "number", SEEN_NUMBER_MAX, why, &number);
	if (r == 0)
		r = take_rest_int(o, "revision", UINT32_MAX, why, &revision);
	if (r == 0 && *h->origin && !number)
		r = bad(why, "has no good \"number\"");
	h->number = (uint64_t)number;
	h->revision = number ? (uint32_t)revision : 0;
	return r;
}

static int read_rest(const json_t *o, struct buf *why, struct hold *h)
{
	int64_t weight = 0;
	int r;

	if (json_object_get(o, "rule")) {
		r = take_text(o, "rule", RECORD_NAME_MAX, false, why, &h->rule);
	} else {
		h->rule = strdup("");
		r = h->rule ? 0 : -ENOMEM;
	}
	if (r == 0)
		r = take_rest_int(o, "weight", UINT32_MAX, why, &weight);
	if (r == 0)
		r = take_rest_int(o, "starts", RECORD_TIME_MAX, why, &h->starts_wall_ms);
	if (r == 0)
		r = take_rest_int(o, "drain", RECORD_TIME_MAX, why, &h->drain_ms);
	if (r == 0)
		r = take_flag(o, "waiting", why, &h->waiting);
	if (r == 0)
		r = take_flag(o, "forced", why, &h->forced);
	if (r == 0)
		r = read_number(o, why, h);
	h->weight = (uint32_t)weight;
	return r;
}

int record_get_hold(const json_t *o, struct buf *why, struct hold **ret_hold)
{
	struct hold *h = calloc(1, sizeof(*h));
	int64_t effect = 0;
	int r;

	if (!h)
		return -ENOMEM;
	r = take_text(o, "id", RECORD_NAME_MAX, false, why, &h->id);
	if (r == 0)
		r = take_class(o, why, &h->hold_class);
	if (r == 0)
		r = take_text(o, "service", RECORD_NAME_MAX, false, why, &h->service);
	if (r == 0)
		r = take_text(o, "realserver", RECORD_NAME_MAX, false, why, &h->realserver);
	if (r == 0)
		r = take_text(o, "holder", RECORD_NAME_MAX, true, why, &h->holder);
	if (r == 0)
		r = take_int(o, "effect", HOLD_ABSENT, HOLD_REPLACE_SHARE, why, &effect);
	if (r == 0)
		r = take_text(o, "reason", RECORD_TEXT_MAX, true, why, &h->reason);
	if (r == 0)
		r = take_int(o, "since", 0, RECORD_TIME_MAX, why, &h->since_wall_ms);
	if (r == 0)
		r = take_int(o, "until", 0, RECORD_TIME_MAX, why, &h->until_wall_ms);
	if (r == 0)
		r = read_rest(o, why, h);
	h->effect = (int)effect;
	h->recorded = true;
	if (r == 0)
		*ret_hold = h;
	else
		hold_free(h);
	return r;
}

static int read_place(const json_t *o, struct buf *why, struct record *rec)
{
	return record_get_hold(o, why, &rec->hold);
}

static int read_fwmark(const json_t *o, struct buf *why, struct ipvs_key *key)
{
	const char *family = json_string_value(json_object_get(o, "family"));
	int64_t mark;
	int r = take_int(o, "fwmark", 1, UINT32_MAX, why, &mark);

	if (r != 0)
		return r;
	if (!family || (strcmp(family, "inet") != 0 && strcmp(family, "inet6") != 0))
		return bad(why, "has no good \"family\"");
	key->fwmark = (uint32_t)mark;
	key->addr.family = strcmp(family, "inet6") == 0 ? AF_INET6 : AF_INET;
	return 0;
}

static int read_key(const json_t *o, struct buf *why, struct record *rec)
{
	const char *proto = json_string_value(json_object_get(o, "proto"));
	const char *address = json_string_value(json_object_get(o, "address"));

	if (json_object_get(o, "fwmark"))
		return read_fwmark(o, why, &rec->key);
	for (size_t i = 0; proto && i < RECORD_N_PROTOS; i++) {
		if (strcmp(proto, record_protos[i].name) == 0)
			rec->key.proto = record_protos[i].proto;
	}
	if (!rec->key.proto)
		return bad(why, "has no good \"proto\"");
	if (!address || addr_parse(address, &rec->key.addr) != 0)
		return bad(why, "has no good \"address\"");
	return 0;
}

static int read_lift(const json_t *o, struct buf *why, struct record *rec)
{
	return take_text(o, "id", RECORD_NAME_MAX, false, why, &rec->id);
}

static int read_fact(const json_t *o, struct buf *why, struct record *rec)
{
	int r = take_text(o, "name", RECORD_NAME_MAX, false, why, &rec->id);

	return r ? r : take_text(o, "value", RECORD_NAME_MAX, true, why, &rec->value);
}

static int read_node(const json_t *o, struct buf *why, struct record *rec)
{
	return take_node(o, "node", false, why, &rec->id);
}

/* The node "" is ourselves. */
static int read_seen(const json_t *o, struct buf *why, struct record *rec)
{
	int64_t number = 0;
	int r = take_node(o, "node", true, why, &rec->id);

	if (r == 0)
		r = take_int(o, "number", 1, SEEN_NUMBER_MAX, why, &number);
	rec->number = (uint64_t)number;
	return r;
}

static int (*const readers[RECORD_N_TYPES])(const json_t *, struct buf *, struct record *) = {
	[RECORD_PLACE] = read_place, [RECORD_LIFT] = read_lift, [RECORD_OWN] = read_key,
	[RECORD_DISOWN] = read_key,  [RECORD_FACT] = read_fact, [RECORD_NODE] = read_node,
	[RECORD_SEEN] = read_seen,
};

int record_read(const char *line, size_t len, uint64_t sequence, struct buf *why,
		struct record *ret_record)
{
	struct record rec = { 0 };
	const char *type;
	json_t *o;
	int r = read_frame(line, len, sequence, why, &o);

	if (r != 0)
		return r;
	type = json_string_value(json_object_get(o, "type"));
	r = type ? -EPROTONOSUPPORT : bad(why, "has no good \"type\"");
	for (int i = 0; type && i < RECORD_N_TYPES; i++) {
		if (strcmp(type, record_types[i]) == 0) {
			rec.type = (enum record_type)i;
			r = readers[i](o, why, &rec);
		}
	}
	if (r == -EPROTONOSUPPORT)
		buf_printf(why, "is of type '%.40s', which only a newer ipvs-agent knows", type);
	json_decref(o);
	if (r != 0) {
		record_fini(&rec);
		return r;
	}
	*ret_record = rec;
	return 0;
}
