/* rule_alert.h: the keys of a rule that goes by Alertmanager's alerts; for rule_conf.c. */
#ifndef RULES_RULE_ALERT_H
#define RULES_RULE_ALERT_H

#include "conf/key.h"

/* Of rule_conf.alert and rule_conf.target. */
extern const struct conf_type rule_alert_type, rule_target_type;

#endif
