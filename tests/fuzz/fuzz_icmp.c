/* fuzz_icmp.c: any bytes as a packet that a socket gave, with and without an IPv4 header, of
 * both families. The first byte says whether the checksum is put right, which is what keeps
 * most of them out.
 *
 *   clang -fsanitize=fuzzer,address,undefined … tests/fuzz/fuzz_icmp.c collectors/…
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "collectors/icmp_packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { IP4_HEADER = 20, ICMP_HEADER = 8 };

static void put_right(uint8_t *p, size_t len)
{
	uint32_t sum = 0;
	size_t i;

	p[2] = p[3] = 0;
	for (i = 0; i < len; i++)
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	p[2] = (uint8_t)(~sum >> 8);
	p[3] = (uint8_t)~sum;
}

static void check(int family, bool header, const uint8_t *packet, size_t len)
{
	struct icmp_seen seen;

	memset(&seen, 0xff, sizeof(seen));
	icmp_read(family, header, packet, len, &seen);
	if (seen.said > ICMP_UNREACHABLE)
		abort();
	if (seen.said == ICMP_REPLY && (len < ICMP_HEADER || seen.size > len - ICMP_HEADER))
		abort();
	if (seen.said == ICMP_REPLY && seen.whole && !seen.has_cookie)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t header, len = size ? size - 1 : 0;
	uint8_t *packet;

	if (!len || len > 65535)
		return 0;
	packet = malloc(len);
	if (!packet)
		abort();
	memcpy(packet, data + 1, len);
	header = 4 * (size_t)(packet[0] & 0xf);
	if (data[0] & 1 && header >= IP4_HEADER && len >= header + ICMP_HEADER)
		put_right(packet + header, len - header);
	check(AF_INET, true, packet, len);
	check(AF_INET, false, packet, len);
	check(AF_INET6, false, packet, len);
	free(packet);
	return 0;
}
