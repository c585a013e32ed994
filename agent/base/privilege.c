/* privilege.c: drops capabilities by libcap-ng. What a process never had, it does not
 * get: a user without CAP_NET_ADMIN still runs an exporter. */
#include "agent/base/privilege.h"

#include <cap-ng.h>
#include <errno.h>
#include <sys/prctl.h>

static const unsigned int kept[] = { CAP_NET_ADMIN, CAP_NET_RAW, CAP_NET_BIND_SERVICE,
				     CAP_DAC_READ_SEARCH };

int privilege_drop(unsigned int more, struct buf *why)
{
	bool had[countof(kept)], had_admin;
	size_t i;

	if (capng_get_caps_process()) {
		buf_puts(why, "the process's capabilities cannot be read");
		return -EPERM;
	}
	for (i = 0; i < countof(kept); i++)
		had[i] = capng_have_capability(CAPNG_PERMITTED, kept[i]);
	had_admin = capng_have_capability(CAPNG_PERMITTED, CAP_SYS_ADMIN);
	capng_clear(CAPNG_SELECT_CAPS);
	capng_clear(CAPNG_SELECT_AMBIENT);
	for (i = 0; i < countof(kept); i++)
		if (had[i])
			capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, kept[i]);
	if (had_admin && (more & PRIVILEGE_NETNS))
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_SYS_ADMIN);
	if (capng_apply(CAPNG_SELECT_CAPS) || capng_apply(CAPNG_SELECT_AMBIENT)) {
		buf_puts(why, "the capabilities cannot be set");
		return -EPERM;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1) {
		buf_puts(why, "PR_SET_NO_NEW_PRIVS cannot be set");
		return -errno;
	}
	return 0;
}
