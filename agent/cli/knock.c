/* knock.c: is anybody there? Asked before the question itself, because libcurl's words
 * do not help: who sits at a broken director needs to read which file, whose group,
 * what to start. */
#include "agent/cli/client.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const char START_HINT[] =
	"  start it:        systemctl start ipvs-agent (or: ipvs-agent run)\n"
	"  another socket:  --socket PATH, or -c FILE with its 'listen = unix:PATH'";

/* The owner of what stands at `path`, for who may not connect to it. */
static void explain_denied(const char *path, struct buf *why)
{
	struct stat st;
	struct group group, *found = NULL;
	char names[4096];

	buf_printf(why, "permission denied on %s", path);
	if (stat(path, &st) == -1) {
		buf_puts(why, ": a directory above it is not yours to enter; use sudo");
		return;
	}
	buf_printf(why, ": it is for user %u and group ", (unsigned int)st.st_uid);
	if (getgrgid_r(st.st_gid, &group, names, sizeof(names), &found) == 0 && found)
		buf_printf(why, "'%s'", group.gr_name);
	else
		buf_printf(why, "%u", (unsigned int)st.st_gid);
	buf_printf(why, " (mode %04o); join that group, or use sudo",
		   (unsigned int)(st.st_mode & 07777));
}

int client_knock(const char *socket_path, struct buf *why)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int r = 0, fd;

	if (strlen(socket_path) >= sizeof(un.sun_path)) {
		buf_printf(why, "the socket's path is too long (over %zu bytes): %s",
			   sizeof(un.sun_path) - 1, socket_path);
		return -ENAMETOOLONG;
	}
	memcpy(un.sun_path, socket_path, strlen(socket_path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1 || connect(fd, (struct sockaddr *)&un, sizeof(un)) == -1)
		r = -errno;
	if (fd != -1)
		close(fd);
	switch (-r) {
	case 0:
		break;
	case ENOENT:
		buf_printf(why, "the agent does not run here: there is no %s\n%s", socket_path,
			   START_HINT);
		break;
	case ECONNREFUSED:
		buf_printf(why, "the agent does not run: nobody listens on %s any more\n%s",
			   socket_path, START_HINT);
		break;
	case EACCES:
	case EPERM:
		explain_denied(socket_path, why);
		break;
	default:
		buf_printf(why, "cannot connect to %s: %s", socket_path, strerror(-r));
		break;
	}
	return r;
}
