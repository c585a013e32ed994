/* fuzz_alert.c: any bytes as Alertmanager's message. What is taken of it keeps to its
 * bounds, and can be a holder's name and a reason.
 *
 *   clang -fsanitize=fuzzer,address,undefined … tests/fuzz/fuzz_alert.c agent/holds/…
 */
#include <stdlib.h>
#include <string.h>

#include "agent/holds/alert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void check_alert(const struct alert *a)
{
	const char *c;

	check(strlen(a->fingerprint) <= ALERT_KEY_MAX);
	check(strlen(a->summary) <= ALERT_SUMMARY_MAX);
	for (c = a->summary; *c; c++)
		check((unsigned char)*c >= 0x20 && *c != 0x7f);
	if (a->wrong)
		return;
	check(*a->fingerprint && a->starts_wall_ms > 0 && a->ends_wall_ms >= 0);
	check(a->resolved || !a->ends_wall_ms);
	check(strlen(a->name) <= ALERT_TEXT_MAX);
	check(!alert_label(a, "alertname") || alert_label(a, "alertname") == a->name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf why = BUF_INIT;
	struct alerts *a = NULL;
	uint32_t i;

	if (alerts_parse(size ? (const char *)data : "", size, &why, &a))
		check(!a && why.len);
	else
		check(a->n <= ALERTS_MAX && !why.len);
	for (i = 0; a && i < a->n; i++)
		check_alert(&a->list[i]);
	alerts_free(a);
	buf_fini(&why);
	return 0;
}
