/* SPDX-License-Identifier: MIT */
/* Where messages are in what their sources send, for clients that go to other siocasts: see journal.h. */
#include "src/feed/intakes_int.h"

#include "eio/check.h"
#include "src/redis/id.h"

#include <string.h>

/* Whether what comes has no place but a fingerprint. */
static bool
is_hashed(const struct feed_intake *in)
{
	const struct feed_options *o = in->all->options;

	return !feed_intake_is_of_streams(in) &&
	       !(o->replicates && o->replicates[(size_t)(in - in->all->v) / FEED_INTAKES]);
}

/* Which stream it is. */
static unsigned
stream_number(const struct feed_intake *in, struct eio_bytes name)
{
	const struct feed_router *r = in->all->router;
	unsigned i = 0;

	while (i < r->table.n_streams && !eio_bytes_eq(eio_cstr(r->table.streams[i].name), name)) i++;
	CHECK(i < r->table.n_streams);
	return i;
}

static struct track_place
place_of_id(struct eio_bytes id)
{
	struct redis_id parts = { 0, 0 };

	CHECK(redis_id_parse(&parts, id));
	return (struct track_place){ parts.ms, parts.seq };
}

void
feed_intake_break(const struct feed_intake *in, enum message_kind kind, struct eio_bytes name)
{
	struct journal *j = in->all->router->out->journal;

	if (j) journal_break(j, in->track - 1 + (kind == MESSAGE_OF_STREAM ? stream_number(in, name) : 0));
}

void
feed_intake_note_state(const struct feed_intake *in)
{
	if (is_hashed(in)) feed_intake_break(in, MESSAGE_OF_CHANNEL, eio_bytes("", 0));
}

unsigned
feed_intakes_tracks(struct feed_intakes *all, bool hashed[STANDING_TRACKS])
{
	unsigned n = 0;

	for (size_t i = 0; i < FEED_INTAKES * all->options->n_redis; i++) {
		struct feed_intake *in = &all->v[i];
		size_t more = !in->wanted ? 0 : feed_intake_is_of_streams(in) ? all->router->table.n_streams : 1;

		in->track = n + 1;
		for (; more; more--, n++)
			if (n < STANDING_TRACKS) hashed[n] = is_hashed(in);
	}
	return n;
}

static void
note_base(void *user, const struct source_place *place)
{
	struct feed_intake *in = user;
	struct eio_bytes name = eio_cstr(place->name);
	struct eio_bytes text = eio_bytes(place->text, strcspn(place->text, " ")); /* the id stands first */
	struct redis_id id;
	struct journal *j;
	struct track *t;
	unsigned track;

	CHECK_MAGIC(in, FEED_INTAKE_MAGIC);
	j = in->all->router->out->journal;
	track = in->track - 1 + stream_number(in, name);
	t = &j->tracks[track];
	if (journal_awaits_past(j, track) || t->whole || t->base.has_place || !redis_id_parse(&id, text)) return;
	track_begin_at(t, (struct track_place){ id.ms, id.seq });
}

void
feed_intakes_begin_tracks(struct feed_intakes *all)
{
	for (size_t i = FEED_INTAKE_STREAMS; i < FEED_INTAKES * all->options->n_redis; i += FEED_INTAKES) {
		struct feed_intake *in = &all->v[i];

		if (in->source && in->source->ops->tell_places) in->source->ops->tell_places(in->source, note_base, in);
	}
}

void
feed_intake_find_place(const struct feed_intake *in, struct message *m)
{
	if (!in->track) return;
	m->track = in->track + stream_number(in, m->name);
	m->place = place_of_id(m->id);
}

/* What was there before */

void
feed_intakes_await_past(struct feed_intakes *all)
{
	size_t n = FEED_INTAKES * all->options->n_redis;

	for (size_t i = 0; i < n; i++)
		if (all->v[i].wanted && !feed_intake_is_of_streams(&all->v[i])) return;
	for (size_t i = FEED_INTAKE_STREAMS; i < n; i += FEED_INTAKES) {
		struct feed_intake *in = &all->v[i];

		if (!in->wanted) continue;
		for (unsigned k = 0; k < all->router->table.n_streams; k++)
			journal_await_past(all->router->out->journal, in->track - 1 + k);
		in->past = in->settles = true;
		all->unsettled++;
	}
}

void
feed_intake_leave_past(struct feed_intake *in)
{
	if (!in->past) return;
	in->past = false;
	for (unsigned k = 0; k < in->all->router->table.n_streams; k++)
		journal_end_past(in->all->router->out->journal, in->track - 1 + k, NULL);
	feed_intakes_begin_tracks(in->all);
}

void
feed_intake_on_past(void *user, struct message *m)
{
	struct feed_intake *in = user;

	CHECK_MAGIC(in, FEED_INTAKE_MAGIC);
	feed_intake_find_place(in, m);
	if (journal_awaits_past(in->all->router->out->journal, m->track - 1)) feed_router_past(in->all->router, m);
}

void
feed_intake_on_past_end(void *user, struct eio_bytes name, const struct redis_id *from)
{
	struct feed_intake *in = user;
	const struct track_place place = { from ? from->ms : 0, from ? from->seq : 0 };

	CHECK_MAGIC(in, FEED_INTAKE_MAGIC);
	journal_end_past(in->all->router->out->journal, in->track - 1 + stream_number(in, name), from ? &place : NULL);
	feed_intakes_begin_tracks(in->all);
}
