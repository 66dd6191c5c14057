/* SPDX-License-Identifier: MIT */
/*
 * What is asked: each channel by a command of its own, since of a command with several Redis refuses all when an ACL
 * forbids one. What changed in one turn is one write all the same.
 */
#include "src/redis/channels_int.h"
#include "src/redis/command.h"

#include <stdlib.h>
#include <string.h>

static const char *const ask_words[] = { "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE" };
static const char *const leave_words[] = { "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE" };

static bool
reserve_asked(struct redis_channels *c)
{
	size_t cap = c->asked_cap ? 2 * c->asked_cap : 64;
	struct redis_channel **asked;

	if (c->asked_at == c->asked_n) c->asked_at = c->asked_n = 0;
	if (c->asked_n < c->asked_cap) return true;
	if (c->asked_at > c->asked_cap / 2) {
		/* Joins that never pause must not make it grow. */
		c->asked_n -= c->asked_at;
		memmove(c->asked, c->asked + c->asked_at, c->asked_n * sizeof *asked);
		c->asked_at = 0;
		return true;
	}
	asked = realloc(c->asked, cap * sizeof *asked);
	if (!asked) return false;
	c->asked = asked;
	c->asked_cap = cap;
	return true;
}

/* Says to the server what is so with a channel. False when out of memory: it is to be said later. */
static bool
say_channel(struct redis_channels *c, struct redis_channel *one, struct eio_buf *out)
{
	size_t before = out->n;
	bool wanted = one->wants > 0;

	if (!reserve_asked(c)) return false;
	redis_command(out, 2);
	redis_argument(out, eio_cstr((wanted ? ask_words : leave_words)[one->kind]));
	redis_argument(out, eio_bytes(one->name, one->n));
	if (eio_buf_failed(out)) {
		out->failed = false;
		out->n = before;
		return false;
	}
	c->asked[c->asked_n++] = one;
	one->unanswered++;
	one->confirmed = false;
	one->sent = wanted;
	return true;
}

static bool
was_asked_for(const struct redis_channels *c, const struct redis_channel *one)
{
	struct eio_bytes name = eio_bytes(one->name, one->n);
	const struct redis_channel *same = redis_channels__find(c, one->kind, name, eio_hash_bytes(c->hash_key, name));

	return same && same->sent;
}

size_t
redis_channels__say(struct redis_channels *c, const struct redis_channels *other, struct eio_buf *out)
{
	struct eio_list *l, *next;
	size_t n = 0;

	EIO_LIST_FOREACH_SAFE(l, next, &c->changed)
	{
		struct redis_channel *one = EIO_CONTAINER(l, struct redis_channel, changed);

		if (other && !(one->wants && was_asked_for(other, one))) continue;
		if (!say_channel(c, one, out)) break;
		eio_list_remove(&one->changed);
		n++;
	}
	return n;
}
