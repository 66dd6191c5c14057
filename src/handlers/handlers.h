/* SPDX-License-Identifier: MIT */
/*
 * What the daemon does when a client connects, sends an event or leaves: the
 * "on" object of a namespace in the configuration, compiled once and run by
 * every worker. No I/O: the effects go through a table of functions.
 *
 *     "on": { "connection": [ {"emit": ["hello", "{auth.name}"]} ],
 *             "subscribe":  [ {"join": "sym.{1}"}, {"ack": [true]} ],
 *             "*":          [ {"publish": "uplink"} ],
 *             "disconnect": [ {"publish": "left"} ] }
 *
 * "connection" and "disconnect" are the life cycle: a client cannot trigger
 * them by an event of that name. "*" takes every event without an entry.
 *
 *     {"emit": [name, argument …]}   an event to this client
 *     {"ack": [argument …]}          the answer, when the client asked for one, once
 *     {"join": target}, {"leave": target}
 *     {"broadcast": {"room": target, "except": target, "event": name, "args": [argument …], "self": false,
 *         "joined": false}}          an event to everyone else in these rooms, each client once; without "room" to
 *                                    all of the namespace; with "joined" only to rooms that the client is in
 *     {"publish": target}            to a Redis channel: {"event":…,"args":[…],"sid":…,"nsp":…}, and with binary
 *                                    arguments "attachments":["<base64>",…], which the placeholders in args number
 *     {"publish": {"channel": target, "message": …}}
 *                                    text, the bytes of a binary argument, or JSON in place of that; without "message"
 *                                    at "connection" with "auth", "claims", "query", "address" and the headers in "headers": [name …]
 *     {"rate": {"events": 20, "per": 1000, "then": "drop" | "count" | "disconnect"}}
 *                                    beyond it nothing that follows is done, but with "count", and with "disconnect" the
 *                                    connection ends
 *     {"pace": 5}, {"pace": "{1}"}   how often in a second the client is written to, 0: at once
 *     {"call": {"url": …, "timeout": …}}
 *                                    the event is POSTed to the application, and what it answers is done (answer.h);
 *                                    what stands behind it waits for that, and is not done when it fails
 *     {"disconnect": true | false}   ends the whole connection, or this namespace; the last action
 *     {"if": condition, "then": [action …], "else": [action …]}
 *     {"if": condition, "join": …}   any one action in place of "then"; the condition is of src/where/, its pointers
 *                                    begin with the name of a placeholder: {"/args/0/type": "x", "/claims/role": "admin"}
 *
 * Strings are templates (src/template/template.h). Arguments are any JSON in which strings are; the keys of objects are
 * literal. A target is a string, or, where it names rooms, also an array of strings; there a list in it means each of
 * its elements. A target that cannot be made, because something is missing, null or an object, is left out.
 */
#ifndef SRC_HANDLERS_HANDLERS_H
#define SRC_HANDLERS_HANDLERS_H

#include "eio/buf.h"
#include "eio/bundle.h"
#include "eio/bytes.h"
#include "sio/client.h"
#include "src/hook/hook.h"

struct cJSON; /* of <cjson/cJSON.h> */

/* Immutable after compiling; may be used by any number of threads at once. */
struct handlers;

/* A mistake. */
struct handlers_error {
	char path[160]; /* JSON pointer relative to the "on" object, such as /subscribe/0/join */
	char text[320]; /* what is wrong */
	const struct cJSON *item; /* the value it is about; NULL when out of memory */
};

/* *e lives during the call. */
typedef void (*handlers_error_fn)(void *user, const struct handlers_error *e);

struct where;

/* Reads a condition into *out, which is all zero. False when something is wrong with it, which it tells in its own
 * way. */
typedef bool (*handlers_where_fn)(void *user, const struct cJSON *item, struct where *out);

/* Compiles an "on" object (NULL: one without entries). Borrows on only during the call. nsp_stars: how many there are in
 * the namespace's name. NULL when something is wrong: error is then called for each action that has a mistake. */
struct handlers *handlers_compile(
	const struct cJSON *on, unsigned nsp_stars, handlers_error_fn error, handlers_where_fn where, void *user);

void handlers_free(struct handlers *h); /* NULL is fine */

struct template;
struct template_context;

/* Compiles any JSON in which strings are templates, as the arguments of events are; keys of objects are literal. The
 * path of a mistake is relative to v. NULL when something is wrong: error was called then. */
struct template *handlers_compile_json(
	const struct cJSON *v, const struct template_context *where, handlers_error_fn error, void *user);

/* How many events there may be: `events` at once, and so many again in each `per_ms`, one after the other. */
struct handlers_rate {
	unsigned events, per_ms; /* 0: any number */
	enum handlers_over { HANDLERS_OVER_DROP, HANDLERS_OVER_COUNT, HANDLERS_OVER_DISCONNECT } then; /* beyond it */
};

enum { HANDLERS_RATE_EVENTS = 1000000, HANDLERS_RATE_MS = 86400000, HANDLERS_PACE_MAX = 1000 }; /* at most */

/* Reads a rate; as handlers_compile(). False when something is wrong. */
bool handlers_compile_rate(const struct cJSON *v, struct handlers_rate *out, handlers_error_fn error, void *user);

/* Counts an event against a rate. Returns whether it is beyond it. state: the number of one socket for this rate, 0 at
 * first; now_ms: of any clock that does not go back. */
bool handlers_rate_over(const struct handlers_rate *rate, uint64_t *state, uint64_t now_ms);

/* How many such numbers a socket needs for the rates among the actions. */
size_t handlers_rates(const struct handlers *h);

/* Whether fits() is true for the room of some join, and of some broadcast. */
bool handlers_any_join(const struct handlers *h, bool (*fits)(void *ctx, const struct template *room), void *ctx);
bool handlers_any_broadcast(const struct handlers *h, bool (*fits)(void *ctx, const struct template *room), void *ctx);

/* Whether something is published; what calls answer is not known. */
bool handlers_any_publish(const struct handlers *h);

/* Where the calls among the actions go to: the same place with the same bounds is there once. i: below their number;
 * valid as long as the handlers. */
size_t handlers_calls(const struct handlers *h);
const struct hook_spec *handlers_call_to(const struct handlers *h, size_t i);

/* An action that was left out. The bytes are valid during the call. */
struct handlers_skip {
	struct eio_bytes event; /* its name, escaped as the client escaped it; or "connection" or "disconnect" */
	const char *action; /* such as "join" */
	struct eio_bytes target; /* as configured: the room, the channel, the emitted event's name; empty for an ack */
	const char *why;
};

/* An event for many. The bytes are valid during the call. */
struct handlers_broadcast {
	struct eio_bundle *bundle; /* a reference, the callee's to keep or drop */
	const struct eio_bytes *rooms; /* none: everyone in the namespace */
	size_t n_rooms;
	const struct eio_bytes *except; /* names of rooms, and ids of sockets */
	size_t n_except;
	bool self; /* the socket gets it, too, if it is among them */
};

/* A room that a socket is to be let into. The bytes are valid during the call. */
struct handlers_join {
	struct eio_bytes room;
	bool asked; /* the client had a say in which room it is */
	struct eio_bytes args; /* of its event: raw JSON with commas between them; may be empty */
};

enum handlers_joined {
	HANDLERS_IN,
	HANDLERS_OUT, /* refused */
	HANDLERS_ASKED /* somebody is asked first, and what he says goes to handlers_go_on() */
};

/* A refusal, as the client's ack tells it: {"error":error,"room":…more}. */
struct handlers_refusal {
	const char *error; /* a constant word */
	struct eio_bytes more; /* further members, JSON, with a comma in front of each; or empty */
};

/* What came of asking the application. */
enum handlers_called {
	HANDLERS_CALLED, /* its answer is carried out */
	HANDLERS_CALL_REFUSED, /* 4xx */
	HANDLERS_CALL_FAILED /* none, another status, or one that makes no sense */
};

/* The effects of actions, given by the worker. None of them may free the socket: closing is done after the run. */
struct handlers_ops {
	/* The members of rooms get an event, each once. */
	void (*broadcast)(void *ctx, struct sio_socket *s, const struct handlers_broadcast *b);
	/* Sends to the socket's client. The reference is the callee's to keep or drop. */
	void (*send)(void *ctx, struct sio_socket *s, struct eio_bundle *b);
	/* OUT: *why says why, and is valid until the next call. */
	enum handlers_joined (*join)(
		void *ctx, struct sio_socket *s, const struct handlers_join *j, struct handlers_refusal *why);
	void (*leave)(void *ctx, struct sio_socket *s, struct eio_bytes room);
	/* The bytes are valid during the call. */
	void (*publish)(void *ctx, struct sio_socket *s, struct eio_bytes channel, struct eio_bytes payload);
	/* whole: the engine connection with all its namespaces, else this socket only. */
	void (*close)(void *ctx, struct sio_socket *s, bool whole);
	/* The client wants to be written to so often in a second, from 1 to HANDLERS_PACE_MAX; 0: at once. */
	void (*pace)(void *ctx, struct sio_socket *s, unsigned per_second);
	/* An event is beyond a rate. With `then` drop or disconnect nothing more is done for it; that the
	 * connection ends is told by close(). */
	void (*over_rate)(void *ctx, struct sio_socket *s, enum handlers_over then);
	/* Once for each target or emit that was left out, wholly or, where it means several rooms, for some of them. */
	void (*skipped)(void *ctx, struct sio_socket *s, const struct handlers_skip *skip);
	/* Asks the application: call number i. Takes over the text. Whether there will be an answer, which goes to
	 * handlers_go_on(). */
	bool (*ask)(void *ctx, struct sio_socket *s, size_t i, struct eio_buf *json);
	/* The same where nobody waits for an answer. */
	void (*tell)(void *ctx, struct sio_socket *s, size_t i, struct eio_buf *json);
	/* Once for each call that was asked. why: a constant string, or NULL for one that went well. */
	void (*called)(void *ctx, struct sio_socket *s, enum handlers_called how, const char *why);
};

/* A run that waits for an answer: where it goes on. */
struct handlers_rest;

void handlers_rest_free(struct handlers_rest *rest); /* NULL is fine */

/* How much memory it takes up. */
size_t handlers_rest_bytes(const struct handlers_rest *rest);

struct handlers_call {
	uint64_t *rates; /* the socket's handlers_rates() numbers; NULL when there are none */
	uint64_t now_ms; /* for these */
	const struct handlers_ops *ops;
	void *ctx; /* for ops */
	struct handlers_rest **rest; /* where a run that waits leaves its rest, for the caller to keep */
	struct sio_socket *socket;
	/* Of the request the client came with; both may be empty, see src/handlers/request.h for when they need not
	 * be kept. */
	struct eio_bytes query; /* of its URL: after the '?', still percent-encoded */
	struct eio_bytes headers; /* what handlers_keep() kept of them */
	struct eio_bytes address; /* a JSON string: where it came from; empty when nobody knows or asks */
	struct eio_bytes claims; /* a JSON object: who the client is, for {claims}; empty when nobody knows */
	struct eio_bytes pattern; /* by which its namespace came to be; empty: it has a name of its own */
};

/* Appends the JSON that a template of the place "connection" makes for a client: of call only its socket and what is
 * kept of the request matter. False when out of memory. */
bool handlers_value(const struct handlers_call *call, const struct template *t, struct eio_buf *out);

/* The same for one that makes a name. NULL, or why there is none: a constant string. */
const char *handlers_name(const struct handlers_call *call, const struct template *t, struct eio_buf *out);

enum handlers_result {
	HANDLERS_DONE, /* every action was carried out */
	HANDLERS_NONE, /* nothing is configured for this event */
	HANDLERS_SKIPPED, /* at least one action was left out: its room or channel could not be made of the arguments,
			   * an event name was refused */
	HANDLERS_WAITS, /* for an answer: *call->rest is where it goes on */
	HANDLERS_NOMEM
};

enum handlers_result handlers_run_connection(const struct handlers *h, const struct handlers_call *call);

/* ev: an SIO_EVENT_MESSAGE of call->socket. */
enum handlers_result handlers_run_event(
	const struct handlers *h, const struct handlers_call *call, const struct sio_event *ev);

/* What a run waits for. */
struct handlers_outcome {
	const struct hook_answer *answer; /* to a call; else NULL */
	const struct handlers_refusal *refusal; /* of a room; NULL: it is in */
};

/* Goes on with a run whose answer is there; takes over the rest. ev: the event that it is for, or NULL when it is that
 * of "connection". It may wait again. */
enum handlers_result handlers_go_on(struct handlers_rest *rest, const struct handlers_call *call,
	const struct sio_event *ev, const struct handlers_outcome *outcome);

/* reason: such as "transport close". The client cannot be reached any more: only publish, broadcast and call are
 * allowed, and nobody waits for the answer of a call. Its rooms are still to be left. */
enum handlers_result handlers_run_disconnect(
	const struct handlers *h, const struct handlers_call *call, const char *reason);

#endif
