/* pace.c: how punctual somebody's probes are and what comes of their answers, as those
 * who are probed see it. An HTTP server of one answer: 200, or 503 on an address for which
 * there is a file of that name in a directory. It prints when it sent which answer:
 *
 *   pace PORT DIRECTORY
 *   1764000000123456 1764000000123789 10.48.0.1 200
 *
 * which are the microseconds since the epoch of the connection and of the answer. What a
 * prober without jitter comes later to an address than its interval after it came there
 * last, it was late. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static const char well[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
static const char sick[] = "HTTP/1.1 503 Sick\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

static long long now_us(void)
{
	struct timeval now;

	gettimeofday(&now, NULL);
	return (long long)now.tv_sec * 1000000 + now.tv_usec;
}

static void answer(int fd, int directory)
{
	static const struct timeval patience = { .tv_sec = 1 };
	struct sockaddr_in here = { 0 };
	socklen_t len = sizeof(here);
	char text[INET_ADDRSTRLEN] = "", request[4096];
	long long came = now_us();
	int is_sick;

	if (getsockname(fd, (struct sockaddr *)&here, &len) == -1)
		return;
	inet_ntop(AF_INET, &here.sin_addr, text, sizeof(text));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (recv(fd, request, sizeof(request), 0) <= 0)
		return;
	is_sick = faccessat(directory, text, F_OK, 0) == 0;
	if (send(fd, is_sick ? sick : well, (is_sick ? sizeof(sick) : sizeof(well)) - 1,
		 MSG_NOSIGNAL) > 0)
		printf("%lld %lld %s %d\n", came, now_us(), text, is_sick ? 503 : 200);
}

int main(int argc, char **argv)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), directory = -1, peer;
	static const int one = 1;

	if (argc == 3) {
		any.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
		directory = open(argv[2], O_DIRECTORY | O_PATH | O_CLOEXEC);
	}
	if (directory == -1 || fd == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == -1 ||
	    bind(fd, (struct sockaddr *)&any, sizeof(any)) == -1 || listen(fd, 1024) == -1) {
		fputs("usage: pace PORT DIRECTORY\n", stderr);
		return EXIT_FAILURE;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (;;) {
		peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		if (peer == -1)
			continue;
		answer(peer, directory);
		close(peer);
	}
}
