/* tuner.c: a pass is a job of the kernel thread: of each setting it reads what is there,
 * and where that is not what is wanted it records what it finds, waits for the disk, and
 * writes. All that a pass needs it has for itself; what came of it is told on the loop. */
#include "agent/sync/tuner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/attr.h"
#include "agent/base/log.h"
#include "agent/base/loop.h"
#include "agent/ipvs/port.h"
#include "agent/ipvs/tunable.h"
#include "agent/sync/tune_file.h"

/* One setting in a pass. */
struct step {
	char *name, *want;       /* want: NULL = it leaves */
	struct buf found, value; /* value: what was written */
	enum tune_what what;
	int error;
};

struct pass_of_tuner {
	struct ipvs_errand errand; /* first: it is the pass */
	struct tuner *tuner;       /* for the loop */
	char *state_dir, *procfs;
	struct step *steps;
	size_t n_steps;
	struct tuned_list ours;
	bool dry; /* nothing is written, not even the record */
};

/* What was last told of a setting, so that it is told once. */
struct known {
	char *name;
	int error;
	bool right; /* it was as it should be: anything else is drift */
};

struct tuner {
	struct tuner_env env;
	struct loop_timer *timer;
	struct pass_of_tuner *pass; /* under way, or NULL */
	struct step *wants;         /* name and want alone */
	size_t n_wants;
	struct tuned_list ours; /* the pass's while one is under way */
	struct known *known;
	size_t n_known;
	int64_t interval_ms;
	struct tuner_stats stats;
	void (*removed)(void *arg); /* the end was asked for */
	void *removed_arg;
	bool again, ended;
	bool blind; /* what was recorded could not be read: nothing is written over it */
};

/* --- a pass, on the kernel thread --------------------------------------------------- */

static void steps_free(struct step *steps, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		free(steps[i].name);
		free(steps[i].want);
		buf_fini(&steps[i].found);
		buf_fini(&steps[i].value);
	}
	free(steps);
}

static int add_step(struct step **steps, size_t *n, const char *name, const char *want)
{
	struct step *grown = reallocarray(*steps, *n + 1, sizeof(*grown));
	struct step new = { .name = strdup(name), .want = want ? strdup(want) : NULL };

	if (grown)
		*steps = grown;
	if (!grown || !new.name || (want && !new.want)) {
		free(new.name);
		free(new.want);
		return -ENOMEM;
	}
	grown[(*n)++] = new;
	return 0;
}

/* Before the kernel has it, the disk has what was there. */
static int record(struct pass_of_tuner *p, struct step *s)
{
	int e = tuned_put(&p->ours, s->name, buf_str(&s->found), s->want);

	return e ? e : tune_file_write(p->state_dir, p->procfs, &p->ours);
}

static int set(struct pass_of_tuner *p, struct step *s)
{
	buf_puts(&s->value, s->want);
	if (p->dry)
		return 0;
	s->error = record(p, s);
	return s->error ? s->error : tunable_write(p->procfs, s->name, s->want);
}

static int put_back(struct pass_of_tuner *p, struct step *s, struct tuned *row)
{
	int e = 0;

	buf_puts(&s->value, row->before);
	if (!p->dry)
		e = tunable_write(p->procfs, s->name, row->before);
	return e;
}

static void take(struct pass_of_tuner *p, struct step *s)
{
	struct tuned *row = tuned_find(&p->ours, s->name);

	s->error = tunable_read(p->procfs, s->name, &s->found);
	if (s->error)
		return;
	s->what = tune_judge(s->want, row, buf_str(&s->found));
	if (s->what == TUNE_SET)
		s->error = set(p, s);
	else if (s->what == TUNE_BACK)
		s->error = put_back(p, s, row);
	if (p->dry || s->error || (s->what != TUNE_BACK && s->what != TUNE_FORGET))
		return;
	tuned_drop(&p->ours, row);
	s->error = tune_file_write(p->state_dir, p->procfs, &p->ours);
}

static void work(struct ipvs_errand *errand)
{
	struct pass_of_tuner *p = container_of(errand, struct pass_of_tuner, errand);
	size_t i;

	for (i = 0; i < p->n_steps; i++)
		take(p, &p->steps[i]);
}

static void pass_free_of(struct pass_of_tuner *p)
{
	if (!p)
		return;
	steps_free(p->steps, p->n_steps);
	tuned_fini(&p->ours);
	free(p->state_dir);
	free(p->procfs);
	free(p);
}

static bool wanted(const struct step *wants, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!strcmp(wants[i].name, name))
			return true;
	return false;
}

/* What leaves goes first, then what is wanted, in the order of the keys. */
static int pass_new_of(const struct step *wants, size_t n, const struct tuned_list *ours,
		       const char *state_dir, const char *procfs, struct pass_of_tuner **ret_pass)
{
	struct pass_of_tuner *p = calloc(1, sizeof(*p));
	size_t i;
	int e = 0;

	if (!p)
		return -ENOMEM;
	p->state_dir = strdup(state_dir);
	p->procfs = strdup(procfs);
	if (!p->state_dir || !p->procfs)
		e = -ENOMEM;
	for (i = 0; !e && i < ours->n; i++)
		if (!wanted(wants, n, ours->rows[i].name))
			e = add_step(&p->steps, &p->n_steps, ours->rows[i].name, NULL);
	for (i = 0; !e && i < n; i++)
		e = add_step(&p->steps, &p->n_steps, wants[i].name, wants[i].want);
	if (e) {
		pass_free_of(p);
		return e;
	}
	*ret_pass = p;
	return 0;
}

/* --- telling, on the loop ------------------------------------------------------------- */

static struct known *known_of(struct tuner *t, const char *name)
{
	struct known *grown;
	size_t i;

	for (i = 0; i < t->n_known; i++)
		if (!strcmp(t->known[i].name, name))
			return &t->known[i];
	grown = reallocarray(t->known, t->n_known + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	t->known = grown;
	grown[t->n_known] = (struct known){ .name = strdup(name) };
	return grown[t->n_known].name ? &grown[t->n_known++] : NULL;
}

static void tell_step(const struct step *s, bool drift)
{
	static const char *const texts[] = {
		[TUNE_NOTHING] = "",
		[TUNE_SET] = "a setting of the kernel is set as the file says",
		[TUNE_BACK] = "a setting of the kernel is as it was before",
		[TUNE_FORGET] =
			"a setting of the kernel was set by somebody else since, left alone",
	};
	struct buf name = BUF_INIT;

	tunable_format(&name, s->name);
	if (s->error)
		log_event(LOG_ERROR, "a setting of the kernel could not be set, retrying",
			  LOG_STR("name", buf_str(&name)),
			  LOG_STR("value", s->value.len ? buf_str(&s->value) : s->want ?: ""),
			  LOG_ERR(s->error));
	else
		log_event(drift ? LOG_WARN : LOG_INFO,
			  drift ? "a setting of the kernel had been changed, put right"
				: texts[s->what],
			  LOG_STR("name", buf_str(&name)), LOG_STR("was", buf_str(&s->found)),
			  LOG_STR("value", buf_str(&s->value)));
	buf_fini(&name);
}

static void tell(struct tuner *t, const struct step *s)
{
	struct known *k = known_of(t, s->name);
	bool drift = s->what == TUNE_SET && k && k->right && !s->error;
	bool news = s->error ? !k || k->error != s->error : s->what != TUNE_NOTHING;

	t->stats.drift += drift;
	t->stats.failures += s->error != 0;
	t->stats.writes += !s->error && (s->what == TUNE_SET || s->what == TUNE_BACK);
	if (news)
		tell_step(s, drift);
	if (k) {
		k->error = s->error;
		k->right = !s->error && s->want;
	}
}

static void begin(struct tuner *t);

static void arm(struct tuner *t)
{
	/* Who asks for nothing and has set nothing has no work. */
	if (!t->ended && (t->n_wants || t->ours.n))
		loop_timer_start(t->timer, t->interval_ms);
}

static void finish_removal(struct tuner *t)
{
	void (*fn)(void *arg) = t->removed;

	t->removed = NULL;
	if (fn)
		fn(t->removed_arg);
}

static void done(struct ipvs_errand *errand)
{
	struct pass_of_tuner *p = container_of(errand, struct pass_of_tuner, errand);
	struct tuner *t = p->tuner;
	bool again = t->again;
	size_t i;

	t->pass = NULL;
	t->again = false;
	t->ours = p->ours;
	p->ours = (struct tuned_list){ 0 };
	for (i = 0; i < p->n_steps; i++)
		tell(t, &p->steps[i]);
	pass_free_of(p);
	if (again)
		begin(t);
	else if (t->ended)
		finish_removal(t);
	else
		arm(t);
}

/* The tuner frees it. */
static void drop(struct ipvs_errand *errand ATTR_UNUSED)
{
}

static void begin(struct tuner *t)
{
	struct pass_of_tuner *p = NULL;
	int e;

	if (t->pass) {
		t->again = true;
		return;
	}
	loop_timer_stop(t->timer);
	e = pass_new_of(t->wants, t->n_wants, &t->ours, t->env.state_dir, t->env.procfs, &p);
	if (!e) {
		p->tuner = t;
		p->ours = t->ours;
		p->errand = (struct ipvs_errand){ work, done, drop };
		e = ipvs_port_run(t->env.port, &p->errand);
		if (e)
			p->ours = (struct tuned_list){ 0 };
	}
	if (!e) {
		t->ours = (struct tuned_list){ 0 };
		t->pass = p;
		return;
	}
	pass_free_of(p);
	log_event(LOG_ERROR, "settings of the kernel were not looked at, retrying", LOG_ERR(e));
	if (t->ended)
		finish_removal(t);
	else
		arm(t);
}

static void on_timer(void *arg)
{
	begin(arg);
}

/* --- outside ------------------------------------------------------------------------- */

static void tell_damage(const char *state_dir)
{
	log_event(LOG_ERROR,
		  "the record of the kernel's settings was damaged and is set aside as "
		  "sysctl.damaged: what they were before is not known",
		  LOG_STR("state_dir", state_dir));
}

int tuner_new(const struct tuner_env *env, struct tuner **ret_tuner)
{
	struct tuner *t = calloc(1, sizeof(*t));
	bool damaged = false;
	int e = -ENOMEM;

	if (!t)
		return e;
	t->env = *env;
	t->env.state_dir = strdup(env->state_dir);
	t->env.procfs = strdup(env->procfs);
	if (t->env.state_dir && t->env.procfs)
		e = loop_timer_new(env->loop, "sysctl", on_timer, t, &t->timer);
	if (e) {
		tuner_free(t);
		return e;
	}
	e = tune_file_read(env->state_dir, env->procfs, &t->ours, &damaged);
	if (damaged)
		tell_damage(env->state_dir);
	if (e)
		log_event(LOG_ERROR,
			  "the record of the kernel's settings cannot be read, leaving them alone",
			  LOG_STR("state_dir", env->state_dir), LOG_ERR(e));
	t->blind = e != 0;
	*ret_tuner = t;
	return 0;
}

void tuner_free(struct tuner *t)
{
	size_t i;

	if (!t)
		return;
	loop_timer_free(t->timer);
	pass_free_of(t->pass);
	steps_free(t->wants, t->n_wants);
	tuned_fini(&t->ours);
	for (i = 0; i < t->n_known; i++)
		free(t->known[i].name);
	free(t->known);
	free((char *)t->env.state_dir);
	free((char *)t->env.procfs);
	free(t);
}

static int unfold(const struct sysctl_conf *conf, struct step **ret_wants, size_t *ret_n)
{
	struct step *wants = NULL;
	struct buf name = BUF_INIT;
	const char *value;
	size_t n = 0;
	uint32_t i;
	int e = 0;

	for (i = 0; !e && sysctl_conf_at(conf, i, &name, &value); i++) {
		e = buf_ok(&name) ? add_step(&wants, &n, buf_str(&name), value) : -ENOMEM;
		buf_reset(&name);
	}
	buf_fini(&name);
	if (e) {
		steps_free(wants, n);
		return e;
	}
	*ret_wants = wants;
	*ret_n = n;
	return 0;
}

int tuner_set(struct tuner *t, const struct sysctl_conf *conf, int64_t interval_ms)
{
	struct step *wants;
	size_t n;
	int e = unfold(conf, &wants, &n);

	if (e)
		return e;
	steps_free(t->wants, t->n_wants);
	t->wants = wants;
	t->n_wants = n;
	t->interval_ms = interval_ms;
	if (!t->blind && !t->ended && (t->n_wants || t->ours.n || t->pass))
		begin(t);
	return 0;
}

void tuner_remove(struct tuner *t, void (*fn)(void *arg), void *arg)
{
	t->ended = true;
	t->removed = fn;
	t->removed_arg = arg;
	steps_free(t->wants, t->n_wants);
	t->wants = NULL;
	t->n_wants = 0;
	if (t->pass || t->ours.n)
		begin(t);
	else
		finish_removal(t);
}

void tuner_stats(const struct tuner *t, struct tuner_stats *ret_stats)
{
	*ret_stats = t->stats;
}

int tuner_plan(const struct sysctl_conf *conf, const char *state_dir, const char *procfs,
	       void (*fn)(void *arg, const char *name, const char *found, const char *value,
			  int error),
	       void *arg)
{
	struct pass_of_tuner *p = NULL;
	struct tuned_list ours = { 0 };
	struct step *wants = NULL;
	size_t n = 0, i;
	int e = unfold(conf, &wants, &n);

	if (!e)
		e = tune_file_peek(state_dir, procfs, &ours);
	if (!e)
		e = pass_new_of(wants, n, &ours, state_dir, procfs, &p);
	if (!e) {
		p->dry = true;
		p->ours = ours;
		ours = (struct tuned_list){ 0 };
		work(&p->errand);
	}
	for (i = 0; !e && i < p->n_steps; i++)
		if (p->steps[i].error || p->steps[i].value.len)
			fn(arg, p->steps[i].name, buf_str(&p->steps[i].found),
			   p->steps[i].value.len ? buf_str(&p->steps[i].value) : p->steps[i].want,
			   p->steps[i].error);
	pass_free_of(p);
	tuned_fini(&ours);
	steps_free(wants, n);
	return e;
}
