/* maintenance.c: `touch web1` is the oldest remote control there is, and configuration
 * management has it. A file is an order that cannot be answered: what the guards would
 * have said is logged, and it is done. The directory is read on the work queue; one that
 * cannot be read says nothing, so what is held stays held. */
#include "agent/maintenance.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/base/loop.h"
#include "agent/holds/effect.h"
#include "agent/holds/place.h"
#include "agent/rules/guard.h"
#include "agent/rules/order.h"
#include "agent/settings.h"
#include "agent/targets.h"

const char maintenance_holder[] = "maintenance";

enum { LOOK_MS = 60000, SOON_MS = 50, REASON_MAX = 200, FILES_MAX = 1000 };

struct note {
	char *name, *reason;
	bool known; /* it names a realserver */
};

/* What was found, by the work queue. */
struct look {
	struct maintenance *maintenance; /* NULL = it has gone meanwhile */
	char *dir;
	struct note *notes;
	size_t n;
	int error;
};

struct maintenance {
	struct agent *agent;
	struct loop_timer *timer;
	struct loop_io *io;
	int fd; /* of inotify; -1 = none could be had */
	char *dir;
	struct look *look; /* under way */
	int told;          /* the error that was told */
	bool again;        /* something changed since it began */
};

static void look_free(struct look *k)
{
	size_t i;

	for (i = 0; i < k->n; i++) {
		free(k->notes[i].name);
		free(k->notes[i].reason);
	}
	free(k->notes);
	free(k->dir);
	free(k);
}

/* --- reading (work queue) ------------------------------------------------------- */

/* The first line of the file; "" where it cannot be had. */
static char *first_line(int dir, const char *name)
{
	char text[REASON_MAX + 1];
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t n = fd == -1 ? 0 : read(fd, text, REASON_MAX);

	if (fd != -1)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\r\n")] = '\0';
	return strdup(text);
}

static int add_note(struct look *k, int dir, const char *name)
{
	struct note *grown = reallocarray(k->notes, k->n + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	k->notes = grown;
	grown[k->n] = (struct note){ strdup(name), first_line(dir, name), false };
	k->n++;
	return grown[k->n - 1].name && grown[k->n - 1].reason ? 0 : -ENOMEM;
}

/* Hidden files and those of editors are nobody's. */
static bool is_note(const char *name)
{
	size_t len = strlen(name);

	return name[0] != '.' && name[len - 1] != '~' && name[0] != '#';
}

static void look_work(void *arg)
{
	struct look *k = arg;
	DIR *dir = opendir(k->dir);
	struct dirent *d;

	if (!dir) {
		k->error = -errno;
		return;
	}
	for (errno = 0; !k->error && k->n < FILES_MAX && (d = readdir(dir)); errno = 0)
		if (is_note(d->d_name))
			k->error = add_note(k, dirfd(dir), d->d_name);
	if (!k->error && errno)
		k->error = -errno;
	closedir(dir);
}

/* --- what it means ---------------------------------------------------------------- */

/* SERVICE.REALSERVER, where both may have dots. */
static uint32_t dotted(const struct layout *l, const char *name)
{
	const char *dot;
	uint32_t id = LAYOUT_NONE;

	for (dot = strchr(name, '.'); dot && id == LAYOUT_NONE; dot = strchr(dot + 1, '.')) {
		struct buf service = BUF_INIT;

		buf_put(&service, name, (size_t)(dot - name));
		id = layout_find(l, buf_str(&service), dot + 1);
		buf_fini(&service);
	}
	return id;
}

static struct hold like_of(const struct layout *l, uint32_t realserver, const char *reason)
{
	const struct layout_realserver *r = &l->realservers[realserver];
	const struct service_conf *s = l->services[r->service].conf;

	return (struct hold){ .hold_class = HOLD_OPERATOR,
			      .service = (char *)(uintptr_t)s->head.name,
			      .realserver = (char *)(uintptr_t)r->conf->name,
			      .holder = (char *)(uintptr_t)maintenance_holder,
			      .effect = HOLD_ZERO,
			      .reason = (char *)(uintptr_t)reason,
			      .drain_ms = s->drain_timeout };
}

static void on_placed(void *arg, int error, const struct hold *hold)
{
	struct agent *a = arg;

	if (!error)
		log_event(LOG_INFO, "hold placed", LOG_STR("service", hold->service),
			  LOG_STR("realserver", hold->realserver), LOG_STR("class", "operator"),
			  LOG_STR("holder", maintenance_holder), LOG_STR("reason", hold->reason));
	else if (error != -ESHUTDOWN && !a->stopping)
		log_event(LOG_ERROR, "a file in maintenance_dir cannot be recorded",
			  LOG_ERR(error));
}

/* Nobody is there to be refused; but it is said. Whether there was something to say. */
static bool warn(const struct agent *a, uint32_t realserver)
{
	struct order order = { .service = a->state->layout->realservers[realserver].service,
			       .realservers = &realserver,
			       .n = 1,
			       .effect = HOLD_ZERO };
	struct guard_input in;
	unsigned int refused = order_judge(a->state, a->holds, &order, &in);
	int guard;

	for (guard = GUARD_ADMIT + 1; guard < N_GUARDS; guard++) {
		struct buf text = BUF_INIT;

		if (!(refused & 1u << guard))
			continue;
		order_describe(a->state, &order, guard, &in, &text);
		log_event(LOG_WARN, "a file in maintenance_dir overrides a guard",
			  LOG_STR("guard", guard_names[guard]), LOG_STR("what", buf_str(&text)));
		buf_fini(&text);
	}
	return refused;
}

static void want(struct maintenance *m, uint32_t realserver, const char *reason)
{
	struct agent *a = m->agent;
	struct hold like = like_of(a->state->layout, realserver, reason);
	const struct hold *h = holds_same(a->holds, &like);
	int e;

	if (placer_is_asked(a->placer, &like) || (h && !strcmp(h->reason, reason)))
		return;
	if (!h)
		like.forced = warn(a, realserver);
	e = placer_asked(a->placer, &like, clock_wall_ms(), on_placed, a);
	if (e)
		on_placed(a, e, NULL);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct note *)a)->name, ((const struct note *)b)->name);
}

static void give(const char **reasons, uint32_t realserver, struct note *n)
{
	n->known = true;
	if (!reasons[realserver])
		reasons[realserver] = n->reason;
}

/* A name that is no realserver's: SERVICE.REALSERVER, or an address. */
static void apply_other(const struct layout *l, struct note *n, const char **reasons)
{
	struct targets t = { 0 };
	struct buf why = BUF_INIT;
	struct addr addr;
	uint32_t one = dotted(l, n->name), i;

	if (one != LAYOUT_NONE)
		give(reasons, one, n);
	if (!addr_parse(n->name, &addr) && !targets_find(l, n->name, &why, &t))
		for (i = 0; i < t.n; i++)
			give(reasons, t.ids[i], n);
	targets_fini(&t);
	buf_fini(&why);
}

/* By realserver: the reason of its file, NULL = none. */
static void find_reasons(const struct layout *l, struct look *k, const char **reasons)
{
	uint32_t i;
	size_t n;

	if (k->n)
		qsort(k->notes, k->n, sizeof(*k->notes), by_name);
	for (i = 0; k->n && i < l->n_realservers; i++) {
		struct note key = { .name = (char *)(uintptr_t)l->realservers[i].conf->name };
		struct note *found = bsearch(&key, k->notes, k->n, sizeof(key), by_name);

		if (found)
			give(reasons, i, found);
	}
	for (n = 0; n < k->n; n++)
		apply_other(l, &k->notes[n], reasons);
}

/* What has no file any more, by id: lifting changes the table that is walked. */
struct over {
	const struct layout *layout;
	const char *const *reasons; /* NULL = none has one */
	char **ids;
	size_t n, room;
};

static void find_over(void *arg, const struct hold *h)
{
	struct over *o = arg;
	uint32_t id = layout_find(o->layout, h->service, h->realserver);

	if (h->hold_class != HOLD_OPERATOR || strcmp(h->holder, maintenance_holder) != 0 ||
	    hold_kind(h->effect) != HOLD_LOWERS || o->n == o->room ||
	    (o->reasons && id != LAYOUT_NONE && o->reasons[id]))
		return;
	o->ids[o->n] = strdup(h->id);
	o->n += o->ids[o->n] != NULL;
}

static void let_go(struct agent *a, const char *const *reasons)
{
	struct over o = { .layout = a->state->layout,
			  .reasons = reasons,
			  .room = holds_count(a->holds) };
	size_t i;

	o.ids = calloc(o.room + 1, sizeof(*o.ids));
	if (!o.ids)
		return;
	holds_each(a->holds, find_over, &o);
	for (i = 0; i < o.n; i++) {
		const struct hold *h = holds_find(a->holds, o.ids[i]);

		log_event(LOG_INFO, "hold released", LOG_STR("service", h->service),
			  LOG_STR("realserver", h->realserver), LOG_STR("class", "operator"),
			  LOG_STR("holder", maintenance_holder),
			  LOG_STR("reason", "its file is gone"));
		placer_lift(a->placer, o.ids[i]);
		free(o.ids[i]);
	}
	free(o.ids);
}

static void apply(struct maintenance *m, struct look *k)
{
	const struct layout *l = m->agent->state->layout;
	const char **reasons = calloc(l->n_realservers + 1ul, sizeof(*reasons));
	uint32_t i;
	size_t n;

	if (!reasons)
		return;
	find_reasons(l, k, reasons);
	let_go(m->agent, reasons);
	for (i = 0; i < l->n_realservers; i++)
		if (reasons[i])
			want(m, i, reasons[i]);
	for (n = 0; n < k->n; n++)
		if (!k->notes[n].known)
			log_event(LOG_DEBUG, "a file in maintenance_dir names no realserver",
				  LOG_STR("file", k->notes[n].name));
	free(reasons);
}

/* --- when -------------------------------------------------------------------------- */

static void tell(struct maintenance *m, const struct look *k)
{
	if (k->error == m->told)
		return;
	m->told = k->error;
	if (k->error)
		log_event(LOG_ERROR, "maintenance_dir cannot be read, what is held stays held",
			  LOG_STR("dir", k->dir), LOG_ERR(k->error));
	else
		log_event(LOG_INFO, "maintenance_dir can be read again", LOG_STR("dir", k->dir));
}

static void look_done(void *arg)
{
	struct look *k = arg;
	struct maintenance *m = k->maintenance;

	if (m) {
		m->look = NULL;
		tell(m, k);
		if (!k->error && m->dir && !strcmp(m->dir, k->dir) && !m->agent->stopping)
			apply(m, k);
		loop_timer_start(m->timer, m->again ? SOON_MS : LOOK_MS);
		m->again = false;
	}
	look_free(k);
}

static void begin(struct maintenance *m)
{
	struct look *k;

	if (m->look) {
		m->again = true;
		return;
	}
	k = calloc(1, sizeof(*k));
	if (k) {
		k->maintenance = m;
		k->dir = strdup(m->dir);
	}
	if (!k || !k->dir || loop_work(m->agent->loop, "maintenance", look_work, look_done, k)) {
		if (k)
			look_free(k);
		loop_timer_start(m->timer, LOOK_MS);
		return;
	}
	m->look = k;
}

/* It may not be there yet, or no more: watched again whenever it is looked at. */
static void watch(struct maintenance *m)
{
	if (m->fd != -1 && m->dir)
		(void)inotify_add_watch(m->fd, m->dir,
					IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM |
						IN_CLOSE_WRITE | IN_ONLYDIR);
}

static void on_timer(void *arg)
{
	struct maintenance *m = arg;

	if (!m->dir || m->agent->stopping)
		return;
	watch(m);
	begin(m);
}

static void on_event(void *arg, int events)
{
	struct maintenance *m = arg;
	char text[4096] __attribute__((aligned(__alignof__(struct inotify_event))));

	(void)events;
	while (read(m->fd, text, sizeof(text)) > 0)
		;
	/* A file that is being written has its line in a moment. */
	if (m->look)
		m->again = true;
	else
		loop_timer_start(m->timer, SOON_MS);
}

static void open_watch(struct maintenance *m)
{
	m->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (m->fd == -1 ||
	    !loop_io_new(m->agent->loop, "maintenance", m->fd, POLLIN, on_event, m, &m->io))
		return;
	close(m->fd);
	m->fd = -1;
}

static void close_watch(struct maintenance *m)
{
	loop_io_free(m->io);
	m->io = NULL;
	if (m->fd != -1)
		close(m->fd);
	m->fd = -1;
}

void maintenance_again(struct maintenance *m)
{
	const struct agent_conf *conf = config_section(m->agent->conf, &agent_section);
	const char *dir = conf->maintenance_dir;
	bool same = dir && m->dir && !strcmp(dir, m->dir);

	if (!same) {
		close_watch(m);
		free(m->dir);
		m->dir = dir ? strdup(dir) : NULL;
		if (m->dir)
			open_watch(m);
	}
	if (!dir)
		let_go(m->agent, NULL);
	else
		on_timer(m);
}

int maintenance_new(struct agent *a, struct maintenance **ret_maintenance)
{
	struct maintenance *m = calloc(1, sizeof(*m));
	int e;

	if (!m)
		return -ENOMEM;
	*m = (struct maintenance){ .agent = a, .fd = -1 };
	e = loop_timer_new(a->loop, "maintenance", on_timer, m, &m->timer);
	if (e) {
		free(m);
		return e;
	}
	maintenance_again(m);
	*ret_maintenance = m;
	return 0;
}

void maintenance_free(struct maintenance *m)
{
	if (!m)
		return;
	if (m->look)
		m->look->maintenance = NULL;
	close_watch(m);
	loop_timer_free(m->timer);
	free(m->dir);
	free(m);
}
