/* SPDX-License-Identifier: MIT */
/* Messages as they came, and what of them has left. */
#include "src/feed/journal.h"

#include "eio/check.h"

#include <stdlib.h>

/* The same everywhere. */
static const uint64_t order_key[2] = { UINT64_C(0x73696f6361737430), UINT64_C(0x6f72646572303031) };

/* The class of a feed, made when it is the first of it. False when there are too many. */
static bool
find_class(struct journal *j, const struct feed_spec *f, unsigned *class)
{
	unsigned interval = f->max_messages <= 1 ? 0 : f->interval_ms;

	for (*class = 0; *class < j->n_classes; ++*class)
		if (j->classes[*class].interval_ms == interval) return true;
	if (j->n_classes == STANDING_CLASSES) return false;
	j->classes[j->n_classes++].interval_ms = interval;
	return true;
}

static bool
find_classes(struct journal *j, const struct feed_specs *specs)
{
	j->class_of = calloc(specs->n + 1, sizeof *j->class_of);
	if (!j->class_of) return false;
	for (size_t i = 0; i < specs->n; i++)
		if (!find_class(j, &specs->v[i], &j->class_of[i])) return false;
	return true;
}

/* The configuration of all feeds, and what they are fed by. */
static uint64_t
shape_of(const struct feed_specs *specs, const bool *hashed, unsigned n_tracks)
{
	uint64_t shape = eio_hash_bytes(order_key, eio_bytes((const char *)hashed, n_tracks * sizeof *hashed));

	for (size_t i = 0; i < specs->n; i++) {
		const struct feed_spec *f = &specs->v[i];
		const uint64_t parts[] = { shape, f->print, f->interval_ms, f->max_messages };
		const uint64_t key[2] = { eio_hash_bytes(order_key, eio_bytes((const char *)parts, sizeof parts)), i };

		shape = eio_hash_bytes(key, eio_cstr(f->nsp));
	}
	return shape;
}

struct journal *
journal_new(const struct history_limits *limits, const struct feed_specs *specs, const bool *hashed, unsigned n_tracks,
	uint64_t now_s, uint64_t now_ms)
{
	struct journal *j = n_tracks <= STANDING_TRACKS ? malloc(sizeof *j) : NULL;

	if (!j) return NULL;
	*j = (struct journal){
		.limits = *limits, .n_tracks = n_tracks, .n_classes = 1, .now_s = now_s, .told_ms = now_ms
	};
	eio_list_init(&j->messages);
	for (unsigned i = 0; i < n_tracks; i++) track_init(&j->tracks[i], hashed[i], now_s);
	j->shape = shape_of(specs, hashed, n_tracks);
	if (find_classes(j, specs)) return j;
	journal_free(j);
	return NULL;
}

void
journal_tell_time(struct journal *j, uint64_t now_s, uint64_t now_ms)
{
	j->now_s = now_s;
	j->told_ms = now_ms;
}

/* What is kept */

static struct journal_message *
first_message(const struct journal *j)
{
	return eio_list_empty(&j->messages) ? NULL : EIO_CONTAINER(j->messages.next, struct journal_message, link);
}

static void
free_note(struct journal_note *n)
{
	for (unsigned i = 0; i < n->n; i++) {
		eio_list_remove(&n->traces[i].link);
		interest_unref(n->traces[i].room);
	}
	audience_unref(n->audience);
	free(n);
}

static void
free_message(struct journal *j, struct journal_message *m)
{
	for (struct journal_note *n = m->notes, *next; n; n = next) {
		next = n->next;
		free_note(n);
	}
	j->bytes -= m->bytes;
	eio_list_remove(&m->link);
	free(m);
}

/* Forgets the first of a track. */
static void
forget_slot(struct journal *j, struct track *t)
{
	struct track_slot *slot = track_slot(t, t->begin);

	if (slot->kept) free_message(j, slot->kept);
	slot->kept = NULL;
	track_forget(t);
}

static void
forget_until(struct journal *j, struct track *t, uint64_t number)
{
	while (t->begin < number) forget_slot(j, t);
}

void
journal_break(struct journal *j, unsigned track)
{
	struct track *t = &j->tracks[track];

	forget_until(j, t, t->end);
	track_break(t, j->now_s);
}

void
journal_await_past(struct journal *j, unsigned track)
{
	j->past[track] = true;
}

bool
journal_awaits_past(const struct journal *j, unsigned track)
{
	return j->past[track];
}

bool
journal_awaits_any_past(const struct journal *j)
{
	bool any = false;

	for (unsigned i = 0; i < j->n_tracks; i++) any |= j->past[i];
	return any;
}

static bool
is_before(struct track_place a, struct track_place b)
{
	return a.a != b.a ? a.a < b.a : a.b < b.b;
}

/* The first one is where somebody may be who has nothing of the others. */
void
journal_end_past(struct journal *j, unsigned track, const struct track_place *from)
{
	struct track *t = &j->tracks[track];
	uint64_t n = t->begin;

	if (!j->past[track]) return;
	j->past[track] = false;
	while (from && n < t->end && is_before(track_slot(t, n)->place, *from)) n++;
	if (from && n < t->end)
		forget_until(j, t, n + 1);
	else
		journal_break(j, track);
}

void
journal_free(struct journal *j)
{
	if (!j) return;
	for (unsigned i = 0; i < j->n_tracks; i++) {
		journal_break(j, i);
		track_deinit(&j->tracks[i]);
	}
	feed_local_deinit(&j->local);
	free(j->class_of);
	free(j);
}

/* Makes room, at the cost of what came first. */
static void
bound_journal(struct journal *j, struct track *t, uint64_t now_ms)
{
	struct journal_message *first;

	while (t->end - t->begin > j->limits.messages) forget_slot(j, t);
	while ((first = first_message(j)) && (j->bytes > j->limits.bytes || now_ms - first->now_ms > j->limits.ms))
		forget_until(j, &j->tracks[first->track], first->number + 1);
}

/* Messages */

static bool
add_to_track(const struct journal *j, struct track *t, const struct message *m)
{
	uint64_t since_s = m->now_ms > j->told_ms ? (m->now_ms - j->told_ms) / 1000 : 0;

	if (t->hashed)
		return track_add_hashed(
			t, track_hash((unsigned)m->kind, m->name, m->channel, m->payload), j->now_s + since_s);
	return track_add(t, m->place);
}

void
journal_begin(struct journal *j, const struct message *m)
{
	struct track *t;

	j->at_hand = m->track != JOURNAL_NO_TRACK;
	j->message = NULL;
	if (!j->at_hand) return;
	j->track = m->track - 1;
	t = &j->tracks[j->track];
	if (add_to_track(j, t, m)) {
		track_slot(t, t->end - 1)->kept = NULL;
		bound_journal(j, t, m->now_ms);
	} else {
		journal_break(j, j->track);
	}
}

void
journal_begin_past(struct journal *j, const struct message *m)
{
	journal_begin(j, m);
	for (unsigned c = 0; j->at_hand && c < j->n_classes; c++)
		j->classes[c].clean[j->track] = j->tracks[j->track].end;
}

static struct eio_bytes
take_bytes_of(struct journal_message *k, size_t *at, struct eio_bytes b)
{
	char *to = k->data + *at;

	if (b.n) memcpy(to, b.p, b.n);
	*at += b.n;
	return eio_bytes(to, b.n);
}

/* The message at hand, kept; NULL when out of memory. */
static struct journal_message *
journal_keep(struct journal *j, const struct message *m)
{
	struct track *t = &j->tracks[j->track];
	bool entry = m->kind == MESSAGE_OF_STREAM; /* of which each feed takes something else */
	struct eio_bytes body = entry ? m->words : m->payload;
	size_t n = m->name.n + m->channel.n + body.n + m->id.n, at = 0;
	struct journal_message *k = malloc(sizeof *k + n);

	if (!k) return NULL;
	*k = (struct journal_message){
		.serial = ++j->serial,
		.number = t->end - 1,
		.track = j->track,
		.now_ms = m->now_ms,
		.bytes = sizeof *k + n + sizeof(struct track_slot),
		.m = *m,
	};
	body = take_bytes_of(k, &at, body);
	k->m.words = entry ? body : eio_bytes("", 0);
	k->m.payload = entry ? eio_bytes("", 0) : body;
	if (entry) k->m.json = k->m.utf8 = MESSAGE_FACT_UNKNOWN;
	k->m.name = take_bytes_of(k, &at, m->name);
	k->m.channel = take_bytes_of(k, &at, m->channel);
	k->m.id = take_bytes_of(k, &at, m->id);
	k->m.note = NULL;
	eio_list_add_tail(&j->messages, &k->link);
	j->bytes += k->bytes;
	track_slot(t, k->number)->kept = k;
	return k;
}

void
journal_lose(struct journal *j)
{
	if (j->at_hand) journal_break(j, j->track);
	j->message = NULL;
}

void
journal_note(struct journal *j, const struct message *m, const struct feed_stream *stream, unsigned feed)
{
	struct interest *const *rooms;
	size_t n = feed_stream_rooms(stream, &rooms), size = sizeof(struct journal_note);
	struct journal_note *note = NULL;

	if (!j->at_hand || j->tracks[j->track].begin == j->tracks[j->track].end) return;
	if (!j->message) j->message = journal_keep(j, m);
	size += n * sizeof note->traces[0];
	if (j->message) note = malloc(size);
	if (!note) {
		journal_lose(j);
		return;
	}
	*note = (struct journal_note){ .next = j->message->notes,
		.message = j->message,
		.audience = stream->crowd ? audience_ref(stream->crowd->audience) : NULL,
		.order = stream->order,
		.feed = feed,
		.n = (unsigned)n };
	for (size_t i = 0; i < n; i++) {
		note->traces[i] = (struct journal_trace){ .room = interest_ref(rooms[i]), .note = note };
		eio_list_init(&note->traces[i].link);
		eio_list_add_tail(&rooms[i]->past.notes, &note->traces[i].link);
	}
	j->message->notes = note;
	j->message->bytes += size;
	j->bytes += size;
}

void
journal_end(struct journal *j)
{
	j->at_hand = false;
	j->message = NULL;
}

/* What has left */

void
journal_fill(struct journal *j, unsigned class)
{
	struct journal_class *c = &j->classes[class];

	if (c->busy) return;
	c->busy = true;
	for (unsigned i = 0; i < j->n_tracks; i++) c->clean[i] = j->tracks[i].end - (j->at_hand && i == j->track);
}

void
journal_clear(struct journal *j, unsigned class)
{
	j->classes[class].busy = j->classes[class].full = false;
}

/* How many messages of a track a class has not sent. While one is on its way through the feeds it has not left. */
static uint64_t
behind_by(const struct journal *j, unsigned class, unsigned track)
{
	const struct journal_class *c = &j->classes[class];

	if (j->flush.on && j->flush.last && j->flush.class == class) return 0;
	if (c->busy) return j->tracks[track].end - c->clean[track];
	return j->at_hand && j->track == track;
}

struct standing_text
journal_standing(const struct journal *j)
{
	struct standing s = { .n_tracks = j->n_tracks, .n_classes = j->n_classes };

	if (j->flush.on && j->flush.vague) return (struct standing_text){ .n = 0 };
	for (unsigned i = 0; i < j->n_tracks; i++) {
		const struct track *t = &j->tracks[i];

		if (j->past[i] || !track_last(t, &s.at[i])) return (struct standing_text){ .n = 0 };
		if (t->hashed) s.at[i].b &= (1 << TRACK_TIME_BITS) - 1;
		for (unsigned c = 0; c < j->n_classes; c++) {
			s.behind[c][i] = behind_by(j, c, i);
			/* What is not there any more cannot be counted back. */
			if (s.behind[c][i] > t->end - t->begin) return (struct standing_text){ .n = 0 };
		}
	}
	s.partial = j->flush.on && !j->flush.last;
	s.class = j->flush.class;
	s.feed = j->flush.feed;
	s.order = j->flush.order;
	return standing_write(&s);
}

void
journal_begin_epoch(struct journal *j)
{
	const uint32_t epoch = (1U << FEED_EPOCH_BITS) - 1;

	j->node = (j->node & ~epoch) | ((j->node + 1) & epoch);
}

uint64_t
journal_order(struct eio_bytes event, struct sio_room_key target, bool wide)
{
	uint64_t key[2] = { order_key[0] ^ (target.everyone ? 1 : 0) ^ (wide ? 2 : 0), order_key[1] };

	key[0] = eio_hash_bytes(key, event);
	key[1] = eio_hash_bytes(key, target.nsp);
	if (!target.everyone) key[0] = eio_hash_bytes(key, target.name);
	return eio_hash_bytes(key, EIO_LIT("")) & ((UINT64_C(1) << STANDING_ORDER_BITS) - 1);
}
