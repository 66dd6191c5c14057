/* SPDX-License-Identifier: MIT */
/*
 * The reader. Published messages are taken out of the bytes as they come (push.h);
 * one that is cut by the end of the bytes waits in `part` for its rest. All else, and
 * published messages that do not look as usual, goes through hiredis's redisReader
 * with object functions that build nothing. To it a Pub/Sub message is an array of
 * three or four strings; they are copied aside as they come, because redisReader may
 * move its buffer before the array is complete.
 *
 * redisReader gets a line at a time. Each reply ends with one, so that it never holds
 * bytes of what comes behind it, unless a string is not followed by a line's end.
 */
#include "src/redis/reader.h"

#include "eio/buf.h"
#include "eio/check.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>

/* What the reader calls the length of an array with. */
#if HIREDIS_MAJOR >= 1
typedef size_t array_length;
#else
typedef int array_length;
#endif

/* A buffer that was needed for a long message is not kept. */
enum { KEEP_BYTES = 65536 };

/* How deep arrays may lie in arrays. What we ask for needs two levels; hiredis has had a limit before 1.0 only, this
 * one. */
enum { DEPTH_MAX = 7 };

enum push { PUSH_NONE, PUSH_MESSAGE, PUSH_PMESSAGE, PUSH_SUBSCRIBE, PUSH_PONG };

#define REDIS_READER_MAGIC 0x4ed15ead

struct redis_reader {
	unsigned magic; /* of what comes back as privdata */
	bool between; /* nothing is kept of what came before: rest begins a reply */
	struct eio_bytes rest; /* fed and not looked at yet; borrowed */
	struct eio_buf part; /* the beginning of a published message */
	size_t part_needs; /* how long it will be, or 0 when that is not known yet */
	bool part_done; /* it was handed out complete */
	bool more; /* redisReader may hold another reply, or there is an error to tell */
	const char *why; /* the error, or NULL */
	redisReader *hiredis;
	bool refused; /* an object function returned NULL because of what the server sent */
	/* The reply that redisReader is at: */
	enum push push; /* what array it is */
	enum redis_read got; /* what is to be handed out when it is complete, or REDIS_READ_NONE */
	enum redis_reply reply;
	struct eio_buf words; /* the text, or name, channel and payload one after the other */
	size_t name_n, names_n; /* where the name ends, and the channel */
};

/* What "an object" is to hiredis: anything but NULL. */
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

/* What hiredis calls */

static struct redis_reader *
reader_of_task(const redisReadTask *task)
{
	struct redis_reader *r = task->privdata;

	CHECK_MAGIC(r, REDIS_READER_MAGIC);
	return r;
}

/* Forgets the reply before: a new one begins. */
static void
begin_reply(struct redis_reader *r)
{
	if (r->words.cap > KEEP_BYTES) eio_buf_deinit(&r->words);
	eio_buf_clear(&r->words);
	r->name_n = r->names_n = 0;
	r->push = PUSH_NONE;
	r->got = REDIS_READ_NONE;
}

static void
note_reply(struct redis_reader *r, enum redis_reply reply, struct eio_bytes text)
{
	r->got = REDIS_READ_REPLY;
	r->reply = reply;
	eio_buf_clear(&r->words);
	eio_buf_add(&r->words, text);
}

/* One string of a published message: its names, and then the payload. */
static void
note_word(struct redis_reader *r, int i, struct eio_bytes s)
{
	if (r->got == REDIS_READ_MESSAGE) return; /* what else there is in the array does not matter */
	if (i == (r->push == PUSH_MESSAGE ? 2 : 3)) {
		r->got = REDIS_READ_MESSAGE;
		r->names_n = r->words.n;
	}
	eio_buf_add(&r->words, s);
	if (i == 1) r->name_n = s.n;
}

/* One string inside an array. */
static void
on_element(struct redis_reader *r, int i, struct eio_bytes s)
{
	if (i == 0)
		r->push = push_by_name(s);
	else if (r->push == PUSH_MESSAGE || r->push == PUSH_PMESSAGE)
		note_word(r, i, s);
	else if (r->push == PUSH_PONG && i == 1)
		note_reply(r, REDIS_REPLY_IS_STATUS, EIO_LIT("PONG"));
}

/*
 * To hiredis NULL is "out of memory". What is refused, hiredis before 1.0 refuses by itself: types of RESP3, which we
 * never ask for, and arrays too deep.
 */
static void *
refuse_object(const redisReadTask *task)
{
	reader_of_task(task)->refused = true;
	return NULL;
}

static enum redis_reply
reply_of_type(int type)
{
	switch (type) {
	case REDIS_REPLY_ERROR: return REDIS_REPLY_IS_ERROR;
	case REDIS_REPLY_STATUS: return REDIS_REPLY_IS_STATUS;
	default: return REDIS_REPLY_IS_OTHER;
	}
}

static void *
create_string(const redisReadTask *task, char *s, size_t n)
{
	struct redis_reader *r = reader_of_task(task);

	if (task->type != REDIS_REPLY_STRING && task->type != REDIS_REPLY_STATUS && task->type != REDIS_REPLY_ERROR)
		return refuse_object(task);
	if (!task->parent) {
		begin_reply(r);
		note_reply(r, reply_of_type(task->type), eio_bytes(s, n));
	} else if (!task->parent->parent) {
		on_element(r, task->idx, eio_bytes(s, n));
	}
	return eio_buf_failed(&r->words) ? NULL : &object; /* it says out of memory then */
}

static void *
create_array(const redisReadTask *task, array_length elements)
{
	int depth = 1;

	(void)elements;
	for (const redisReadTask *t = task->parent; t; t = t->parent) depth++;
	if (task->type != REDIS_REPLY_ARRAY || depth > DEPTH_MAX) return refuse_object(task);
	if (!task->parent) begin_reply(reader_of_task(task));
	return &object;
}

/* Alone, or the number of subscriptions at the end of a confirmation. */
static void *
create_integer(const redisReadTask *task, long long value)
{
	struct redis_reader *r = reader_of_task(task);

	(void)value;
	if (!task->parent) {
		begin_reply(r);
		note_reply(r, REDIS_REPLY_IS_INTEGER, EIO_LIT(""));
	} else if (!task->parent->parent && r->push == PUSH_SUBSCRIBE && task->idx == 2) {
		note_reply(r, REDIS_REPLY_IS_SUBSCRIBED, EIO_LIT(""));
	}
	return &object;
}

static void *
create_nil(const redisReadTask *task)
{
	struct redis_reader *r = reader_of_task(task);

	if (!task->parent) {
		begin_reply(r);
		note_reply(r, REDIS_REPLY_IS_OTHER, EIO_LIT(""));
	}
	return &object;
}

static void
free_object(void *o)
{
	(void)o;
}

#if HIREDIS_MAJOR >= 1
static void *
refuse_double(const redisReadTask *task, double value, char *s, size_t n)
{
	(void)value, (void)s, (void)n;
	return refuse_object(task);
}

static void *
refuse_bool(const redisReadTask *task, int value)
{
	(void)value;
	return refuse_object(task);
}
#endif

static redisReplyObjectFunctions object_functions = {
	.createString = create_string,
	.createArray = create_array,
	.createInteger = create_integer,
	.createNil = create_nil,
#if HIREDIS_MAJOR >= 1
	.createDouble = refuse_double,
	.createBool = refuse_bool,
#endif
	.freeObject = free_object,
};

/* Pulling */

static enum redis_read
tell_error(struct redis_reader *r, struct redis_event *event, const char *why)
{
	r->why = event->why = why;
	r->more = true;
	r->rest.n = 0;
	return REDIS_READ_ERROR;
}

/* The event of the reply that redisReader has completed. */
static enum redis_read
tell_reply(struct redis_reader *r, struct redis_event *event)
{
	struct eio_bytes all = r->words.n ? eio_buf_bytes(&r->words) : EIO_LIT("");
	struct redis_message *m = &event->message;
	enum redis_read got = r->got;

	r->got = REDIS_READ_NONE;
	event->reply = r->reply;
	event->text = all;
	if (got != REDIS_READ_MESSAGE) return got;
	m->is_pattern = r->push == PUSH_PMESSAGE;
	m->name = eio_bytes(all.p, r->name_n);
	m->channel = m->is_pattern ? eio_bytes(all.p + r->name_n, r->names_n - r->name_n) : m->name;
	m->payload = eio_bytes(all.p + r->names_n, all.n - r->names_n);
	return got;
}

/* What redisReader has complete. */
static enum redis_read
next_reply(struct redis_reader *r, struct redis_event *event)
{
	void *reply = NULL;

	if (r->why) return tell_error(r, event, r->why);
	if (redisReaderGetReply(r->hiredis, &reply) != REDIS_OK)
		return tell_error(r, event,
			r->hiredis->err == REDIS_ERR_OOM && !r->refused ? "out of memory" : "not the Redis protocol");
	r->more = reply && r->hiredis->pos < r->hiredis->len;
	return reply ? tell_reply(r, event) : REDIS_READ_NONE;
}

static enum redis_read
read_by_hiredis(struct redis_reader *r, struct redis_event *event, struct eio_bytes bytes)
{
	if (redisReaderFeed(r->hiredis, bytes.p, bytes.n) != REDIS_OK) return tell_error(r, event, "out of memory");
	return next_reply(r, event);
}

/* Whether redisReader is inside of a reply. */
static bool
is_inside(const struct redis_reader *r)
{
	return r->hiredis->ridx != -1 || r->hiredis->pos < r->hiredis->len;
}

static struct eio_bytes
first_line(struct eio_bytes bytes)
{
	const char *end = memchr(bytes.p, '\n', bytes.n);

	return end ? eio_bytes(bytes.p, (size_t)(end + 1 - bytes.p)) : bytes;
}

static void
consume(struct redis_reader *r, size_t n)
{
	r->rest.p += n;
	r->rest.n -= n;
}

static enum redis_read
read_line(struct redis_reader *r, struct redis_event *event)
{
	struct eio_bytes line = first_line(r->rest);

	consume(r, line.n);
	return read_by_hiredis(r, event, line);
}

static void
drop_part(struct redis_reader *r)
{
	if (r->part.cap > KEEP_BYTES) eio_buf_deinit(&r->part);
	eio_buf_clear(&r->part);
	r->part_needs = 0;
	r->part_done = false;
}

/* Adds to the message that waits, no more than belongs to it. */
static enum redis_read
read_on(struct redis_reader *r, struct redis_event *event)
{
	struct eio_bytes more = r->part_needs ? r->rest : first_line(r->rest), part;
	enum redis_read got;

	if (r->part_needs && more.n > r->part_needs - r->part.n) more.n = r->part_needs - r->part.n;
	eio_buf_add(&r->part, more);
	if (eio_buf_failed(&r->part)) return tell_error(r, event, "out of memory");
	consume(r, more.n);
	if (r->part.n < r->part_needs) return REDIS_READ_NONE;
	part = eio_buf_bytes(&r->part);
	switch (redis_push_take(&part, &event->message, &r->part_needs)) {
	case REDIS_PUSH_MESSAGE: r->part_done = true; return REDIS_READ_MESSAGE;
	case REDIS_PUSH_PARTIAL: return REDIS_READ_NONE;
	case REDIS_PUSH_OTHER: break;
	}
	got = read_by_hiredis(r, event, part);
	drop_part(r);
	return got;
}

/* What the bytes begin with. */
static enum redis_read
read_fresh(struct redis_reader *r, struct redis_event *event)
{
	size_t needs;

	switch (redis_push_take(&r->rest, &event->message, &needs)) {
	case REDIS_PUSH_MESSAGE: return REDIS_READ_MESSAGE;
	case REDIS_PUSH_PARTIAL:
		eio_buf_add(&r->part, r->rest);
		if (eio_buf_failed(&r->part)) return tell_error(r, event, "out of memory");
		r->part_needs = needs;
		r->rest.n = 0;
		return REDIS_READ_NONE;
	case REDIS_PUSH_OTHER: break;
	}
	return read_line(r, event);
}

static enum redis_read
next_slowly(struct redis_reader *r, struct redis_event *event)
{
	enum redis_read got = REDIS_READ_NONE;

	if (r->part_done) drop_part(r);
	while (got == REDIS_READ_NONE && (r->more || r->rest.n)) {
		if (r->more)
			got = next_reply(r, event);
		else if (r->part.n)
			got = read_on(r, event);
		else if (is_inside(r))
			got = read_line(r, event);
		else
			got = read_fresh(r, event);
	}
	r->between = !r->more && !r->part.n && !is_inside(r);
	return got;
}

enum redis_read
redis_reader_next(struct redis_reader *r, struct redis_event *event)
{
	size_t needs;

	/* The way of nearly all that comes. */
	if (r->between && r->rest.n && redis_push_take(&r->rest, &event->message, &needs) == REDIS_PUSH_MESSAGE)
		return REDIS_READ_MESSAGE;
	return next_slowly(r, event);
}

void
redis_reader_feed(struct redis_reader *r, struct eio_bytes bytes)
{
	CHECK(r->rest.n == 0);
	r->rest = bytes;
}

void
redis_reader_feed_hiredis(struct redis_reader *r, struct eio_bytes bytes)
{
	if (bytes.n && redisReaderFeed(r->hiredis, bytes.p, bytes.n) != REDIS_OK) r->why = "out of memory";
	r->more = true;
	r->between = false;
}

struct redis_reader *
redis_reader_new(void)
{
	struct redis_reader *r = calloc(1, sizeof *r);

	if (!r) return NULL;
	r->magic = REDIS_READER_MAGIC;
	r->between = true;
	r->hiredis = redisReaderCreateWithFunctions(&object_functions);
	if (!r->hiredis) {
		free(r);
		return NULL;
	}
	r->hiredis->privdata = r;
	r->hiredis->maxbuf = 0; /* keep the buffer when it is empty: it is about to be filled again */
	return r;
}

void
redis_reader_free(struct redis_reader *r)
{
	if (!r) return;
	redisReaderFree(r->hiredis);
	eio_buf_deinit(&r->words);
	eio_buf_deinit(&r->part);
	r->magic = 0;
	free(r);
}
