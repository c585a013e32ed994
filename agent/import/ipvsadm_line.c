/* ipvsadm_line.c: the words of a line, and its options as popt reads them. */
#include "agent/import/ipvsadm_line.h"

#include <string.h>

#include "agent/base/parse.h"
#include "agent/import/ipvsadm_option.h"

/* --- words -------------------------------------------------------------------------- */

struct words {
	char *list[ADM_WORDS_MAX];
	size_t n;
	bool shell; /* there is something that only a shell understands */
};

/* One word at *p, its quotes taken out in place; *p moves behind it. */
static const char *cut_word(char **p, struct words *w)
{
	char *from = *p, *to = *p, quote = '\0';

	w->list[w->n] = to;
	for (; *from && (quote || !strchr(" \t", *from)); from++) {
		if (*from == quote) {
			quote = '\0';
		} else if (!quote && (*from == '"' || *from == '\'')) {
			quote = *from;
		} else {
			w->shell |= quote != '\'' && strchr("$`", *from);
			w->shell |= !quote && strchr(";|&<>()*?~\\", *from);
			*to++ = *from;
		}
	}
	*p = *from ? from + 1 : from;
	*to = '\0';
	w->n++;
	return quote ? "a quote without its end" : NULL;
}

static const char *cut(char *line, struct words *w)
{
	const char *why = NULL;

	w->n = 0;
	w->shell = false;
	while (!why) {
		line += strspn(line, " \t");
		if (!*line || *line == '#')
			break;
		if (w->n == ADM_WORDS_MAX)
			why = "more than 64 words";
		else
			why = cut_word(&line, w);
	}
	return why;
}

/* --- a line ------------------------------------------------------------------------------ */

static const char *apply(struct adm_command *c, const struct adm_option *o, const char *value)
{
	/* of ipvsadm -l -Z and the like any is as good */
	if (o->verb && c->verb && c->verb != o->verb)
		return "two commands in one";
	if (o->verb)
		c->verb = o->verb;
	return o->set ? o->set(c, value) : NULL;
}

/* Takes option `o`, whose value may be joined to it (not NULL); *i stands on its word. */
static const char *take(struct adm_command *c, const struct adm_option *o, const char *joined,
			struct words *w, size_t *i)
{
	const char *value = joined;

	if (o->argument == NO_VALUE)
		return joined ? "a value for an option that takes none" : apply(c, o, NULL);
	if (!value && *i + 1 < w->n && (o->argument == VALUE || strspn(w->list[*i + 1], "-") == 0))
		value = w->list[++*i];
	if (!value && o->argument == VALUE)
		return "an option without its value";
	return apply(c, o, value);
}

static const char *take_long(struct adm_command *c, struct words *w, size_t *i)
{
	const char *word = w->list[*i] + 2;
	size_t len = strcspn(word, "=");
	const struct adm_option *o = adm_option_long(word, len);

	return o ? take(c, o, word[len] ? word + len + 1 : NULL, w, i) : "an unknown option";
}

/* -A, -t ADDRESS, -tADDRESS, -At ADDRESS. */
static const char *take_short(struct adm_command *c, struct words *w, size_t *i)
{
	const char *p = w->list[*i] + 1, *why = *p ? NULL : "a word that is no option";

	while (*p && !why) {
		const struct adm_option *o = adm_option_short(*p++);

		if (!o)
			return "an unknown option";
		if (o->argument != NO_VALUE)
			return take(c, o, *p ? p : NULL, w, i);
		why = take(c, o, NULL, w, i);
	}
	return why;
}

/* ipvsadm 1.26 saves --pe NAME and --ops without their dashes, and cannot read it itself. */
static const char *take_old(struct adm_command *c, struct words *w, size_t *i)
{
	const char *word = w->list[*i];

	if (!strcmp(word, "ops") || !strcmp(word, "pe"))
		return take(c, adm_option_long(word, strlen(word)), NULL, w, i);
	return "a word that is no option";
}

static const char *take_words(struct adm_command *c, struct words *w, size_t i)
{
	const char *why = NULL;

	for (; i < w->n && !why; i++) {
		if (!strncmp(w->list[i], "--", 2))
			why = take_long(c, w, &i);
		else if (w->list[i][0] == '-')
			why = take_short(c, w, &i);
		else if (c->verb == ADM_SET)
			why = adm_add_timeout(c, w->list[i]);
		else
			why = take_old(c, w, &i);
	}
	return why;
}

static bool is_ipvsadm(const char *word)
{
	const char *slash = strrchr(word, '/');

	return !strcmp(slash ? slash + 1 : word, "ipvsadm");
}

static const char *check(const struct adm_command *c)
{
	bool keyed = c->verb >= ADM_ADD_SERVICE && c->verb <= ADM_DELETE_SERVER;

	if (!c->verb)
		return "no command among the options";
	if (keyed && !c->vip == !c->service.key.fwmark)
		return "exactly one of -t, -u, --sctp-service, -f belongs there";
	if (c->verb >= ADM_ADD_SERVER && c->verb <= ADM_DELETE_SERVER && !c->real)
		return "no -r";
	if (c->verb == ADM_SET && c->n_timeouts != DIRECTOR_TIMEOUTS)
		return "--set takes three timeouts";
	return NULL;
}

bool adm_read(char *line, struct adm_command *ret_command, const char **ret_why)
{
	struct adm_command c = {
		.service = { .scheduler = "wlc" },
		.dest = { .forward = IPVS_ROUTE, .weight = 1 },
		.daemon = { .interface = DIRECTOR_INTERFACE },
	};
	struct words w;
	size_t first;

	*ret_why = cut(line, &w);
	if (!*ret_why && !w.n)
		return false;
	first = !*ret_why && is_ipvsadm(w.list[0]) ? 1 : 0;
	if (*ret_why)
		;
	else if (!first && w.list[0][0] != '-')
		*ret_why = "no command of ipvsadm";
	else if (w.shell)
		*ret_why = "only a shell understands that: import what 'ipvsadm -S -n' prints";
	else
		*ret_why = take_words(&c, &w, first) ?: check(&c);
	if (!*ret_why)
		*ret_command = c;
	return true;
}
