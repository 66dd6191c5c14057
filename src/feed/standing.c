/* SPDX-License-Identifier: MIT */
/* Standings as text. */
#include "src/feed/standing.h"

#include "src/feed/offset.h"

#include <string.h>

/* Text that is being written; too long: n is larger than there is room. */
struct pen {
	char text[STANDING_TEXT];
	size_t n;
};

static void
put_char(struct pen *p, char c)
{
	if (p->n < sizeof p->text) p->text[p->n] = c;
	p->n++;
}

static void
put_digits(struct pen *p, uint64_t v)
{
	char digits[FEED_DIGITS_MAX];
	unsigned n = feed_digits_write(digits, v);

	for (unsigned i = 0; i < n; i++) put_char(p, digits[i]);
}

static void
put_behind(struct pen *p, const struct standing *s)
{
	unsigned used = 0;

	for (unsigned i = 0; i < s->n_classes * s->n_tracks; i++)
		if (s->behind[i / s->n_tracks][i % s->n_tracks]) used = i + 1;
	for (unsigned i = 0; i < used; i++) {
		put_char(p, i ? ',' : '!');
		put_digits(p, s->behind[i / s->n_tracks][i % s->n_tracks]);
	}
}

struct standing_text
standing_write(const struct standing *s)
{
	struct standing_text t = { .n = 0 };
	struct pen p = { .n = 0 };

	for (unsigned i = 0; i < s->n_tracks; i++) {
		if (i) put_char(&p, ',');
		put_digits(&p, s->at[i].a);
		put_char(&p, '.');
		put_digits(&p, s->at[i].b);
	}
	put_behind(&p, s);
	if (s->partial) {
		put_char(&p, ':');
		put_digits(&p, s->class);
		put_char(&p, ',');
		put_digits(&p, s->feed);
		put_char(&p, ',');
		put_digits(&p, s->order);
	}
	if (p.n > sizeof p.text) return t;
	memcpy(t.text, p.text, p.n);
	t.n = (unsigned char)p.n;
	return t;
}

/* A number at the beginning of what is left, and what ends it. */
static bool
take_digits(struct eio_bytes *rest, uint64_t *v, char *end)
{
	size_t n = 0;

	while (n < rest->n && !memchr(".,!:", rest->p[n], 4)) n++;
	if (!feed_digits_read(eio_bytes(rest->p, n), v)) return false;
	*end = n < rest->n ? rest->p[n] : '\0';
	*rest = eio_bytes(rest->p + n + (n < rest->n), rest->n - n - (n < rest->n));
	return true;
}

static bool
take_places(struct eio_bytes *rest, struct standing *s, char *end)
{
	for (unsigned i = 0; i < s->n_tracks; i++) {
		if (i && *end != ',') return false;
		if (!take_digits(rest, &s->at[i].a, end) || *end != '.') return false;
		if (!take_digits(rest, &s->at[i].b, end)) return false;
	}
	return true;
}

static bool
take_behind(struct eio_bytes *rest, struct standing *s, char *end)
{
	for (unsigned i = 0; *end == (i ? ',' : '!'); i++) {
		if (i == s->n_classes * s->n_tracks) return false;
		if (!take_digits(rest, &s->behind[i / s->n_tracks][i % s->n_tracks], end)) return false;
	}
	return true;
}

static bool
take_partial(struct eio_bytes *rest, struct standing *s, char *end)
{
	uint64_t class, feed;

	if (*end != ':') return true;
	if (!take_digits(rest, &class, end) || *end != ',' || class >= s->n_classes) return false;
	if (!take_digits(rest, &feed, end) || *end != ',' || feed > UINT32_MAX) return false;
	s->partial = true;
	s->class = (unsigned)class;
	s->feed = (unsigned)feed;
	return take_digits(rest, &s->order, end);
}

bool
standing_read(struct eio_bytes text, unsigned n_tracks, unsigned n_classes, struct standing *out)
{
	char end = '\0';

	*out = (struct standing){ .n_tracks = n_tracks, .n_classes = n_classes };
	return take_places(&text, out, &end) && take_behind(&text, out, &end) && take_partial(&text, out, &end) &&
	       end == '\0' && text.n == 0;
}
