/* SPDX-License-Identifier: MIT */
/* From an entry to a message. */
#include "src/feed/entry.h"

#include "sio/json.h"
#include "src/redis/entries.h"

/* A buffer that was needed for a long entry is not kept. */
enum { KEEP_BYTES = 65536 };

void
feed_entry_deinit(struct feed_entry *e)
{
	eio_buf_deinit(&e->json);
}

void
feed_entry_begin(struct feed_entry *e)
{
	if (e->json.cap > KEEP_BYTES) eio_buf_deinit(&e->json);
	eio_buf_clear(&e->json);
	e->made = false;
}

/* The first of that name, should there be several. */
static bool
find_field(struct eio_bytes words, struct eio_bytes name, struct eio_bytes *out)
{
	struct eio_bytes field, value;
	size_t at = 0;

	while (redis_entry_next(words, &at, &field, &value)) {
		if (!eio_bytes_eq(field, name)) continue;
		*out = value;
		return true;
	}
	return false;
}

/* Names and values are strings, whatever they hold: a number as text is a string, as it is to Redis. */
static void
make_entry_json(struct feed_entry *e, struct eio_bytes words)
{
	struct eio_bytes field, value;
	size_t at = 0;

	e->made = true;
	eio_buf_addc(&e->json, '{');
	while (redis_entry_next(words, &at, &field, &value)) {
		if (e->json.n > 1) eio_buf_addc(&e->json, ',');
		sio_json_escape(&e->json, field);
		eio_buf_addc(&e->json, ':');
		sio_json_escape(&e->json, value);
	}
	eio_buf_addc(&e->json, '}');
}

enum feed_fate
feed_entry_fill(struct feed_entry *e, const char *field, struct message *m)
{
	if (field) return find_field(m->words, eio_cstr(field), &m->payload) ? FEED_FATE_TAKEN : FEED_FATE_FIELD;
	if (!e->made) make_entry_json(e, m->words);
	if (eio_buf_failed(&e->json)) return FEED_FATE_MEMORY;
	m->payload = eio_buf_bytes(&e->json);
	m->json = m->utf8 = MESSAGE_FACT_YES;
	return FEED_FATE_TAKEN;
}
