/* SPDX-License-Identifier: MIT */
/* What a feed asks of its messages. */
#include "src/feed/feed_int.h"

/* Whether all messages of a feed's channels get the same name. */
static bool
is_one_name(const struct feed_spec *c, const struct template *t)
{
	struct template_placeholder p;
	size_t i = 0;

	if (!t) return true;
	if (c->n_channels > 1 || c->is_stream) return !template_next_placeholder(t, &i, &p);
	return !template_uses_message(t) && !template_uses_message_text(t);
}

static void
note_template(struct feed_at_work *f, const struct template *t)
{
	if (!t) return;
	f->needs_json |= template_uses_message(t);
	f->needs_utf8 |= template_uses_message_text(t);
}

/* A template that has its part in where messages go. */
static void
note_target(struct feed_at_work *f, const struct feed_spec *c, const struct template *t)
{
	note_template(f, t);
	f->one_stream &= is_one_name(c, t);
}

void
feed_at_work_needs(struct feed_at_work *f, const struct feed_spec *c)
{
	f->shapes = feed_shapes(c);
	f->one_room = c->nsp && c->n_rooms <= 1 && !c->n_except;
	f->one_stream = !c->is_pattern;
	f->notes = c->retain.rules.kind != RETAIN_NOTHING;
	f->needs_utf8 = false;
	f->needs_json = c->where.n > 0 || c->omit || (c->spread && !c->payload) || c->retain.key || c->latest_per;
	note_template(f, c->payload);
	note_template(f, c->payload_default);
	note_target(f, c, c->event);
	note_target(f, c, c->nsp_template);
	for (size_t i = 0; i < c->n_rooms; i++) note_target(f, c, c->rooms[i]);
	for (size_t i = 0; i < c->n_except; i++) note_target(f, c, c->except[i]);
	f->plain = f->one_stream && !f->shapes && !f->notes && !c->latest_per &&
		   !f->router->options->recovery.elsewhere;
}
