/* duties_json.c: role, VIPs and sync daemons for whoever asks over HTTP. */
#include <jansson.h>
#include <stdlib.h>

#include "agent/base/clock.h"
#include "agent/duties.h"

static json_t *wall(int64_t wall_ms)
{
	struct buf text = BUF_INIT;
	json_t *value;

	if (!wall_ms)
		return json_null();
	clock_format_wall(&text, wall_ms);
	value = json_string(buf_str(&text));
	buf_fini(&text);
	return value;
}

static json_t *vip_json(const struct view_own_vip *v)
{
	return json_pack("{s:s, s:s, s:s, s:b, s:o, s:s, s:s}", "vip", v->vip, "address",
			 v->address, "interface", v->interface, "wanted", v->wanted, "present",
			 v->known ? json_boolean(v->present) : json_null(), "reason", v->slug,
			 "said", v->sentence);
}

static json_t *daemon_json(const struct view_duties *d, unsigned int state)
{
	const struct daemon *row = &d->daemons[state];
	struct buf group = BUF_INIT;
	json_t *o;

	if (row->group.family)
		addr_format_host(&group, &row->group);
	o = json_pack("{s:s, s:s, s:b, s:i, s:s, s:i, s:i, s:i}", "state", daemon_names[state],
		      "interface", row->interface, "ours", d->daemons_ours[state], "id",
		      (int)row->sync_id, "group", buf_str(&group), "port", (int)row->port, "ttl",
		      (int)row->ttl, "max_len", (int)row->max_len);
	buf_fini(&group);
	return o;
}

enum command_status duties_json(const struct view_duties *v, int64_t since_wall_ms, int recorded,
				struct buf *out)
{
	json_t *vips = json_array(), *sync = json_array(), *root;
	char *text = NULL;
	uint32_t i;

	for (i = 0; i < v->n_vips; i++)
		(void)json_array_append_new(vips, vip_json(&v->vips[i]));
	for (i = 0; v->daemons_known && i < DAEMON_N; i++)
		if (v->daemons[i].there)
			(void)json_array_append_new(sync, daemon_json(v, i));
	root = json_pack("{s:b, s:o, s:o, s:o, s:o}", "roles", v->roles, "role",
			 v->roles ? json_string(view_role_names[v->role]) : json_null(), "since",
			 wall(v->roles ? since_wall_ms : 0), "vips", vips, "sync",
			 v->daemons_known ? json_incref(sync) : json_null());
	json_decref(sync);
	if (root && recorded >= 0)
		(void)json_object_set_new(root, "recorded", json_boolean(recorded));
	text = root ? json_dumps(root, JSON_COMPACT) : NULL;
	json_decref(root);
	if (text)
		buf_puts(out, text);
	free(text);
	return text && buf_ok(out) ? COMMAND_OK : COMMAND_FAILED;
}
