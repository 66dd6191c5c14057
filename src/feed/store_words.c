/* SPDX-License-Identifier: MIT */
/* What is said to Redis about sessions, and read of its answers. */
#include "src/feed/store_int.h"

#include "eio/base64.h"
#include "src/redis/command.h"

#include <stdio.h>
#include <string.h>

bool
store__add_key(const struct store *s, const char pid[FEED_PID_LEN], struct eio_buf *out)
{
	char key[sizeof STORE_KEY + FEED_SIGNED_LEN] = STORE_KEY;

	if (!feed_pid_sign(s->options.secret, pid, key + sizeof STORE_KEY - 1)) return false;
	redis_argument(out, eio_bytes(key, sizeof STORE_KEY - 1 + FEED_SIGNED_LEN));
	return true;
}

void
store__add_ms(struct eio_buf *out, unsigned ms)
{
	char text[16];

	redis_argument(out, eio_bytes(text, (size_t)snprintf(text, sizeof text, "%u", ms)));
}

void
store__add_tag(struct eio_buf *out, const char *prefix, const char tag[FEED_TAG])
{
	char text[sizeof STORE_LOCAL_KEY + 2 * FEED_TAG];
	size_t n = strlen(prefix);

	memcpy(text, prefix, n);
	n += eio_base64_encode(text + n, eio_bytes(tag, FEED_TAG));
	redis_argument(out, eio_bytes(text, n));
}

/* Answers */

void
store__note_error(struct store *s, struct eio_bytes text)
{
	log_limited(LOG_LEVEL_WARN, &s->limit, uv_now(s->options.loop), "redis=%s event=session-not-kept error=\"%s\"",
		s->options.url->name, LOG_ESCAPE(text));
}

struct redis_item
store__result_of(const struct redis_values *values)
{
	struct redis_item item = { .kind = REDIS_ITEM_NIL };
	size_t at = 0;

	(void)redis_values_next(values, &at, &item);
	return item;
}
