/* run.c: a source through its reader. */
#include "agent/import/run.h"

#include <errno.h>
#include <string.h>

#include "agent/import/frame.h"

const struct import_format *import_format_find(const char *name)
{
	const struct import_format *f;

	for (f = import_formats; f->name; f++)
		if (!strcmp(f->name, name))
			return f;
	return NULL;
}

static int end(struct import *im, int r)
{
	if (!r && !im->oom)
		import_settle(im);
	return im->oom ? -ENOMEM : r;
}

int import_read_file(struct import *im, const struct import_format *format, const char *path)
{
	struct import_source *source;
	int r = import_load(im, NULL, path, &source);

	im->format = format;
	if (r && r != -ENOMEM && r != -EILSEQ)
		r = import_refuse(im, (struct import_at){ path, 0 }, "cannot be read: %s",
				  r == -EFBIG ? "larger than 64 MB"
					      : strerrordesc_np(-r) ?: "unknown error");
	if (r == -EILSEQ)
		r = -EINVAL;
	return end(im, r ? r : format->read(im, source));
}

int import_read_bytes(struct import *im, const struct import_format *format, const char *path,
		      const char *bytes, size_t len)
{
	struct import_source *source;
	int r = import_take(im, path, bytes, len, &source);

	im->format = format;
	if (r == -EILSEQ)
		r = -EINVAL;
	return end(im, r ? r : format->read(im, source));
}

int import_read_table(struct import *im, const struct import_format *format,
		      const struct ipvs_table *table)
{
	im->format = format;
	return end(im, format->read_table(im, table));
}
