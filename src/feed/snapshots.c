/* SPDX-License-Identifier: MIT */
/* From a question to the bundles of its answer. */
#include "src/feed/snapshots.h"

#include "eio/check.h"
#include "sio/event.h"
#include "src/columns/columns.h"
#include "src/feed/format.h"
#include "src/feed/snapshots_int.h"

#include <stdlib.h>

int
feed_snapshots_init(struct feed_snapshots *s, const uint64_t hash_key[2], size_t answer_bytes)
{
	*s = (struct feed_snapshots){ .hash_key = { hash_key[0], hash_key[1] }, .answer_bytes = answer_bytes };
	eio_list_init(&s->warm);
	atomic_init(&s->wide, false);
	return eio_hash_init(&s->rooms);
}

void
feed_snapshots_deinit(struct feed_snapshots *s)
{
	CHECK(s->rooms.count == 0);
	eio_hash_deinit(&s->rooms);
	free(s->found);
}

/* Encoding. What each returns is 0, SIO_ERR_EVENT_NAME or SIO_ERR_NOMEM. */

static struct sio_broadcast
broadcast_of(const struct feed_state *s, struct eio_bytes event, struct eio_bytes payload)
{
	return (struct sio_broadcast){
		.nsp = s->target.nsp,
		.event = event,
		.encode = feed_out_encode(s->keeper->spec),
		.payload = payload,
		.no_offset = s->recovers,
	};
}

/* A batch that is put together, in columns where the feed has them and that is shorter. */
static int
bundle_body(const struct feed_state *s, struct eio_bytes event, struct eio_bytes body, struct eio_bundle **out)
{
	struct columns *c = s->keeper->spec->format == FEED_FORMAT_COLUMNS ? columns_new() : NULL;
	struct eio_bytes batch;
	struct sio_broadcast b;
	int rc;

	if (c && columns_encode(c, body, &batch)) body = batch;
	b = broadcast_of(s, event, body);
	rc = sio_broadcast_bundle(&b, out);
	columns_free(c);
	return rc;
}

/* All messages as one batch. */
static int
encode_batch(const struct feed_state *s, struct eio_bytes event, struct eio_bundle **out)
{
	enum feed_format format = s->keeper->spec->format;
	size_t n = 0, around = feed_format_before(format) + feed_format_after(format);
	const struct eio_list *at = NULL;
	struct eio_buf body = { 0 };
	struct eio_bytes m;
	int rc = SIO_ERR_NOMEM;

	if (eio_buf_reserve(&body, s->retained.payload_bytes + s->retained.n * around + 1)) {
		while (retained_next(&s->retained, &at, &m)) feed_format_put(format, &body, n++, m);
		if (feed_format_is_list(format)) body.p[body.n++] = ']';
		rc = bundle_body(s, event, eio_buf_bytes(&body), out);
	}
	eio_buf_deinit(&body);
	return rc;
}

/* Each message as an event of its own. */
static int
encode_each(const struct feed_state *s, struct eio_bytes event, struct eio_bundle **out)
{
	struct eio_bundle **all = calloc(s->retained.n, sizeof(struct eio_bundle *));
	const struct eio_list *at = NULL;
	struct eio_bytes m;
	int rc = all ? 0 : SIO_ERR_NOMEM;
	size_t n = 0;

	while (rc == 0 && retained_next(&s->retained, &at, &m)) {
		struct sio_broadcast b = broadcast_of(s, event, m);

		rc = sio_broadcast_bundle(&b, &all[n]);
		if (rc == 0) n++;
	}
	if (rc == 0) *out = eio_bundle_join(all, n);
	if (rc == 0 && !*out) rc = SIO_ERR_NOMEM;
	while (n) eio_bundle_unref(all[--n]);
	free(all);
	return rc;
}

static struct template_value
find_event(void *ctx, const struct template_placeholder *p)
{
	const struct feed_state *s = ctx;

	CHECK(p->what == TEMPLATE_EVENT);
	return (struct template_value){ .type = TEMPLATE_PLAIN, .bytes = s->event };
}

static int
encode_state(struct feed_state *s, struct eio_bundle **out)
{
	const struct feed_spec *spec = s->keeper->spec;
	const struct template_input in = { .find = find_event, .ctx = s };
	struct eio_bytes event = s->event;
	struct eio_buf name = { 0 };
	int rc = SIO_ERR_NOMEM;

	if (spec->retain.event) {
		(void)template_render(spec->retain.event, &in, &name);
		event = eio_buf_bytes(&name);
	}
	if (!eio_buf_failed(&name)) rc = feed_is_bare(spec) ? encode_each(s, event, out) : encode_batch(s, event, out);
	eio_buf_deinit(&name);
	return rc;
}

/* The bundle of a state, borrowed, made when it has changed. *out is NULL where it is empty. */
static int
warm_state(struct feed_snapshots *all, struct feed_state *s, uint64_t now_ms, struct eio_bundle **out)
{
	int rc;

	*out = NULL;
	if (s->bundle && s->bundled != s->retained.version) feed_state_cool(s);
	if (!s->retained.n) return 0;
	if (!s->bundle) {
		rc = encode_state(s, &s->bundle);
		if (rc < 0) return rc;
		s->bundled = s->retained.version;
		all->warm_bytes += eio_bundle_size(s->bundle);
	}
	s->used_ms = now_ms;
	eio_list_remove(&s->warm);
	eio_list_add_tail(&all->warm, &s->warm);
	*out = s->bundle;
	return 0;
}

static struct feed_state *
coolest(const struct feed_snapshots *s)
{
	return eio_list_empty(&s->warm) ? NULL : EIO_CONTAINER(s->warm.next, struct feed_state, warm);
}

uint64_t
feed_snapshots_deadline(const struct feed_snapshots *s)
{
	const struct feed_state *first = coolest(s);

	return first ? first->used_ms + FEED_SNAPSHOT_WARM_MS : UINT64_MAX;
}

void
feed_snapshots_tick(struct feed_snapshots *s, uint64_t now_ms)
{
	while (feed_snapshots_deadline(s) <= now_ms || s->warm_bytes > FEED_SNAPSHOT_WARM_BYTES)
		feed_state_cool(coolest(s));
}

/* Finding */

/* The states that are linked to a room and have not come up yet are marked, and taken if they are wanted. False when
 * out of memory. */
static bool
mark_room(struct feed_snapshots *s, struct sio_room_key key, bool except, bool wanted)
{
	struct feed_state **found;

	for (struct eio_hash_node *n = eio_hash_find(&s->rooms, feed_link_hash(s, key)); n; n = eio_hash_next(n)) {
		struct feed_link *l = EIO_CONTAINER(n, struct feed_link, node);

		if (l->except != except || l->state->seen == s->serial || !sio_room_key_eq(l->key, key)) continue;
		l->state->seen = s->serial;
		if (!wanted) continue;
		if (s->n_found == s->max_found) {
			found = realloc(s->found, (s->max_found * 2 + 16) * sizeof(struct feed_state *));
			if (!found) return false;
			s->found = found;
			s->max_found = s->max_found * 2 + 16;
		}
		s->found[s->n_found++] = l->state;
	}
	return true;
}

static int
older_first(const void *a, const void *b)
{
	const struct feed_state *x = *(struct feed_state *const *)a, *y = *(struct feed_state *const *)b;

	return (x->born > y->born) - (x->born < y->born);
}

/* Marks what a socket has, and what it is excepted from. */
static void
mark_known(struct feed_snapshots *s, const struct feed_ask *a)
{
	s->serial++;
	for (size_t i = 0; i < a->n_has; i++) {
		mark_room(s, sio_room_named(a->nsp, a->has[i]), false, false);
		mark_room(s, sio_room_named(a->nsp, a->has[i]), true, false);
	}
	if (a->id.n) mark_room(s, sio_room_named(a->nsp, a->id), true, false);
	for (size_t i = 0; i < a->n_rooms; i++) mark_room(s, sio_room_named(a->nsp, a->rooms[i]), true, false);
}

/* Adds what was found, unless the answer has enough and this would be too much. 1: added, 0: not, -1: out of memory. */
static int
add_bundles(struct feed_snapshots *s, struct feed_ask *a, size_t *bytes, uint64_t now_ms)
{
	struct eio_bundle **all = realloc(a->bundles, (a->n + s->n_found + 1) * sizeof(struct eio_bundle *));
	size_t before = a->n, more = 0;

	if (!all) return -1;
	a->bundles = all;
	for (size_t i = 0; i < s->n_found; i++) {
		struct feed_state *state = s->found[i];
		struct eio_bundle *b;
		int rc = warm_state(s, state, now_ms, &b);

		if (rc == SIO_ERR_NOMEM) return -1;
		if (rc < 0)
			metrics_inc(state->keeper->metrics, FEED_METRIC_DROPPED_ROUTE); /* clients refuse the name */
		if (!b) continue;
		all[a->n++] = eio_bundle_ref(b);
		more += eio_bundle_size(b);
	}
	*bytes += more;
	if (before && *bytes > s->answer_bytes) {
		while (a->n > before) eio_bundle_unref(all[--a->n]);
		return 0;
	}
	for (size_t i = 0; i < s->n_found; i++)
		if (s->found[i]->bundle) metrics_inc(s->found[i]->keeper->metrics, FEED_METRIC_SNAPSHOTS);
	return 1;
}

/* Room by room. 0, or -1 when out of memory. */
static int
answer_rooms(struct feed_snapshots *s, struct feed_ask *a, uint64_t now_ms)
{
	size_t keys = a->n_rooms + a->everyone, bytes = 0;
	int rc = 1;

	while (rc > 0 && a->done < keys) {
		size_t i = a->done - a->everyone;
		bool everyone = a->everyone && a->done == 0;

		s->n_found = 0;
		if (!mark_room(
			    s, everyone ? sio_room_everyone(a->nsp) : sio_room_named(a->nsp, a->rooms[i]), false, true))
			return -1;
		if (s->n_found > 1) qsort(s->found, s->n_found, sizeof(struct feed_state *), older_first);
		rc = add_bundles(s, a, &bytes, now_ms);
		if (rc > 0) a->done++;
	}
	return rc < 0 ? -1 : 0;
}

void
feed_snapshots_answer(struct feed_snapshots *s, struct feed_ask *a, uint64_t now_ms)
{
	mark_known(s, a);
	a->failed = answer_rooms(s, a, now_ms) < 0;
	feed_snapshots_tick(s, now_ms);
}
