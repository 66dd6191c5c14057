/* SPDX-License-Identifier: MIT */
/* The inside of the floor: what its modes share. One thread. */
#ifndef BENCH_FLOOR_H
#define BENCH_FLOOR_H

#include "bench/hist.h"
#include "eio/buf.h"

#include <netinet/in.h>
#include <stdint.h>

struct peer {
	int fd;
	unsigned stage; /* how many of the answers of the handshake it has got */
	unsigned room; /* the first that it joined */
	unsigned joins; /* so many */
	bool held; /* polling: its GET waits for an answer */
};

struct mode {
	const char *name;
	/* Answers what a client says while it connects and advances its stage; at `stages` it has joined. */
	void (*answer)(struct peer *p);
	unsigned stages;
	/* Makes the block of this message, and hands it to all. NULL: there is no schedule. */
	void (*make)(uint64_t t_ns);
	void (*send)(void);
	bool idle; /* clients come and go, however many: there is no end of the connecting */
	void (*open)(void); /* all clients are there; NULL: nothing to do */
	void (*report)(FILE *out); /* prints more members of the report; NULL: there are none */
};

struct floor {
	struct sockaddr_in listen, redis;
	unsigned n, size, batch, entries, channels, joins; /* size 0: the story's mix */
	double rate, seconds;
	const char *event, *channel, *variant;
	const struct mode *mode;
	bool join; /* a pass that is late takes along what has become due meanwhile */

	struct peer *peers;
	unsigned accepted, joined;
	int epoll;
	unsigned due; /* how many blocks this pass sends */
	uint64_t seq;
	uint64_t stalls; /* blocks that a socket did not take at once */
	struct eio_buf block;
	struct hist pass; /* how long one pass over all connections took */
};
extern struct floor fl;

extern const struct mode mode_send, mode_uring, mode_polling, mode_rooms, mode_tick, mode_idle, mode_idle_polling,
	mode_compare;

/* floor_connect.c */

/* Listens, and tells so. Returns the socket, which is in fl.epoll with a null pointer. */
int connect_listen(void);

/* Waits for all clients to connect and to be through the handshake. */
void connect_all(void);

/* What comes from clients, until none says anything for now; ms: how long to wait for the first, -1: for ever. */
void connect_events(int ms);

/* floor_send.c */

/* The handshake of a WebSocket. Whatever comes is its next step: bench/load sends nothing before it has the answer. */
void block_answer(struct peer *p);

/* "[{…},…]": the messages of the next block. */
void block_messages(struct eio_buf *b, uint64_t t_ns);

/* How many bytes that will be. */
size_t block_messages_length(void);

/* The block of a WebSocket: a text frame that announces a binary event, and the binary frame. */
void block_make(uint64_t t_ns);

/* Sends what is left of a block after `done` bytes, waiting for room: a receiver that keeps up never gets here. */
void block_send_rest(int fd, size_t done);

/* floor_rooms.c: reads which room a client asks for, and acknowledges. */
unsigned rooms_named(int fd);

/* floor_polling.c: the handshake of long-polling; later GETs are held. */
void polling_answer(struct peer *p);

/* floor_idle.c: holds clients, until SIGTERM. */
void idle_run(void) __attribute__((noreturn));

/* floor_ingest.c: subscribes and counts, until SIGTERM. */
void ingest_run(void) __attribute__((noreturn));

#endif
