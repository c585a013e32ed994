/*
 * What scenarios look at over and over, without what a shell and its programs cost in an
 * emulated machine:
 *
 *   look get NAMESPACE PORT PATH
 *      the body of what 127.0.0.1:PORT there answers to a GET; 1 where that is not good
 *   look weights NAMESPACE ADDRESS PORT SERVICE-PORT
 *      the weight that the kernel has for a realserver (IPv4), a line "MS WEIGHT" when it
 *      is first seen and each time it is another one, until it is killed. MS is since the
 *      epoch; either port may be 0: any.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVERY_MS = 20, PATIENCE_S = 10 };

static int fail(const char *what)
{
	fprintf(stderr, "look: %s: %s\n", what, strerror(errno));
	return 1;
}

static int enter(const char *namespace)
{
	char path[256];
	int fd, r;

	snprintf(path, sizeof(path), "/var/run/netns/%s", namespace);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	r = setns(fd, CLONE_NEWNET);
	close(fd);
	return r;
}

/* --- get ------------------------------------------------------------------------- */

static int ask(const char *port, const char *path)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd == -1)
		return -1;
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == -1 ||
	    dprintf(fd, "GET %s HTTP/1.0\r\nHost: 127.0.0.1:%s\r\n\r\n", path, port) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* With HTTP/1.0 the body ends where the connection does. */
static int copy_body(FILE *in)
{
	char line[8192];
	unsigned int status = 0;
	size_t n;

	if (!fgets(line, sizeof(line), in) || sscanf(line, "HTTP/%*s %u", &status) != 1)
		return 1;
	while (fgets(line, sizeof(line), in) && line[0] != '\r')
		;
	while ((n = fread(line, 1, sizeof(line), in)) > 0)
		if (status / 100 == 2 && fwrite(line, 1, n, stdout) != n)
			return 1;
	return ferror(in) || status / 100 != 2 || fflush(stdout);
}

static int get(char **args)
{
	FILE *in;
	int fd, r;

	alarm(PATIENCE_S); /* its default is to end us */
	fd = ask(args[0], args[1]);
	if (fd == -1)
		return 1; /* nobody is there, as often at a start */
	in = fdopen(fd, "r");
	if (!in)
		return fail("fdopen");
	r = copy_body(in);
	fclose(in);
	return r;
}

/* --- weights --------------------------------------------------------------------- */

struct wanted {
	unsigned long address, port, service_port;
};

/* The weight in the table's text; -1 = it is not in it. */
static long weight_in(FILE *table, const struct wanted *w)
{
	char line[512];
	unsigned long address, port;
	bool here = false;
	long weight;

	while (fgets(line, sizeof(line), table)) {
		if (sscanf(line, "TCP %lx:%lx", &address, &port) == 2)
			here = !w->service_port || port == w->service_port;
		else if (here &&
			 sscanf(line, " -> %lx:%lx %*s %ld", &address, &port, &weight) == 3 &&
			 address == w->address && (!w->port || port == w->port))
			return weight;
	}
	return -1;
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int weights(char **args)
{
	const struct timespec pause = { .tv_nsec = EVERY_MS * 1000000L };
	struct wanted w = { .port = strtoul(args[1], NULL, 10),
			    .service_port = strtoul(args[2], NULL, 10) };
	struct in_addr address;
	long last = -1, weight;
	FILE *table;

	if (inet_pton(AF_INET, args[0], &address) != 1) {
		errno = EINVAL;
		return fail(args[0]);
	}
	w.address = ntohl(address.s_addr);
	for (;; nanosleep(&pause, NULL)) {
		table = fopen("/proc/net/ip_vs", "re");
		if (!table)
			continue; /* the module may yet come */
		weight = weight_in(table, &w);
		fclose(table);
		if (weight == -1 || weight == last)
			continue;
		last = weight;
		printf("%ld %ld\n", now_ms(), weight);
		fflush(stdout);
	}
}

/* --- */

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int n_args;
		int (*run)(char **args);
	} verbs[] = { { "get", 2, get }, { "weights", 3, weights } };
	size_t i;

	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (argc == 3 + verbs[i].n_args && !strcmp(argv[1], verbs[i].name))
			return enter(argv[2]) == -1 ? fail(argv[2]) : verbs[i].run(argv + 3);
	fputs("usage: look get NAMESPACE PORT PATH | look weights NAMESPACE ADDRESS PORT "
	      "SERVICE-PORT\n",
	      stderr);
	return 64;
}
