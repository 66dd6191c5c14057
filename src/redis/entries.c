/* SPDX-License-Identifier: MIT */
/* Collecting entries. */
#include "src/redis/entries.h"

#include <string.h>

/* A buffer that was needed for a long entry is not kept. It is also what a few words more than the bytes allowed may
 * cost: empty words are words, too. */
enum { KEEP_BYTES = 65536 };

/* Where things lie in an answer to XREAD. In one to XREVRANGE there are two levels less: where XREAD has a name there
 * is an id, and where it has an entry, a word. */
enum { DEPTH_OF_STREAM = 1, DEPTH_OF_NAME = 2, DEPTH_OF_ENTRY = 3, DEPTH_OF_ID = 4, DEPTH_OF_WORD = 5 };

enum info_item { ITEM_NONE, ITEM_LENGTH, ITEM_LAST, ITEM_DELETED, ITEM_ADDED, ITEM_FIRST };

static const struct {
	const char *name;
	enum info_item item;
} items[] = {
	{ "length", ITEM_LENGTH },
	{ "last-generated-id", ITEM_LAST },
	{ "max-deleted-entry-id", ITEM_DELETED },
	{ "entries-added", ITEM_ADDED },
	{ "first-entry", ITEM_FIRST },
};

void
redis_entries_deinit(struct redis_entries *es)
{
	eio_buf_deinit(&es->name);
	eio_buf_deinit(&es->id);
	eio_buf_deinit(&es->words);
}

void
redis_entries_begin(struct redis_entries *es)
{
	es->answer = REDIS_ANSWER_OTHER;
	es->complete = false;
	es->left = 0;
}

void
redis_entry_add(struct eio_buf *words, struct eio_bytes word)
{
	struct redis_word head = { word.n };

	eio_buf_append(words, &head, sizeof head);
	eio_buf_add(words, word);
}

static bool
next_entry_word(struct eio_bytes words, size_t *at, struct eio_bytes *out)
{
	struct redis_word head;

	if (*at >= words.n) return false;
	memcpy(&head, words.p + *at, sizeof head);
	*out = eio_bytes(words.p + *at + sizeof head, head.n);
	*at += sizeof head + head.n;
	return true;
}

bool
redis_entry_next(struct eio_bytes words, size_t *at, struct eio_bytes *field, struct eio_bytes *value)
{
	return next_entry_word(words, at, field) && next_entry_word(words, at, value);
}

static void
begin_entry(struct redis_entries *es)
{
	if (es->words.cap > KEEP_BYTES) eio_buf_deinit(&es->words);
	eio_buf_clear(&es->words);
	eio_buf_clear(&es->id);
	es->bytes = 0;
	es->too_long = false;
	es->left = 0;
}

static enum info_item
item_by_name(struct eio_bytes name)
{
	for (size_t i = 0; i < sizeof items / sizeof items[0]; i++)
		if (eio_bytes_eq(name, eio_cstr(items[i].name))) return items[i].item;
	return ITEM_NONE;
}

void
redis_entries_array(struct redis_entries *es, int depth, int index, long long elements)
{
	if (depth == DEPTH_OF_STREAM && index == 0 && es->answer == REDIS_ANSWER_OTHER)
		es->answer = REDIS_ANSWER_ENTRIES;
	if (es->answer != REDIS_ANSWER_ENTRIES) return;
	if (depth == DEPTH_OF_NAME && index == 1) es->elements = elements;
	if (depth == DEPTH_OF_ENTRY) begin_entry(es);
	/* It has fields, always in pairs; whatever else this may be is no entry. */
	if (depth == DEPTH_OF_ID && index == 1 && elements > 0 && elements % 2 == 0) es->left = elements;
}

/* The first word of an entry whose id was taken for a name. */
static void
begin_ranged(struct redis_entries *es)
{
	begin_entry(es);
	eio_buf_add(&es->id, eio_buf_bytes(&es->name));
	eio_buf_clear(&es->name);
	if (es->elements > 0 && es->elements % 2 == 0) es->left = es->elements;
}

static void
note_entry_word(struct redis_entries *es, struct eio_bytes s, uint64_t skipped)
{
	size_t most = es->max < SIZE_MAX / 2 ? es->max + KEEP_BYTES : SIZE_MAX;

	es->bytes += skipped ? (size_t)skipped : s.n;
	if (skipped || es->bytes > es->max || es->words.n / 2 > most) es->too_long = true;
	if (!es->too_long) redis_entry_add(&es->words, s);
	es->complete = --es->left == 0;
}

static void
note_item(struct redis_entries *es, int index, struct eio_bytes s)
{
	if (index % 2 == 0)
		es->item = item_by_name(s);
	else if (es->item == ITEM_LAST)
		redis_id_parse(&es->info.last, s);
	else if (es->item == ITEM_DELETED)
		redis_id_parse(&es->info.deleted, s);
}

void
redis_entries_string(struct redis_entries *es, int depth, int index, struct eio_bytes s, uint64_t skipped)
{
	if (depth == 1 && index == 0 && item_by_name(s) == ITEM_LENGTH) {
		es->answer = REDIS_ANSWER_INFO;
		es->info = (struct redis_stream_info){ .length = 0 };
	}
	if (es->answer == REDIS_ANSWER_INFO) {
		if (depth == 1) note_item(es, index, s);
		if (depth == 2 && index == 0 && es->item == ITEM_FIRST) redis_id_parse(&es->info.first, s);
	} else if (es->answer == REDIS_ANSWER_ENTRIES) {
		if (depth == DEPTH_OF_NAME && index == 0) {
			eio_buf_clear(&es->name);
			eio_buf_add(&es->name, s);
		} else if (depth == DEPTH_OF_ID && index == 0) {
			eio_buf_add(&es->id, s);
		} else if (depth == DEPTH_OF_WORD || depth == DEPTH_OF_ENTRY) {
			if (depth == DEPTH_OF_ENTRY && index == 0) begin_ranged(es);
			if (es->left > 0) note_entry_word(es, s, skipped);
		}
	}
}

void
redis_entries_integer(struct redis_entries *es, int depth, int index, long long value)
{
	if (es->answer != REDIS_ANSWER_INFO || depth != 1 || index % 2 == 0 || value < 0) return;
	if (es->item == ITEM_LENGTH) es->info.length = (uint64_t)value;
	if (es->item == ITEM_ADDED) {
		es->info.added = (uint64_t)value;
		es->info.counts = true;
	}
}

bool
redis_entries_take(struct redis_entries *es, struct redis_entry *out)
{
	if (!es->complete) return false;
	es->complete = false;
	*out = (struct redis_entry){
		.stream = eio_buf_bytes(&es->name),
		.id = eio_buf_bytes(&es->id),
		.words = es->too_long ? EIO_LIT("") : eio_buf_bytes(&es->words),
		.skipped = !es->too_long	 ? 0
			   : es->bytes > es->max ? es->bytes
						 : es->words.n,
	};
	return true;
}

bool
redis_entries_failed(const struct redis_entries *es)
{
	return eio_buf_failed(&es->name) || eio_buf_failed(&es->id) || eio_buf_failed(&es->words);
}
