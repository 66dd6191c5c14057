/* SPDX-License-Identifier: MIT */
/*
 * Replies. To redisReader a Pub/Sub message is an array of three or four strings; they are copied aside as they come,
 * because redisReader may move its buffer before the array is complete.
 */
#include "src/redis/replies.h"

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

/* The longest array; what we ask for has four elements at most. Without an end, all that comes would be part of it. */
enum { ELEMENTS_MAX = 1024 };

enum push { PUSH_NONE, PUSH_MESSAGE, PUSH_SMESSAGE, PUSH_PMESSAGE, PUSH_SUBSCRIBE, PUSH_SUNSUBSCRIBE, PUSH_PONG };

#define REDIS_REPLIES_MAGIC 0x4ed15ead

struct redis_replies {
	unsigned magic; /* of what comes back as privdata */
	redisReader *hiredis;
	bool refused; /* an object function returned NULL because of what the server sent */
	/* The reply that redisReader is at: */
	enum push push; /* what array it is */
	enum redis_read got; /* what is to be handed out when it is complete, or REDIS_READ_NONE */
	enum redis_reply reply;
	struct eio_buf words; /* the text, or name, channel and payload one after the other */
	size_t name_n, names_n; /* where the name ends, and the channel */
	uint64_t skipped; /* how long the longest string was that is empty in it; 0: none is */
	bool expects_entries;
	struct redis_entries entries; /* when it does */
	bool expects_values;
	struct redis_values values; /* when it does */
	bool ended; /* the entry that was told is the last of its answer, which is to be told, too */
};

/* What "an object" is to hiredis: anything but NULL. */
static char object;

static const struct {
	const char *name;
	enum push push;
} pushes[] = {
	{ "message", PUSH_MESSAGE },
	{ "smessage", PUSH_SMESSAGE },
	{ "pmessage", PUSH_PMESSAGE },
	{ "subscribe", PUSH_SUBSCRIBE },
	{ "psubscribe", PUSH_SUBSCRIBE },
	{ "ssubscribe", PUSH_SUBSCRIBE },
	{ "unsubscribe", PUSH_SUBSCRIBE },
	{ "punsubscribe", PUSH_SUBSCRIBE },
	{ "sunsubscribe", PUSH_SUNSUBSCRIBE },
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

static struct redis_replies *
replies_of_task(const redisReadTask *task)
{
	struct redis_replies *rs = task->privdata;

	CHECK_MAGIC(rs, REDIS_REPLIES_MAGIC);
	return rs;
}

/* Forgets the reply before: a new one begins. */
static void
begin_reply(struct redis_replies *rs)
{
	if (rs->words.cap > KEEP_BYTES) eio_buf_deinit(&rs->words);
	eio_buf_clear(&rs->words);
	rs->name_n = rs->names_n = 0;
	rs->skipped = 0;
	rs->push = PUSH_NONE;
	rs->got = REDIS_READ_NONE;
	redis_entries_begin(&rs->entries);
	redis_values_begin(&rs->values);
}

static void
note_reply(struct redis_replies *rs, enum redis_reply reply, struct eio_bytes text)
{
	rs->got = REDIS_READ_REPLY;
	rs->reply = reply;
	eio_buf_clear(&rs->words);
	eio_buf_add(&rs->words, text);
}

/* One string of a published message: its names, and then the payload. */
static void
note_word(struct redis_replies *rs, int i, struct eio_bytes s)
{
	if (rs->got == REDIS_READ_MESSAGE) return; /* what else there is in the array does not matter */
	if (i == (rs->push == PUSH_PMESSAGE ? 3 : 2)) {
		rs->got = REDIS_READ_MESSAGE;
		rs->names_n = rs->words.n;
	}
	eio_buf_add(&rs->words, s);
	if (i == 1) rs->name_n = s.n;
}

/* One string inside an array. */
static void
on_element(struct redis_replies *rs, int i, struct eio_bytes s)
{
	if (i == 0)
		rs->push = push_by_name(s);
	else if (rs->push == PUSH_MESSAGE || rs->push == PUSH_SMESSAGE || rs->push == PUSH_PMESSAGE)
		note_word(rs, i, s);
	else if (rs->push == PUSH_SUNSUBSCRIBE && i == 1)
		eio_buf_add(&rs->words, s);
	else if (rs->push == PUSH_PONG && i == 1)
		note_reply(rs, REDIS_REPLY_IS_STATUS, EIO_LIT("PONG"));
}

/*
 * To hiredis NULL is "out of memory". What is refused, hiredis before 1.0 refuses by itself: types of RESP3, which we
 * never ask for, and arrays too deep or too long.
 */
static void *
refuse_object(const redisReadTask *task)
{
	replies_of_task(task)->refused = true;
	return NULL;
}

/* How many arrays something lies in. */
static int
depth_of(const redisReadTask *task)
{
	int depth = 0;

	for (const redisReadTask *t = task->parent; t; t = t->parent) depth++;
	return depth;
}

/* A string of an answer about streams. What was too long is so in the entry it is of. */
static void
note_entry_string(struct redis_replies *rs, const redisReadTask *task, struct eio_bytes s)
{
	redis_entries_string(&rs->entries, depth_of(task), task->idx, s, rs->skipped);
	rs->skipped = 0;
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

/* A string of a reply of any shape. */
static void
note_value_string(struct redis_replies *rs, const redisReadTask *task, struct eio_bytes s)
{
	bool is_error = task->type == REDIS_REPLY_ERROR;
	uint64_t skipped = rs->skipped;

	if (!task->parent) {
		begin_reply(rs);
		if (task->type != REDIS_REPLY_STRING) note_reply(rs, reply_of_type(task->type), s);
	}
	if (skipped)
		redis_values_add(&rs->values, REDIS_ITEM_TOO_LONG, (size_t)skipped, EIO_LIT(""));
	else
		redis_values_add(&rs->values, is_error ? REDIS_ITEM_ERROR : REDIS_ITEM_STRING, 0, s);
	rs->skipped = 0;
}

static void *
create_string(const redisReadTask *task, char *s, size_t n)
{
	struct redis_replies *rs = replies_of_task(task);

	if (task->type != REDIS_REPLY_STRING && task->type != REDIS_REPLY_STATUS && task->type != REDIS_REPLY_ERROR)
		return refuse_object(task);
	if (rs->expects_values) {
		note_value_string(rs, task, eio_bytes(s, n));
	} else if (!task->parent) {
		begin_reply(rs);
		note_reply(rs, reply_of_type(task->type), eio_bytes(s, n));
	} else if (rs->expects_entries) {
		note_entry_string(rs, task, eio_bytes(s, n));
	} else if (!task->parent->parent && task->type == REDIS_REPLY_STRING) {
		on_element(rs, task->idx, eio_bytes(s, n));
	}
	/* It says out of memory then. */
	return eio_buf_failed(&rs->words) || redis_entries_failed(&rs->entries) || eio_buf_failed(&rs->values.items)
		       ? NULL
		       : &object;
}

static void *
create_array(const redisReadTask *task, array_length elements)
{
	struct redis_replies *rs = replies_of_task(task);
	int depth = depth_of(task);

	if (task->type != REDIS_REPLY_ARRAY || depth >= DEPTH_MAX) return refuse_object(task);
	if (elements > ELEMENTS_MAX && !rs->expects_entries && !rs->expects_values) return refuse_object(task);
	if (!task->parent) begin_reply(rs);
	if (rs->expects_values) redis_values_add(&rs->values, REDIS_ITEM_ARRAY, (size_t)elements, EIO_LIT(""));
	if (rs->expects_entries) redis_entries_array(&rs->entries, depth, task->idx, (long long)elements);
	return &object;
}

/* Alone, or the number of subscriptions at the end of a confirmation. */
static void *
create_integer(const redisReadTask *task, long long value)
{
	struct redis_replies *rs = replies_of_task(task);

	if (!task->parent) {
		begin_reply(rs);
		note_reply(rs, REDIS_REPLY_IS_INTEGER, EIO_LIT(""));
	} else if (!task->parent->parent && rs->push == PUSH_SUBSCRIBE && task->idx == 2) {
		note_reply(rs, REDIS_REPLY_IS_SUBSCRIBED, EIO_LIT(""));
	} else if (!task->parent->parent && rs->push == PUSH_SUNSUBSCRIBE && task->idx == 2) {
		rs->got = REDIS_READ_REPLY;
		rs->reply = REDIS_REPLY_IS_SUNSUBSCRIBED;
	}
	if (rs->expects_values)
		redis_values_add(&rs->values, REDIS_ITEM_INTEGER, value > 0 ? (size_t)value : 0, EIO_LIT(""));
	if (rs->expects_entries) redis_entries_integer(&rs->entries, depth_of(task), task->idx, value);
	return &object;
}

static void *
create_nil(const redisReadTask *task)
{
	struct redis_replies *rs = replies_of_task(task);

	if (!task->parent) {
		begin_reply(rs);
		note_reply(rs, REDIS_REPLY_IS_OTHER, EIO_LIT(""));
	}
	if (rs->expects_values) redis_values_add(&rs->values, REDIS_ITEM_NIL, 0, EIO_LIT(""));
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

/* What is complete */

/* An answer about streams is complete, or about none of them. */
static enum redis_read
tell_streams(const struct redis_replies *rs, struct redis_event *event)
{
	enum redis_answer answer = rs->entries.answer;

	event->reply = answer == REDIS_ANSWER_INFO    ? REDIS_REPLY_IS_INFO
		       : answer == REDIS_ANSWER_OTHER ? REDIS_REPLY_IS_OTHER
						      : REDIS_REPLY_IS_ENTRIES;
	event->info = &rs->entries.info;
	event->text = EIO_LIT("");
	return REDIS_READ_REPLY;
}

/* The event of the reply that redisReader has completed. */
static enum redis_read
tell_reply(struct redis_replies *rs, struct redis_event *event)
{
	struct eio_bytes all = rs->words.n ? eio_buf_bytes(&rs->words) : EIO_LIT("");
	struct redis_message *m = &event->message;
	enum redis_read got = rs->got;

	rs->got = REDIS_READ_NONE;
	if (rs->expects_entries && got == REDIS_READ_NONE) return tell_streams(rs, event);
	event->values = &rs->values;
	if (rs->expects_values && got == REDIS_READ_NONE) {
		event->reply = REDIS_REPLY_IS_OTHER;
		event->text = EIO_LIT("");
		return REDIS_READ_REPLY;
	}
	event->reply = rs->reply;
	event->text = all;
	if (got != REDIS_READ_MESSAGE) return got;
	m->is_pattern = rs->push == PUSH_PMESSAGE;
	m->is_shard = rs->push == PUSH_SMESSAGE;
	m->name = eio_bytes(all.p, rs->name_n);
	m->channel = m->is_pattern ? eio_bytes(all.p + rs->name_n, rs->names_n - rs->name_n) : m->name;
	m->payload = eio_bytes(all.p + rs->names_n, all.n - rs->names_n);
	event->skipped = rs->skipped;
	return rs->skipped ? REDIS_READ_SKIPPED : got;
}

enum redis_read
redis_replies_next(struct redis_replies *rs, struct redis_event *event, bool *more)
{
	void *reply = NULL;

	if (rs->ended) {
		rs->ended = false;
		*more = rs->hiredis->pos < rs->hiredis->len;
		return tell_streams(rs, event);
	}
	if (redisReaderGetReply(rs->hiredis, &reply) != REDIS_OK) {
		event->why = rs->hiredis->err == REDIS_ERR_OOM && !rs->refused ? "out of memory"
									       : "not the Redis protocol";
		return REDIS_READ_ERROR;
	}
	*more = reply && rs->hiredis->pos < rs->hiredis->len;
	if (redis_entries_take(&rs->entries, &event->entry)) {
		rs->ended = reply != NULL;
		*more |= rs->ended;
		return REDIS_READ_ENTRY;
	}
	return reply ? tell_reply(rs, event) : REDIS_READ_NONE;
}

bool
redis_replies_inside(const struct redis_replies *rs)
{
	return rs->hiredis->ridx != -1 || rs->hiredis->pos < rs->hiredis->len;
}

int
redis_replies_feed(struct redis_replies *rs, struct eio_bytes piece)
{
	return redisReaderFeed(rs->hiredis, piece.p, piece.n) == REDIS_OK ? 0 : -1;
}

void
redis_replies_skipped(struct redis_replies *rs, uint64_t n)
{
	if (rs->skipped < n) rs->skipped = n;
}

struct redis_replies *
redis_replies_new(void)
{
	struct redis_replies *rs = calloc(1, sizeof *rs);

	if (!rs) return NULL;
	rs->magic = REDIS_REPLIES_MAGIC;
	rs->hiredis = redisReaderCreateWithFunctions(&object_functions);
	if (!rs->hiredis) {
		free(rs);
		return NULL;
	}
	rs->hiredis->privdata = rs;
	rs->hiredis->maxbuf = KEEP_BYTES; /* keep the buffer when it is empty: it is about to be filled again */
	return rs;
}

void
redis_replies_free(struct redis_replies *rs)
{
	if (!rs) return;
	redisReaderFree(rs->hiredis);
	eio_buf_deinit(&rs->words);
	redis_entries_deinit(&rs->entries);
	redis_values_deinit(&rs->values);
	rs->magic = 0;
	free(rs);
}

void
redis_replies_expect_entries(struct redis_replies *rs, size_t entry_bytes)
{
	rs->expects_entries = true;
	rs->entries.max = entry_bytes;
}

void
redis_replies_expect_values(struct redis_replies *rs, size_t reply_bytes)
{
	rs->expects_values = true;
	rs->values.max = reply_bytes;
}
