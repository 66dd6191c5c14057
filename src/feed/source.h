/* SPDX-License-Identifier: MIT */
/*
 * Where messages come from, as the feed wants it: a table of functions, which the folder
 * source/ fills for each kind there is. The feed is handed those and knows no other.
 *
 * Threads: the feed's only.
 */
#ifndef SRC_FEED_SOURCE_H
#define SRC_FEED_SOURCE_H

#include "src/feed/message.h"
#include "src/redis/metrics.h"
#include "src/redis/streamer.h"
#include "src/redis/url.h"

#include <uv.h>

struct source_ops;

/* One source at work; the first field of what its kind has. */
struct source {
	const struct source_ops *ops;
};

/* Something that was published is missing, or may be. */
struct source_gap {
	enum message_kind kind;
	struct eio_bytes name; /* as in a message */
	/* JSON: ids of entries, as strings, behind the one and up to the other; or between which times, in milliseconds
	 * since 1970. */
	struct eio_bytes from, to;
	uint64_t missed; /* how many messages; 0: nobody knows */
};

/* What a source tells the feed, always from the loop. None may close it. */
struct source_events {
	void (*message)(void *user, struct message *m);
	/* The same for an entry of a stream, which has no payload yet. */
	void (*entry)(void *user, struct message *m);
	/* Something is missing of a channel, pattern, shard channel or stream. */
	void (*gap)(void *user, const struct source_gap *gap);
	/* Whether more can be taken now. Who can wait does until it can. */
	bool (*may_read)(void *user);
	/* A message was longer than message_bytes, by something of n bytes that is not in m. */
	void (*too_long)(void *user, const struct message *m, uint64_t n);
	/* From now on what is wanted comes, but for what is refused; or does not any more. */
	void (*state)(void *user, bool ready);
	/* It has said of each channel and pattern that is wanted whether it comes; or has not any more, as others are
	 * wanted, which may not come yet before that. Behind each change it is told again. Not told of streams, nor of
	 * shard channels. */
	void (*answered)(void *user, bool all);
	/* The server refuses a channel or pattern, or does not any more. */
	void (*refused)(void *user, enum message_kind kind, struct eio_bytes name, bool refused);
	/* Where it was asked for, an entry that was there before the first one of its stream that is told by `entry`;
	 * and once of each stream: there is no more of it. From an id on, if the entry of that id was told, nothing is
	 * missing; NULL: that is not known of any. */
	void (*past)(void *user, struct message *m);
	void (*past_end)(void *user, struct eio_bytes name, const struct redis_id *from);
	/* Once, of a source that was given places: what is missing since then has been told, what comes now goes on
	 * there. Or of one that was asked for what was there before: all of that has been told. */
	void (*settled)(void *user);
};

/* How far something has been read. */
struct source_place {
	const char *name; /* of a stream; empty: all that is published */
	const char *text; /* in the words of its source */
	int fd; /* where it goes on with a connection of another process (`hand`): that */
};

struct source_options {
	uv_loop_t *loop;
	const struct redis_url *url; /* borrowed, like all below */
	struct metrics *metrics; /* of redis_metrics */
	const char *const *channels, *const *patterns, *const *shards; /* what is wanted */
	size_t n_channels, n_patterns, n_shards;
	const struct redis_streamer_stream *streams; /* the same of streams */
	size_t n_streams;
	const struct redis_past_limits *past; /* what is wanted of streams that were there before; NULL: nothing */
	unsigned save_ms; /* by then what was read has left */
	size_t message_bytes; /* the longest message that is taken */
	const struct source_place *places; /* where to go on; all else begins as it is configured */
	size_t n_places;
	uint64_t places_ms; /* when it was read up to there, in milliseconds since 1970; a place may say it otherwise */
	unsigned patience_ms; /* how late messages may come, together with others */
	const struct source_events *events;
	void *user; /* of events */
};

/* How a source has gone over to another address. */
struct source_moved {
	const char *how; /* in a word: what the new server is to the old one */
	bool same; /* what it holds is what the other one held */
	bool gap; /* something may be missing, which has been told, or will be */
	const char *why; /* the same: the reason; or NULL */
};

/* Each is told once, in this order; user is that of the source. */
struct source_move_events {
	/* What is published at the old one comes to the new one, but later. So whoever publishes stops, to go on at the
	 * new one when all of that has come there. Not told where that is not so. */
	void (*rests)(void *user);
	/* Asked behind that: whether all that was published at the old one is answered. */
	bool (*has_rested)(void *user);
	/* What is published at the new one counts from now on: so whoever publishes goes there. lost: the old one
	 * answers no more, or may not. */
	void (*switched)(void *user, bool lost);
	/* Asked behind that: whether it has gone there, and all that was published at the old one is answered. */
	bool (*has_switched)(void *user);
	void (*moved)(void *user, const struct source_moved *how);
};

struct source_ops {
	/* A source that begins to connect; its server may be away. NULL when out of memory. */
	struct source *(*open)(const struct source_options *options);
	/* Ends it; it tells nothing more. What is left of it goes when the loop has run. */
	void (*close)(struct source *s);
	/* Goes over to other channels and patterns, another patience and other events: makes all that it takes, in the
	 * place of what was prepared before. 0; -1 when out of memory; 1 when it has to be opened anew for that. Then
	 * it does, in the same turn of the loop, and tells again what is refused; or it forgets it. All are NULL where
	 * it has to be opened anew for anything. */
	int (*prepare)(struct source *s, const struct source_options *options);
	void (*commit)(struct source *s);
	void (*forget)(struct source *s);
	/* Tells of each channel, pattern or stream that is refused that it is, or is not any more, for who counts them
	 * and closes it then. NULL: nothing is. */
	void (*tell_refused)(const struct source *s, bool refused);
	/* Tells how far it has read; the bytes are valid during the call. NULL: it cannot go on anywhere. */
	void (*tell_places)(
		const struct source *s, void (*tell)(void *user, const struct source_place *place), void *user);
	/* For one that can go on in no place, but with its connection, in another process: a copy of that, and its
	 * words, appended. It must be closed in the same turn of the loop. -1 where that cannot be. NULL: it has
	 * no use for that. One that is opened with such a place takes over its descriptor, also when it fails. */
	int (*hand)(const struct source *s, struct eio_buf *text);
	/* options->url leads to another address than it is connected to. Goes over to that, without missing anything
	 * and without telling anything twice, if that can be; it may be closed meanwhile, but not prepared. old: that
	 * before. Tells how it goes, maybe at once. NULL: it has to be opened anew, at its places. */
	void (*move)(struct source *s, const struct source_options *options, const struct redis_url *old,
		const struct source_move_events *events);
	/* Of a source of single channels, which is opened without any: one is wanted, also when it is already, or not
	 * any more; and its server is told all of it at once, not from within what it tells. A gap is of all channels.
	 * NULL: it is another kind. */
	void (*want)(struct source *s, struct eio_bytes channel);
	void (*leave)(struct source *s, struct eio_bytes channel);
	void (*flush)(struct source *s);
	/* What is wanted by now counts; and whether the server has answered for each of that. */
	void (*mark)(struct source *s);
	bool (*passed_mark)(struct source *s);
	/* The channels in the words of `hand`. */
	void (*tell_handed)(const char *text, void (*tell)(void *user, struct eio_bytes channel), void *user);
};

#endif
