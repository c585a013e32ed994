/* http_client.c: the client's half of http_fixture.h: it sends the very bytes of a case. */
#include "tests/unit/http_fixture.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

int client_connect(const struct world *w, const char *unix_path)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(w->port) };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct timeval limit = { .tv_sec = 20 };
	int fd = socket(unix_path ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (unix_path)
		strncpy(un.sun_path, unix_path, sizeof(un.sun_path) - 1);
	r = unix_path ? connect(fd, (struct sockaddr *)&un, sizeof(un))
		      : connect(fd, (struct sockaddr *)&in, sizeof(in));
	if (r == 0)
		return fd;
	close(fd);
	return -1;
}

void client_read(int fd, struct buf *out)
{
	char part[4096];
	ssize_t n;

	while ((n = recv(fd, part, sizeof(part), 0)) > 0)
		buf_put(out, part, (size_t)n);
	assert_false(n == -1 && errno == EAGAIN);
	close(fd);
}

void client_send(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

		if (n <= 0)
			return; /* refused in the middle: the answer says so */
		bytes += n;
		len -= (size_t)n;
	}
}

char *ask_on(int fd, const char *bytes, size_t len)
{
	struct buf out = BUF_INIT;

	assert_int_not_equal(fd, -1);
	client_send(fd, bytes, len);
	client_read(fd, &out);
	buf_puts(&out, "");
	return buf_take(&out);
}

char *ask(const struct world *w, const char *line, const char *headers)
{
	struct buf text = BUF_INIT;
	char *answer;

	buf_printf(&text, "%s HTTP/1.0\r\nHost: localhost\r\n%s\r\n", line, headers ? headers : "");
	answer = ask_on(client_connect(w, NULL), text.data, text.len);
	buf_fini(&text);
	return answer;
}

int status_of(const char *answer)
{
	return answer && strncmp(answer, "HTTP/1.", 7) == 0 ? atoi(answer + 9) : 0;
}

const char *body_of(const char *answer)
{
	const char *at = strstr(answer, "\r\n\r\n");

	return at ? at + 4 : "";
}
