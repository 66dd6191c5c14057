/* SPDX-License-Identifier: MIT */
/* What configured handlers are compiled to, and one run of them; for src/handlers/ only. */
#ifndef SRC_HANDLERS_HANDLERS_INT_H
#define SRC_HANDLERS_HANDLERS_INT_H

#include "eio/buf.h"
#include "src/handlers/handlers.h"
#include "src/template/template.h"
#include "src/where/where.h"

enum handlers_action_type {
	HANDLERS_EMIT,
	HANDLERS_LEAVE,
	HANDLERS_JOIN,
	HANDLERS_ACK,
	HANDLERS_BROADCAST,
	HANDLERS_PUBLISH,
	HANDLERS_DISCONNECT,
	HANDLERS_RATE,
	HANDLERS_CALL,
	HANDLERS_PACE,
	HANDLERS_IF, /* goes on with the next when its condition is fulfilled, else elsewhere */
	HANDLERS_GO /* goes on elsewhere */
};

/* The arguments of an emit or ack, or one target. */
struct handlers_part {
	struct template *template; /* owned */
	char *source; /* owned: the target or the event's name as configured; NULL for an ack */
};

struct handlers_action {
	enum handlers_action_type type;
	bool whole; /* DISCONNECT */
	enum { HANDLERS_ENVELOPE, HANDLERS_AS_TEXT, HANDLERS_AS_JSON } form; /* PUBLISH: what the message is */
	bool self; /* BROADCAST: the socket gets it, too */
	bool joined; /* BROADCAST: only to rooms that the socket is in */
	/* Owned. PUBLISH: the channel, and behind it the message; or further members of the envelope, named by
	 * `source`, of which those from n_rooms on are headers. BROADCAST: the arguments, n_rooms for the rooms, and
	 * the others for the exceptions. CALL: members of the question, as those of an envelope. Else one of arguments,
	 * or one for each target. */
	struct handlers_part *parts;
	size_t n, n_rooms;
	/* IF: the condition; the value of pair i is that of parts[i]. IF, GO: where else, an action of the entry. */
	struct where where;
	size_t to; /* RATE: which of the socket's numbers. CALL: which of the places that are asked */
	struct handlers_rate rate;
	unsigned pace; /* PACE without parts: the number */
};

struct handlers_entry {
	char *event; /* owned */
	struct handlers_action *actions; /* owned */
	size_t n, cap;
};

struct handlers {
	struct handlers_entry *entries; /* owned */
	size_t n;
	size_t n_rates;
	struct hook_spec *calls; /* owned, with what they point to */
	size_t n_calls;
	const struct handlers_entry *connection, *disconnect, *any; /* among the entries, or NULL */
};

/* What is left of a run that waits. */
struct handlers_rest {
	const struct handlers_entry *entry;
	size_t next; /* the action behind the one that it waits at */
	bool acked, skipped;
	/* At a JOIN: the rooms that are still to be joined, one record of targets.c behind the other; that at `at`
	 * is asked about. */
	struct eio_buf rooms;
	size_t at;
};

/* The data of the event that "connection" is. */
#define HANDLERS__CONNECTION_DATA EIO_LIT("[\"connection\"]")

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
	bool stops; /* nothing that follows is done */
	struct handlers_rest *rest; /* owned: it waits; else NULL */
};

const char *handlers__action_name(enum handlers_action_type type);

/* Notes that an action was left out and tells it. */
void handlers__skip(
	struct handlers_run *r, const struct handlers_action *a, const struct handlers_part *part, const char *why);

/* The value of a placeholder: the function of r->input. ctx is the run. */
struct template_value handlers__find(void *ctx, const struct template_placeholder *p);

/* Each carries out one action. */
void handlers__arguments(struct handlers_run *r, const struct handlers_action *a); /* EMIT, ACK */
void handlers__targets(struct handlers_run *r, const struct handlers_action *a); /* JOIN, LEAVE */
void handlers__publish(struct handlers_run *r, const struct handlers_action *a);
void handlers__broadcast(struct handlers_run *r, const struct handlers_action *a);

void handlers__pace(struct handlers_run *r, const struct handlers_action *a);
void handlers__call(struct handlers_run *r, const struct handlers_action *a);

/* Begins to wait. False when out of memory. */
bool handlers__wait(struct handlers_run *r);

/* Goes on with the rooms of a JOIN at which a run has waited: r->rest is set, and stays while it waits again. */
void handlers__joined(struct handlers_run *r, const struct handlers_refusal *refusal);

/* Carries out the answer to a call. */
void handlers__answered(struct handlers_run *r, const struct hook_answer *answer);

/* Sends a text as the ack, where there is to be one and was none yet: a JSON array, which may have run out of
 * memory. */
void handlers__ack(struct handlers_run *r, const struct eio_buf *text);

/* Appends "event":…,"args":[…],"sid":…,"nsp":… and the attachments, which are numbered by the placeholders in args. */
void handlers__write_event(const struct handlers_run *r, struct eio_buf *out);

/* Appends "name":value of a member whose value is a template; nothing when there is no value. False when out of
 * memory. */
bool handlers__write_member(struct handlers_run *r, const struct handlers_part *part, struct eio_buf *out);

/* Counts the event for a RATE. Whether what follows is done. */
bool handlers__within_rate(struct handlers_run *r, const struct handlers_action *a);

/* Whether the condition of an IF is fulfilled. */
bool handlers__fulfilled(struct handlers_run *r, const struct handlers_action *a);

/* Makes a packet of the arguments of an action. 0 with a reference in *b, or an error of sio/error.h. */
int handlers__packet(struct handlers_run *r, bool ack, const struct template *t, struct eio_bundle **b);

/* Notes that the arguments of an action could not be made: an error of sio/error.h. */
void handlers__arguments_failed(struct handlers_run *r, const struct handlers_action *a, int error);

#endif
