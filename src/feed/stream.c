/* SPDX-License-Identifier: MIT */
/* Batching: see the header for the picture. */
#include "src/feed/stream.h"

#include "src/feed/ledger.h"

#include "eio/check.h"
#include "src/feed/format.h"

#include <stdlib.h>

enum {
	ROOM_COST = 192, /* of an interest, when this stream alone asks for it, beside the name */
	/* Idle streams are looked at this often, not each at its own moment; and so many of them in one turn. */
	SWEEP_MS = 1000,
	SWEEP_STREAMS = 256,
	FLUSH_LOOKS = 256, /* more than one portion of what is read from Redis begins */
};

int
feed_streams_init(struct feed_streams *s, const struct feed_spec *feed, const uint64_t hash_key[2], feed_flush_fn flush,
	feed_release_fn release, void *user)
{
	*s = (struct feed_streams){
		.feed = feed,
		.flush = flush,
		.release = release,
		.user = user,
		.hash_key = { hash_key[0], hash_key[1] },
	};
	s->tick = &s->own_tick;
	eio_list_init(&s->filling);
	eio_list_init(&s->idle);
	eio_list_init(&s->cold);
	if (feed->format == FEED_FORMAT_COLUMNS && !(s->columns = columns_new())) return -1;
	if (eio_hash_init(&s->all) == 0) return 0;
	columns_free(s->columns);
	return -1;
}

void
feed_streams_share_tick(struct feed_streams *s, struct feed_streams *other)
{
	CHECK(s->feed->interval_ms == other->feed->interval_ms);
	if (*other->tick < *s->tick) *other->tick = *s->tick;
	s->tick = other->tick;
}

void
feed_streams_own_tick(struct feed_streams *s)
{
	s->own_tick = *s->tick;
	s->tick = &s->own_tick;
}

void
feed_streams_change(struct feed_streams *s, const struct feed_spec *feed)
{
	CHECK(feed->format == s->feed->format);
	if (feed->interval_ms != s->feed->interval_ms) s->own_tick = 0;
	s->feed = feed;
}

static void
free_stream(struct feed_streams *s, struct feed_stream *stream)
{
	s->release(s->user, stream);
	s->cost -= stream->cost;
	if (s->latest == stream) s->latest = NULL;
	eio_list_remove(&stream->link);
	eio_hash_remove(&s->all, &stream->node);
	eio_buf_deinit(&stream->body);
	eio_buf_deinit(&stream->marks);
	free(stream);
}

void
feed_streams_deinit(struct feed_streams *s)
{
	EIO_HASH_FOREACH_SAFE(n, next, &s->all)
	{
		free_stream(s, EIO_CONTAINER(n, struct feed_stream, node));
	}
	eio_hash_deinit(&s->all);
	columns_free(s->columns);
}

static struct feed_stream *
first_stream(const struct eio_list *l)
{
	return eio_list_empty(l) ? NULL : EIO_CONTAINER(l->next, struct feed_stream, link);
}

/* Makes room for one that takes so many bytes, at the cost of those that had nothing to do for the longest time. */
static void
bound_streams(struct feed_streams *s, size_t more)
{
	struct feed_stream *first;

	while (s->cost + more > FEED_STREAMS_BYTES) {
		first = first_stream(&s->cold);
		if (!first) first = first_stream(&s->idle);
		if (!first) return;
		free_stream(s, first);
	}
}

/* What a stream is looked for by. */
struct stream_key {
	uint64_t hash;
	struct eio_bytes event;
	struct sio_room_key target;
	bool wide;
	size_t rooms;
};

static struct feed_stream *
new_stream(struct feed_streams *s, const struct stream_key *key, uint64_t now_ms)
{
	size_t names = key->event.n + sio_room_key_size(key->target);
	size_t cost = sizeof(struct feed_stream) + 2 * names + key->rooms * ROOM_COST;
	struct feed_stream *stream;

	bound_streams(s, cost);
	stream = malloc(sizeof *stream + names);
	if (!stream) return NULL;
	*stream = (struct feed_stream){ .at_ms = now_ms, .hash = key->hash, .cost = cost, .wide = key->wide };
	if (key->event.n) memcpy(stream->data, key->event.p, key->event.n);
	stream->event = eio_bytes(stream->data, key->event.n);
	stream->target = sio_room_key_copy(key->target, stream->data + key->event.n);
	eio_hash_add(&s->all, &stream->node, key->hash);
	eio_list_add_tail(&s->idle, &stream->link);
	s->cost += cost;
	return stream;
}

static inline bool
is_stream(const struct feed_stream *stream, const struct stream_key *key)
{
	return eio_bytes_eq(stream->event, key->event) && stream->wide == key->wide &&
	       sio_room_key_eq(stream->target, key->target);
}

/* Where the namespace is the same for all streams of a feed it does not count. */
static uint64_t
stream_hash(const struct feed_streams *s, const struct stream_key *key)
{
	uint64_t k[2] = { eio_hash_bytes(s->hash_key, key->event) ^ key->wide, s->hash_key[1] };

	if (!s->feed->nsp) k[0] ^= eio_hash_bytes(s->hash_key, key->target.nsp) << 1;
	return key->target.everyone ? k[0] : eio_hash_bytes(k, key->target.name);
}

uint64_t
feed_streams_hash(const struct feed_streams *s, struct eio_bytes event, struct sio_room_key target, bool wide)
{
	return stream_hash(s, &(struct stream_key){ .event = event, .target = target, .wide = wide });
}

static struct feed_stream *
find_or_make_stream(struct feed_streams *s, struct stream_key *key, uint64_t now_ms, bool *made)
{
	*made = false;
	if (s->latest && is_stream(s->latest, key)) return s->latest;
	key->hash = stream_hash(s, key);
	for (struct eio_hash_node *n = eio_hash_find(&s->all, key->hash); n; n = eio_hash_next(n)) {
		struct feed_stream *stream = EIO_CONTAINER(n, struct feed_stream, node);

		if (!is_stream(stream, key)) continue;
		s->latest = stream;
		return stream;
	}
	*made = true;
	return new_stream(s, key, now_ms);
}

struct feed_stream *
feed_streams_get(
	struct feed_streams *s, struct eio_bytes event, struct sio_room_key target, uint64_t now_ms, bool *made)
{
	struct stream_key key = { .event = event, .target = target, .rooms = 1 };

	return find_or_make_stream(s, &key, now_ms, made);
}

struct feed_stream *
feed_streams_get_wide(struct feed_streams *s, struct eio_bytes event, struct sio_room_key target, size_t rooms,
	uint64_t now_ms, bool *made)
{
	struct stream_key key = { .event = event, .target = target, .wide = true, .rooms = rooms };

	return find_or_make_stream(s, &key, now_ms, made);
}

bool
feed_stream_is_wanted(const struct feed_stream *stream)
{
	struct interest *const *rooms;
	size_t n = feed_stream_rooms(stream, &rooms);

	return ledger_wanted(rooms, n);
}

static enum feed_fate
fate_by_json(struct message *m)
{
	if (message_is_json(m)) return FEED_FATE_TAKEN;
	return message_is_utf8(m) ? FEED_FATE_JSON : FEED_FATE_UTF8;
}

/* Whether the message can stand in the feed's format. The bytes themselves are never changed. */
static enum feed_fate
fate_by_format(const struct feed_spec *f, struct message *m)
{
	bool bare = feed_is_bare(f);
	struct eio_bytes bytes = m->payload;

	if (f->encode == FEED_ENCODE_JSON || (feed_format_is_list(f->format) && !bare)) return fate_by_json(m);
	if (f->encode == FEED_ENCODE_TEXT && !message_is_utf8(m)) return FEED_FATE_UTF8;
	if (bare) return FEED_FATE_TAKEN;
	if (f->format == FEED_FORMAT_FRAMES) return bytes.n > FEED_FRAME_MAX ? FEED_FATE_SIZE : FEED_FATE_TAKEN;
	if (bytes.n && (bytes.p[0] == '\0' || memchr(bytes.p, '\n', bytes.n))) return FEED_FATE_LINE;
	return FEED_FATE_TAKEN;
}

enum feed_fate
feed_streams_fate(const struct feed_streams *s, struct message *m)
{
	return fate_by_format(s->feed, m);
}

/* How long the body gets with n more bytes of message, its end included. */
static size_t
size_with(const struct feed_spec *f, const struct feed_stream *stream, size_t n)
{
	switch (f->format) {
	case FEED_FORMAT_COLUMNS:
	case FEED_FORMAT_ARRAY: return stream->body.n + n + 2; /* '[' or ',' before it, ']' after it */
	case FEED_FORMAT_LINES: return stream->body.n + n + 1;
	case FEED_FORMAT_FRAMES: return stream->body.n + FEED_FRAME_HEADER + n;
	}
	return 0;
}

static void
move_stream(struct feed_stream *stream, struct eio_list *to, uint64_t at_ms)
{
	eio_list_remove(&stream->link);
	eio_list_add_tail(to, &stream->link);
	stream->at_ms = at_ms;
}

/* What goes out of a batch that is complete. */
static struct feed_content
content_of(struct feed_streams *s, const struct feed_stream *stream)
{
	struct feed_content c = { .body = eio_buf_bytes(&stream->body),
		.marks = (const void *)stream->marks.p,
		.n_marks = stream->marks.n / sizeof(struct feed_mark) };
	struct eio_bytes batch;

	if (!s->columns || !columns_encode(s->columns, c.body, &batch)) return c;
	c.array = c.body;
	c.body = batch;
	return c;
}

static void
flush_stream(struct feed_streams *s, struct feed_stream *stream, uint64_t now_ms)
{
	enum feed_format format = s->feed->format;
	struct feed_content content;

	/* feed_streams_append() keeps room for this byte. */
	if (feed_format_is_list(format)) stream->body.p[stream->body.n++] = ']';
	if (stream->retained)
		retained_settle(stream->retained, eio_buf_bytes(&stream->body), feed_format_before(format),
			feed_format_after(format), now_ms);
	content = content_of(s, stream);
	s->flush(s->user, stream, &content, stream->count, now_ms);
	eio_buf_clear(&stream->body);
	eio_buf_clear(&stream->marks);
	stream->count = 0;
	move_stream(stream, &s->idle, now_ms);
}

/* A message that makes a batch of its own goes out as it is, the format around it. */
static enum feed_fate
flush_alone(struct feed_streams *s, struct feed_stream *stream, const struct message *m)
{
	const struct feed_mark mark = { feed_format_is_list(s->feed->format), m->key };
	struct feed_content content = { .body = m->payload, .marks = &mark, .n_marks = s->feed->latest_per != NULL };
	char header[FEED_FRAME_HEADER];

	if (stream->retained) {
		if (!retained_note(stream->retained, m->note, m->payload.n)) return FEED_FATE_MEMORY;
		retained_settle(stream->retained, m->payload, 0, 0, m->now_ms);
	}
	if (!feed_is_bare(s->feed)) {
		switch (s->feed->format) {
		case FEED_FORMAT_COLUMNS:
		case FEED_FORMAT_ARRAY:
			content.before = EIO_LIT("[");
			content.after = EIO_LIT("]");
			break;
		case FEED_FORMAT_LINES: content.after = EIO_LIT("\n"); break;
		case FEED_FORMAT_FRAMES:
			feed_format_frame(header, m->payload.n);
			content.before = eio_bytes(header, sizeof header);
			break;
		}
	}
	move_stream(stream, &s->idle, m->now_ms);
	s->flush(s->user, stream, &content, 1, m->now_ms);
	return FEED_FATE_TAKEN;
}

/* Whether a batch is complete with one message of n bytes. */
static bool
fills_batch(const struct feed_streams *s, size_t n)
{
	const struct feed_spec *f = s->feed;

	return f->interval_ms == 0 || f->max_messages <= 1 || (n > f->max_bytes && !s->gathers);
}

/* When a batch that begins now is due: with those that have begun already. */
static uint64_t
next_tick(struct feed_streams *s, uint64_t now_ms)
{
	if (*s->tick <= now_ms) *s->tick = now_ms + s->feed->interval_ms;
	return *s->tick;
}

static void
end_batch(struct feed_streams *s, struct feed_stream *stream, uint64_t now_ms)
{
	if (s->gathers)
		s->full = true;
	else
		flush_stream(s, stream, now_ms);
}

enum feed_fate
feed_streams_append(struct feed_streams *s, struct feed_stream *stream, struct message *m)
{
	const struct feed_spec *f = s->feed;
	enum feed_fate fate = fate_by_format(f, m);
	struct eio_bytes bytes = m->payload;
	struct eio_buf *body = &stream->body;
	size_t room = bytes.n + FEED_FRAME_HEADER + 1;

	if (fate != FEED_FATE_TAKEN) return fate;
	if (stream->count && !s->gathers && size_with(f, stream, bytes.n) > f->max_bytes)
		flush_stream(s, stream, m->now_ms);
	if (stream->count == 0 && fills_batch(s, bytes.n)) return flush_alone(s, stream, m);
	if (body->cap - body->n < room && !eio_buf_reserve(body, room)) {
		body->failed = false;
		return FEED_FATE_MEMORY;
	}
	if (f->latest_per && !feed_marks_add(&stream->marks, body->n + feed_format_is_list(f->format), m->key))
		return FEED_FATE_MEMORY;
	if (stream->retained && !retained_note(stream->retained, m->note, bytes.n)) {
		if (f->latest_per) stream->marks.n -= sizeof(struct feed_mark);
		return FEED_FATE_MEMORY;
	}
	if (stream->count == 0) move_stream(stream, &s->filling, next_tick(s, m->now_ms));
	feed_format_put(f->format, body, stream->count++, bytes);
	if (f->interval_ms == 0 || stream->count >= f->max_messages || size_with(f, stream, 0) > f->max_bytes)
		end_batch(s, stream, m->now_ms);
	return FEED_FATE_TAKEN;
}

void
feed_streams_touch(struct feed_streams *s, struct feed_stream *stream, uint64_t now_ms)
{
	if (stream->count == 0) move_stream(stream, &s->idle, now_ms);
}

static uint64_t
next_sweep(uint64_t t)
{
	return (t + SWEEP_MS - 1) / SWEEP_MS * SWEEP_MS;
}

uint64_t
feed_streams_deadline(const struct feed_streams *s)
{
	const struct feed_stream *first;
	uint64_t at = UINT64_MAX, t;

	if ((first = first_stream(&s->filling))) at = first->at_ms;
	if ((first = first_stream(&s->idle)) && (t = next_sweep(first->at_ms + FEED_STREAM_WARM_MS)) < at) at = t;
	if ((first = first_stream(&s->cold)) && (t = next_sweep(first->at_ms + FEED_STREAM_COLD_MS)) < at) at = t;
	return at;
}

void
feed_streams_flush(struct feed_streams *s, uint64_t now_ms)
{
	struct feed_stream *first;

	while ((first = first_stream(&s->filling))) flush_stream(s, first, now_ms);
}

void
feed_streams_flush_one(struct feed_streams *s, struct feed_stream *stream, uint64_t now_ms)
{
	CHECK(stream->count);
	flush_stream(s, stream, now_ms);
}

void
feed_streams_flush_some(struct feed_streams *s, unsigned messages, uint64_t now_ms)
{
	struct eio_list *l = s->filling.prev, *before;

	CHECK(!s->gathers);
	for (int n = FLUSH_LOOKS; n && l != &s->filling; n--, l = before) {
		struct feed_stream *stream = EIO_CONTAINER(l, struct feed_stream, link);

		before = l->prev;
		if (stream->count >= messages || !feed_stream_is_heard(stream)) flush_stream(s, stream, now_ms);
	}
}

void
feed_streams_tick(struct feed_streams *s, uint64_t now_ms)
{
	struct feed_stream *first;
	int n = SWEEP_STREAMS;

	while ((first = first_stream(&s->filling)) && now_ms >= first->at_ms) flush_stream(s, first, now_ms);
	for (; n && (first = first_stream(&s->idle)) && now_ms >= first->at_ms + FEED_STREAM_WARM_MS; n--) {
		eio_buf_deinit(&first->body);
		eio_buf_deinit(&first->marks);
		move_stream(first, &s->cold, first->at_ms);
	}
	for (; n && (first = first_stream(&s->cold)) && now_ms >= first->at_ms + FEED_STREAM_COLD_MS; n--)
		free_stream(s, first);
}
