/* advice_line.c: anybody may have written the line: what is not printable becomes '?', and
 * a word that is not known is told, but spoils nothing. */
#include "collectors/advice_line.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "agent/base/attr.h"
#include "agent/base/parse.h"

enum { SHARE_MAX = 256 };

static const struct word {
	const char *text;
	enum probe_claim claim;
	enum probe_admin admin;
} words[] = {
	{ .text = "up", .claim = PROBE_CLAIM_UP },
	{ .text = "down", .claim = PROBE_CLAIM_DOWN },
	{ .text = "stopped", .claim = PROBE_CLAIM_DOWN },
	{ .text = "fail", .claim = PROBE_CLAIM_DOWN },
	{ .text = "ready", .admin = PROBE_ADMIN_READY },
	{ .text = "drain", .admin = PROBE_ADMIN_DRAIN },
	{ .text = "maint", .admin = PROBE_ADMIN_MAINT },
};

/* Cut off behind the word where it ends in it; NULL = it does not begin with it. */
static char *behind(char *word, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncasecmp(word, prefix, len) ? NULL : word + len;
}

static bool read_share(char *word, struct advice_line *line)
{
	char *number = behind(word, "weight:"), *percent;
	uint64_t n;
	bool is;

	percent = strchr(word, '%');
	if (!number && (!percent || percent[1]))
		return false;
	number = number ? number : word;
	if (percent && percent[1])
		return false;
	if (percent)
		*percent = '\0';
	is = !parse_u64(number, &n) && n <= SHARE_MAX;
	if (percent)
		*percent = '%';
	if (!is)
		return false;
	line->advice.has_share = true;
	line->advice.share = (uint32_t)n;
	return true;
}

/* How many connections it wants has no counterpart here. */
static bool read_maxconn(char *word)
{
	const char *number = behind(word, "maxconn:");
	uint64_t n;

	return number && !parse_u64(number, &n);
}

static bool read_word(char *word, struct advice_line *line)
{
	size_t i;

	for (i = 0; i < countof(words); i++) {
		if (strcasecmp(word, words[i].text) != 0)
			continue;
		if (words[i].claim)
			line->claim = words[i].claim;
		if (words[i].admin)
			line->advice.admin = words[i].admin;
		return true;
	}
	return read_share(word, line) || read_maxconn(word);
}

static void make_printable(char *line, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (line[i] == '\t')
			line[i] = ' ';
		else if (line[i] < ' ' || line[i] > '~')
			line[i] = '?';
	}
	line[len] = '\0';
}

static const char *trim(char *text)
{
	size_t len;

	text += strspn(text, " ");
	for (len = strlen(text); len && text[len - 1] == ' '; len--)
		;
	text[len] = '\0';
	return text;
}

void advice_line_read(char *line, size_t len, struct advice_line *ret_line)
{
	struct advice_line read = { .odd = "", .remark = "" };
	char *hash, *word, *rest;

	make_printable(line, len);
	hash = strchr(line, '#');
	if (hash) {
		*hash = '\0';
		read.remark = trim(hash + 1);
	}
	for (word = strtok_r(line, " ,", &rest); word; word = strtok_r(NULL, " ,", &rest)) {
		if (read_word(word, &read))
			read.n_known++;
		else if (!*read.odd)
			read.odd = word;
	}
	*ret_line = read;
}
