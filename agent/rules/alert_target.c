/* alert_target.c: from labels to realservers. Whoever writes alerts thinks of hosts, of
 * names or of our metrics, and each is found where it is meant; but an alert that leaves
 * room for doubt takes nobody out. */
#include "agent/rules/alert_target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/rules/rule_conf.h"
#include "conf/setter.h"

/* --- the index -------------------------------------------------------------------- */

/* An address at which a realserver serves; a row for each of them. */
struct alert_address {
	struct addr addr; /* without its port */
	uint32_t realserver;
};

static int cmp_names(const void *a, const void *b, void *arg)
{
	const struct layout *l = arg;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	int r = strcmp(l->realservers[x].conf->name, l->realservers[y].conf->name);

	return r ? r : x < y ? -1 : x > y;
}

static int cmp_addresses(const void *a, const void *b)
{
	const struct alert_address *x = a, *y = b;
	int r = addr_cmp(&x->addr, &y->addr);

	return r ? r : x->realserver < y->realserver ? -1 : x->realserver > y->realserver;
}

static struct addr host_of(const struct addr *a)
{
	struct addr host = *a;

	host.port = 0;
	return host;
}

static int index_names(struct alert_index *ix)
{
	uint32_t n = ix->layout->n_realservers, i;

	ix->by_name = malloc((n + 1ul) * sizeof(*ix->by_name));
	if (!ix->by_name)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		ix->by_name[i] = i;
	qsort_r(ix->by_name, n, sizeof(*ix->by_name), cmp_names, (void *)(uintptr_t)ix->layout);
	return 0;
}

static int index_addresses(struct alert_index *ix)
{
	const struct layout *l = ix->layout;
	size_t n = 0;
	uint32_t i, k;

	for (i = 0; i < l->n_realservers; i++)
		n += l->realservers[i].conf->n_addr;
	ix->by_address = malloc((n + 1) * sizeof(*ix->by_address));
	if (!ix->by_address)
		return -ENOMEM;
	ix->n_addresses = n;
	for (n = 0, i = 0; i < l->n_realservers; i++)
		for (k = 0; k < l->realservers[i].conf->n_addr; k++)
			ix->by_address[n++] =
				(struct alert_address){ host_of(&l->realservers[i].conf->addr[k]),
							i };
	qsort(ix->by_address, n, sizeof(*ix->by_address), cmp_addresses);
	return 0;
}

void alert_index_fini(struct alert_index *ix)
{
	free(ix->by_name);
	free(ix->by_address);
	*ix = (struct alert_index){ 0 };
}

/* --- what is found ------------------------------------------------------------------ */

/* Those that are meant so far. */
struct found {
	struct alert_index *ix;
	const struct rule_conf *rule;
	struct buf *why;
	uint32_t *ids;
	uint32_t n;    /* that the rule is about too; may be one more than there is room for */
	bool any;      /* one was meant, though perhaps not by the rule */
	uint32_t only; /* this service; LAYOUT_NONE = any */
};

static const struct service_conf *service_of(const struct layout *l, uint32_t realserver)
{
	return l->services[l->realservers[realserver].service].conf;
}

/* Whether it serves at such an address; without a port at any of its ports. */
static bool serves_at(const struct layout *l, uint32_t realserver, const struct addr *meant)
{
	const struct layout_realserver *r = &l->realservers[realserver];
	uint32_t i;

	for (i = 0; i < r->conf->n_addr; i++) {
		struct addr own = meant->port ? r->conf->addr[i] : host_of(&r->conf->addr[i]);

		if (!addr_cmp(&own, meant))
			return true;
	}
	/* Where its line has no port, it has its VIPs'. */
	for (i = r->first_dest_link; i < r->first_dest_link + r->n_dest_links; i++) {
		struct addr own = layout_dest_addr(l, l->dest_links[i]);

		if (!addr_cmp(&own, meant))
			return true;
	}
	return false;
}

static void take(struct found *f, uint32_t realserver)
{
	const struct layout *l = f->ix->layout;
	const struct realserver_conf *c = l->realservers[realserver].conf;
	const struct service_conf *s = service_of(l, realserver);
	uint32_t i;

	if (f->only != LAYOUT_NONE && l->realservers[realserver].service != f->only)
		return;
	f->any = true;
	if (!s->enabled || !c->enabled || !rule_conf_matches(f->rule, s, c))
		return;
	for (i = 0; i < f->n && i < ALERT_REALSERVERS_MAX; i++)
		if (f->ids[i] == realserver)
			return;
	if (f->n < ALERT_REALSERVERS_MAX)
		f->ids[f->n] = realserver;
	f->n++;
}

static int find_name(struct found *f, const char *name)
{
	const struct layout *l = f->ix->layout;
	uint32_t low = 0, high = l->n_realservers, at;
	int e = f->ix->by_name || f->only != LAYOUT_NONE ? 0 : index_names(f->ix);

	if (e)
		return e;
	if (f->only != LAYOUT_NONE) {
		at = layout_find_realserver(l, f->only, name);
		if (at != LAYOUT_NONE)
			take(f, at);
		return 0;
	}
	while (low < high) {
		at = low + (high - low) / 2;
		if (strcmp(l->realservers[f->ix->by_name[at]].conf->name, name) < 0)
			low = at + 1;
		else
			high = at;
	}
	for (; low < l->n_realservers; low++) {
		if (strcmp(l->realservers[f->ix->by_name[low]].conf->name, name) != 0)
			break;
		take(f, f->ix->by_name[low]);
	}
	return 0;
}

static int find_address(struct found *f, const struct addr *meant)
{
	const struct addr host = host_of(meant);
	int e = f->ix->by_address ? 0 : index_addresses(f->ix);
	size_t low = 0, high = f->ix->n_addresses;

	if (e)
		return e;
	while (low < high) {
		size_t at = low + (high - low) / 2;

		if (addr_cmp(&f->ix->by_address[at].addr, &host) < 0)
			low = at + 1;
		else
			high = at;
	}
	for (; low < f->ix->n_addresses; low++) {
		const struct alert_address *a = &f->ix->by_address[low];

		if (addr_cmp(&a->addr, &host) != 0)
			break;
		if (!meant->port || serves_at(f->ix->layout, a->realserver, meant))
			take(f, a->realserver);
	}
	return 0;
}

/* --- words --------------------------------------------------------------------------- */

static int refuse(const struct found *f, const char *before, const char *text, const char *after)
{
	buf_puts(f->why, before);
	conf_quote(f->why, text);
	buf_puts(f->why, after);
	return -EINVAL;
}

static int refuse_pattern(const struct found *f, const char *label, const char *value)
{
	buf_printf(f->why, "label %s: ", label);
	return refuse(f, "", value, " is a pattern: an alert must name realservers exactly");
}

static int refuse_whole(const struct found *f, const char *service)
{
	return refuse(f, "it names service ", service, " as a whole, and no realserver");
}

/* "web1", "10.1.2.3", "10.1.2.3:80": what a name is in labels and in `target`. */
static int find_any(struct found *f, const char *text)
{
	struct addr addr;
	int e = find_name(f, text);

	if (!e && !f->any && !addr_parse(text, &addr))
		e = find_address(f, &addr);
	return e;
}

/* "10.1.2.21:9100" → "10.1.2.21", "[2001:db8::1]:9100" → "2001:db8::1", "web1:9100" →
 * "web1". */
static char *host_in(const char *instance)
{
	struct buf host = BUF_INIT;
	struct addr addr;
	size_t len = strlen(instance);
	const char *colon = strrchr(instance, ':');

	if (!addr_parse(instance, &addr)) {
		addr_format_host(&host, &addr);
		return buf_take(&host);
	}
	if (*instance == '[' && len > 2 && instance[len - 1] == ']')
		return strndup(instance + 1, len - 2);
	if (colon && strspn(colon + 1, "0123456789") == strlen(colon + 1))
		len = (size_t)(colon - instance);
	return strndup(instance, len);
}

/* --- by labels ------------------------------------------------------------------------ */

/* An address of the service itself, as our own metrics have it. */
static bool is_vip(const struct service_conf *s, const char *text)
{
	uint32_t i;

	for (i = 0; i < s->n_addresses; i++)
		if (!strcmp(s->addresses[i].text, text))
			return true;
	return false;
}

static bool is_some_vip(const struct layout *l, const char *text)
{
	uint32_t i;

	for (i = 0; i < l->n_services; i++)
		if (is_vip(l->services[i].conf, text))
			return true;
	return false;
}

/* The label `address` beside a name: leaves those to which it belongs. */
static int agree(struct found *f, const char *address)
{
	const struct layout *l = f->ix->layout;
	struct addr addr;
	bool is_addr = !addr_parse(address, &addr);
	uint32_t i, n = 0;

	if (f->n > ALERT_REALSERVERS_MAX)
		return 0;
	for (i = 0; i < f->n; i++)
		if (is_vip(service_of(l, f->ids[i]), address) ||
		    (is_addr && serves_at(l, f->ids[i], &addr)))
			f->ids[n++] = f->ids[i];
	if (f->n && !n)
		return refuse(f, "labels disagree: address ", address,
			      " is neither the realserver's nor its service's");
	f->n = n;
	return 0;
}

static int by_realserver(struct found *f, const char *realserver, const char *address)
{
	int e;

	if (strpbrk(realserver, "*?"))
		return refuse_pattern(f, "realserver", realserver);
	e = find_any(f, realserver);
	if (e)
		return e;
	if (!f->any && f->only != LAYOUT_NONE)
		return refuse(f, "the service has no realserver ", realserver, "");
	if (!f->any)
		return refuse(f, "there is no realserver ", realserver, "");
	return address ? agree(f, address) : 0;
}

static int by_address(struct found *f, const char *address)
{
	struct addr addr;
	int e;

	if (is_some_vip(f->ix->layout, address))
		return refuse_whole(f, address);
	if (addr_parse(address, &addr))
		return refuse(f, "label address: ", address, " is no address");
	e = find_address(f, &addr);
	if (!e && !f->any)
		return refuse(f,
			      f->only == LAYOUT_NONE
				      ? "no realserver has the address "
				      : "the service has no realserver with the address ",
			      address, "");
	return e;
}

static int by_instance(struct found *f, const char *instance)
{
	char *host = host_in(instance);
	int e = host ? 0 : -ENOMEM;

	if (!e)
		e = find_any(f, host);
	free(host);
	if (!e && !f->any)
		return refuse(f, "its labels name no realserver: instance ", instance,
			      f->only == LAYOUT_NONE ? " is none" : " is none of its service");
	return e;
}

static int by_labels(struct found *f, const struct alert *a)
{
	const char *service = alert_label(a, "ipvs_service"), *name = alert_label(a, "realserver");
	const char *address = alert_label(a, "address"), *instance = alert_label(a, "instance");

	if (service && strpbrk(service, "*?"))
		return refuse_pattern(f, "ipvs_service", service);
	if (service) {
		f->only = layout_find_service(f->ix->layout, service);
		if (f->only == LAYOUT_NONE)
			return refuse(f, "there is no service ", service, "");
	}
	if (name)
		return by_realserver(f, name, address);
	if (address)
		return by_address(f, address);
	if (instance)
		return by_instance(f, instance);
	if (service)
		return refuse_whole(f, service);
	buf_puts(f->why, "it has none of the labels realserver, address and instance");
	return -EINVAL;
}

/* --- by the rule's target --------------------------------------------------------------- */

const char *alert_target_wrong(const char *text)
{
	static const char word[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				   "0123456789_";
	unsigned int slashes = 0;

	if (strlen(text) > ALERT_TARGET_MAX)
		return "is too long (1024 characters at most)";
	for (; *text; text++) {
		size_t len = strspn(text + 1, word);

		if (*text == '*' || *text == '?')
			return "is a pattern: it must name realservers exactly";
		if (*text == '/' && slashes++)
			return "has more than one '/'";
		if (*text == '}')
			return "has a '}' without its '{'";
		if (*text != '{')
			continue;
		if (!len || (text[1] >= '0' && text[1] <= '9') || text[1 + len] != '}')
			return "has a '{' that begins no {LABEL}";
		text += len + 1;
	}
	return NULL;
}

/* Of {instance} its host alone, as everywhere. */
static int put_label(const struct found *f, const struct alert *a, const char *name,
		     struct buf *out)
{
	const char *value = alert_label(a, name);
	char *host;

	if (!value)
		return refuse(f, "it has no label ", name, ", which the rule's target asks for");
	if (strpbrk(value, "*?"))
		return refuse_pattern(f, name, value);
	if (strchr(value, '/'))
		return refuse(f, "the rule's target asks for a label that has a '/': ", value, "");
	if (strcmp(name, "instance") != 0) {
		buf_puts(out, value);
		return 0;
	}
	host = host_in(value);
	if (!host)
		return -ENOMEM;
	buf_puts(out, host);
	free(host);
	return 0;
}

static int fill(const struct found *f, const struct alert *a, struct buf *out)
{
	const char *text = f->rule->target;
	int e = 0;

	while (*text && !e) {
		size_t len = strcspn(text, "{");
		char *name;

		buf_put(out, text, len);
		text += len;
		if (!*text)
			break;
		len = strcspn(text, "}");
		name = strndup(text + 1, len - 1);
		e = name ? put_label(f, a, name, out) : -ENOMEM;
		free(name);
		text += len + 1;
	}
	return e ? e : buf_ok(out) ? 0 : -ENOMEM;
}

static int by_target(struct found *f, const struct alert *a)
{
	struct buf text = BUF_INIT;
	const char *name;
	char *slash = NULL;
	int e = fill(f, a, &text);

	if (e)
		goto out;
	name = buf_str(&text);
	slash = strchr(name, '/');
	if (slash) {
		*slash = '\0';
		f->only = layout_find_service(f->ix->layout, name);
		if (f->only == LAYOUT_NONE) {
			e = refuse(f, "there is no service ", name, "");
			goto out;
		}
		name = slash + 1;
	}
	e = find_any(f, name);
	if (!e && !f->any && !slash && layout_find_service(f->ix->layout, name) != LAYOUT_NONE)
		e = refuse_whole(f, name);
	else if (!e && !f->any)
		e = refuse(f, "there is no realserver ", name, "");
out:
	buf_fini(&text);
	return e;
}

int alert_target(struct alert_index *ix, const struct rule_conf *rule, const struct alert *a,
		 struct buf *why, uint32_t ret_ids[static ALERT_REALSERVERS_MAX], uint32_t *ret_n)
{
	struct found f = {
		.ix = ix, .rule = rule, .why = why, .ids = ret_ids, .only = LAYOUT_NONE
	};
	int e = rule->target ? by_target(&f, a) : by_labels(&f, a);

	if (e)
		return e;
	if (f.n > ALERT_REALSERVERS_MAX) {
		buf_printf(why, "it is about %u realservers, %d at most", f.n,
			   ALERT_REALSERVERS_MAX);
		return -EINVAL;
	}
	if (!f.n) {
		buf_printf(why, "rule %s is not about that realserver", rule->head.name);
		return -ENOENT;
	}
	*ret_n = f.n;
	return 0;
}
