/* SPDX-License-Identifier: MIT */
/*
 * Descriptors that were open before this process, each with a name: what a service manager hands over
 * (sd_listen_fds(3), which says that it may be read without its library), or the process before this one.
 *
 * Threads: the main one.
 */
#ifndef SRC_BASE_INHERITED_H
#define SRC_BASE_INHERITED_H

#include <stdbool.h>
#include <stddef.h>

#define INHERITED_PARENT "siocast-parent" /* the way to the process before, which has started this one */
#define INHERITED_LISTENING "siocast-listen" /* what it listened on, and had made itself */
#define INHERITED_HELD "siocast-held" /* the same, but a service manager's */
#define INHERITED_KEPT "siocast-kept" /* the same, which a service manager has kept since that process ended */
#define INHERITED_STATE "siocast-state" /* what it had in memory */
#define INHERITED_LATE "siocast-late" /* by which its connections come, as long as it has some */

enum { INHERITED_NAME_MAX = 255 };

struct inherited_fd {
	int fd; /* owned; -1: it was taken */
	char *name; /* owned; may be empty */
};

/* All zero: nothing. */
struct inherited {
	struct inherited_fd *v; /* owned */
	size_t n;
};

/* Takes over what LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES say, if that is for this process, and takes these out
 * of the environment. (The process before, which cannot know whom it starts, says its own number, and its name
 * first.) No descriptor goes on to other programs. 0, or -1 when memory is out or there is no sense in them, which
 * was logged. As long as there are no threads. */
int inherited_open(struct inherited *in);

/* Adds one, whose owner it becomes. 0, or -1 when out of memory: then it is closed. */
int inherited_add(struct inherited *in, int fd, const char *name);

/* The next listening socket that is meant for an address (as eio_listen() takes it): one that is bound to it, or else
 * has that name. Owned by the caller. -1: there is none left. *held: somebody else has it, too, and its file. */
int inherited_take_listening(struct inherited *in, const char *address, const char *name, bool *held);

/* The one with that name, owned by the caller; -1: there is none. */
int inherited_take(struct inherited *in, const char *name);

/* Closes what nobody has taken, which is logged, and frees the rest; or says nothing. */
void inherited_close(struct inherited *in);
void inherited_discard(struct inherited *in);

#endif
