/* SPDX-License-Identifier: MIT */
/*
 * What leaves of a message: its payload in one feed.
 *
 *     message ── omit: members are cut out ── payload: a member, or JSON of members ── spread: a list as arguments
 *
 * Bytes are cut out and put together as they came; nothing is parsed and written again. A payload that is a string is
 * sent as its text where it stands for itself: bare, in lines and in frames. In an array, and as JSON, it stays JSON.
 *
 * Threads: the feed's only.
 */
#ifndef SRC_FEED_SHAPE_H
#define SRC_FEED_SHAPE_H

#include "src/feed/fate.h"
#include "src/feed/message.h"
#include "src/feed/spec.h"

/* Memory for one message, kept from one to the next; all zero at first. */
struct feed_shaper {
	struct eio_buf rest; /* the message without what is omitted */
	struct template_json json; /* a payload that had to be put together */
	struct eio_buf text; /* a string unescaped, or arguments */
};

void feed_shaper_deinit(struct feed_shaper *s);

/* Whether a feed sends anything but the message as it came. */
static inline bool
feed_shapes(const struct feed_spec *f)
{
	return f->payload || f->omit || f->spread;
}

/* Puts what leaves of a message in place of m->payload. in: what the feed's templates are rendered from; its message
 * must be what they and the feed ask of it, JSON or UTF-8. The bytes are valid until the next call. Anything but
 * FEED_FATE_TAKEN: there is no payload, and m is not to be used. */
enum feed_fate feed_shape(
	struct feed_shaper *s, const struct feed_spec *f, const struct template_input *in, struct message *m);

#endif
