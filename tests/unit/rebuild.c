/* SPDX-License-Identifier: MIT */
/* See doc/columns.md, whose words the names are. */
#include "tests/unit/rebuild.h"

#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>

enum {
	GROWTH_MAX = 1024,
	DEPTH_MAX = 16,
	SCALE_MAX = 15,
};

static const int64_t NUMBER_MAX = INT64_C(1) << 51;

struct piece {
	struct piece *next;
	char bytes[];
};

struct reader {
	const unsigned char *p, *end;
	struct eio_bytes heap; /* what was not mentioned yet */
	size_t budget; /* bytes of skeletons that there may still be */
	size_t room; /* bytes of text that may still be made, of all depths */
	struct piece *memory;
	jmp_buf refuse;
};

/* What a column of numbers stands for, for those that refer to it. */
struct numbers {
	const int64_t *v;
	unsigned scale;
};

static void *
get_memory(struct reader *r, size_t n)
{
	struct piece *m = malloc(sizeof *m + n);

	if (!m) longjmp(r->refuse, 1);
	m->next = r->memory;
	r->memory = m;
	return m->bytes;
}

static void
require(struct reader *r, bool holds)
{
	if (!holds) longjmp(r->refuse, 1);
}

static unsigned
read_byte(struct reader *r)
{
	require(r, r->p < r->end);
	return *r->p++;
}

static uint64_t
read_varint(struct reader *r)
{
	uint64_t u = 0;

	for (unsigned shift = 0;; shift += 7) {
		unsigned b = read_byte(r);

		require(r, shift <= 49);
		u |= (uint64_t)(b & 0x7f) << shift;
		if (b < 0x80) break;
	}
	require(r, u < UINT64_C(1) << 53);
	return u;
}

static struct eio_bytes
take_text(struct reader *r, uint64_t n)
{
	struct eio_bytes text;

	require(r, n <= r->heap.n);
	text = eio_bytes(r->heap.p, n);
	r->heap = eio_bytes(r->heap.p + n, r->heap.n - n);
	return text;
}

static int64_t
unzigzag(uint64_t u)
{
	return (int64_t)(u >> 1) ^ -(int64_t)(u & 1);
}

/* What the i-th is a difference to. */
static int64_t
predict(unsigned how, uint64_t arg, const int64_t *v, const struct numbers *numbers, size_t i)
{
	if (how == 1) return i == 0 ? 0 : v[i < arg ? i - 1 : i - arg];
	if (how == 2) return numbers[arg].v[i];
	return 0;
}

static int64_t *
read_ints(struct reader *r, size_t n, const struct numbers *numbers, size_t n_numbers)
{
	int64_t *v = get_memory(r, n * sizeof *v);
	unsigned mode = read_byte(r), how = mode & 3;
	uint64_t arg = 0, zeros = 0;

	require(r, mode < 16 && (mode & 7) != 7 && n > 0);
	if (how == 1 || how == 2) {
		arg = read_varint(r);
		require(r, mode & 8);
	}
	require(r, how != 1 || arg > 0);
	require(r, how != 2 || (arg < n_numbers && numbers[arg].v));
	for (size_t i = 0; i < n; i++) {
		uint64_t u = 0;

		if (zeros) {
			zeros--;
		} else if (how == 3 && i) {
			v[i] = v[0];
			continue;
		} else {
			u = read_varint(r);
			if (u == 0 && (mode & 4)) zeros = read_varint(r);
			require(r, zeros < n - i);
		}
		v[i] = predict(how, arg, v, numbers, i) + (mode & 8 ? unzigzag(u) : (int64_t)u);
		require(r, v[i] < NUMBER_MAX && v[i] > -NUMBER_MAX);
	}
	return v;
}

/* The same for numbers that count something. */
static int64_t *
read_counts(struct reader *r, size_t n)
{
	int64_t *v = read_ints(r, n, NULL, 0);

	for (size_t i = 0; i < n; i++) require(r, v[i] >= 0);
	return v;
}

/* A text as a value. */
static struct eio_bytes
spell_text(struct reader *r, struct eio_bytes text, bool string)
{
	char *p;

	require(r, string || text.n > 0);
	if (!string) return text;
	require(r, text.n + 2 <= r->room);
	r->room -= text.n + 2;
	p = get_memory(r, text.n + 2);
	p[0] = p[text.n + 1] = '"';
	if (text.n) memcpy(p + 1, text.p, text.n);
	return eio_bytes(p, text.n + 2);
}

static struct eio_bytes
spell_number(struct reader *r, int64_t n, unsigned scale, bool trimmed)
{
	char digits[24], *p = get_memory(r, 24);
	uint64_t u = n < 0 ? -(uint64_t)n : (uint64_t)n;
	size_t k = 0, out = 0;

	if (n == 0 && trimmed) scale = 0;
	for (; trimmed && scale && u % 10 == 0; u /= 10) scale--;
	do {
		digits[k++] = (char)('0' + u % 10);
		u /= 10;
	} while (u || k <= scale);
	if (n < 0) p[out++] = '-';
	while (k) {
		p[out++] = digits[--k];
		if (k == scale && scale) p[out++] = '.';
	}
	return eio_bytes(p, out);
}

static void
read_exceptions(struct reader *r, struct eio_bytes *cells, size_t rows)
{
	uint64_t n = read_varint(r), at = 0;
	int64_t *gaps, *sizes;

	require(r, n > 0 && n <= rows);
	gaps = read_counts(r, n);
	sizes = read_counts(r, n);
	for (size_t i = 0; i < n; i++, at++) {
		at += (uint64_t)gaps[i];
		require(r, at < rows);
		cells[at] = spell_text(r, take_text(r, (uint64_t)sizes[i]), false);
	}
}

static void
read_numbers(
	struct reader *r, unsigned codec, struct eio_bytes *cells, size_t rows, struct numbers *numbers, size_t slot)
{
	uint64_t scale = read_varint(r);
	int64_t *v;

	require(r, scale <= SCALE_MAX);
	v = read_ints(r, rows, numbers, slot);
	numbers[slot] = (struct numbers){ v, (unsigned)scale };
	for (size_t i = 0; i < rows; i++) cells[i] = spell_number(r, v[i], (unsigned)scale, codec >= 8);
	if (codec & 1) read_exceptions(r, cells, rows);
}

static void
read_texts(struct reader *r, unsigned codec, struct eio_bytes *cells, size_t rows)
{
	uint64_t n = rows;
	struct eio_bytes *texts = cells;
	int64_t *sizes, *index;

	if (codec < 2) {
		cells[0] = spell_text(r, take_text(r, read_varint(r)), codec & 1);
		for (size_t i = 1; i < rows; i++) cells[i] = cells[0];
		return;
	}
	if (codec >= 4) {
		n = read_varint(r);
		require(r, n > 0 && n <= rows);
		texts = get_memory(r, n * sizeof *texts);
	}
	sizes = read_counts(r, n);
	for (size_t i = 0; i < n; i++) texts[i] = spell_text(r, take_text(r, (uint64_t)sizes[i]), codec & 1);
	if (codec < 4) return;
	index = read_counts(r, rows);
	for (size_t i = 0; i < rows; i++) {
		require(r, (uint64_t)index[i] < n);
		cells[i] = texts[index[i]];
	}
}

static struct eio_bytes *read_table(struct reader *r, size_t rows, unsigned depth);

/* So many elements of a list with commas between them, in brackets. */
static struct eio_bytes
join_list(struct reader *r, const struct eio_bytes *elements, size_t n)
{
	size_t size = 2 + (n ? n - 1 : 0), at = 0;
	char *p;

	for (size_t i = 0; i < n; i++) size += elements[i].n;
	require(r, size <= r->room);
	r->room -= size;
	p = get_memory(r, size);
	p[at++] = '[';
	for (size_t i = 0; i < n; i++) {
		if (i) p[at++] = ',';
		memcpy(p + at, elements[i].p, elements[i].n);
		at += elements[i].n;
	}
	p[at] = ']';
	return eio_bytes(p, size);
}

static void
read_lists(struct reader *r, struct eio_bytes *cells, size_t rows, unsigned depth)
{
	int64_t *sizes = read_counts(r, rows);
	struct eio_bytes *elements = NULL;
	size_t all = 0;

	for (size_t i = 0; i < rows; i++) {
		require(r, (uint64_t)sizes[i] <= r->budget - (all < r->budget ? all : r->budget));
		all += (size_t)sizes[i];
	}
	if (all) elements = read_table(r, all, depth + 1);
	for (size_t i = 0; i < rows; i++) {
		cells[i] = join_list(r, elements, (size_t)sizes[i]);
		if (all) elements += sizes[i];
	}
}

static void
read_column(struct reader *r, char mark, struct eio_bytes *cells, size_t rows, struct numbers *numbers, size_t slot,
	unsigned depth)
{
	unsigned codec;

	if (mark == 0x01) {
		read_lists(r, cells, rows, depth);
		return;
	}
	codec = read_byte(r);
	require(r, codec < 10);
	if (codec >= 6)
		read_numbers(r, codec, cells, rows, numbers, slot);
	else
		read_texts(r, codec, cells, rows);
}

static size_t
count_slots(struct eio_bytes skeleton)
{
	size_t n = 0;

	for (size_t i = 0; i < skeleton.n; i++) n += skeleton.p[i] == 0x00 || skeleton.p[i] == 0x01;
	return n;
}

/* The row of so many cells, which lie rows apart. */
static struct eio_bytes
spell_row(struct reader *r, struct eio_bytes skeleton, const struct eio_bytes *cells, size_t rows)
{
	size_t size = skeleton.n, at = 0, slot = 0;
	char *p;

	for (size_t i = 0; i < count_slots(skeleton); i++) size += cells[i * rows].n - 1;
	require(r, size <= r->room);
	r->room -= size;
	p = get_memory(r, size);
	for (size_t i = 0; i < skeleton.n; i++) {
		if (skeleton.p[i] != 0x00 && skeleton.p[i] != 0x01) {
			p[at++] = skeleton.p[i];
			continue;
		}
		memcpy(p + at, cells[slot * rows].p, cells[slot * rows].n);
		at += cells[slot++ * rows].n;
	}
	return eio_bytes(p, size);
}

static struct eio_bytes *
read_shape(struct reader *r, struct eio_bytes skeleton, size_t rows, unsigned depth)
{
	size_t n = count_slots(skeleton), slot = 0;
	struct eio_bytes *out, *cells;
	struct numbers *numbers;

	require(r, rows > 0 && skeleton.n <= r->budget / rows);
	r->budget -= skeleton.n * rows;
	out = get_memory(r, rows * sizeof *out);
	cells = get_memory(r, n * rows * sizeof *cells + 1);
	numbers = get_memory(r, n * sizeof *numbers + 1);
	memset(numbers, 0, n * sizeof *numbers);
	for (size_t i = 0; i < skeleton.n; i++)
		if (skeleton.p[i] == 0x00 || skeleton.p[i] == 0x01) {
			read_column(r, skeleton.p[i], cells + slot * rows, rows, numbers, slot, depth);
			slot++;
		}
	for (size_t i = 0; i < rows; i++) out[i] = spell_row(r, skeleton, cells + i, rows);
	return out;
}

static struct eio_bytes *
read_table(struct reader *r, size_t rows, unsigned depth)
{
	uint64_t n = read_varint(r);
	struct eio_bytes *skeletons, *out, **of_shape;
	int64_t *shapes = NULL;
	size_t *counts;

	require(r, depth < DEPTH_MAX && n > 0 && n <= rows && rows <= r->budget);
	skeletons = get_memory(r, n * sizeof *skeletons);
	for (size_t i = 0; i < n; i++) {
		skeletons[i] = take_text(r, read_varint(r));
		require(r, skeletons[i].n > 0);
	}
	if (n > 1) shapes = read_counts(r, rows);
	counts = get_memory(r, n * sizeof *counts);
	memset(counts, 0, n * sizeof *counts);
	for (size_t i = 0; i < rows; i++) {
		require(r, !shapes || (uint64_t)shapes[i] < n);
		counts[shapes ? shapes[i] : 0]++;
	}
	of_shape = get_memory(r, n * sizeof(struct eio_bytes *));
	for (size_t i = 0; i < n; i++) of_shape[i] = read_shape(r, skeletons[i], counts[i], depth);
	if (!shapes) return of_shape[0];
	out = get_memory(r, rows * sizeof *out);
	for (size_t i = 0; i < rows; i++) out[i] = *of_shape[shapes[i]]++;
	return out;
}

/* The texts */

static size_t
read_length(struct reader *r, size_t nibble)
{
	size_t n = nibble;
	unsigned b;

	if (nibble < 15) return n;
	do {
		b = read_byte(r);
		n += b;
	} while (b == 255);
	return n;
}

/* A block of LZ4. */
static struct eio_bytes
unpack(struct reader *r, size_t size)
{
	char *out = get_memory(r, size);
	size_t n = 0;

	for (;;) {
		unsigned token = read_byte(r);
		size_t literals = read_length(r, token >> 4), offset, matched;

		require(r, literals <= (size_t)(r->end - r->p) && literals <= size - n);
		memcpy(out + n, r->p, literals);
		r->p += literals;
		n += literals;
		if (r->p == r->end) break;
		offset = read_byte(r);
		offset |= read_byte(r) << 8;
		matched = read_length(r, token & 15) + 4;
		require(r, offset > 0 && offset <= n && matched <= size - n);
		for (; matched; matched--, n++) out[n] = out[n - offset];
	}
	require(r, n == size);
	return eio_bytes(out, size);
}

static void
read_heap(struct reader *r)
{
	uint64_t size = read_varint(r), packed = read_varint(r), n = packed ? packed : size;
	const unsigned char *end = r->end, *behind;

	require(r, n <= (size_t)(end - r->p));
	behind = r->p + n;
	require(r, size <= n * 255);
	if (packed) {
		r->end = behind;
		r->heap = unpack(r, size);
	} else {
		r->heap = eio_bytes(r->p, size);
	}
	r->p = behind;
	r->end = end;
}

static void
read_batch(struct reader *r, struct eio_bytes batch, struct eio_buf *array)
{
	struct eio_bytes *rows, text;
	uint64_t size, n;

	require(r, read_byte(r) == 0x01);
	size = read_varint(r);
	require(r, size / GROWTH_MAX <= batch.n);
	r->budget = size;
	r->room = size * DEPTH_MAX * 2;
	read_heap(r);
	n = read_varint(r);
	require(r, n > 0 && n <= size);
	rows = read_table(r, n, 0);
	require(r, read_byte(r) == 0x00 && r->p == r->end && r->heap.n == 0);
	text = join_list(r, rows, n);
	require(r, text.n == size);
	eio_buf_add(array, text);
}

bool
rebuild_columns(struct eio_bytes batch, struct eio_buf *array)
{
	struct reader r = { .p = (const unsigned char *)batch.p, .end = (const unsigned char *)batch.p + batch.n };
	bool good = setjmp(r.refuse) == 0;

	if (good) read_batch(&r, batch, array);
	while (r.memory) {
		struct piece *m = r.memory;

		r.memory = m->next;
		free(m);
	}
	return good;
}
