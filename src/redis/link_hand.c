/* SPDX-License-Identifier: MIT */
/* How a link is, and its connection for another process. */
#include "src/redis/link_int.h"

void
redis_link_allow(struct redis_link *l, size_t max_reply)
{
	l->options.max_reply = max_reply;
	if (l->reader) redis_reader_expect_values(l->reader, max_reply);
}

bool
redis_link_is_ready(const struct redis_link *l)
{
	return l->state == LINK_READY;
}

const char *
redis_link_failure(const struct redis_link *l)
{
	return l->failure;
}

uint64_t
redis_link_silence_ms(const struct redis_link *l)
{
	return uv_now(l->loop) - l->heard_ms;
}

bool
redis_link_hand(const struct redis_link *l, struct redis_handed *out)
{
	if (l->state != LINK_READY || l->raw || l->unanswered || *l->refused) return false;
	if (!redis_reader_begun(l->reader, &out->begun)) return false;
	out->pinged = l->pinged;
	out->fd = redis_socket_copy(l->socket);
	return out->fd >= 0;
}
