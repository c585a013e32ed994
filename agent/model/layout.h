/* layout.h: what a configuration asks for, unfolded into flat rows: services,
 * VIPs, realservers, destinations (a realserver behind a VIP), targets (what is
 * probed). Immutable and reference-counted, so that the work queue may read it
 * while the loop goes on. Runtime state lies beside it (state.h), by the same ids. */
#ifndef MODEL_LAYOUT_H
#define MODEL_LAYOUT_H

#include "agent/model/lane.h"
#include "agent/model/service_conf.h"
#include "agent/probes/probe_conf.h"

#define LAYOUT_NONE UINT32_MAX

struct layout_service {
	const struct service_conf *conf;
	uint32_t first_vip, n_vips; /* n_vips = 0 when it is not enabled */
	uint32_t first_realserver, n_realservers;
};

struct layout_vip {
	uint32_t service, address; /* address: index into conf->addresses */
	struct ipvs_key key;
	uint32_t first_dest, n_dests;
};

struct layout_realserver {
	const struct realserver_conf *conf;
	uint32_t service;
	uint32_t first_link;            /* of links: its targets */
	uint32_t first_dest_link;       /* of dest_links: its dests */
	uint16_t n_links, n_dest_links; /* as many as a line can name */
};

/* One destination. Where it stands is what its realserver and its VIP say together:
 * layout_dest_addr(). */
struct layout_dest {
	uint32_t vip, realserver;
};

/* Something to probe; several realservers may share one. Of users its realservers are
 * those from first_user up to that of the row behind it: there is one row more. */
struct layout_target {
	struct addr addr; /* with via = forward the VIP's, which is asked … */
	uint32_t first_user;
	const struct probe_conf *conf;
	const struct lane *lane; /* … of one realserver by this way; NULL = directly */
};

struct layout {
	struct config *conf; /* a reference */
	struct layout_service *services;
	struct layout_vip *vips;
	struct layout_realserver *realservers;
	struct layout_dest *dests; /* of one VIP side by side, sorted by addr */
	struct layout_target *targets;
	struct lane *lanes;                   /* in the order of ipvs_key_cmp() */
	uint32_t *links, *dest_links, *users; /* as many users as links */
	uint32_t *vips_by_key;                /* VIP ids in the order of ipvs_key_cmp() */
	uint32_t *services_by_name;           /* service ids in the order of name_cmp() */
	/* Of one service side by side, as realservers are; ids in the order of name_cmp(). */
	uint32_t *realservers_by_name;
	uint32_t n_services, n_vips, n_realservers, n_dests, n_targets, n_links, n_lanes;
	_Atomic unsigned int refs;
};

/* Unfolds a configuration without errors; takes a reference on it. -ENOMEM, -E2BIG. */
int layout_new(struct config *conf, struct layout **ret_layout);
struct layout *layout_ref(struct layout *l);
/* NULL is fine; from every thread. */
void layout_unref(struct layout *l);

/* A destination's address as the kernel will know it, with port. */
struct addr layout_dest_addr(const struct layout *l, uint32_t dest);
/* The kernel form of a VIP and of a destination at weight `weight`. */
void layout_kernel_service(const struct layout *l, uint32_t vip, struct ipvs_service *ret_service);
void layout_kernel_dest(const struct layout *l, uint32_t dest, uint32_t weight,
			struct ipvs_dest *ret_dest);

/* By name; LAYOUT_NONE where there is none. */
uint32_t layout_find_service(const struct layout *l, const char *name);
uint32_t layout_find_realserver(const struct layout *l, uint32_t service, const char *name);
/* A realserver by both names. */
uint32_t layout_find(const struct layout *l, const char *service, const char *realserver);
/* By key; LAYOUT_NONE where the configuration does not name it. */
uint32_t layout_find_vip(const struct layout *l, const struct ipvs_key *key);

#endif
