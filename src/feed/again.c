/* SPDX-License-Identifier: MIT */
/* What somebody missed elsewhere, put together for him as the feeds would: by the same code, in batches of its own. */
#include "src/feed/elsewhere.h"

#include "eio/check.h"

#include <stdlib.h>

struct again;

/* A feed once more, with streams for this alone. */
struct again_feed {
	struct feed_at_work work; /* the first, because streams know it as such */
	struct again *again;
};

struct again {
	struct feed_router *router;
	struct again_feed *feeds; /* of each of the specs; those that are not used have no spec */
	struct history_missed *out;
	size_t cap;
	bool failed; /* memory is out */
};

static void
add_bundle(struct again *a, struct eio_bundle *b)
{
	struct history_missed *m = a->out;

	if (m->n == a->cap) {
		size_t cap = a->cap ? 2 * a->cap : 16;
		struct eio_bundle **v = realloc(m->v, cap * sizeof(struct eio_bundle *));

		if (!v) {
			a->failed = true;
			eio_bundle_unref(b);
			return;
		}
		m->v = v;
		a->cap = cap;
	}
	m->v[m->n++] = b;
	m->bytes += eio_bundle_size(b);
}

static void
on_again_flush(
	void *user, struct feed_stream *stream, const struct feed_content *content, unsigned count, uint64_t now_ms)
{
	struct again_feed *f = user;
	const struct sio_broadcast broadcast = {
		.nsp = stream->target.nsp,
		.event = stream->event,
		.encode = feed_out_encode(f->work.spec),
		.payload = content->body,
		.before = content->before,
		.after = content->after,
	};
	struct eio_bundle *b;

	CHECK(f->work.magic == FEED_AT_WORK_MAGIC);
	(void)count;
	(void)now_ms;
	if (sio_broadcast_bundle(&broadcast, &b) < 0)
		f->again->failed = true;
	else
		add_bundle(f->again, b);
}

/* A feed's second self, made when it is needed first; NULL when out of memory. */
static struct again_feed *
again_feed(struct again *a, unsigned index)
{
	struct again_feed *f = &a->feeds[index];
	const struct feed_at_work *s = a->router->feeds[index];

	if (f->work.spec) return f;
	f->again = a;
	if (feed_streams_init(&f->work.streams, s->spec, a->router->hash_key, on_again_flush, feed_at_work_release, f))
		return NULL;
	f->work.magic = FEED_AT_WORK_MAGIC;
	f->work.router = s->router;
	f->work.metrics = s->metrics;
	f->work.shapes = s->shapes;
	f->work.one_room = s->one_room;
	f->work.spec = s->spec;
	return f;
}

/* What of it does not fit, for whatever reason, did not then. */
static void
repeat_note(struct again *a, const struct journal_note *note)
{
	struct again_feed *f = again_feed(a, note->feed);
	struct message m = note->message->m;
	enum feed_fate fate = FEED_FATE_TAKEN;

	if (!f) {
		a->failed = true;
		return;
	}
	feed_entry_begin(&a->router->entry);
	if (m.kind == MESSAGE_OF_STREAM) fate = feed_entry_fill(&a->router->entry, f->work.spec->field, &m);
	if (fate == FEED_FATE_TAKEN) fate = feed_router_repeat(a->router, &f->work, &m);
	a->failed |= fate == FEED_FATE_MEMORY;
}

static void
end_again(struct again *a, uint64_t now_ms)
{
	for (size_t i = 0; a->feeds && i < a->router->options->specs->n; i++) {
		if (!a->feeds[i].work.spec) continue;
		if (!a->failed) feed_streams_flush(&a->feeds[i].work.streams, now_ms);
		feed_streams_deinit(&a->feeds[i].work.streams);
	}
	free(a->feeds);
}

/* Gives each its offset. Who has the last one has all. False when out of memory. */
static bool
number_missed(const struct feed_out *o, struct history_missed *m, struct eio_bytes nsp)
{
	const struct journal *j = o->journal;
	struct standing_text none = { .n = 0 }, standing = feed_local_has(&j->local, nsp) ? none : journal_standing(j);
	uint64_t serial = ledger_serial(o->ledger);

	for (size_t i = 0; i < m->n; i++) {
		struct feed_offset_text offset = feed_offset_write((struct feed_offset){ serial, i + 1 });
		struct eio_bundle *with;

		feed_offset_add(&offset, j->node, i + 1 == m->n ? &standing : &none);
		if (sio_event_add_offset(m->v[i], feed_offset_bytes(&offset), &with) < 0) return false;
		eio_bundle_unref(m->v[i]);
		m->v[i] = with;
	}
	return true;
}

/* Puts together what was found. */
static enum history_answer
make_missed(struct feed_router *r, const struct journal_missed *notes, struct eio_bytes nsp, struct history_missed *out,
	uint64_t now_ms)
{
	struct again a = { .router = r, .out = out };

	a.feeds = calloc(r->options->specs->n, sizeof *a.feeds);
	a.failed = !a.feeds;
	for (size_t i = 0; i < notes->n && !a.failed; i++) repeat_note(&a, notes->v[i]);
	end_again(&a, now_ms);
	if (!a.failed && number_missed(r->out, out, nsp)) return HISTORY_ALL;
	history_missed_free(out);
	return HISTORY_NOMEM;
}

/* An offset in its parts. */
struct parts {
	bool given;
	uint32_t node;
	struct feed_offset local;
	struct eio_bytes standing;
};

static bool
read_parts(struct eio_bytes text, struct parts *out)
{
	*out = (struct parts){ .given = text.n > 0 };
	return !out->given ||
	       (feed_offset_cut(&text, &out->node, &out->standing) && feed_offset_read(text, &out->local));
}

/* Whether one is of the same siocast as another, in whatever epoch, and behind it or the same. */
static bool
is_not_before(const struct parts *a, const struct parts *b)
{
	if (!a->given || !feed_node_is_same(a->node, b->node)) return false;
	if (a->local.serial != b->local.serial) return a->local.serial > b->local.serial;
	return a->local.own >= b->local.own;
}

/* The rooms' standings; false when one cannot be read. What he has decides where he has something that came later. */
static bool
read_joined(const struct feed_stranger *who, const struct parts *has, struct journal_room *rooms)
{
	for (size_t i = 0; i < who->n_rooms; i++) {
		struct parts joined;

		if (!read_parts(who->rooms[i].joined, &joined) || !joined.given) return false;
		rooms[i].room = who->rooms[i].room;
		rooms[i].joined = is_not_before(has, &joined) ? eio_bytes("", 0) : joined.standing;
		if (!rooms[i].joined.n && !is_not_before(has, &joined)) return false;
	}
	return true;
}

enum history_answer
feed_router_missed(struct feed_router *r, const struct feed_stranger *who, struct history_missed *out, uint64_t now_ms)
{
	struct journal_room *rooms = calloc(who->n_rooms, sizeof *rooms);
	struct journal_question q = {
		.rooms = rooms, .n_rooms = who->n_rooms, .id = who->id, .max_bytes = who->max_bytes
	};
	struct journal_missed notes = { 0 };
	enum history_answer answer = HISTORY_GAP;
	struct parts has, must;

	*out = (struct history_missed){ 0 };
	if (!rooms) return HISTORY_NOMEM;
	/* What comes from now on is then all that he has not. */
	feed_router_leave(r, now_ms, true);
	if (read_parts(who->has, &has) && read_parts(who->must, &must) && (!has.given || has.standing.n) &&
		(!must.given || is_not_before(&has, &must)) && read_joined(who, &has, rooms)) {
		q.has = has.standing;
		answer = journal_ask(r->out->journal, &q, &notes);
	}
	if (answer == HISTORY_ALL && notes.n) answer = make_missed(r, &notes, who->rooms[0].room->key.nsp, out, now_ms);
	free(notes.v);
	free(rooms);
	return answer;
}
