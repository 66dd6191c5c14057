/* SPDX-License-Identifier: MIT */
/*
 * The admin port: /metrics (Prometheus), /stats (JSON), /rooms, /livez, /readyz and / with
 * their list, and POST /publish and /reload where tokens are configured, on an address of its own and
 * on the main thread, so that it answers also when every worker is busy.
 */
#ifndef SRC_ADMIN_PORT_H
#define SRC_ADMIN_PORT_H

#include "src/admin/publish.h"
#include "src/admin/rooms.h"
#include "src/admin/top.h"
#include "src/base/metrics.h"
#include "src/base/thread.h"

#include <uv.h>

struct admin;
struct eio_leaver;

#define ADMIN_ADDRESS "admin" /* how connections of it are known that go to another process */

struct admin_options {
	const char *address; /* to listen on, as eio_listen() takes it; used by admin_new only */
	int fd; /* a socket that listens there already, which it takes over; -1: there is none */
	unsigned workers; /* how many there are */
	const char *const *hosts; /* n_hosts names by which it may be asked, see hosts.h; borrowed */
	size_t n_hosts;
	size_t max_head; /* bytes of one request head */
	uint64_t header_timeout_ms; /* for a whole request: only those to /publish need a body */
	uint64_t request_timeout_ms; /* for one with a body */
	uint64_t keep_alive_timeout_ms;
	struct admin_publish_options publish;
	/* POST /reload: has the configuration read anew, where there are tokens. Gives the status, and JSON. NULL: it
	 * is not there. */
	int (*reload)(void *user, struct eio_buf *answer);
	void *reload_user;
	struct admin_census census;
	struct admin_survey survey;
	struct feed *feed; /* borrowed, outlives the admin port */
	struct metrics_set *metrics; /* the same */
	const struct thread *threads; /* n_threads that do the work; the same */
	unsigned n_threads;
	const char *version; /* of the program; the same */
};

/* Listens. NULL on failure, which was logged. */
struct admin *admin_new(uv_loop_t *loop, const struct admin_options *options);

/* The socket that it listens on. */
int admin_listening(const struct admin *a);

/* Binds another address, unless it is that of now, but accepts nobody there yet. 0, or a libuv error. */
int admin_prepare(struct admin *a, const char *address);

/* Goes over to what was prepared, if anything was: who has come by the address before is served. Or forgets it.
 * Returns whether it went. */
bool admin_take(struct admin *a);
void admin_forget(struct admin *a);

/* Other names, borrowed. NULL is fine for the port. */
void admin_set_hosts(struct admin *a, const char *const *hosts, size_t n);

/* /readyz says from now on that it is not, and why: the end has begun. NULL is fine. */
void admin_set_draining(struct admin *a);

/* Has all connections leave that are not being answered: each is told, and its descriptor given away. As long as leave
 * is there, which is until it is closed. NULL is fine. */
void admin_leave(
	struct admin *a, void (*leave)(void *user, const struct eio_leaver *l, const char *address), void *user);

/* Takes one that has left another process, and its descriptor. */
void admin_join(struct admin *a, const struct eio_leaver *l);

/* Closes it; the loop must run until its handles are closed, then admin_free. NULL is fine. */
void admin_close(struct admin *a);
void admin_free(struct admin *a);

#endif
