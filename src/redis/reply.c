/* SPDX-License-Identifier: MIT */
/*
 * The parser. Published messages are taken out of the bytes as they come
 * (redis_push.c); one that is cut by the end of a read waits in `part` for its
 * rest. All else, and published messages that do not look as usual, goes through
 * hiredis's redisReader with object functions that build nothing. To it a Pub/Sub
 * message is an array of three or four strings; the names are copied aside as they
 * come, because the reader may move its buffer before the payload is complete, and
 * the payload is handed on where it lies.
 *
 * The reader gets a line at a time. Each reply ends with one, so that it never holds
 * bytes of what comes behind it, unless a string is not followed by a line's end.
 */
#include "src/redis/reply.h"

#include "eio/buf.h"
#include "src/redis/push.h"

#include <hiredis/read.h>
#include <stdlib.h>
#include <sys/types.h>

/* A buffer that was needed for a long message is not kept. */
enum { PART_KEEP = 65536 };

enum push { PUSH_NONE, PUSH_MESSAGE, PUSH_PMESSAGE, PUSH_SUBSCRIBE, PUSH_PONG };

struct redis_parser {
	redisReader *reader;
	struct redis_reply_handlers handlers;
	enum push push; /* what array is being read */
	struct eio_buf names; /* the names of the message being read, one after the other */
	size_t name_n; /* the length of the first */
	struct eio_buf part; /* the beginning of a published message */
	size_t part_whole; /* how long it will be, or 0 when that is not known yet */
};

/* What "an object" is to the reader: anything but NULL. */
static char object;

static const struct {
	const char *name;
	enum push push;
} pushes[] = {
	{ "message", PUSH_MESSAGE },
	{ "pmessage", PUSH_PMESSAGE },
	{ "subscribe", PUSH_SUBSCRIBE },
	{ "psubscribe", PUSH_SUBSCRIBE },
	{ "pong", PUSH_PONG },
};

static enum push
push_by_name(struct eio_bytes name)
{
	for (size_t i = 0; i < sizeof pushes / sizeof pushes[0]; i++)
		if (eio_bytes_eq(name, eio_cstr(pushes[i].name))) return pushes[i].push;
	return PUSH_NONE;
}

static void
emit_reply(struct redis_parser *p, enum redis_reply_kind kind, struct eio_bytes text)
{
	p->handlers.reply(p->handlers.user, kind, text);
}

static void
emit_message(struct redis_parser *p, struct eio_bytes payload)
{
	bool pattern = p->push == PUSH_PMESSAGE;
	struct eio_bytes all = p->names.n ? eio_buf_bytes(&p->names) : EIO_LIT("");
	struct redis_message m = { .is_pattern = pattern, .payload = payload };

	m.name = eio_bytes(all.p, p->name_n);
	m.channel = pattern ? eio_bytes(all.p + p->name_n, all.n - p->name_n) : m.name;
	p->handlers.message(p->handlers.user, &m);
}

/* One string inside an array. */
static void
on_element(struct redis_parser *p, int i, struct eio_bytes s)
{
	if (i == 0) {
		p->push = push_by_name(s);
		eio_buf_clear(&p->names);
		p->name_n = 0;
	} else if (p->push == PUSH_MESSAGE || p->push == PUSH_PMESSAGE) {
		if (i == (p->push == PUSH_MESSAGE ? 2 : 3)) {
			emit_message(p, s);
		} else {
			eio_buf_add(&p->names, s);
			if (i == 1) p->name_n = s.n;
		}
	} else if (p->push == PUSH_PONG && i == 1) {
		emit_reply(p, REDIS_REPLY_KIND_STATUS, EIO_LIT("PONG"));
	}
}

static void *
create_string(const redisReadTask *task, char *s, size_t n)
{
	struct redis_parser *p = task->privdata;

	if (!task->parent) {
		emit_reply(p,
			task->type == REDIS_REPLY_ERROR	   ? REDIS_REPLY_KIND_ERROR
			: task->type == REDIS_REPLY_STATUS ? REDIS_REPLY_KIND_STATUS
							   : REDIS_REPLY_KIND_OTHER,
			eio_bytes(s, n));
	} else if (!task->parent->parent) {
		on_element(p, task->idx, eio_bytes(s, n));
		if (eio_buf_failed(&p->names)) return NULL; /* the reader says out of memory */
	}
	return &object;
}

static void *
create_array(const redisReadTask *task, int elements)
{
	struct redis_parser *p = task->privdata;

	(void)elements;
	if (!task->parent) p->push = PUSH_NONE;
	return &object;
}

/* Alone, or the number of subscriptions at the end of a confirmation. */
static void *
create_integer(const redisReadTask *task, long long value)
{
	struct redis_parser *p = task->privdata;

	(void)value;
	if (!task->parent)
		emit_reply(p, REDIS_REPLY_KIND_INTEGER, EIO_LIT(""));
	else if (!task->parent->parent && p->push == PUSH_SUBSCRIBE && task->idx == 2)
		emit_reply(p, REDIS_REPLY_KIND_SUBSCRIBED, EIO_LIT(""));
	return &object;
}

static void *
create_nil(const redisReadTask *task)
{
	if (!task->parent) emit_reply(task->privdata, REDIS_REPLY_KIND_OTHER, EIO_LIT(""));
	return &object;
}

static void
free_object(void *o)
{
	(void)o;
}

static redisReplyObjectFunctions functions = { create_string, create_array, create_integer, create_nil, free_object };

struct redis_parser *
redis_parser_new(const struct redis_reply_handlers *handlers)
{
	struct redis_parser *p = calloc(1, sizeof *p);

	if (!p) return NULL;
	p->handlers = *handlers;
	p->reader = redisReaderCreateWithFunctions(&functions);
	if (!p->reader) {
		free(p);
		return NULL;
	}
	p->reader->privdata = p;
	p->reader->maxbuf = 0; /* keep the buffer when it is empty: it is about to be filled again */
	return p;
}

void
redis_parser_free(struct redis_parser *p)
{
	if (!p) return;
	redisReaderFree(p->reader);
	eio_buf_deinit(&p->names);
	eio_buf_deinit(&p->part);
	free(p);
}

/* Gives bytes to the reader and lets it call back for what is complete. */
static int
feed_reader(struct redis_parser *p, struct eio_bytes bytes, const char **why)
{
	void *reply;

	if (redisReaderFeed(p->reader, bytes.p, bytes.n) != REDIS_OK) {
		*why = "out of memory";
		return -1;
	}
	do {
		reply = NULL;
		if (redisReaderGetReply(p->reader, &reply) == REDIS_OK) continue;
		*why = p->reader->err == REDIS_ERR_OOM ? "out of memory" : "not the Redis protocol";
		return -1;
	} while (reply && p->reader->pos < p->reader->len);
	return 0;
}

/* Whether the reader is inside of a reply. */
static bool
reader_busy(const struct redis_parser *p)
{
	return p->reader->ridx != -1 || p->reader->pos < p->reader->len;
}

static struct eio_bytes
first_line(struct eio_bytes bytes)
{
	const char *end = memchr(bytes.p, '\n', bytes.n);

	return end ? eio_bytes(bytes.p, (size_t)(end + 1 - bytes.p)) : bytes;
}

static void
drop_part(struct redis_parser *p)
{
	if (p->part.cap > PART_KEEP) eio_buf_deinit(&p->part);
	eio_buf_clear(&p->part);
	p->part_whole = 0;
}

/* Adds to the message that waits, no more than belongs to it. Returns how much that was, or -1. */
static ssize_t
feed_part(struct redis_parser *p, struct eio_bytes bytes, const char **why)
{
	struct eio_bytes more = p->part_whole ? bytes : first_line(bytes);
	struct redis_message m;
	int rc = 0;

	if (p->part_whole && more.n > p->part_whole - p->part.n) more.n = p->part_whole - p->part.n;
	eio_buf_add(&p->part, more);
	if (eio_buf_failed(&p->part)) {
		*why = "out of memory";
		return -1;
	}
	if (p->part.n < p->part_whole) return (ssize_t)more.n;
	switch (redis_push_parse(eio_buf_bytes(&p->part), &m, &p->part_whole)) {
	case REDIS_PUSH_MESSAGE: p->handlers.message(p->handlers.user, &m); break;
	case REDIS_PUSH_PARTIAL: return (ssize_t)more.n;
	case REDIS_PUSH_OTHER: rc = feed_reader(p, eio_buf_bytes(&p->part), why); break;
	}
	drop_part(p);
	return rc < 0 ? -1 : (ssize_t)more.n;
}

/* Takes what the bytes begin with. Returns how much that was, or -1. */
static ssize_t
feed_fresh(struct redis_parser *p, struct eio_bytes bytes, const char **why)
{
	struct redis_message m;
	size_t n;

	switch (redis_push_parse(bytes, &m, &n)) {
	case REDIS_PUSH_MESSAGE: p->handlers.message(p->handlers.user, &m); return (ssize_t)n;
	case REDIS_PUSH_PARTIAL:
		eio_buf_add(&p->part, bytes);
		p->part_whole = n;
		if (!eio_buf_failed(&p->part)) return (ssize_t)bytes.n;
		*why = "out of memory";
		return -1;
	case REDIS_PUSH_OTHER: break;
	}
	bytes = first_line(bytes);
	return feed_reader(p, bytes, why) < 0 ? -1 : (ssize_t)bytes.n;
}

int
redis_parser_feed(struct redis_parser *p, struct eio_bytes bytes, const char **why)
{
	struct eio_bytes line;
	ssize_t n;

	while (bytes.n) {
		if (p->part.n) {
			n = feed_part(p, bytes, why);
		} else if (reader_busy(p)) {
			line = first_line(bytes);
			n = feed_reader(p, line, why) < 0 ? -1 : (ssize_t)line.n;
		} else {
			n = feed_fresh(p, bytes, why);
		}
		if (n < 0) return -1;
		bytes.p += n;
		bytes.n -= (size_t)n;
	}
	return 0;
}

int
redis_parser_feed_reader(struct redis_parser *p, struct eio_bytes bytes, const char **why)
{
	return bytes.n ? feed_reader(p, bytes, why) : 0;
}
