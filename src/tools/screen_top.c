/* SPDX-License-Identifier: MIT */
/*
 * Each worker has a list of its own: the same room of several workers is one line here, and the slowest of all come
 * first.
 */
#include "src/tools/screen_top.h"

#include "sio/json.h"
#include "src/tools/visible.h"

#include <stdlib.h>
#include <string.h>

enum { TOP_ITEMS = 512 }; /* those behind them are not looked at */

struct top_item {
	struct eio_bytes nsp, name; /* JSON strings, or null */
	struct eio_bytes transport;
	double by; /* what they are sorted by: bytes */
	double members, kernel, rtt_s;
};

struct top_items {
	struct top_item *v; /* TOP_ITEMS */
	size_t n;
};

static struct eio_bytes
top_member(struct eio_bytes json, const char *pointer)
{
	struct eio_bytes v = EIO_LIT("null");

	sio_json_find(json, eio_cstr(pointer), &v);
	return v;
}

static double
top_number(struct eio_bytes json, const char *pointer)
{
	struct eio_bytes v = top_member(json, pointer);
	char digits[40];

	if (v.n >= sizeof digits) return 0;
	memcpy(digits, v.p, v.n);
	digits[v.n] = '\0';
	return strtod(digits, NULL); /* 0 for null */
}

static void
add_room(struct top_items *all, struct eio_bytes json)
{
	struct top_item one = {
		.nsp = top_member(json, "/namespace"),
		.name = top_member(json, "/room"),
		.by = top_number(json, "/bytes"),
		.members = top_number(json, "/members"),
	};

	for (size_t i = 0; i < all->n; i++) {
		struct top_item *other = &all->v[i];

		if (!eio_bytes_eq(other->nsp, one.nsp) || !eio_bytes_eq(other->name, one.name)) continue;
		other->by += one.by;
		other->members += one.members;
		return;
	}
	if (all->n < TOP_ITEMS) all->v[all->n++] = one;
}

static void
add_slow(struct top_items *all, struct eio_bytes json)
{
	if (all->n == TOP_ITEMS) return;
	all->v[all->n++] = (struct top_item){
		.name = top_member(json, "/sid"),
		.transport = top_member(json, "/transport"),
		.by = top_number(json, "/waiting_bytes"),
		.kernel = top_number(json, "/kernel_bytes"),
		.rtt_s = top_number(json, "/rtt_seconds"),
	};
}

static int
compare_top_items(const void *a, const void *b)
{
	const struct top_item *x = a, *y = b;

	if (x->by != y->by) return x->by < y->by ? 1 : -1;
	return (x->members < y->members) - (x->members > y->members);
}

/* Gathers a list of each worker. */
static void
gather(struct eio_bytes now, const char *list, void (*add)(struct top_items *all, struct eio_bytes json),
	struct top_items *all)
{
	struct eio_bytes workers, worker, entries, entry;
	struct sio_json_iter i, k;

	all->n = 0;
	if (!sio_json_find(now, EIO_LIT("/top/workers"), &workers)) return;
	i = sio_json_iter(workers);
	while (sio_json_next(&i, NULL, &worker)) {
		if (!sio_json_find(worker, eio_cstr(list), &entries)) continue;
		k = sio_json_iter(entries);
		while (sio_json_next(&k, NULL, &entry)) add(all, entry);
	}
	qsort(all->v, all->n, sizeof all->v[0], compare_top_items);
}

/* A JSON string without its quotes, for a terminal; null is everyone. */
static void
write_item_name(struct eio_bytes json, struct eio_buf *out)
{
	if (json.n >= 2 && json.p[0] == '"')
		write_visible(out, eio_bytes(json.p + 1, json.n - 2));
	else
		EIO_BUF_ADD_LIT(out, "(everyone)");
}

void
screen_top_write(struct eio_bytes now, unsigned rows, struct eio_buf *out)
{
	struct top_item items[TOP_ITEMS];
	struct top_items all = { .v = items };

	gather(now, "/rooms_by_bytes", add_room, &all);
	if (all.n) EIO_BUF_ADD_LIT(out, "\n  clients      MB sent   room, since it has members\n");
	for (size_t i = 0; i < all.n && i < rows; i++) {
		eio_buf_printf(out, "%9.0f %12.1f   ", items[i].members, items[i].by / 1e6);
		write_item_name(items[i].nsp, out);
		eio_buf_addc(out, ' ');
		write_item_name(items[i].name, out);
		eio_buf_addc(out, '\n');
	}
	gather(now, "/slowest", add_slow, &all);
	if (all.n) EIO_BUF_ADD_LIT(out, "\n  KB wait    KB kernel       ms RTT   slowest clients\n");
	for (size_t i = 0; i < all.n && i < rows; i++) {
		eio_buf_printf(out, "%9.1f %12.1f %12.1f   ", items[i].by / 1024, items[i].kernel / 1024,
			items[i].rtt_s * 1000);
		write_item_name(items[i].name, out);
		eio_buf_addc(out, ' ');
		write_item_name(items[i].transport, out);
		eio_buf_addc(out, '\n');
	}
}
