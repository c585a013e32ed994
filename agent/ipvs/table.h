/* table.h: how a struct ipvs_table is put together; for the readers in this
 * folder. */
#ifndef IPVS_TABLE_H
#define IPVS_TABLE_H

#include "agent/ipvs/ipvs.h"

/* Rows are appended in any order; the arrays' room is theirs alone. */
struct table_draft {
	struct ipvs_table *table;
	uint32_t room_services, room_dests;
};

/* A row at the end, counted in, whose bytes are the caller's to set; NULL when memory is
 * out. It is valid until the next call. */
struct ipvs_service *table_add_service(struct table_draft *d);
struct ipvs_dest *table_add_dest(struct table_draft *d);

/* Puts the services in order and drops those that are there twice. Their dests must
 * not have been read yet. */
void table_sort_services(struct ipvs_table *t);

/* Puts the dests from `first` to the end in order, drops what is there twice, and
 * makes them the rows of `s`. */
void table_close_service(struct ipvs_table *t, struct ipvs_service *s, uint32_t first);

/* Puts services in order after their dests were read: dests move along. On -ENOMEM
 * the table holds together still, with dests where they were. */
int table_sort(struct ipvs_table *t);

/* Gives back room that is not needed. */
void table_trim(struct table_draft *d);

#endif
