/* SPDX-License-Identifier: MIT */
/* By which channel a value would have come. */
#include "src/feed/prime_value.h"

static struct template_value
find_in_value(void *ctx, const struct template_placeholder *p)
{
	const struct feed_value *v = ctx;

	return (struct template_value){ .type = TEMPLATE_PLAIN,
		.bytes = p->what == TEMPLATE_FIELD ? v->field : v->key };
}

static bool
render_channel(const struct feed_prime *prime, const struct feed_value *v, struct eio_buf *scratch)
{
	struct template_captures captures = { .n = 0 };
	struct feed_value copy = *v;
	const struct template_input in = { .find = find_in_value, .ctx = &copy, .captures = &captures };

	if (prime->kind == FEED_PRIME_SCAN && !template_match(eio_cstr(prime->key), v->key, &captures)) return false;
	eio_buf_clear(scratch);
	return template_render(prime->channel, &in, scratch) == TEMPLATE_OK && !eio_buf_failed(scratch);
}

/* Under which of the feed's names that is. */
static bool
find_subscribed_name(const struct feed_at_work *s, struct message *m)
{
	const struct feed_spec *spec = s->spec;
	struct template_captures unused;
	const unsigned *feeds;
	size_t n;

	m->kind = spec->is_pattern ? MESSAGE_OF_PATTERN : MESSAGE_OF_CHANNEL;
	m->name = m->channel;
	for (size_t i = 0; spec->is_pattern && i < spec->n_channels; i++) {
		m->name = eio_cstr(spec->channels[i]);
		if (template_match(m->name, m->channel, &unused)) return true;
	}
	n = spec->is_pattern ? 0 : feed_router_feeds(s->router, m->kind, m->name, &feeds);
	for (size_t i = 0; i < n; i++)
		if (feeds[i] == spec->index) return true;
	return false;
}

bool
feed_prime_value(const struct feed_at_work *s, const struct feed_prime *prime, const struct feed_value *v,
	struct eio_buf *scratch, struct message *m)
{
	if (!render_channel(prime, v, scratch)) return false;
	m->channel = eio_buf_bytes(scratch);
	m->payload = v->value;
	return find_subscribed_name(s, m);
}
