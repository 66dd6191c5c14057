/* SPDX-License-Identifier: MIT */
/* Questions and answers as bytes. */
#include "src/relay/ask.h"

#include <stdlib.h>

enum { ASK_EVERYONE = 1, ANSWER_FAILED = 1 };

void
relay_question_write(struct eio_buf *out, const struct feed_ask *a, bool with_id)
{
	eio_buf_addc(out, a->everyone ? ASK_EVERYONE : 0);
	relay_put_bytes(out, a->nsp);
	relay_put_bytes(out, with_id ? a->id : eio_bytes("", 0));
	relay_put_number(out, a->n_rooms);
	for (size_t i = 0; i < a->n_rooms; i++) relay_put_bytes(out, a->rooms[i]);
	relay_put_number(out, a->n_has);
	for (size_t i = 0; i < a->n_has; i++) relay_put_bytes(out, a->has[i]);
}

/* Takes a list behind the n names that there are. */
static bool
take_asked_list(struct eio_bytes *s, struct eio_bytes **names, size_t before, size_t *n, bool *nomem)
{
	struct eio_bytes *more;
	uint64_t count;

	if (!relay_take_number(s, &count) || count > s->n) return false;
	more = realloc(*names, (before + (size_t)count + 1) * sizeof **names);
	if (!more) {
		*nomem = true;
		return false;
	}
	*names = more;
	for (*n = 0; *n < count; ++*n)
		if (!relay_take_bytes(s, &more[before + *n])) return false;
	return true;
}

bool
relay_question_read(struct eio_bytes s, struct feed_ask *out, struct eio_bytes **names, bool *nomem)
{
	unsigned flags;
	bool good;

	*names = NULL;
	*nomem = false;
	good = relay_take_byte(&s, &flags) && flags <= ASK_EVERYONE && relay_take_bytes(&s, &out->nsp) && out->nsp.n &&
	       *out->nsp.p == '/' && relay_take_bytes(&s, &out->id) &&
	       take_asked_list(&s, names, 0, &out->n_rooms, nomem) &&
	       take_asked_list(&s, names, out->n_rooms, &out->n_has, nomem) && !s.n;
	if (!good) {
		free(*names);
		*names = NULL;
		return false;
	}
	out->everyone = flags;
	out->rooms = *names;
	out->has = *names + out->n_rooms;
	return true;
}

void
relay_answer_write(struct eio_buf *out, const struct feed_ask *a)
{
	struct eio_buf one = { 0 };

	eio_buf_addc(out, a->failed ? ANSWER_FAILED : 0);
	relay_put_number(out, a->done);
	relay_put_number(out, a->n);
	for (size_t i = 0; i < a->n; i++) {
		struct eio_bundle *bare = eio_bundle_bare(a->bundles[i]);

		eio_buf_clear(&one);
		if (bare) relay_put_packets(&one, bare);
		if (!bare || eio_buf_failed(&one)) out->failed = true;
		relay_put_bytes(out, eio_buf_bytes(&one));
	}
	eio_buf_deinit(&one);
}

static bool
take_bundles(struct eio_bytes *s, struct feed_ask *a, uint64_t n)
{
	struct eio_bytes packets;
	bool nomem;

	a->bundles = calloc((size_t)n + 1, sizeof(struct eio_bundle *));
	a->failed = !a->bundles;
	for (uint64_t i = 0; i < n; i++) {
		if (!relay_take_bytes(s, &packets)) return false;
		if (a->failed) continue;
		if (relay_take_packets(&packets, &a->bundles[a->n], &nomem))
			a->n++;
		else if (nomem)
			a->failed = true;
		else
			return false;
	}
	return true;
}

bool
relay_answer_read(struct eio_bytes s, struct feed_ask *a)
{
	size_t asked = a->n_rooms + a->everyone;
	uint64_t done, n;
	unsigned flags;

	if (!relay_take_byte(&s, &flags) || flags > ANSWER_FAILED || !relay_take_number(&s, &done) ||
		!relay_take_number(&s, &n) || n > s.n || !take_bundles(&s, a, n) || s.n)
		return false;
	/* At least one of the rooms, or it would be asked for ever. */
	if (!flags && (done > asked || (asked && !done))) return false;
	a->failed |= flags;
	a->done = (size_t)done;
	return true;
}

void
relay_answer_share(const struct feed_ask *from, struct feed_ask *to)
{
	to->failed = from->failed;
	to->done = from->done;
	if (to->failed) return;
	to->bundles = calloc(from->n + 1, sizeof(struct eio_bundle *));
	to->failed = !to->bundles;
	if (to->failed) return;
	for (; to->n < from->n; to->n++) to->bundles[to->n] = eio_bundle_ref(from->bundles[to->n]);
}
