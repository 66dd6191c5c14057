/* SPDX-License-Identifier: MIT */
/*
 * The lines of a head and of trailers: which bytes of them are in order.
 *
 *     BLANK ⇄ BLANK_CR         CRLF before a request
 *       ▼
 *     METHOD ─' '▶ TARGET ─' '▶ VERSION ─CR─┐
 *                                            ▼
 *     OVER ◀LF─ LAST_CR ◀CR─ FIELD ◀LF────── CR
 *                              ▼             ▲
 *                             NAME ─':'▶ VALUE
 */
#include "eio/net/http_int.h"

enum { TOKEN = 1, TARGET = 2, TEXT = 4 };

/* What a byte may be part of. Beyond ASCII, targets and values are taken as they come. */
static const unsigned char classes[256] = {
	['\t'] = TEXT,
	[' '] = TEXT,
	['!'] = TOKEN | TARGET | TEXT,
	['"'] = TARGET | TEXT,
	['#' ... '\''] = TOKEN | TARGET | TEXT,
	['(' ... ')'] = TARGET | TEXT,
	['*' ... '+'] = TOKEN | TARGET | TEXT,
	[','] = TARGET | TEXT,
	['-' ... '.'] = TOKEN | TARGET | TEXT,
	['/'] = TARGET | TEXT,
	['0' ... '9'] = TOKEN | TARGET | TEXT,
	[':' ... '@'] = TARGET | TEXT,
	['A' ... 'Z'] = TOKEN | TARGET | TEXT,
	['[' ... ']'] = TARGET | TEXT,
	['^' ... 'z'] = TOKEN | TARGET | TEXT,
	['{'] = TARGET | TEXT,
	['|'] = TOKEN | TARGET | TEXT,
	['}'] = TARGET | TEXT,
	['~'] = TOKEN | TARGET | TEXT,
	[0x80 ... 0xff] = TARGET | TEXT,
};

/* Of what there may be any number in a state. */
static const unsigned char repeated[] = {
	[EIO__LINE_METHOD] = TOKEN,
	[EIO__LINE_TARGET] = TARGET,
	[EIO__LINE_NAME] = TOKEN,
	[EIO__LINE_VALUE] = TEXT,
	[EIO__LINE_OVER] = 0,
};

bool
eio__http_is_token(char c)
{
	return classes[(unsigned char)c] & TOKEN;
}

bool
eio__http_is_text(char c)
{
	return classes[(unsigned char)c] & TEXT;
}

void
eio__http_lines_begin_head(struct eio__http_lines *l)
{
	*l = (struct eio__http_lines){ .state = EIO__LINE_BLANK };
}

void
eio__http_lines_begin_trailers(struct eio__http_lines *l)
{
	*l = (struct eio__http_lines){ .state = EIO__LINE_FIELD };
}

static enum eio__line_state
refuse_line(struct eio__http_lines *l, int status)
{
	l->status = status;
	return l->state;
}

/* "HTTP/1.0" or "HTTP/1.1", and CR. */
static enum eio__line_state
step_in_version(struct eio__http_lines *l, char c)
{
	static const char form[] = "HTTP/1.1\r";
	bool digit = c >= '0' && c <= '9';

	if (c != form[l->at] && !(l->at == 7 && c == '0'))
		return refuse_line(l, digit && (l->at == 5 || l->at == 7) ? 505 : 400);
	l->at++;
	return l->at == sizeof form - 1 ? EIO__LINE_CR : EIO__LINE_VERSION;
}

/* The state behind a byte that is none of those that may be repeated. */
static enum eio__line_state
step_in_line(struct eio__http_lines *l, char c)
{
	switch (l->state) {
	case EIO__LINE_BLANK:
		if (c == '\r') return EIO__LINE_BLANK_CR;
		if (eio__http_is_token(c)) return EIO__LINE_METHOD;
		break;
	case EIO__LINE_BLANK_CR:
		if (c == '\n') return EIO__LINE_BLANK;
		break;
	case EIO__LINE_METHOD:
		if (c == ' ') return EIO__LINE_TARGET_START;
		break;
	case EIO__LINE_TARGET_START:
		if (classes[(unsigned char)c] & TARGET) return EIO__LINE_TARGET;
		break;
	case EIO__LINE_TARGET:
		if (c == ' ') return EIO__LINE_VERSION;
		break;
	case EIO__LINE_VERSION: return step_in_version(l, c);
	case EIO__LINE_FIELD:
		if (c == '\r') return EIO__LINE_LAST_CR;
		if (eio__http_is_token(c)) return EIO__LINE_NAME;
		break;
	case EIO__LINE_NAME:
		if (c == ':') return EIO__LINE_VALUE;
		break;
	case EIO__LINE_VALUE:
		if (c == '\r') return EIO__LINE_CR;
		break;
	case EIO__LINE_CR:
		if (c == '\n') return EIO__LINE_FIELD;
		break;
	case EIO__LINE_LAST_CR:
		if (c == '\n') return EIO__LINE_OVER;
		break;
	case EIO__LINE_OVER: break;
	}
	return refuse_line(l, 400);
}

/* How many bytes are at least that and no DEL, a word at a time, which is a fifth of the cost of single bytes; perhaps
 * some less. */
static size_t
length_of_words(const char *p, size_t n, unsigned char least)
{
	const uint64_t ones = UINT64_MAX / 255, high = ones * 0x80;
	size_t i = 0;

	for (uint64_t w, del, wrong; i + sizeof w <= n; i += sizeof w) {
		memcpy(&w, p + i, sizeof w);
		del = w ^ ones * 0x7f;
		/* The high bit of a byte below `least`, or of one that is DEL, becomes 1, and perhaps those above it. */
		wrong = ((w - ones * least) & ~w & high) | ((del - ones) & ~del & high);
		if (!wrong) continue;
		if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) i += (size_t)__builtin_ctzll(wrong) / 8;
		break;
	}
	return i;
}

size_t
eio__http_lines_check(struct eio__http_lines *l, const char *p, size_t n)
{
	size_t i = 0;

	while (l->state != EIO__LINE_OVER) {
		unsigned char class = repeated[l->state];

		if (class & (TARGET | TEXT)) i += length_of_words(p + i, n - i, class == TARGET ? '!' : ' ');
		while (i < n && (classes[(unsigned char)p[i]] & class)) i++;
		if (i == n) break;
		l->state = step_in_line(l, p[i]);
		if (l->status) break;
		i++;
	}
	return i;
}
