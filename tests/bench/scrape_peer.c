/* scrape_peer.c: the measure of a scrape: libmicrohttpd with the flags and limits of
 * agent/http/server.c, whose answer is a text that lies in memory already. */
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/attr.h"
#include "tests/bench/scrape.h"

struct bench_peer {
	struct MHD_Daemon *mhd;
	struct MHD_Response *response; /* of one buffer; NULL: in pieces */
	const struct buf *text;
};

static ssize_t read_piece(void *cls, uint64_t pos, char *out, size_t max)
{
	const struct buf *text = cls;
	size_t n = text->len - (size_t)pos;

	if (!n)
		return MHD_CONTENT_READER_END_OF_STREAM;
	n = n < max ? n : max;
	memcpy(out, text->data + pos, n);
	return (ssize_t)n;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *c, const char *url ATTR_UNUSED,
				  const char *method ATTR_UNUSED, const char *version ATTR_UNUSED,
				  const char *data ATTR_UNUSED, size_t *size ATTR_UNUSED,
				  void **con_cls ATTR_UNUSED)
{
	struct bench_peer *p = cls;
	struct MHD_Response *r = p->response;
	enum MHD_Result result;

	if (r)
		return MHD_queue_response(c, 200, r);
	r = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 64 * 1024, read_piece,
					      (void *)(uintptr_t)p->text, NULL);
	if (!r)
		return MHD_NO;
	result = MHD_queue_response(c, 200, r);
	MHD_destroy_response(r);
	return result;
}

struct bench_peer *bench_peer_new(const struct buf *text, bool pieces)
{
	struct bench_peer *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->text = text;
	if (!pieces)
		p->response = MHD_create_response_from_buffer(text->len, text->data,
							      MHD_RESPMEM_PERSISTENT);
	p->mhd = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
					  MHD_USE_ITC,
				  0, NULL, NULL, on_request, p, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
				  (size_t)32 * 1024, MHD_OPTION_END);
	if (p->mhd && (pieces || p->response))
		return p;
	bench_peer_free(p);
	return NULL;
}

uint16_t bench_peer_port(const struct bench_peer *p)
{
	return MHD_get_daemon_info(p->mhd, MHD_DAEMON_INFO_BIND_PORT)->port;
}

void bench_peer_free(struct bench_peer *p)
{
	if (!p)
		return;
	if (p->mhd)
		MHD_stop_daemon(p->mhd);
	if (p->response)
		MHD_destroy_response(p->response);
	free(p);
}
