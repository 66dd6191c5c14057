/* SPDX-License-Identifier: MIT */
/* How a link is, and its connection for another process. */
#include "src/redis/link_int.h"

#include "eio/check.h"

#include <stdlib.h>

void
redis_link_allow(struct redis_link *l, size_t max_reply)
{
	l->options.max_reply = max_reply;
	if (l->reader) redis_reader_expect_values(l->reader, max_reply);
}

struct redis_known *
redis_link__known(void)
{
	struct redis_known *k = calloc(1, sizeof *k);

	if (k && redis_known_init(k) == 0) return k;
	free(k);
	return NULL;
}

const struct redis_url *
redis_link_place(const struct redis_link *l)
{
	return l->known ? &l->known->at : &l->at;
}

void
redis_link_take_over(struct redis_link *l)
{
	CHECK(l->state == LINK_READY && !l->unanswered && !l->pinged);
	l->raw = true;
}

size_t
redis_link_unwritten(const struct redis_link *l)
{
	return l->socket ? redis_socket_unwritten(l->socket) : 0;
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
