/* turn.h: turns of deciding: all that happened is settled before the loop sleeps, but no
 * turn is longer than others can wait for. Samples, of which there may be 100,000 to
 * judge, take as many turns as they need. */
#ifndef AGENT_TURN_H
#define AGENT_TURN_H

#include <stdbool.h>
#include <stdint.h>

struct agent;
struct agent_rules;
struct reading;
struct state;

struct turn {
	int64_t begun_us; /* monotonic */
	bool left_over;   /* there was more than it had time for */
	/* The round of samples: the next service, and how many are left; the figures of the
	 * kernel that they are judged by (a reference; NULL = none), and when those were read. */
	uint32_t sample_next, sample_left;
	struct reading *figures;
	int64_t read_ms; /* monotonic; of the last ones, 0 = none yet */
};

/* rules.c: settles every dirty service and writes what is urgent. */
void agent_decide(struct agent *a);
/* The same as far as there is time, and goes on with the samples. */
void agent_turn(struct agent *a);
struct moment agent_moment(const struct agent *a); /* now, but after the last turn's */
int agent_rules_new(struct agent *a);
void agent_rules_fini(struct agent *a);
/* Puts what was prepared (adopt.h) in force. */
void agent_rules_put(struct agent *a, struct state *s, struct agent_rules *rules);
void agent_rules_reading(struct agent *a, struct reading *reading);

#endif
