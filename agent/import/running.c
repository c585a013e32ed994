/* running.c: the kernel's table as a configuration. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/import/formats.h"
#include "agent/import/kernel.h"

/* Rows of one service, as import_pool() takes them. */
static int carry_pool(struct import_part *part, struct import_at at, const struct ipvs_table *t,
		      const struct ipvs_service *s)
{
	struct import_dest *dests = calloc(s->n_dests + 1ul, sizeof(*dests));
	uint32_t i;

	if (!dests)
		return -ENOMEM;
	for (i = 0; i < s->n_dests; i++) {
		dests[i].dest = t->dests[s->first_dest + i];
		dests[i].at = at;
	}
	import_pool(part, &s->key, dests, s->n_dests);
	free(dests);
	return 0;
}

static int carry(struct import *im, const struct ipvs_table *t, const struct ipvs_service *s)
{
	const struct import_at at = { "kernel", 0 };
	const char *impossible = import_impossible(s);
	struct buf wish = BUF_INIT;
	struct import_part *part;
	int r = 0;

	import_key_wish(&wish, &s->key);
	if (!buf_ok(&wish)) {
		r = -ENOMEM;
	} else if (impossible) {
		import_note(im, NULL, IMPORT_DROPPED, at, buf_str(&wish), "%s", impossible);
	} else {
		part = import_part(im, "service", buf_str(&wish), at);
		import_address(part, at, &s->key);
		if (import_scheduling(part, at, buf_str(&wish), s))
			import_note(im, part, IMPORT_IMPORTED, at, buf_str(&wish), "%s", "");
		r = carry_pool(part, at, t, s);
	}
	buf_fini(&wish);
	return r;
}

int import_running(struct import *im, const struct ipvs_table *t)
{
	uint32_t i;
	int r = 0;

	for (i = 0; i < t->n_services && !r; i++)
		r = carry(im, t, &t->services[i]);
	return r;
}
