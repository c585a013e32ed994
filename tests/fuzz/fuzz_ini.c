/* fuzz_ini.c: any bytes as a configuration: loading, printing and loading what was
 * printed. The bytes come as a file in memory, so that nothing touches the disk. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/sections.h"
#include "conf/print.h"
#include "tests/unit/fake_probes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct config *load(const void *data, size_t size)
{
	int fd = memfd_create("ini", MFD_CLOEXEC);
	struct config *c = NULL;
	char path[64];

	if (fd == -1 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (agent_config_load(path, &c))
		abort();
	close(fd);
	return c;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf problems = BUF_INIT, once = BUF_INIT, twice = BUF_INIT;
	struct config *c, *again;

	/* an include may name any file of the machine */
	if (memmem(data, size, "include", 7))
		return 0;
	c = load(data, size);
	config_format_problems(c, &problems);
	if (!config_errors(c)) {
		config_print(c, &once);
		again = load(once.data, once.len);
		config_print(again, &twice);
		/* what is in force reads back as itself */
		if (config_errors(again) || strcmp(buf_str(&once), buf_str(&twice)))
			abort();
		config_unref(again);
	}
	config_unref(c);
	buf_fini(&problems);
	buf_fini(&once);
	buf_fini(&twice);
	return 0;
}
