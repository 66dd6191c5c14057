/* SPDX-License-Identifier: MIT */
/* Lines about messages that are not sent. */
#include "src/feed/feed_int.h"

void
feed_router_tell_fate(struct feed_router *r, const struct feed_spec *f, const struct message *m,
	const struct feed_stream *stream, enum feed_fate fate)
{
	const struct feed_fate_text *t = &feed_fate_texts[fate];

	if (t->mistake)
		log_limited(LOG_LEVEL_WARN, &r->limit, m->now_ms,
			"feed=%u channel=\"%s\" event=message-dropped reason=\"%s\" message=\"%s\"", f->index,
			LOG_ESCAPE(m->channel), t->mistake, LOG_ESCAPE(m->payload));
	LOG_DEBUG_LIMITED(&r->debug_limits[fate], m->now_ms,
		"feed=%u channel=\"%s\" event=message-not-sent part=%s reason=\"%s\" room=\"%s\" message=\"%s\"",
		f->index, LOG_ESCAPE(m->channel), t->part, t->reason,
		stream && !stream->target.everyone ? LOG_ESCAPE(stream->target.name) : "", LOG_ESCAPE(m->payload));
}
