/* doctor.c: runs the checks over the facts and keeps what they find. */
#include "agent/doctor/doctor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Of one check; the others are counted. */
enum { TOLD_MAX = 5 };

const char *const doctor_severity_names[DOCTOR_N_SEVERITIES] = {
	[DOCTOR_NOTE] = "note",
	[DOCTOR_WARNING] = "warning",
	[DOCTOR_ERROR] = "error",
};

static struct doctor_finding *spare(struct doctor *d)
{
	buf_reset(&d->spare.subject);
	buf_reset(&d->spare.command);
	return &d->spare;
}

struct doctor_finding *doctor_find(struct doctor *d, const struct doctor_check *c,
				   enum doctor_severity severity)
{
	struct doctor_finding *last = d->n_findings ? &d->findings[d->n_findings - 1] : NULL;
	struct doctor_finding *grown;
	uint32_t told = 0, i;

	d->counts[severity]++;
	for (i = d->n_findings; i > 0 && d->findings[i - 1].check == c; i--)
		told++;
	if (told >= TOLD_MAX) {
		last->more++;
		return spare(d);
	}
	grown = reallocarray(d->findings, d->n_findings + 1, sizeof(*grown));
	if (!grown) {
		d->failed = true;
		return spare(d);
	}
	d->findings = grown;
	grown[d->n_findings] = (struct doctor_finding){ .check = c, .severity = severity };
	return &grown[d->n_findings++];
}

void doctor_misses(struct doctor *d, const struct doctor_check *c, const char *what, int error)
{
	struct doctor_unseen *grown = reallocarray(d->unseen, d->n_unseen + 1, sizeof(*grown));

	if (!grown) {
		d->failed = true;
		return;
	}
	d->unseen = grown;
	grown[d->n_unseen] = (struct doctor_unseen){ .check = c, .error = error };
	buf_puts(&grown[d->n_unseen++].what, what);
}

bool doctor_sees(struct doctor *d, const struct doctor_check *c, const struct fact *fact,
		 const char *what)
{
	if (fact->error && fact->error != -ENOENT)
		doctor_misses(d, c, what, fact->error);
	return !fact->error;
}

void doctor_word(struct buf *out, const char *text)
{
	static const char fine[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				   "0123456789_@%+:,./=-";

	if (*text && !text[strspn(text, fine)]) {
		buf_puts(out, text);
		return;
	}
	buf_putc(out, '\'');
	for (; *text; text++) {
		if (*text == '\'')
			buf_puts(out, "'\\''");
		else
			buf_putc(out, *text);
	}
	buf_putc(out, '\'');
}

/* With dots, unless an interface has one in its name. */
void doctor_sysctl_name(struct buf *out, const char *path)
{
	struct buf name = BUF_INIT;
	bool dotted = strchr(path, '.') != NULL;

	for (; *path; path++)
		buf_putc(&name, *path == '/' && !dotted ? '.' : *path);
	doctor_word(out, buf_str(&name));
	buf_fini(&name);
}

int doctor_judge(const struct facts *f, struct doctor *ret_doctor)
{
	struct doctor d = { .facts = f };
	const struct doctor_check *c;
	uint32_t i;

	for (c = doctor_checks; c->slug; c++) {
		c->judge(&d, c);
		d.n_checks++;
	}
	for (i = 0; i < d.n_findings; i++)
		d.failed |= !buf_ok(&d.findings[i].subject) || !buf_ok(&d.findings[i].command);
	if (d.failed) {
		doctor_fini(&d);
		return -ENOMEM;
	}
	*ret_doctor = d;
	return 0;
}

void doctor_fini(struct doctor *d)
{
	uint32_t i;

	for (i = 0; i < d->n_findings; i++) {
		buf_fini(&d->findings[i].subject);
		buf_fini(&d->findings[i].command);
	}
	for (i = 0; i < d->n_unseen; i++)
		buf_fini(&d->unseen[i].what);
	buf_fini(&d->spare.subject);
	buf_fini(&d->spare.command);
	free(d->findings);
	free(d->unseen);
	*d = (struct doctor){ 0 };
}
