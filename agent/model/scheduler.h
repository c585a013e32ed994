/* scheduler.h: what the kernel's schedulers make of a weight. */
#ifndef MODEL_SCHEDULER_H
#define MODEL_SCHEDULER_H

/* Whether a realserver at weight 0 only gets no new clients, or its share of them is
 * refused: with a fallback flag (IPVS_SVC_SCHED1) not, or always. */
enum scheduler_quiesce { QUIESCE_SAFE = 0, QUIESCE_FALLBACK, QUIESCE_UNSAFE };
/* Whether a weight may grow in small steps. */
enum scheduler_ramp { RAMP_FINE = 0, RAMP_COARSE, RAMP_NONE };
/* Whether half the weight is half the clients; FAILOVER: the highest takes all. */
enum scheduler_reweight { REWEIGHT_YES = 0, REWEIGHT_NO, REWEIGHT_FAILOVER };

struct scheduler_facts {
	const char *name;
	enum scheduler_quiesce quiesce;
	enum scheduler_ramp ramp;
	enum scheduler_reweight reweight;
};

/* NULL = unknown to us. */
const struct scheduler_facts *scheduler_facts(const char *name);

#endif
