/* SPDX-License-Identifier: MIT */
/*
 * Clients of revision 3, which know nothing of recovery, and ask for it. They get offsets only then. A client asks by
 * its handshake's query, with a position or none, or by an event later on, and is told what names its session:
 *
 *     ?siocast-since=                       it is to be come back to ──▶ siocast:session [pid, recovered], CONNECT
 *     ?siocast-since=<pid>~<offset>         it is back in "/" ──▶ siocast:session, what it missed, CONNECT
 *     ?siocast-since/feed=<pid>~<offset>    the same for "/feed"; percent-encoded as any query
 *     siocast:resume                        from now on, when it did not ask by the query ──▶ siocast:session
 *
 * Who asks for one namespace gets offsets, and the event, in all of the connection that are recovered.
 */
#ifndef SRC_CLIENTS_RESUME_H
#define SRC_CLIENTS_RESUME_H

#include "src/clients/recovery.h"

/* A client begins; query: of its handshake. False when out of memory. */
bool resume_open(struct client *c, struct eio_bytes query);

/* Whether a client may come back to its socket in a namespace. */
bool resume_is_possible(const struct client *c, const struct namespace *n);

/* What its query says of a namespace: as recovery_asked(). */
bool resume_asked(const struct client *c, struct eio_bytes nsp, struct recovery_question *q);

/* recovery_begin(), whatever the revision. */
bool resume_begin(struct sio_socket *s, const unsigned char *random, const struct feed_recall *recall);

/* Tells a client of revision 3 what names the session of its socket, where it has one. */
void resume_tell(struct sio_socket *s, bool recovered);

/* Takes the event by which a client asks later on; false when it is another. */
bool resume_take(const struct sio_event *ev);

#endif
