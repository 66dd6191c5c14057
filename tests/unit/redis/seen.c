/* SPDX-License-Identifier: MIT */
/* Seeing. */
#include "tests/unit/redis/seen.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

char seen[4096];

void
see(const char *fmt, ...)
{
	size_t n = strlen(seen);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(seen + n, sizeof seen - n, fmt, ap);
	va_end(ap);
}

void
see_message(const struct redis_message *m)
{
	see("%c(%.*s,%.*s,%.*s)", m->is_pattern ? 'p' : 'm', (int)m->name.n, m->name.p, (int)m->channel.n, m->channel.p,
		(int)m->payload.n, m->payload.p);
}

void
see_reply(const struct redis_event *e)
{
	static const char letters[] = "+-:Sui*?";

	see("%c%.*s", letters[e->reply], (int)e->text.n, e->text.p);
}

void
see_entry(const struct redis_entry *e)
{
	struct eio_bytes field, value;
	size_t at = 0;

	see("%.*s %.*s(", (int)e->stream.n, e->stream.p, (int)e->id.n, e->id.p);
	if (e->skipped) see("long %llu", (unsigned long long)e->skipped);
	while (redis_entry_next(e->words, &at, &field, &value))
		see("%.*s=%.*s,", (int)field.n, field.p, (int)value.n, value.p);
	see(")");
}

void
see_event(enum redis_read got, const struct redis_event *e)
{
	switch (got) {
	case REDIS_READ_MESSAGE: see_message(&e->message); break;
	case REDIS_READ_SKIPPED:
		see("long %llu:", (unsigned long long)e->skipped);
		see_message(&e->message);
		break;
	case REDIS_READ_REPLY: see_reply(e); break;
	case REDIS_READ_ENTRY: see_entry(&e->entry); break;
	case REDIS_READ_NONE:
	case REDIS_READ_ERROR: break;
	}
}
