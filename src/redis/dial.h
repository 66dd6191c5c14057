/* SPDX-License-Identifier: MIT */
/*
 * One attempt to reach a server: looks up the name of its host, and tries one address
 * after the other until one is connected or none is left.
 *
 * Threads: the loop's only.
 */
#ifndef SRC_REDIS_DIAL_H
#define SRC_REDIS_DIAL_H

#include "src/redis/socket.h"
#include "src/redis/url.h"

#define REDIS_CONNECT_MS 5000 /* to look up the name, and to connect to each address */

struct redis_dial;

/* The end of an attempt: a connected socket, which is the callee's, or NULL and why. */
typedef void (*redis_dialed_fn)(void *user, struct redis_socket *s, const char *why);

/* Begins; done is called once, later, and then the attempt is gone. It keeps a copy of url, which may become another
 * one meanwhile. NULL when out of memory. */
struct redis_dial *redis_dial_start(uv_loop_t *loop, const struct redis_url *url, redis_dialed_fn done, void *user);

/* Ends it before it is done, which is not called any more. Its memory goes when the loop has run. */
void redis_dial_cancel(struct redis_dial *d);

#endif
