/* record.c: a line of the ledger to and from a value. JSON because a person reads
 * and repairs it with the tools at hand; a checksum before it because JSON alone
 * accepts a flipped digit. What the checksum lets pass is still checked field by
 * field: the file may have been written by anybody. */
#include "agent/holds/record.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "agent/base/parse.h"
#include "agent/holds/text.h"

enum { CRC_LEN = 8, NAME_MAX_LEN = 256, TEXT_MAX_LEN = 8192 };

/* The year 2286, in milliseconds: ten digits of seconds. */
static const int64_t TIME_MAX = INT64_C(9999999999999);

static const char *const type_names[RECORD_N_TYPES] = {
	[RECORD_PLACE] = "place",
	[RECORD_LIFT] = "lift",
	[RECORD_OWN] = "own",
	[RECORD_DISOWN] = "disown",
};

static const struct {
	const char *name;
	uint8_t proto;
} protos[] = {
	{ "tcp", IPPROTO_TCP },
	{ "udp", IPPROTO_UDP },
	{ "sctp", IPPROTO_SCTP },
};

void record_fini(struct record *r)
{
	hold_free(r->hold);
	free(r->id);
	*r = (struct record){ 0 };
}

/* --- writing ----------------------------------------------------------------- */

static uint32_t checksum(const char *bytes, size_t len)
{
	return (uint32_t)crc32(crc32(0, NULL, 0), (const Bytef *)bytes, (uInt)len);
}

/* Takes `object` over; NULL = memory is out. */
static int put_line(struct buf *out, uint64_t sequence, json_t *object)
{
	struct buf line = BUF_INIT;
	char crc[CRC_LEN + 1];
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
	int r = 0;

	json_decref(object);
	if (!text)
		return -ENOMEM;
	buf_printf(&line, "%08x %" PRIu64 " %s", 0, sequence, text);
	free(text);
	if (!buf_ok(&line) || !buf_reserve(out, line.len + 1)) {
		r = -ENOMEM;
	} else if (line.len + 1 > RECORD_MAX) {
		r = -EMSGSIZE;
	} else {
		snprintf(crc, sizeof(crc), "%08x",
			 checksum(line.data + CRC_LEN + 1, line.len - CRC_LEN - 1));
		memcpy(line.data, crc, CRC_LEN);
		buf_put(out, line.data, line.len);
		buf_putc(out, '\n');
	}
	buf_fini(&line);
	return r;
}

/* An object that begins with its type; sets *ok false where memory is out. */
static json_t *object_new(enum record_type type, bool *ok)
{
	json_t *o = json_object();

	*ok = o && json_object_set_new(o, "type", json_string(type_names[type])) == 0;
	return o;
}

static void set(json_t *o, const char *key, json_t *value, bool *ok)
{
	/* json_object_set_new() frees the value and fails when it or `o` is NULL. */
	if (json_object_set_new(o, key, value) != 0)
		*ok = false;
}

static int finish(struct buf *out, uint64_t sequence, json_t *o, bool ok)
{
	if (!ok) {
		json_decref(o);
		return -ENOMEM;
	}
	return put_line(out, sequence, o);
}

int record_put_header(struct buf *out)
{
	json_t *o = json_object();
	bool ok = o;

	set(o, "ledger", json_integer(RECORD_FORMAT), &ok);
	return finish(out, 0, o, ok);
}

/* What reading would refuse is not written. */
static bool good_name(const char *name, bool empty)
{
	size_t len = strnlen(name, NAME_MAX_LEN + 1);

	return len <= NAME_MAX_LEN && (len > 0 || empty);
}

static bool good_time(int64_t wall_ms)
{
	return wall_ms >= 0 && wall_ms <= TIME_MAX;
}

int record_put_place(struct buf *out, uint64_t sequence, const struct hold *hold)
{
	bool ok;
	json_t *o;

	if (!good_name(hold->id, false) || !good_name(hold->service, false) ||
	    !good_name(hold->realserver, false) || !good_name(hold->holder, true))
		return -EMSGSIZE;
	if (hold->effect < HOLD_ABSENT || hold->effect > HOLD_FALLBACK ||
	    !good_time(hold->since_wall_ms) || !good_time(hold->until_wall_ms) ||
	    (unsigned int)hold->hold_class >= HOLD_N_CLASSES)
		return -EINVAL;
	o = object_new(RECORD_PLACE, &ok);
	set(o, "id", text_value(hold->id, NAME_MAX_LEN), &ok);
	set(o, "class", json_string(hold_class_names[hold->hold_class]), &ok);
	set(o, "service", text_value(hold->service, NAME_MAX_LEN), &ok);
	set(o, "realserver", text_value(hold->realserver, NAME_MAX_LEN), &ok);
	set(o, "holder", text_value(hold->holder, NAME_MAX_LEN), &ok);
	set(o, "effect", json_integer(hold->effect), &ok);
	set(o, "reason", text_value(hold->reason, TEXT_MAX_LEN), &ok);
	set(o, "since", json_integer(hold->since_wall_ms), &ok);
	set(o, "until", json_integer(hold->until_wall_ms), &ok);
	return finish(out, sequence, o, ok);
}

int record_put_lift(struct buf *out, uint64_t sequence, const char *id)
{
	bool ok;
	json_t *o;

	if (!good_name(id, false))
		return -EMSGSIZE;
	o = object_new(RECORD_LIFT, &ok);
	set(o, "id", text_value(id, NAME_MAX_LEN), &ok);
	return finish(out, sequence, o, ok);
}

static const char *proto_name(uint8_t proto)
{
	for (size_t i = 0; i < countof(protos); i++) {
		if (protos[i].proto == proto)
			return protos[i].name;
	}
	return NULL;
}

static int put_key(struct buf *out, uint64_t sequence, enum record_type type,
		   const struct ipvs_key *key)
{
	const char *proto = proto_name(key->proto);
	struct buf text = BUF_INIT;
	bool ok;
	json_t *o;

	if ((key->addr.family != AF_INET && key->addr.family != AF_INET6) ||
	    (!key->fwmark && !proto))
		return -EINVAL;
	o = object_new(type, &ok);
	if (key->fwmark) {
		set(o, "fwmark", json_integer(key->fwmark), &ok);
		set(o, "family", json_string(key->addr.family == AF_INET6 ? "inet6" : "inet"), &ok);
	} else {
		set(o, "proto", json_string(proto), &ok);
		addr_format(&text, &key->addr);
		ok = ok && buf_ok(&text);
		set(o, "address", json_string(buf_str(&text)), &ok);
	}
	buf_fini(&text);
	return finish(out, sequence, o, ok);
}

int record_put_own(struct buf *out, uint64_t sequence, const struct ipvs_key *key)
{
	return put_key(out, sequence, RECORD_OWN, key);
}

int record_put(struct buf *out, uint64_t sequence, const struct record *r)
{
	switch (r->type) {
	case RECORD_PLACE:
		return record_put_place(out, sequence, r->hold);
	case RECORD_LIFT:
		return record_put_lift(out, sequence, r->id);
	default:
		return put_key(out, sequence, r->type, &r->key);
	}
}

/* --- reading ----------------------------------------------------------------- */

static int bad(struct buf *why, const char *text)
{
	buf_puts(why, text);
	return -EBADMSG;
}

static bool hex_value(const char *text, uint32_t *ret_value)
{
	uint32_t value = 0;

	for (int i = 0; i < CRC_LEN; i++) {
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

	if (len <= CRC_LEN + 1 || len + 1 > RECORD_MAX || !hex_value(line, &crc) ||
	    line[CRC_LEN] != ' ')
		return bad(why, "is not a record");
	line += CRC_LEN + 1;
	len -= CRC_LEN + 1;
	if (crc != checksum(line, len))
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

static int read_place(const json_t *o, struct buf *why, struct record *rec)
{
	struct hold *h = calloc(1, sizeof(*h));
	int64_t effect = 0;
	int r;

	if (!h)
		return -ENOMEM;
	rec->hold = h;
	r = take_text(o, "id", NAME_MAX_LEN, false, why, &h->id);
	if (r == 0)
		r = take_class(o, why, &h->hold_class);
	if (r == 0)
		r = take_text(o, "service", NAME_MAX_LEN, false, why, &h->service);
	if (r == 0)
		r = take_text(o, "realserver", NAME_MAX_LEN, false, why, &h->realserver);
	if (r == 0)
		r = take_text(o, "holder", NAME_MAX_LEN, true, why, &h->holder);
	if (r == 0)
		r = take_int(o, "effect", HOLD_ABSENT, HOLD_FALLBACK, why, &effect);
	if (r == 0)
		r = take_text(o, "reason", TEXT_MAX_LEN, true, why, &h->reason);
	if (r == 0)
		r = take_int(o, "since", 0, TIME_MAX, why, &h->since_wall_ms);
	if (r == 0)
		r = take_int(o, "until", 0, TIME_MAX, why, &h->until_wall_ms);
	h->effect = (int)effect;
	h->recorded = true;
	return r;
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
	for (size_t i = 0; proto && i < countof(protos); i++) {
		if (strcmp(proto, protos[i].name) == 0)
			rec->key.proto = protos[i].proto;
	}
	if (!rec->key.proto)
		return bad(why, "has no good \"proto\"");
	if (!address || addr_parse(address, &rec->key.addr) != 0)
		return bad(why, "has no good \"address\"");
	return 0;
}

static int read_lift(const json_t *o, struct buf *why, struct record *rec)
{
	return take_text(o, "id", NAME_MAX_LEN, false, why, &rec->id);
}

static int (*const readers[RECORD_N_TYPES])(const json_t *, struct buf *, struct record *) = {
	[RECORD_PLACE] = read_place,
	[RECORD_LIFT] = read_lift,
	[RECORD_OWN] = read_key,
	[RECORD_DISOWN] = read_key,
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
		if (strcmp(type, type_names[i]) == 0) {
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
