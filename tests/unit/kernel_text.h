/* kernel_text.h: a kernel's table from text, a line an object:
 *
 *   service tcp://10.1.2.15:80 wlc [flags=4] [persistence=300] [netmask=24] [engine=sip]
 *   dest 10.1.2.21:80 100 route [upper= lower= tunnel=N tport= tflags= active= inactive=
 *        persistent=]
 */
#ifndef TESTS_KERNEL_TEXT_H
#define TESTS_KERNEL_TEXT_H

#include <arpa/inet.h>

#include "agent/ipvs/ipvs.h"
#include "agent/ipvs/table.h"
#include "tests/unit/model_fixture.h"

static ATTR_UNUSED struct ipvs_key key_of(const char *text)
{
	static const struct {
		const char *scheme;
		uint8_t proto, family;
	} schemes[] = { { "tcp://", IPPROTO_TCP, 0 },
			{ "udp://", IPPROTO_UDP, 0 },
			{ "sctp://", IPPROTO_SCTP, 0 },
			{ "fwmark://", 0, AF_INET },
			{ "fwmark6://", 0, AF_INET6 } };
	struct ipvs_key key = { 0 };
	size_t i, len;

	for (i = 0; i < countof(schemes); i++) {
		len = strlen(schemes[i].scheme);
		if (strncmp(text, schemes[i].scheme, len))
			continue;
		key.proto = schemes[i].proto;
		key.addr.family = schemes[i].family;
		if (!key.proto)
			key.fwmark = (uint32_t)strtoul(text + len, NULL, 10);
		else if (addr_parse(text + len, &key.addr))
			break;
		return key;
	}
	fail_msg("'%s' is not a service", text);
	return key;
}

static ATTR_UNUSED struct addr addr_of(const char *text)
{
	struct addr a = { 0 };

	if (strcmp(text, "-") && addr_parse(text, &a))
		fail_msg("'%s' is not an address", text);
	return a;
}

/* What stands behind "name=" among the words, or `otherwise`. */
static const char *word_text(char *const *words, size_t n, const char *name, const char *otherwise)
{
	size_t i, len = strlen(name);

	for (i = 0; i < n; i++)
		if (!strncmp(words[i], name, len) && words[i][len] == '=')
			return words[i] + len + 1;
	return otherwise;
}

static uint32_t word_number(char *const *words, size_t n, const char *name)
{
	return (uint32_t)strtoul(word_text(words, n, name, "0"), NULL, 10);
}

static ATTR_UNUSED void add_service(struct table_draft *d, char *const *words, size_t n)
{
	struct ipvs_service *s = table_add_service(d);
	bool v6;
	uint32_t bits;

	*s = (struct ipvs_service){ .key = key_of(words[1]), .first_dest = d->table->n_dests };
	v6 = s->key.addr.family == AF_INET6;
	snprintf(s->scheduler, sizeof(s->scheduler), "%s", words[2]);
	s->flags = word_number(words, n, "flags");
	s->timeout = word_number(words, n, "persistence");
	if (s->timeout)
		s->flags |= IPVS_SVC_PERSISTENT;
	bits = word_number(words, n, "netmask");
	bits = bits ? bits : v6 ? 128 : 32;
	s->netmask = v6 ? bits : htonl(UINT32_MAX << (32 - bits));
	snprintf(s->engine, sizeof(s->engine), "%s", word_text(words, n, "engine", ""));
}

static ATTR_UNUSED void add_dest(struct table_draft *d, char *const *words, size_t n)
{
	struct ipvs_dest *e = table_add_dest(d);
	const char *forward = words[3];

	*e = (struct ipvs_dest){ .addr = addr_of(words[1]) };
	e->weight = (uint32_t)strtoul(words[2], NULL, 10);
	while (e->forward <= IPVS_BYPASS && strcmp(ipvs_forward_name(e->forward), forward))
		e->forward++;
	e->tun_type = word_number(words, n, "tunnel") & IPVS_OTHER;
	e->tun_flags = (uint8_t)word_number(words, n, "tflags");
	e->tun_port = (uint16_t)word_number(words, n, "tport");
	e->upper = word_number(words, n, "upper");
	e->lower = word_number(words, n, "lower");
	e->active = word_number(words, n, "active");
	e->inactive = word_number(words, n, "inactive");
	e->persistent = word_number(words, n, "persistent");
}

#endif
