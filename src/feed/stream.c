/* SPDX-License-Identifier: MIT */
/* Batching: see the header for the picture. */
#include "src/feed/stream.h"

#include "eio/utf8.h"
#include "sio/json.h"

#include <stdlib.h>

enum {
	FRAME_HEADER = 4,
	/* Idle streams are looked at this often, not each at its own moment. */
	SWEEP_MS = 1000,
};

static const struct {
	const char *name, *text;
} reasons[BATCH_RESULT_COUNT] = { [BATCH_OK] = { "", "" },
#define X(field, metric, sentence) [BATCH_##field] = { metric, sentence },
	BATCH_REASONS(X)
#undef X
};

const char *
batch_reason_name(enum batch_result r)
{
	return reasons[r].name;
}

const char *
batch_reason_text(enum batch_result r)
{
	return reasons[r].text;
}

int
batch_set_init(struct batch_set *s, const struct feed_spec *feed, const uint64_t key[2], batch_flush_fn flush,
	batch_release_fn release, void *user)
{
	*s = (struct batch_set){ .feed = feed,
		.flush = flush,
		.release = release,
		.user = user,
		/* The feed's number goes into the key, so that streams of two feeds have different hashes. */
		.key = { key[0], key[1] ^ feed->index } };
	eio_list_init(&s->filling);
	eio_list_init(&s->idle);
	eio_list_init(&s->cold);
	return eio_hash_init(&s->streams);
}

static void
free_stream(struct batch_set *s, struct batch *b)
{
	s->release(s->user, b);
	if (s->latest == b) s->latest = NULL;
	eio_list_remove(&b->link);
	eio_hash_remove(&s->streams, &b->node);
	eio_buf_deinit(&b->body);
	free(b);
}

void
batch_set_deinit(struct batch_set *s)
{
	struct eio_hash_node *n;

	while ((n = eio_hash_any(&s->streams))) free_stream(s, EIO_CONTAINER(n, struct batch, node));
	eio_hash_deinit(&s->streams);
}

static struct batch *
new_stream(struct batch_set *s, uint64_t hash, struct eio_bytes event, const struct eio_bytes *room, uint64_t now_ms)
{
	size_t room_n = room ? room->n : 0;
	struct batch *b = malloc(sizeof *b + event.n + room_n);

	if (!b) return NULL;
	*b = (struct batch){ .since_ms = now_ms, .hash = hash, .everyone = room == NULL };
	if (event.n) memcpy(b->data, event.p, event.n);
	if (room_n) memcpy(b->data + event.n, room->p, room_n);
	b->event = eio_bytes(b->data, event.n);
	b->room = eio_bytes(b->data + event.n, room_n);
	eio_hash_add(&s->streams, &b->node, hash);
	eio_list_add_tail(&s->idle, &b->link);
	return b;
}

static inline bool
is_stream(const struct batch *b, struct eio_bytes event, const struct eio_bytes *room)
{
	return b->everyone == (room == NULL) && eio_bytes_eq(b->event, event) &&
	       (!room || eio_bytes_eq(b->room, *room));
}

struct batch *
batch_set_get(struct batch_set *s, struct eio_bytes event, const struct eio_bytes *room, uint64_t now_ms, bool *made)
{
	uint64_t hash;

	*made = false;
	if (s->latest && is_stream(s->latest, event, room)) return s->latest;
	hash = eio_hash_bytes(s->key, event);
	if (room) {
		uint64_t key[2] = { hash, s->key[1] };

		hash = eio_hash_bytes(key, *room);
	}
	for (struct eio_hash_node *n = eio_hash_find(&s->streams, hash); n; n = eio_hash_next(n)) {
		struct batch *b = EIO_CONTAINER(n, struct batch, node);

		if (!is_stream(b, event, room)) continue;
		s->latest = b;
		return b;
	}
	*made = true;
	return new_stream(s, hash, event, room, now_ms);
}

/* Whether messages go out one by one without a format around them. */
static bool
is_whole(const struct feed_spec *f)
{
	return f->interval_ms == 0 && f->encode != FEED_ENCODE_BINARY;
}

static enum batch_result
check_json(struct eio_bytes m, bool known_json)
{
	if (known_json || sio_json_check(m) == 0) return BATCH_OK;
	return eio_utf8_valid(m) ? BATCH_JSON : BATCH_UTF8;
}

/* Whether the message can stand in the feed's format. The bytes themselves are never changed. */
static enum batch_result
check(const struct feed_spec *f, struct eio_bytes m, bool known_json)
{
	bool whole = is_whole(f);

	if (f->encode == FEED_ENCODE_JSON || (f->format == FEED_FORMAT_ARRAY && !whole))
		return check_json(m, known_json);
	if (f->encode == FEED_ENCODE_TEXT && !known_json && !eio_utf8_valid(m)) return BATCH_UTF8;
	if (whole) return BATCH_OK;
	if (f->format == FEED_FORMAT_FRAMES) return m.n > BATCH_FRAME_MAX ? BATCH_SIZE : BATCH_OK;
	if (m.n && (m.p[0] == '\0' || memchr(m.p, '\n', m.n))) return BATCH_LINE;
	return BATCH_OK;
}

/* How long the body gets with n more bytes of message, its end included. */
static size_t
size_with(const struct feed_spec *f, const struct batch *b, size_t n)
{
	switch (f->format) {
	case FEED_FORMAT_ARRAY: return b->body.n + n + 2; /* '[' or ',' before it, ']' after it */
	case FEED_FORMAT_LINES: return b->body.n + n + 1;
	case FEED_FORMAT_FRAMES: return b->body.n + FRAME_HEADER + n;
	}
	return 0;
}

/* Writes the message into the room made for it. */
static void
put(const struct feed_spec *f, struct batch *b, struct eio_bytes m)
{
	char *start = b->body.p + b->body.n, *p = start;

	if (f->format == FEED_FORMAT_ARRAY) *p++ = b->count ? ',' : '[';
	if (f->format == FEED_FORMAT_FRAMES) {
		*p++ = (char)(m.n >> 24);
		*p++ = (char)(m.n >> 16);
		*p++ = (char)(m.n >> 8);
		*p++ = (char)m.n;
	}
	if (m.n) memcpy(p, m.p, m.n);
	p += m.n;
	if (f->format == FEED_FORMAT_LINES) *p++ = '\n';
	b->body.n += (size_t)(p - start);
	b->count++;
}

static void
rest(struct batch_set *s, struct batch *b, uint64_t now_ms)
{
	eio_list_remove(&b->link);
	eio_list_add_tail(&s->idle, &b->link);
	b->since_ms = now_ms;
}

static void
flush(struct batch_set *s, struct batch *b, uint64_t now_ms)
{
	/* batch_set_append() keeps room for this byte. */
	if (s->feed->format == FEED_FORMAT_ARRAY) b->body.p[b->body.n++] = ']';
	s->flush(s->user, b, eio_buf_bytes(&b->body), b->count, false);
	eio_buf_clear(&b->body);
	b->count = 0;
	rest(s, b, now_ms);
}

static void
begin(struct batch_set *s, struct batch *b, uint64_t now_ms)
{
	eio_list_remove(&b->link);
	eio_list_add_tail(&s->filling, &b->link);
	b->since_ms = now_ms;
}

enum batch_result
batch_set_append(struct batch_set *s, struct batch *b, struct eio_bytes message, bool known_json, uint64_t now_ms)
{
	const struct feed_spec *f = s->feed;
	enum batch_result r = check(f, message, known_json);

	if (r != BATCH_OK) return r;
	if (is_whole(f)) {
		rest(s, b, now_ms);
		s->flush(s->user, b, message, 1, true);
		return BATCH_OK;
	}
	if (b->count && size_with(f, b, message.n) > f->max_bytes) flush(s, b, now_ms);
	if (b->body.cap - b->body.n < message.n + FRAME_HEADER + 1 &&
		!eio_buf_reserve(&b->body, message.n + FRAME_HEADER + 1)) {
		b->body.failed = false;
		return BATCH_MEMORY;
	}
	if (b->count == 0) begin(s, b, now_ms);
	put(f, b, message);
	if (f->interval_ms == 0 || b->count >= f->max_messages || size_with(f, b, 0) > f->max_bytes)
		flush(s, b, now_ms);
	return BATCH_OK;
}

void
batch_set_touch(struct batch_set *s, struct batch *b, uint64_t now_ms)
{
	if (b->count == 0) rest(s, b, now_ms);
}

static struct batch *
first(const struct eio_list *l)
{
	return eio_list_empty(l) ? NULL : EIO_CONTAINER(l->next, struct batch, link);
}

static uint64_t
round_up(uint64_t t)
{
	return (t + SWEEP_MS - 1) / SWEEP_MS * SWEEP_MS;
}

uint64_t
batch_set_deadline(const struct batch_set *s)
{
	const struct batch *b;
	uint64_t at = UINT64_MAX, t;

	if ((b = first(&s->filling))) at = b->since_ms + s->feed->interval_ms;
	if ((b = first(&s->idle)) && (t = round_up(b->since_ms + BATCH_WARM_MS)) < at) at = t;
	if ((b = first(&s->cold)) && (t = round_up(b->since_ms + BATCH_COLD_MS)) < at) at = t;
	return at;
}

void
batch_set_tick(struct batch_set *s, uint64_t now_ms)
{
	struct batch *b;

	while ((b = first(&s->filling)) && now_ms >= b->since_ms + s->feed->interval_ms) flush(s, b, now_ms);
	while ((b = first(&s->idle)) && now_ms >= b->since_ms + BATCH_WARM_MS) {
		eio_buf_deinit(&b->body);
		eio_list_remove(&b->link);
		eio_list_add_tail(&s->cold, &b->link);
	}
	while ((b = first(&s->cold)) && now_ms >= b->since_ms + BATCH_COLD_MS) free_stream(s, b);
}
