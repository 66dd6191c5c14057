/* SPDX-License-Identifier: MIT */
/*
 * What a socket holds while a run of its handlers waits for somebody's answer: where the run goes on, the event that it
 * is for, and the events that came meanwhile, which wait for their turn.
 *
 *     client_socket ──▶ hold ─┬─ rest             of the run
 *                             ├─ events           the first may be that of the run
 *                             └─ what is asked    asking.c's
 *
 * A socket has one only as long as there is something to hold.
 *
 * Threads: belongs to its worker's.
 */
#ifndef SRC_CLIENTS_HOLD_H
#define SRC_CLIENTS_HOLD_H

#include "src/auth/asks.h"
#include "src/clients/client.h"

/* So much may be held for all clients of a worker. What begins below it may pass it. */
#define HOLD_WORKER_BYTES (64u << 20)

struct hold {
	unsigned magic;
	struct sio_socket *socket;
	struct handlers_rest *rest; /* owned; NULL while no run waits */
	size_t rest_bytes;
	bool has_event; /* the run is for the first of the events, else for "connection" */
	struct eio_list events;
	size_t n_events, bytes;
	/* asking.c's: the question, and what came of it. */
	struct hook_question *question; /* of a call that is asked */
	const struct hook_answer *answer; /* to it: while go_on() is called; NULL when a join was asked about */
	struct auth_ask ask; /* of a join that is asked about */
	bool join_waits, asking;
	struct eio_buf room; /* that it is */
	enum handlers_joined joined;
	struct handlers_refusal refusal;
	struct eio_buf more; /* of the refusal */
};

/* The one of a socket, or NULL. */
struct hold *hold_of(const struct sio_socket *s);

/* The same, and a new one where there is none. NULL when out of memory. */
struct hold *hold_need(struct sio_socket *s);

/* Keeps the rest of a run, which it takes over, and of its event a copy unless it is held already; ev: NULL for that of
 * "connection". There is a hold. False when out of memory, and the rest is freed. */
bool hold_run(struct sio_socket *s, struct handlers_rest *rest, const struct sio_event *ev);

/* Gives that rest to the caller; NULL when there is none. */
struct handlers_rest *hold_take_rest(struct hold *h);

/* Keeps a copy of an event for later. Negative when out of memory; 0 when so many wait already that it is not kept. */
int hold_event(struct sio_socket *s, const struct sio_event *ev);

/* The first event. Valid until it is dropped; NULL when there is none. */
const struct sio_event *hold_first(const struct hold *h);
void hold_drop_first(struct hold *h);

/* Frees the hold of a socket when there is nothing in it; of a socket that goes, in any case. Nothing may be asked. */
void hold_settle(struct sio_socket *s);
void hold_free(struct sio_socket *s);

#endif
