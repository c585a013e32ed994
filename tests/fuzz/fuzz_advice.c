/* fuzz_advice.c: any bytes as lines of an agent, one after the other. What is read is
 * printable and within its line; what follows is a share of the weight, and the same line
 * twice changes nothing more. */
#include <stdlib.h>
#include <string.h>

#include "agent/probes/advice.h"
#include "collectors/advice_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void check_text(const char *text, const char *line, size_t len)
{
	check(!*text || (text >= line && text + strlen(text) <= line + len));
	for (; *text; text++)
		check(*text >= ' ' && *text <= '~');
}

static void take(struct advice *a, const char *bytes, size_t len)
{
	char *line = malloc(len + 1);
	struct advice_line read;
	struct probe_report report = { .advice = &read.advice };
	struct buf says = BUF_INIT;

	check(line != NULL);
	if (len)
		memcpy(line, bytes, len);
	advice_line_read(line, len, &read);
	check_text(read.odd, line, len);
	check_text(read.remark, line, len);
	check(!read.advice.has_share || read.advice.share <= 256);
	check(read.n_known || (!read.claim && !read.advice.admin && !read.advice.has_share));
	check(read.n_known <= len);
	report.claim = read.claim;
	(void)advice_take(a, &report, true);
	check(!advice_take(a, &report, true));
	check(advice_share(a) >= 0 && advice_share(a) <= 100);
	check(read.claim != PROBE_CLAIM_DOWN || advice_share(a) == 0);
	advice_format(&says, a);
	check(buf_ok(&says) && says.len);
	buf_fini(&says);
	free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data, *end;
	struct advice a = { 0 };

	while (size) {
		size_t len;

		end = memchr(bytes, '\n', size);
		len = end ? (size_t)(end - bytes) : size;
		take(&a, bytes, len);
		bytes += len + (end != NULL);
		size -= len + (end != NULL);
	}
	return 0;
}
