/* SPDX-License-Identifier: MIT */
/* The past of a stream. */
#include "src/redis/past.h"

#include "eio/check.h"
#include "src/redis/command.h"

#include <stdio.h>
#include <string.h>

enum {
	SEEK_FIRST = 64, /* entries that are asked for at first, */
	SEEK_MAX = 1000, /* and at most; */
	SEEK_BYTES = 1048576, /* which one answer should have */
};

static struct redis_id
id_before(struct redis_id id)
{
	if (id.seq) return (struct redis_id){ id.ms, id.seq - 1 };
	return id.ms ? (struct redis_id){ id.ms - 1, UINT64_MAX } : id;
}

static struct redis_id
id_behind(struct redis_id id)
{
	if (id.seq < UINT64_MAX) return (struct redis_id){ id.ms, id.seq + 1 };
	return id.ms < UINT64_MAX ? (struct redis_id){ id.ms + 1, 0 } : id;
}

bool
redis_past_begin(struct redis_past *p, const struct redis_cursor *c, const struct redis_stream_info *info)
{
	CHECK(p->state == REDIS_PAST_WANTED);
	p->state = REDIS_PAST_NONE;
	if (!info || !info->counts || !info->length || !c->begun || c->doubted) return false;
	/* It begins where nothing is before, or somewhere where it has not been yet. */
	if (redis_id_compare(c->at, info->first) < 0 || redis_id_compare(c->at, info->last) > 0) return false;
	*p = (struct redis_past){ .state = REDIS_PAST_SOUGHT, .upto = c->at, .at = c->at };
	return true;
}

/* How many next: the entries that follow are about as long. */
static unsigned
seek_count(const struct redis_past *p)
{
	uint64_t fits;

	if (!p->messages) return SEEK_FIRST;
	fits = SEEK_BYTES / (p->bytes / p->messages + 1) + 1;
	if (fits > 2 * (uint64_t)p->asked) fits = 2 * (uint64_t)p->asked;
	return fits > SEEK_MAX ? SEEK_MAX : (unsigned)fits;
}

void
redis_past_seek(struct redis_past *p, const char *stream, struct eio_buf *out)
{
	char id[REDIS_ID_TEXT], end[REDIS_ID_TEXT + 1], count[16];

	CHECK(p->state == REDIS_PAST_SOUGHT);
	p->asked = seek_count(p);
	p->got = 0;
	snprintf(end, sizeof end, "%s%s", p->messages ? "(" : "", redis_id_text(p->at, id));
	snprintf(count, sizeof count, "%u", p->asked);
	redis_command(out, 6);
	redis_argument(out, EIO_LIT("XREVRANGE"));
	redis_argument(out, eio_cstr(stream));
	redis_argument(out, eio_cstr(end));
	redis_argument(out, EIO_LIT("-"));
	redis_argument(out, EIO_LIT("COUNT"));
	redis_argument(out, eio_cstr(count));
}

/* One from before that time is the last: what somebody has who has missed nothing since. */
void
redis_past_found(
	struct redis_past *p, struct redis_id id, uint64_t size, const struct redis_past_limits *limits, size_t *bytes)
{
	p->got++;
	if (p->enough) return;
	p->at = id;
	p->messages++;
	p->bytes += size;
	p->enough = id.ms < limits->since_ms || p->messages > limits->messages || size >= *bytes;
	*bytes -= size < *bytes ? (size_t)size : *bytes;
}

void
redis_past_sought(struct redis_past *p)
{
	if (p->got == p->asked && !p->enough) return;
	/* One that all who were there have, or none. */
	p->state = p->messages > 1 ? REDIS_PAST_READ : REDIS_PAST_NONE;
	p->at = id_before(p->at);
	p->messages = 0;
}

bool
redis_past_entry(struct redis_past *p, struct redis_id id)
{
	bool past = redis_id_compare(id, p->upto) <= 0;

	CHECK(p->state == REDIS_PAST_READ);
	if (past) {
		p->at = id;
		p->messages++;
	}
	if (redis_id_compare(id, p->upto) >= 0) p->state = REDIS_PAST_CHECKED;
	return past;
}

void
redis_past_caught_up(struct redis_past *p)
{
	if (p->state == REDIS_PAST_READ) p->state = REDIS_PAST_CHECKED;
}

bool
redis_past_check(struct redis_past *p, const struct redis_stream_info *info, struct redis_id *from)
{
	CHECK(p->state == REDIS_PAST_CHECKED);
	p->state = REDIS_PAST_NONE;
	if (!info || !info->counts || !info->length) return false;
	*from = id_behind(info->deleted);
	if (redis_id_compare(info->first, *from) > 0) *from = info->first;
	return true;
}
