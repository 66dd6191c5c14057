/* SPDX-License-Identifier: MIT */
/* Single values in JSON text that was checked, so it is only looked for where they end. sio/json.c finds the
 * end of a string, too, but checks it on the way: with that log lines take 5 % longer. */
#include "src/columns/columns_int.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* The first quote or backslash from p on; there is one. */
static inline const char *
find_quote(const char *p, const char *end)
{
#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');

	for (; end - p >= 16; p += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
		int mask = _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, backslash)));

		if (mask) return p + __builtin_ctz((unsigned)mask);
	}
#endif
	(void)end;
	while (*p != '"' && *p != '\\') p++;
	return p;
}

const char *
columns__scan_string(const char *p, const char *end, struct columns_value *v)
{
	const char *start = ++p;

	for (p = find_quote(p, end); *p == '\\'; p = find_quote(p + 2, end)) continue;
	*v = (struct columns_value){ .p = start, .n = (uint32_t)(p - start), .kind = COLUMNS_KIND_STRING };
	return p + 1;
}

static inline bool
is_digit_byte(char c)
{
	return (unsigned char)(c - '0') < 10;
}

/* A number that is not written as digits with at most one point among them, or has too many. */
static const char *
scan_odd_number(const char *start, const char *p, struct columns_value *v)
{
	while (is_digit_byte(*p) || *p == '+' || *p == '-' || *p == '.' || *p == 'e' || *p == 'E') p++;
	*v = (struct columns_value){ .p = start, .n = (uint32_t)(p - start), .kind = COLUMNS_KIND_TEXT };
	return p;
}

static inline const char *
scan_number(const char *p, struct columns_value *v)
{
	const char *start = p, *first, *point;
	bool minus = *p == '-';
	uint64_t n = 0;
	size_t digits, scale = 0;

	first = p += minus;
	for (; is_digit_byte(*p); p++) n = n * 10 + (unsigned char)(*p - '0');
	digits = (size_t)(p - first);
	if (*p == '.') {
		point = ++p;
		for (; is_digit_byte(*p); p++) n = n * 10 + (unsigned char)(*p - '0');
		scale = (size_t)(p - point);
		digits += scale;
	}
	if (digits > COLUMNS_DIGITS_MAX || (*p | 0x20) == 'e' || (minus && n == 0)) return scan_odd_number(start, p, v);
	v->p = start;
	v->number = minus ? -(int64_t)n : (int64_t)n;
	v->n = (uint32_t)(p - start);
	v->kind = COLUMNS_KIND_NUMBER;
	v->scale = (uint8_t)scale;
	v->padded = scale && p[-1] == '0';
	return p;
}

const char *
columns__skip_list(const char *p, const char *end)
{
	struct columns_value v;
	size_t depth = 0;

	for (;;) {
		switch (*p) {
		case '"': p = columns__scan_string(p, end, &v); continue;
		case '[':
		case '{': depth++; break;
		case ']':
		case '}':
			if (--depth == 0) return p + 1;
			break;
		default: break;
		}
		p++;
	}
}

static const char *
scan_list(const char *p, const char *end, struct columns_value *v)
{
	const char *first = p + 1, *behind;

	while (*first == ' ' || *first == '\t' || *first == '\n' || *first == '\r') first++;
	/* Blanks between brackets belong to the shape: there is no element that they could belong to. */
	if (*first == ']' && first != p + 1) return NULL;
	behind = columns__skip_list(p, end);
	*v = (struct columns_value){ .p = p + 1, .n = (uint32_t)(behind - p - 2), .kind = COLUMNS_KIND_LIST };
	return behind;
}

const char *
columns__scan_value(const char *p, const char *end, bool list, struct columns_value *v)
{
	size_t n;

	if (list) return *p == '[' ? scan_list(p, end, v) : NULL;
	switch (*p) {
	case '"': return columns__scan_string(p, end, v);
	case 't':
	case 'n': n = 4; break;
	case 'f': n = 5; break;
	case '-':
	case '0':
	case '1':
	case '2':
	case '3':
	case '4':
	case '5':
	case '6':
	case '7':
	case '8':
	case '9': return scan_number(p, v);
	default: return NULL;
	}
	*v = (struct columns_value){ .p = p, .n = (uint32_t)n, .kind = COLUMNS_KIND_TEXT };
	return p + n;
}
