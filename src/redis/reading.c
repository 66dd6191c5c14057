/* SPDX-License-Identifier: MIT */
/* What is asked, and whose the answers are. */
#include "src/redis/reading.h"

#include "eio/check.h"
#include "src/redis/command.h"

#include <stdlib.h>
#include <string.h>

enum {
	COUNT_FIRST = 16, /* entries of a stream that are asked for before any has come, */
	COUNT_MAX = 1000, /* and at most */
	READ_BYTES = 1048576, /* which one answer should have: the server holds it all in memory */
};

static void
number_argument(struct eio_buf *b, uint64_t n)
{
	char text[24];
	size_t at = sizeof text;

	do text[--at] = (char)('0' + n % 10);
	while (n /= 10);
	redis_argument(b, eio_bytes(text + at, sizeof text - at));
}

int
redis_readings_init(struct redis_readings *rs, const struct redis_streamer_stream *streams, size_t n)
{
	*rs = (struct redis_readings){ .n = n, .at = n, .count = COUNT_FIRST };
	rs->v = calloc(n ? n : 1, sizeof *rs->v);
	if (!rs->v) return -1;
	for (size_t i = 0; i < n; i++) {
		struct redis_id id;

		rs->v[i].stream = &streams[i];
		if (streams[i].resume && redis_cursor_resume(&rs->v[i].cursor, eio_cstr(streams[i].resume))) continue;
		if (!streams[i].position && redis_id_parse(&id, eio_cstr(streams[i].from)))
			redis_cursor_begin(&rs->v[i].cursor, id);
	}
	return 0;
}

void
redis_readings_deinit(struct redis_readings *rs)
{
	free(rs->v);
}

/* The look */

static bool
needs_position(const struct redis_reading *r)
{
	return r->stream->position && !r->cursor.begun;
}

size_t
redis_readings_look(struct redis_readings *rs, struct eio_buf *out)
{
	size_t commands = rs->n;

	for (size_t i = 0; i < rs->n; i++) {
		const struct redis_reading *r = &rs->v[i];

		if (needs_position(r)) {
			redis_command(out, 3);
			redis_argument(out, EIO_LIT("HGET"));
			redis_argument(out, eio_cstr(r->stream->position));
			redis_argument(out, eio_cstr(r->stream->name));
			commands++;
		}
		redis_command(out, 3);
		redis_argument(out, EIO_LIT("XINFO"));
		redis_argument(out, EIO_LIT("STREAM"));
		redis_argument(out, eio_cstr(r->stream->name));
	}
	rs->at = 0;
	rs->position = rs->n && needs_position(&rs->v[0]);
	return commands;
}

struct redis_reading *
redis_readings_asked(struct redis_readings *rs)
{
	return rs->at < rs->n ? &rs->v[rs->at] : NULL;
}

bool
redis_readings_position(struct redis_readings *rs, const struct eio_bytes *text)
{
	struct redis_reading *r = redis_readings_asked(rs);
	struct redis_id id;
	bool good;

	CHECK(r && rs->position);
	rs->position = false;
	if (!text) return false;
	good = redis_cursor_resume(&r->cursor, *text);
	if (good)
		redis_cursor_store(&r->cursor, r->saved);
	else if (redis_id_parse(&id, eio_cstr(r->stream->from)))
		redis_cursor_begin(&r->cursor, id);
	memcpy(r->next, r->saved, sizeof r->next);
	return good || !text->n;
}

void
redis_readings_answered(struct redis_readings *rs, bool refused)
{
	struct redis_reading *r = redis_readings_asked(rs);

	CHECK(r && !rs->position);
	if (r->refused != refused) rs->refused += refused ? 1 : (size_t)-1;
	r->refused = refused;
	rs->at++;
	rs->position = rs->at < rs->n && needs_position(&rs->v[rs->at]);
}

/* Reading */

static struct redis_id
read_to(const struct redis_reading *r)
{
	return r->past.state == REDIS_PAST_READ ? r->past.at : r->cursor.at;
}

size_t
redis_readings_read(struct redis_readings *rs, struct eio_buf *out, unsigned block_ms)
{
	size_t n = 0;

	for (size_t i = 0; i < rs->n; i++) {
		struct redis_reading *r = &rs->v[i];

		r->in_read = !r->refused && r->cursor.begun;
		r->read = 0;
		n += r->in_read;
	}
	rs->entries = rs->bytes = rs->latest = 0;
	if (!n) return 0;
	redis_command(out, 6 + 2 * n);
	redis_argument(out, EIO_LIT("XREAD"));
	redis_argument(out, EIO_LIT("COUNT"));
	number_argument(out, rs->count);
	redis_argument(out, EIO_LIT("BLOCK"));
	number_argument(out, block_ms);
	redis_argument(out, EIO_LIT("STREAMS"));
	for (size_t i = 0; i < rs->n; i++)
		if (rs->v[i].in_read) redis_argument(out, eio_cstr(rs->v[i].stream->name));
	for (size_t i = 0; i < rs->n; i++) {
		char text[REDIS_ID_TEXT];

		if (rs->v[i].in_read) redis_argument(out, eio_cstr(redis_id_text(read_to(&rs->v[i]), text)));
	}
	return n;
}

static bool
is_of(const struct redis_reading *r, const struct redis_entry *e)
{
	return r->in_read && eio_bytes_eq(eio_cstr(r->stream->name), e->stream);
}

/* Entries come in runs, and the streams in the order in which they were asked for. */
struct redis_reading *
redis_readings_entry(struct redis_readings *rs, const struct redis_entry *e)
{
	size_t i = rs->latest;

	for (size_t k = 0; k < rs->n && !is_of(&rs->v[i], e); k++) i = (i + 1) % rs->n;
	if (!rs->n || !is_of(&rs->v[i], e)) return NULL;
	rs->latest = i;
	rs->entries++;
	rs->bytes += e->words.n + e->skipped;
	rs->v[i].read++;
	return &rs->v[i];
}

bool
redis_readings_caught_up(const struct redis_readings *rs, const struct redis_reading *r)
{
	return r->in_read && r->read < rs->count;
}

void
redis_readings_read_done(struct redis_readings *rs)
{
	size_t streams = 0;
	uint64_t fits;

	for (size_t i = 0; i < rs->n; i++) streams += rs->v[i].read > 0;
	if (!rs->entries) return;
	fits = READ_BYTES / (rs->bytes / rs->entries + 1) / streams;
	if (fits > 2 * (uint64_t)rs->count) fits = 2 * (uint64_t)rs->count;
	rs->count = fits < 1 ? 1 : fits > COUNT_MAX ? COUNT_MAX : (unsigned)fits;
}

bool
redis_readings_doubted(const struct redis_readings *rs)
{
	for (size_t i = 0; i < rs->n; i++)
		if (rs->v[i].cursor.doubted && !rs->v[i].refused) return true;
	return false;
}

static bool
reading_settled(const struct redis_reading *r)
{
	return !r->refused && r->cursor.begun && !r->cursor.checks && !r->cursor.doubted;
}

bool
redis_readings_settled(const struct redis_readings *rs)
{
	for (size_t i = 0; i < rs->n; i++) {
		const struct redis_reading *r = &rs->v[i];

		if (r->stream->resume && !reading_settled(r)) return false;
		if (r->past.state != REDIS_PAST_NONE) return false;
	}
	return true;
}

/* Positions */

size_t
redis_readings_save(struct redis_readings *rs, struct eio_buf *out, bool *more)
{
	size_t commands = 0;

	*more = false;
	for (size_t i = 0; i < rs->n; i++) {
		struct redis_reading *r = &rs->v[i];

		if (!r->stream->position || !r->cursor.begun) continue;
		if (strcmp(r->next, r->saved) != 0) {
			redis_command(out, 4);
			redis_argument(out, EIO_LIT("HSET"));
			redis_argument(out, eio_cstr(r->stream->position));
			redis_argument(out, eio_cstr(r->stream->name));
			redis_argument(out, eio_cstr(r->next));
			memcpy(r->saved, r->next, sizeof r->saved);
			commands++;
		}
		redis_cursor_store(&r->cursor, r->next);
		*more |= strcmp(r->next, r->saved) != 0;
	}
	return commands;
}
