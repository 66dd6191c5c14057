/* SPDX-License-Identifier: MIT */
/*
 * What each listener says to who comes: its TLS, which all workers share, and what
 * is said in every answer. It sees when the files of certificates change.
 *
 * Those of another configuration are made beside the ones of now, of which it has what is the same.
 *
 * Threads: the main thread's, but for the doors, which workers read.
 */
#ifndef SRC_WORKER_DOORS_H
#define SRC_WORKER_DOORS_H

#include "eio/net/httpd.h"
#include "src/config/config.h"
#include "src/worker/listeners.h"

#include <uv.h>

enum { DOORS_LOOK_MS = 2000 }; /* so soon a certificate that was renewed is used */

struct doors;

/* Reads all certificates, and looks for changes as long as the loop runs. NULL when that fails, which was logged and is
 * the end of the program. */
struct doors *doors_new(const struct config *c, uv_loop_t *loop);

/* Looks no more. */
void doors_stop(struct doors *d);

/* After the loop has run out or at least once around. NULL is fine. */
void doors_free(struct doors *d);

/* That of address number i of the configuration, borrowed; NULL when there is nothing particular about it. */
struct eio_httpd_door *doors_at(const struct doors *d, size_t i);

/* The door of an address that another configuration may have had, borrowed, by its name (eio_httpd_door_name()). False:
 * there is none any more. "" has NULL. */
bool doors_find(const struct doors *d, const char *address, struct eio_httpd_door **door);

/* Reads all certificates again, whether they have changed or not: for a reload. Listeners whose files cannot be used
 * keep what they have, which is logged. 0, or -1 when there was one. */
int doors_reread(struct doors *d);

/* Doors for another configuration. */
struct door_set {
	struct door *v; /* owned */
	size_t n;
	size_t others; /* of addresses that stay, those that are others than before */
};

/* Makes them; listeners are those of that configuration, which say what stays. 0, or -1 and why (LISTENERS_WHY_MAX
 * bytes) says what was wrong: then nothing was made. */
int door_set_make(const struct doors *d, const struct config *next, const struct listeners *listeners,
	struct door_set *out, char *why);
struct eio_httpd_door *door_set_at(const struct door_set *set, size_t i);
void door_set_free(struct door_set *set);

/* They take the place of those of now. */
void doors_replace(struct doors *d, struct door_set *set);

#endif
