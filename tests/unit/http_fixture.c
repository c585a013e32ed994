/* http_fixture.c: see http_fixture.h. Two collectors of its own, one of them with
 * rows enough that a scrape takes several blocks. */
#include "tests/unit/http_fixture.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
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
	v->probes[0].text = (uint32_t)v->reasons.len;
	buf_put(&v->reasons, "Host is blocked", sizeof("Host is blocked"));
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
	v->holds[0] =
		(struct view_hold){ "h1", "web",           "web2", "rule", "probe-down", "refused",
				    0,    clock_wall_ms(), 0,      0,      false,        false };
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

static bool door_was_read(void *agent)
{
	struct world *w = agent;

	return atomic_load(&w->was_read);
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

static void put_text(struct buf *out, const char *name, const char *value)
{
	if (value)
		buf_printf(out, " %s=%s", name, value);
}

static void put_number(struct buf *out, const char *name, int64_t value)
{
	if (value)
		buf_printf(out, " %s=%lld", name, (long long)value);
}

/* Writes down what was asked, and answers as the case wants it. */
static void run_asked(struct world *w, const struct command *c, struct command_reply *reply)
{
	static const char *const names[] = {
		[COMMAND_HOLD] = "hold",     [COMMAND_LIFT] = "lift",
		[COMMAND_HOLDS] = "holds",   [COMMAND_FREEZE] = "freeze",
		[COMMAND_THAW] = "thaw",     [COMMAND_RULES] = "rules",
		[COMMAND_ROLE] = "role",     [COMMAND_SET_ROLE] = "set-role",
		[COMMAND_ALERTS] = "alerts", [COMMAND_PROBE] = "probe",
	};
	struct buf *out = &w->asked;

	pthread_mutex_lock(&w->lock);
	buf_reset(out);
	buf_puts(out, names[c->kind]);
	put_text(out, "target", c->target);
	put_text(out, "who", c->who);
	put_text(out, "holder", c->holder);
	put_text(out, "reason", c->reason);
	put_text(out, "id", c->id);
	put_text(out, "only", c->only);
	put_number(out, "effect", c->effect);
	put_number(out, "weight", c->weight);
	put_number(out, "ttl", c->ttl_ms);
	put_number(out, "drain", c->drain_ms);
	put_number(out, "force", c->force);
	put_number(out, "all", c->all);
	put_number(out, "count", c->count);
	put_number(out, "body", (int64_t)c->body.len);
	reply->status = w->reply_status;
	reply->guard = w->reply_guard;
	buf_puts(&reply->text, w->reply_text ? w->reply_text : "{}");
	w->n_asked++;
	pthread_mutex_unlock(&w->lock);
}

char *take_asked(struct world *w)
{
	struct buf text = BUF_INIT;

	pthread_mutex_lock(&w->lock);
	text = w->asked;
	w->asked = BUF_INIT;
	pthread_mutex_unlock(&w->lock);
	buf_puts(&text, "");
	return buf_take(&text);
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
	} else if (p->cmd.kind != COMMAND_EXPLAIN) {
		run_asked(w, &p->cmd, &reply);
		p->fn(p->arg, &reply);
	} else {
		bool known = strcmp(p->cmd.target, "web/web1") == 0;

		reply.status = known ? COMMAND_OK : COMMAND_NOT_FOUND;
		buf_printf(&reply.text, known ? "{\"target\":\"web/web1\"}" : "no '%s'",
			   p->cmd.target);
		p->fn(p->arg, &reply);
	}
	buf_fini(&reply.text);
	command_fini(&p->cmd);
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

/* One port for one test: a name that goes with the process says whose it is. */
static int claim(uint16_t port)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_int_not_equal(fd, -1);
	snprintf(un.sun_path + 1, sizeof(un.sun_path) - 1, "ipvs-agent-test-%u", port);
	if (!bind(fd, (struct sockaddr *)&un, sizeof(un)))
		return fd;
	close(fd);
	return -1;
}

static bool is_free(uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool is;

	assert_int_not_equal(fd, -1);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	is = !bind(fd, (struct sockaddr *)&in, sizeof(in)) && !listen(fd, 1);
	close(fd);
	return is;
}

/* Below the ports that the kernel gives out: one of those may be somebody's end of a
 * connection by the time that a server wants it. Free on every address. */
static uint16_t free_port(int *ret_claim)
{
	for (uint16_t port = 10240; port < 32000; port++) {
		int fd = claim(port);

		if (fd == -1)
			continue;
		if (is_free(port)) {
			*ret_claim = fd;
			return port;
		}
		close(fd);
	}
	fail_msg("no port is free");
	return 0;
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
	*w = (struct world){ 0 };
	w->port = free_port(&w->claim);
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
	return (struct http_env){ .door = { w, door_post, door_view, door_was_read },
				  .loop = w->loop,
				  .collectors = test_collectors,
				  .state_dir = w->dir,
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
	buf_fini(&w->asked);
	pthread_mutex_destroy(&w->lock);
	close(w->claim);
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
