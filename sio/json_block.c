/* SPDX-License-Identifier: MIT */
/*
 * Checking JSON 64 bytes at a time, for what feeds are full of: containers with
 * many short values, where a scanner that looks at one byte after the other
 * spends its time on branches that are guessed wrong.
 *
 * Each block becomes masks, one bit for each byte: where quotes are, digits,
 * commas. All rules but the nesting of brackets are then integer arithmetic on
 * masks, for all tokens of the block at once. The one trick is that adding a
 * marker to the mask of a run carries it through the run:
 *
 *     text       , 1 2 3 . 5 ]        (the first byte lowest)
 *     digits     0 1 1 1 0 1 0
 *     marker     0 1 0 0 0 0 0        a number starts here
 *     sum        0 0 0 0 1 1 0        without the digits: the marker is where its run ended
 *
 * What runs out of the block goes into the next one through the carries.
 *
 * This says yes to valid text, and no also to some that is valid but rare: values
 * that are no container, deep nesting, very long exponents. After a no the scanner
 * in json.c decides, and finds the kind of mistake.
 */
#include "eio/utf8_block.h"
#include "sio/json_int.h"
#include "sio/json_masks.h"

#ifdef EIO_VECTOR_HAVE

/* The same source makes two functions on x86-64; see json_block_avx2.c. */
#ifdef EIO_VECTOR_AVX2
#define CHECK_BLOCKS sio__json_check_blocks_avx2
#else
#define CHECK_BLOCKS sio__json_check_blocks
#endif

enum {
	DEPTH_MAX = 62, /* what a register holds */
	EXPONENT_MAX = 20, /* what one token may reach into the next block stays below 64 bits */
};

_Static_assert(EXPONENT_MAX < 64, "what take_rare() shifts");

/* What a block hands to the next one. Markers are 0 or 1: whether there is one at its first byte. */
struct carry {
	uint64_t in_string; /* all bits: it begins inside a string */
	uint64_t in_object; /* 1: it begins inside an object */
	uint64_t escaped; /* 1: its first byte belongs to an escape */
	uint64_t cover; /* its bytes that belong to a word or an exponent */
	uint64_t digit, minus, dot, zero; /* the byte before is one; zero: and the first of an integer */
	uint64_t fraction; /* the end of a fraction is being looked for */
	uint64_t in_key; /* the end of a key is being looked for */
	uint64_t behind_open, behind_separator, behind_key, key; /* see check_order() */
};

struct scan {
	const char *begin, *end; /* of the text */
	uint64_t stack; /* the containers we are in, the innermost lowest, 1 for an object; above them a 1 ends it */
	bool done; /* the last bracket was closed: only whitespace may follow */
	uint64_t high; /* what there was from 0x80 in the block before, whose last character may go on */
	struct carry in;
};

/* The tokens of one block. */
struct tokens {
	uint64_t opening, closing; /* quotes */
	uint64_t string; /* from an opening quote to the byte before the closing one */
	uint64_t space, open, close, comma, colon;
	uint64_t curly; /* of the brackets, those of objects */
	uint64_t scalar; /* where numbers and words start */
	uint64_t in_object;
};

static inline uint64_t
shift_markers(uint64_t markers, uint64_t *carry)
{
	uint64_t r = markers << 1 | *carry;

	*carry = markers >> 63;
	return r;
}

/* Moves markers that stand at the start of a run (or at none) behind it. carry is set if one leaves the block. */
static inline uint64_t
run_through(uint64_t markers, uint64_t run, uint64_t *carry)
{
	uint64_t sum;

	*carry = __builtin_add_overflow(markers, run, &sum);
	return sum & ~run;
}

/* Moves markers from tokens to what follows them, over whitespace. */
static inline uint64_t
pass_space(uint64_t markers, uint64_t space, uint64_t *carry)
{
	uint64_t out, r = run_through(markers << 1 | *carry, space, &out);

	*carry = out | markers >> 63;
	return r;
}

/* Each bit becomes the parity of itself and those below. */
static inline uint64_t
prefix_xor(uint64_t x)
{
#ifdef EIO_VECTOR_AVX2
	/* Multiplied by all ones without carries. */
	return (uint64_t)_mm_cvtsi128_si64(
		_mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)x), _mm_set1_epi8((char)0xff), 0));
#else
	x ^= x << 1;
	x ^= x << 2;
	x ^= x << 4;
	x ^= x << 8;
	x ^= x << 16;
	return x ^ x << 32;
#endif
}

/* Checks each escape and finds the bytes right behind their backslashes. p: the block in the text. */
static bool
check_escapes(struct scan *s, const char *p, uint64_t backslashes, uint64_t *escaped)
{
	*escaped = s->in.escaped;
	backslashes &= ~*escaped;
	s->in.escaped = 0;
	while (backslashes) {
		unsigned i = (unsigned)__builtin_ctzll(backslashes);

		if (!sio__json_skip_escape(p + i, s->end)) return false;
		if (i == 63) {
			s->in.escaped = 1;
			return true;
		}
		*escaped |= UINT64_C(2) << i;
		backslashes &= ~(UINT64_C(3) << i);
	}
	return true;
}

/* Finds the strings. */
static inline bool
find_strings(struct scan *s, const char *p, const struct sio__json_marks *m, struct tokens *t)
{
	uint64_t quotes = m->quote, escaped;

	if (m->backslash | s->in.escaped) {
		if (!check_escapes(s, p, m->backslash, &escaped)) return false;
		quotes &= ~escaped;
	}
	t->string = prefix_xor(quotes) ^ s->in.in_string;
	s->in.in_string = (uint64_t)((int64_t)t->string >> 63);
	t->opening = quotes & t->string;
	t->closing = quotes & ~t->string;
	return ((m->control & t->string) | (m->high & ~t->string)) == 0;
}

/* The length of a word or exponent at p < end, or 0. */
static unsigned
rare_len(const char *p, const char *end)
{
	size_t room = (size_t)(end - p);
	unsigned n = 1, digits;

	switch (*p) {
	case 't': return room >= 4 && memcmp(p, "true", 4) == 0 ? 4 : 0;
	case 'n': return room >= 4 && memcmp(p, "null", 4) == 0 ? 4 : 0;
	case 'f': return room >= 5 && memcmp(p, "false", 5) == 0 ? 5 : 0;
	case 'e':
	case 'E': break;
	default: return 0;
	}
	if (n < room && (p[n] == '+' || p[n] == '-')) n++;
	digits = n;
	while (n < room && n < EXPONENT_MAX && p[n] >= '0' && p[n] <= '9') n++;
	return n > digits && n < EXPONENT_MAX ? n : 0;
}

/* Takes words and exponents, whose first letters are among `other`, out of the block. False when something else is
 * there. */
static bool
take_rare(struct scan *s, const char *p, uint64_t other, uint64_t *cover, uint64_t *words, uint64_t *exponents)
{
	other &= ~*cover;
	while (other) {
		unsigned i = (unsigned)__builtin_ctzll(other), n = rare_len(p + i, s->end);
		uint64_t bytes = (UINT64_C(1) << n) - 1, bit = UINT64_C(1) << i;

		if (n == 0) return false;
		if (p[i] == 'e' || p[i] == 'E')
			*exponents |= bit;
		else
			*words |= bit;
		*cover |= bytes << i;
		if (i + n > 64) s->in.cover = bytes >> (64 - i);
		other &= ~*cover;
	}
	return true;
}

/* Checks and finds the numbers, after what belongs to words and exponents was taken out. Returns where they start; *bad
 * has a bit for each mistake. */
static inline uint64_t
find_numbers(struct carry *in, uint64_t digit, uint64_t zero, uint64_t minus, uint64_t dot, uint64_t exponents,
	uint64_t *bad)
{
	uint64_t behind_digit = shift_markers(digit, &in->digit), behind_minus = shift_markers(minus, &in->minus);
	uint64_t fraction = shift_markers(dot, &in->dot);
	uint64_t behind_fraction = run_through((fraction & digit) | in->fraction, digit, &in->fraction);
	uint64_t integer = digit & ~(behind_digit | fraction);

	*bad |= (behind_minus | fraction) & ~digit;
	*bad |= minus & behind_digit;
	*bad |= (dot | exponents) & ~behind_digit;
	*bad |= dot & behind_fraction;
	*bad |= shift_markers(integer & zero, &in->zero) & digit;
	return minus | (integer & ~behind_minus);
}

/* Finds numbers and words. */
static inline bool
find_scalars(struct scan *s, const char *p, const struct sio__json_masks *m, struct tokens *t, uint64_t *bad)
{
	uint64_t digit = m->digit & ~t->string, minus = m->minus & ~t->string, dot = m->dot & ~t->string;
	uint64_t cover = s->in.cover, words = 0, exponents = 0;
	uint64_t other = ~(
		t->string | t->closing | t->space | digit | minus | dot | (t->open | t->close) | (t->comma | t->colon));

	s->in.cover = 0;
	if (other | cover) {
		if (!take_rare(s, p, other, &cover, &words, &exponents)) return false;
		digit &= ~cover;
		minus &= ~cover;
	}
	t->scalar = find_numbers(&s->in, digit, m->zero, minus, dot, exponents, bad) | words;
	return true;
}

/* Bits from each marker at a bracket up to the next bracket; the first byte counts as behind one that has `carry`. */
static inline uint64_t
fill_between(uint64_t markers, uint64_t brackets, uint64_t carry)
{
	uint64_t between = ~brackets, starts = (markers << 1 | carry) & between;

	return markers | (((starts + between) ^ between) & between);
}

/* Follows the brackets, so that it is known what each comma stands in. */
static inline bool
follow_brackets(struct scan *s, struct tokens *t)
{
	uint64_t all = t->open | t->close, stack = s->stack, closed = 0, back_in = 0;
	unsigned depth = 63 - (unsigned)__builtin_clzll(stack), i;

	if (depth + (unsigned)__builtin_popcountll(t->open) > DEPTH_MAX) return false;
	for (uint64_t left = all; left; left &= left - 1) {
		i = (unsigned)__builtin_ctzll(left);
		if (t->open >> i & 1) {
			stack = stack << 1 | (t->curly >> i & 1);
			continue;
		}
		closed |= (stack & 1) << i;
		stack >>= 1;
		back_in |= (stack & 1) << i;
		if (stack > 1) continue;
		s->done = true;
		if (stack == 0 || ~t->space & ~UINT64_C(1) << i) return false;
	}
	s->stack = stack;
	t->in_object = fill_between(back_in | (t->open & t->curly), all, s->in.in_object);
	s->in.in_object = t->in_object >> 63;
	return closed == (t->close & t->curly);
}

/*
 * Whether the tokens stand in an order that there may be: 0. A value or key starts behind each bracket that opens,
 * comma and colon, and nowhere else; only behind a bracket that opens there may be the one that closes instead. What
 * comes first in an object, and behind its commas, is a key. A colon stands behind each key, and nowhere else.
 *
 * space: what there is of it between the tokens; where that is known to be nothing, half of the work is none.
 */
static inline __attribute__((always_inline)) uint64_t
check_order(struct carry *in, const struct tokens *t, uint64_t space)
{
	uint64_t behind_open = pass_space(t->open, space, &in->behind_open);
	uint64_t behind_separator = pass_space(t->comma | t->colon, space, &in->behind_separator);
	uint64_t key = pass_space((t->open | t->comma) & t->in_object, space, &in->key);
	uint64_t key_end = run_through((key & t->opening) | in->in_key, t->string, &in->in_key);
	uint64_t behind_key = pass_space(key_end, space, &in->behind_key);
	uint64_t start = t->open | t->opening | t->scalar;

	return (((behind_open | behind_separator) ^ start) & ~t->close) | (behind_separator & t->close) |
	       (key & ~(t->opening | t->close)) | (behind_key ^ t->colon);
}

/* Checks the UTF-8 of a block that is not all ASCII, or stands behind such a one. p: the block in the text. */
static inline bool
check_utf8(struct scan *s, const eio_vector v[EIO_VECTORS], const char *p, uint64_t high)
{
	eio_vector before = p == s->begin ? EIO_VECTOR_EACH(0) : EIO_VECTOR_LOAD(p - sizeof before);

	s->high = high;
	return eio__utf8_block_valid(v, before);
}

/* block: the 64 bytes; p: where they are in the text, which may end before them. */
static inline bool
check_block(struct scan *s, const char *block, const char *p)
{
	eio_vector v[EIO_VECTORS];
	struct sio__json_marks marks;
	struct sio__json_masks m;
	struct tokens t;
	uint64_t bad = 0;

	eio_vector_load(v, block);
	marks = sio__json_marks(v);
	if ((marks.high | s->high) && !check_utf8(s, v, p, marks.high)) return false;
	if (s->in.in_string && !(marks.quote | marks.backslash | marks.control | s->in.escaped))
		return true; /* nothing but string */
	if (!find_strings(s, p, &marks, &t)) return false;
	m = sio__json_masks(v);
	t.space = m.space;
	if (marks.control) t.space |= sio__json_line_space(v);
	t.space &= ~t.string;
	if (s->done) return ~t.space == 0;
	t.open = m.open & ~t.string;
	t.close = m.close & ~t.string;
	t.curly = m.curly;
	t.comma = m.comma & ~t.string;
	t.colon = m.colon & ~t.string;
	if (!find_scalars(s, p, &m, &t, &bad)) return false;
	if (!follow_brackets(s, &t)) return false;
	bad |= t.space ? check_order(&s->in, &t, t.space) : check_order(&s->in, &t, 0);
	return bad == 0;
}

bool
CHECK_BLOCKS(struct eio_bytes text)
{
	struct scan s = { .stack = 1, .in = { .in_object = 1, .behind_separator = 1 } };
	char buf[2 * EIO_VECTOR_BLOCK];

	if (text.n == 0) return false;
	s.begin = text.p;
	s.end = text.p + text.n;
	for (size_t at = 0; at < text.n; at += EIO_VECTOR_BLOCK) {
		const char *p = text.p + at;

		if (!check_block(&s, text.n - at < EIO_VECTOR_BLOCK ? eio_vector_last_block(buf, text, ' ') : p, p))
			return false;
	}
	/* All brackets are closed and only spaces follow, so no character is cut. */
	return s.done;
}

#endif
