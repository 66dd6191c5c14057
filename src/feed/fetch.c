/* SPDX-License-Identifier: MIT */
/* Commands and replies; see the header. */
#include "src/feed/fetch.h"

#include "src/redis/command.h"
#include "src/redis/entries.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	FIRST_COUNT = 50,
	/* Neither Redis nor the feed's thread does anything else meanwhile: so many take each some tens of
	 * microseconds, and asking for them about as long. */
	MAX_COUNT = 128,
	MAX_KEYS = 1024, /* of keys that SCAN looks at */
	PORTION_BYTES = 32768,
	LESS = 8, /* by so much less is asked for when it was too much */
	KEEP_BYTES = 262144,
};

/* A reply that is being read. */
struct fetch_reply {
	struct feed_fetch *fetch;
	const struct redis_values *values;
	size_t at;
	void (*each)(void *user, const struct feed_value *v);
	void *user;
};

void
feed_fetch_begin(struct feed_fetch *f, const struct feed_prime *prime)
{
	f->prime = prime;
	snprintf(f->cursor, sizeof f->cursor, "0");
	f->count = FIRST_COUNT;
	f->n_keys = 0;
	f->left_out = 0;
	f->over = false;
}

void
feed_fetch_deinit(struct feed_fetch *f)
{
	eio_buf_deinit(&f->keys);
	feed_entry_deinit(&f->entry);
}

bool
feed_fetch_reads_values(const struct feed_fetch *f)
{
	return f->prime->kind != FEED_PRIME_SCAN || f->n_keys;
}

/* Commands */

static void
add_number(struct eio_buf *out, long long n)
{
	char text[24];

	redis_argument(out, eio_bytes(text, (size_t)snprintf(text, sizeof text, "%lld", n)));
}

/* Of a command of n words, its name and the key. */
static void
begin_fetch_command(struct eio_buf *out, size_t n, const char *name, const char *key)
{
	redis_command(out, n);
	redis_argument(out, eio_cstr(name));
	redis_argument(out, eio_cstr(key));
}

static void
add_range(struct eio_buf *out, const char *name, const struct feed_prime *p, bool from_start)
{
	long long n = (long long)p->count;

	begin_fetch_command(out, 4, name, p->key);
	add_number(out, from_start ? 0 : -n);
	add_number(out, from_start ? n - 1 : -1);
}

static bool
next_fetch_key(const struct feed_fetch *f, size_t *at, struct eio_bytes *key)
{
	size_t n;

	if (*at >= f->keys.n) return false;
	memcpy(&n, f->keys.p + *at, sizeof n);
	*key = eio_bytes(f->keys.p + *at + sizeof n, n);
	*at += sizeof n + n;
	return true;
}

static void
ask_keys(struct feed_fetch *f, struct eio_buf *out)
{
	size_t at = f->keys_at;
	struct eio_bytes key;

	if (f->n_keys) {
		f->n_asked = f->count < MAX_COUNT ? f->count : MAX_COUNT;
		if (f->n_asked > f->n_keys) f->n_asked = f->n_keys;
		redis_command(out, 1 + f->n_asked);
		redis_argument(out, EIO_LIT("MGET"));
		for (size_t i = 0; i < f->n_asked && next_fetch_key(f, &at, &key); i++) redis_argument(out, key);
		return;
	}
	begin_fetch_command(out, 6, "SCAN", f->cursor);
	redis_argument(out, EIO_LIT("MATCH"));
	redis_argument(out, eio_cstr(f->prime->key));
	redis_argument(out, EIO_LIT("COUNT"));
	add_number(out, f->count);
}

void
feed_fetch_ask(struct feed_fetch *f, struct eio_buf *out)
{
	const struct feed_prime *p = f->prime;

	switch (p->kind) {
	case FEED_PRIME_STRING: begin_fetch_command(out, 2, "GET", p->key); break;
	case FEED_PRIME_LIST: add_range(out, "LRANGE", p, !p->newest_last); break;
	case FEED_PRIME_ZSET: add_range(out, "ZRANGE", p, false); break;
	case FEED_PRIME_SCAN: ask_keys(f, out); break;
	case FEED_PRIME_HASH:
		begin_fetch_command(out, 5, "HSCAN", p->key);
		redis_argument(out, eio_cstr(f->cursor));
		redis_argument(out, EIO_LIT("COUNT"));
		add_number(out, f->count);
		break;
	case FEED_PRIME_STREAM:
		begin_fetch_command(out, 6, "XREVRANGE", p->key);
		redis_argument(out, EIO_LIT("+"));
		redis_argument(out, EIO_LIT("-"));
		redis_argument(out, EIO_LIT("COUNT"));
		add_number(out, (long long)p->count);
		break;
	}
}

/* Replies */

static bool
take_item(struct fetch_reply *r, enum redis_item_kind kind, struct redis_item *out)
{
	return redis_values_next(r->values, &r->at, out) && out->kind == kind;
}

/* An array, whose elements come next. */
static bool
take_array(struct fetch_reply *r, size_t *n)
{
	struct redis_item item;

	if (!take_item(r, REDIS_ITEM_ARRAY, &item)) return false;
	*n = item.n;
	return true;
}

/* Tells a value, if there is one. */
static void
tell_value(struct fetch_reply *r, struct eio_bytes key, struct eio_bytes field, const struct redis_item *item)
{
	if (item->kind != REDIS_ITEM_STRING)
		r->fetch->left_out++;
	else
		r->each(r->user, &(struct feed_value){ key, field, item->bytes });
}

static struct eio_bytes
own_key(const struct feed_fetch *f)
{
	return eio_cstr(f->prime->key);
}

/* What comes of HSCAN and SCAN first: the next cursor, and how many elements follow. */
static bool
take_cursor(struct fetch_reply *r, size_t *n)
{
	struct feed_fetch *f = r->fetch;
	struct redis_item cursor;
	size_t two;

	if (!take_array(r, &two) || two != 2 || !take_item(r, REDIS_ITEM_STRING, &cursor) || !take_array(r, n))
		return false;
	if (!cursor.bytes.n || cursor.bytes.n >= sizeof f->cursor) return false;
	memcpy(f->cursor, cursor.bytes.p, cursor.bytes.n);
	f->cursor[cursor.bytes.n] = '\0';
	return true;
}

/* Towards portions of the right size. */
static void
adapt_count(struct feed_fetch *f, size_t bytes, unsigned most)
{
	size_t count = bytes > PORTION_BYTES / 4 ? (size_t)((double)f->count * PORTION_BYTES / (double)bytes)
						 : (size_t)f->count * 4;

	f->count = count < 1 ? 1 : count > most ? most : (unsigned)count;
}

static enum feed_fetched
take_hash(struct fetch_reply *r)
{
	struct redis_item field, value;
	size_t n;

	if (!take_cursor(r, &n) || n % 2) return FEED_FETCH_WRONG;
	for (; n; n -= 2) {
		if (!redis_values_next(r->values, &r->at, &field) || !redis_values_next(r->values, &r->at, &value))
			return FEED_FETCH_WRONG;
		tell_value(r, own_key(r->fetch), field.bytes, &value);
	}
	r->fetch->over = strcmp(r->fetch->cursor, "0") == 0;
	adapt_count(r->fetch, r->values->items.n, MAX_COUNT);
	return FEED_FETCHED;
}

static enum feed_fetched
take_keys(struct fetch_reply *r)
{
	struct feed_fetch *f = r->fetch;
	struct redis_item key;
	size_t n;

	if (f->keys.cap > KEEP_BYTES) eio_buf_deinit(&f->keys);
	eio_buf_clear(&f->keys);
	f->keys_at = 0;
	if (!take_cursor(r, &n)) return FEED_FETCH_WRONG;
	for (; n; n--) {
		if (!take_item(r, REDIS_ITEM_STRING, &key)) return FEED_FETCH_WRONG;
		eio_buf_append(&f->keys, &key.bytes.n, sizeof key.bytes.n);
		eio_buf_add(&f->keys, key.bytes);
		f->n_keys++;
	}
	if (!f->n_keys) adapt_count(f, 0, MAX_KEYS);
	f->over = !f->n_keys && strcmp(f->cursor, "0") == 0;
	return eio_buf_failed(&f->keys) ? FEED_FETCH_NO_MEMORY : FEED_FETCHED;
}

static enum feed_fetched
take_values_of_keys(struct fetch_reply *r)
{
	struct feed_fetch *f = r->fetch;
	struct redis_item value;
	struct eio_bytes key;
	size_t n;

	if (!take_array(r, &n) || n != f->n_asked) return FEED_FETCH_WRONG;
	for (; n && next_fetch_key(f, &f->keys_at, &key); n--) {
		if (!redis_values_next(r->values, &r->at, &value)) return FEED_FETCH_WRONG;
		tell_value(r, key, EIO_LIT(""), &value);
	}
	f->n_keys -= f->n_asked;
	f->over = !f->n_keys && strcmp(f->cursor, "0") == 0;
	adapt_count(f, r->values->items.n, MAX_COUNT);
	return FEED_FETCHED;
}

/* The values that r->at stands in front of: an entry, made one value; or a string. */
static bool
take_element(struct fetch_reply *r, struct eio_buf *words, struct redis_item *out)
{
	struct redis_item id, word;
	size_t two, n;

	if (r->fetch->prime->kind != FEED_PRIME_STREAM) return redis_values_next(r->values, &r->at, out);
	eio_buf_clear(words);
	out->kind = REDIS_ITEM_STRING;
	if (!take_array(r, &two) || two != 2 || !take_item(r, REDIS_ITEM_STRING, &id) || !take_array(r, &n))
		return false;
	for (; n; n--) {
		if (!redis_values_next(r->values, &r->at, &word)) return false;
		if (word.kind != REDIS_ITEM_STRING) out->kind = REDIS_ITEM_TOO_LONG;
		redis_entry_add(words, word.bytes);
	}
	return true;
}

static void
tell_element(struct fetch_reply *r, const struct eio_buf *words, struct redis_item *item)
{
	struct feed_fetch *f = r->fetch;
	struct message m = { .words = eio_buf_bytes(words) };

	if (f->prime->kind == FEED_PRIME_STREAM) {
		feed_entry_begin(&f->entry);
		if (eio_buf_failed(words) || feed_entry_fill(&f->entry, f->prime->field, &m) != FEED_FATE_TAKEN)
			item->kind = REDIS_ITEM_NIL;
		item->bytes = m.payload;
	}
	tell_value(r, own_key(f), EIO_LIT(""), item);
}

/* Where each of n elements begins. False: they are no elements. */
static bool
find_elements(struct fetch_reply *r, struct eio_buf *words, size_t *places, size_t n)
{
	struct redis_item item;

	for (size_t i = 0; i < n; i++) {
		places[i] = r->at;
		if (!take_element(r, words, &item)) return false;
	}
	return true;
}

/* All at once. What Redis gives the newest first is told from behind. */
static enum feed_fetched
take_elements(struct fetch_reply *r)
{
	const struct feed_prime *p = r->fetch->prime;
	bool backwards = p->kind == FEED_PRIME_STREAM || (p->kind == FEED_PRIME_LIST && !p->newest_last);
	enum feed_fetched result = FEED_FETCH_WRONG;
	struct eio_buf words = { 0 };
	struct redis_item item;
	size_t *places, n;

	if (!take_array(r, &n)) return FEED_FETCH_WRONG;
	places = calloc(n + 1, sizeof *places);
	if (!places) return FEED_FETCH_NO_MEMORY;
	if (find_elements(r, &words, places, n)) {
		result = FEED_FETCHED;
		for (size_t i = 0; i < n; i++) {
			r->at = places[backwards ? n - 1 - i : i];
			take_element(r, &words, &item);
			tell_element(r, &words, &item);
		}
	}
	eio_buf_deinit(&words);
	free(places);
	r->fetch->over = true;
	return result;
}

static enum feed_fetched
take_single_value(struct fetch_reply *r)
{
	struct redis_item item;

	if (!redis_values_next(r->values, &r->at, &item) || item.kind == REDIS_ITEM_ARRAY) return FEED_FETCH_WRONG;
	r->fetch->over = true;
	if (item.kind != REDIS_ITEM_NIL) tell_value(r, own_key(r->fetch), EIO_LIT(""), &item);
	return FEED_FETCHED;
}

/* The reply is larger than what may be held. */
static enum feed_fetched
ask_for_less(struct feed_fetch *f)
{
	bool in_portions = f->prime->kind == FEED_PRIME_HASH || f->prime->kind == FEED_PRIME_SCAN;

	if (!in_portions || f->count == 1) return FEED_FETCH_TOO_LARGE;
	f->count = f->count > LESS ? f->count / LESS : 1;
	return FEED_FETCH_AGAIN;
}

enum feed_fetched
feed_fetch_take(struct feed_fetch *f, const struct redis_values *reply, size_t at, struct eio_bytes *why,
	void (*each)(void *user, const struct feed_value *v), void *user)
{
	struct fetch_reply r = { f, reply, at, each, user };
	struct redis_item first;

	if (reply->overflowed) return ask_for_less(f);
	if (redis_values_next(reply, &at, &first) && first.kind == REDIS_ITEM_ERROR) {
		*why = first.bytes;
		return FEED_FETCH_REFUSED;
	}
	switch (f->prime->kind) {
	case FEED_PRIME_HASH: return take_hash(&r);
	case FEED_PRIME_STRING: return take_single_value(&r);
	case FEED_PRIME_SCAN: return f->n_keys ? take_values_of_keys(&r) : take_keys(&r);
	case FEED_PRIME_LIST:
	case FEED_PRIME_ZSET:
	case FEED_PRIME_STREAM: break;
	}
	return take_elements(&r);
}

/* Errors */

bool
feed_fetch_is_transient(struct eio_bytes error)
{
	static const char *const words[] = { "LOADING", "MASTERDOWN", "BUSY", "TRYAGAIN", "CLUSTERDOWN" };

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (eio_bytes_starts(error, eio_cstr(words[i]))) return true;
	return false;
}

const char *
feed_fetch_hint(struct eio_bytes error)
{
	if (eio_bytes_starts(error, EIO_LIT("MOVED")) || eio_bytes_starts(error, EIO_LIT("CROSSSLOT")))
		return " hint=\"of a Redis Cluster only keys of this node can be read\"";
	if (eio_bytes_starts(error, EIO_LIT("WRONGTYPE"))) return " hint=\"the key is of another type\"";
	if (eio_bytes_starts(error, EIO_LIT("NOPERM"))) return " hint=\"see the ACL of this user\"";
	return "";
}
