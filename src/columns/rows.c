/* SPDX-License-Identifier: MIT */
/*
 * From text to rows. Messages that follow each other are mostly alike, so it is tried first whether a row has a shape
 * that was seen before: that is comparing the text between its values, which are scanned on the way. Only what is like
 * none of the latest is taken apart token by token.
 */
#include "src/columns/columns_int.h"

#include "sio/json.h"

enum { TRIES = 8 }; /* shapes that are tried before a row is taken apart */

/* p has at least n bytes more than there are to compare. */
static inline bool
is_text(const char *p, const char *q, size_t n)
{
	uint64_t a, b;

	if (n < 8) {
		for (size_t i = 0; i < n; i++)
			if (p[i] != q[i]) return false;
		return true;
	}
	for (size_t i = 0; i + 8 < n; i += 8) {
		memcpy(&a, p + i, 8);
		memcpy(&b, q + i, 8);
		if (a != b) return false;
	}
	memcpy(&a, p + n - 8, 8);
	memcpy(&b, q + n - 8, 8);
	return a == b;
}

/* Whether the row at p has this shape: what follows it, and its values are filled in; else NULL. */
static const char *
match_shape(const struct columns_shape *s, const char *p, const char *end, struct columns_value *v)
{
	const struct columns_piece *piece = s->pieces;

	for (size_t i = 0; i < s->slots; i++, piece++) {
		if ((size_t)(end - p) <= piece->n || !is_text(p, piece->p, piece->n)) return NULL;
		p = columns__scan_value(p + piece->n, end, piece->list, &v[i]);
		if (!p) return NULL;
	}
	if ((size_t)(end - p) < piece->n || !is_text(p, piece->p, piece->n)) return NULL;
	p += piece->n;
	return p == end || *p == ',' ? p : NULL;
}

/* Taking apart */

struct taking {
	struct columns *c;
	const char *p, *end;
	unsigned table_depth, depth;
	size_t slots;
	bool key; /* a string that comes now is one */
	bool given_up; /* there is too much of it for a shape */
	bool object[SIO_JSON_MAX_DEPTH + 1];
};

static inline bool
is_json_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void
copy_text(struct taking *t, size_t n)
{
	eio_buf_append(&t->c->skeleton, t->p, n);
	t->p += n;
}

static void
take_value(struct taking *t, bool list)
{
	const char *next;

	if (t->slots == COLUMNS_SLOTS_MAX || t->c->skeleton.n > COLUMNS_SKELETON_MAX) {
		t->given_up = true;
		return;
	}
	next = columns__scan_value(t->p, t->end, list, &t->c->slots[t->slots++]);
	eio_buf_addc(&t->c->skeleton, list ? COLUMNS_SLOT_LIST : COLUMNS_SLOT_VALUE);
	t->p = next;
}

/* Whether the list at p is a table of its own. One of a few numbers is not: each has its own meaning, mostly. */
static bool
is_table(const char *p)
{
	size_t n = 1;

	for (p++; is_json_blank(*p); p++) continue;
	if (*p == ']') return false;
	for (; *p != ']'; p++) {
		if (*p == '"' || *p == '[' || *p == '{') return true;
		if (*p == ',' && ++n > COLUMNS_TUPLE_MAX) return true;
	}
	return false;
}

static void
take_opening(struct taking *t, bool object)
{
	t->object[t->depth++] = object;
	t->key = object;
	copy_text(t, 1);
}

static void
take_list(struct taking *t)
{
	const char *behind;

	if (!is_table(t->p)) {
		take_opening(t, false);
	} else if (t->table_depth < COLUMNS_DEPTH_MAX) {
		take_value(t, true);
	} else if (t->slots == COLUMNS_SLOTS_MAX) {
		t->given_up = true;
	} else {
		behind = columns__skip_list(t->p, t->end);
		t->c->slots[t->slots++] = (struct columns_value){
			.p = t->p, .n = (uint32_t)(behind - t->p), .kind = COLUMNS_KIND_TEXT
		};
		eio_buf_addc(&t->c->skeleton, COLUMNS_SLOT_VALUE);
		t->p = behind;
	}
}

static void
take_key_text(struct taking *t)
{
	struct columns_value v;

	copy_text(t, (size_t)(columns__scan_string(t->p, t->end, &v) - t->p));
}

static void
take_token(struct taking *t)
{
	switch (*t->p) {
	case '{': take_opening(t, true); break;
	case '[': take_list(t); break;
	case '}':
	case ']':
		t->depth--;
		copy_text(t, 1);
		break;
	case ',':
		t->key = t->object[t->depth - 1];
		copy_text(t, 1);
		break;
	case ':':
		t->key = false;
		copy_text(t, 1);
		break;
	case ' ':
	case '\t':
	case '\n':
	case '\r': copy_text(t, 1); break;
	case '"':
		if (t->key) {
			take_key_text(t);
			break;
		}
		/* fallthrough */
	default: take_value(t, false); break;
	}
}

/* The row as one text. Returns what follows it. */
static const char *
take_whole(struct columns *c, const char *start, const char *end)
{
	struct columns_value v;
	const char *p = start;

	while (p != end && *p != ',') {
		if (*p == '"')
			p = columns__scan_string(p, end, &v);
		else if (*p == '[' || *p == '{')
			p = columns__skip_list(p, end);
		else
			p++;
	}
	eio_buf_clear(&c->skeleton);
	eio_buf_addc(&c->skeleton, COLUMNS_SLOT_VALUE);
	c->slots[0] = (struct columns_value){ .p = start, .n = (uint32_t)(p - start), .kind = COLUMNS_KIND_TEXT };
	return p;
}

/* Its skeleton and values; *slots: how many. */
static const char *
take_row(struct columns *c, unsigned depth, const char *p, const char *end, size_t *slots)
{
	struct taking t = { .c = c, .p = p, .end = end, .table_depth = depth };

	eio_buf_clear(&c->skeleton);
	while (!t.given_up && (t.depth || (t.p != end && *t.p != ','))) take_token(&t);
	*slots = t.slots;
	if (!t.given_up) return t.p;
	*slots = 1;
	return take_whole(c, p, end);
}

/* Shapes */

static struct columns_shape *
find_shape(const struct columns_table *t, struct eio_bytes skeleton, unsigned *i)
{
	for (*i = 0; *i < t->n; ++*i)
		if (eio_bytes_eq(t->shapes[*i]->skeleton, skeleton)) return t->shapes[*i];
	return NULL;
}

static void
find_pieces(struct columns_shape *s)
{
	const char *p = s->skeleton.p, *end = p + s->skeleton.n, *from = p;
	struct columns_piece *piece = s->pieces;

	for (; p < end; p++) {
		if (*p != COLUMNS_SLOT_VALUE && *p != COLUMNS_SLOT_LIST) continue;
		*piece++ = (struct columns_piece){ from, (uint32_t)(p - from), *p == COLUMNS_SLOT_LIST };
		from = p + 1;
	}
	*piece = (struct columns_piece){ from, (uint32_t)(end - from), false };
}

/* NULL when out of memory. */
static struct columns_shape *
new_shape(struct columns *c, struct columns_table *t, size_t slots)
{
	struct columns_shape *s = columns__alloc(c, sizeof *s);
	char *skeleton = columns__alloc(c, c->skeleton.n);
	struct columns_piece *pieces = columns__alloc(c, (slots + 1) * sizeof *pieces);

	if (!s || !skeleton || !pieces) return NULL;
	memcpy(skeleton, c->skeleton.p, c->skeleton.n);
	*s = (struct columns_shape){ .skeleton = { skeleton, c->skeleton.n }, .pieces = pieces, .slots = slots };
	find_pieces(s);
	t->shapes[t->n++] = s;
	return s;
}

static bool
make_row_room(struct columns *c, struct columns_shape *s)
{
	if (s->rows < s->cap || s->slots == 0) return true;
	s->values = columns__grow(c, s->values, &s->cap, s->slots * sizeof *s->values);
	return s->values != NULL;
}

/* The row at p, whatever it is like. NULL when out of memory. */
static const char *
take_new_row(struct columns *c, struct columns_table *t, const char *p, const char *end)
{
	const char *start = p;
	struct columns_shape *s;
	size_t slots;
	unsigned i;

	p = take_row(c, t->depth, p, end, &slots);
	if (eio_buf_failed(&c->skeleton)) c->failed = true;
	s = find_shape(t, eio_buf_bytes(&c->skeleton), &i);
	if (!s && t->n >= COLUMNS_SHAPES_MAX) {
		p = take_whole(c, start, end);
		slots = 1;
		s = find_shape(t, eio_buf_bytes(&c->skeleton), &i);
	}
	if (!s && !c->failed) s = new_shape(c, t, slots);
	if (!s || !make_row_room(c, s)) return NULL;
	if (slots) memcpy(s->values + s->rows * slots, c->slots, slots * sizeof c->slots[0]);
	s->rows++;
	t->latest = i;
	return p;
}

/* The same for a row that has the shape of one before. NULL: it has none of those tried. */
static const char *
take_known_row(struct columns *c, struct columns_table *t, const char *p, const char *end)
{
	for (unsigned k = 0; k < t->n && k < TRIES; k++) {
		unsigned i = (t->latest + k) % t->n;
		struct columns_shape *s = t->shapes[i];
		const char *next;

		if (!make_row_room(c, s)) return NULL;
		next = match_shape(s, p, end, s->slots ? s->values + s->rows * s->slots : NULL);
		if (!next) continue;
		s->rows++;
		t->latest = i;
		return next;
	}
	return NULL;
}

void
columns__add_rows(struct columns *c, struct columns_table *t, const char *p, const char *end)
{
	const char *next;

	for (;; p = next + 1) {
		next = take_known_row(c, t, p, end);
		if (!next && !c->failed) next = take_new_row(c, t, p, end);
		if (!next) return;
		if (t->rows == t->cap && !(t->of_row = columns__grow(c, t->of_row, &t->cap, 1))) return;
		t->of_row[t->rows++] = (uint8_t)t->latest;
		if (next == end) return;
	}
}
