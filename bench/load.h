/* SPDX-License-Identifier: MIT */
/*
 * The inside of the load generator. One thread, in layers:
 *
 *     load.c ── the event loop; load_client.c ── connections; load_options.c, load_report.c ── what is asked and told
 *        │ bytes of one connection           ▲ load_send, load_fail, load_joined
 *        ▼                                   │
 *     load_ws.c, load_polling.c, load_sse.c ── transports: bytes to packets (HTTP: load_http.c, bodies: load_payload.c)
 *        │ packet_begin, packet_piece, packet_end
 *        ▼
 *     load_packets.c ── Engine.IO and Socket.IO: the steps to the namespace and the room, the counts of every client
 *        │ check_packet
 *        ▼
 *     load_check.c ── every byte of what the sampled clients got
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include "bench/hist.h"
#include "bench/load_http.h"
#include "eio/buf.h"

#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>

struct client;

/* A client has one connection, and for a moment a second: the WebSocket that it upgrades to, which then stays alone, or
 * the POST of a packet that cannot wait for the held GET. */
enum client_link { LINK_MAIN, LINK_SIDE, LINKS };

/* How packets travel. The functions are called with a client whose connection is there. */
struct transport {
	void (*start)(struct client *c); /* the TCP connection has been made */
	void (*input)(struct client *c, const char *p, size_t n);
	void (*send)(struct client *c, struct eio_bytes packet); /* one text packet, type digit included */
	void (*reset)(struct client *c); /* frees what the transport holds */
	const struct transport *next; /* what a client upgrades to from here; NULL: it stays */
	void (*probed)(struct client *c); /* the server has answered the probe of the next one; NULL without that */
};
extern const struct transport transport_ws, transport_polling, transport_aside, transport_sse;

/* CLIENT_OPENING: until it is on the namespace, in its room and on its last transport. */
enum client_state { CLIENT_NEW, CLIENT_OPENING, CLIENT_JOINED, CLIENT_CLOSED };

/* What one client got since the begin of the measurement. */
struct counts {
	uint64_t frames; /* WebSocket frames or poll answers, whatever is in them */
	uint64_t events; /* Socket.IO events */
	uint64_t messages; /* published messages in these events */
	uint64_t bytes; /* of the packets these events came in, without frame or HTTP headers, uncompressed */
};

/* A WebSocket connection: where in a frame it is. */
struct ws {
	struct eio_buf http; /* the answer to the handshake, while it is incomplete */
	struct eio_buf deflated; /* a compressed message, while it is incomplete */
	unsigned char head[10];
	uint8_t head_n, opcode, link;
	bool open, fin, in_payload;
	bool deflate, compressed; /* the extension was agreed on; this message uses it */
	uint64_t left; /* of the payload */
};

/* A polling connection: one request at a time. */
struct polling {
	struct http http; /* the answer so far */
	struct http aside; /* the answer to a POST beside the held GET */
	struct eio_buf out; /* packets for the next POST */
	bool waiting, posting; /* for an answer; of a POST */
	bool stopping; /* the probe was answered: no more GETs */
};

struct client {
	int fd[LINKS]; /* -1: none */
	const struct transport *on[LINKS]; /* what runs there */
	bool connecting[LINKS];
	struct ssl_st *tls[LINKS]; /* NULL without */
	bool shaking[LINKS]; /* its handshake goes on */
	bool in_namespace;
	unsigned in_rooms; /* how many it has joined */
	const struct transport *transport; /* where packets leave */
	unsigned index;
	enum client_state state;
	uint32_t checked; /* 1 + index of the sampled client's checks, 0 for the others */
	struct counts counts;
	uint64_t connect_ns; /* when it began to connect */
	uint64_t ping_ns; /* when the next ping is due; revision 3 only */

	/* load_packets.c: the packet that is arriving, and the binary event it belongs to */
	char head[4]; /* its first bytes */
	uint8_t head_n, mark; /* mark: how much of PAYLOAD_MARK the last bytes were */
	bool binary, typed, base64; /* typed: a type byte is still to come before the data */
	unsigned attachments; /* still to come */
	uint64_t packet_n;
	struct eio_buf packet; /* the whole of it, when it is base64 or the client has not joined */

	char sid[64];
	struct ws ws;
	struct polling polling;
};

struct load {
	/* options */
	struct sockaddr_in server;
	const char *host, *path, *event, *join, *leave;
	const struct transport *transport;
	unsigned n, first, sample, inflight, sources, coalesce, eio, rooms, joins, stopped, rcvbuf;
	double seconds, churn;
	bool upgrade, b64, hold, deflate, gzip, any, cells;
	bool tls;
	bool raw; /* no Engine.IO: each message is what was published */

	struct client *clients;
	unsigned started, joined, closed, connecting, stopped_closed, deflating;
	int epoll;
	bool holding;
	uint64_t connect_ns; /* when the first began to connect */
	struct hist connect; /* from connect() to joined */
	uint64_t ping_interval_ns; /* as the server told */

	/* the measurement */
	uint64_t received, sent, reads; /* bytes read from and written to sockets; calls of recv() that gave some */
	uint64_t pings, pongs; /* of Engine.IO, that came */
	uint64_t churned; /* clients that left and joined */
	uint64_t begin_ns, last_ns; /* when it began, when the last bytes came */
};
extern struct load load;

/* load_options.c: fills in the options, or ends the program. */
void options_parse(int argc, char **argv);

/* load_client.c */

/* Begins to connect; t->start is called when the connection is there. */
void load_connect(struct client *c, enum client_link link, const struct transport *t);

/* The kernel tells something about a connection. events: of epoll. */
void load_on_event(struct client *c, enum client_link link, uint32_t events);

/* Writes to the client's connection. What a client sends is small; a socket that does not take it ends the client. */
void load_send(struct client *c, enum client_link link, const void *p, size_t n);

void load_close(struct client *c, enum client_link link);

/* The client has gone all steps and will get events. */
void load_joined(struct client *c);

/* Stops reading for good, ledger the connection. */
void load_stop(struct client *c);

/* Closes the connection. Before all have joined that ends the program, later it is reported. */
void load_fail(struct client *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* load_tls.c, for one of a client's connections */

void load_tls_begin(struct client *c, enum client_link link);
/* Goes on with the handshake. NULL when it is done, "" when it waits for the server, or why it failed. */
const char *load_tls_shake(struct client *c, enum client_link link);
ssize_t load_tls_recv(
	struct client *c, enum client_link link, char *p, size_t n); /* as recv(), until nothing is there */
bool load_tls_pending(const struct client *c, enum client_link link); /* whether more is there than the socket tells */
ssize_t load_tls_send(struct client *c, enum client_link link, const void *p, size_t n); /* as send() */
void load_tls_close(struct client *c, enum client_link link);

/* load_report.c */

void report_begin(void); /* forgets all counts: the measurement begins */
void report_ready(void);
void report_print(void);

/* load_payload.c: takes a polling body apart and hands its packets on. */
void payload_input(struct client *c, const char *p, size_t n);

/* Adds one text packet to a body that is to be posted. */
void payload_append(struct eio_buf *body, struct eio_bytes packet);

/* load_packets.c */

/* One packet arrives, in as many pieces as the transport likes. Binary packets come as on a WebSocket. */
void packet_begin(struct client *c, bool binary);
void packet_piece(struct client *c, const char *p, size_t n);
void packet_end(struct client *c);

/* The client is on the namespace: it gets events. Without Engine.IO: it is connected. */
void packets_enter(struct client *c);

/* The client is there when nothing is missing any more: to be called when something was done. */
void packets_step(struct client *c);

/* Sends the event with the name of one of the client's rooms; with_ack: asks for an acknowledgement. */
void packets_emit_room(struct client *c, const char *event, unsigned i, bool with_ack);

/* load_check.c */

/* Before the first client: event is the name of the event to expect, clients as many as will be sampled. */
void check_init(const char *event, unsigned clients);
void check_begin(void); /* forgets what was seen */
void check_choose(struct client *c); /* the client becomes one of the sampled, if it is its turn */

/* Of a sampled client: a packet's bytes. */
void check_packet_begin(struct client *c);
void check_packet_piece(struct client *c, const char *p, size_t n);
void check_packet_end(struct client *c);

/* Prints the members "sample", "latency_us" and "spread_us" of the report. */
void check_report(FILE *out);

/* load_inflate.c */

/* Inflates a gzip body, or a message of permessage-deflate that needs none before it. The result is valid until the
 * next call. Returns false when s is not one. */
bool inflate_gzip(struct eio_bytes s, struct eio_bytes *out);
bool inflate_message(struct eio_bytes s, struct eio_bytes *out);

#endif
