/* record.c: a value to a line of the ledger. JSON because a person reads and repairs it
 * with the tools at hand; a checksum before it because JSON alone accepts a flipped
 * digit. */
#include "agent/holds/record.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "agent/base/attr.h"
#include "agent/holds/record_line.h"
#include "agent/holds/seen.h"
#include "agent/holds/text.h"

const char *const record_types[RECORD_N_TYPES] = {
	[RECORD_PLACE] = "place",   [RECORD_LIFT] = "lift", [RECORD_OWN] = "own",
	[RECORD_DISOWN] = "disown", [RECORD_FACT] = "fact", [RECORD_NODE] = "node",
	[RECORD_SEEN] = "seen",
};

const struct record_proto record_protos[RECORD_N_PROTOS] = {
	{ "tcp", IPPROTO_TCP },
	{ "udp", IPPROTO_UDP },
	{ "sctp", IPPROTO_SCTP },
};

void record_fini(struct record *r)
{
	hold_free(r->hold);
	free(r->id);
	free(r->value);
	*r = (struct record){ 0 };
}

uint32_t record_checksum(const char *bytes, size_t len)
{
	return (uint32_t)crc32(crc32(0, NULL, 0), (const Bytef *)bytes, (uInt)len);
}

/* Takes `object` over; NULL = memory is out. */
static int put_line(struct buf *out, uint64_t sequence, json_t *object)
{
	struct buf line = BUF_INIT;
	char crc[RECORD_CRC_LEN + 1];
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
			 record_checksum(line.data + RECORD_CRC_LEN + 1,
					 line.len - RECORD_CRC_LEN - 1));
		memcpy(line.data, crc, RECORD_CRC_LEN);
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

	*ok = o && json_object_set_new(o, "type", json_string(record_types[type])) == 0;
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
	size_t len = strnlen(name, RECORD_NAME_MAX + 1);

	return len <= RECORD_NAME_MAX && (len > 0 || empty);
}

static bool good_time(int64_t wall_ms)
{
	return wall_ms >= 0 && wall_ms <= RECORD_TIME_MAX;
}

/* What most holds don't have. */
static void put_rest(json_t *o, const struct hold *hold, bool *ok)
{
	if (hold->rule && *hold->rule)
		set(o, "rule", text_value(hold->rule, RECORD_NAME_MAX), ok);
	if (hold->weight)
		set(o, "weight", json_integer(hold->weight), ok);
	if (hold->starts_wall_ms)
		set(o, "starts", json_integer(hold->starts_wall_ms), ok);
	if (hold->drain_ms)
		set(o, "drain", json_integer(hold->drain_ms), ok);
	if (hold->waiting)
		set(o, "waiting", json_true(), ok);
	if (hold->forced)
		set(o, "forced", json_true(), ok);
	if (!hold->number)
		return;
	if (hold->origin && *hold->origin)
		set(o, "origin", json_string(hold->origin), ok);
	set(o, "number", json_integer((json_int_t)hold->number), ok);
	if (hold->revision)
		set(o, "revision", json_integer(hold->revision), ok);
}

int record_check_hold(const struct hold *hold)
{
	if (!good_name(hold->id, false) || !good_name(hold->service, false) ||
	    !good_name(hold->realserver, false) || !good_name(hold->holder, true))
		return -EMSGSIZE;
	if (hold->rule && !good_name(hold->rule, true))
		return -EMSGSIZE;
	if (hold->effect < HOLD_ABSENT || hold->effect > HOLD_REPLACE_SHARE ||
	    !good_time(hold->since_wall_ms) || !good_time(hold->until_wall_ms) ||
	    !good_time(hold->starts_wall_ms) || !good_time(hold->drain_ms) ||
	    (unsigned int)hold->hold_class >= HOLD_N_CLASSES || hold->number > SEEN_NUMBER_MAX ||
	    (hold->origin && *hold->origin && (!seen_node_ok(hold->origin) || !hold->number)))
		return -EINVAL;
	return 0;
}

bool record_set_hold(json_t *o, const struct hold *hold)
{
	bool ok = o;

	set(o, "id", text_value(hold->id, RECORD_NAME_MAX), &ok);
	set(o, "class", json_string(hold_class_names[hold->hold_class]), &ok);
	set(o, "service", text_value(hold->service, RECORD_NAME_MAX), &ok);
	set(o, "realserver", text_value(hold->realserver, RECORD_NAME_MAX), &ok);
	set(o, "holder", text_value(hold->holder, RECORD_NAME_MAX), &ok);
	set(o, "effect", json_integer(hold->effect), &ok);
	set(o, "reason", text_value(hold->reason, RECORD_TEXT_MAX), &ok);
	set(o, "since", json_integer(hold->since_wall_ms), &ok);
	set(o, "until", json_integer(hold->until_wall_ms), &ok);
	put_rest(o, hold, &ok);
	return ok;
}

int record_put_place(struct buf *out, uint64_t sequence, const struct hold *hold)
{
	int r = record_check_hold(hold);
	bool ok;
	json_t *o;

	if (r)
		return r;
	o = object_new(RECORD_PLACE, &ok);
	return finish(out, sequence, o, record_set_hold(o, hold) && ok);
}

int record_put_lift(struct buf *out, uint64_t sequence, const char *id)
{
	bool ok;
	json_t *o;

	if (!good_name(id, false))
		return -EMSGSIZE;
	o = object_new(RECORD_LIFT, &ok);
	set(o, "id", text_value(id, RECORD_NAME_MAX), &ok);
	return finish(out, sequence, o, ok);
}

static const char *proto_name(uint8_t proto)
{
	for (size_t i = 0; i < countof(record_protos); i++) {
		if (record_protos[i].proto == proto)
			return record_protos[i].name;
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

int record_put_fact(struct buf *out, uint64_t sequence, const char *name, const char *value)
{
	bool ok;
	json_t *o;

	if (!good_name(name, false) || !good_name(value, true))
		return -EMSGSIZE;
	o = object_new(RECORD_FACT, &ok);
	set(o, "name", text_value(name, RECORD_NAME_MAX), &ok);
	set(o, "value", text_value(value, RECORD_NAME_MAX), &ok);
	return finish(out, sequence, o, ok);
}

static int put_node(struct buf *out, uint64_t sequence, const struct record *r)
{
	bool ok;
	json_t *o;

	if (r->type == RECORD_NODE ? !seen_node_ok(r->id) : *r->id && !seen_node_ok(r->id))
		return -EINVAL;
	if (r->number > SEEN_NUMBER_MAX)
		return -EINVAL;
	o = object_new(r->type, &ok);
	set(o, "node", json_string(r->id), &ok);
	if (r->type == RECORD_SEEN)
		set(o, "number", json_integer((json_int_t)r->number), &ok);
	return finish(out, sequence, o, ok);
}

int record_put(struct buf *out, uint64_t sequence, const struct record *r)
{
	switch (r->type) {
	case RECORD_PLACE:
		return record_put_place(out, sequence, r->hold);
	case RECORD_LIFT:
		return record_put_lift(out, sequence, r->id);
	case RECORD_FACT:
		return record_put_fact(out, sequence, r->id, r->value);
	case RECORD_NODE:
	case RECORD_SEEN:
		return put_node(out, sequence, r);
	default:
		return put_key(out, sequence, r->type, &r->key);
	}
}
