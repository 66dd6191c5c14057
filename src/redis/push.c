/* SPDX-License-Identifier: MIT */
/* Published messages on the wire; see the header. */
#include "src/redis/push.h"

/* A longer length is left to the reader: more than Redis lets anybody publish by default. */
enum { DIGITS_MAX = 9 };

static const char message_head[] = "*3\r\n$7\r\nmessage\r\n";
static const char pmessage_head[] = "*4\r\n$8\r\npmessage\r\n";
static const char smessage_head[] = "*3\r\n$8\r\nsmessage\r\n";

#define DIGIT_AT 5 /* of a head: the length of its word */

/* Takes `n` bytes that are known beforehand. */
static inline enum redis_push
take_head(struct eio_bytes *at, const char *head, size_t n)
{
	if (at->n < n) return memcmp(at->p, head, at->n) == 0 ? REDIS_PUSH_PARTIAL : REDIS_PUSH_OTHER;
	if (memcmp(at->p, head, n) != 0) return REDIS_PUSH_OTHER;
	at->p += n;
	at->n -= n;
	return REDIS_PUSH_MESSAGE;
}

/* Takes "$<n> CRLF". */
static inline enum redis_push
take_length(struct eio_bytes *at, size_t max, size_t *n)
{
	size_t i = 1, v = 0;

	if (at->n == 0) return REDIS_PUSH_PARTIAL;
	if (at->p[0] != '$') return REDIS_PUSH_OTHER;
	for (; i < at->n && at->p[i] >= '0' && at->p[i] <= '9'; i++) {
		if (i > DIGITS_MAX || (i == 2 && v == 0)) return REDIS_PUSH_OTHER;
		v = v * 10 + (size_t)(at->p[i] - '0');
	}
	if (i == at->n) return REDIS_PUSH_PARTIAL;
	if (i == 1 || at->p[i] != '\r') return REDIS_PUSH_OTHER;
	if (i + 1 == at->n) return REDIS_PUSH_PARTIAL;
	if (at->p[i + 1] != '\n' || v > max) return REDIS_PUSH_OTHER;
	at->p += i + 2;
	at->n -= i + 2;
	*n = v;
	return REDIS_PUSH_MESSAGE;
}

/* Takes "$<n> CRLF <n bytes> CRLF". *missing: how many bytes it is short of when that is known. */
static inline enum redis_push
take_string(struct eio_bytes *at, size_t max, struct eio_bytes *s, size_t *missing)
{
	size_t n;
	enum redis_push r = take_length(at, max, &n);

	if (r != REDIS_PUSH_MESSAGE) return r;
	if (at->n < n + 2) {
		*missing = n + 2 - at->n;
		return REDIS_PUSH_PARTIAL;
	}
	if (at->p[n] != '\r' || at->p[n + 1] != '\n') return REDIS_PUSH_OTHER;
	*s = eio_bytes(at->p, n);
	at->p += n + 2;
	at->n -= n + 2;
	return REDIS_PUSH_MESSAGE;
}

enum redis_push
redis_push_take(struct eio_bytes *bytes, size_t max, struct redis_message *m, size_t *needs)
{
	struct eio_bytes at = *bytes;
	size_t missing = 0;
	enum redis_push r;

	m->is_pattern = at.n > 1 && at.p[1] == '4';
	m->is_shard = at.n > DIGIT_AT && at.p[1] == '3' && at.p[DIGIT_AT] == '8';
	if (m->is_pattern)
		r = take_head(&at, pmessage_head, sizeof pmessage_head - 1);
	else if (m->is_shard)
		r = take_head(&at, smessage_head, sizeof smessage_head - 1);
	else
		r = take_head(&at, message_head, sizeof message_head - 1);
	if (r == REDIS_PUSH_MESSAGE) r = take_string(&at, max, &m->name, &missing);
	missing = 0; /* what comes behind the name is not known */
	m->channel = m->name;
	if (r == REDIS_PUSH_MESSAGE && m->is_pattern) {
		r = take_string(&at, max, &m->channel, &missing);
		missing = 0;
	}
	if (r == REDIS_PUSH_MESSAGE) r = take_string(&at, max, &m->payload, &missing);
	if (r == REDIS_PUSH_MESSAGE)
		*bytes = at;
	else
		*needs = r == REDIS_PUSH_PARTIAL && missing ? bytes->n + missing : 0;
	return r;
}
