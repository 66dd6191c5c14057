/* SPDX-License-Identifier: MIT */
/* Writing a feed down. */
#include "src/feed/saving.h"

#include "src/feed/snapshots_int.h"

#include <stdlib.h>

static void
begin_record(struct archive_out *out, enum feed_record type)
{
	archive_number(out, (uint64_t)type);
}

static void
write_target(struct archive_out *out, struct sio_room_key key)
{
	archive_text(out, key.nsp);
	archive_number(out, key.everyone);
	archive_text(out, key.everyone ? eio_bytes(NULL, 0) : key.name);
}

static void
write_list_of_names(struct archive_out *out, const struct eio_bytes *v, size_t n)
{
	archive_number(out, n);
	for (size_t i = 0; i < n; i++) archive_text(out, v[i]);
}

static uint64_t
age_of(const struct feed_parts *p, uint64_t at_ms)
{
	return p->now_ms > at_ms ? p->now_ms - at_ms : 0;
}

/* Heads */

static void
write_saved_head(const struct feed_parts *p, struct archive_out *out)
{
	struct ledger *k = p->router->out->ledger;

	begin_record(out, FEED_RECORD_HEAD);
	archive_number(out, p->wall_ms);
	archive_number(out, k != NULL);
	if (k) {
		archive_number(out, ledger_serial(k));
		archive_number(out, k->kept.hash_key[0]);
		archive_number(out, k->kept.hash_key[1]);
		archive_number(out, k->gaps[p->router->options->specs->n]);
	}
	archive_end_record(out);
}

static void
write_feeds(const struct feed_parts *p, struct archive_out *out)
{
	const struct feed_specs *specs = p->router->options->specs;
	const struct ledger *k = p->router->out->ledger;

	for (size_t i = 0; i < specs->n; i++) {
		begin_record(out, FEED_RECORD_FEED);
		archive_number(out, specs->v[i].print);
		archive_number(out, k ? k->gaps[i] : 0);
		archive_end_record(out);
	}
}

static void
write_places(const struct feed_parts *p, struct archive_out *out, struct feed_tally *tally)
{
	struct feed_intake_place place;

	for (size_t at = 0; feed_intakes_next_place(p->intakes, &at, &place); tally->places++) {
		begin_record(out, FEED_RECORD_PLACE);
		archive_text(out, eio_cstr(place.server));
		archive_number(out, (uint64_t)place.kind);
		archive_text(out, eio_cstr(place.place.name));
		archive_text(out, eio_cstr(place.place.text));
		archive_end_record(out);
	}
}

/* Sessions */

static void
write_room(struct archive_out *out, struct interest *room, uint64_t *rooms)
{
	if (room->past.number) return;
	room->past.number = ++*rooms;
	begin_record(out, FEED_RECORD_ROOM);
	write_target(out, room->key);
	archive_number(out, room->past.forgotten);
	archive_end_record(out);
}

static void
write_since(struct archive_out *out, const struct feed_since *since)
{
	archive_number(out, since->after);
	archive_number(out, since->joined);
	archive_number(out, since->worker);
}

static void
write_session(const struct feed_parts *p, struct archive_out *out, const struct feed_session *s)
{
	begin_record(out, FEED_RECORD_SESSION);
	archive_text(out, eio_bytes(s->pid, sizeof s->pid));
	archive_text(out, eio_bytes(s->id, sizeof s->id));
	archive_number(out, age_of(p, s->ended_ms));
	archive_number(out, s->who);
	write_since(out, &s->since);
	write_since(out, &s->before);
	archive_number(out, s->returned);
	archive_number(out, s->last.serial);
	archive_number(out, s->last.own);
	archive_number(out, s->n_rooms);
	for (size_t i = 0; i < s->n_rooms; i++) {
		archive_number(out, s->rooms[i].room->past.number - 1);
		archive_number(out, s->rooms[i].after);
	}
	archive_end_record(out);
}

static void
write_sessions(const struct feed_parts *p, struct archive_out *out, struct feed_tally *tally)
{
	const struct kept *kept = &p->router->out->ledger->kept;
	uint64_t rooms = 0;

	for (const struct eio_list *l = kept->all.next; l != &kept->all; l = l->next, tally->sessions++) {
		const struct feed_session *s = EIO_CONTAINER(
			(struct eio_list *)(uintptr_t)l, struct feed_session, link);

		for (size_t i = 0; i < s->n_rooms; i++) write_room(out, s->rooms[i].room, &rooms);
		write_session(p, out, s);
	}
}

static void
forget_numbers(const struct kept *kept)
{
	for (const struct eio_list *l = kept->all.next; l != &kept->all; l = l->next) {
		struct feed_session *s = EIO_CONTAINER((struct eio_list *)(uintptr_t)l, struct feed_session, link);

		for (size_t i = 0; i < s->n_rooms; i++) s->rooms[i].room->past.number = 0;
	}
}

/* What was sent */

/* One of all feeds, to put them in order. */
struct sent {
	uint64_t serial;
	size_t feed;
	const struct history_entry *entry;
	struct history_broadcast b;
};

static int
by_number(const void *a, const void *b)
{
	const struct sent *x = a, *y = b;

	return (x->serial > y->serial) - (x->serial < y->serial);
}

/* How many of its rooms somebody may come back to. */
static size_t
wanted_rooms(const struct sent *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->b.n_rooms; i++) n += history_room_of(s->entry, i)->past.number > 0;
	return n;
}

static void
write_bundle(struct archive_out *out, const struct eio_bundle *b)
{
	struct eio_message m;

	for (size_t i = 0; eio_bundle_message(b, i, &m); i++) {
		archive_number(out, 1 + (uint64_t)m.binary + 2 * (uint64_t)m.json);
		archive_text(out, m.data);
	}
	archive_number(out, 0);
}

static void
write_broadcast(const struct feed_parts *p, struct archive_out *out, const struct sent *s, size_t rooms)
{
	const struct audience *a = s->b.audience;

	begin_record(out, FEED_RECORD_BROADCAST);
	archive_number(out, s->feed);
	archive_number(out, s->serial);
	archive_number(out, s->b.workers);
	archive_number(out, age_of(p, s->b.now_ms));
	archive_number(out, s->b.messages);
	archive_number(out, rooms);
	for (size_t i = 0; i < s->b.n_rooms; i++) {
		const struct interest *room = history_room_of(s->entry, i);

		if (room->past.number) archive_number(out, room->past.number - 1);
	}
	write_list_of_names(out, a ? a->except : NULL, a ? a->n_except : 0);
	write_bundle(out, s->b.bundle);
	archive_end_record(out);
}

/* How many there are, in `all`, unless that is NULL. */
static size_t
collect_sent(const struct ledger *k, struct sent *all)
{
	size_t n = 0;

	for (size_t i = 0; i < k->n_histories + k->n_past; i++) {
		bool past = i >= k->n_histories; /* of a feed that has gone, which is as of none */
		const struct history *h = past ? k->past[i - k->n_histories] : k->histories[i];
		const struct history_entry *at = NULL;
		struct history_broadcast b;

		for (; history_next(h, &at, &b); n++)
			if (all) all[n] = (struct sent){ b.serial, past ? k->n_histories - 1 : i, at, b };
	}
	return n;
}

static void
write_sent(const struct feed_parts *p, struct archive_out *out, struct feed_tally *tally)
{
	const struct ledger *k = p->router->out->ledger;
	size_t n = collect_sent(k, NULL), rooms;
	struct sent *all = calloc(n + 1, sizeof *all);

	if (!all) {
		archive_fail(out);
		return;
	}
	collect_sent(k, all);
	qsort(all, n, sizeof *all, by_number);
	for (size_t i = 0; i < n; i++) {
		rooms = wanted_rooms(&all[i]);
		if (rooms) write_broadcast(p, out, &all[i], rooms);
		tally->broadcasts += rooms > 0;
	}
	free(all);
}

/* What is retained */

static int
by_birth(const void *a, const void *b)
{
	const struct feed_state *const *x = a, *const *y = b;

	return ((*x)->born > (*y)->born) - ((*x)->born < (*y)->born);
}

static size_t
collect_states(const struct feed_router *r, struct feed_state **all)
{
	size_t n = 0;

	for (size_t i = 0; i < r->options->specs->n; i++) {
		if (!r->feeds[i]->keeper.all) continue;
		EIO_HASH_FOREACH(node, &r->feeds[i]->keeper.states) {
			if (all) all[n] = EIO_CONTAINER(node, struct feed_state, node);
			n++;
		}
	}
	return n;
}

static void
write_retaining(struct archive_out *out, const struct feed_state *s)
{
	begin_record(out, FEED_RECORD_STATE);
	archive_number(out, s->keeper->spec->index);
	archive_text(out, s->event);
	write_target(out, s->target);
	archive_number(out, s->audience != NULL);
	if (s->audience) {
		write_list_of_names(out, s->audience->rooms, s->audience->n_rooms);
		write_list_of_names(out, s->audience->except, s->audience->n_except);
	}
	archive_end_record(out);
}

static void
write_retained(const struct feed_parts *p, struct archive_out *out, const struct retain *t, struct feed_tally *tally)
{
	const struct eio_list *at = NULL;
	struct retain_item item;

	for (; retain_next(t, &at, &item); tally->retained++) {
		begin_record(out, FEED_RECORD_RETAINED);
		archive_number(out, feed_state_of(item.state)->number);
		archive_text(out, item.key);
		archive_number(out, age_of(p, item.at_ms));
		archive_text(out, item.payload);
		archive_end_record(out);
	}
}

static void
write_states(const struct feed_parts *p, struct archive_out *out, struct feed_tally *tally)
{
	const struct feed_router *r = p->router;
	size_t n = collect_states(r, NULL);
	struct feed_state **all = calloc(n + 1, sizeof(struct feed_state *));

	if (!all) {
		archive_fail(out);
		return;
	}
	collect_states(r, all);
	qsort(all, n, sizeof(struct feed_state *), by_birth);
	for (size_t i = 0; i < n; i++) {
		all[i]->number = i;
		write_retaining(out, all[i]);
	}
	free(all);
	for (size_t i = 0; i < r->options->specs->n; i++)
		if (r->feeds[i]->keeper.all) write_retained(p, out, &r->feeds[i]->keeper.retain, tally);
}

void
feed_saving_write(const struct feed_parts *p, struct archive_out *out, struct feed_tally *tally)
{
	const struct ledger *k = p->router->out->ledger;

	*tally = (struct feed_tally){ 0 };
	write_saved_head(p, out);
	write_feeds(p, out);
	write_places(p, out, tally);
	if (k) {
		write_sessions(p, out, tally);
		write_sent(p, out, tally);
		forget_numbers(&k->kept);
	}
	write_states(p, out, tally);
}
