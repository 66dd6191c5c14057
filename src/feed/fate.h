/* SPDX-License-Identifier: MIT */
/*
 * What becomes of a message in one feed. Whatever keeps it from being sent has a name, a
 * counter, and a line at --log-level debug, which says what part of the feed it was.
 */
#ifndef SRC_FEED_FATE_H
#define SRC_FEED_FATE_H

#include "src/feed/metrics.h"

#include <stdbool.h>

/*
 * X(name, metric, mistake, part, reason). Part and reason are for whoever asks why nothing arrives. A mistake is what
 * an operator is warned of: the message is not what the feed was made for. NULL is none: such messages are normal, or
 * the warning is not for each feed.
 */
#define FEED_NO_ROUTE "no event or room can be made of it"
#define FEED_FATES(X) \
	X(FILTERED, FILTERED, NULL, "where", "does not match") \
	X(UNHEARD, UNHEARD, NULL, "members", "nobody is there") \
	X(PATTERN, DROPPED_ROUTE, FEED_NO_ROUTE, "pattern", "does not match the channel") \
	X(EVENT, DROPPED_ROUTE, FEED_NO_ROUTE, "event", "has no value in the message") \
	X(RESERVED, DROPPED_ROUTE, FEED_NO_ROUTE, "event", "is a reserved name") \
	X(ROOM, DROPPED_ROUTE, FEED_NO_ROUTE, "room", "has no value in the message") \
	X(EXCEPT, DROPPED_ROUTE, FEED_NO_ROUTE, "except", "a value in the message names no room") \
	X(ROOMS, DROPPED_ROUTE, "too many rooms", "room", "names too many rooms") \
	X(NAMESPACE, DROPPED_ROUTE, FEED_NO_ROUTE, "namespace", "none can be made of the message") \
	X(JSON, DROPPED_JSON, "not one JSON value", "json", "not one JSON value") \
	X(UTF8, DROPPED_UTF8, "not UTF-8", "utf8", "not UTF-8") \
	X(PAYLOAD, DROPPED_PAYLOAD, "no payload can be made of it", "payload", "has no value in the message") \
	X(FIELD, DROPPED_PAYLOAD, "the entry has no such field", "field", "the entry has no such field") \
	X(SPREAD, DROPPED_PAYLOAD, "its payload is no list to spread", "spread", "the payload is no list") \
	X(LINE, DROPPED_LINE, "holds a line feed or starts with NUL", "line", "holds a line feed or starts with NUL") \
	X(SIZE, DROPPED_SIZE, "too long for a frame", "size", "too long for a frame") \
	X(LONG, DROPPED_LONG, NULL, "messageBytes", "longer than limits.messageBytes") \
	X(MEMORY, DROPPED_MEMORY, "out of memory", "memory", "out of memory")

enum feed_fate {
	FEED_FATE_TAKEN, /* it is in a batch, or sent */
#define X(name, metric, mistake, part, reason) FEED_FATE_##name,
	FEED_FATES(X)
#undef X
		FEED_FATE_COUNT
};

struct feed_fate_text {
	enum feed_metric metric;
	const char *mistake, *part, *reason;
};

/* By fate; nothing for FEED_FATE_TAKEN. */
extern const struct feed_fate_text feed_fate_texts[FEED_FATE_COUNT];

#endif
