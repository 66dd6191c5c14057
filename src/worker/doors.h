/* SPDX-License-Identifier: MIT */
/*
 * What each listener says to who comes: its TLS, which all workers share, and what
 * is said in every answer. It sees when the files of certificates change.
 *
 * Threads: the main thread's, but for the doors, which workers read.
 */
#ifndef SRC_WORKER_DOORS_H
#define SRC_WORKER_DOORS_H

#include "eio/net/httpd.h"
#include "src/config/config.h"

#include <uv.h>

enum { DOORS_LOOK_MS = 2000 }; /* so soon a certificate that was renewed is used */

struct doors;

/* Reads all certificates, and looks for changes as long as the loop runs. The configuration is borrowed. NULL when that
 * fails, which was logged and is the end of the program. */
struct doors *doors_new(const struct config *c, uv_loop_t *loop);

/* Looks no more. */
void doors_stop(struct doors *d);

/* When no worker is left, after the loop has run out or at least once around. NULL is fine. */
void doors_free(struct doors *d);

/* That of address number i of the configuration; NULL when there is nothing particular about it. It lives as long as
 * the doors. */
const struct eio_httpd_door *doors_at(const struct doors *d, size_t i);

/* The address of a door that doors_at() gave, as it is in the configuration; "" of NULL. */
const char *doors_address(const struct doors *d, const struct eio_httpd_door *door);

/* The door of an address that another configuration may have had. False: there is none any more. "" has NULL. */
bool doors_find(const struct doors *d, const char *address, const struct eio_httpd_door **door);

/* Reads all certificates again, whether they have changed or not: for a reload. Listeners whose files cannot be used
 * keep what they have, which is logged. 0, or -1 when there was one. */
int doors_reread(struct doors *d);

#endif
