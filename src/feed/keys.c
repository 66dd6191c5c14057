/* SPDX-License-Identifier: MIT */
/* Where the messages of a batch lie in its packet. */
#include "src/feed/keys.h"

#include "eio/check.h"
#include "eio/hash.h"
#include "eio/refs.h"
#include "sio/json.h"
#include "src/feed/format.h"
#include "src/feed/stream.h"

#include <stdlib.h>

/* Of a string with escapes what it means. */
static bool
hash_escaped(const uint64_t hash_key[2], struct eio_bytes string, uint64_t *hash)
{
	struct eio_buf text;
	bool ok;

	eio_buf_init(&text);
	eio_buf_addc(&text, '"');
	sio_json_unescape(&text, string);
	eio_buf_addc(&text, '"');
	ok = !eio_buf_failed(&text);
	if (ok) *hash = eio_hash_bytes(hash_key, eio_buf_bytes(&text));
	eio_buf_deinit(&text);
	return ok;
}

bool
feed_key_of(const uint64_t hash_key[2], const struct feed_spec *f, struct eio_bytes message, uint64_t *key)
{
	struct eio_bytes value;

	*key = FEED_KEY_NONE;
	if (!sio_json_find(message, eio_cstr(f->latest_per), &value)) return true;
	if (sio_json_kind(value) != SIO_JSON_STRING || !memchr(value.p, '\\', value.n))
		*key = eio_hash_bytes(hash_key, value);
	else if (!hash_escaped(hash_key, value, key))
		return false;
	if (*key == FEED_KEY_NONE) *key = FEED_KEY_NONE + 1;
	return true;
}

bool
feed_marks_add(struct eio_buf *marks, size_t at, uint64_t key)
{
	struct feed_mark m = { at, key };

	if (!eio_buf_reserve(marks, sizeof m)) {
		marks->failed = false;
		return false;
	}
	eio_buf_append(marks, &m, sizeof m);
	return true;
}

/* How long bytes are within a JSON string. Each character is escaped by itself, so what is put together adds up. */
static bool
escaped_length(struct eio_buf *scratch, struct eio_bytes s, size_t *n)
{
	eio_buf_clear(scratch);
	sio_json_escape(scratch, s);
	if (eio_buf_failed(scratch)) return false;
	*n = scratch->n - 2;
	return true;
}

/* The content as one part after the other: a batch is one part, a message that fills a batch by itself has the format
 * around it. */
static size_t
content_length(const struct feed_content *c)
{
	return c->before.n + c->body.n + c->after.n;
}

/* Moves the marks of a content that became a string to where its messages lie in that; *n becomes its length. */
static bool
move_into_string(const struct feed_content *c, struct feed_keys *k, size_t *n)
{
	struct eio_bytes parts[] = { c->before, c->body, c->after };
	struct eio_buf scratch = { 0 };
	size_t at = c->before.n, moved = 0, length;
	bool ok = true;

	if (k->n > 1) {
		/* From mark to mark: what is before the first, and behind the last, are brackets that stay so. */
		CHECK(c->before.n == 0 && c->after.n == 0);
		moved = at = k->v[0].at;
		for (size_t i = 0; ok && i < k->n; i++) {
			size_t to = i + 1 < k->n ? k->v[i + 1].at : c->body.n;

			k->v[i].at = moved;
			ok = escaped_length(&scratch, eio_bytes(c->body.p + at, to - at), &length);
			moved += length;
			at = to;
		}
	} else {
		for (size_t i = 0; ok && i < sizeof parts / sizeof parts[0]; i++) {
			ok = escaped_length(&scratch, parts[i], &length);
			moved += length;
		}
	}
	eio_buf_deinit(&scratch);
	*n = moved;
	return ok;
}

/* Where the payload ends in the packet's data: before what closes the event, and before the offset where there is one.
 * A binary one is a packet by itself. */
static size_t
payload_end(const struct feed_spec *f, const struct eio_message *m, size_t offset)
{
	switch (f->encode) {
	case FEED_ENCODE_BINARY: return m->data.n;
	case FEED_ENCODE_JSON: return m->data.n - 1 - offset;
	case FEED_ENCODE_TEXT: return m->data.n - 2 - offset;
	}
	abort();
}

/* Batches in columns have their messages beside them: where a client is behind, they are put together anew. */
static bool
find_in_array(struct feed_keys *k, const struct feed_content *c, const struct eio_message *m)
{
	k->columns = true;
	k->begin = 0;
	k->end = m->data.n;
	k->last = (c->array.n ? c->array.n : k->end) - 1;
	if (!c->array.n) return true;
	k->array = malloc(c->array.n);
	if (!k->array) return false;
	memcpy(k->array, c->array.p, c->array.n);
	k->array_n = c->array.n;
	return true;
}

static bool
find_places(struct feed_keys *k, const struct feed_spec *f, const struct feed_content *c,
	const struct eio_bundle *bundle, size_t offset)
{
	size_t n = content_length(c), from;
	struct eio_message m;

	if (f->encode == FEED_ENCODE_TEXT && !move_into_string(c, k, &n)) return false;
	k->packet = f->encode == FEED_ENCODE_BINARY;
	CHECK(eio_bundle_message(bundle, k->packet, &m));
	k->list = feed_format_is_list(f->format);
	if (f->format == FEED_FORMAT_COLUMNS) return find_in_array(k, c, &m);
	k->last = k->end = payload_end(f, &m, offset);
	CHECK(k->end >= n);
	from = k->end - n;
	for (size_t i = 0; i < k->n; i++) k->v[i].at += from;
	k->begin = from;
	if (!k->list) return true;
	CHECK(n >= 2 && m.data.p[k->begin] == '[' && m.data.p[k->end - 1] == ']');
	k->begin++;
	k->last = --k->end;
	return true;
}

struct feed_keys *
feed_keys_new(
	const struct feed_spec *f, const struct feed_content *content, const struct eio_bundle *bundle, size_t offset)
{
	size_t n = content->n_marks;
	struct feed_keys *k = malloc(sizeof *k + n * sizeof k->v[0]);

	CHECK(n > 0);
	if (!k) return NULL;
	*k = (struct feed_keys){ .max = f->latest_max, .whole = feed_is_bare(f), .n = n };
	atomic_init(&k->refs, 1);
	memcpy(k->v, content->marks, n * sizeof k->v[0]);
	if (k->whole || find_places(k, f, content, bundle, offset)) return k;
	free(k);
	return NULL;
}

struct feed_keys *
feed_keys_ref(struct feed_keys *k)
{
	if (k) eio_refs_take(&k->refs);
	return k;
}

void
feed_keys_unref(struct feed_keys *k)
{
	if (!k || !eio_refs_drop(&k->refs)) return;
	free(k->array);
	free(k);
}
