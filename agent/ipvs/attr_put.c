/* attr_put.c: values become requests, by the tables in attr_rows.c. */
#include "agent/ipvs/attr.h"
#include "agent/ipvs/attr_rows.h"
#include "agent/ipvs/nlreq.h"

static void put_number(struct nlreq *q, unsigned int type, const struct attr_row *row,
		       const uint8_t *from)
{
	uint32_t v32 = (uint32_t)attr_load(from, row->size, false);
	uint16_t v16 = (uint16_t)v32;
	uint8_t v8 = (uint8_t)v32;

	if (row->form == FORM_NET)
		v16 = htons(v16);
	if (row->wire == 1)
		nlreq_put(q, type, &v8, 1);
	else if (row->wire == 2)
		nlreq_put(q, type, &v16, 2);
	else
		nlreq_put(q, type, &v32, 4);
}

static void put_value(struct nlreq *q, unsigned int type, const struct attr_row *row,
		      const void *value)
{
	const uint8_t *from = (const uint8_t *)value + row->offset;
	struct ip_vs_flags flags = { .mask = IPVS_SVC_FLAGS };

	switch (row->form) {
	case FORM_U32:
		nlreq_put(q, type, from, 4);
		break;
	case FORM_HOST:
	case FORM_NET:
		put_number(q, type, row, from);
		break;
	case FORM_ADDR:
		nlreq_put(q, type, from, 16);
		break;
	case FORM_NAME:
		/* No engine is no attribute. The last byte is NUL in every value. */
		if (*from)
			nlreq_put(q, type, from, strnlen((const char *)from, row->size - 1u) + 1);
		break;
	case FORM_FLAGS:
		flags.flags = (uint32_t)attr_load(from, row->size, false);
		nlreq_put(q, type, &flags, sizeof(flags));
		break;
	default:
		break;
	}
}

static void put_rows(struct nlreq *q, unsigned int type, const struct attr_row *rows,
		     unsigned int n_rows, const void *value, unsigned int uses)
{
	size_t nest = nlreq_nest(q, type);

	for (unsigned int i = 0; i < n_rows; i++)
		if (rows[i].use & uses)
			put_value(q, i, &rows[i], value);
	nlreq_nest_end(q, nest);
}

void attr_put_service(struct nlreq *q, const struct ipvs_service *s, bool full)
{
	unsigned int uses = USE_KEY | (s->key.fwmark ? USE_BY_MARK : USE_BY_ADDR);

	put_rows(q, IPVS_CMD_ATTR_SERVICE, attr_service_rows, ATTR_SERVICE_ROWS, s,
		 full ? uses | USE_FULL : uses);
}

void attr_put_dest(struct nlreq *q, const struct ipvs_dest *d, bool full)
{
	const struct attr_dest a = {
		.d = *d,
		.forward = d->forward,
		.tun_flags = d->tun_flags & ~IPVS_TUN_OTHER_FLAGS & 0xff,
		.tun_type = d->tun_type,
	};

	unsigned int uses = full ? USE_KEY | USE_FULL : USE_KEY;

	if (full && attr_says_tunnel(d))
		uses |= USE_TUNNEL;
	put_rows(q, IPVS_CMD_ATTR_DEST, attr_dest_rows, ATTR_DEST_ROWS, &a, uses);
}

void attr_put_dest_of(struct nlreq *q, const struct ipvs_service *s, const struct ipvs_dest *d,
		      bool full)
{
	if (full && attr_quick_put(q, s, d))
		return;
	attr_put_service(q, s, false);
	attr_put_dest(q, d, full);
}
