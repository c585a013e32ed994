/* test_diff.c: tests/golden/diff: each case is a configuration, what the kernel has
 * (kernel_text.h), and what else is known, a line a fact; behind the last "---" stands
 * what must be written, in order, every attribute of it. Facts:
 *
 *   down|none SERVICE/REALSERVER       verdicts; all others are up
 *   hold SERVICE/REALSERVER EFFECT     an operator's: absent, 0, 50
 *   settled                            the kernel was seen like this before …
 *   present SERVICE-ADDRESS            … and with this service
 *   seen SERVICE/REALSERVER WEIGHT     … and so much at this one; -1 = it was not there
 *   owned SERVICE-ADDRESS              ours by the ledger
 *   leaving SERVICE-ADDRESS DEST SECONDS    since then; DEST - = the service
 *   quiet SECONDS INACTIVE LOOKS       of the last of these: for so long nothing active, so
 *                                      many inactive, not grown in so many looks
 *   writing|wrote SERVICE-ADDRESS      a write overlaps the reading
 *
 * With GOLDEN_UPDATE=1 the answers are written anew: read the difference. */

#include "agent/agent.h"
#include "agent/ipvs/ipvs.h"
#include "agent/sync/desired.h"
#include "agent/sync/pass.h"
#include "tests/unit/golden_cases.h"
#include "tests/unit/kernel_text.h"

enum { NOW_MS = 10000000, MAX_WORDS = 16 };

struct a_case {
	struct state *s;
	struct holds *holds;
	struct ipvs_table table;
	struct table_draft draft;
	struct diff_leaving leaving[16];
	uint32_t n_leaving;
	struct ipvs_key owned[8];
	uint32_t n_owned;
	bool settled;
	char *facts; /* applied when the table is read */
	struct pass *pass;
	bool *none; /* by realserver: without a verdict */
	struct buf out;
};

/* Calls fn for each line's words; lines of '#' and empty ones are passed by. */
static void each_line(const char *text, void (*fn)(struct a_case *c, char **words, size_t n),
		      struct a_case *c)
{
	char *copy = strdup(text), *line, *next = copy;

	while ((line = strsep(&next, "\n"))) {
		char *words[MAX_WORDS], *word, *rest = line;
		size_t n;

		if (*line == '#')
			continue;
		for (n = 0; n < MAX_WORDS; n++)
			words[n] = line + strlen(line); /* what is missing is empty */
		n = 0;
		while ((word = strsep(&rest, " ")) && n < MAX_WORDS)
			if (*word)
				words[n++] = word;
		if (n)
			fn(c, words, n);
	}
	free(copy);
}

static void close_last(struct a_case *c)
{
	struct ipvs_table *t = &c->table;

	if (t->n_services)
		table_close_service(t, &t->services[t->n_services - 1],
				    t->services[t->n_services - 1].first_dest);
}

static void take_row(struct a_case *c, char **words, size_t n)
{
	if (!strcmp(words[0], "service")) {
		close_last(c);
		add_service(&c->draft, words, n);
	} else {
		assert_string_equal(words[0], "dest");
		add_dest(&c->draft, words, n);
	}
}

static void read_table(struct a_case *c, const char *text)
{
	c->table = (struct ipvs_table){ .complete = true, .started_us = 1000 };
	c->draft.table = &c->table;
	each_line(text, take_row, c);
	close_last(c);
	assert_int_equal(table_sort(&c->table), 0);
}

static uint32_t vip_of(const struct a_case *c, const char *text)
{
	struct ipvs_key key = key_of(text);
	uint32_t vip = layout_find_vip(c->s->layout, &key);

	assert_int_not_equal(vip, LAYOUT_NONE);
	return vip;
}

static void hold(struct a_case *c, const char *target, const char *effect)
{
	const struct layout *l = c->s->layout;
	uint32_t id = id_of(l, target);
	struct hold *h = hold_new(&(struct hold){
		.id = (char *)(uintptr_t)target,
		.hold_class = HOLD_OPERATOR,
		.service =
			(char *)(uintptr_t)l->services[l->realservers[id].service].conf->head.name,
		.realserver = (char *)(uintptr_t)l->realservers[id].conf->name,
		.effect = strcmp(effect, "absent") ? atoi(effect) : HOLD_ABSENT,
		.active = true });

	assert_int_equal(holds_place(c->holds, h, NULL), 0);
}

static void take_fact(struct a_case *c, char **words, size_t n)
{
	const char *what = words[0];

	if (!strcmp(what, "down"))
		end_probes(c->s, id_of(c->s->layout, words[1]), VERDICT_DOWN, PROBE_CONNECT_REFUSED,
			   1);
	else if (!strcmp(what, "hold"))
		hold(c, words[1], words[2]);
	else if (!strcmp(what, "settled"))
		c->settled = true;
	else if (!strcmp(what, "present"))
		c->s->vips[vip_of(c, words[1])].present = true;
	else if (!strcmp(what, "owned"))
		c->owned[c->n_owned++] = key_of(words[1]);
	else if (!strcmp(what, "writing"))
		c->s->vips[vip_of(c, words[1])].writes = 1;
	else if (!strcmp(what, "wrote"))
		c->s->vips[vip_of(c, words[1])].written_us = 1000;
	else if (!strcmp(what, "leaving") && n == 4)
		c->leaving[c->n_leaving++] =
			(struct diff_leaving){ .service = key_of(words[1]),
					       .dest = addr_of(words[2]),
					       .since_ms = NOW_MS - atoi(words[3]) * 1000 };
	else if (!strcmp(what, "quiet") && n == 4 && c->n_leaving)
		c->leaving[c->n_leaving - 1].drain =
			(struct drain_memory){ .looked = true,
					       .quiet_ms = NOW_MS - atoi(words[1]) * 1000,
					       .inactive = (uint32_t)atoi(words[2]),
					       .still = (uint32_t)atoi(words[3]) };
	else if (strcmp(what, "none") && strcmp(what, "seen"))
		fail_msg("what is '%s'?", what);
}

static void take_none(struct a_case *c, char **words, size_t n)
{
	(void)n;
	if (!strcmp(words[0], "none"))
		c->none[id_of(c->s->layout, words[1])] = true;
}

static void take_seen(struct a_case *c, char **words, size_t n)
{
	const struct layout_realserver *r;
	uint32_t i;

	if (strcmp(words[0], "seen"))
		return;
	assert_int_equal(n, 3);
	r = &c->s->layout->realservers[id_of(c->s->layout, words[1])];
	for (i = r->first_dest_link; i < r->first_dest_link + r->n_dest_links; i++)
		c->s->dests[c->s->layout->dest_links[i]].seen = atoi(words[2]);
}

static void set_verdicts(struct a_case *c)
{
	uint32_t i;

	for (i = 0; i < c->s->layout->n_realservers; i++)
		if (!c->none[i])
			end_probes(c->s, i, VERDICT_UP, PROBE_OK, 0);
}

static void settle(struct a_case *c)
{
	const struct layout *l = c->s->layout;
	const struct match *m = &c->pass->reading->match;
	uint32_t i;

	for (i = 0; i < l->n_vips; i++)
		c->s->vips[i].present = c->s->vips[i].settled =
			m->row_of_vip[i] != MATCH_NONE || c->s->vips[i].present;
	for (i = 0; i < l->n_dests; i++) {
		uint32_t row = m->row_of_dest[i];

		c->s->dests[i].settled = true;
		c->s->dests[i].seen = row == MATCH_NONE
					      ? SEEN_ABSENT
					      : (int32_t)c->pass->reading->table.dests[row].weight;
	}
}

static int cmp_leaving(const void *a, const void *b)
{
	const struct diff_leaving *x = a, *y = b;
	int r = ipvs_key_cmp(&x->service, &y->service);

	return r ? r : addr_cmp(&x->dest, &y->dest);
}

/* The reconciler's way, from the reading to the difference. */
static void work_out(struct a_case *c)
{
	struct diff_policy gone = { REMOVE_DRAIN, 300000 };
	struct decider decider = { .holds = c->holds };
	struct decided *decided;
	struct state *s = c->s;
	uint32_t i, j;

	assert_int_equal(pass_new(s->layout, &c->pass), 0);
	assert_int_equal(reading_new(s->layout, &c->table, &c->pass->reading), 0);
	assert_int_equal(reading_match(c->pass->reading), 0);
	if (c->settled)
		settle(c);
	each_line(c->facts, take_seen, c);
	pass_set_caps(c->pass, s);
	assert_int_equal(decider_prepare(s->layout, &decided), 0);
	decider_adopt(&decider, s, decided);
	for (i = 0; i < s->layout->n_services; i++) {
		struct desired_verdicts verdicts;

		desired_verdicts(s->layout, s, i, false, &verdicts);
		s->services[i].panic = desired_panic(&verdicts);
		s->services[i].backup_up = verdicts.backup_up;
	}
	for (i = 0; i < s->layout->n_realservers; i++)
		(void)decide_want(&decider, i, 0);
	for (i = 0; i < s->layout->n_services; i++)
		decide_count(s, i);
	decider_fini(&decider);
	qsort(c->leaving, c->n_leaving, sizeof(*c->leaving), cmp_leaving);
	assert_int_equal(pass_prepare(c->pass, s, c->leaving, c->n_leaving, &gone, NOW_MS), 0);
	for (i = 0; i < c->pass->reading->table.n_services + c->pass->reading->n_lanes; i++)
		for (j = 0; j < c->n_owned; j++)
			c->pass->owned[i] |= !ipvs_key_cmp(&c->pass->reading->table.services[i].key,
							   &c->owned[j]);
	pass_diff(c->pass);
	assert_int_equal(c->pass->error, 0);
}

/* --- the answer ------------------------------------------------------------------ */

static void print_changes(struct buf *out, uint32_t changes)
{
	static const char *const names[] = { "weight",    "forward", "tunnel",      "thresholds",
					     "scheduler", "flags",   "persistence", "engine" };
	const char *sep = " (";
	size_t i;

	for (i = 0; i < countof(names); i++) {
		if (!(changes & (1u << i)))
			continue;
		buf_printf(out, "%s%s", sep, names[i]);
		sep = " ";
	}
	buf_puts(out, *sep == ' ' && sep[1] == '(' ? "" : ")");
}

static void print_service(struct buf *out, const struct ipvs_service *s)
{
	bool v6 = s->key.addr.family == AF_INET6;

	buf_printf(out, " %s flags=%u persistence=%u netmask=%u engine=%s", s->scheduler, s->flags,
		   s->timeout, v6 ? s->netmask : (uint32_t)__builtin_popcount(s->netmask),
		   *s->engine ? s->engine : "-");
}

static void print_dest(struct buf *out, const struct ipvs_dest *d)
{
	buf_printf(out, " %u %s", d->weight, ipvs_forward_name(d->forward));
	if (d->upper || d->lower)
		buf_printf(out, " upper=%u lower=%u", d->upper, d->lower);
	if (d->forward == IPVS_TUNNEL)
		buf_printf(out, " tunnel=%u tport=%u tflags=%u", d->tun_type, d->tun_port,
			   d->tun_flags);
}

/* What the kernel is told: the operations of a batch. */
static void print_item(struct buf *out, const struct pass *p, const struct diff_item *item)
{
	const struct ipvs_service *s;
	const struct ipvs_dest *d;
	struct batch *b;

	assert_int_equal(batch_new(p->layout, &b), 0);
	assert_int_equal(batch_add(b, item, &p->reading->table), 0);
	assert_int_equal(b->ops->n_ops, 1);
	s = &b->ops->services[b->ops->ops[0].service];
	d = item->kind >= IPVS_NEW_DEST ? &b->ops->dests[b->ops->ops[0].dest] : NULL;
	buf_printf(out, "%s ", ipvs_op_names[b->ops->ops[0].kind]);
	ipvs_key_format(out, &s->key);
	if (d) {
		buf_putc(out, ' ');
		addr_format(out, &d->addr);
	}
	if (d && item->kind != IPVS_DEL_DEST)
		print_dest(out, d);
	if (!d && item->kind != IPVS_DEL_SERVICE)
		print_service(out, s);
	print_changes(out, item->changes);
	buf_puts(out, item->drift ? " drift\n" : "\n");
	batch_free(b);
}

static void print_answer(struct a_case *c)
{
	const struct diff *d = &c->pass->diff;
	uint32_t i;

	for (i = 0; i < d->n_items; i++)
		print_item(&c->out, c->pass, &d->items[i]);
	for (i = 0; i < d->n_leaving; i++) {
		buf_puts(&c->out, "leaving ");
		ipvs_key_format(&c->out, &d->leaving[i].service);
		buf_putc(&c->out, ' ');
		if (d->leaving[i].dest.family)
			addr_format(&c->out, &d->leaving[i].dest);
		else
			buf_putc(&c->out, '-');
		buf_printf(&c->out, " %d\n", (int)((NOW_MS - d->leaving[i].since_ms) / 1000));
	}
	if (!c->out.len)
		buf_puts(&c->out, "nothing\n");
}

/* --- the cases -------------------------------------------------------------------- */

static char *read_text(const char *path)
{
	struct buf text = BUF_INIT;
	FILE *f = fopen(path, "re");
	char part[4096];
	size_t n;

	assert_non_null(f);
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		buf_put(&text, part, n);
	fclose(f);
	return buf_take(&text);
}

/* Cuts a part off at its "---" line. */
static char *next_part(char **text)
{
	char *part = *text, *end = strncmp(part, "---\n", 4) ? strstr(part, "\n---\n") : part - 1;

	assert_non_null(end);
	*text = end + 5;
	end[1] = '\0';
	if (end >= part)
		*end = '\0';
	return part;
}

static void update(const char *path, const char *whole, const char *answer)
{
	size_t head = 0;
	FILE *f;
	int i;

	for (i = 0; i < 3; i++)
		head = (size_t)(strstr(whole + head, "---\n") - whole) + 4;
	f = fopen(path, "we");
	assert_non_null(f);
	fprintf(f, "%.*s%s", (int)head, whole, answer);
	fclose(f);
}

static void one_case(void **state)
{
	const char *path = *state;
	char *whole = read_text(path), *text = read_text(path), *at = text, *ini, *kernel;
	struct a_case c = { 0 };

	ini = next_part(&at);
	kernel = next_part(&at);
	c.facts = next_part(&at);
	c.s = make_state(ini);
	c.none = calloc(c.s->layout->n_realservers + 1, sizeof(*c.none));
	assert_int_equal(holds_new(&c.holds), 0);
	read_table(&c, kernel);
	each_line(c.facts, take_none, &c);
	set_verdicts(&c);
	each_line(c.facts, take_fact, &c);
	work_out(&c);
	print_answer(&c);
	if (getenv("GOLDEN_UPDATE"))
		update(path, whole, buf_str(&c.out));
	else
		assert_string_equal(buf_str(&c.out), at);
	pass_free(c.pass);
	holds_free(c.holds);
	state_free(c.s);
	buf_fini(&c.out);
	free(c.none);
	free(text);
	free(whole);
}

int main(void)
{
	return golden_cases("tests/golden/diff/*.txt", "golden diff", one_case);
}
