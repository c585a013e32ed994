/* fuzz_import.c: any text as somebody else's configuration. The first byte chooses the
 * format. What comes of it the loader takes, always; or it is refused with a reason. */
#include "tests/unit/import_case.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct import_format *choose(unsigned int n)
{
	size_t count = 0;

	while (import_formats[count].name)
		count++;
	return &import_formats[n % count];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct import_world world = { .host = case_host,
					    .port = case_port,
					    .no_includes = true };
	const struct import_format *format = size ? choose(data[0]) : NULL;
	struct buf ini = BUF_INIT, list = BUF_INIT, json = BUF_INIT, problems = BUF_INIT;
	struct import *im;
	int r;

	if (!format || !format->read)
		return 0;
	if (import_new(&world, &im))
		abort();
	r = import_read_bytes(im, format, "source", (const char *)data + 1, size - 1);
	if (r && (r != -EINVAL || !*import_why(im)))
		abort();
	if (!r) {
		import_put_ini(im, &ini);
		import_put_list(im, &list);
		if (import_put_json(im, &json) || !buf_ok(&ini) || !buf_ok(&list))
			abort();
		case_check(&ini, &problems);
		if (problems.len) {
			fprintf(stderr, "%s\n%s", buf_str(&ini), buf_str(&problems));
			abort();
		}
	}
	import_free(im);
	buf_fini(&ini);
	buf_fini(&list);
	buf_fini(&json);
	buf_fini(&problems);
	return 0;
}
