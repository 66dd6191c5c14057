/* SPDX-License-Identifier: MIT */
/*
 * The inside of the load generator. Three parts, one thread:
 *
 *     load.c ── sockets, the event loop, the report
 *        │ bytes of one connection           ▲ load_send, load_fail
 *        ▼                                   │
 *     load_ws.c, load_polling.c ── a transport each: bytes to Engine.IO packets
 *        │ packet_begin, packet_piece, packet_end
 *        ▼
 *     load_packets.c ── what arrived: the counts of every client, the checks of the sampled ones
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include "bench/hist.h"
#include "eio/buf.h"

#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>

struct client;

/* How packets travel. The functions are called with a client that is connected. */
struct transport {
	void (*start)(struct client *c); /* the TCP connection is there */
	void (*input)(struct client *c, const char *p, size_t n);
	void (*send)(struct client *c, struct eio_bytes packet); /* one text packet, type digit included */
	void (*reset)(struct client *c); /* frees what the transport holds */
};
extern const struct transport transport_ws, transport_polling;

enum client_state { CLIENT_NEW, CLIENT_CONNECTING, CLIENT_OPENING, CLIENT_JOINED, CLIENT_CLOSED };

/* What one client got since the begin of the measurement. */
struct counts {
	uint64_t frames; /* WebSocket frames or poll answers, whatever is in them */
	uint64_t events; /* Socket.IO events */
	uint64_t messages; /* published messages in these events */
	uint64_t bytes; /* of the packets these events came in, without frame or HTTP headers */
};

/* A WebSocket connection: where in a frame it is. */
struct ws {
	unsigned char head[10];
	uint8_t head_n, opcode;
	bool fin, in_payload;
	uint64_t left; /* of the payload */
};

/* A polling connection: one request at a time. */
struct polling {
	struct eio_buf in; /* the answer so far */
	struct eio_buf out; /* packets for the next POST */
	char sid[64];
};

struct client {
	int fd;
	unsigned index;
	enum client_state state;
	uint32_t checked; /* 1 + index of the sampled client's checks, 0 for the others */
	struct counts counts;

	/* load_packets.c: the packet that is arriving, and the binary event it belongs to */
	char head[4]; /* its first bytes */
	uint8_t head_n, mark; /* mark: how much of PAYLOAD_MARK the last bytes were */
	bool binary;
	unsigned attachments; /* still to come */
	uint64_t packet_n;

	struct eio_buf http; /* load_ws.c: the answer to the handshake, while it is incomplete */
	union {
		struct ws ws;
		struct polling polling;
	};
};

struct load {
	/* options */
	struct sockaddr_in server;
	const char *host, *path, *event;
	const struct transport *transport;
	unsigned n, sample, inflight, sources, coalesce;
	double seconds;

	struct client *clients;
	unsigned started, joined, closed, connecting;
	int epoll;

	/* the measurement */
	uint64_t received; /* bytes read from sockets */
	uint64_t pings; /* of Engine.IO */
	uint64_t last_ns; /* when the last bytes came */
};
extern struct load load;

/* load.c */

/* Writes to the client's connection. What a client sends is small; a socket that does not take it ends the client. */
void load_send(struct client *c, const void *p, size_t n);

/* The client is on the namespace and will get events. */
void load_joined(struct client *c);

/* Closes the connection. Before all have joined that ends the program, later it is reported. */
void load_fail(struct client *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* load_packets.c */

/* Before the first client: event is the name of the event to expect, clients as many as will be sampled. */
void packets_init(const char *event, unsigned clients);

/* Forgets all counts and checks: the measurement begins. */
void packets_begin(struct client *clients, unsigned n);

/* One packet arrives, in as many pieces as the transport likes. Binary packets come without a type. */
void packet_begin(struct client *c, bool binary);
void packet_piece(struct client *c, const char *p, size_t n);
void packet_end(struct client *c);

/* Prints the members "sample", "latency_us" and "spread_us" of the report. */
void packets_report(FILE *out);

#endif
