/* SPDX-License-Identifier: MIT */
/* What a streamer tells. */
#include "src/redis/streamer_int.h"

#include <inttypes.h>

uint64_t
redis_streamer__now(const struct redis_streamer *s)
{
	return uv_now(s->timer.loop);
}

void
redis_streamer__tell_state(struct redis_streamer *s)
{
	bool ready = redis_link_is_ready(s->link) && !s->denied && s->readings.refused < s->readings.n;

	if (ready == s->ready) return;
	s->ready = ready;
	s->options.state(s->options.user, ready);
}

void
redis_streamer_tell_refused(const struct redis_streamer *s, bool refused)
{
	for (size_t i = 0; i < s->readings.n; i++)
		if (s->readings.v[i].refused) s->options.refused(s->options.user, i, refused);
}

void
redis_streamer__tell_settled(struct redis_streamer *s)
{
	if (s->settled || !s->options.settled || !redis_readings_settled(&s->readings)) return;
	s->settled = true;
	s->options.settled(s->options.user);
}

size_t
redis_streamer__number(const struct redis_streamer *s, const struct redis_reading *r)
{
	return (size_t)(r - s->readings.v);
}

void
redis_streamer__tell_gap(struct redis_streamer *s, const struct redis_reading *r, const struct redis_gap *gap)
{
	char from[REDIS_ID_TEXT], to[REDIS_ID_TEXT];

	log_limited(LOG_LEVEL_WARN, &s->gap_limit, redis_streamer__now(s),
		"redis=%s event=%s stream=\"%s\" from=%s to=%s missed=%" PRIu64, s->options.url->name,
		gap->anew ? "stream-anew" : "stream-gap", LOG_ESCAPE(eio_cstr(r->stream->name)),
		redis_id_text(gap->from, from), redis_id_text(gap->to, to), gap->missed);
	s->options.gap(s->options.user, redis_streamer__number(s, r), gap);
}
