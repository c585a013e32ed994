/* ipvs_labels.h: the labels of the info families: what is not a number. */
#ifndef COLLECTORS_IPVS_LABELS_H
#define COLLECTORS_IPVS_LABELS_H

#include "agent/collector.h"

/* Each appends the labels of its NAMES, always all of them; what does not apply is
 * "". Rows are those of metric_one, metric_vips and metric_dests; the row must be in
 * the kernel. */
#define KERNEL_INFO_NAMES "version"
#define SERVICE_INFO_NAMES                                                                         \
	"protocol,family,scheduler,flags,persistence,persistence_netmask,"                         \
	"persistence_engine,managed"
#define DEST_INFO_NAMES "realserver_address,forward,tunnel,tunnel_checksum,domain,managed,backup"

void kernel_info_labels(const struct view *v, const void *values, uint32_t row, struct buf *out);
void service_info_labels(const struct view *v, const void *values, uint32_t row, struct buf *out);
void dest_info_labels(const struct view *v, const void *values, uint32_t row, struct buf *out);

#endif
