/* SPDX-License-Identifier: MIT */
/*
 * The namespace of the Admin UI as a worker has it: what its clients are told when they come in, what happens to all
 * sockets here (in development mode), and what its page orders. All of that is noted, and goes to src/adminui at the
 * end of the turn:
 *
 *     ui_* ─▶ struct ui_told of this turn ─▶ clients_turn(): mail ─▶ ui_told_next()
 *
 * While nobody is in the namespace nothing is noted, and without development mode there is nothing of it.
 *
 * Threads: the worker's, but for what is said to be shared.
 */
#ifndef SRC_CLIENTS_UI_H
#define SRC_CLIENTS_UI_H

#include "eio/buf.h"
#include "src/base/mailbox.h"

#include <stdatomic.h>
#include <stdbool.h>

enum { UI_LINE_BYTES = 8 << 20 }; /* that may be on their way; what comes meanwhile is dropped */

struct clients;
struct client;
struct sio_event;
struct sio_room_key;
struct sio_socket;
struct eio_bundle;

/* What all workers share with who is told: immutable, but for the bytes. */
struct ui_line {
	const char *nsp;
	bool watches; /* development mode: what happens is told */
	bool orders; /* its clients may give orders */
	struct mail_port told; /* for `struct mail` in struct ui_told */
	_Atomic size_t bytes; /* of those on their way: a worker adds, who is told subtracts their cost */
};

enum ui_item {
	UI_ITEM_EVENT, /* a list in JSON: name and arguments, for everybody in the namespace */
	UI_ITEM_CAME, /* the id of a socket that has come into the namespace */
	UI_ITEM_ORDER, /* a list in JSON, checked, as the page has sent it: name and arguments */
};

struct ui_told {
	struct mail mail;
	size_t cost; /* what it counts in the line's bytes */
	struct eio_buf items; /* owned; private */
};

/* Walks the items: begin with *at 0; false behind the last. The bytes are those of told. By who has it. */
bool ui_told_next(const struct ui_told *told, size_t *at, enum ui_item *kind, struct eio_bytes *bytes);

/* Gives back its cost, and frees it. */
void ui_told_free(struct ui_line *line, struct ui_told *told);

/* What there is of it in struct clients. line: NULL where there is no Admin UI. */
struct ui {
	struct ui_line *line;
	struct interest *watchers; /* a reference: who is in the namespace; NULL where nothing is told */
	struct ui_told *told; /* owned: of this turn, or NULL */
};

/* 0, or -1 when out of memory. To be called with a struct clients that has its options. */
int ui_open(struct clients *c);
void ui_close(struct clients *c);

/* Appends the event that tells a client what there is to be seen, as JSON. */
void ui_config(const struct clients *c, struct eio_buf *out);

/* A socket came into its namespace. */
void ui_came(struct sio_socket *s);

/* An event of one who is there. */
void ui_order(const struct sio_event *ev);

/* What happens to any socket. reason: as handlers see it. b: a bundle of one packet, that is sent to it alone. */
void ui_connected(struct sio_socket *s);
void ui_disconnected(struct sio_socket *s, const char *reason);
void ui_joined(struct sio_socket *s, struct sio_room_key key);
void ui_left(struct sio_socket *s, struct sio_room_key key);
void ui_left_all(struct sio_socket *s);
void ui_received(const struct sio_event *ev);
void ui_sent(struct sio_socket *s, const struct eio_bundle *b);

/* A client has gone over to WebSocket. */
void ui_upgraded(struct client *c);

/* The turn ends: what was noted leaves. */
void ui_turn(struct clients *c);

#endif
