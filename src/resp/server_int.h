/* SPDX-License-Identifier: MIT */
/* The parts of the intake's server. For src/resp/ only. Threads: the server's. */
#ifndef SRC_RESP_SERVER_INT_H
#define SRC_RESP_SERVER_INT_H

#include "eio/list.h"
#include "src/base/log.h"
#include "src/resp/metrics.h"
#include "src/resp/server.h"
#include "src/resp/session.h"

enum {
	RESP_READ_BYTES = 65536, /* one read */
	RESP_TURN_BYTES = 262144, /* of all connections in a turn of the loop; then they wait, in their order */
	RESP_TURN_CONNS = 4, /* of those that wait, how many go on in each turn, with a read each */
	RESP_UNSENT_BYTES = 1048576, /* answers that a client has not read; with more nothing of it is read */
	RESP_UNSENT_TIGHT = 65536, /* the same when memory is short */
	RESP_HELD_BYTES = 67108864, /* of all connections, beside two of the longest messages */
	RESP_BEHIND_MS = 5, /* how soon it is looked whether more can be taken */
	RESP_LAST_BYTES = 4194304, /* of a connection that are read at the end */
};

#define RESP_SERVER_MAGIC 0x4e590001u
#define RESP_CONN_MAGIC 0x4e590002u

struct resp_server {
	unsigned magic; /* RESP_SERVER_MAGIC */
	struct resp_server_options options;
	struct mail_port starts, stops;
	struct mail start, stop;
	uv_sem_t stopped;
	uv_poll_t listener;
	uv_idle_t turn; /* runs as long as connections wait for one */
	uv_check_t end; /* of a turn */
	uv_timer_t second; /* every one: who says nothing, and accepting again */
	uv_timer_t behind; /* runs while nothing can be taken */
	bool closed, accepts;
	struct eio_list conns; /* of struct resp_conn */
	struct eio_list waiting; /* of those that want to read, in their order; */
	void (*wake)(struct resp_server *s); /* and what has them go on, in server.c */
	size_t n_conns;
	uint64_t ids; /* so far */
	size_t turn_bytes; /* read in this turn */
	size_t held; /* bytes of memory that connections have */
	struct resp_tally tally;
	struct metrics *metrics; /* owned: of resp_metrics */
	struct log_limit limit; /* of lines about passwords, */
	struct log_limit debug_limit; /* and of all else */
	char buf[RESP_READ_BYTES]; /* what was read last */
};

struct resp_conn {
	unsigned magic; /* RESP_CONN_MAGIC */
	struct eio_list link, wait; /* in conns; in waiting, or alone */
	struct resp_server *server;
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	} u;
	int fd; /* the handle's */
	struct resp_session session;
	struct eio_buf rest; /* what was read and could not be looked at yet */
	size_t unsent; /* bytes of answers */
	size_t held; /* of it in the server's */
	uint64_t active_ms; /* when something was read last */
	bool paused; /* until answers have left */
	bool closing;
};

/* A connection that was accepted, whose descriptor it owns from then on. */
void resp_conn_new(struct resp_server *s, int fd);

/* Goes on with one that has waited for its turn. */
void resp_conn_go_on(struct resp_conn *c);

/* Takes and answers what has arrived, and closes it. */
void resp_conn_finish(struct resp_conn *c);

/* Closes it; its memory goes when the loop has run. */
void resp_conn_close(struct resp_conn *c);

#endif
