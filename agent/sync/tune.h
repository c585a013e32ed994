/* tune.h: PURE: settings of the kernel as a kind of what is desired: what the file asks
 * for, what was found, and what was there before we came. */
#ifndef SYNC_TUNE_H
#define SYNC_TUNE_H

#include <stdbool.h>
#include <stddef.h>

/* A setting that we wrote: on disk before it is written, and as long as it is ours. */
struct tuned {
	char *name, *before, *ours;
};
struct tuned_list {
	struct tuned *rows;
	size_t n;
};

enum tune_what {
	TUNE_NOTHING = 0,
	TUNE_SET,    /* write what is wanted, with a record of what was there */
	TUNE_BACK,   /* write what was there before, and forget it */
	TUNE_FORGET, /* not ours any more: somebody else has set it since */
};

/* What is to be done with one: `want` NULL = the file leaves it alone, `record` NULL = we
 * never wrote it. */
enum tune_what tune_judge(const char *want, const struct tuned *record, const char *found);

/* NULL = there is none. */
struct tuned *tuned_find(const struct tuned_list *l, const char *name);
/* Notes that `ours` stands in the place of `before`; of one that is there already `before`
 * stays as it was. -ENOMEM: nothing was changed. */
int tuned_put(struct tuned_list *l, const char *name, const char *before, const char *ours);
void tuned_drop(struct tuned_list *l, struct tuned *row);
void tuned_fini(struct tuned_list *l);

#endif
