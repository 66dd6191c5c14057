/* SPDX-License-Identifier: MIT */
/*
 * The templates of a feed's `event` and `room`: literal text mixed with
 *     {channel}        the Redis channel the message came from
 *     {1} … {9}        what the pattern's stars matched, left to right
 *     {/json/pointer}  the value at that pointer (RFC 6901) in the message: a string without its quotes
 *                      and escapes, a number or boolean as the text it has in the message
 * "{{" and "}}" stand for the braces themselves. A template is compiled once from
 * the configuration and rendered for every message, so rendering allocates nothing
 * but the growth of the caller's buffer.
 *
 * Threads: a compiled template is immutable and may be shared.
 */
#ifndef SRC_TEMPLATE_TEMPLATE_H
#define SRC_TEMPLATE_TEMPLATE_H

#include "eio/buf.h"
#include "eio/bytes.h"

#define TEMPLATE_CAPTURES 9

/* What a pattern's stars matched in one channel. The bytes lie in the channel's name. */
struct template_captures {
	unsigned n;
	struct eio_bytes v[TEMPLATE_CAPTURES];
};

/* What a template is rendered from. */
struct template_input {
	struct eio_bytes channel;
	const struct template_captures *captures; /* NULL on a feed without a pattern */
	struct eio_bytes message; /* must have passed sio_json_check() when template_uses_message() */
};

struct template;

/* Compiles text. stars: how many captures there can be; a number above it is an error. Returns NULL with the
 * reason in err (a sentence without a full stop, quoting text that came from the configuration). */
struct template *template_new(struct eio_bytes text, unsigned stars, char *err, size_t err_size);
void template_free(struct template *t); /* NULL is fine */

/* Whether the text depends on the message itself, not only on its channel. */
bool template_uses_message(const struct template *t);

/* Appends the rendered text to out. 0, or -1 when the message has no string, number or boolean at a pointer
 * (out then holds a part). Whether out ran out of memory is for the caller to check. */
int template_render(const struct template *t, const struct template_input *in, struct eio_buf *out);

/* How many stars a Redis glob pattern has: the captures it can give, at most TEMPLATE_CAPTURES. */
unsigned template_count_stars(struct eio_bytes pattern);

/* Finds what the stars of a Redis glob pattern matched in a channel, the shortest way from the left. True when
 * the channel matches; Redis has already decided that, so false only means that it decided differently. */
bool template_match(struct eio_bytes pattern, struct eio_bytes channel, struct template_captures *out);

#endif
