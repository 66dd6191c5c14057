/* SPDX-License-Identifier: MIT */
/* The texts of a batch, as a block of LZ4 (doc/lz4_Block_format.md of that project), so that a decoder need not write
 * its own: greedy, with a table of where the last four bytes like these were. Why not liblz4: see doc/design.md. */
#include "src/columns/columns_int.h"

enum {
	MATCH_MIN = 4,
	TAIL = 12, /* no match begins so near to the end, as the format wants it */
	LAST_LITERALS = 5, /* and none reaches into these */
	OFFSET_MAX = 65535,
	NIBBLE = 15,
	PATIENCE = 5, /* where nothing is found, steps get longer after 2 to the power of so many */
};

static inline uint32_t
four_bytes(const char *p)
{
	uint32_t w;

	memcpy(&w, p, sizeof w);
	return w;
}

static inline uint64_t
eight_bytes(const char *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof w);
	return w;
}

static inline uint32_t *
lz_entry(struct columns *c, uint32_t four)
{
	return &c->lz[four * UINT32_C(2654435761) >> 20];
}

_Static_assert(COLUMNS_LZ_ENTRIES == 1 << (32 - 20), "what lz_entry() shifts");

static void
put_length(struct eio_buf *out, size_t n)
{
	for (; n >= 255; n -= 255) eio_buf_addc(out, (char)255);
	eio_buf_addc(out, (char)n);
}

/* Literals, and behind them a match; matched 0: the last literals. */
static void
put_sequence(struct eio_buf *out, struct eio_bytes literals, size_t offset, size_t matched)
{
	size_t more = matched ? matched - MATCH_MIN : 0;
	size_t high = literals.n < NIBBLE ? literals.n : NIBBLE, low = more < NIBBLE ? more : NIBBLE;

	eio_buf_addc(out, (char)(high << 4 | low));
	if (high == NIBBLE) put_length(out, literals.n - NIBBLE);
	eio_buf_add(out, literals);
	if (!matched) return;
	eio_buf_addc(out, (char)(offset & 0xff));
	eio_buf_addc(out, (char)(offset >> 8));
	if (low == NIBBLE) put_length(out, more - NIBBLE);
}

static size_t
match_length(const char *p, const char *q, const char *limit)
{
	const char *start = p;

	while (limit - p >= 8 && eight_bytes(p) == eight_bytes(q)) {
		p += 8;
		q += 8;
	}
	while (p < limit && *p == *q) {
		p++;
		q++;
	}
	return (size_t)(p - start);
}

void
columns__pack(struct columns *c, struct eio_bytes text, struct eio_buf *out)
{
	const char *p = text.p, *done = p, *end = p + text.n, *limit = end - LAST_LITERALS;
	size_t misses = 0;

	memset(c->lz, 0, sizeof c->lz);
	while (text.n > TAIL && p < end - TAIL) {
		uint32_t four = four_bytes(p), *entry = lz_entry(c, four), at = *entry;
		const char *before = text.p + at - 1;

		*entry = (uint32_t)(p - text.p) + 1;
		if (!at || p - before > OFFSET_MAX || four_bytes(before) != four) {
			p += 1 + (misses++ >> PATIENCE);
			continue;
		}
		size_t n = MATCH_MIN + match_length(p + MATCH_MIN, before + MATCH_MIN, limit);

		put_sequence(out, eio_bytes(done, (size_t)(p - done)), (size_t)(p - before), n);
		done = p += n;
		misses = 0;
	}
	put_sequence(out, eio_bytes(done, (size_t)(end - done)), 0, 0);
}
