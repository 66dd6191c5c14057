/* SPDX-License-Identifier: MIT */
/*
 * Placeholders in JSON text: an object whose member _placeholder is exactly
 * true stands for the attachment its member num names (protocol section
 * "Events, acks, attachments").
 *
 * An object shows what it is only at its end, so the text is copied as it goes
 * by, and when an object turns out to be a placeholder the copy is cut back to
 * where it began. That takes one pass whatever the nesting, and a stack of
 * fixed size.
 */
#include "sio/placeholder_int.h"

#include "eio/check.h"
#include "sio/error.h"
#include "sio/event.h"
#include "sio/json_int.h"
#include "sio/number_int.h"

enum key { KEY_OTHER, KEY_PLACEHOLDER, KEY_NUM };

/* One container we are in. */
struct level {
	bool object;
	bool at_key; /* the next string is a key */
	enum key key; /* of the member we are in */
	bool placeholder; /* of equal keys the last counts */
	struct eio_bytes num; /* p is NULL while there is none */
	size_t out_n; /* how the output stood when it began */
	unsigned n_out;
};

struct walk {
	struct sio__renumber *r;
	const char *copied; /* input before this is in the output */
	unsigned depth;
	struct level levels[SIO_JSON_MAX_DEPTH];
};

static void
copy_until(struct walk *w, const char *p)
{
	if (w->r->out && p > w->copied) eio_buf_append(w->r->out, w->copied, (size_t)(p - w->copied));
	w->copied = p;
}

/* The number of one more occurrence of attachment `old` in the output, or SIO_ERR_TOO_MANY_ATTACHMENTS. */
static int
give_number(struct sio__renumber *r, unsigned old)
{
	if (!r->out) return 0;
	if (r->share)
		for (unsigned i = 0; i < r->n_out; i++)
			if (r->map[i] == old) return (int)i;
	if (r->n_out >= SIO_MAX_ATTACHMENTS) return SIO_ERR_TOO_MANY_ATTACHMENTS;
	r->map[r->n_out] = (unsigned char)old;
	return (int)r->n_out++;
}

/* Replaces the object that began at level l with its placeholder under the new number. */
static int
replace_object(struct walk *w, const struct level *l)
{
	struct sio__renumber *r = w->r;
	enum sio__number kind;
	unsigned old = 0;
	int num;

	kind = l->num.p ? sio__number_read(l->num, &old) : SIO__NUMBER_NONE;
	if ((kind != SIO__NUMBER_SMALL && kind != SIO__NUMBER_FRACTION) || old >= r->n_in) return SIO_ERR_PLACEHOLDER;
	if (!r->out) return 0;
	if (!eio_buf_failed(r->out)) r->out->n = l->out_n;
	r->n_out = l->n_out;
	if (kind == SIO__NUMBER_FRACTION) {
		/* In the reference this is buffers[0.5], undefined, which JSON writes as null. */
		EIO_BUF_ADD_LIT(r->out, "null");
		return 0;
	}
	num = give_number(r, old);
	if (num < 0) return num;
	EIO_BUF_ADD_LIT(r->out, "{\"_placeholder\":true,\"num\":");
	eio_buf_append_u64(r->out, (uint64_t)num);
	eio_buf_addc(r->out, '}');
	return 0;
}

static int
open_container(struct walk *w, const char *p)
{
	struct level *l;

	if (w->depth == SIO_JSON_MAX_DEPTH) return SIO_ERR_DEPTH;
	copy_until(w, p);
	l = &w->levels[w->depth++];
	*l = (struct level){ .object = *p == '{', .at_key = *p == '{', .n_out = w->r->n_out };
	l->out_n = w->r->out ? w->r->out->n : 0;
	return 0;
}

/* A value has ended; scalar is its text, or empty for a container. */
static void
member_done(struct walk *w, struct eio_bytes scalar)
{
	struct level *l;

	if (w->depth == 0) return;
	l = &w->levels[w->depth - 1];
	if (l->key == KEY_PLACEHOLDER) l->placeholder = eio_bytes_eq(scalar, EIO_LIT("true"));
	if (l->key == KEY_NUM) l->num = scalar;
	l->key = KEY_OTHER;
}

static int
close_container(struct walk *w, const char *after)
{
	struct level *l;
	int rc = 0;

	if (w->depth == 0) return SIO_ERR_INVALID_ARGUMENT;
	l = &w->levels[--w->depth];
	if (l->placeholder) {
		rc = replace_object(w, l);
		w->copied = after;
	}
	member_done(w, (struct eio_bytes){ NULL, 0 });
	return rc;
}

static void
string_done(struct walk *w, struct eio_bytes s)
{
	struct level *l = w->depth ? &w->levels[w->depth - 1] : NULL;

	if (!l || !l->at_key) {
		member_done(w, s);
		return;
	}
	l->at_key = false;
	if (sio_json_string_eq(s, EIO_LIT("_placeholder")))
		l->key = KEY_PLACEHOLDER;
	else if (sio_json_string_eq(s, EIO_LIT("num")))
		l->key = KEY_NUM;
}

/* p stands at a number or a word; returns what follows it. */
static const char *
take_word(struct walk *w, const char *p, const char *end)
{
	const char *start = p;

	while (p < end && *p != ',' && *p != '}' && *p != ']' && (unsigned char)*p > ' ') p++;
	member_done(w, (struct eio_bytes){ start, (size_t)(p - start) });
	return p;
}

int
sio__renumber(struct sio__renumber *r, struct eio_bytes json)
{
	const char *p = json.p, *end = p + json.n, *start;
	struct walk w;
	int rc = 0;

	CHECK(r->n_in <= SIO_MAX_ATTACHMENTS);
	w.r = r;
	w.copied = p;
	w.depth = 0;
	while (p < end && rc == 0) {
		switch (*p) {
		case ' ':
		case '\t':
		case '\n':
		case '\r':
		case ':': p++; break;
		case ',':
			if (w.depth) w.levels[w.depth - 1].at_key = w.levels[w.depth - 1].object;
			p++;
			break;
		case '{':
		case '[': rc = open_container(&w, p++); break;
		case '}':
		case ']': rc = close_container(&w, ++p); break;
		case '"':
			start = p;
			p = sio__json_skip_string(p + 1, end);
			if (!p) return SIO_ERR_INVALID_ARGUMENT;
			string_done(&w, (struct eio_bytes){ start, (size_t)(p - start) });
			break;
		default: p = take_word(&w, p, end); break;
		}
	}
	if (rc == 0) copy_until(&w, p);
	return rc;
}

int
sio_placeholders_check(struct eio_bytes json, size_t n)
{
	struct sio__renumber r = { .n_in = n };

	return sio__renumber(&r, json);
}
