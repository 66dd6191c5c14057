/* SPDX-License-Identifier: MIT */
/*
 * Any text as a template, rendered for any channel and message; and any pattern
 * matched against any channel. The input is up to four lines: template, pattern,
 * channel, message. The literal parts of the pattern and what its stars matched
 * must together be the channel.
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
render(const struct template *t, const struct template_input *in)
{
	struct eio_buf out;

	eio_buf_init(&out);
	if (!template_uses_message(t) || sio_json_check(in->message) == 0) template_render(t, in, &out);
	eio_buf_deinit(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size ? size : 1), err[128];
	struct eio_bytes rest = eio_bytes(copy, size), text, pattern;
	struct template_captures captures;
	struct template_input in = { .captures = &captures };
	struct template *t;

	if (!copy) return 0;
	if (size) memcpy(copy, data, size);
	text = line(&rest);
	pattern = line(&rest);
	in.channel = line(&rest);
	in.message = rest;
	if (template_match(pattern, in.channel, &captures)) {
		if (template_count_stars(pattern) != captures.n) abort();
		check_captures(pattern, in.channel, &captures);
		t = template_new(text, captures.n, err, sizeof(err));
		if (t) render(t, &in);
		template_free(t);
	}
	t = template_new(text, 0, err, sizeof(err));
	in.captures = NULL;
	if (t) render(t, &in);
	template_free(t);
	free(copy);
	return 0;
}
