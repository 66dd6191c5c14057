/* SPDX-License-Identifier: MIT */
/*
 * The parser: hiredis's redisReader with object functions that build nothing.
 * A Pub/Sub message is an array of three or four strings; the names are copied
 * aside as they come, because the reader may move its buffer before the payload
 * is complete, and the payload is handed on where it lies.
 */
#include "src/redis_reply.h"

#include "eio/buf.h"

#include <hiredis/read.h>
#include <stdlib.h>

/*
 * The reader moves what is left of its buffer to the front whenever it has used
 * up a kilobyte, so the cost of a message grows with what waits behind it. Small
 * bites keep that move small: with 250-byte messages, feeding 64 KB at once costs
 * half as much again per message.
 */
enum { BITE = 4096 };

enum push { PUSH_NONE, PUSH_MESSAGE, PUSH_PMESSAGE, PUSH_SUBSCRIBE, PUSH_PONG };

struct redis_parser {
	redisReader *reader;
	struct redis_reply_handlers handlers;
	enum push push; /* what array is being read */
	struct eio_buf names; /* the names of the message being read, one after the other */
	size_t name_n; /* the length of the first */
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
	free(p);
}

int
redis_parser_feed(struct redis_parser *p, struct eio_bytes bytes, const char **why)
{
	void *reply;

	while (bytes.n) {
		size_t n = bytes.n < BITE ? bytes.n : BITE;

		if (redisReaderFeed(p->reader, bytes.p, n) != REDIS_OK) {
			*why = "out of memory";
			return -1;
		}
		bytes.p += n;
		bytes.n -= n;
		do {
			reply = NULL;
			if (redisReaderGetReply(p->reader, &reply) == REDIS_OK) continue;
			*why = p->reader->err == REDIS_ERR_OOM ? "out of memory" : "not the Redis protocol";
			return -1;
		} while (reply);
	}
	return 0;
}
