/* SPDX-License-Identifier: MIT */
/*
 * The socket by which a service manager is told how a service does: systemd's, and whoever speaks its protocol
 * (sd_notify(3), which says that it may be spoken without its library). Each datagram has lines such as READY=1.
 *
 * Threads: one.
 */
#ifndef SRC_SERVICE_NOTIFY_H
#define SRC_SERVICE_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

struct notify {
	int fd; /* -1: nobody wants to be told */
	uint64_t watchdog_us; /* how often WATCHDOG=1 is awaited at least; 0: it is not */
	uint64_t keeps; /* how many descriptors the manager keeps for the next process (FDSTORE) */
};

/* Looks into the environment, which must say who is to be told, and connects: what it takes to reach that socket is
 * not needed any more. NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID and FDSTORE are taken out of it. Returns 0, also
 * when nobody wants to be told; an errno value when that socket cannot be reached, and then nobody is. To be called
 * before there are threads. */
int notify_open(struct notify *n);

/* Sends lines, divided by line feeds; a text of more than 511 bytes is cut. wait: until it is taken, which a service
 * manager does at once, unless it is very busy; else it is left out then. False when it was not sent. */
bool notify_send(const struct notify *n, bool wait, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Gives it a copy of a descriptor to keep, by a name. As above, with wait. */
bool notify_keep(const struct notify *n, int fd, const char *name);

void notify_close(struct notify *n);

#endif
