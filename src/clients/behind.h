/* SPDX-License-Identifier: MIT */
/*
 * Clients that are behind in feeds with `"slow": {"latestPer": …}`: a broadcast that a client cannot take now does not
 * wait for it. It is only noted up to where the client has the stream; what it missed is kept once for all that are
 * behind (newest.h), and the newest of that is put together when the client takes more.
 *
 *     stream ◀── place ──▶ client       one place for each stream in which a client is behind
 *
 * Threads: the worker's only.
 */
#ifndef SRC_CLIENTS_BEHIND_H
#define SRC_CLIENTS_BEHIND_H

#include "src/clients/client.h"
#include "src/clients/clients.h"

struct behind;

/* NULL when out of memory. */
struct behind *behind_new(struct clients *c);

/* When nobody is behind. NULL is fine. */
void behind_free(struct behind *b);

/* A broadcast with keys goes to its members now: those that follow are sent this one. Valid until the next call. */
void behind_begin(struct behind *b, const struct delivery_item *item);

/* Sends it to a member, or notes that it is behind: with a pace, in milliseconds, it is so until that is over, as is
 * who has a pace of its own. Returns whether it was sent. */
bool behind_send(struct behind *b, struct eio_socket *s, unsigned pace_ms);

/* The client takes more: it is sent what it missed, as far as it takes that. empty: nothing else waits for it. Returns
 * whether it has caught up. */
bool behind_catch_up(struct client *c, bool empty);

/* What the client is changes, or which rooms it is in: what it missed until now waits for it as any broadcast does. */
void behind_settle(struct client *c);

/* The client goes. */
void behind_forget(struct client *c);

#endif
