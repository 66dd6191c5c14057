/* SPDX-License-Identifier: MIT */
/*
 * Whether two templates can make one name, whatever their placeholders stand for. A
 * placeholder may become any text, so only the text around them can tell.
 */
#include "src/template/template_int.h"

static struct eio_bytes
part_text(const struct template *t, size_t i)
{
	if (i >= t->n || t->parts[i].what != TEMPLATE_TEXT) return eio_bytes("", 0);
	return eio_bytes(t->text.p + t->parts[i].at, t->parts[i].n);
}

static bool
has_placeholder(const struct template *t)
{
	struct template_placeholder p;
	size_t i = 0;

	return template_next_placeholder(t, &i, &p);
}

static bool
ends_in(struct eio_bytes s, struct eio_bytes end)
{
	return s.n >= end.n && (end.n == 0 || memcmp(s.p + s.n - end.n, end.p, end.n) == 0);
}

/* Whether name can come out of t, which has a placeholder: each text is looked for behind the one before it. */
static bool
can_make(const struct template *t, struct eio_bytes name)
{
	struct eio_bytes first = part_text(t, 0), last = part_text(t, t->n - 1), text;
	const char *found;

	if (name.n < first.n + last.n || !eio_bytes_starts(name, first) || !ends_in(name, last)) return false;
	name = eio_bytes(name.p + first.n, name.n - first.n - last.n);
	for (size_t i = 1; i + 1 < t->n; i++) {
		text = part_text(t, i);
		if (!text.n) continue;
		found = memmem(name.p, name.n, text.p, text.n);
		if (!found) return false;
		name = eio_bytes(found + text.n, name.n - (size_t)(found - name.p) - text.n);
	}
	return true;
}

bool
template_may_make(const struct template *t, struct eio_bytes name)
{
	return has_placeholder(t) ? can_make(t, name) : eio_bytes_eq(part_text(t, 0), name);
}

bool
template_may_equal(const struct template *a, const struct template *b)
{
	struct eio_bytes a_first = part_text(a, 0), b_first = part_text(b, 0);
	struct eio_bytes a_last = part_text(a, a->n ? a->n - 1 : 0), b_last = part_text(b, b->n ? b->n - 1 : 0);

	if (!has_placeholder(a)) return template_may_make(b, a_first);
	if (!has_placeholder(b)) return template_may_make(a, b_first);
	/* What stands between their first and last texts can be put one behind the other. */
	return (eio_bytes_starts(a_first, b_first) || eio_bytes_starts(b_first, a_first)) &&
	       (ends_in(a_last, b_last) || ends_in(b_last, a_last));
}
