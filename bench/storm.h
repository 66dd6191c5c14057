/* SPDX-License-Identifier: MIT */
/* The inside of storm: storm.c has the loop and what is told, storm_client.c what one client says and hears. */
#ifndef BENCH_STORM_H
#define BENCH_STORM_H

#include "bench/hist.h"
#include "eio/buf.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

/* Up to the answer to its CONNECT. */
enum storm_step { STORM_CONNECTING, STORM_UPGRADING, STORM_JOINING, STORM_JOINED };

struct storm_client {
	int fd;
	unsigned index;
	enum storm_step step;
	bool recovered; /* its last return has been */
	struct eio_buf input; /* what is incomplete */
	uint64_t begun_ns; /* when it began to connect */
	uint64_t messages; /* that it has got, ever */
	char sid[64], pid[256], offset[256]; /* empty: none yet */
};

struct storm {
	struct sockaddr_in server;
	const char *host, *path;
	unsigned n, inflight;
	struct storm_client *clients;
	unsigned started, joined; /* since the beginning, or since all came back */
	bool returning;
	void (*on_joined)(struct storm_client *c); /* the CONNECT was answered; storm.c sets it */
};
extern struct storm storm;

/* storm_client.c */
void storm_open(struct storm_client *c); /* the TCP connection has been made */
void storm_input(struct storm_client *c, struct eio_bytes s); /* bytes have come */
void storm_forget_input(struct storm_client *c); /* the connection is gone */

#endif
