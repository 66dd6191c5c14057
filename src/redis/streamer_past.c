/* SPDX-License-Identifier: MIT */
/* What a streamer has of the time before it began. */
#include "src/redis/streamer_int.h"

#include "src/redis/refusal.h"

#include <inttypes.h>

void
redis_streamer__want_past(struct redis_streamer *s)
{
	if (!s->options.past) return;
	s->past = *s->options.past;
	s->options.past = NULL; /* it may go */
	s->past_bytes = s->past.bytes;
	for (size_t i = 0; i < s->readings.n; i++)
		if (!s->readings.v[i].stream->resume) s->readings.v[i].past.state = REDIS_PAST_WANTED;
}

static void
end_past(struct redis_streamer *s, struct redis_reading *r, const struct redis_id *from)
{
	r->past.state = REDIS_PAST_NONE;
	s->options.past_end(s->options.user, redis_streamer__number(s, r), from);
}

static void
lose_past(struct redis_streamer *s, struct redis_reading *r, const char *why)
{
	if (r->past.state == REDIS_PAST_NONE) return;
	log_info("redis=%s event=past-not-read stream=\"%s\" reason=\"%s\"", s->options.url->name,
		LOG_ESCAPE(eio_cstr(r->stream->name)), why);
	end_past(s, r, NULL);
}

void
redis_streamer__lose_pasts(struct redis_streamer *s, const char *why)
{
	for (size_t i = 0; i < s->readings.n; i++)
		if (s->readings.v[i].past.state != REDIS_PAST_WANTED) lose_past(s, &s->readings.v[i], why);
}

void
redis_streamer__past_gap(struct redis_streamer *s, struct redis_reading *r, const struct redis_gap *gap)
{
	lose_past(s, r, "something is missing behind it");
	redis_streamer__tell_gap(s, r, gap);
}

/* Where it begins */

static bool
is_sought(const struct redis_reading *r)
{
	return r->past.state == REDIS_PAST_SOUGHT;
}

/* The next that is sought, from one on. */
static void
find_sought(struct redis_streamer *s, size_t from)
{
	s->seeks = from;
	while (s->seeks < s->readings.n && !is_sought(&s->readings.v[s->seeks])) s->seeks++;
}

bool
redis_streamer__seek(struct redis_streamer *s)
{
	struct eio_buf b;
	size_t n = 0;

	find_sought(s, 0);
	if (s->seeks == s->readings.n) return false;
	eio_buf_init(&b);
	for (size_t i = s->seeks; i < s->readings.n; i++) {
		if (!is_sought(&s->readings.v[i])) continue;
		redis_past_seek(&s->readings.v[i].past, s->readings.v[i].stream->name, &b);
		n++;
	}
	s->phase = STREAMER_SEEKS;
	redis_link_write(s->link, &b, n);
	return true;
}

void
redis_streamer__seek_entry(struct redis_streamer *s, const struct redis_entry *e)
{
	struct redis_id id;

	if (redis_id_parse(&id, e->id))
		redis_past_found(&s->readings.v[s->seeks].past, id, e->words.n + e->skipped, &s->past, &s->past_bytes);
}

static void
lose_refused(struct redis_streamer *s, struct redis_reading *r, struct eio_bytes error)
{
	char text[LOG_ESCAPE_MAX];

	redis_refusal(error, s->options.url, false, text, sizeof text);
	lose_past(s, r, text);
}

void
redis_streamer__seek_answer(struct redis_streamer *s, enum redis_reply reply, struct eio_bytes text)
{
	struct redis_reading *r = &s->readings.v[s->seeks];

	find_sought(s, s->seeks + 1);
	if (reply == REDIS_REPLY_IS_ERROR) {
		lose_refused(s, r, text);
	} else {
		redis_past_sought(&r->past);
		if (r->past.state == REDIS_PAST_NONE) end_past(s, r, NULL);
	}
	if (s->seeks < s->readings.n) return;
	s->phase = STREAMER_IDLE;
	redis_streamer__tell_settled(s);
}

/* Looks */

/* One that is loading what it has says so of all that it is asked. */
void
redis_streamer__past_refused(struct redis_streamer *s, struct redis_reading *r, struct eio_bytes error)
{
	if (r->past.state != REDIS_PAST_WANTED || !eio_bytes_starts(error, EIO_LIT("LOADING")))
		lose_refused(s, r, error);
}

static void
check_past(struct redis_streamer *s, struct redis_reading *r, const struct redis_stream_info *info)
{
	struct redis_id from;
	bool sure = redis_past_check(&r->past, info, &from);
	char text[REDIS_ID_TEXT];

	log_info("redis=%s event=past-read stream=\"%s\" messages=%" PRIu64 " from=%s", s->options.url->name,
		LOG_ESCAPE(eio_cstr(r->stream->name)), r->past.messages, sure ? redis_id_text(from, text) : "unknown");
	end_past(s, r, sure ? &from : NULL);
}

void
redis_streamer__past_looked(struct redis_streamer *s, struct redis_reading *r, const struct redis_stream_info *info)
{
	if (r->past.state == REDIS_PAST_CHECKED && !r->cursor.doubted)
		check_past(s, r, info);
	else if (r->past.state == REDIS_PAST_WANTED && !redis_past_begin(&r->past, &r->cursor, info))
		end_past(s, r, NULL);
}
