/* SPDX-License-Identifier: MIT */
/* The cursor. */
#include "src/redis/cursor.h"

#include <inttypes.h>
#include <stdio.h>

/* Ids from here on are times, in milliseconds since 1970: of 1973. */
#define TIMES_MS UINT64_C(100000000000)

static const struct redis_id zero;

static bool
comes_behind(struct redis_id a, struct redis_id b)
{
	return redis_id_compare(a, b) > 0;
}

void
redis_cursor_begin(struct redis_cursor *c, struct redis_id id)
{
	*c = (struct redis_cursor){ .at = id, .good = id, .begun = true };
}

bool
redis_cursor_resume(struct redis_cursor *c, struct eio_bytes text)
{
	const char *blank = text.n ? memchr(text.p, ' ', text.n) : NULL;
	struct eio_bytes id_text = blank ? eio_bytes(text.p, (size_t)(blank - text.p)) : text;
	struct redis_id id, count = { .ms = 0 };

	/* The count is read as an id without a number behind it. */
	if (!redis_id_parse(&id, id_text)) return false;
	if (blank && !redis_id_parse(&count, eio_bytes(blank + 1, text.n - id_text.n - 1))) return false;
	redis_cursor_begin(c, id);
	c->real = comes_behind(id, zero);
	c->counted = blank != NULL;
	c->count = count.ms;
	return true;
}

const char *
redis_cursor_store(const struct redis_cursor *c, char out[REDIS_CURSOR_TEXT])
{
	char id[REDIS_ID_TEXT];

	redis_id_text(c->at, id);
	if (c->counted)
		snprintf(out, REDIS_CURSOR_TEXT, "%s %" PRIu64, id, c->count);
	else
		snprintf(out, REDIS_CURSOR_TEXT, "%s", id);
	return out;
}

/* From now on it is another stream, or that one as it was before, which is read on from an id. */
static bool
begin_anew(struct redis_cursor *c, struct redis_id at, struct redis_gap *gap)
{
	*gap = (struct redis_gap){ .from = c->at, .to = at, .anew = true };
	c->at = c->good = at;
	c->real = c->counted = c->checks = false;
	return true;
}

static bool
note_missing(struct redis_cursor *c, struct redis_id to, uint64_t missed, struct redis_gap *gap)
{
	*gap = (struct redis_gap){ .from = c->good, .to = to, .missed = missed };
	c->good = to;
	return true;
}

/* `upto` has been reached. */
static bool
settle_cursor(struct redis_cursor *c, struct redis_gap *gap)
{
	bool missing = c->counts && c->counted && c->added > c->count;
	uint64_t missed = c->added - c->count;

	c->checks = false;
	if (comes_behind(c->upto, c->at)) {
		c->at = c->upto;
		c->real = true;
	}
	c->counted = c->counts;
	c->count = c->added;
	if (missing) {
		bool deleted = comes_behind(c->deleted, c->good) && !comes_behind(c->deleted, c->upto);

		note_missing(c, deleted ? c->deleted : c->upto, missed, gap);
	}
	if (comes_behind(c->upto, c->good)) c->good = c->upto;
	return missing;
}

/* There is no such stream. If one comes, all of it is new. */
static bool
look_at_nothing(struct redis_cursor *c, struct redis_gap *gap)
{
	bool was = c->real;

	c->checks = false;
	c->first = zero;
	if (was) begin_anew(c, zero, gap);
	c->begun = true;
	c->counted = redis_id_compare(c->at, zero) == 0;
	c->count = 0;
	return was;
}

/* The stream says how many entries there were in front of those that are there. */
static void
count_from(struct redis_cursor *c, const struct redis_stream_info *info)
{
	c->counted = info->counts && info->added >= info->length;
	c->count = c->counted ? info->added - info->length : 0;
}

static void
begin_now(struct redis_cursor *c, const struct redis_stream_info *info)
{
	redis_cursor_begin(c, info->last);
	c->real = comes_behind(c->at, zero);
	c->counted = info->counts;
	c->count = info->added;
}

/*
 * The last id is before what was read. Either the stream is as it was before: a replica that had not all of it is the
 * master now, or a backup was loaded; then what is there was read. Or it is another one, of which nothing was. The
 * former begins where it began, or later. Where that is not known, because we have only just begun ourselves, ids that
 * are times tell: those of another one would be later.
 */
static bool
is_as_before(const struct redis_cursor *c, const struct redis_stream_info *info)
{
	if (comes_behind(c->first, zero)) return !comes_behind(c->first, info->last);
	return info->last.ms >= TIMES_MS;
}

/* What was added while it was doubted has not been read. */
static bool
look_back(struct redis_cursor *c, const struct redis_stream_info *info, struct redis_gap *gap)
{
	bool same = is_as_before(c, info);

	begin_anew(c, same ? c->least : zero, gap);
	if (!same)
		count_from(c, info);
	else if (redis_id_compare(c->least, info->last) == 0)
		begin_now(c, info);
	else
		c->real = comes_behind(c->at, zero);
	return true;
}

/* Where the server does not count, or what it counted when `at` was read is not known. */
static bool
look_for_holes(struct redis_cursor *c, const struct redis_stream_info *info, struct redis_gap *gap)
{
	struct redis_id to;

	if (!c->real) return false;
	if (info->counts)
		to = info->deleted;
	else
		to = info->length ? info->first : info->last;
	if (!comes_behind(to, c->at) || !comes_behind(to, c->good)) return false;
	return note_missing(c, to, 0, gap);
}

static bool
look_at_stream(struct redis_cursor *c, const struct redis_stream_info *info, struct redis_gap *gap)
{
	if (!c->begun) {
		begin_now(c, info);
		return false;
	}
	if (!c->real && redis_id_compare(c->at, zero) == 0 && !c->counted) count_from(c, info);
	if (comes_behind(c->at, info->last)) return c->real && look_back(c, info, gap);
	c->real = comes_behind(c->at, zero);
	/* The same with ids that went on, as they do when Redis makes them of the time: none of it was read. */
	if (info->counts && c->counted && info->added < c->count) return begin_anew(c, c->at, gap);
	return c->counted ? false : look_for_holes(c, info, gap);
}

static void
begin_doubt(struct redis_cursor *c, struct redis_id last, uint64_t now_ms)
{
	if (!c->doubted || comes_behind(c->least, last)) c->least = last;
	c->doubted = true;
	c->last = last;
	c->doubted_ms = c->moved_ms = now_ms;
}

/* Nobody is behind what he had. */
static bool
is_believed(const struct redis_cursor *c, const struct redis_look *look)
{
	bool replica = look->role == REDIS_SERVER_REPLICA;
	uint64_t unmoved = look->now_ms - c->moved_ms, all = look->now_ms - c->doubted_ms;

	if (c->here || look->role == REDIS_SERVER_MASTER) return true;
	return unmoved >= (replica ? REDIS_REPLICA_BEHIND_MS : REDIS_BEHIND_MS) ||
	       all >= (replica ? REDIS_REPLICA_BEHIND_MOST_MS : REDIS_BEHIND_MOST_MS);
}

/* Whether it ends before what was read, and that is not believed. */
static bool
doubt_look(struct redis_cursor *c, const struct redis_look *look)
{
	struct redis_id last = look->info ? look->info->last : zero;
	bool first = !c->looked;

	c->looked = true;
	if (!c->real || !comes_behind(c->at, last)) {
		c->doubted = false;
		c->here |= c->real;
		return false;
	}
	if (!c->doubted || first) begin_doubt(c, last, look->now_ms);
	if (comes_behind(last, c->last)) c->moved_ms = look->now_ms;
	if (comes_behind(c->least, last)) c->least = last;
	c->last = last;
	c->doubted = !is_believed(c, look);
	if (c->doubted) c->checks = false;
	return c->doubted;
}

void
redis_cursor_connected(struct redis_cursor *c)
{
	c->looked = c->here = false;
}

bool
redis_cursor_looked(struct redis_cursor *c, const struct redis_look *look, struct redis_gap *gap)
{
	const struct redis_stream_info *info = look->info;
	bool missing;

	if (doubt_look(c, look)) return false;
	if (!info) return look_at_nothing(c, gap);
	if (!info->counts) c->counted = false;
	missing = look_at_stream(c, info, gap);
	c->looked = true;
	c->here = c->real;
	c->first = info->length ? info->first : info->last;
	c->counts = info->counts;
	c->upto = info->last;
	c->added = info->added;
	c->deleted = info->deleted;
	c->checks = !comes_behind(c->at, c->upto); /* else it begins with what is to come */
	/* Nothing can be told twice: what was just told leaves nothing to be counted. */
	if (c->checks && !comes_behind(c->upto, c->at)) missing |= settle_cursor(c, gap);
	return missing;
}

bool
redis_cursor_entry(struct redis_cursor *c, struct redis_id id, struct redis_gap *gap)
{
	bool missing = c->checks && comes_behind(id, c->upto) && settle_cursor(c, gap);

	c->at = id;
	c->real = c->here = true;
	c->count++;
	if (c->checks && redis_id_compare(id, c->upto) == 0) missing = settle_cursor(c, gap);
	return missing;
}

bool
redis_cursor_caught_up(struct redis_cursor *c, struct redis_gap *gap)
{
	return c->checks && settle_cursor(c, gap);
}
