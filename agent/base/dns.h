/* dns.h: DNS messages, by c-ares: a query's bytes, and what an answer to it says. The
 * sockets are the caller's; nothing here waits. */
#ifndef BASE_DNS_H
#define BASE_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/buf.h"

enum { DNS_PORT = 53, DNS_MAX_MESSAGE = 65535 };

/* The types whose records are told as text: A AAAA CNAME MX NS PTR SOA SRV TXT. */
extern const char dns_type_names[];
/* In any case of letters; -EINVAL for others. */
int dns_type(const char *name, uint16_t *ret_type);
/* NULL for others. */
const char *dns_type_name(uint16_t type);

/* "NXDOMAIN"; the rcodes of a message's header, 0 to 15, NULL for those without a name. */
const char *dns_rcode_name(unsigned int rcode);
int dns_rcode(const char *name, unsigned int *ret_rcode);

/* Appends a query for the records of `type` (class IN) of `name`, "." being the root; no
 * EDNS, which old servers do not know. -EINVAL: no name of the DNS; -ENOMEM. */
int dns_query(const char *name, uint16_t type, uint16_t id, bool recursion, struct buf *out);

enum dns_said {
	DNS_ANSWER = 0,
	DNS_FOREIGN, /* no answer to that query: another id, another question */
	DNS_BROKEN,  /* an answer to it, which cannot be read */
	DNS_NO_MEMORY,
};

struct dns_answer {
	unsigned int rcode;
	bool cut;       /* truncated: ask over TCP; nothing else is told then */
	unsigned int n; /* records of the type asked for */
	bool found;     /* one of them is `want` */
};

/* Reads `len` bytes, whatever they are, as the answer to a query that dns_query() made.
 * `want` (NULL = none) is a record's text: the address, the name, the text of TXT without
 * quotes, or the fields with blanks between them. Names are equal in any case of letters
 * and with or without their last dot. *ret_answer is set for DNS_ANSWER only. */
enum dns_said dns_read(const void *message, size_t len, const struct buf *query, const char *want,
		       struct dns_answer *ret_answer);

/* Whether a record of that type could have that text: an address is one. */
bool dns_text_ok(uint16_t type, const char *text);

#endif
