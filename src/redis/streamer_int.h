/* SPDX-License-Identifier: MIT */
/* A streamer, for the files that it consists of. */
#ifndef SRC_REDIS_STREAMER_INT_H
#define SRC_REDIS_STREAMER_INT_H

#include "src/base/log.h"
#include "src/redis/backoff.h"
#include "src/redis/link.h"
#include "src/redis/reading.h"

#define REDIS_STREAMER_MAGIC 0x4ed157e4

enum streamer_phase { STREAMER_IDLE, STREAMER_LOOKS, STREAMER_SEEKS, STREAMER_READS };

struct redis_streamer {
	unsigned magic;
	struct redis_streamer_options options;
	struct redis_link *link;
	struct redis_readings readings;
	enum streamer_phase phase; /* what the server is asked, if anything */
	struct redis_stream_info info; /* what it said last of a stream */
	bool position_refused; /* of the stream that is being looked at */
	enum redis_server_role role; /* the server's, on this connection */
	bool asks_role; /* its answer comes first */
	bool read_refused; /* the last XREAD was, though its streams were not when they were looked at; */
	bool denied; /* and again: nothing is read, */
	bool waits; /* until the next look */
	size_t saves; /* answers of commands that keep positions, in front of XREAD's, */
	bool reads; /* if there is one */
	bool ready; /* as was told */
	bool settled; /* the same */
	bool unsaved; /* there are positions to be kept */
	struct redis_past_limits past; /* what is wanted of it */
	size_t past_bytes; /* so much may still be found */
	size_t seeks; /* the stream that was asked about, whose answer comes next */
	uint64_t look_at_ms, save_at_ms; /* when to look, and to keep positions, next */
	uv_timer_t timer; /* for step() */
	struct redis_backoff backoff; /* of looks at what is refused */
	struct log_limit limit, gap_limit, save_limit;
};

/* What it tells (streamer_tell.c). What time it is by its loop, in ms. */
uint64_t redis_streamer__now(const struct redis_streamer *s);

/* Which of its streams it is, counted from 0. */
size_t redis_streamer__number(const struct redis_streamer *s, const struct redis_reading *r);

/* Says whether it is ready, and that it is settled, where that is news. */
void redis_streamer__tell_state(struct redis_streamer *s);
void redis_streamer__tell_settled(struct redis_streamer *s);

/* Logs the gap, and says it. */
void redis_streamer__tell_gap(struct redis_streamer *s, const struct redis_reading *r, const struct redis_gap *gap);

/* The past (streamer_past.c): whether it is wanted of any. */
void redis_streamer__want_past(struct redis_streamer *s);

/* Asks where it begins; false when nothing is sought. Then entries, and the answers. */
bool redis_streamer__seek(struct redis_streamer *s);
void redis_streamer__seek_entry(struct redis_streamer *s, const struct redis_entry *e);
void redis_streamer__seek_answer(struct redis_streamer *s, enum redis_reply reply, struct eio_bytes text);

/* A stream was looked at, info: NULL when there is none; or that is refused. */
void redis_streamer__past_looked(
	struct redis_streamer *s, struct redis_reading *r, const struct redis_stream_info *info);
void redis_streamer__past_refused(struct redis_streamer *s, struct redis_reading *r, struct eio_bytes error);

/* Something is missing behind it: it is over, and the gap is told. */
void redis_streamer__past_gap(struct redis_streamer *s, struct redis_reading *r, const struct redis_gap *gap);

/* That of all is over, where it has begun, for this reason. */
void redis_streamer__lose_pasts(struct redis_streamer *s, const char *why);

/* The look (streamer_look.c): begins one, and takes an answer to what it asked. After the last one nothing is asked. */
void redis_streamer__look(struct redis_streamer *s);
void redis_streamer__look_answer(struct redis_streamer *s, enum redis_reply reply, struct eio_bytes text);

#endif
