/* fuzz_dns.c: any bytes as a name server's answer. The first byte chooses the type that was
 * asked for; the header and question of the query stand in front, so that what is read is
 * the records.
 *
 *   clang -fsanitize=fuzzer,address,undefined … tests/fuzz/fuzz_dns.c agent/base/dns.c …
 */
#include <stdlib.h>
#include <string.h>

#include "agent/base/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Behind the query's bytes, which say that they are an answer with as many records. */
static void read_records(const struct buf *query, const uint8_t *data, size_t size)
{
	uint8_t *message = malloc(query->len + size);
	struct dns_answer a = { 0 };

	if (!message)
		abort();
	memcpy(message, query->data, query->len);
	memcpy(message + query->len, data, size);
	message[2] |= 0x80;
	message[6] = 0;
	message[7] = size ? data[0] : 0;
	/* no record is shorter than 11 bytes */
	if (dns_read(message, query->len + size, query, "10 x.example.", &a) == DNS_ANSWER &&
	    11 * (size_t)a.n > size)
		abort();
	message[6] = 0xff;
	(void)dns_read(message, query->len + size, query, NULL, &a);
	free(message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const types[] = { "A",   "AAAA", "CNAME", "MX", "NS",
					     "PTR", "SOA",  "SRV",   "TXT" };
	struct buf query = BUF_INIT;
	struct dns_answer a;
	uint16_t type;

	if (!size || size > 65000)
		return 0;
	if (dns_type(types[data[0] % countof(types)], &type) ||
	    dns_query("x.example", type, 7, true, &query))
		abort();
	(void)dns_read(data, size, &query, NULL, &a);
	read_records(&query, data + 1, size - 1);
	buf_fini(&query);
	return 0;
}
