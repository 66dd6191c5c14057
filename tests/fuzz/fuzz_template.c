/* SPDX-License-Identifier: MIT */
/*
 * Any text as a template of a feed, rendered for any channel and message; as names and
 * as JSON of a handler, rendered for any value, which must come out as JSON; and any
 * pattern matched against any channel. The input is up to four lines: template,
 * pattern, channel, message. The literal parts of the pattern and what its stars
 * matched must together be the channel.
 */
#include "sio/json.h"
#include "src/template/template.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct eio_bytes
line(struct eio_bytes *rest)
{
	const char *end = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
	struct eio_bytes l = eio_bytes(rest->p, end ? (size_t)(end - rest->p) : rest->n);

	*rest = end ? eio_bytes(end + 1, rest->n - l.n - 1) : eio_bytes(rest->p + rest->n, 0);
	return l;
}

/* For patterns of nothing but stars and plain characters: puts the captures in the stars' places. */
static void
check_captures(struct eio_bytes pattern, struct eio_bytes channel, const struct template_captures *c)
{
	struct eio_buf again;
	unsigned star = 0;

	eio_buf_init(&again);
	for (size_t i = 0; i < pattern.n; i++) {
		if (strchr("?[\\", pattern.p[i])) goto out; /* a NUL, too */
		if (pattern.p[i] != '*') {
			eio_buf_addc(&again, pattern.p[i]);
			continue;
		}
		if (i > 0 && pattern.p[i - 1] == '*') continue;
		if (star == TEMPLATE_CAPTURES) goto out;
		eio_buf_add(&again, c->v[star++]);
	}
	if (c->n != star || !eio_bytes_eq(eio_buf_bytes(&again), channel)) abort();
out:
	eio_buf_deinit(&again);
}

static void
as_feed(struct eio_bytes text, const struct template_input *in)
{
	struct template_context where = { .place = TEMPLATE_IN_FEED, .stars = in->captures ? in->captures->n : 0 };
	struct template_error err;
	struct template *t = template_new(text, TEMPLATE_AS_NAME, &where, &err);
	struct eio_buf out = { 0 };

	if (t && (!template_uses_message(t) || sio_json_check(in->message) == 0)) template_render(t, in, &out);
	if (!t && (err.nomem || !*err.text)) abort();
	eio_buf_deinit(&out);
	template_free(t);
}

/* Arguments are the message, {args} is it twice, all else its text. */
static struct template_value
find(void *ctx, const struct template_placeholder *p)
{
	const struct eio_bytes *values = ctx; /* message, elements */

	if (p->what == TEMPLATE_ARGUMENT || p->what == TEMPLATE_AUTH)
		return (struct template_value){ TEMPLATE_RAW, values[0], false };
	if (p->what == TEMPLATE_ARGUMENTS) return (struct template_value){ TEMPLATE_ELEMENTS, values[1], false };
	return (struct template_value){ TEMPLATE_PLAIN, p->name.n ? p->name : values[0], false };
}

static void
ignore(void *ctx, struct eio_bytes name)
{
	size_t *n = ctx;

	if (++*n > TEMPLATE_MAX_NAMES || (name.n && !name.p)) abort();
}

static void
as_names(struct eio_bytes text, const struct template_context *where, const struct template_input *in)
{
	struct template_error err;
	struct template *t = template_new(text, TEMPLATE_AS_NAMES, where, &err);
	struct template_names n = { .name = { 0 } };
	size_t count = 0;

	if (t) template_render_names(t, in, &n, ignore, &count);
	template_names_deinit(&n);
	template_free(t);
}

static void
as_json(struct eio_bytes text, const struct template_context *where, const struct template_input *in)
{
	struct template_json out = { .n_spans = 0 };
	struct template_error err;
	struct template *t = template_new_json();

	if (t && template_add_string(t, text, where, &err) == 0) {
		if (template_render_json(t, in, &out) != TEMPLATE_OK) abort();
		if (out.n_spans || sio_json_check(eio_buf_bytes(&out.text)) != 0) abort();
	}
	eio_buf_deinit(&out.text);
	template_free(t);
}

static void
as_handlers(struct eio_bytes text, struct eio_bytes message)
{
	struct eio_buf elements = { 0 };
	struct eio_bytes values[2] = { message };
	struct template_input in = { .find = find, .ctx = values };

	if (sio_json_check(message) != 0) return;
	values[0] = sio_json_trim(message);
	eio_buf_addc(&elements, '[');
	eio_buf_add(&elements, values[0]);
	eio_buf_addc(&elements, ',');
	eio_buf_add(&elements, values[0]);
	eio_buf_addc(&elements, ']');
	values[1] = eio_bytes(elements.p + 1, elements.n - 2);
	if (sio_json_check(eio_buf_bytes(&elements)) != 0) goto out; /* nested too deeply */
	for (unsigned p = TEMPLATE_IN_CONNECTION; p <= TEMPLATE_IN_DISCONNECT; p++) {
		struct template_context where = { .place = (enum template_place)p, .nsp_stars = 2 };

		as_names(text, &where, &in);
		as_json(text, &where, &in);
	}
out:
	eio_buf_deinit(&elements);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size ? size : 1);
	struct eio_bytes rest = eio_bytes(copy, size), text, pattern;
	struct template_captures captures;
	struct template_input in = { .captures = &captures };

	if (!copy) return 0;
	if (size) memcpy(copy, data, size);
	text = line(&rest);
	pattern = line(&rest);
	in.channel = line(&rest);
	in.message = rest;
	if (template_match(pattern, in.channel, &captures)) {
		if (template_count_stars(pattern) != captures.n) abort();
		check_captures(pattern, in.channel, &captures);
		as_feed(text, &in);
	}
	in.captures = NULL;
	as_feed(text, &in);
	as_handlers(text, in.message);
	free(copy);
	return 0;
}
