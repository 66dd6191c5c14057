/* SPDX-License-Identifier: MIT */
/*
 * A worker: one thread, one loop, its own listeners and connections. Workers
 * share what is immutable and speak through mailboxes only. A request for a
 * session of another worker is passed to it and answered through this one.
 */
#ifndef SRC_WORKER_WORKER_H
#define SRC_WORKER_WORKER_H

#include "src/base/thread.h"
#include "src/config/config.h"
#include "src/feed/delivery.h"
#include "src/feed/feed.h"
#include "src/feed/interest.h"
#include "src/peers/peers.h"
#include "src/presence/presence.h"
#include "src/web/files.h"
#include "src/worker/doors.h"
#include "src/worker/listeners.h"

#include <stdatomic.h>

struct worker;
struct relay_hub;
struct relay_edge;

/* What all workers share; immutable once they run, but for what the parts themselves say. */
struct workers {
	const struct config *config;
	const struct files *files;
	struct interest_table *interest;
	struct feed *feed;
	struct presence *presence; /* NULL: there is none */
	struct adapter *adapter; /* the same */
	struct auth_login *login; /* who may use the Admin UI; NULL: it is not served */
	struct ui_line *ui; /* how that is told; the same */
	struct relay_hub *hub; /* where edges come; NULL: they do not */
	struct relay_edge *edge; /* what takes from a hub; NULL: this is no edge */
	struct doors *doors; /* of the listeners; NULL: nothing is particular about any */
	struct thread *threads; /* threads[i] is worker i's, which the feed may share */
	struct worker **all;
	uv_loop_t *loop; /* of the thread that asks all of them, see census.h and survey.h */
	unsigned n;
	uint64_t max_connections; /* in all; 0: any number. Set before the threads run */
	_Atomic uint64_t connections; /* that are open, as the workers told last */
	atomic_uint paused; /* how many have no files to accept with */
	bool hands_over; /* another process goes on; set, as what follows, before workers_hold */
	/* Takes a connection that leaves for that, and its descriptor; on the thread of each worker. address: which its
	 * client has connected to, "" where that makes no difference. */
	void (*leave)(void *user, const struct eio_leaver *l, const char *address);
	void *leave_user;
	unsigned joined; /* connections that came from another process; of the thread that calls workers_join */
	atomic_uint empty; /* how many have ended all their sessions after workers_shut */
};

/* Makes worker number index and its servers on its thread, and lets it accept from those of the listeners that are its
 * own. To be called by one thread, before any of theirs is started. NULL on failure, which was logged and is the end of
 * the program. */
struct worker *worker_new(struct workers *ws, unsigned index, struct listeners *listeners);

/* Lets it do what is to be done on its thread, as soon as that runs. Once. */
void worker_start(struct worker *w);

/* Makes all that workers need to go over to another configuration, which is borrowed from then on. As long as they
 * run. namespaces: they are others, and nobody is asked in any of both. 0, or -1 when out of memory, or when a key file
 * cannot be read, which was logged; and then there is nothing to forget. */
int workers_prepare(struct workers *ws, const struct config *now, bool namespaces);

/* They do not go over to what was prepared. */
void workers_forget(struct workers *ws);

/* They do. Each does it between two turns of its loop; when this returns all have, and borrow nothing of the
 * configuration before any more, but for that of the start. From the thread that started them. */
void workers_change(struct workers *ws);

/* Has each worker make ready to accept from what is new in a list of listeners, with their doors. 0, or -1 and why
 * (LISTENERS_WHY_MAX bytes) says what was wrong: then nobody has any of it. From the thread that started them, as the
 * next two. */
int workers_open_listeners(struct workers *ws, struct listeners *next, const struct door_set *doors, char *why);

/* They close what they have made ready. */
void workers_close_listeners(struct workers *ws, struct listeners *next);

/* They begin to accept from it, have the doors in the place of those before, and close what goes, once they have taken
 * who had come. */
void workers_change_listeners(
	struct workers *ws, struct listeners *before, struct listeners *next, const struct door_set *doors);

/* Lets no session begin any more, and ends those that there are one after the other in so many milliseconds, each
 * worker its own: workers->empty counts those that have none left. Returns at once; workers_drain may come before they
 * have. From the thread that started them, once. */
void workers_shut(struct workers *ws, uint64_t ms);

/* Has them accept no more connections, and begin no more requests. Those that have begun go on. From the thread that
 * started them, before workers_drain, once. */
void workers_hold(struct workers *ws);

/* Has all connections leave that have nothing to wait for, and others as soon as that is so; each is told. Returns how
 * many are still there, or have their TLS here. From the thread that started them, after workers_drain and before
 * workers_close, as often as one likes. */
size_t workers_leave(struct workers *ws);

/* Takes a connection that has left another process, and its descriptor, into one of them. False: nobody listens any
 * more at the address it has come to, or memory is out; then it was closed. After worker_start, from the thread that
 * calls this always. */
bool workers_join(struct workers *ws, const struct eio_leaver *l, const char *address);

/* Ends all sessions, telling their clients and running their handlers, which may publish: the feed must still be there.
 * Returns when all workers have. From the thread that started them, once, as the next. */
void workers_drain(struct workers *ws);

/* Closes all connections of drained workers and waits for that. No delivery may be posted any more. Then their threads
 * may stop. */
void workers_close(struct workers *ws);

/* Frees a worker that was closed, after its thread was stopped. NULL is fine. */
void worker_free(struct worker *w);

#endif
