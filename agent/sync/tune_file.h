/* tune_file.h: state_dir/sysctl: what settings of the kernel were before we wrote them. */
#ifndef SYNC_TUNE_FILE_H
#define SYNC_TUNE_FILE_H

#include "agent/base/buf.h"
#include "agent/sync/tune.h"

/* The text of the file, and a text's list. `boot`: the boot that it is of; of another boot
 * there is nothing to remember, for the kernel began anew. -EBADMSG for what is no such
 * text, -ENOMEM: nothing was read. */
void tune_file_format(const struct tuned_list *l, const char *boot, struct buf *out);
int tune_file_parse(const char *text, const char *boot, struct tuned_list *ret_list);

/* Blocking. A file that is not there is an empty list; one that is damaged is set aside as
 * sysctl.damaged and is an empty list too, with *ret_damaged. -errno. */
int tune_file_read(const char *state_dir, const char *procfs, struct tuned_list *ret_list,
		   bool *ret_damaged);
/* The same for who only looks: a damaged file stays, and is an empty list. */
int tune_file_peek(const char *state_dir, const char *procfs, struct tuned_list *ret_list);
/* On the disk when it returns 0; -errno leaves the file as it was. */
int tune_file_write(const char *state_dir, const char *procfs, const struct tuned_list *l);

#endif
