/* SPDX-License-Identifier: MIT */
/*
 * The intake: a server that clients of Redis publish to, without Redis. It lives on the thread of whoever takes what is
 * published, who is called for each message, where it lies: so all that one read brings goes one way, and is one
 * wake-up for everybody behind.
 *
 *     client ──▶ conn.c: bytes ──▶ session.h ── what is published ──▶ taker
 *            ◀── answers, in their order ◀──┘
 */
#ifndef SRC_RESP_SERVER_H
#define SRC_RESP_SERVER_H

#include "src/base/thread.h"
#include "src/resp/spec.h"

struct resp_server;

/* Who takes what is published; on the thread. */
struct resp_taker {
	/* Returns how many have got it, in the sense of PUBLISH. The bytes are valid during the call. */
	uint64_t (*publish)(void *user, struct eio_bytes channel, struct eio_bytes payload);
	/* Whether more can be taken now. As long as not, nothing is read: who publishes waits. */
	bool (*keeps_up)(void *user);
	void *user;
};

struct resp_server_options {
	struct thread *thread; /* borrowed, as all below: where it lives */
	const struct resp_spec *spec;
	struct resp_taker taker;
	struct metrics_set *metrics; /* to count in */
	const char *version; /* the program's */
	int fd; /* that listens; the server's from then on */
};

/* One that does nothing yet. NULL when out of memory: then the descriptor is still the caller's. */
struct resp_server *resp_server_new(const struct resp_server_options *options);

/* Accepts as soon as its thread runs. Once. */
void resp_server_start(struct resp_server *s);

/* Accepts nobody any more, takes what has arrived, answers it and closes. Nothing is published afterwards. To be called
 * once, also when it was not started, by the thread that starts and stops its thread. */
void resp_server_stop(struct resp_server *s);

/* Frees it when it was stopped, after its thread. NULL is fine. */
void resp_server_free(struct resp_server *s);

#endif
