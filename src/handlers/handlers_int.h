/* SPDX-License-Identifier: MIT */
/* What configured handlers are compiled to, and one run of them; for src/handlers/ only. */
#ifndef SRC_HANDLERS_HANDLERS_INT_H
#define SRC_HANDLERS_HANDLERS_INT_H

#include "eio/buf.h"
#include "src/handlers/handlers.h"
#include "src/template/template.h"

enum handlers_action_type {
	HANDLERS_EMIT,
	HANDLERS_LEAVE,
	HANDLERS_JOIN,
	HANDLERS_ACK,
	HANDLERS_BROADCAST,
	HANDLERS_PUBLISH,
	HANDLERS_DISCONNECT
};

/* The arguments of an emit or ack, or one target. */
struct handlers_part {
	struct template *template; /* owned */
	char *source; /* owned: the target or the event's name as configured; NULL for an ack */
};

struct handlers_action {
	enum handlers_action_type type;
	bool whole; /* DISCONNECT */
	bool self; /* BROADCAST: the socket gets it, too */
	/* Owned; one of arguments, or one for each target. BROADCAST: one of arguments, n_rooms for the rooms, and the
	 * others for the exceptions. */
	struct handlers_part *parts;
	size_t n, n_rooms;
};

struct handlers_entry {
	char *event; /* owned */
	struct handlers_action *actions; /* owned */
	size_t n;
};

struct handlers {
	struct handlers_entry *entries; /* owned */
	size_t n;
	const struct handlers_entry *connection, *disconnect, *any; /* among the entries, or NULL */
};

/* One run of one entry. */
struct handlers_run {
	const struct handlers_call *call;
	struct template_input input; /* of every template: values.c with this run */
	struct eio_bytes data; /* raw JSON array: the event's name and arguments */
	struct eio_bytes event; /* its first element */
	struct eio_bytes args; /* the others, with the commas between them; may be empty */
	const char *reason; /* at "disconnect" only */
	bool has_id, acked;
	struct eio_bytes id;
	const struct eio_bytes *attachments;
	size_t n_attachments;
	struct eio_buf text; /* what is being written */
	struct eio_buf scratch; /* a value that had to be made; a published message */
	struct template_names names;
	struct eio_buf list; /* names that were made, one behind the other */
	bool skipped, nomem;
};

const char *handlers__action_name(enum handlers_action_type type);

/* Notes that an action was left out and tells it. */
void handlers__skip(
	struct handlers_run *r, const struct handlers_action *a, const struct handlers_part *part, const char *why);

/* The value of a placeholder: the function of r->input. ctx is the run. */
struct template_value handlers__find(void *ctx, const struct template_placeholder *p);

/* Appends the whole query as a JSON object. */
void handlers__query_object(struct eio_bytes query, struct eio_buf *out);

/* Each carries out one action. */
void handlers__arguments(struct handlers_run *r, const struct handlers_action *a); /* EMIT, ACK */
void handlers__targets(struct handlers_run *r, const struct handlers_action *a); /* JOIN, LEAVE, PUBLISH */
void handlers__broadcast(struct handlers_run *r, const struct handlers_action *a);

/* Makes a packet of the arguments of an action. 0 with a reference in *b, or an error of sio/error.h. */
int handlers__packet(struct handlers_run *r, bool ack, const struct template *t, struct eio_bundle **b);

/* Notes that the arguments of an action could not be made: an error of sio/error.h. */
void handlers__arguments_failed(struct handlers_run *r, const struct handlers_action *a, int error);

#endif
