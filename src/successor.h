/* SPDX-License-Identifier: MIT */
/*
 * A restart without a break, seen from the process that ends: at SIGUSR2 it starts the program anew, from the same
 * path and with the same arguments, and goes on working. Only when the new process has said that it is ready, which
 * means that its configuration is right and all is open, does it stop, and hand over what it has.
 *
 *     this process                                        the new one (handed.h)
 *     ────────────                                        ──────────────────────
 *     SIGUSR2: start it ── sockets that listen ────────▶  reads its configuration, opens all
 *     goes on                                             │
 *     stops       ◀────────────────────────── "ready" ────┘ waits
 *       └── "fd NAME" and a descriptor, … "go" ────────▶  reads what it got
 *                 ◀────────────────────────── "works" ────┘ goes on
 *     connections leave ── "connection …" and each ───▶  takes them (adopting.h)
 *     ends
 *
 * Threads: the main one.
 */
#ifndef SRC_SUCCESSOR_H
#define SRC_SUCCESSOR_H

#include "eio/bytes.h"
#include "src/base/inherited.h"

#include <sys/types.h>
#include <uv.h>

enum {
	SUCCESSOR_AGAIN_MS = 50,
	SUCCESSOR_START_MS = 60000, /* so long it may take to be ready */
	SUCCESSOR_SEND_MS = 5000, /* and so long to take what it is sent */
};

struct successor;

struct successor_options {
	uv_loop_t *loop; /* borrowed */
	/* Appends the sockets that it is to listen on, as copies. 0; -EAGAIN: not yet, it asks again in a moment; or -1
	 * when that failed. */
	int (*sockets)(void *user, struct inherited *out);
	/* One waits: time to stop. */
	void (*ready)(void *user);
	void *user;
};

/* Watches for SIGUSR2, and notes how this process was started: before its environment changes. NULL when out of
 * memory. */
struct successor *successor_new(const struct successor_options *options);

/* Whether one has been started that is not ready yet. */
bool successor_starting(const struct successor *s);

/* The one that waits; 0: there is none. */
pid_t successor_waiting(const struct successor *s);

/* Gives the one that waits a descriptor, which stays the caller's. 0, or -errno. */
int successor_give(struct successor *s, int fd, const char *name);

/* Tells it to go on, and waits until it does, or for SUCCESSOR_START_MS. 0, or -errno when it has ended instead. */
int successor_go(struct successor *s);

/* Sends it a message, with a descriptor that stays the caller's: as soon as it reads, or within SUCCESSOR_SEND_MS. Any
 * thread, as long as it waits or has gone on. 0, or -errno. */
int successor_pass(struct successor *s, struct eio_bytes message, int fd);

/* The end has begun: nobody is started any more, and one that is not ready is ended. */
void successor_stop(struct successor *s);

/* The same, and its handles: the loop must run until they are closed. */
void successor_close(struct successor *s);
void successor_free(struct successor *s);

#endif
