/* SPDX-License-Identifier: MIT */
/* Reading a feed that was written down. What is read has a checksum, but whoever can write the file can make one: so no
 * number is used before it was looked at. */
#include "src/feed/restoring_int.h"

#include <stdlib.h>

/* Heads */

static void
read_saved_head(struct restoring *r)
{
	struct ledger *k = r->p->router->out->ledger;
	uint64_t wall = restoring_number(r), serial, key[2], gap;

	r->elapsed_ms = r->p->wall_ms > wall ? r->p->wall_ms - wall : 0;
	r->p->intakes->places_ms = wall;
	r->ledgered = restoring_number(r);
	if (!r->ledgered) return;
	serial = restoring_number(r);
	key[0] = restoring_number(r);
	key[1] = restoring_number(r);
	gap = restoring_number(r);
	if (!restoring_holds(r, serial < UINT64_MAX / 2 && gap <= serial) || !k) return;
	r->ledger = k;
	r->serial = serial;
	ledger_restore(k, serial, key);
	k->gaps[r->p->router->options->specs->n] = k->last_gap = gap;
}

/* The feed with that print; the number of feeds where there is none. */
static unsigned
find_feed(const struct feed_specs *specs, uint64_t print)
{
	for (size_t i = 0; i < specs->n; i++)
		if (specs->v[i].print == print) return (unsigned)i;
	return (unsigned)specs->n;
}

static void
read_saved_feed(struct restoring *r)
{
	uint64_t print = restoring_number(r), gap = restoring_number(r);
	unsigned *feeds, feed;

	if (!restoring_holds(r, gap <= r->serial || !r->ledger)) return;
	feeds = realloc(r->feeds, (r->n_feeds + 1) * sizeof *feeds);
	if (!restoring_got(r, feeds != NULL)) return;
	feed = find_feed(r->p->router->options->specs, print);
	r->feeds = feeds;
	feeds[r->n_feeds++] = feed;
	if (!r->ledger) return;
	if (r->ledger->gaps[feed] < gap) r->ledger->gaps[feed] = gap;
	if (r->ledger->last_gap < gap) r->ledger->last_gap = gap;
}

static void
read_saved_place(struct restoring *r)
{
	struct eio_bytes server = restoring_text(r);
	uint64_t kind = restoring_number(r);
	bool failed = false;
	struct eio_bytes name = restoring_text(r), where = restoring_text(r);

	if (!restoring_holds(r, kind < FEED_INTAKES)) return;
	r->tally->places += feed_intakes_place(
		r->p->intakes, server, (enum feed_intake_kind)kind, name, where, &failed);
	restoring_got(r, !failed);
}

/* Sessions */

static void
read_saved_room(struct restoring *r)
{
	struct sio_room_key key = restoring_key(r);
	uint64_t forgotten = restoring_number(r);
	struct interest *room, **rooms;

	if (!restoring_holds(r, r->ledgered && restoring_is_key(&key)) || !r->ledger) return;
	if (!restoring_holds(r, forgotten <= r->serial)) return;
	rooms = restoring_room(r->rooms, r->n_rooms, &r->max_rooms);
	if (!restoring_got(r, rooms != NULL)) return;
	r->rooms = rooms;
	room = interest_get(r->p->router->options->interest, key);
	if (!restoring_got(r, room != NULL)) return;
	if (room->past.forgotten < forgotten) room->past.forgotten = forgotten;
	r->rooms[r->n_rooms++] = room;
}

static struct feed_since
take_since(struct restoring *r)
{
	struct feed_since since;
	uint64_t worker;

	since.after = restoring_number(r);
	since.joined = restoring_number(r);
	worker = restoring_number(r);
	restoring_holds(r, worker < 64);
	since.worker = (unsigned)worker;
	return since;
}

static void
take_session_rooms(struct restoring *r, struct feed_session *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t room = restoring_number(r), after = restoring_number(r);
		struct sio_room_key key;

		if (!restoring_holds(r, room < r->n_rooms)) return;
		key = r->rooms[room]->key;
		if (!restoring_holds(r,
			    key.everyone == (i == 0) && (i == 0 || eio_bytes_eq(key.nsp, s->rooms[0].room->key.nsp))))
			return;
		if (!restoring_got(r, feed_session_add(s, r->p->router->options->interest, key, after))) return;
	}
}

static void
take_session(struct restoring *r, struct eio_bytes pid, struct eio_bytes id)
{
	uint64_t age = restoring_age(r), who = restoring_number(r), n;
	struct feed_since since = take_since(r), before = take_since(r);
	bool returned = restoring_number(r);
	uint64_t serial = restoring_number(r), own = restoring_number(r);
	struct feed_session *s;

	n = restoring_number(r);
	/* Each room is two bytes at least. */
	if (!restoring_holds(r, n > 0 && n <= r->in->block.n / 2)) return;
	s = feed_session_new((size_t)n);
	if (!restoring_got(r, s != NULL)) return;
	memcpy(s->pid, pid.p, sizeof s->pid);
	memcpy(s->id, id.p, sizeof s->id);
	s->who = who;
	s->since = since;
	s->before = before;
	s->returned = returned;
	s->last = (struct feed_offset){ serial, own };
	s->is_signed = r->p->router->options->recovery.elsewhere;
	take_session_rooms(r, s, (size_t)n);
	if (r->why || age > r->ledger->options->ms) {
		feed_session_free(s);
		return;
	}
	ledger_add(r->ledger, s, restoring_time_of(r, age));
	r->tally->sessions++;
}

static void
read_saved_session(struct restoring *r)
{
	struct eio_bytes pid = restoring_text(r), id = restoring_text(r);

	if (!restoring_holds(r, r->ledgered && feed_pid_worker(pid) >= 0 && id.n == SIO_ID_RANDOM)) return;
	if (r->ledger) {
		take_session(r, pid, id);
		return;
	}
	restoring_skip(r, 2 + 3 + 3 + 3);
	restoring_skip(r, 2 * (restoring_number(r) & UINT32_MAX));
	restoring_holds(r, true);
}

/* All of it */

static void
read_record(struct restoring *r)
{
	uint64_t type = restoring_number(r);

	if (!restoring_holds(r, (type == FEED_RECORD_HEAD) != r->begun)) return;
	r->begun = true;
	switch (type) {
	case FEED_RECORD_HEAD: read_saved_head(r); break;
	case FEED_RECORD_FEED: read_saved_feed(r); break;
	case FEED_RECORD_PLACE: read_saved_place(r); break;
	case FEED_RECORD_ROOM: read_saved_room(r); break;
	case FEED_RECORD_SESSION: read_saved_session(r); break;
	case FEED_RECORD_BROADCAST: restoring_read_broadcast(r); break;
	case FEED_RECORD_STATE: restoring_read_state(r); break;
	case FEED_RECORD_RETAINED: restoring_read_retained(r); break;
	default: restoring_holds(r, false);
	}
	restoring_holds(r, true);
}

/* What was published since then is lost of every feed that does not go on where it was. */
static bool
note_lost_feeds(struct restoring *r)
{
	const struct feed_specs *specs = r->p->router->options->specs;
	unsigned *lost = calloc(specs->n + 1, sizeof *lost);
	size_t n = 0;

	if (!lost) return false;
	for (size_t i = 0; i < specs->n; i++)
		if (!feed_intakes_go_on(r->p->intakes, &specs->v[i])) lost[n++] = (unsigned)i;
	/* What a hub has sent is of no feed. */
	if (r->p->router->options->edge) lost[n++] = (unsigned)specs->n;
	if (n) ledger_note_gap(r->ledger, lost, n);
	free(lost);
	return true;
}

/* As if nothing had been read. */
static void
clear(struct restoring *r)
{
	struct feed_router *router = r->p->router;

	if (r->ledger) ledger_clear(r->ledger);
	for (size_t i = 0; i < router->options->specs->n; i++)
		if (router->feeds[i]->keeper.all) {
			feed_keeper_clear(&router->feeds[i]->keeper);
			feed_keeper_tidy(&router->feeds[i]->keeper, r->p->now_ms);
		}
	feed_intakes_forget_places(r->p->intakes);
}

const char *
feed_saving_read(const struct feed_parts *p, struct archive_in *in, struct feed_tally *tally)
{
	struct restoring r = { .p = p, .in = in, .tally = tally };

	*tally = (struct feed_tally){ 0 };
	while (!r.why && archive_next(in)) read_record(&r);
	restoring_holds(&r, r.begun);
	if (!r.why && r.ledger) restoring_got(&r, note_lost_feeds(&r));
	if (r.why)
		clear(&r);
	else
		restoring_rest_states(&r);
	for (size_t i = 0; i < r.n_rooms; i++) interest_unref(r.rooms[i]);
	free(r.rooms);
	free(r.states);
	free(r.feeds);
	return r.why;
}
