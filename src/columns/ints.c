/* SPDX-License-Identifier: MIT */
/* Whole numbers: as differences to what they are likely to be near to, whichever of a few that is. */
#include "src/columns/columns_int.h"

enum { SAMPLE = 16 }; /* of so many it is measured which way is the shortest */

void
columns__write_varint(struct eio_buf *out, uint64_t u)
{
	char bytes[10];
	size_t n = 0;

	for (; u >= 0x80; u >>= 7) bytes[n++] = (char)(u | 0x80);
	bytes[n++] = (char)u;
	eio_buf_append(out, bytes, n);
}

static inline uint64_t
zigzag(int64_t v)
{
	return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

static inline unsigned
varint_size(uint64_t u)
{
	return (unsigned)(70 - __builtin_clzll(u | 1)) / 7;
}

/* A way to write them. */
struct way {
	unsigned how; /* COLUMNS_PLAIN, COLUMNS_LAG, COLUMNS_REFERENCE */
	size_t arg; /* the lag, or the slot */
	const int64_t *reference;
};

/* What is written for the i-th. */
static inline uint64_t
rest_of(const struct columns_ints *in, const struct way *w, size_t i)
{
	int64_t v = in->v[i];

	switch (w->how) {
	case COLUMNS_LAG:
		if (i) v -= in->v[i < w->arg ? i - 1 : i - w->arg];
		return zigzag(v);
	case COLUMNS_REFERENCE: return zigzag(v - w->reference[i]);
	default: return in->is_signed ? zigzag(v) : (uint64_t)v;
	}
}

static size_t
measure_way(const struct columns_ints *in, const struct way *w)
{
	size_t from = in->n > SAMPLE ? in->n - SAMPLE : 0, size = 0;

	for (size_t i = from; i < in->n; i++) size += varint_size(rest_of(in, w, i));
	return size;
}

static void
try_way(const struct columns_ints *in, struct way *best, size_t *size, struct way w)
{
	size_t n = measure_way(in, &w);

	if (n >= *size) return;
	*best = w;
	*size = n;
}

/* The first column of the same scale, and the last: prices are near the price, or near what stands beside them. */
static void
try_references(const struct columns_ints *in, struct way *best, size_t *size)
{
	size_t first = SIZE_MAX, last = SIZE_MAX;

	for (size_t i = 0; i < in->n_references; i++) {
		if (!in->references[i].v || in->references[i].scale != in->scale) continue;
		if (first == SIZE_MAX) first = i;
		last = i;
	}
	if (first == SIZE_MAX) return;
	try_way(in, best, size, (struct way){ COLUMNS_REFERENCE, first, in->references[first].v });
	if (last != first) try_way(in, best, size, (struct way){ COLUMNS_REFERENCE, last, in->references[last].v });
}

static struct way
choose_way(const struct columns_ints *in)
{
	size_t least = in->n > SAMPLE ? SAMPLE : in->n; /* no way is shorter than a byte for each */
	struct way best = { COLUMNS_PLAIN, 0, NULL };
	size_t size = measure_way(in, &best);

	if (size > least) try_way(in, &best, &size, (struct way){ COLUMNS_LAG, 1, NULL });
	if (size > least && in->lag > 1 && in->lag < in->n)
		try_way(in, &best, &size, (struct way){ COLUMNS_LAG, in->lag, NULL });
	if (size > least && in->references) try_references(in, &best, &size);
	return best;
}

static bool
are_same(const struct columns_ints *in)
{
	for (size_t i = 1; i < in->n; i++)
		if (in->v[i] != in->v[0]) return false;
	return true;
}

/* How much longer they get when of zeros only their number is written. */
static ptrdiff_t
cost_of_runs(const uint64_t *rest, size_t n)
{
	ptrdiff_t cost = 0;
	size_t run = 0;

	for (size_t i = 0; i <= n; i++) {
		if (i < n && rest[i] == 0) {
			run++;
			continue;
		}
		if (run) cost += 1 + (ptrdiff_t)varint_size(run - 1) - (ptrdiff_t)run;
		run = 0;
	}
	return cost;
}

static inline char *
put_varint(char *p, uint64_t u)
{
	for (; u >= 0x80; u >>= 7) *p++ = (char)(u | 0x80);
	*p++ = (char)u;
	return p;
}

static void
write_rests(struct columns *c, const uint64_t *rest, size_t n, bool runs)
{
	char *p = eio_buf_reserve(&c->body, n * 10), *start = p;

	if (!p) return;
	for (size_t i = 0; i < n; i++) {
		size_t from = i;

		p = put_varint(p, rest[i]);
		if (!runs || rest[i]) continue;
		while (i + 1 < n && rest[i + 1] == 0) i++;
		p = put_varint(p, i - from);
	}
	c->body.n += (size_t)(p - start);
}

void
columns__write_ints(struct columns *c, const struct columns_ints *in)
{
	uint64_t *rest;
	struct way w;
	bool runs;

	if (are_same(in)) {
		eio_buf_addc(&c->body, (char)(COLUMNS_SAME | (in->is_signed ? COLUMNS_SIGNED : 0)));
		columns__write_varint(&c->body, in->is_signed ? zigzag(in->v[0]) : (uint64_t)in->v[0]);
		return;
	}
	w = choose_way(in);
	rest = columns__scratch(c, &c->rest, in->n, sizeof *rest);
	if (!rest) return;
	for (size_t i = 0; i < in->n; i++) rest[i] = rest_of(in, &w, i);
	runs = cost_of_runs(rest, in->n) < 0;
	eio_buf_addc(
		&c->body, (char)(w.how | (runs ? COLUMNS_RUNS : 0) | (w.how || in->is_signed ? COLUMNS_SIGNED : 0)));
	if (w.how) columns__write_varint(&c->body, w.arg);
	write_rests(c, rest, in->n, runs);
}
