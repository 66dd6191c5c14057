/* SPDX-License-Identifier: MIT */
/*
 * What templates are compiled to; for src/template/ only. A template is a flat list of parts that are written one after
 * the other. JSON with a spread in it, for example:
 *
 *     {"a": ["x", "...{args}", "<{1}>"]}
 *
 *     TEXT {"a":["x"   SPREAD   SEPARATOR   TEXT "<   INSIDE {1}   TEXT >"]}
 */
#ifndef SRC_TEMPLATE_TEMPLATE_INT_H
#define SRC_TEMPLATE_TEMPLATE_INT_H

#include "src/template/template.h"

/* How a part is written in JSON. A name needs none of this. */
enum template_form {
	TEMPLATE_FORM_TEXT, /* copied */
	TEMPLATE_FORM_VALUE, /* a placeholder as a whole value */
	TEMPLATE_FORM_INSIDE, /* a placeholder within a string */
	TEMPLATE_FORM_SEPARATOR, /* a comma, unless the list is still empty */
	TEMPLATE_FORM_OPTIONAL, /* an element that is not there when its value is missing, with the comma before it */
	TEMPLATE_FORM_SPREAD /* elements with their commas, and one before them unless the list is still empty */
};

struct template_part {
	enum template_what what;
	enum template_form form;
	unsigned number; /* of {1} … {9}, from 0 */
	/* In the template's text: the text itself; of a placeholder the members as a JSON pointer, and the name of a
	 * parameter, header or cookie. */
	size_t at, n, name_at, name_n;
};

struct template
{
	struct template_part *parts; /* owned */
	size_t n, cap;
	struct eio_buf text;
	bool uses_message, uses_message_text;
};

/* The parameter, header or cookie of a part. A template of nothing else has no text to point into. */
static inline struct eio_bytes
template__part_name(const struct template *t, const struct template_part *part)
{
	return part->name_n ? eio_bytes(t->text.p + part->name_at, part->name_n) : eio_bytes("", 0);
}

/* What kind of value a placeholder always is; then a mistake can be told at once. */
enum template_type { TEMPLATE_TYPE_ANY, TEMPLATE_TYPE_TEXT, TEMPLATE_TYPE_LIST, TEMPLATE_TYPE_OBJECT };

enum template_type template__type(const struct template_part *part);

/* The name of a placeholder that has a name and not a number or pointer. */
const char *template__name(enum template_what what);

/* Reads what stands between the braces into *part, and its members behind t->text. 0 or -1 with *err. */
int template__placeholder(struct template *t, struct eio_bytes inside, const struct template_context *where,
	struct template_part *part, struct template_error *err);

/* Text that begins with a dollar sign: -1 with *err when 0.1 had a variable there. */
int template__old_variable(struct eio_bytes text, struct template_error *err);

/* Notes a mistake; returns -1. */
int template__mistake(struct template_error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int template__nomem(struct template_error *err);

/* Of bytes that are quoted in a mistake, so many: the arguments of "%.*s". */
#define TEMPLATE_QUOTE(s) ((int)((s).n < 60 ? (s).n : 60)), ((s).n ? (s).p : "")

/* The value of a part that is not text, members considered. */
struct template_value template__value(
	const struct template *t, const struct template_part *part, const struct template_input *in);

#endif
