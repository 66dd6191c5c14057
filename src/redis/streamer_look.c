/* SPDX-License-Identifier: MIT */
/* The look of a streamer: where its streams end, and what is refused. */
#include "src/redis/streamer_int.h"

#include "src/redis/command.h"
#include "src/redis/refusal.h"

#include <inttypes.h>
#include <string.h>

enum { DOUBT_LOOK_MS = 200 }; /* how soon a stream is looked at again that is doubted */

/* A stream that is doubted is another matter of a master than of a replica. */
void
redis_streamer__look(struct redis_streamer *s)
{
	struct eio_buf b;
	size_t n;

	eio_buf_init(&b);
	s->asks_role = redis_readings_doubted(&s->readings);
	if (s->asks_role) {
		redis_command(&b, 2);
		redis_argument(&b, EIO_LIT("INFO"));
		redis_argument(&b, EIO_LIT("replication"));
	}
	n = redis_readings_look(&s->readings, &b) + s->asks_role;
	s->phase = STREAMER_LOOKS;
	redis_link_write(s->link, &b, n);
}

/* As for channels: of many, each has its line some time. */
static void
log_stream_refused(struct redis_streamer *s, struct redis_reading *r, struct eio_bytes error)
{
	char text[LOG_ESCAPE_MAX];
	uint64_t suppressed;

	if (r->told || !log_limit_pass(&s->limit, redis_streamer__now(s), &suppressed)) return;
	r->told = true;
	redis_refusal(error, s->options.url, false, text, sizeof text);
	log_warn("redis=%s event=stream-refused stream=\"%s\" reason=\"%s\" suppressed=%" PRIu64, s->options.url->name,
		LOG_ESCAPE(eio_cstr(r->stream->name)), text, suppressed);
}

static void
note_answered(struct redis_streamer *s, struct redis_reading *r, bool refused)
{
	bool was = r->refused;

	redis_readings_answered(&s->readings, refused);
	if (was != refused) s->options.refused(s->options.user, redis_streamer__number(s, r), refused);
	if (refused || !r->told) return;
	r->told = false;
	log_info("redis=%s event=stream-allowed stream=\"%s\"", s->options.url->name,
		LOG_ESCAPE(eio_cstr(r->stream->name)));
}

static void
take_position(struct redis_streamer *s, struct redis_reading *r, bool is_error, struct eio_bytes text)
{
	bool good = redis_readings_position(&s->readings, is_error ? NULL : &text);

	s->position_refused = is_error;
	if (is_error)
		log_stream_refused(s, r, text);
	else if (!good)
		log_warn("redis=%s event=position-ignored stream=\"%s\" position=\"%s\"", s->options.url->name,
			LOG_ESCAPE(eio_cstr(r->stream->name)), LOG_ESCAPE(text));
}

static bool
has_word(struct eio_bytes text, struct eio_bytes word)
{
	return memmem(text.p, text.n, word.p, word.n) != NULL;
}

/* Where it is refused, nothing is known. */
static void
take_server_role(struct redis_streamer *s, enum redis_reply reply, struct eio_bytes text)
{
	s->asks_role = false;
	s->role = REDIS_SERVER_UNKNOWN;
	if (reply == REDIS_REPLY_IS_ERROR) return;
	if (has_word(text, EIO_LIT("role:master"))) s->role = REDIS_SERVER_MASTER;
	if (has_word(text, EIO_LIT("role:slave"))) s->role = REDIS_SERVER_REPLICA;
}

static bool
is_no_key(struct eio_bytes error)
{
	return eio_bytes_starts(error, EIO_LIT("ERR no such key"));
}

/* When it is time for a look at a stream that is doubted: at once, where it is not known yet what the server is. */
static uint64_t
doubt_ms(const struct redis_streamer *s)
{
	if (!redis_readings_doubted(&s->readings)) return UINT64_MAX;
	return s->role == REDIS_SERVER_UNASKED ? 0 : DOUBT_LOOK_MS;
}

/* The look at the last stream is over. */
static void
end_look(struct redis_streamer *s)
{
	uint64_t look_ms = s->options.look_ms ? s->options.look_ms : REDIS_LOOK_MS, soon_ms = doubt_ms(s);

	s->phase = STREAMER_IDLE;
	s->waits = false;
	if (!s->readings.refused)
		s->backoff = (struct redis_backoff){ 0 };
	else
		look_ms = redis_backoff_failed(&s->backoff, redis_streamer__now(s));
	s->look_at_ms = redis_streamer__now(s) + (soon_ms < look_ms ? soon_ms : look_ms);
	if (soon_ms == UINT64_MAX) s->role = REDIS_SERVER_UNASKED;
	if (!soon_ms) return; /* it is not over yet */
	redis_streamer__tell_state(s);
	redis_streamer__tell_settled(s);
}

static void
look_at_reading(struct redis_streamer *s, struct redis_reading *r, const struct redis_stream_info *info)
{
	const struct redis_look look = { .info = info, .role = s->role, .now_ms = redis_streamer__now(s) };
	bool was = r->behind;
	char at[REDIS_ID_TEXT], last[REDIS_ID_TEXT];
	struct redis_gap gap;

	if (redis_cursor_looked(&r->cursor, &look, &gap)) redis_streamer__past_gap(s, r, &gap);
	r->behind = r->cursor.doubted && s->role != REDIS_SERVER_UNASKED;
	if (r->behind && !was)
		log_info("redis=%s event=stream-behind stream=\"%s\" read=%s last=%s server=%s", s->options.url->name,
			LOG_ESCAPE(eio_cstr(r->stream->name)), redis_id_text(r->cursor.at, at),
			redis_id_text(r->cursor.last, last), s->role == REDIS_SERVER_REPLICA ? "replica" : "unknown");
}

static void
take_look(struct redis_streamer *s, struct redis_reading *r, enum redis_reply reply, struct eio_bytes text)
{
	bool is_error = reply == REDIS_REPLY_IS_ERROR, none = is_error && is_no_key(text);
	bool refused = s->position_refused || (is_error && !none) || (!is_error && reply != REDIS_REPLY_IS_INFO);

	if (refused && !s->position_refused) log_stream_refused(s, r, text);
	if (refused) {
		redis_streamer__past_refused(s, r, text);
	} else {
		look_at_reading(s, r, none ? NULL : &s->info);
		redis_streamer__past_looked(s, r, none ? NULL : &s->info);
	}
	s->position_refused = false;
	note_answered(s, r, refused);
	if (!redis_readings_asked(&s->readings)) end_look(s);
}

void
redis_streamer__look_answer(struct redis_streamer *s, enum redis_reply reply, struct eio_bytes text)
{
	struct redis_reading *r = redis_readings_asked(&s->readings);

	if (s->asks_role)
		take_server_role(s, reply, text);
	else if (s->readings.position)
		take_position(s, r, reply == REDIS_REPLY_IS_ERROR, text);
	else
		take_look(s, r, reply, text);
}
