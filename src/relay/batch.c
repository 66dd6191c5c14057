/* SPDX-License-Identifier: MIT */
/* Batches on their way between siocasts. What comes from a hub is checked as what comes from anybody: places of
 * messages lie where others look them up without a question. */
#include "src/relay/batch.h"

#include "sio/json.h"
#include "sio/packet.h"
#include "src/feed/keys.h"

#include <stdlib.h>

enum {
	TERM_SLOW = 3,
	TERM_LAG_EVENT = 4,
	TERM_RETAINED = 8,
	TERM_FLEETING = 16,
	TERM_KEYS = 32,
	TERM_ALL = 63,
	KEYS_WHOLE = 1,
	KEYS_LIST = 2,
	KEYS_COLUMNS = 4,
	KEYS_ALL = 7,
	MARK_LEAST = 1 + sizeof(uint64_t), /* bytes of a mark */
};

/* Writing */

static void
put_names(struct eio_buf *out, const struct eio_bytes *v, size_t n)
{
	relay_put_number(out, n);
	for (size_t i = 0; i < n; i++) relay_put_bytes(out, v[i]);
}

static void
put_keys(struct eio_buf *out, const struct feed_keys *k)
{
	size_t at = 0;

	eio_buf_addc(
		out, (char)((k->whole ? KEYS_WHOLE : 0) | (k->list ? KEYS_LIST : 0) | (k->columns ? KEYS_COLUMNS : 0)));
	relay_put_number(out, k->max);
	relay_put_number(out, k->packet);
	relay_put_number(out, k->begin);
	relay_put_number(out, k->end);
	relay_put_number(out, k->last);
	relay_put_bytes(out, eio_bytes(k->array, k->array_n));
	relay_put_number(out, k->n);
	for (size_t i = 0; i < k->n; i++) {
		/* Where all is one message nobody has found a place for it. */
		relay_put_number(out, k->whole ? 0 : k->v[i].at - at);
		at = k->v[i].at;
		eio_buf_append(out, &k->v[i].key, sizeof k->v[i].key);
	}
}

bool
relay_batch_write(struct eio_buf *out, const struct delivery_item *item, uint64_t number)
{
	struct eio_bundle *bare = eio_bundle_bare(item->bundle); /* offsets are of one siocast */
	unsigned flags = (unsigned)item->slow | (item->lag_event ? TERM_LAG_EVENT : 0) |
			 (item->retained ? TERM_RETAINED : 0) | (item->fleeting ? TERM_FLEETING : 0) |
			 (item->keys ? TERM_KEYS : 0);

	if (!bare) return false;
	if (item->audience) {
		relay_put_bytes(out, item->audience->nsp);
		put_names(out, item->audience->rooms, item->audience->n_rooms);
		put_names(out, item->audience->except, item->audience->n_except);
	} else {
		relay_put_number(out, number);
	}
	eio_buf_addc(out, (char)flags);
	eio_buf_append(out, &item->stream, sizeof item->stream);
	if (item->keys) put_keys(out, item->keys);
	relay_put_packets(out, bare);
	return !eio_buf_failed(out);
}

/* Reading */

/* A list of names as an array of the caller's. False when there is none, or memory is out (*nomem). */
static bool
take_batch_names(struct eio_bytes *s, struct eio_bytes **v, size_t *n, bool *nomem)
{
	uint64_t count;
	size_t i = 0;

	if (!relay_take_number(s, &count) || count > RELAY_ROOMS_LISTED || count > s->n) return false;
	*v = calloc((size_t)count + 1, sizeof **v);
	*nomem = !*v;
	*n = (size_t)count;
	while (*v && i < count && relay_take_bytes(s, &(*v)[i])) i++;
	return *v && i == count;
}

static bool
take_audience(struct eio_bytes *s, struct audience **out, bool *nomem)
{
	struct eio_bytes *rooms = NULL, *except = NULL;
	struct audience a = { .n_rooms = 0 };
	bool good = relay_take_bytes(s, &a.nsp) && a.nsp.n && *a.nsp.p == '/' &&
		    take_batch_names(s, &rooms, &a.n_rooms, nomem) && take_batch_names(s, &except, &a.n_except, nomem);

	if (good) {
		a.rooms = rooms;
		a.except = except;
		*out = audience_new(&a);
		*nomem = !*out;
	}
	free(rooms);
	free(except);
	return good && *out;
}

static bool
take_size(struct eio_bytes *s, size_t *out)
{
	uint64_t v;

	if (!relay_take_number(s, &v) || v > SIZE_MAX / 2) return false;
	*out = (size_t)v;
	return true;
}

static bool
take_marks(struct eio_bytes *s, struct feed_keys *k)
{
	size_t at = 0, more;

	for (size_t i = 0; i < k->n; i++) {
		if (!take_size(s, &more) || more > SIZE_MAX / 2 - at) return false;
		at += more;
		k->v[i].at = at;
		if (!relay_take_fixed(s, &k->v[i].key, sizeof k->v[i].key)) return false;
	}
	return true;
}

/* Keys without their array and marks. */
static bool
take_keys_head(struct eio_bytes *s, struct feed_keys *k, struct eio_bytes *array)
{
	unsigned flags;

	if (!relay_take_byte(s, &flags) || flags > KEYS_ALL) return false;
	*k = (struct feed_keys){
		.whole = flags & KEYS_WHOLE, .list = flags & KEYS_LIST, .columns = flags & KEYS_COLUMNS
	};
	return take_size(s, &k->max) && take_size(s, &k->packet) && take_size(s, &k->begin) && take_size(s, &k->end) &&
	       take_size(s, &k->last) && relay_take_bytes(s, array) && take_size(s, &k->n) && k->n > 0 &&
	       k->n <= s->n / MARK_LEAST && k->max > 0;
}

static bool
take_batch_keys(struct eio_bytes *s, struct feed_keys **out, bool *nomem)
{
	struct eio_bytes array;
	struct feed_keys head, *k;

	if (!take_keys_head(s, &head, &array)) return false;
	k = malloc(sizeof *k + head.n * sizeof k->v[0]);
	if (k) {
		*k = head;
		atomic_init(&k->refs, 1);
		if (array.n) k->array = malloc(array.n);
	}
	if (!k || (array.n && !k->array)) {
		*nomem = true;
		free(k);
		return false;
	}
	if (array.n) memcpy(k->array, array.p, array.n);
	k->array_n = array.n;
	*out = k;
	return take_marks(s, k);
}

/* Columns are made of messages without looking where they end: each has to be JSON. Their places are right. */
static bool
columns_are_json(const struct feed_keys *k, struct eio_bytes data)
{
	if (k->array_n) data = eio_bytes(k->array, k->array_n);
	for (size_t i = 0; i < k->n; i++) {
		size_t from = k->v[i].at, to = i + 1 < k->n ? k->v[i + 1].at - 1 : k->last;

		if (sio_json_check(eio_bytes(data.p + from, to - from))) return false;
	}
	return true;
}

/* Whether all that keys name lies in the packets: whoever puts messages together believes that. */
static bool
keys_fit(const struct feed_keys *k, const struct eio_bundle *bundle)
{
	struct eio_message m;
	size_t n;

	if (k->packet > 1 || !eio_bundle_message(bundle, k->packet, &m)) return false;
	if (k->whole && (k->list || k->columns)) return false;
	if (k->whole) return k->n == 1 && !k->array_n && !k->packet && !k->end && !k->begin && !m.binary;
	if (k->begin > k->end || k->end > m.data.n) return false;
	if (k->columns && !k->list) return false;
	n = k->array_n ? k->array_n : m.data.n;
	if (k->last > n || k->v[0].at > k->last || (!k->array_n && k->v[0].at < k->begin)) return false;
	if (!k->array_n && !k->columns && k->last > k->end) return false;
	for (size_t i = 1; i < k->n; i++)
		if (k->v[i].at < k->v[i - 1].at + k->list || k->v[i].at > k->last) return false;
	return !k->columns || columns_are_json(k, m.data);
}

/* What is passed on is an event, and nothing else: where clients are recovered, an offset is put behind its
 * arguments. */
static bool
is_event_bundle(const struct eio_bundle *bundle)
{
	struct eio_message m;

	if (!eio_bundle_message(bundle, 0, &m) || m.binary || m.data.n < 3) return false;
	return (m.data.p[0] == '0' + SIO_PACKET_EVENT || m.data.p[0] == '0' + SIO_PACKET_BINARY_EVENT) &&
	       m.data.p[m.data.n - 1] == ']';
}

static bool
take_terms(struct eio_bytes *s, struct relay_batch *out, bool *nomem)
{
	unsigned flags;

	if (!relay_take_byte(s, &flags) || flags > TERM_ALL || (flags & TERM_SLOW) > FEED_SLOW_DISCONNECT) return false;
	out->slow = (enum feed_slow)(flags & TERM_SLOW);
	out->lag_event = flags & TERM_LAG_EVENT;
	out->retained = flags & TERM_RETAINED;
	out->fleeting = flags & TERM_FLEETING;
	if (!relay_take_fixed(s, &out->stream, sizeof out->stream)) return false;
	return !(flags & TERM_KEYS) || take_batch_keys(s, &out->keys, nomem);
}

bool
relay_batch_read(unsigned type, struct eio_bytes s, struct relay_batch *out, bool *nomem)
{
	bool good;

	*out = (struct relay_batch){ .number = 0 };
	*nomem = false;
	good = type == RELAY_AUDIENCE ? take_audience(&s, &out->audience, nomem)
				      : relay_take_number(&s, &out->number) && out->number;
	good = good && take_terms(&s, out, nomem) && relay_take_packets(&s, &out->bundle, nomem);
	good = good && is_event_bundle(out->bundle) && (!out->keys || keys_fit(out->keys, out->bundle));
	if (!good) relay_batch_deinit(out);
	return good;
}

void
relay_batch_deinit(struct relay_batch *b)
{
	audience_unref(b->audience);
	feed_keys_unref(b->keys);
	eio_bundle_unref(b->bundle);
	*b = (struct relay_batch){ .number = 0 };
}
