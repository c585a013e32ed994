/* notify.h: what systemd is told: one datagram to $NOTIFY_SOCKET, see sd_notify(3).
 * Without libsystemd: the protocol is stable and sixty lines. */
#ifndef BASE_NOTIFY_H
#define BASE_NOTIFY_H

#include <stdint.h>

#include "agent/base/attr.h"

struct notify;

/* Reads $NOTIFY_SOCKET and $WATCHDOG_USEC ($WATCHDOG_PID must be ours where it is set)
 * and takes them out of the environment, so that no child speaks for us; before any
 * thread. Nobody to tell is no failure: *ret_notify is then NULL. -EINVAL for a socket
 * that cannot be one, -errno. */
int notify_open(struct notify **ret_notify);
/* NULL is fine. */
void notify_free(struct notify *n);

/* Sends lines such as "READY=1", "STOPPING=1", "WATCHDOG=1", "STATUS=…"; control
 * characters in a value are the caller's to leave out. Never blocks; -errno when it
 * could not be sent. With NULL it does nothing. Callable from every thread. */
int notify_send(struct notify *n, const char *fmt, ...) ATTR_PRINTF(2, 3);

/* "RELOADING=1" with the MONOTONIC_USEC that systemd asks for since 253. */
int notify_reloading(struct notify *n);

/* How often WATCHDOG=1 is due at least: half of systemd's patience, in milliseconds;
 * 0 = never. */
int64_t notify_watchdog_ms(const struct notify *n);

#endif
