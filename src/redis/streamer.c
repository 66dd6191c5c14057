/* SPDX-License-Identifier: MIT */
/* The role of a link that reads streams. */
#include "src/redis/streamer_int.h"

#include "eio/check.h"
#include "src/redis/refusal.h"

#include <stdlib.h>
#include <string.h>

enum { FULL_MS = 10 }; /* how soon it is asked again whether more can be taken */

static struct redis_streamer *
streamer_of(void *user)
{
	struct redis_streamer *s = user;

	CHECK_MAGIC(s, REDIS_STREAMER_MAGIC);
	return s;
}

/* Asking */

static unsigned
silence_ms(const struct redis_streamer *s)
{
	return redis_link_dead_ms(s->options.url, s->options.dead_ms);
}

/* How long XREAD may wait: until there is something else to do, and never so long that the server seems dead. */
static unsigned
block_ms(const struct redis_streamer *s)
{
	uint64_t until = s->look_at_ms, now = redis_streamer__now(s), least = 1, most = silence_ms(s) / 2;

	if (s->unsaved && s->save_at_ms < until) until = s->save_at_ms;
	if (until > now) least = until - now;
	return (unsigned)(least < most ? least : most);
}

/* Writes XREAD, and in front of it what keeps positions. */
static void
start_read(struct redis_streamer *s)
{
	struct eio_buf b;
	size_t n;

	eio_buf_init(&b);
	s->saves = 0;
	if (s->save_at_ms <= redis_streamer__now(s)) {
		s->saves = redis_readings_save(&s->readings, &b, &s->unsaved);
		s->save_at_ms = redis_streamer__now(s) + s->options.save_ms;
	}
	s->reads = redis_readings_read(&s->readings, &b, block_ms(s)) > 0;
	n = s->saves + s->reads;
	if (!n) {
		eio_buf_deinit(&b);
		return;
	}
	s->phase = STREAMER_READS;
	redis_link_write(s->link, &b, n);
}

static void on_streamer_timer(uv_timer_t *t);

/* What is next, when every question has its answer. */
static void
step(struct redis_streamer *s)
{
	uint64_t now = redis_streamer__now(s);

	uv_timer_stop(&s->timer);
	if (s->look_at_ms <= now)
		redis_streamer__look(s);
	else if (redis_streamer__seek(s))
		return;
	else if (!s->waits && s->options.may_read(s->options.user))
		start_read(s);
	else if (!s->waits)
		uv_timer_start(&s->timer, on_streamer_timer, FULL_MS, 0);
	if (s->phase == STREAMER_IDLE && redis_link_is_ready(s->link) && !uv_is_active((uv_handle_t *)&s->timer))
		uv_timer_start(&s->timer, on_streamer_timer, s->look_at_ms > now ? s->look_at_ms - now : 0, 0);
}

static void
on_streamer_timer(uv_timer_t *t)
{
	struct redis_streamer *s = streamer_of(t->data);

	if (redis_link_is_ready(s->link) && s->phase == STREAMER_IDLE) step(s);
}

/* What the server answers */

/* Of several streams XREAD refuses all when one is not what it was: a look tells which. Once more, and it is XREAD
 * itself that is refused. */
static void
take_read_refused(struct redis_streamer *s, struct eio_bytes error)
{
	char text[LOG_ESCAPE_MAX];

	s->look_at_ms = redis_streamer__now(s);
	if (s->read_refused) {
		s->look_at_ms += redis_backoff_failed(&s->backoff, redis_streamer__now(s));
		s->denied = s->waits = true;
		redis_streamer__lose_pasts(s, "XREAD is refused");
		redis_refusal(error, s->options.url, false, text, sizeof text);
		log_limited(LOG_LEVEL_WARN, &s->limit, redis_streamer__now(s),
			"redis=%s event=read-refused reason=\"%s\"", s->options.url->name, text);
		redis_streamer__tell_state(s);
	}
	s->read_refused = true;
}

/* All there was of it has come, at least up to where it ended when it was looked at. */
static void
catch_up(struct redis_streamer *s, struct redis_reading *r)
{
	struct redis_gap gap;

	redis_past_caught_up(&r->past);
	if (redis_cursor_caught_up(&r->cursor, &gap)) redis_streamer__past_gap(s, r, &gap);
}

static void
take_read(struct redis_streamer *s, enum redis_reply reply, struct eio_bytes text)
{
	s->phase = STREAMER_IDLE;
	if (reply == REDIS_REPLY_IS_ERROR) {
		take_read_refused(s, text);
		return;
	}
	s->read_refused = s->denied = false;
	redis_streamer__tell_state(s);
	for (size_t i = 0; i < s->readings.n; i++) {
		struct redis_reading *r = &s->readings.v[i];

		if (redis_readings_caught_up(&s->readings, r)) catch_up(s, r);
		if (r->past.state == REDIS_PAST_CHECKED) s->look_at_ms = 0;
	}
	s->unsaved |= s->readings.entries > 0;
	redis_readings_read_done(&s->readings);
	redis_streamer__tell_settled(s);
}

static void
take_save(struct redis_streamer *s, bool is_error, struct eio_bytes text)
{
	if (--s->saves == 0 && !s->reads) s->phase = STREAMER_IDLE;
	if (is_error)
		log_limited(LOG_LEVEL_WARN, &s->save_limit, redis_streamer__now(s),
			"redis=%s event=position-not-kept reason=\"%s\"", s->options.url->name, LOG_ESCAPE(text));
}

/* Without AUTH nothing will be allowed later; and an error to nothing that was asked is said before hanging up. */
static bool
streamer_reply(void *user, enum redis_reply reply, struct eio_bytes text)
{
	struct redis_streamer *s = streamer_of(user);
	bool is_error = reply == REDIS_REPLY_IS_ERROR;

	if (s->phase == STREAMER_IDLE || (is_error && eio_bytes_starts(text, EIO_LIT("NOAUTH")))) {
		if (is_error) redis_link_refuse(s->link, text);
		return false;
	}
	if (s->phase == STREAMER_LOOKS)
		redis_streamer__look_answer(s, reply, text);
	else if (s->phase == STREAMER_SEEKS)
		redis_streamer__seek_answer(s, reply, text);
	else if (s->saves)
		take_save(s, is_error, text);
	else
		take_read(s, reply, text);
	return true;
}

static void
streamer_info(void *user, const struct redis_stream_info *info)
{
	streamer_of(user)->info = *info;
}

static void
streamer_entry(void *user, const struct redis_entry *e)
{
	struct redis_streamer *s = streamer_of(user);
	struct redis_reading *r = s->phase == STREAMER_READS ? redis_readings_entry(&s->readings, e) : NULL;
	struct redis_gap gap;
	struct redis_id id;

	if (s->phase == STREAMER_SEEKS) redis_streamer__seek_entry(s, e);
	if (!r || !redis_id_parse(&id, e->id)) return;
	if (r->past.state == REDIS_PAST_READ && redis_past_entry(&r->past, id)) {
		s->options.past_entry(s->options.user, redis_streamer__number(s, r), e);
		return;
	}
	if (redis_cursor_entry(&r->cursor, id, &gap)) redis_streamer__past_gap(s, r, &gap);
	s->options.entry(s->options.user, redis_streamer__number(s, r), e);
}

/* Nobody asked for it. */
static void
streamer_message(void *user, const struct redis_message *m)
{
	(void)user;
	(void)m;
}

static size_t
streamer_greet(void *user, struct eio_buf *out)
{
	(void)user;
	(void)out;
	return 0;
}

static void
streamer_looked(void *user, size_t n)
{
	struct redis_streamer *s = streamer_of(user);

	(void)n;
	if (s->phase == STREAMER_IDLE && !uv_is_active((uv_handle_t *)&s->timer)) step(s);
}

/* What was true of the connection before is looked at. */
static void
streamer_ready(void *user)
{
	struct redis_streamer *s = streamer_of(user);

	s->backoff = (struct redis_backoff){ 0 };
	s->look_at_ms = 0;
	s->role = REDIS_SERVER_UNASKED;
	for (size_t i = 0; i < s->readings.n; i++) redis_cursor_connected(&s->readings.v[i].cursor);
	s->read_refused = s->denied = s->waits = s->position_refused = false;
	redis_streamer__look(s);
}

/* Whether the positions that were written have been kept, nobody knows. */
static void
streamer_lost(void *user)
{
	struct redis_streamer *s = streamer_of(user);

	uv_timer_stop(&s->timer);
	s->phase = STREAMER_IDLE;
	for (size_t i = 0; i < s->readings.n; i++) s->readings.v[i].saved[0] = '\0';
	redis_streamer__lose_pasts(s, "the connection was lost");
	redis_streamer__tell_state(s);
	redis_streamer__tell_settled(s);
}

static const struct redis_role streamer_role = {
	.name = "stream",
	.greet = streamer_greet,
	.message = streamer_message,
	.entry = streamer_entry,
	.info = streamer_info,
	.reply = streamer_reply,
	.looked = streamer_looked,
	.ready = streamer_ready,
	.lost = streamer_lost,
};

/* Opening and closing */

struct redis_streamer *
redis_streamer_open(uv_loop_t *loop, const struct redis_streamer_options *options)
{
	struct redis_streamer *s = calloc(1, sizeof *s);
	const struct redis_link_options link_options = {
		.url = options->url,
		.metrics = options->metrics,
		.max_string = options->message_bytes,
		.silent_ms = options->silent_ms,
		.dead_ms = options->dead_ms,
		.role = &streamer_role,
		.user = s,
	};

	if (!s) return NULL;
	s->magic = REDIS_STREAMER_MAGIC;
	s->options = *options;
	if (redis_readings_init(&s->readings, options->streams, options->n) < 0) goto fail_streamer;
	redis_streamer__want_past(s);
	s->link = redis_link_open(loop, &link_options);
	if (!s->link) goto fail_readings;
	uv_timer_init(loop, &s->timer); /* cannot fail */
	s->timer.data = s;
	return s;
fail_readings:
	redis_readings_deinit(&s->readings);
fail_streamer:
	free(s);
	return NULL;
}

const char *
redis_streamer_store(const struct redis_streamer *s, size_t stream, char out[REDIS_CURSOR_TEXT])
{
	const struct redis_cursor *c = &s->readings.v[stream].cursor;

	return c->begun ? redis_cursor_store(c, out) : NULL;
}

static void
on_streamer_timer_closed(uv_handle_t *h)
{
	struct redis_streamer *s = streamer_of(h->data);

	s->magic = 0;
	free(s);
}

void
redis_streamer_close(struct redis_streamer *s)
{
	redis_link_close(s->link);
	redis_readings_deinit(&s->readings);
	uv_close((uv_handle_t *)&s->timer, on_streamer_timer_closed);
}
