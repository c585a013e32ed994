/* http_fixture.c: see http_fixture.h. Two collectors of its own, one of them with
 * rows enough that a scrape takes several blocks. */
#include "tests/unit/http_fixture.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/base/loop.h"
#include "agent/metrics/metrics_conf.h"

enum { N_ROWS = 5000 };

/* --- the view ------------------------------------------------------------------- */

static struct realserver_conf confs[] = {
	{ .name = "web1", .weight = 100 },
	{ .name = "web2", .weight = 100 },
};
static struct probe_conf probe = { .head = { .name = "http" } };
static struct layout_target target = { .conf = &probe };
static uint32_t links[] = { 0 };
static struct layout_realserver pool[] = {
	{ .conf = &confs[0], .n_links = 1 },
	{ .conf = &confs[1], .first_link = 1 },
};
static struct layout layout = { .realservers = pool, .links = links, .targets = &target };
static const char reasons[] = "\0rule \"x\" \xff\x01";

struct view *view_make(struct world *w)
{
	struct view *v = calloc(1, sizeof(*v));

	assert_non_null(v);
	atomic_init(&v->refs, 1);
	v->conf = config_ref(w->config);
	v->generation = 1;
	v->made_mono_ms = clock_mono_ms();
	v->made_wall_ms = clock_wall_ms();
	v->agent.kernel_ok = v->agent.last_reload_ok = v->agent.ledger_writable = true;
	v->n_services = 2;
	v->services = calloc(2, sizeof(*v->services));
	v->services[0] = (struct view_service){
		.name = "web", .n_realservers = 2, .available = 1, .configured = 2, .own = 1
	};
	v->services[0].states[VIEW_UP] = v->services[0].states[VIEW_DOWN] = 1;
	v->services[1] = (struct view_service){ .name = "empty", .first_realserver = 2 };
	v->n_realservers = 2;
	v->realservers = calloc(2, sizeof(*v->realservers));
	v->layout = &layout;
	buf_put(&v->reasons, reasons, sizeof(reasons));
	v->realservers[0] = (struct view_realserver){ .effective_weight = 100 };
	v->realservers[1] = (struct view_realserver){
		.effective_weight = -1, .state = VIEW_DOWN, .first_probe = 1, .reason = 1
	};
	v->n_probes = 1;
	v->probes = calloc(1, sizeof(*v->probes));
	v->probes[0].attempts = 3;
	v->n_vips = 3;
	v->vips = calloc(3, sizeof(*v->vips));
	v->vips[0] = (struct view_vip){ "web", "tcp://10.1.2.15:80", VIEW_NONE, 0, 0, 2 };
	v->vips[1] = (struct view_vip){
		"tcp://10.0.0.9:81", "tcp://10.0.0.9:81", VIEW_NONE, VIEW_NONE, 2, 1
	};
	v->vips[2] = (struct view_vip){ "web", "tcp://10.1.2.15:443", VIEW_NONE, 0, 3, 0 };
	v->n_dests = 3;
	v->dests = calloc(3, sizeof(*v->dests));
	v->dests[0] = (struct view_dest){ "web1", VIEW_NONE, 0 };
	v->dests[1] = (struct view_dest){ "web2", VIEW_NONE, 1 };
	v->dests[2] = (struct view_dest){ "10.0.0.21:81", VIEW_NONE, VIEW_NONE };
	v->n_holds = 1;
	v->holds = calloc(1, sizeof(*v->holds));
	v->holds[0] = (struct view_hold){ "h1",      "web", "web2",          "rule", "probe-down",
					  "refused", 0,     clock_wall_ms(), 0 };
	return v;
}

void world_view(struct world *w, struct view *v)
{
	struct view *old;

	pthread_mutex_lock(&w->lock);
	old = w->view;
	w->view = v;
	pthread_mutex_unlock(&w->lock);
	view_unref(old);
}

/* --- the door ------------------------------------------------------------------- */

static struct view *door_view(void *agent)
{
	struct world *w = agent;
	struct view *v;

	pthread_mutex_lock(&w->lock);
	v = w->view ? view_ref(w->view) : NULL;
	pthread_mutex_unlock(&w->lock);
	return v;
}

struct posted {
	struct world *w;
	struct command cmd;
	command_fn *fn;
	void *arg;
};

static void run_round(struct world *w, command_fn *fn, void *arg)
{
	struct command_reply reply = { .status = COMMAND_OK };

	world_view(w, view_make(w));
	reply.view = door_view(w);
	fn(arg, &reply);
	view_unref(reply.view);
}

static void door_run(void *arg)
{
	struct posted *p = arg;
	struct world *w = p->w;
	struct command_reply reply = { .status = COMMAND_OK };

	if (p->cmd.kind == COMMAND_ROUND) {
		atomic_fetch_add(&w->rounds, 1);
		pthread_mutex_lock(&w->lock);
		if (w->hold_rounds) {
			w->held[w->n_held].fn = p->fn;
			w->held[w->n_held++].arg = p->arg;
			p->fn = NULL;
		}
		pthread_mutex_unlock(&w->lock);
		if (p->fn)
			run_round(w, p->fn, p->arg);
	} else if (p->cmd.kind == COMMAND_RELOAD) {
		atomic_fetch_add(&w->reloads, 1);
		if (w->on_reload)
			w->on_reload(w);
		reply.status = w->reload_status;
		buf_puts(&reply.text, w->reload_text ? w->reload_text : "");
		p->fn(p->arg, &reply);
	} else {
		bool known = strcmp(p->cmd.target, "web/web1") == 0;

		reply.status = known ? COMMAND_OK : COMMAND_NOT_FOUND;
		buf_printf(&reply.text, known ? "{\"target\":\"web/web1\"}" : "no '%s'",
			   p->cmd.target);
		p->fn(p->arg, &reply);
	}
	buf_fini(&reply.text);
	free(p->cmd.target);
	free(p);
}

static int door_post(void *agent, struct command *cmd, command_fn *fn, void *arg)
{
	struct world *w = agent;
	struct posted *p = malloc(sizeof(*p));

	*p = (struct posted){ w, *cmd, fn, arg };
	return loop_post(w->loop, "test", door_run, p);
}

static void release_on_loop(void *arg)
{
	struct world *w = arg;

	for (size_t i = 0; i < w->n_held; i++)
		run_round(w, w->held[i].fn, w->held[i].arg);
	w->n_held = 0;
}

void release_rounds(struct world *w)
{
	pthread_mutex_lock(&w->lock);
	w->hold_rounds = false;
	pthread_mutex_unlock(&w->lock);
	assert_int_equal(loop_post(w->loop, "test", release_on_loop, w), 0);
}

size_t held_rounds(struct world *w)
{
	size_t n;

	pthread_mutex_lock(&w->lock);
	n = w->n_held;
	pthread_mutex_unlock(&w->lock);
	return n;
}

/* --- collectors ------------------------------------------------------------------- */

static uint32_t many_count(const struct view *v, const void *values)
{
	(void)v;
	(void)values;
	return N_ROWS;
}

static void many_labels(const struct view *v, const void *values, uint32_t row, struct buf *out)
{
	(void)v;
	(void)values;
	buf_printf(out, "row=\"%u\"", row);
}

static bool many_get(const struct view *v, const void *values, uint32_t row, uint32_t sub,
		     struct metric_value *ret)
{
	(void)v;
	(void)values;
	(void)sub;
	*ret = metric_u64(row);
	return true;
}

static const struct metric_rows many_rows = { .count = many_count, .labels = many_labels };
static const struct metric alpha_metrics[] = {
	{ .name = "test_alpha",
	  .type = METRIC_GAUGE,
	  .help = "Alpha.",
	  .rows = &metric_one,
	  .get = many_get },
};
static const struct metric beta_metrics[] = {
	{ .name = "test_beta_total",
	  .type = METRIC_COUNTER,
	  .help = "Beta.",
	  .rows = &many_rows,
	  .get = many_get },
};
static const struct collector alpha = {
	.name = "alpha", .help = "Alpha.", .metrics = alpha_metrics, .n_metrics = 1
};
static const struct collector beta = {
	.name = "beta", .help = "Beta.", .metrics = beta_metrics, .n_metrics = 1
};
const struct collector *const test_collectors[] = { &alpha, &beta, NULL };

/* --- the world ------------------------------------------------------------------- */

static uint16_t free_port(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	close(fd);
	return ntohs(in.sin_port);
}

char *path_in(const struct world *w, const char *name)
{
	struct buf path = BUF_INIT;

	buf_printf(&path, "%s/%s", w->dir, name);
	return buf_take(&path);
}

char *file_with(const struct world *w, const char *name, const char *text)
{
	char *path = path_in(w, name);
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
	return path;
}

static void *loop_thread(void *arg)
{
	loop_run(arg);
	return NULL;
}

void world_init(struct world *w)
{
	static const struct conf_section *const sections[] = { &metrics_section, NULL };
	static conf_check_fn *const checks[] = { NULL };
	struct listen_conf *l = &w->listens[0];
	struct buf problems = BUF_INIT;
	char *path;

	log_set_level(LOG_ERROR);
	*w = (struct world){ .port = free_port() };
	pthread_mutex_init(&w->lock, NULL);
	strcpy(w->dir, "/tmp/ipvs-agent-http-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	path = file_with(w, "test.ini", "[metrics]\nmax_age = 5m\n");
	assert_int_equal(config_load(path, sections, checks, &w->config), 0);
	config_format_problems(w->config, &problems);
	if (config_errors(w->config))
		fail_msg("%s", buf_str(&problems));
	buf_fini(&problems);
	free(path);
	assert_int_equal(loop_new(&w->loop), 0);
	assert_int_equal(pthread_create(&w->thread, NULL, loop_thread, w->loop), 0);
	world_view(w, view_make(w));
	l->addr = (struct addr){ .bytes = { 127, 0, 0, 1 }, .port = w->port, .family = AF_INET };
	l->text = "127.0.0.1:test";
	w->conf.listens = w->listens;
	w->conf.n_listens = 1;
	w->conf.max_connections = 200;
}

struct http_env world_env(struct world *w)
{
	return (struct http_env){ .door = { w, door_post, door_view },
				  .loop = w->loop,
				  .collectors = test_collectors,
				  .limits = w->limits };
}

void world_serve(struct world *w)
{
	struct http_env env = world_env(w);
	struct buf why = BUF_INIT;
	int r = http_new(&w->conf, &env, &why, &w->server);

	if (r < 0)
		print_error("%s\n", buf_str(&why));
	buf_fini(&why);
	assert_int_equal(r, 0);
}

static void stop_loop(void *arg)
{
	loop_stop(arg);
}

void world_fini(struct world *w)
{
	struct buf cmd = BUF_INIT;

	http_free(w->server);
	release_rounds(w);
	assert_int_equal(loop_post(w->loop, "test", stop_loop, w->loop), 0);
	pthread_join(w->thread, NULL);
	loop_free(w->loop);
	view_unref(w->view);
	config_unref(w->config);
	pthread_mutex_destroy(&w->lock);
	buf_printf(&cmd, "rm -rf -- '%s'", w->dir);
	assert_int_equal(system(buf_str(&cmd)), 0);
	buf_fini(&cmd);
}

int world_setup(void **state)
{
	struct world *w = malloc(sizeof(*w));

	world_init(w);
	*state = w;
	return 0;
}

int world_teardown(void **state)
{
	world_fini(*state);
	free(*state);
	return 0;
}

/* --- the client -------------------------------------------------------------------- */

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

	buf_printf(&text, "%s HTTP/1.0\r\nHost: test\r\n%s\r\n", line, headers ? headers : "");
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
