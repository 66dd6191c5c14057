/* SPDX-License-Identifier: MIT */
/* What somebody from elsewhere missed. */
#include "src/feed/journal.h"

#include <stdlib.h>

/* A standing in the numbers that messages have here. */
struct reach {
	const struct standing *standing;
	uint64_t up[STANDING_CLASSES][STANDING_TRACKS]; /* what came before these numbers has left */
	uint64_t all[STANDING_TRACKS]; /* and before these, of streams that are ahead */
};

/* Not all when it is not known here, or something behind it is forgotten. */
static enum history_answer
find_reach(const struct journal *j, const struct standing *s, struct reach *out)
{
	*out = (struct reach){ .standing = s };
	for (unsigned t = 0; t < j->n_tracks; t++) {
		const struct track *track = &j->tracks[t];
		uint64_t n;

		if (j->past[t]) return HISTORY_LATER;
		if (!track_find(track, s->at[t], &n))
			return track_may_come(track, s->at[t]) ? HISTORY_LATER : HISTORY_GAP;
		out->all[t] = n + 1;
		for (unsigned c = 0; c < j->n_classes; c++) {
			if (s->behind[c][t] > n + 1 - track->begin) return HISTORY_GAP;
			out->up[c][t] = n + 1 - s->behind[c][t];
		}
	}
	return HISTORY_ALL;
}

/* What is looked at for one question. */
struct search {
	struct journal *j;
	const struct journal_question *q;
	struct standing has, joined;
	struct reach has_reach, joined_reach;
	struct eio_bytes joined_text; /* what joined was read of */
	struct journal_missed *out;
};

/* Whether a note's broadcast had left by then. */
static bool
had_left(const struct search *s, const struct reach *r, const struct journal_note *note)
{
	const struct standing *at = r->standing;
	unsigned class = s->j->class_of[note->feed], t = note->message->track;
	bool ahead = at->partial && at->class == class &&
		     (note->feed < at->feed || (note->feed == at->feed && note->order <= at->order));

	return note->message->number < (ahead ? r->all[t] : r->up[class][t]);
}

static bool
is_his(const struct journal_question *q, struct eio_bytes name)
{
	if (eio_bytes_eq(q->id, name)) return true;
	for (size_t i = 0; i < q->n_rooms; i++)
		if (!q->rooms[i].room->key.everyone && eio_bytes_eq(q->rooms[i].room->key.name, name)) return true;
	return false;
}

static bool
is_excepted(const struct journal_question *q, const struct audience *a)
{
	for (size_t i = 0; a && i < a->n_except; i++)
		if (is_his(q, a->except[i])) return true;
	return false;
}

/* False when out of memory. */
static bool
add_note(struct journal_missed *m, const struct journal_note *note)
{
	if (m->n == m->cap) {
		size_t cap = m->cap ? 2 * m->cap : 64;
		const struct journal_note **v = realloc(m->v, cap * sizeof(const struct journal_note *));

		if (!v) return false;
		m->v = v;
		m->cap = cap;
	}
	m->v[m->n++] = note;
	m->bytes += note->message->m.payload.n + note->message->m.words.n;
	return true;
}

/* The standing at which he came to a room; several have the same. */
static enum history_answer
find_joined(struct search *s, struct eio_bytes text)
{
	if (s->joined_text.p && eio_bytes_eq(s->joined_text, text)) return HISTORY_ALL;
	s->joined_text = text;
	if (!standing_read(text, s->j->n_tracks, s->j->n_classes, &s->joined)) return HISTORY_GAP;
	return find_reach(s->j, &s->joined, &s->joined_reach);
}

/* Whether all that came before a note had left: then it is the same with what it comes to next. */
static bool
is_before_all(const struct search *s, const struct reach *r, const struct journal_note *note)
{
	if (s->j->n_tracks > 1) return false;
	for (unsigned c = 0; c < s->j->n_classes; c++)
		if (note->message->number >= r->up[c][0]) return false;
	return true;
}

static enum history_answer
look_at_journal_room(struct search *s, const struct journal_room *room)
{
	const struct eio_list *head = &room->room->past.notes;
	const struct reach *least = s->q->has.n ? &s->has_reach : &s->joined_reach;

	enum history_answer found = room->joined.n ? find_joined(s, room->joined) : HISTORY_ALL;

	if (found != HISTORY_ALL) return found;
	if (!room->joined.n && !s->q->has.n) return HISTORY_GAP;
	for (const struct eio_list *l = head->prev; l != head; l = l->prev) {
		struct journal_note *note =
			EIO_CONTAINER((struct eio_list *)(uintptr_t)l, struct journal_trace, link)->note;

		if (is_before_all(s, least, note)) break;
		if (s->q->has.n && had_left(s, &s->has_reach, note)) continue;
		if (room->joined.n && had_left(s, &s->joined_reach, note)) continue;
		if (note->found == s->j->questions || is_excepted(s->q, note->audience)) continue;
		note->found = s->j->questions;
		if (!add_note(s->out, note)) return HISTORY_NOMEM;
		if (s->out->bytes > s->q->max_bytes) return HISTORY_TOO_MUCH;
	}
	return HISTORY_ALL;
}

static int
by_coming(const void *a, const void *b)
{
	const struct journal_note *const *x = a, *const *y = b;
	uint64_t m = (*x)->message->serial, n = (*y)->message->serial;

	if (m != n) return m < n ? -1 : 1;
	return (*x)->feed < (*y)->feed ? -1 : (*x)->feed > (*y)->feed;
}

enum history_answer
journal_ask(struct journal *j, const struct journal_question *q, struct journal_missed *out)
{
	struct search s = { .j = j, .q = q, .out = out };
	enum history_answer a = HISTORY_ALL;

	*out = (struct journal_missed){ 0 };
	j->questions++;
	if (q->has.n) a = HISTORY_GAP;
	if (q->has.n && standing_read(q->has, j->n_tracks, j->n_classes, &s.has))
		a = find_reach(j, &s.has, &s.has_reach);
	for (size_t i = 0; i < q->n_rooms && a == HISTORY_ALL; i++) a = look_at_journal_room(&s, &q->rooms[i]);
	if (a != HISTORY_ALL) {
		free(out->v);
		*out = (struct journal_missed){ 0 };
	} else if (out->n) {
		qsort(out->v, out->n, sizeof(const struct journal_note *), by_coming);
	}
	return a;
}
