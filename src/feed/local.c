/* SPDX-License-Identifier: MIT */
/* Names, and what stands for them. */
#include "src/feed/local.h"

#include "eio/hash.h"

#include <stdlib.h>

enum { NAMES_MAX = 4096 }; /* more are few again where one pattern makes many */

static const char characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void
feed_local_deinit(struct feed_local *l)
{
	for (size_t i = 0; i < l->n; i++) free(l->v[i].name);
	free(l->v);
	*l = (struct feed_local){ 0 };
}

static const struct feed_local_name *
find_local_name(const struct feed_local *l, struct eio_bytes nsp)
{
	for (size_t i = 0; i < l->n; i++)
		if (eio_bytes_eq(eio_cstr(l->v[i].name), nsp)) return &l->v[i];
	return NULL;
}

bool
feed_local_has(const struct feed_local *l, struct eio_bytes nsp)
{
	return l->all || (l->n && find_local_name(l, nsp));
}

bool
feed_local_had(const struct feed_local *l, struct eio_bytes nsp, uint64_t ms, uint64_t now_ms)
{
	const struct feed_local_name *name = find_local_name(l, nsp);

	return name && name->declared && now_ms - name->since_ms > ms;
}

bool
feed_local_is_full(const struct feed_local *l)
{
	return l->n == NAMES_MAX;
}

static bool
reserve_name(struct feed_local *l)
{
	size_t cap = l->cap ? 2 * l->cap : 8;
	struct feed_local_name *v;

	if (l->n < l->cap) return true;
	if (feed_local_is_full(l)) return false;
	v = realloc(l->v, cap * sizeof *v);
	if (!v) return false;
	l->v = v;
	l->cap = cap;
	return true;
}

void
feed_local_note(struct feed_local *l, struct eio_bytes nsp, bool declared, uint64_t now_ms)
{
	char *name = reserve_name(l) ? strndup(nsp.p, nsp.n) : NULL;

	if (name)
		l->v[l->n++] = (struct feed_local_name){ name, now_ms, declared };
	else
		l->all = true;
}

struct feed_local_name *
feed_local_undeclared(const struct feed_local *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (!l->v[i].declared) return &l->v[i];
	return NULL;
}

void
feed_tag_write(const uint64_t key[2], struct eio_bytes nsp, char out[FEED_TAG])
{
	const uint64_t own[2] = { key[0] ^ (nsp.n ? 1 : 2), key[1] };
	uint64_t h = eio_hash_bytes(own, nsp);

	for (int i = 0; i < FEED_TAG; i++, h >>= 6) out[i] = characters[h & 63];
}

void
feed_token_write(const uint64_t key[2], struct eio_bytes nsp, const unsigned char *random, char out[STORED_TOKEN])
{
	uint64_t bits = 0;

	for (int i = 0; i < FEED_TOKEN_RANDOM; i++) bits = bits << 8 | random[i];
	for (int i = 0; i < 2; i++, bits >>= 6) out[i] = characters[bits & 63];
	feed_tag_write(key, nsp, out + 2);
	feed_tag_write(key, eio_bytes("", 0), out + 2 + FEED_TAG);
	for (int i = 2 + 2 * FEED_TAG; i < STORED_TOKEN; i++, bits >>= 6) out[i] = characters[bits & 63];
}
