/* SPDX-License-Identifier: MIT */
/* Feeds that say the same. There may be thousands of them: so they are sorted by what they say. */
#include "src/config/feeds.h"

#include "src/config/parts.h"

#include <stdlib.h>
#include <string.h>

/* What a feed says of what it hears and of whom it tells, and where it stands among the feeds. */
struct twin {
	struct eio_buf text;
	size_t index, first; /* first: of those that say the same */
	const cJSON *item;
};

static void
write_saying(struct eio_buf *out, const cJSON *item)
{
	static const char *const keys[] = { "channel", "pattern", "shard", "stream", "field", "event", "namespace",
		"room", "except", "where" };

	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		const cJSON *value = cJSON_GetObjectItemCaseSensitive(item, keys[i]);
		char *text = value ? cJSON_PrintUnformatted(value) : NULL;

		if (text) eio_buf_add(out, eio_cstr(text));
		eio_buf_addc(out, '\n');
		cJSON_free(text);
	}
}

static int
compare_sayings(const void *a, const void *b)
{
	const struct twin *x = a, *y = b;
	size_t n = x->text.n < y->text.n ? x->text.n : y->text.n;
	int order = memcmp(x->text.p, y->text.p, n);

	if (order) return order;
	if (x->text.n != y->text.n) return x->text.n < y->text.n ? -1 : 1;
	return x->index < y->index ? -1 : 1;
}

static int
compare_places(const void *a, const void *b)
{
	const struct twin *x = a, *y = b;

	return x->index < y->index ? -1 : x->index > y->index;
}

static bool
say_the_same(const struct twin *a, const struct twin *b)
{
	return eio_bytes_eq(eio_buf_bytes(&a->text), eio_buf_bytes(&b->text));
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
	bool enough = all != NULL;

	if (!enough) return;
	cJSON_ArrayForEach(item, feeds)
	{
		size_t at = index++;

		if (config__is_wrong(l, item)) continue;
		all[n] = (struct twin){ .index = at, .item = item };
		write_saying(&all[n].text, item);
		enough = enough && !eio_buf_failed(&all[n++].text);
	}
	if (enough && n) {
		qsort(all, n, sizeof *all, compare_sayings);
		for (size_t i = 0; i < n; i++)
			all[i].first = i && say_the_same(&all[i - 1], &all[i]) ? all[i - 1].first : all[i].index;
		qsort(all, n, sizeof *all, compare_places);
		warn_of_twins(l, all, n);
	}
	for (size_t i = 0; i < n; i++) eio_buf_deinit(&all[i].text);
	free(all);
}
