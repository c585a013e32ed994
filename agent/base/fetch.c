/* fetch.c: libcurl's multi interface on our loop, and the blocking way for the
 * command line. What a handle is told, and what its end means, is in fetch_easy.c. */
#include "agent/base/fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/base/attr.h"
#include "agent/base/fetch_easy.h"
#include "agent/base/fetch_mail.h"
#include "agent/base/loop.h"

enum { POOL_MAX = 256 };

struct fetch_multi {
	CURLM *curlm;
	struct loop *loop;
	struct loop_timer *timer;
	struct fetch *running, *pool;
	unsigned int n_pool;
};

struct fetch_socket {
	struct loop_io *io;
	struct fetch_multi *multi;
	curl_socket_t fd;
};

/* --- what curl calls -------------------------------------------------------- */

static void report_all(struct fetch_multi *m);

static void on_io(void *arg, int events)
{
	struct fetch_socket *sock = arg;
	struct fetch_multi *m = sock->multi;
	int running, bits = (events & LOOP_READ ? CURL_CSELECT_IN : 0) |
			    (events & LOOP_WRITE ? CURL_CSELECT_OUT : 0);

	curl_multi_socket_action(m->curlm, sock->fd, bits, &running);
	report_all(m);
}

static void on_timer(void *arg)
{
	struct fetch_multi *m = arg;
	int running;

	curl_multi_socket_action(m->curlm, CURL_SOCKET_TIMEOUT, 0, &running);
	report_all(m);
}

static int on_timeout_changed(CURLM *curlm ATTR_UNUSED, long timeout_ms, void *arg)
{
	struct fetch_multi *m = arg;

	if (timeout_ms < 0)
		loop_timer_stop(m->timer);
	else
		loop_timer_start(m->timer, timeout_ms);
	return 0;
}

static void socket_forget(struct fetch_multi *m, struct fetch_socket *sock)
{
	curl_multi_assign(m->curlm, sock->fd, NULL);
	loop_io_free(sock->io);
	free(sock);
}

static int socket_watch(struct fetch_multi *m, curl_socket_t fd, int events)
{
	struct fetch_socket *sock = malloc(sizeof(*sock));
	int r = -ENOMEM;

	if (!sock)
		return r;
	*sock = (struct fetch_socket){ .multi = m, .fd = fd };
	r = loop_io_new(m->loop, "fetch", fd, events, on_io, sock, &sock->io);
	if (r)
		free(sock);
	else
		curl_multi_assign(m->curlm, fd, sock);
	return r;
}

/* Never fails towards curl, which would give up all transfers: one whose socket
 * cannot be watched ends by its deadline, as our error. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *assigned)
{
	int events =
		(what & CURL_POLL_IN ? LOOP_READ : 0) | (what & CURL_POLL_OUT ? LOOP_WRITE : 0);
	struct fetch_socket *sock = assigned;
	struct fetch *f = NULL;
	int r;

	if (what == CURL_POLL_REMOVE) {
		if (sock)
			socket_forget(arg, sock);
		return 0;
	}
	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &f);
	r = sock ? loop_io_set(sock->io, events) : socket_watch(arg, fd, events);
	if (f) {
		f->watched = true;
		f->connected |= (what & CURL_POLL_IN) != 0;
		if (r)
			f->local_errno = -r;
	}
	return 0;
}

/* --- on the loop ------------------------------------------------------------ */

int fetch_multi_new(struct loop *loop, struct fetch_multi **ret_multi)
{
	struct fetch_multi *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	m->loop = loop;
	if (curl_global_init(CURL_GLOBAL_DEFAULT)) {
		free(m);
		return -ENOMEM;
	}
	m->curlm = curl_multi_init();
	r = m->curlm ? loop_timer_new(loop, "fetch", on_timer, m, &m->timer) : -ENOMEM;
	if (r) {
		fetch_multi_free(m);
		return r;
	}
	curl_multi_setopt(m->curlm, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(m->curlm, CURLMOPT_SOCKETDATA, m);
	curl_multi_setopt(m->curlm, CURLMOPT_TIMERFUNCTION, on_timeout_changed);
	curl_multi_setopt(m->curlm, CURLMOPT_TIMERDATA, m);
	*ret_multi = m;
	return 0;
}

static void unlink_running(struct fetch *f)
{
	struct fetch_multi *m = f->multi;

	curl_multi_remove_handle(m->curlm, f->easy);
	if (f->prev)
		f->prev->next = f->next;
	else
		m->running = f->next;
	if (f->next)
		f->next->prev = f->prev;
	f->prev = f->next = NULL;
}

static void give_back(struct fetch *f)
{
	struct fetch_multi *m = f->multi;
	long os_errno = 0;

	/* libcurl keeps one for ever, and would tell it of the next transfer as well. */
	curl_easy_getinfo(f->easy, CURLINFO_OS_ERRNO, &os_errno);
	if (os_errno || m->n_pool >= POOL_MAX) {
		fetch_free(f);
		return;
	}
	fetch_reset(f);
	f->next = m->pool;
	m->pool = f;
	m->n_pool++;
}

void fetch_multi_free(struct fetch_multi *m)
{
	struct fetch *f;

	if (!m)
		return;
	while (m->running)
		fetch_cancel(m->running);
	while ((f = m->pool)) {
		m->pool = f->next;
		fetch_free(f);
	}
	curl_multi_cleanup(m->curlm);
	loop_timer_free(m->timer);
	curl_global_cleanup();
	free(m);
}

/* Not by reset, with which the other side may lose what it has not read. libcurl's own QUIT
 * would wait for an answer, and block the loop. */
static void say_farewell(struct fetch *f)
{
	const struct linger none = { .l_onoff = 0 };
	curl_socket_t fd = CURL_SOCKET_BAD;
	size_t sent;

	if (curl_easy_getinfo(f->easy, CURLINFO_ACTIVESOCKET, &fd) || fd == CURL_SOCKET_BAD)
		return;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	curl_easy_send(f->easy, f->mail->farewell, strlen(f->mail->farewell), &sent);
}

static void report_all(struct fetch_multi *m)
{
	CURLMsg *msg;
	int left;

	/* fn may start and cancel: curl drops the messages of a removed handle */
	while ((msg = curl_multi_info_read(m->curlm, &left))) {
		struct fetch *f = NULL;

		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &f);
		fetch_fill(f, msg->data.result);
		if (f->mail && f->result.error == FETCH_OK)
			say_farewell(f);
		unlink_running(f);
		f->reporting = true;
		f->fn(f->arg, &f->result);
		give_back(f);
	}
}

int fetch_start(struct fetch_multi *m, const struct fetch_request *req, fetch_fn *fn, void *arg,
		struct fetch **ret_fetch)
{
	struct fetch *f = m->pool;
	int r, running;

	if (f) {
		m->pool = f->next;
		m->n_pool--;
		f->next = NULL;
	} else {
		f = fetch_new(m);
	}
	if (!f)
		return -ENOMEM;
	f->fn = fn;
	f->arg = arg;
	r = fetch_set(f, req);
	if (!r && curl_multi_add_handle(m->curlm, f->easy))
		r = -ENOMEM;
	if (r) {
		give_back(f);
		return r;
	}
	f->next = m->running;
	if (f->next)
		f->next->prev = f;
	m->running = f;
	*ret_fetch = f;
	/* Connects now: curl's own wish to be called at once would wait for the next
	 * millisecond. What ends right here is reported by that timer. */
	curl_multi_socket_action(m->curlm, CURL_SOCKET_TIMEOUT, 0, &running);
	loop_timer_start(m->timer, 0);
	return 0;
}

void fetch_cancel(struct fetch *f)
{
	if (!f || f->reporting)
		return;
	unlink_running(f);
	give_back(f);
}

int fetch_wait(const struct fetch_request *req, struct fetch_result *ret_result)
{
	struct fetch *f;
	int r = -ENOMEM;

	if (curl_global_init(CURL_GLOBAL_DEFAULT))
		return r;
	f = fetch_new(NULL);
	if (f) {
		r = fetch_set(f, req);
		if (!r) {
			fetch_fill(f, curl_easy_perform(f->easy));
			*ret_result = f->result;
			f->result = (struct fetch_result){ 0 };
		}
		fetch_free(f);
	}
	curl_global_cleanup();
	return r;
}
