/* credentials.h: who somebody says he is: the Authorization header. */
#ifndef HTTP_CREDENTIALS_H
#define HTTP_CREDENTIALS_H

enum credentials_kind {
	CREDENTIALS_NONE = 0,
	CREDENTIALS_BASIC,
	CREDENTIALS_BEARER,
	CREDENTIALS_BAD
};

struct credentials {
	enum credentials_kind kind;
	char *user;   /* basic */
	char *secret; /* password or token */
};

/* Reads an Authorization header; NULL is none. -ENOMEM only. */
int credentials_parse(const char *header, struct credentials *ret_credentials);
void credentials_fini(struct credentials *c);

#endif
