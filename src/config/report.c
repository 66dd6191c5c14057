/* SPDX-License-Identifier: MIT */
/* Collecting what is said, and showing the line it is about. */
#include "src/config/report.h"

#include "eio/utf8.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Of a long line so many characters are shown, and so many of them before the place. */
enum { EXCERPT_CHARS = 120, EXCERPT_BEFORE = 60 };

/* A line of the text, with the place in it. */
struct excerpt {
	size_t line, column; /* from 1; columns count characters */
	struct eio_bytes text; /* the whole line */
	char shown[4 * EXCERPT_CHARS + 16], caret[EXCERPT_CHARS + 16];
};

/* Controls, and characters that turn the direction of text or cannot be seen. */
static bool
is_treacherous(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0xad || cp == 0x61c || (cp >= 0x200b && cp <= 0x200f) ||
	       (cp >= 0x2028 && cp <= 0x202e) || (cp >= 0x2060 && cp <= 0x206f) || cp == 0xfeff || cp == 0xfffe ||
	       (cp >= 0xfff9 && cp <= 0xfffb) || (cp >= 0xe0000 && cp <= 0xe007f);
}

/* Writes the first character of s in a form that can be shown; *used: its bytes in s. Returns how many were written. */
static size_t
put_visible(struct eio_bytes s, char out[4], size_t *used)
{
	uint32_t cp;
	size_t n = eio_utf8_next(s, &cp);

	*used = n ? n : 1;
	if (n && !is_treacherous(cp)) {
		memcpy(out, s.p, n);
		return n;
	}
	*out = n && cp == '\t' ? ' ' : '?';
	return 1;
}

/* In place; it does not become longer. */
static void
make_visible(char *text)
{
	struct eio_bytes rest = eio_cstr(text);
	char c[4], *out = text;
	size_t used, n;

	while (rest.n) {
		n = put_visible(rest, c, &used);
		memcpy(out, c, n);
		out += n;
		rest = eio_bytes(rest.p + used, rest.n - used);
	}
	*out = '\0';
}

/* Where a note of that place belongs. */
static size_t
note_index(const struct config_notes *notes, size_t at)
{
	size_t i = notes->n;

	while (i > 0 && notes->all[i - 1].at > at) i--;
	return i;
}

void
config__note(struct config_notes *notes, bool warning, size_t at, const char *prefix, const char *fmt, va_list ap)
{
	unsigned *count = warning ? &notes->warnings : &notes->errors;
	struct config_note *note;
	size_t i, n;

	if ((*count)++ >= CONFIG_MAX_REPORTS) return;
	i = note_index(notes, at);
	note = &notes->all[i];
	memmove(note + 1, note, (notes->n - i) * sizeof *note);
	notes->n++;
	note->at = at;
	note->warning = warning;
	n = (size_t)snprintf(note->text, sizeof note->text, "%s", prefix);
	if (n < sizeof note->text) vsnprintf(note->text + n, sizeof note->text - n, fmt, ap);
	make_visible(note->text);
}

bool
config__notes_within(const struct config_notes *notes, size_t at, size_t end)
{
	for (size_t i = 0; i < notes->n; i++)
		if (!notes->all[i].warning && notes->all[i].at >= at && notes->all[i].at < end) return true;
	return false;
}

/* The line that holds an offset. A byte order mark is not part of the first one. */
static void
find_line(struct excerpt *e, struct eio_bytes text, size_t at)
{
	size_t start = eio_bytes_starts(text, EIO_LIT("\xef\xbb\xbf")) ? 3 : 0, used;
	const char *end;
	char c[4];

	e->line = e->column = 1;
	if (at > text.n) at = text.n;
	for (size_t i = start; i < at; i++) {
		if (text.p[i] != '\n') continue;
		e->line++;
		start = i + 1;
	}
	end = text.n > start ? memchr(text.p + start, '\n', text.n - start) : NULL;
	e->text = eio_bytes(text.p + start, (end ? (size_t)(end - text.p) : text.n) - start);
	if (e->text.n && e->text.p[e->text.n - 1] == '\r') e->text.n--;
	if (at > start + e->text.n) at = start + e->text.n;
	for (size_t i = start; i < at; i += used, e->column++) put_visible(eio_bytes(text.p + i, at - i), c, &used);
}

/* Whether a byte of a line belongs to the user and password of an address: what stands before an '@', up to a quote or
 * slash. */
static bool
is_secret(struct eio_bytes line, size_t i)
{
	for (; i < line.n && line.p[i] != '"' && line.p[i] != '/'; i++) {
		if (line.p[i] == '@') return true;
		if (line.p[i] == '\\' && i + 1 < line.n) i++;
	}
	return false;
}

/* Shows the line, or its part around the place, and a caret below that. */
static void
draw_line(struct excerpt *e)
{
	size_t first = e->column > EXCERPT_BEFORE ? e->column - EXCERPT_BEFORE : 1, column = 1, n = 0, used;
	struct eio_bytes line = e->text;
	size_t lead;

	if (first > 1) n = (size_t)sprintf(e->shown, "...");
	lead = n + e->column - first;
	for (size_t i = 0; i < line.n; i += used, column++) {
		char c[4];
		size_t c_n = put_visible(eio_bytes(line.p + i, line.n - i), c, &used);
		bool secret;

		if (column < first) continue;
		if (column >= first + EXCERPT_CHARS) {
			n += (size_t)sprintf(e->shown + n, "...");
			break;
		}
		secret = is_secret(line, i) && !strchr("\"/@", line.p[i]);
		memcpy(e->shown + n, secret ? "*" : c, secret ? 1 : c_n);
		n += secret ? 1 : c_n;
	}
	e->shown[n] = '\0';
	memset(e->caret, ' ', lead);
	strcpy(e->caret + lead, "^");
}

static void
tell_note(const struct config_note *note, const char *name, const struct eio_bytes *text, config_report_fn report,
	void *user)
{
	struct config_report r = { .warning = note->warning };
	bool placed = text && note->at < CONFIG_NO_PLACE, elsewhere = note->at == CONFIG_ELSEWHERE;
	char whole[sizeof note->text + 512], where[64] = "";
	struct excerpt e;

	if (placed) {
		find_line(&e, *text, note->at);
		draw_line(&e);
		snprintf(where, sizeof where, ":%zu:%zu", e.line, e.column);
		r.line = e.shown;
		r.caret = e.caret;
	}
	snprintf(whole, sizeof whole, "%.400s%s%s%s%s", elsewhere ? "" : name, where, elsewhere ? "" : ": ",
		note->warning ? "warning: " : "", note->text);
	make_visible(whole);
	r.text = whole;
	report(user, &r);
}

static void
tell_rest(unsigned found, const char *what, const char *name, bool warning, config_report_fn report, void *user)
{
	char text[512];
	struct config_report r = { .warning = warning, .text = text };

	if (found <= CONFIG_MAX_REPORTS) return;
	snprintf(text, sizeof text, "%.400s: %u more %s are not shown", name, found - CONFIG_MAX_REPORTS, what);
	make_visible(text);
	report(user, &r);
}

void
config__notes_tell(const struct config_notes *notes, const char *name, const struct eio_bytes *text,
	config_report_fn report, void *user)
{
	for (size_t i = 0; i < notes->n; i++) tell_note(&notes->all[i], name, text, report, user);
	tell_rest(notes->errors, "mistakes", name, false, report, user);
	tell_rest(notes->warnings, "warnings", name, true, report, user);
}
