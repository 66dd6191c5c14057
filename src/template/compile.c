/* SPDX-License-Identifier: MIT */
/* From strings of the configuration to parts. All mistakes are found here, so that rendering has none to report. */
#include "src/template/template_int.h"

#include "eio/check.h"
#include "sio/json.h"

#include <stdlib.h>

/* One string on its way into a template. */
struct scan {
	struct template *t;
	const struct template_context *where;
	struct template_error *err;
	enum template_form form; /* of its placeholders; TEMPLATE_FORM_INSIDE: the text is escaped */
	struct eio_bytes rest;
};

struct template *
template_new_json(void)
{
	return calloc(1, sizeof(struct template));
}

void
template_free(struct template *t)
{
	if (!t) return;
	eio_buf_deinit(&t->text);
	free(t->parts);
	free(t);
}

bool
template_uses_message(const struct template *t)
{
	return t->uses_message;
}

bool
template_uses_message_text(const struct template *t)
{
	return t->uses_message_text;
}

bool
template_is_placeholder(const struct template *t)
{
	return t->n == 1 && t->parts[0].what != TEMPLATE_TEXT;
}

bool
template_next_placeholder(const struct template *t, size_t *i, struct template_placeholder *out)
{
	while (*i < t->n) {
		const struct template_part *p = &t->parts[(*i)++];

		if (p->what == TEMPLATE_TEXT) continue;
		*out = (struct template_placeholder){ p->what, p->number, template__part_name(t, p) };
		return true;
	}
	return false;
}

static int
add_part(struct template *t, struct template_part part, struct template_error *err)
{
	if (t->n == t->cap) {
		size_t cap = t->cap ? 2 * t->cap : 4;
		struct template_part *parts = realloc(t->parts, cap * sizeof *parts);

		if (!parts) return template__nomem(err);
		t->parts = parts;
		t->cap = cap;
	}
	t->parts[t->n++] = part;
	return 0;
}

/* Makes a part of what was written to t->text from `at` on, or adds it to the part before when that is text, too. */
static int
finish_text(struct template *t, size_t at, struct template_error *err)
{
	struct template_part *last = t->n ? &t->parts[t->n - 1] : NULL;
	size_t n = t->text.n - at;

	if (eio_buf_failed(&t->text)) return template__nomem(err);
	if (n == 0) return 0;
	if (last && last->form == TEMPLATE_FORM_TEXT) {
		CHECK(last->at + last->n == at);
		last->n += n;
		return 0;
	}
	return add_part(
		t, (struct template_part){ .what = TEMPLATE_TEXT, .form = TEMPLATE_FORM_TEXT, .at = at, .n = n }, err);
}

int
template_add_text(struct template *t, struct eio_bytes json, struct template_error *err)
{
	size_t at = t->text.n;

	eio_buf_add(&t->text, json);
	return finish_text(t, at, err);
}

/* Adds text as the inside of a JSON string. */
static int
add_escaped(struct template *t, struct eio_bytes text, struct template_error *err)
{
	size_t at = t->text.n;

	sio_json_escape(&t->text, text);
	if (eio_buf_failed(&t->text)) return template__nomem(err);
	t->text.n -= 2; /* without the quotes */
	memmove(t->text.p + at, t->text.p + at + 1, t->text.n - at);
	return finish_text(t, at, err);
}

int
template_add_key(struct template *t, struct eio_bytes key, struct template_error *err)
{
	size_t at = t->text.n;

	sio_json_escape(&t->text, key);
	return finish_text(t, at, err);
}

int
template_add_separator(struct template *t, struct template_error *err)
{
	return add_part(t, (struct template_part){ .what = TEMPLATE_TEXT, .form = TEMPLATE_FORM_SEPARATOR }, err);
}

/* Strings */

static int
add_plain_text(struct scan *s, size_t n)
{
	struct eio_bytes text = eio_bytes(s->rest.p, n);

	s->rest = eio_bytes(s->rest.p + n, s->rest.n - n);
	return s->form == TEMPLATE_FORM_INSIDE ? add_escaped(s->t, text, s->err)
					       : template_add_text(s->t, text, s->err);
}

static int
add_placeholder(struct scan *s, struct eio_bytes inside)
{
	struct template_part part = { .form = s->form };

	if (template__placeholder(s->t, inside, s->where, &part, s->err) < 0) return -1;
	if (eio_buf_failed(&s->t->text)) return template__nomem(s->err);
	return add_part(s->t, part, s->err);
}

/* s->rest begins with a brace. */
static int
scan_brace(struct scan *s)
{
	char c = s->rest.p[0];
	const char *end;
	struct eio_bytes inside;

	if (s->rest.n > 1 && s->rest.p[1] == c) { /* doubled */
		s->rest = eio_bytes(s->rest.p + 1, s->rest.n - 1);
		return add_plain_text(s, 1);
	}
	end = c == '{' ? memchr(s->rest.p, '}', s->rest.n) : NULL;
	if (!end) return template__mistake(s->err, "'%c' stands alone; write it twice to mean the character", c);
	inside = eio_bytes(s->rest.p + 1, (size_t)(end - s->rest.p) - 1);
	s->rest = eio_bytes(end + 1, s->rest.n - inside.n - 2);
	if (!eio_bytes_eq(inside, EIO_LIT("$"))) return add_placeholder(s, inside);
	return template_add_text(s->t, inside, s->err);
}

static int
scan_string(struct scan *s)
{
	while (s->rest.n) {
		size_t n = 0;

		while (n < s->rest.n && !memchr("{}$", s->rest.p[n], 3)) n++;
		if (n > 0) {
			if (add_plain_text(s, n) < 0) return -1;
		} else if (s->rest.p[0] != '$') {
			if (scan_brace(s) < 0) return -1;
		} else {
			/* Feeds never had any other variables than those in braces. */
			if (s->where->place != TEMPLATE_IN_FEED && template__old_variable(s->rest, s->err) < 0)
				return -1;
			if (add_plain_text(s, 1) < 0) return -1;
		}
	}
	return 0;
}

/* Whether the text is one placeholder and nothing else. */
static bool
is_one_placeholder(struct eio_bytes text)
{
	return text.n > 2 && text.p[0] == '{' && text.p[1] != '{' && !eio_bytes_eq(text, EIO_LIT("{$}")) &&
	       memchr(text.p, '}', text.n) == text.p + text.n - 1;
}

bool
template_is_spread(struct eio_bytes text)
{
	return eio_bytes_eq(text, EIO_LIT("...{args}"));
}

/* "...{1}", or what is no element of a list. */
static int
refuse_spread(struct eio_bytes text, struct template_error *err)
{
	if (!eio_bytes_starts(text, EIO_LIT("...")) || !is_one_placeholder(eio_bytes(text.p + 3, text.n - 3))) return 0;
	return template__mistake(err, "only \"...{args}\" can be spread, and only as an element of a list");
}

int
template_add_string(
	struct template *t, struct eio_bytes text, const struct template_context *where, struct template_error *err)
{
	struct scan s = { t, where, err, TEMPLATE_FORM_VALUE, text };

	if (is_one_placeholder(text)) return scan_string(&s);
	if (refuse_spread(text, err) < 0) return -1;
	s.form = TEMPLATE_FORM_INSIDE;
	if (template_add_text(t, EIO_LIT("\""), err) < 0 || scan_string(&s) < 0) return -1;
	return template_add_text(t, EIO_LIT("\""), err);
}

int
template_add_spread(struct template *t, const struct template_context *where, struct template_error *err)
{
	struct scan s = { t, where, err, TEMPLATE_FORM_SPREAD, { NULL, 0 } };

	return add_placeholder(&s, EIO_LIT("args"));
}

bool
template_is_optional(struct eio_bytes text)
{
	return is_one_placeholder(text) && text.p[text.n - 2] == '?';
}

int
template_add_optional(
	struct template *t, struct eio_bytes text, const struct template_context *where, struct template_error *err)
{
	struct scan s = { t, where, err, TEMPLATE_FORM_OPTIONAL, { NULL, 0 } };

	return add_placeholder(&s, eio_bytes(text.p + 1, text.n - 3)); /* without "{" and "?}" */
}

/* Names */

/* What can be no name, or no part of one, whatever the values are. */
static int
check_types(const struct template *t, enum template_use use, struct template_error *err)
{
	unsigned lists = 0;

	for (size_t i = 0; i < t->n; i++) {
		const struct template_part *p = &t->parts[i];

		if (p->what == TEMPLATE_TEXT) continue;
		switch (template__type(p)) {
		case TEMPLATE_TYPE_OBJECT:
			return template__mistake(err,
				"{%s} is an object and names nothing; a member of it might, such as {%s.name}",
				template__name(p->what), template__name(p->what));
		case TEMPLATE_TYPE_LIST:
			if (use != TEMPLATE_AS_NAMES)
				return template__mistake(
					err, "{%s} is a list and cannot be in one name", template__name(p->what));
			if (lists++) return template__mistake(err, "two lists cannot be in one name");
			break;
		case TEMPLATE_TYPE_TEXT:
		case TEMPLATE_TYPE_ANY: break;
		}
	}
	return 0;
}

struct template *
template_new(
	struct eio_bytes text, enum template_use use, const struct template_context *where, struct template_error *err)
{
	struct template *t = template_new_json();
	struct scan s = { t, where, err, TEMPLATE_FORM_VALUE, text };
	int rc;

	if (!t) {
		template__nomem(err);
		return NULL;
	}
	/* Among rooms it means the same as {args}. */
	if (use == TEMPLATE_AS_NAMES && template_is_spread(text)) s.rest = EIO_LIT("{args}");
	rc = where->place == TEMPLATE_IN_FEED ? 0 : refuse_spread(s.rest, err);
	if (rc == 0) rc = scan_string(&s);
	if (rc == 0) rc = check_types(t, use, err);
	if (rc == 0) return t;
	template_free(t);
	return NULL;
}
