/* SPDX-License-Identifier: MIT */
/*
 * From a room to its channel. A star takes as little as it can, and the texts between the stars are the same in the
 * pattern and in the room. So what a channel has from its first star to its last is, byte for byte, what the room has
 * from its first placeholder to its last; only what stands around it is another text.
 */
#include "src/template/inverse.h"

#include "src/template/template_int.h"

#include <stdlib.h>
#include <string.h>

enum { TEXTS = TEMPLATE_CAPTURES + 1 };

/* A pattern or a template as what stands around its stars: texts[0] * texts[1] * … texts[stars]. */
struct open_text {
	struct eio_buf bytes;
	size_t ends[TEXTS]; /* of each text, in bytes */
	unsigned stars;
};

static struct eio_bytes
open_text_of(const struct open_text *o, unsigned i)
{
	size_t from = i ? o->ends[i - 1] : 0, n = o->ends[i] - from;

	return n ? eio_bytes(o->bytes.p + from, n) : eio_bytes("", 0);
}

static bool
end_open_text(struct open_text *o)
{
	if (o->stars + 1 == TEXTS) return false;
	o->ends[o->stars++] = o->bytes.n;
	return true;
}

/* False where it has something else than text and stars, or too many of them. */
static bool
open_pattern(struct open_text *o, const char *p)
{
	for (; *p; p++) {
		if (*p == '?' || *p == '[') return false;
		if (*p == '*') {
			while (p[1] == '*') p++; /* several in a row are one */
			if (!end_open_text(o)) return false;
			continue;
		}
		if (*p == '\\' && p[1]) p++;
		eio_buf_addc(&o->bytes, *p);
	}
	o->ends[o->stars] = o->bytes.n;
	return true;
}

/* False where its placeholders are not {1}, {2} … in their order. */
static bool
open_room(struct open_text *o, const struct template *room)
{
	for (size_t i = 0; i < room->n; i++) {
		const struct template_part *p = &room->parts[i];

		if (p->what == TEMPLATE_TEXT)
			eio_buf_append(&o->bytes, room->text.p + p->at, p->n);
		else if (p->what != TEMPLATE_STAR || p->number != o->stars || !end_open_text(o))
			return false;
	}
	o->ends[o->stars] = o->bytes.n;
	return true;
}

/* The same with one {channel}. */
static bool
open_room_of_channel(struct open_text *o, const struct template *room)
{
	for (size_t i = 0; i < room->n; i++) {
		const struct template_part *p = &room->parts[i];

		if (p->what == TEMPLATE_TEXT)
			eio_buf_append(&o->bytes, room->text.p + p->at, p->n);
		else if (p->what != TEMPLATE_CHANNEL || o->stars || !end_open_text(o))
			return false;
	}
	o->ends[o->stars] = o->bytes.n;
	return o->stars == 1;
}

static bool
have_same_middle(const struct open_text *a, const struct open_text *b)
{
	if (a->stars != b->stars || !a->stars) return false;
	for (unsigned i = 1; i < a->stars; i++)
		if (!eio_bytes_eq(open_text_of(a, i), open_text_of(b, i))) return false;
	return true;
}

/* Takes the first and the last text of both. channel: NULL: without any. */
static int
take_around(struct template_inverse *v, const struct open_text *room, const struct open_text *channel,
	struct template_error *err)
{
	struct eio_buf b = { 0 };
	struct eio_bytes head = open_text_of(room, 0), tail = open_text_of(room, room->stars);

	eio_buf_add(&b, head);
	eio_buf_add(&b, tail);
	v->room_head = head.n;
	v->room_tail = tail.n;
	if (channel) {
		head = open_text_of(channel, 0);
		tail = open_text_of(channel, channel->stars);
		eio_buf_add(&b, head);
		eio_buf_add(&b, tail);
		v->channel_head = head.n;
		v->channel_tail = tail.n;
	}
	eio_buf_addc(&b, '\0');
	v->text = b.p;
	if (!eio_buf_failed(&b)) return 0;
	template_inverse_deinit(v);
	return template__nomem(err);
}

/* Which of both ways a room has to its channel; NULL: none. */
static const struct open_text *
open_texts(struct open_text v[3], const struct template *room, const char *pattern)
{
	bool of_channel = open_room_of_channel(&v[0], room);
	bool of_stars = open_room(&v[1], room) && open_pattern(&v[2], pattern) && have_same_middle(&v[1], &v[2]);

	if (of_channel) return &v[0];
	return of_stars ? &v[1] : NULL;
}

static int
invert_pattern(struct template_inverse *v, const struct template *room, const char *pattern, struct template_error *err)
{
	struct open_text texts[3] = { { .stars = 0 } };
	const struct open_text *found = open_texts(texts, room, pattern);
	int rc;

	v->pattern = pattern;
	if (eio_buf_failed(&texts[0].bytes) || eio_buf_failed(&texts[1].bytes) || eio_buf_failed(&texts[2].bytes))
		rc = template__nomem(err);
	else if (found)
		rc = take_around(v, found, found == &texts[1] ? &texts[2] : NULL, err);
	else
		rc = template__mistake(err,
			"of \"%.*s\" several channels may go to one such room; {channel} would tell them apart, or what "
			"all stars stand for, in their order and with the pattern's text between them",
			TEMPLATE_QUOTE(eio_cstr(pattern)));
	for (size_t i = 0; i < 3; i++) eio_buf_deinit(&texts[i].bytes);
	return rc;
}

static int
invert_channel(struct template_inverse *v, const struct template *room, const char *channel, struct template_error *err)
{
	const struct template_input in = { .channel = eio_cstr(channel) };
	struct eio_buf b = { 0 };

	v->fixed = true;
	template_render(room, &in, &b);
	v->room_head = b.n;
	v->channel_head = in.channel.n;
	eio_buf_add(&b, in.channel);
	eio_buf_addc(&b, '\0');
	v->text = b.p;
	if (!eio_buf_failed(&b)) return 0;
	template_inverse_deinit(v);
	return template__nomem(err);
}

int
template_inverse_init(struct template_inverse *v, const struct template *room, const char *source, bool is_pattern,
	struct template_error *err)
{
	*v = (struct template_inverse){ .fixed = false };
	if (template_uses_message(room) || template_uses_message_text(room))
		return template__mistake(
			err, "it is made of the message, so nobody knows its channel before the message comes");
	return is_pattern ? invert_pattern(v, room, source, err) : invert_channel(v, room, source, err);
}

void
template_inverse_deinit(struct template_inverse *v)
{
	free(v->text);
	*v = (struct template_inverse){ .fixed = false };
}

/* Whether a room has the texts of its head and its tail, one behind the other. */
static bool
has_around(const struct template_inverse *v, struct eio_bytes room)
{
	size_t head = v->room_head, tail = v->room_tail;

	if (room.n < head + tail) return false;
	if (head && memcmp(room.p, v->text, head) != 0) return false;
	return !tail || memcmp(room.p + room.n - tail, v->text + head, tail) == 0;
}

bool
template_inverse_may(const struct template_inverse *v, struct eio_bytes room)
{
	return has_around(v, room) && (!v->fixed || room.n == v->room_head);
}

bool
template_inverse_find(const struct template_inverse *v, struct eio_bytes room, struct eio_buf *out)
{
	const char *head = v->text + v->room_head + v->room_tail;
	size_t at = out->n, middle = room.n - v->room_head - v->room_tail, n;
	struct template_captures unused;

	if (!template_inverse_may(v, room)) return false;
	eio_buf_append(out, head, v->channel_head);
	if (middle) eio_buf_append(out, room.p + v->room_head, middle);
	eio_buf_append(out, head + v->channel_head, v->channel_tail);
	n = out->n - at;
	if (!v->pattern || eio_buf_failed(out)) return true;
	return template_match(eio_cstr(v->pattern), n ? eio_bytes(out->p + at, n) : eio_bytes("", 0), &unused);
}
