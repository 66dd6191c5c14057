/* SPDX-License-Identifier: MIT */
/*
 * Other addresses to listen on, at a reload: for clients, and the admin port's. What is new is bound before anything
 * changes; what goes takes who has come, and its connections stay.
 *
 * Threads: the main thread's, while workers run.
 */
#ifndef SRC_RELOAD_LISTEN_H
#define SRC_RELOAD_LISTEN_H

#include "src/admin/port.h"
#include "src/worker/doors.h"
#include "src/worker/worker.h"

/* All but `next` and `set` is borrowed. */
struct reload_listen {
	struct workers *workers;
	struct listeners *listeners; /* of now */
	struct doors *doors;
	struct admin *admin; /* NULL: there is no admin port */
	struct listeners next; /* between prepare and what follows it; owned */
	struct door_set set; /* the same */
	bool clients, of_admin; /* what is prepared */
};

/* Makes all that can fail: for clients, for the admin port, or for both. 0, or -1 and why (LISTENERS_WHY_MAX bytes)
 * says what was wrong: then nothing has changed. */
int reload_listen_prepare(struct reload_listen *l, const struct config *now, bool clients, bool admin, char *why);

/* It goes over to that, or forgets it. Without something prepared nothing happens. Returns whether other sockets are
 * listened on than before. */
bool reload_listen_take(struct reload_listen *l);
void reload_listen_forget(struct reload_listen *l);

#endif
