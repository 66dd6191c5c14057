/* SPDX-License-Identifier: MIT */
/*
 * What a feed shall do: the form that the configuration fills and the rest of this
 * folder works from. It knows nothing of the file it was read from.
 *
 * Threads: immutable once filled; any thread may read it. Specs are shared by counting references: who runs feeds
 * holds one to their set, so a set that was replaced lives as long as somebody still works from it.
 */
#ifndef SRC_FEED_SPEC_H
#define SRC_FEED_SPEC_H

#include "eio/bytes.h"
#include "sio/json_cut.h"
#include "sio/room.h"
#include "src/feed/retain.h"
#include "src/template/inverse.h"
#include "src/template/template.h"
#include "src/where/where.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum feed_encode {
	FEED_ENCODE_BINARY, /* one binary argument */
	FEED_ENCODE_JSON, /* the raw JSON as the argument */
	FEED_ENCODE_TEXT, /* one string */
};

enum feed_format {
	FEED_FORMAT_ARRAY, /* [m1,m2] */
	FEED_FORMAT_LINES, /* m1 LF m2 LF */
	FEED_FORMAT_FRAMES, /* u32 big-endian length + bytes, each */
	FEED_FORMAT_COLUMNS, /* as src/columns has it; an array where that is shorter */
};

/* What happens to a client that is over its limit. */
enum feed_slow {
	FEED_SLOW_DROP_OLDEST, /* its oldest queued broadcasts go until the new one fits */
	FEED_SLOW_LATEST, /* it keeps only the newest broadcast of each stream */
	FEED_SLOW_DISCONNECT,
};

/* What a client gets when it joins. */
struct feed_retain {
	struct retain_rules rules;
	char *key; /* of RETAIN_BY_KEY: a JSON pointer */
	struct where remove; /* messages that take that of their key away; without pairs: none */
	struct template *event; /* what a snapshot is called; NULL: as the messages */
};

/* How much of it is remembered for clients that come back. What is 0 is as for all feeds. */
struct feed_history {
	unsigned seconds, messages;
	size_t bytes;
};

enum feed_prime_kind {
	FEED_PRIME_HASH, /* its values, each a message */
	FEED_PRIME_STRING, /* the one */
	FEED_PRIME_LIST, /* its elements, the newest `count` */
	FEED_PRIME_ZSET, /* its members, those with the highest scores, the highest last */
	FEED_PRIME_STREAM, /* its entries, the newest */
	FEED_PRIME_SCAN, /* strings whose keys match a pattern */
};

/* Where in Redis stands what a feed retains. */
struct feed_prime {
	enum feed_prime_kind kind;
	char *key; /* or the pattern */
	size_t count;
	bool newest_last; /* of a list */
	char *field; /* of a stream: as in a feed of one */
	struct template *channel; /* by which a value would have come */
};

enum feed_subscribe {
	FEED_SUBSCRIBE_ALWAYS,
	FEED_SUBSCRIBE_ON_DEMAND, /* to single channels, while somebody is in a room that they go to: see demand.h */
};

/* All that is pointed to belongs to the set. */
struct feed_spec {
	unsigned index; /* its place in the set */
	uint64_t print; /* another one when anything in it is another */
	/* The same as long as only the terms are others on which messages are put together and handed over: batch but
	 * its format, slow, lagEvent, gapEvent and history. What it retains then goes on. */
	uint64_t essence;
	bool is_pattern, is_stream, is_shard;
	char **channels; /* the channels, patterns, streams or shard channels, at least one, all different */
	size_t n_channels;
	enum feed_subscribe subscribe;
	/* On demand: how long a channel is kept that nobody hears; and for each channel or pattern, in their order, the
	 * inverse of each room. */
	unsigned linger_ms;
	struct template_inverse *inverses;
	size_t n_inverses;
	/* Of streams. */
	char *field; /* whose value is the message; NULL: the whole entry */
	char *from; /* where it is begun to read: "$", "0" or an id */
	char *position; /* the hash in which it is kept how far they have been read, or NULL */
	char *nsp; /* NULL: it is made of each message, by nsp_template */
	struct template *nsp_template;
	struct template *event;
	struct template **rooms, **except; /* a list in one of them means each of its elements */
	size_t n_rooms, n_except; /* without rooms: everyone in the namespace */
	/* What leaves of a message: see shape.h. NULL: the message as it came. */
	struct template *payload, *payload_default;
	struct sio_json_cuts *omit; /* members that are cut out of the message first; NULL: none */
	bool spread; /* the payload is a list, its elements are the event's arguments */
	enum feed_encode encode;
	enum feed_format format;
	unsigned interval_ms; /* 0: every message alone */
	unsigned max_messages;
	size_t max_bytes;
	struct where where;
	enum feed_slow slow;
	/* A JSON pointer: who is behind gets the newest message of each value that is there. NULL: slow says it. */
	char *latest_per;
	unsigned latest_max; /* of those, for one stream */
	bool lag_event; /* who lost something is told so when it is not behind any more */
	struct feed_retain retain;
	struct feed_history history;
	struct feed_prime *primes; /* with them it is read what is retained */
	size_t n_primes;
	bool gap_event; /* clients are told when something is missing; nsp is set then */
};

/* The feeds of one configuration. */
struct feed_specs {
	atomic_uint refs;
	bool retain; /* one of them retains */
	bool on_demand; /* one of them is subscribed to on demand */
	size_t n;
	struct feed_spec *v; /* owned, with all it points to */
};

/* An empty set with a reference for the caller. NULL when out of memory. */
struct feed_specs *feed_specs_new(void);

/* Adds a feed and takes over what it points to, all of it from malloc; its index is set. 0, or -1 when out of memory:
 * the feed is then still the caller's. Only before the set is shared. */
int feed_specs_add(struct feed_specs *s, const struct feed_spec *spec);

/* Whether a feed may send something to a room or namespace. Any thread. */
bool feed_spec_reaches(const struct feed_spec *f, struct sio_room_key key);

/* Whether some feed may retain something for a room or namespace. Any thread. */
bool feed_specs_retain(const struct feed_specs *s, struct sio_room_key key);

/* Whether members of a room may be a reason to subscribe to something for some feed: false is sure. Any thread. */
bool feed_specs_demand(const struct feed_specs *s, struct sio_room_key key);
/* Whether one of them is of shard channels. Any thread. */
bool feed_specs_have_shards(const struct feed_specs *s);

/* Of which gaps clients are told: each channel, by the first feed that tells of it in its namespace. All is
 * borrowed. */
struct feed_told {
	const char *nsp, *channel;
	unsigned feed;
};

/* All of them, each pair once, from malloc: of those feeds whose count is not 0; NULL: of all. How many, or -1 when out
 * of memory. Any thread. */
ssize_t feed_specs_told(const struct feed_specs *s, const size_t *counts, struct feed_told **out);

/* Any thread. */
struct feed_specs *feed_specs_ref(struct feed_specs *s);
void feed_specs_unref(struct feed_specs *s); /* NULL is fine */

/* Frees what a spec points to and empties it; all zero is fine. */
void feed_spec_deinit(struct feed_spec *spec);

#endif
