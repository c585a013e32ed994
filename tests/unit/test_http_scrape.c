/* test_http_scrape.c: /metrics: fresh rounds and late ones, many scrapes at a time,
 * what the headers ask for. */
#include "tests/unit/http_fixture.h"

#include <curl/curl.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include "agent/http/encoding.h"

/* A snapshot that is older than max_age allows. */
static void make_old(struct world *w)
{
	struct view *v = view_make(w);

	v->made_mono_ms -= 2 * 3600 * 1000;
	v->agent.drift = 77;
	world_view(w, v);
}

static void test_fresh_round(void **state)
{
	struct world *w = *state;
	char *answer;

	make_old(w);
	world_serve(w);
	answer = ask(w, "HEAD /metrics", NULL);
	assert_int_equal(status_of(answer), 200);
	free(answer);
	assert_int_equal(atomic_load(&w->rounds), 0);
	answer = ask(w, "GET /metrics", NULL);
	assert_int_equal(status_of(answer), 200);
	free(answer);
	assert_int_equal(atomic_load(&w->rounds), 1);
	answer = ask(w, "GET /metrics", NULL);
	free(answer);
	assert_int_equal(atomic_load(&w->rounds), 1);
}

static void test_round_does_not_come(void **state)
{
	static const char limit[] = "X-Prometheus-Scrape-Timeout-Seconds: 0.6\r\n";
	struct world *w = *state;
	char *answer;

	w->hold_rounds = true;
	make_old(w);
	world_serve(w);
	answer = ask(w, "GET /metrics", limit);
	assert_int_equal(status_of(answer), 200);
	assert_non_null(strstr(answer, "test_alpha 0\n"));
	free(answer);
	world_view(w, NULL);
	answer = ask(w, "GET /metrics", limit);
	assert_int_equal(status_of(answer), 503);
	assert_non_null(strstr(answer, "no reading yet"));
	free(answer);
	release_rounds(w); /* two answers too late: nobody takes them */
}

struct scraper {
	struct world *w;
	pthread_t thread;
	char *answer;
};

static void *scrape_thread(void *arg)
{
	struct scraper *s = arg;

	s->answer = ask(s->w, "GET /metrics", NULL);
	return NULL;
}

static void test_many_scrapes(void **state)
{
	struct world *w = *state;
	struct scraper scrapers[50];

	w->limits.scrapes = 4;
	w->hold_rounds = true;
	make_old(w);
	world_serve(w);
	for (size_t i = 0; i < countof(scrapers); i++) {
		scrapers[i] = (struct scraper){ .w = w };
		assert_int_equal(
			pthread_create(&scrapers[i].thread, NULL, scrape_thread, &scrapers[i]), 0);
	}
	while (held_rounds(w) < countof(scrapers))
		sched_yield();
	release_rounds(w);
	for (size_t i = 0; i < countof(scrapers); i++) {
		pthread_join(scrapers[i].thread, NULL);
		assert_int_equal(status_of(scrapers[i].answer), 200);
		assert_non_null(strstr(scrapers[i].answer, "test_beta_total{row=\"4999\"} 4999\n"));
		free(scrapers[i].answer);
	}
}

static void test_stop_while_waiting(void **state)
{
	struct world *w = *state;
	struct scraper s = { .w = w };

	w->hold_rounds = true;
	make_old(w);
	world_serve(w);
	pthread_create(&s.thread, NULL, scrape_thread, &s);
	while (held_rounds(w) < 1)
		sched_yield();
	http_free(w->server);
	w->server = NULL;
	pthread_join(s.thread, NULL);
	assert_int_equal(status_of(s.answer), 503);
	assert_non_null(strstr(s.answer, "stopping"));
	free(s.answer);
}

/* A client that reads nothing takes the only slot: the next one is told so in its
 * time, and has its turn when the first is gone. */
static void test_slots(void **state)
{
	static const char request[] = "GET /metrics HTTP/1.1\r\nHost: t\r\n\r\n";
	struct world *w = *state;
	int stuck[2], small = 4096;
	char *answer;

	w->limits.scrapes = 2;
	world_serve(w);
	for (size_t i = 0; i < countof(stuck); i++) {
		stuck[i] = client_connect(w, NULL);
		setsockopt(stuck[i], SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
		for (int j = 0; j < 100; j++) /* pipelined: more than any buffer holds */
			client_send(stuck[i], request, strlen(request));
		while (recv(stuck[i], &(char){ 0 }, 1, MSG_PEEK) != 1)
			;
	}
	/* Once their buffers are full, each holds a slot in the middle of an answer. */
	for (int status = 0, tries = 0; status != 503; tries++) {
		assert_true(tries < 1000);
		answer = ask(w, "GET /metrics?collect[]=alpha",
			     "X-Prometheus-Scrape-Timeout-Seconds: 0.2\r\n");
		status = status_of(answer);
		if (status == 503)
			assert_non_null(strstr(answer, "limit of concurrent scrapes reached (2)"));
		free(answer);
	}
	close(stuck[0]);
	answer = ask(w, "GET /metrics", NULL);
	assert_int_equal(status_of(answer), 200);
	free(answer);
	close(stuck[1]);
}

static size_t curl_take(char *data, size_t size, size_t n, void *arg)
{
	buf_put(arg, data, size * n);
	return size * n;
}

static void curl_get(const struct world *w, const char *accept, struct buf *out)
{
	CURL *curl = curl_easy_init();
	struct curl_slist *list = curl_slist_append(NULL, accept);
	struct buf url = BUF_INIT;

	buf_printf(&url, "http://127.0.0.1:%u/metrics", w->port);
	curl_easy_setopt(curl, CURLOPT_URL, buf_str(&url));
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, curl_take);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, out);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	assert_int_equal(curl_easy_perform(curl), CURLE_OK);
	curl_slist_free_all(list);
	curl_easy_cleanup(curl);
	buf_fini(&url);
}

/* Everything but the agent's own figures about this very scrape is the same. */
static void test_gzip(void **state)
{
	struct world *w = *state;
	struct buf plain = BUF_INIT, packed = BUF_INIT, out = BUF_INIT;
	z_stream z = { 0 };

	world_serve(w);
	curl_get(w, "Accept-Encoding: gzip;q=0, identity", &plain);
	curl_get(w, "Accept-Encoding: br, gzip;q=0.5", &packed);
	assert_true(packed.len > 0 && packed.len < plain.len / 3);
	assert_true(buf_reserve(&out, 2 * plain.len));
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	z.next_in = (unsigned char *)packed.data;
	z.avail_in = (unsigned int)packed.len;
	z.next_out = (unsigned char *)out.data;
	z.avail_out = (unsigned int)(2 * plain.len - 1);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.avail_in, 0);
	out.data[z.total_out] = '\0';
	assert_non_null(strstr(plain.data, "test_beta_total{row=\"4999\"} 4999\n"));
	assert_memory_equal(plain.data, out.data,
			    (size_t)(strstr(plain.data, "{row=\"4999\"}") - plain.data));
	inflateEnd(&z);
	buf_fini(&plain);
	buf_fini(&packed);
	buf_fini(&out);
}

static void test_encodings(void **state)
{
	static const struct {
		const char *header;
		bool gzip;
	} cases[] = {
		{ NULL, false },
		{ "", false },
		{ "gzip", true },
		{ "GZIP", true },
		{ "br", false },
		{ "br, gzip", true },
		{ "gzip;q=0", false },
		{ "gzip; q=0.000", false },
		{ "gzip;q=0.001", true },
		{ "gzip;q=x", false },
		{ "*", true },
		{ "*;q=0", false },
		{ "*;q=0, gzip", true },
		{ "gzip;q=0, *", false },
		{ "gzippy", false },
		{ "identity;q=1", false },
		{ " , ,gzip ;q=1", true },
		{ "gzip;q=", false },
		{ "x-gzip", true },
		{ "deflate;q=0.5,*;q=1", true },
		{ ";q=1", false },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++)
		if (encoding_gzip(cases[i].header) != cases[i].gzip)
			fail_msg("Accept-Encoding: %s", cases[i].header);
}

static void test_timeouts(void **state)
{
	static const struct {
		const char *text;
		int64_t ms; /* -1 = refused */
	} timeouts[] = {
		{ "10", 10000 },
		{ "0.25", 250 },
		{ "1.5", 1500 },
		{ "0.0001", -1 },
		{ "0", -1 },
		{ "", -1 },
		{ "1e3", -1 },
		{ "nan", -1 },
		{ "3600", 3600000 },
		{ "3601", -1 },
		{ "9999999999999999999", -1 },
		{ "10s", -1 },
		{ " 10", -1 },
		{ ".5", -1 },
		{ "5.", 5000 },
		{ "1.99999999", 1999 },
	};

	(void)state;
	for (size_t i = 0; i < countof(timeouts); i++) {
		int64_t ms = -1;
		int r = scrape_timeout_parse(timeouts[i].text, &ms);

		if (ms != timeouts[i].ms || r != (ms == -1 ? -EINVAL : 0))
			fail_msg("timeout '%s': %lld", timeouts[i].text, (long long)ms);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_fresh_round),
		CASE(test_round_does_not_come),
		CASE(test_many_scrapes),
		CASE(test_stop_while_waiting),
		CASE(test_slots),
		CASE(test_gzip),
		cmocka_unit_test(test_encodings),
		cmocka_unit_test(test_timeouts),
	};

	return cmocka_run_group_tests_name("http scrape", tests, NULL, NULL);
}
