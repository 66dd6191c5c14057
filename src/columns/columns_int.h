/* SPDX-License-Identifier: MIT */
/* What the files of the encoder share. */
#ifndef SRC_COLUMNS_COLUMNS_INT_H
#define SRC_COLUMNS_COLUMNS_INT_H

#include "src/columns/columns.h"

#include <stdint.h>

enum {
	COLUMNS_SHAPES_MAX = 64, /* of one table; what is like none of them goes out as its text */
	COLUMNS_SLOTS_MAX = 1024, /* of one shape */
	COLUMNS_SKELETON_MAX = 16384,
	COLUMNS_DEPTH_MAX = 8, /* of tables, each in a list of the one above */
	COLUMNS_TUPLE_MAX = 8, /* a list of so many numbers is part of the shape, a longer one is a table */
	COLUMNS_DIGITS_MAX = 15, /* of a number in a column of numbers: what doubles hold exactly, with room for sums */
	COLUMNS_LZ_ENTRIES = 4096,
};

#define COLUMNS_BYTES_MAX ((size_t)1 << 30)

/* Where a value stands in a skeleton. */
enum { COLUMNS_SLOT_VALUE = 0x00, COLUMNS_SLOT_LIST = 0x01 };

/* How a column begins; the numbers are those of the format. */
enum {
	COLUMNS_CONST = 0, /* + COLUMNS_STRINGS for the first three */
	COLUMNS_TEXTS = 2,
	COLUMNS_DICTIONARY = 4,
	COLUMNS_FIXED = 6, /* + COLUMNS_EXCEPTIONS */
	COLUMNS_TRIMMED = 8,
	COLUMNS_STRINGS = 1,
	COLUMNS_EXCEPTIONS = 1,
};

/* How whole numbers begin. */
enum {
	COLUMNS_PLAIN = 0,
	COLUMNS_LAG = 1,
	COLUMNS_REFERENCE = 2,
	COLUMNS_SAME = 3,
	COLUMNS_RUNS = 4,
	COLUMNS_SIGNED = 8,
};

enum columns_kind {
	COLUMNS_KIND_STRING, /* the bytes are those between the quotes */
	COLUMNS_KIND_NUMBER,
	COLUMNS_KIND_TEXT, /* any other value, as it is */
	COLUMNS_KIND_LIST, /* the bytes are those between the brackets */
};

struct columns_value {
	const char *p;
	int64_t number; /* its digits as a whole number */
	uint32_t n;
	uint8_t kind; /* enum columns_kind */
	uint8_t scale; /* digits behind the point */
	bool padded; /* the last of them is a zero */
};

/* The text before a slot; behind the last slot there is one more. */
struct columns_piece {
	const char *p;
	uint32_t n;
	bool list;
};

struct columns_shape {
	struct eio_bytes skeleton;
	struct columns_piece *pieces;
	size_t slots;
	struct columns_value *values; /* row by row */
	size_t rows, cap;
};

/* The elements of one place's lists, one behind the other; or the messages. */
struct columns_table {
	struct columns_shape *shapes[COLUMNS_SHAPES_MAX + 1];
	unsigned n, latest; /* shapes, and the one of the row before */
	uint8_t *of_row; /* which shape each row has */
	size_t rows, cap;
	unsigned depth;
	size_t lag; /* rows of each list; 1 when that is not always the same */
};

/* Whole numbers of a column that a later one may be written against. */
struct columns_numbers {
	const int64_t *v; /* NULL: the column is none */
	unsigned scale;
};

/* Memory that is given back all at once. */
struct columns_arena {
	struct columns_chunk *chunks; /* the newest, and largest, first */
};

struct columns {
	struct columns_arena arena;
	struct eio_buf heap, body, out; /* texts; all else; the batch */
	struct eio_buf skeleton; /* of the row that is being scanned */
	struct columns_value slots[COLUMNS_SLOTS_MAX]; /* its values */
	struct eio_buf ints, rest, index; /* scratch for one column */
	uint32_t lz[COLUMNS_LZ_ENTRIES];
	bool failed; /* out of memory */
};

/* n bytes for anything; NULL when out of memory, which is remembered. */
void *columns__alloc(struct columns *c, size_t n);
void columns__arena_clear(struct columns_arena *a);
void columns__arena_deinit(struct columns_arena *a);

/* Twice the memory for what there are `*cap` of, each of so many bytes; NULL when out of memory. */
void *columns__grow(struct columns *c, const void *old, size_t *cap, size_t each);

/* Scratch for so many numbers in one of the buffers; NULL when out of memory. */
void *columns__scratch(struct columns *c, struct eio_buf *b, size_t n, size_t each);

/* scan.c: the value at p in checked text, of which nothing is read beyond end, a bracket that is no part of it. Returns
 * what follows, or NULL when it is not of that kind of slot. */
const char *columns__scan_value(const char *p, const char *end, bool list, struct columns_value *v);
const char *columns__scan_string(const char *p, const char *end, struct columns_value *v); /* at its first quote */
const char *columns__skip_list(const char *p, const char *end); /* at its bracket */

/* rows.c: adds all elements between p and end, which is at the bracket that closes them. */
void columns__add_rows(struct columns *c, struct columns_table *t, const char *p, const char *end);

/* columns.c: as columns_encode(), also where it does not pay. */
bool columns__encode(struct columns *c, struct eio_bytes array, struct eio_bytes *batch);

/* table.c: writes a table with at least one row. */
void columns__write_table(struct columns *c, const struct columns_table *t);

/* numbers.c: writes the values of one slot, as write_column() of table.c says, where they are mostly numbers; false:
 * they are not. */
bool columns__write_numbers(
	struct columns *c, const struct columns_shape *s, size_t slot, size_t lag, struct columns_numbers *numbers);

/* texts.c: the same, whatever they are. */
void columns__write_texts(struct columns *c, const struct columns_shape *s, size_t slot, size_t lag);

/* A value's text, as it stands in the heap. */
struct eio_bytes columns__text(const struct columns_value *v, bool strings);

/* ints.c: n whole numbers, at least one. references: columns that they may be differences to, or NULL. */
struct columns_ints {
	const int64_t *v;
	size_t n, lag;
	bool is_signed;
	const struct columns_numbers *references;
	size_t n_references;
	unsigned scale; /* only those of the same one count */
};

void columns__write_ints(struct columns *c, const struct columns_ints *i);
void columns__write_varint(struct eio_buf *out, uint64_t u);

/* lz.c: appends a block as LZ4 has it. */
void columns__pack(struct columns *c, struct eio_bytes text, struct eio_buf *out);

#endif
