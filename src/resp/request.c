/* SPDX-License-Identifier: MIT */
/*
 * Two readers of one language. The quick one takes a request that is there as a whole and has nothing unusual in it,
 * which nearly all are. The other one takes whatever it is, byte by byte if need be, and alone knows mistakes.
 */
#include "src/resp/request.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

enum {
	HELD_SPARE = 65536, /* memory that is kept for the next request that comes in parts */
	LINE_SPARE = 1024,
	QUICK_DIGITS = 9, /* of a number that the quick reader takes */
};

void
resp_reader_deinit(struct resp_reader *r)
{
	eio_buf_deinit(&r->line);
	eio_buf_deinit(&r->held);
}

static enum resp_next
break_reader(struct resp_reader *r, const char *fault)
{
	snprintf(r->fault, sizeof r->fault, "Protocol error: %s", fault);
	return RESP_BROKEN;
}

/* The quick reader */

/* "*3\r\n", with one of those characters in front: a number of few digits, or -1. */
static long
quick_number(const char **p, const char *end, char mark)
{
	const char *at = *p;
	long n = 0;
	int digits = 0;

	if (at == end || *at++ != mark) return -1;
	for (; at < end && *at >= '0' && *at <= '9'; at++)
		if (++digits > QUICK_DIGITS)
			return -1;
		else
			n = n * 10 + (*at - '0');
	/* Redis takes no number with a zero in front of it. */
	if (!digits || end - at < 2 || at[0] != '\r' || at[1] != '\n' || (digits > 1 && (*p)[1] == '0')) return -1;
	*p = at + 2;
	return n;
}

/* False: nothing was taken, and the other one has to look at it. */
static bool
take_quickly(struct resp_reader *r)
{
	const char *p = r->in.p, *end = p + r->in.n;
	long n = quick_number(&p, end, '*'), bytes;

	if (n < 1 || n > (r->stranger ? RESP_STRANGER_WORDS : RESP_WORDS)) return false;
	for (long i = 0; i < n; i++) {
		bytes = quick_number(&p, end, '$');
		if (bytes < 0 || (size_t)bytes > r->word_bytes || end - p < bytes + 2) return false;
		if (r->stranger && bytes > RESP_STRANGER_BYTES) return false;
		r->request.words[i] = eio_bytes(p, (size_t)bytes);
		p += bytes + 2;
	}
	r->request.n = (size_t)n;
	r->request.too_long = 0;
	r->request.no_room = false;
	r->in = eio_bytes(p, (size_t)(end - p));
	return true;
}

/* Parts */

static void
skip_input(struct resp_reader *r, size_t n)
{
	r->in = eio_bytes(r->in.p + n, r->in.n - n);
}

/* Ready for the next request. What a large one has left is given back. */
static void
next_request(struct resp_reader *r)
{
	r->step = RESP_STEP_LINE;
	r->words = r->word = 0;
	r->request.too_long = 0;
	r->request.no_room = false;
	if (r->held.cap > HELD_SPARE)
		eio_buf_deinit(&r->held);
	else
		eio_buf_clear(&r->held);
}

static void
forget_line(struct resp_reader *r)
{
	if (r->line.cap > LINE_SPARE)
		eio_buf_deinit(&r->line);
	else
		eio_buf_clear(&r->line);
}

/* A line up to `end`, behind which `more` bytes belong to it, whatever they are: where it lies, or out of r->line,
 * which has to be forgotten then. False: it is not there yet, and all of it was taken. */
static bool
take_request_line(struct resp_reader *r, char end, size_t more, struct eio_bytes *line)
{
	bool ended = r->line.n && r->line.p[r->line.n - 1] == end; /* but what is behind that is missing */
	const char *found = ended || !r->in.n ? NULL : memchr(r->in.p, end, r->in.n);
	size_t n = found ? (size_t)(found - r->in.p) : r->in.n;

	if (found && n + more < r->in.n && !r->line.n) {
		*line = eio_bytes(r->in.p, n);
		skip_input(r, n + 1 + more);
		return true;
	}
	if (!ended) {
		eio_buf_append(&r->line, r->in.p, n + (found != NULL));
		skip_input(r, n + (found != NULL));
	}
	if ((!ended && !found) || r->in.n < more || eio_buf_failed(&r->line)) return false;
	skip_input(r, more);
	*line = eio_bytes(r->line.p, r->line.n - 1);
	return true;
}

/* A number as Redis reads it (string2ll): nothing but digits, with a minus or not, and no zero in front. */
static bool
read_resp_number(struct eio_bytes s, int64_t *out)
{
	bool minus = s.n && *s.p == '-';
	size_t i = minus;
	uint64_t n = 0;

	if (s.n == i || s.n - i > 19 || (s.p[i] == '0' && s.n > 1)) return false;
	for (; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9') return false;
		n = n * 10 + (uint64_t)(s.p[i] - '0');
	}
	if (n > INT64_MAX) return false;
	*out = minus ? -(int64_t)n : (int64_t)n;
	return true;
}

/* What a word may still take. */
static size_t
room_left(const struct resp_reader *r)
{
	return r->held.n < r->room ? r->room - r->held.n : 0;
}

/* Adds to the word at hand, as long as it is kept at all. */
static void
hold_bytes(struct resp_reader *r, struct eio_bytes bytes)
{
	if (!r->keeps) return;
	if (bytes.n <= room_left(r)) {
		eio_buf_add(&r->held, bytes);
		if (!eio_buf_failed(&r->held)) return;
	}
	r->keeps = false;
	r->request.no_room = true;
}

/* The words that were put together, as the request's. */
static enum resp_next
hand_out_held(struct resp_reader *r)
{
	size_t from = 0, n = r->words < RESP_WORDS ? (size_t)r->words : RESP_WORDS;

	for (size_t i = 0; i < n; i++) {
		r->request.words[i] = eio_bytes(r->held.n ? r->held.p + from : "", r->ends[i] - from);
		from = r->ends[i];
	}
	r->request.n = (size_t)r->words;
	r->step = RESP_STEP_LINE;
	return RESP_REQUEST;
}

/* The word at hand is complete. One of which a part was kept, and that is not, leaves that behind: it is empty. */
static void
end_word(struct resp_reader *r)
{
	size_t begun;

	if (r->word < RESP_WORDS) {
		begun = r->word ? r->ends[r->word - 1] : 0;
		if (r->keeps && r->held.n - begun > r->word_bytes) {
			r->request.too_long = r->held.n - begun; /* of a line */
			r->keeps = false;
		}
		if (!r->keeps) r->held.n = begun;
		r->ends[r->word] = r->held.n;
	}
	r->word++;
}

/* Lines that people type (sdssplitargs of Redis). */

static bool
is_between_words(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The byte that a backslash and what follows it stand for; *n: how many characters that is. */
static char
unescape(const char *p, const char *end, size_t *n)
{
	static const char names[] = "nrtba", bytes[] = "\n\r\t\b\a";
	const char *found;

	if (end - p > 3 && p[1] == 'x' && eio_hex_value(p[2]) >= 0 && eio_hex_value(p[3]) >= 0) {
		*n = 4;
		return (char)(eio_hex_value(p[2]) * 16 + eio_hex_value(p[3]));
	}
	*n = 2;
	found = memchr(names, p[1], sizeof names - 1);
	return found ? bytes[found - names] : p[1];
}

/* What stands in quotes, behind the first of them. The place behind the last one; NULL: there is none, or something
 * sticks to it. */
static const char *
take_quoted(struct resp_reader *r, const char *p, const char *end)
{
	char quote = p[-1], c;
	size_t n;

	for (; p < end && *p != quote; p += n) {
		n = 1;
		c = *p;
		if (c == '\\' && end - p > 1 && quote == '"') c = unescape(p, end, &n);
		if (c == '\\' && end - p > 1 && quote == '\'' && p[1] == '\'') {
			c = '\'';
			n = 2;
		}
		hold_bytes(r, eio_bytes(&c, 1));
	}
	if (p == end) return NULL;
	return p + 1 == end || is_between_words(p[1]) ? p + 1 : NULL;
}

/* A word, and the place behind it; NULL as above. */
static const char *
take_typed_word(struct resp_reader *r, const char *p, const char *end)
{
	r->keeps = r->word < RESP_WORDS;
	while (p && p < end && *p != ' ' && *p != '\r' && *p != '\t' && *p != '\n') {
		if (*p == '"' || *p == '\'') {
			p = take_quoted(r, p + 1, end);
			break;
		}
		hold_bytes(r, eio_bytes(p++, 1));
	}
	if (!p) return NULL;
	end_word(r);
	return p;
}

/* RESP_MORE: it was empty. */
static enum resp_next
take_typed(struct resp_reader *r, struct eio_bytes line)
{
	const char *p = line.p, *end;

	if (line.n && line.p[line.n - 1] == '\r') line.n--;
	/* Redis would wait for ever for the end of such a line. */
	if (line.n && memchr(line.p, '\0', line.n)) line.n = strlen(line.p);
	end = p + line.n;
	while (p && p < end) {
		while (p < end && is_between_words(*p)) p++;
		if (p < end) p = take_typed_word(r, p, end);
	}
	if (line.n && !p) return break_reader(r, "unbalanced quotes in request");
	r->words = r->word;
	return r->words ? hand_out_held(r) : RESP_MORE;
}

/* Arrays */

static enum resp_next
take_count(struct resp_reader *r, struct eio_bytes line)
{
	int64_t n;

	if (!read_resp_number(eio_bytes(line.p + 1, line.n - 1), &n) || n > INT_MAX)
		return break_reader(r, "invalid multibulk length");
	if (r->stranger && n > RESP_STRANGER_WORDS) return break_reader(r, "unauthenticated multibulk length");
	if (n <= 0) {
		next_request(r);
		return RESP_MORE;
	}
	r->words = (uint64_t)n;
	r->step = RESP_STEP_LENGTH;
	return RESP_MORE;
}

static enum resp_next
take_bulk_length(struct resp_reader *r, struct eio_bytes line)
{
	char first = line.n ? *line.p : '\r', text[32];
	int64_t n;

	if (first != '$') {
		if (first == '\r' || first == '\n') first = ' ';
		snprintf(text, sizeof text, "expected '$', got '%c'", first);
		return break_reader(r, text);
	}
	if (!read_resp_number(eio_bytes(line.p + 1, line.n - 1), &n) || n < 0 || n > RESP_BULK_BYTES)
		return break_reader(r, "invalid bulk length");
	if (r->stranger && n > RESP_STRANGER_BYTES) return break_reader(r, "unauthenticated bulk length");
	r->keeps = r->word < RESP_WORDS && (uint64_t)n <= r->word_bytes;
	if (r->word < RESP_WORDS && !r->keeps) r->request.too_long = (size_t)n;
	r->left = (uint64_t)n + 2;
	r->step = RESP_STEP_WORD;
	return RESP_MORE;
}

/* Bytes of a word, and the two behind it, which Redis does not look at. */
static enum resp_next
take_bulk(struct resp_reader *r)
{
	size_t n = r->in.n < r->left ? r->in.n : (size_t)r->left;
	uint64_t text = r->left > 2 ? r->left - 2 : 0;

	if (n && text) hold_bytes(r, eio_bytes(r->in.p, n < text ? n : (size_t)text));
	skip_input(r, n);
	r->left -= n;
	if (r->left) return RESP_MORE;
	end_word(r);
	if (r->word == r->words) return hand_out_held(r);
	r->step = RESP_STEP_LENGTH;
	return RESP_MORE;
}

/* A line of whatever kind the step wants. */
static enum resp_next
take_any_line(struct resp_reader *r)
{
	static const char *const too_big[] = {
		[RESP_STEP_LINE] = "too big inline request",
		[RESP_STEP_COUNT] = "too big mbulk count string",
		[RESP_STEP_LENGTH] = "too big bulk count string",
	};
	bool typed = r->step == RESP_STEP_LINE;
	enum resp_next next = RESP_MORE;
	struct eio_bytes line;

	if (take_request_line(r, typed ? '\n' : '\r', !typed, &line)) {
		next = typed			    ? take_typed(r, line)
		       : r->step == RESP_STEP_COUNT ? take_count(r, line)
						    : take_bulk_length(r, line);
		forget_line(r);
	} else if (eio_buf_failed(&r->line)) {
		return break_reader(r, "out of memory");
	} else if (r->line.n > RESP_LINE_BYTES) {
		return break_reader(r, too_big[r->step]);
	}
	return next;
}

enum resp_next
resp_reader_next(struct resp_reader *r)
{
	enum resp_next next = RESP_MORE;

	if (*r->fault) return RESP_BROKEN;
	while (next == RESP_MORE && r->in.n) {
		if (r->step == RESP_STEP_LINE && !r->line.n) {
			next_request(r);
			if (take_quickly(r)) return RESP_REQUEST;
			if (*r->in.p == '*') r->step = RESP_STEP_COUNT;
		}
		next = r->step == RESP_STEP_WORD ? take_bulk(r) : take_any_line(r);
	}
	return next;
}
