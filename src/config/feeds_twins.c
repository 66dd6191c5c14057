/* SPDX-License-Identifier: MIT */
/* Feeds that say the same. There may be thousands of them: so they are sorted by a digest of what they say. */
#include "src/config/feeds.h"

#include "eio/hash.h"
#include "src/config/parts.h"

#include <stdlib.h>

/* What makes a feed: whom it hears, what it makes of that, and whom it tells. */
static const char *const sayings[] = { "channel", "pattern", "shard", "stream", "field", "event", "namespace", "room",
	"except", "where" };

#define N_SAYINGS (sizeof sayings / sizeof sayings[0])

struct twin {
	uint64_t digest;
	size_t index, first; /* first: of those that say the same */
	const cJSON *item;
};

/* No key is secret here: feeds whose digests are alike are compared, too. */
static uint64_t
digest_text(const char *text)
{
	static const uint64_t key[2] = { 0, 0 };

	return eio_hash_bytes(key, eio_cstr(text));
}

/* The order of an object's members says nothing, that of an array's items does. */
static uint64_t
digest_value(const cJSON *value)
{
	uint64_t digest = (uint64_t)(value->type & 0xff);
	const cJSON *child;

	if (cJSON_IsString(value)) return digest ^ digest_text(value->valuestring);
	if (cJSON_IsNumber(value)) return digest ^ (uint64_t)(int64_t)value->valueint;
	cJSON_ArrayForEach(child, value)
	{
		if (cJSON_IsObject(value))
			digest += digest_text(child->string) * (digest_value(child) | 1);
		else
			digest = (digest ^ digest_value(child)) * UINT64_C(0x9e3779b97f4a7c15);
	}
	return digest;
}

static uint64_t
digest_feed(const cJSON *item)
{
	uint64_t digest = 0;

	for (size_t i = 0; i < N_SAYINGS; i++) {
		const cJSON *value = cJSON_GetObjectItemCaseSensitive(item, sayings[i]);

		digest = (digest ^ (value ? digest_value(value) : 0)) * UINT64_C(0x9e3779b97f4a7c15);
	}
	return digest;
}

static bool
say_the_same(const cJSON *a, const cJSON *b)
{
	for (size_t i = 0; i < N_SAYINGS; i++) {
		const cJSON *x = cJSON_GetObjectItemCaseSensitive(a, sayings[i]);
		const cJSON *y = cJSON_GetObjectItemCaseSensitive(b, sayings[i]);

		if ((x || y) && !cJSON_Compare(x, y, true)) return false;
	}
	return true;
}

static int
compare_digests(const void *a, const void *b)
{
	const struct twin *x = a, *y = b;

	if (x->digest != y->digest) return x->digest < y->digest ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static int
compare_places(const void *a, const void *b)
{
	const struct twin *x = a, *y = b;

	return x->index < y->index ? -1 : x->index > y->index;
}

/* Each is compared with the first of those whose digest it has: two that only look alike go unsaid. */
static void
find_firsts(struct twin *all, size_t n)
{
	size_t first = 0;

	qsort(all, n, sizeof *all, compare_digests);
	for (size_t i = 0; i < n; i++) {
		if (all[i].digest != all[first].digest) first = i;
		all[i].first = say_the_same(all[first].item, all[i].item) ? all[first].index : all[i].index;
	}
	qsort(all, n, sizeof *all, compare_places);
}

static void
warn_of_twins(struct config_loader *l, const struct twin *all, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t mark;

		if (all[i].first == all[i].index) continue;
		mark = config__push(l, "feeds");
		config__push_index(l, all[i].index);
		config__warn(l, all[i].item,
			"feeds[%zu] sends the same event of the same messages there: each would come twice",
			all[i].first);
		config__pop(l, mark);
	}
}

void
config__feeds_warn_twins(struct config_loader *l)
{
	const cJSON *item, *feeds = cJSON_GetObjectItemCaseSensitive(l->root, "feeds");
	struct twin *all = calloc((size_t)cJSON_GetArraySize(feeds) + 1, sizeof *all);
	size_t n = 0, index = 0;

	if (!all) {
		config__error_memory(l);
		return;
	}
	cJSON_ArrayForEach(item, feeds)
	{
		size_t at = index++;

		if (config__is_wrong(l, item)) continue;
		all[n++] = (struct twin){ .digest = digest_feed(item), .index = at, .item = item };
	}
	find_firsts(all, n);
	warn_of_twins(l, all, n);
	free(all);
}
