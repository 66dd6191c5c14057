/* SPDX-License-Identifier: MIT */
/*
 * A configuration that takes the place of the one that siocast runs with, at SIGHUP or when it is asked to.
 *
 * The file is read anew, with the flags and the environment of the start over it. With any mistake in it nothing
 * changes. What can change live does then, all of it; the rest stays as it was at the start, and is named.
 *
 * Threads: the main thread's.
 */
#ifndef SRC_RELOAD_H
#define SRC_RELOAD_H

#include "eio/buf.h"
#include "src/admin/port.h"
#include "src/config/config.h"
#include "src/service/service.h"
#include "src/successor.h"
#include "src/worker/worker.h"

struct reload;

struct reload_options {
	uv_loop_t *loop; /* all is borrowed, and outlives it */
	const struct config_flags *flags; /* of the start; NULL: nothing can be read anew */
	const struct config *config; /* that siocast was started with */
};

/* Watches for SIGHUP; what comes before the loop runs is done then. NULL when out of memory. */
struct reload *reload_new(const struct reload_options *options);

/* Who goes over to what was read; all is borrowed. */
struct reload_parts {
	struct workers *workers;
	struct listeners *listeners;
	struct doors *doors;
	struct admin *admin; /* NULL: there is no admin port */
	struct service *service; /* who is told that it reads; NULL: nobody */
	const struct successor *successor;
	void (*moved)(void *user); /* other sockets are listened on from now on */
	void *user;
};

/* Before the loop runs. */
void reload_set_parts(struct reload *r, const struct reload_parts *parts);

/* What is in force. Options that take a restart have the values of a file here that is not heeded in them: they are to
 * be asked of the first configuration. Valid until the loop runs again. */
const struct config *reload_config(const struct reload *r);

/* Reads it anew, now. answer gets JSON that tells what became of it. Returns a status of HTTP: 200, or 422 when nothing
 * changed because of mistakes. */
int reload_now(struct reload *r, struct eio_buf *answer);

/* Whether something of the last reading is under way: another address of Redis is gone over to. */
bool reload_is_busy(const struct reload *r);

/* The end has begun: nothing is changed any more, and SIGHUP does nothing. */
void reload_stop(struct reload *r);

/* Closes it; the loop must run until its handle is closed, then reload_free. */
void reload_close(struct reload *r);
void reload_free(struct reload *r);

#endif
