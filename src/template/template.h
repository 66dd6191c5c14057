/* SPDX-License-Identifier: MIT */
/*
 * Templates: the strings of the configuration in which placeholders in braces stand for values. One language for all
 * places; which placeholders there are depends on the place.
 *
 *     {channel}           the Redis channel of the message, or the stream            in a feed
 *     {id}                the id of the entry                                        in a feed of a stream
 *     {1} … {9}           what the pattern's stars matched                           in a feed, and a "scan"
 *                         the arguments, with members: {1.symbol}, {1/a~1b}          for an event
 *     {/json/pointer}     a value in the message (RFC 6901); also {message.a.b}      in a feed
 *     {message}           the whole message, JSON                                    in a feed
 *     {text}              the whole message as one string, whatever it holds         in a feed
 *     {args}              all arguments, a list                                      for an event
 *     {event}             the event's name                                           for an event, and a snapshot
 *     {auth}              what the client gave at its CONNECT: {auth.user.id}        wherever there is a client
 *     {claims}            who it is, by its token or the application                wherever there is a client
 *     {query}, {header}, {cookie}    of the request it came with: {query.token}      wherever there is a client
 *     {address}           the address it came from                                   wherever there is a client
 *     {tls.subject}       of the certificate that it has shown                       wherever there is a client
 *     {sid}, {nsp}        its socket's id, its namespace                             wherever there is a client
 *     {nsp.1} … {nsp.9}   what the stars of the namespace's pattern matched          wherever there is a client
 *     {rooms}             the rooms it is in, a list                                 wherever there is a client
 *     {reason}            why it left                                                at "disconnect"
 *     {room}, {nsp}       where it is: null for a whole namespace, which            in events of presence and count
 *     {members}, {ids}    what all are called, what they are: lists                  in the list of presence
 *     {info}, {member}    what one is called, what he is                             where one joins or leaves
 *     {key}, {field}      of a value that is read; a field of a hash                 in "prime"
 *     {count}             how many there are                                         in events of presence and count
 *     {$}, {{ and }}      the characters $, { and }                                  everywhere
 *
 * The configuration is compiled once; rendering allocates nothing but the growth of the caller's buffers. A template is
 * rendered as a name (an event, a room, a channel) or as JSON:
 *
 *   As JSON, a string that is one placeholder and nothing else becomes the value, byte for byte as it came; null when
 *   there is none, but as an element of a list with a question mark, {x?}, it is left out then. With text around it, it
 *   becomes text in a string: nothing when missing or null, lists and objects as JSON.
 *   As a name, strings, numbers and booleans become text. Where a template may make several names a list makes one for
 *   each of its elements, whatever text stands around it; only one value of it may be a list.
 *
 * Threads: a compiled template is immutable and may be shared.
 */
#ifndef SRC_TEMPLATE_TEMPLATE_H
#define SRC_TEMPLATE_TEMPLATE_H

#include "eio/buf.h"
#include "eio/bytes.h"
#include "src/template/pattern.h"

/* So many names one template makes at most: what a client sends decides how many there are. */
#define TEMPLATE_MAX_NAMES 10000

/* Where a template stands. */
enum template_place {
	TEMPLATE_IN_FEED,
	TEMPLATE_IN_STREAM, /* in a feed of a stream */
	TEMPLATE_IN_CONNECTION,
	TEMPLATE_IN_EVENT,
	TEMPLATE_IN_DISCONNECT,
	TEMPLATE_IN_HERE,
	TEMPLATE_IN_MEMBER,
	TEMPLATE_IN_COUNT,
	TEMPLATE_IN_SNAPSHOT,
	TEMPLATE_IN_PRIME,
	TEMPLATE_IN_SCAN, /* the same, of keys that match a pattern */
};

struct template_context {
	enum template_place place;
	unsigned stars; /* in a feed: how many captures there are */
	unsigned nsp_stars; /* where there is a client: how many its namespace's pattern has */
};

/* What a part of a template stands for. */
enum template_what {
	TEMPLATE_TEXT, /* itself */
	TEMPLATE_CHANNEL,
	TEMPLATE_ID,
	TEMPLATE_STAR, /* {1} … {9} of a feed */
	TEMPLATE_MESSAGE, /* {/json/pointer}, {message} */
	TEMPLATE_MESSAGE_TEXT, /* {text} */
	TEMPLATE_ARGUMENT, /* {1} … {9} of an event */
	TEMPLATE_ARGUMENTS,
	TEMPLATE_EVENT,
	TEMPLATE_AUTH,
	TEMPLATE_CLAIMS,
	TEMPLATE_QUERY,
	TEMPLATE_HEADER,
	TEMPLATE_COOKIE,
	TEMPLATE_ADDRESS,
	TEMPLATE_SUBJECT, /* {tls.subject} */
	TEMPLATE_SID,
	TEMPLATE_NSP,
	TEMPLATE_NSP_STAR, /* {nsp.1} … {nsp.9} */
	TEMPLATE_ROOMS,
	TEMPLATE_REASON,
	TEMPLATE_ROOM,
	TEMPLATE_MEMBERS,
	TEMPLATE_IDS,
	TEMPLATE_INFO,
	TEMPLATE_MEMBER,
	TEMPLATE_NUMBER,
	TEMPLATE_KEY,
	TEMPLATE_FIELD
};

struct template_placeholder {
	enum template_what what;
	unsigned number; /* of {1} … {9}, from 0 */
	struct eio_bytes name; /* of the parameter, cookie or header (in lower case); n is 0: the whole of them */
};

struct template;

struct template_error {
	bool nomem; /* the configuration is not to blame */
	char text[320]; /* a sentence without a full stop; may quote bytes of the configuration */
};

/* Compiling */

enum template_use {
	TEMPLATE_AS_NAME, /* one name */
	TEMPLATE_AS_NAMES /* a list in it makes one for each of its elements */
};

/* Compiles a text that makes names. NULL with *err when it has a mistake or memory is out. */
struct template *template_new(
	struct eio_bytes text, enum template_use use, const struct template_context *where, struct template_error *err);
void template_free(struct template *t); /* NULL is fine */

/* JSON is compiled from its pieces, in their order: begin with an empty template. NULL when out of memory. */
struct template *template_new_json(void);

/* Each adds a piece. 0, or -1 with *err: only template_free() may be called then. */
int template_add_text(
	struct template *t, struct eio_bytes json, struct template_error *err); /* as it is: brackets, numbers */
int template_add_key(
	struct template *t, struct eio_bytes key, struct template_error *err); /* a string without placeholders */
int template_add_string(
	struct template *t, struct eio_bytes text, const struct template_context *where, struct template_error *err);

/* In front of an element of a list, and in place of the elements "...{args}" and "{x?}". */
int template_add_separator(struct template *t, struct template_error *err);
int template_add_spread(struct template *t, const struct template_context *where, struct template_error *err);
int template_add_optional(
	struct template *t, struct eio_bytes text, const struct template_context *where, struct template_error *err);

/* Whether an element of a list is "...{args}", or a placeholder that may be left out, such as "{auth.id?}". */
bool template_is_spread(struct eio_bytes text);
bool template_is_optional(struct eio_bytes text);

/* Whether the text depends on the message itself, not only on its channel: as JSON, or as text. */
bool template_uses_message(const struct template *t);
bool template_uses_message_text(const struct template *t);

/* Whether a name is one placeholder and nothing else. */
bool template_is_placeholder(const struct template *t);

/* Walks the placeholders: begin with *i 0; false behind the last. What is found lives as long as the template. */
bool template_next_placeholder(const struct template *t, size_t *i, struct template_placeholder *out);

/* Whether two templates that make names can ever make the same one, whatever their placeholders stand for. */
bool template_may_equal(const struct template *a, const struct template *b);

/* The same of one template and a name. */
bool template_may_make(const struct template *t, struct eio_bytes name);

/* Rendering */

struct template_value {
	enum {
		TEMPLATE_NOTHING,
		TEMPLATE_PLAIN, /* text */
		TEMPLATE_RAW, /* JSON that passed sio_json_check() */
		TEMPLATE_ELEMENTS, /* the inside of such a list */
		TEMPLATE_FAILED, /* out of memory */
	} type;
	struct eio_bytes bytes;
	bool apart; /* JSON that is not to be copied: see struct template_json */
};

/* What a template is rendered from. */
struct template_input {
	/* In a feed. */
	struct eio_bytes channel;
	struct eio_bytes id; /* of the entry, in a feed of a stream */
	const struct template_captures *captures; /* NULL on a feed without a pattern */
	struct eio_bytes message; /* must have passed sio_json_check() when template_uses_message() */
	/* Elsewhere: finds what stands for a placeholder. Its bytes need live only until the next one is asked for. */
	struct template_value (*find)(void *ctx, const struct template_placeholder *p);
	void *ctx;
};

enum template_result {
	TEMPLATE_OK,
	TEMPLATE_MISSING, /* there is no such value, or it is null */
	TEMPLATE_NOT_TEXT, /* a list or an object */
	TEMPLATE_TWO_LISTS,
	TEMPLATE_TOO_MANY,
	TEMPLATE_NOMEM
};

/* The text of a result, a constant string. */
const char *template_result_text(enum template_result r);

/* Appends a name to out. TEMPLATE_OK, or why there is none (out then holds a part of it). Whether out ran out of
 * memory is for the caller to check. */
enum template_result template_render(const struct template *t, const struct template_input *in, struct eio_buf *out);

/* Memory for template_render_names(), kept from one to the next; all zero at first. */
struct template_names {
	struct eio_buf name, tail, list;
};

void template_names_deinit(struct template_names *n);

/* Calls each() for every name; its bytes are valid during the call, which must not use n. When one element of a list
 * makes no name the others do, and the first such reason is returned. At most TEMPLATE_MAX_NAMES are made: then
 * TEMPLATE_TOO_MANY. */
enum template_result template_render_names(const struct template *t, const struct template_input *in,
	struct template_names *n, void (*each)(void *ctx, struct eio_bytes name), void *ctx);

/* A value that belongs into the text at an offset, but is not in it. */
struct template_span {
	size_t at;
	struct eio_bytes json; /* as template_value had it: one value, or elements with commas between them */
};

struct template_json {
	struct eio_buf text;
	struct template_span *spans; /* with room for template_max_spans() */
	size_t n_spans; /* 0 at first */
	bool missing; /* false at first: null, or nothing inside of a string, stands where there was no value */
};

/* Whether a template of JSON is one placeholder and nothing else; and then what that stands for. */
bool template_is_value(const struct template *t);
struct template_value template_value_of(const struct template *t, const struct template_input *in);

size_t template_max_spans(const struct template *t);

/* Whether JSON is one placeholder and nothing else: then *out is its value as it lies in the input, to be used without
 * a copy. */
bool template_value_alone(const struct template *t, const struct template_input *in, struct template_value *out);

/* Appends the JSON. TEMPLATE_OK or TEMPLATE_NOMEM, also when out->text ran out of memory. */
enum template_result template_render_json(
	const struct template *t, const struct template_input *in, struct template_json *out);

#endif
