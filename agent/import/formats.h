/* formats.h: the readers, for the table of formats. */
#ifndef IMPORT_FORMATS_H
#define IMPORT_FORMATS_H

#include "agent/import/import.h"

int import_lvs_cf(struct import *im, struct import_source *source);
int import_ipvsadm(struct import *im, struct import_source *source);
int import_running(struct import *im, const struct ipvs_table *t);

#endif
