/* SPDX-License-Identifier: MIT */
/*
 * Events of applications elsewhere that ask for acks, and the acks. Each socket that got one has a place in it until it
 * answers, goes, or the time is over; so each answers once at most, and nobody who was not asked.
 *
 *     acked_call ── acked_place, one for each socket that has not answered ── client_socket->places
 *
 * Threads: the worker's.
 */
#ifndef SRC_CLIENTS_ACKED_H
#define SRC_CLIENTS_ACKED_H

#include "src/clients/chosen.h"

struct feed_survey;

/* Sends the event of a survey to these sockets. Returns from how many acks are awaited: of all of them, or, when too
 * many are awaited already or memory is out, of none. */
size_t acked_send(struct clients *c, const struct chosen *all, struct feed_survey *s);

/* An ack of a client came. */
void acked_take(struct clients *c, const struct sio_event *ev);

/* A socket goes, from which some may be awaited. */
void acked_forget(struct sio_socket *s);

#endif
