/* keepalived_virtual.c: a virtual_server as a [service]. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "agent/import/keepalived_model.h"
#include "agent/import/shape.h"

enum { PERSISTENCE_S = 360 }; /* where the file gives no time */

static const char scripts[] = "ipvs-agent runs no script of keepalived's: a [rule] with action = "
			      "exec /PATH, or notify NAME, tells of changes";

/* Read with shape_flags(). */
#define FLAG(word)                                                                                 \
	{                                                                                          \
		word, KA_ELSEWHERE, 0, 0, NULL                                                     \
	}
#define STMT(word, field)                                                                          \
	{                                                                                          \
		word, KA_STMT, offsetof(struct ka_virtual, field), 0, NULL                         \
	}
#define DROP(word, why)                                                                            \
	{                                                                                          \
		word, KA_NOTE, 0, IMPORT_DROPPED, why                                              \
	}

/* clang-format off */
static const struct ka_key keys[] = {
	KA_TERMS(ka_virtual),
	STMT("lb_algo", sched),
	STMT("lvs_sched", sched),
	STMT("lb_kind", method),
	STMT("lvs_method", method),
	STMT("protocol", protocol),
	STMT("ip_family", family),
	STMT("persistence_timeout", persistence),
	STMT("persistence_granularity", granularity),
	STMT("persistence_engine", engine),
	STMT("ops", ops),
	STMT("quorum", quorum),
	STMT("sorry_server", sorry),
	STMT("sorry_server_lvs_method", sorry_method),
	STMT("snmp_name", name),
	{ "weight", KA_COUNT, offsetof(struct ka_virtual, weight), 0, NULL },
	{ "sorry_server_inhibit", KA_FLAG, offsetof(struct ka_virtual, sorry_inhibit), 0, NULL },
	FLAG("flag-1"),
	FLAG("flag-2"),
	FLAG("flag-3"),
	FLAG("sh-port"),
	FLAG("sh-fallback"),
	FLAG("mh-port"),
	FLAG("mh-fallback"),
	FLAG("real_server"),
	DROP("hysteresis", "a quorum has none here: keep_firing_for of a rule delays its end"),
	DROP("quorum_up", scripts),
	DROP("quorum_down", scripts),
	DROP("omega", scripts),
	DROP("ha_suspend", "realservers are probed whether the address is here or not"),
	DROP("smtp_alert", "ipvs-agent sends no mail: its metrics, and Alertmanager, do that"),
	DROP("hashed", "the kernel sets this flag by itself"),
	{ NULL, 0, 0, 0, NULL },
};
/* clang-format on */

/* --- the name ------------------------------------------------------------------------ */

/* The last of that keyword. */
static const struct ka_stmt *find(const struct ka_stmt *first, const char *word)
{
	const struct ka_stmt *found = NULL;

	for (; first; first = first->next)
		if (!strcmp(first->words[0], word))
			found = first;
	return found;
}

static void put_wish(struct buf *out, const struct ka_virtual *v)
{
	const struct ka_stmt *name = find(v->stmt->first, "snmp_name");
	const struct ka_stmt *host = find(v->stmt->first, "virtualhost");
	const struct ipvs_key *key = &v->keys[0];

	if (name && ka_word(name, 1))
		buf_puts(out, name->words[1]);
	else if (!strcmp(v->stmt->words[1], "group"))
		buf_puts(out, v->stmt->words[2]);
	else if (host && ka_word(host, 1) && key->addr.port)
		buf_printf(out, "%s-%u", host->words[1], key->addr.port);
	else
		import_key_wish(out, key);
}

/* --- scheduling ------------------------------------------------------------------------ */

static void read_protocol(struct ka_virtual *v)
{
	static const struct {
		const char *word;
		uint8_t proto;
	} protocols[] = { { "TCP", IPPROTO_TCP },
			  { "UDP", IPPROTO_UDP },
			  { "SCTP", IPPROTO_SCTP } };
	const struct ka_stmt *s = find(v->stmt->first, "protocol");
	size_t i;

	/* as keepalived has it, where nothing is said */
	v->service.key.proto = IPPROTO_UDP;
	for (i = 0; s && ka_word(s, 1) && i < countof(protocols); i++)
		if (!strcasecmp(protocols[i].word, s->words[1]))
			v->service.key.proto = protocols[i].proto;
}

/* What a service of a firewall mark is for: what is said, or what the first real server is. */
static uint8_t mark_family(const struct ka_virtual *v)
{
	const struct ka_stmt *said = find(v->stmt->first, "ip_family");
	const struct ka_stmt *mask = find(v->stmt->first, "persistence_granularity");
	const struct ka_stmt *s;
	struct addr a;

	if (said && ka_word(said, 1))
		return !strcmp(said->words[1], "inet6") ? AF_INET6 : AF_INET;
	if (mask && ka_word(mask, 1))
		return strchr(mask->words[1], '.') ? AF_INET : AF_INET6;
	for (s = v->stmt->first; s; s = s->next)
		if (!strcmp(s->words[0], "real_server") && ka_word(s, 1) &&
		    !addr_parse(s->words[1], &a))
			return a.family;
	return AF_INET;
}

static void copy_name(struct ka_virtual *v, char *field, const struct ka_stmt *s)
{
	const char *word = ka_word(s, 1);

	if (word && strlen(word) < IPVS_NAME_LEN)
		memcpy(field, word, strlen(word) + 1);
	else
		ka_note(v->k, v->part, IMPORT_DROPPED, s,
			"the kernel has no module of such a name");
}

static void read_scheduler(struct ka_virtual *v)
{
	const struct ka_stmt *s;
	size_t i;

	memcpy(v->service.scheduler, "wlc", sizeof("wlc"));
	if (v->sched)
		copy_name(v, v->service.scheduler, v->sched);
	for (s = v->stmt->first; s; s = s->next)
		for (i = 0; keys[i].word; i++)
			if (keys[i].type == KA_ELSEWHERE && strchr(keys[i].word, '-') &&
			    !strcmp(keys[i].word, s->words[0]))
				v->service.flags |= shape_flags(v->k->im, v->part, s->at,
								v->service.scheduler, s->words[0]);
	if (v->ops)
		v->service.flags |= IPVS_SVC_ONEPACKET;
}

static void read_granularity(struct ka_virtual *v)
{
	const char *word = v->granularity ? ka_word(v->granularity, 1) : NULL;
	bool six = v->service.key.addr.family == AF_INET6;
	struct in_addr mask;
	uint64_t prefix;

	v->service.netmask = six ? 128 : UINT32_MAX;
	if (!v->granularity)
		return;
	if (six && word && shape_number(word, 128, &prefix) && prefix)
		v->service.netmask = (uint32_t)prefix;
	else if (!six && word && inet_pton(AF_INET, word, &mask) == 1)
		v->service.netmask = mask.s_addr;
	else
		ka_note(v->k, v->part, IMPORT_DROPPED, v->granularity,
			"this is no netmask of the service's address");
	if (!(v->service.flags & IPVS_SVC_PERSISTENT)) {
		v->service.flags |= IPVS_SVC_PERSISTENT;
		v->service.timeout = PERSISTENCE_S;
	}
}

static void read_persistence(struct ka_virtual *v)
{
	const char *word = v->persistence ? ka_word(v->persistence, 1) : NULL;
	uint64_t seconds = PERSISTENCE_S;
	bool every = false;
	size_t i;

	if (word && (!shape_number(word, UINT32_MAX, &seconds) || !seconds)) {
		ka_note(v->k, v->part, IMPORT_DROPPED, v->persistence,
			"this is no time, and keepalived passes over it: there is no persistence");
	} else if (v->persistence) {
		v->service.flags |= IPVS_SVC_PERSISTENT;
		v->service.timeout = (uint32_t)seconds;
	}
	read_granularity(v);
	for (i = 0; i < v->n_keys; i++)
		every |= !v->keys[i].fwmark && !v->keys[i].addr.port;
	if (every && !(v->service.flags & IPVS_SVC_PERSISTENT)) {
		v->service.flags |= IPVS_SVC_PERSISTENT;
		v->service.timeout = PERSISTENCE_S;
		ka_note(v->k, v->part, IMPORT_APPROXIMATED, v->stmt,
			"without a port it is for every port, which needs persistence: 6 minutes, "
			"as "
			"keepalived does");
	}
	if (v->engine)
		copy_name(v, v->service.engine, v->engine);
}

/* --- what happens when servers fail ----------------------------------------------------- */

static void put_start(struct ka_virtual *v)
{
	struct ka *k = v->k;

	if (v->n_alpha && v->n_alpha == v->n_dests) {
		import_key(v->part, v->stmt->at, "initial", "down");
		return;
	}
	if (v->n_alpha)
		import_note(k->im, v->part, IMPORT_APPROXIMATED, v->stmt->at, "alpha",
			    "not all of its real servers have it, and initial is the service's");
	if (k->said_start)
		return;
	k->said_start = true;
	ka_note(k, NULL, IMPORT_APPROXIMATED, v->stmt,
		"without alpha keepalived takes real servers to be up before their first check; "
		"here, "
		"and in all others, each keeps the weight that it has in the kernel until its "
		"first "
		"verdict, and one that is not in the kernel stays out: initial = up is "
		"keepalived's "
		"way");
}

static void put_panic(struct ka_virtual *v)
{
	struct ka *k = v->k;

	if (v->sorry_there) {
		import_key(v->part, v->sorry->at, "on_panic", "backup");
		return;
	}
	if (k->said_panic)
		return;
	k->said_panic = true;
	ka_note(k, NULL, IMPORT_APPROXIMATED, v->stmt,
		"when all real servers fail, keepalived leaves nobody in; here, and in all others "
		"without a sorry_server, that is taken to be the check's fault, and all serve "
		"(on_panic = keep)");
}

static void put_failed(struct ka_virtual *v)
{
	if (v->n_removed && !v->n_kept)
		import_remove_failed(v->part);
	else if (v->n_removed)
		import_note(
			v->k->im, v->part, IMPORT_APPROXIMATED, v->stmt->at, "inhibit_on_failure",
			"not all of its real servers have it: each that fails gets weight 0, and "
			"stays in the table");
}

/* A quorum is a sum of weights; a rule counts realservers. */
static void put_quorum(struct ka_virtual *v)
{
	struct import_part *rule;
	struct buf wish = BUF_INIT;
	uint64_t quorum = 0, n;
	size_t i;

	if (!v->quorum || !ka_word(v->quorum, 1) ||
	    !shape_number(v->quorum->words[1], UINT32_MAX, &quorum) || quorum <= 1)
		return;
	for (i = 1; i < v->n_dests; i++)
		if (v->dests[i].dest.weight != v->dests[0].dest.weight)
			break;
	if (!v->sorry_there || i < v->n_dests || !v->n_dests || !v->dests[0].dest.weight) {
		ka_note(v->k, v->part, IMPORT_DROPPED, v->quorum, "%s",
			v->sorry_there
				? "a sum of different weights: the backup serves when no "
				  "realserver is up (a [rule] with service_available < N and "
				  "action = fallback lets it serve earlier)"
				: "without a sorry_server it only told scripts");
		return;
	}
	n = (quorum + v->dests[0].dest.weight - 1) / v->dests[0].dest.weight;
	n = n > v->n_dests ? v->n_dests : n;
	buf_printf(&wish, "%.30s-quorum", import_part_name(v->part));
	rule = import_part(v->k->im, "rule", buf_str(&wish), v->quorum->at);
	import_key(rule, v->quorum->at, "service", "%s", import_part_name(v->part));
	import_key(rule, v->quorum->at, "expr", "service_available < %u", (unsigned int)n);
	import_key(rule, v->quorum->at, "action", "fallback");
	ka_note(v->k, rule, IMPORT_APPROXIMATED, v->quorum,
		"the sum of weights as a count of realservers, those that operators drained among "
		"the missing");
	v->k->oom |= !buf_ok(&wish);
	buf_fini(&wish);
}

/* --- the whole ---------------------------------------------------------------------------- */

static int read_reals(struct ka_virtual *v)
{
	const struct ka_stmt *s;
	int r = 0;

	for (s = v->stmt->first; s && !r; s = s->next)
		if (!strcmp(s->words[0], "real_server"))
			r = ka_real(v, s);
	return r ? r : ka_sorry(v);
}

static int put_service(struct ka_virtual *v)
{
	struct ka *k = v->k;
	size_t i, n = 0;
	int r;

	for (i = 0; i < v->n_keys; i++)
		n += import_address(v->part, v->origins[i]->at, &v->keys[i]);
	if (!n) {
		ka_note(k, v->part, IMPORT_DROPPED, v->stmt, "none of its addresses is left");
		import_discard(v->part);
		return 0;
	}
	read_scheduler(v);
	read_persistence(v);
	import_scheduling(v->part, v->stmt->at, "virtual_server", &v->service);
	ka_notes(k, v->part, v->stmt->first, keys);
	r = read_reals(v);
	if (r)
		return r;
	put_start(v);
	put_failed(v);
	put_quorum(v);
	put_panic(v);
	import_pool(v->part, &v->service.key, v->dests, v->n_dests + v->sorry_there);
	ka_note(k, v->part, IMPORT_IMPORTED, v->stmt, "[service %s]", import_part_name(v->part));
	return 0;
}

int ka_virtual(struct ka *k, const struct ka_stmt *s)
{
	struct ka_virtual v = { .k = k,
				.stmt = s,
				.weight = KA_UNSET,
				.terms = { KA_UNSET, KA_UNSET, KA_UNSET, KA_UNSET, KA_UNSET,
					   KA_UNSET, NULL } };
	struct buf wish = BUF_INIT;
	bool marks;
	size_t i;
	int r;

	read_protocol(&v);
	r = ka_addresses(&v);
	if (r)
		return r;
	if (!v.n_keys) {
		ka_note(k, NULL, IMPORT_DROPPED, s, "it has no address that could be read");
		return 0;
	}
	for (i = 0; i < v.n_keys; i++)
		if (!v.keys[i].addr.family)
			v.keys[i].addr.family = mark_family(&v);
	v.service.key = v.keys[0];
	put_wish(&wish, &v);
	v.part = import_part(k->im, "service", buf_str(&wish), s->at);
	k->oom |= !buf_ok(&wish);
	buf_fini(&wish);
	if (!v.part)
		return -ENOMEM;
	ka_set(k, v.part, s->first, keys, &v);
	for (i = 0, marks = true; i < v.n_keys; i++)
		marks &= v.keys[i].fwmark != 0;
	if (!v.protocol && !marks)
		ka_note(k, v.part, IMPORT_APPROXIMATED, s,
			"no protocol is said, which is UDP to keepalived, and so it is here");
	else if (v.protocol && v.service.key.proto == IPPROTO_UDP && ka_word(v.protocol, 1) &&
		 strcasecmp(v.protocol->words[1], "UDP") != 0)
		ka_note(k, v.part, IMPORT_DROPPED, v.protocol,
			"there is no such protocol, and keepalived takes UDP");
	return put_service(&v);
}
