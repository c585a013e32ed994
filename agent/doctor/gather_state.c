/* gather_state.c: the state directory: may it be written, and how much goes in? And the
 * settings of the kernel that the file names. */
#include <errno.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "agent/doctor/gather.h"
#include "agent/ipvs/tunable.h"
#include "agent/model/sysctl_conf.h"

/* Up from there to where the file system begins. */
static void find_mount(const char *path, struct buf *out)
{
	struct buf at = BUF_INIT, above = BUF_INIT;
	struct stat here, up;

	buf_puts(&at, path);
	while (buf_ok(&at) && !stat(buf_str(&at), &here)) {
		char *slash;

		buf_reset(&above);
		buf_puts(&above, buf_str(&at));
		slash = above.len > 1 ? strrchr(above.data, '/') : NULL;
		if (!slash)
			break;
		slash[slash == above.data] = '\0';
		if (stat(above.data, &up) || up.st_dev != here.st_dev)
			break;
		buf_reset(&at);
		buf_puts(&at, above.data);
	}
	buf_puts(out, buf_str(&at));
	buf_fini(&at);
	buf_fini(&above);
}

/* What is there already of what may grow: it needs no new room. */
static int64_t used_by(const char *dir)
{
	static const char *const names[] = { "journal", "journal.1" };
	int64_t used = 0;
	struct stat st;
	size_t i;

	for (i = 0; i < 2; i++) {
		struct buf path = BUF_INIT;

		buf_printf(&path, "%s/%s", dir, names[i]);
		if (buf_ok(&path) && !stat(buf_str(&path), &st))
			used += (int64_t)st.st_blocks * 512;
		buf_fini(&path);
	}
	return used;
}

void gather_state(const struct gather_asked *asked, struct facts *f)
{
	struct facts_state *s = &f->state;
	struct statvfs vfs;
	struct statfs fs;

	buf_puts(&s->path, asked->state_dir);
	s->journal_size = asked->journal_size;
	s->free_bytes.error = s->used_bytes.error = -ENOENT;
	if (access(asked->state_dir, R_OK | W_OK | X_OK))
		s->error = -errno;
	if (s->error == -ENOENT || statvfs(asked->state_dir, &vfs))
		return;
	s->free_bytes = (struct fact){ .value = (int64_t)(vfs.f_bavail * vfs.f_frsize),
				       .second = (int64_t)(vfs.f_blocks * vfs.f_frsize) };
	s->used_bytes = (struct fact){ .value = used_by(asked->state_dir) };
	s->memory = !statfs(asked->state_dir, &fs) && fs.f_type == TMPFS_MAGIC;
	find_mount(asked->state_dir, &s->mount);
	f->failed |= !buf_ok(&s->path) || !buf_ok(&s->mount);
}

void gather_settings(const struct gather_asked *asked, struct facts *f)
{
	const struct sysctl_conf *conf = config_section(asked->layout->conf, &sysctl_section);
	struct facts_setting s = { 0 }, *grown;
	uint32_t i;

	for (i = 0; sysctl_conf_at(conf, i, &s.name, &s.want); i++) {
		grown = reallocarray(f->settings, f->n_settings + 1, sizeof(*grown));
		if (!grown || !buf_ok(&s.name)) {
			f->settings = grown ? grown : f->settings;
			f->failed = true;
			buf_fini(&s.name);
			return;
		}
		f->settings = grown;
		s.error = tunable_read(asked->procfs, buf_str(&s.name), &s.found);
		grown[f->n_settings++] = s;
		s = (struct facts_setting){ 0 };
	}
}
