/* pool_conf.h: the line grammars of [service]: `address`, and `realserver` with
 * what its line may say. For service_conf.c alone. */
#ifndef MODEL_POOL_CONF_H
#define MODEL_POOL_CONF_H

#include "agent/model/service_conf.h"

/* Of service_conf.addresses. */
extern const struct conf_type conf_vip;
/* Of service_conf.realservers; key->extra is not NULL for backups. */
extern const struct conf_type conf_realserver;
/* Fields uint8_t and struct tunnel_conf. */
extern const struct conf_type conf_forward, conf_tunnel;
/* "route", "masq", "tunnel". */
const char *forward_word(unsigned int forward);
/* How a realserver looks behind a list's key: "realserver" or "backup". */
const char *realserver_word(const struct realserver_conf *r);

/* Gives each realserver the service's values where its line says nothing, and
 * reports what the lines of one pool say against each other. */
void pool_finish(struct config *c, struct service_conf *s);

#endif
