/* SPDX-License-Identifier: MIT */
/* Commands that wait for their answers, in the order in which Redis gives them. */
#include "src/feed/store_int.h"

#include "eio/base64.h"
#include "src/feed/signed.h"
#include "src/redis/command.h"

#include <stdio.h>
#include <stdlib.h>

enum { REPLY_MAX = 2 * STORE_VALUE_MAX };

/* Scripts. What a value begins with, in base64, is as long for all: "siocast" and the token. */

#define TOKEN_OF_V "string.sub(v,13,40)"

static const char put_script[] = "local v=redis.call('GET',KEYS[1]) "
				 "if v and " TOKEN_OF_V "~=ARGV[1] then return '' end "
				 "redis.call('SET',KEYS[1],ARGV[2],'PX',ARGV[3]) return 'done'";

static const char drop_script[] = "local v=redis.call('GET',KEYS[1]) "
				  "if v and " TOKEN_OF_V "~=ARGV[1] then return '' end "
				  "redis.call('DEL',KEYS[1]) return 'done'";

static const char take_script[] = "local v=redis.call('GET',KEYS[1]) "
				  "if not v then return false end "
				  "if string.len(v)<=40 then return '' end "
				  "if string.sub(v,25,32)~=ARGV[3] and "
				  "redis.call('EXISTS','" STORE_LOCAL_KEY "'..string.sub(v,17,24))+"
				  "redis.call('EXISTS','" STORE_LOCAL_KEY
				  "'..string.sub(v,25,32))>0 then return '' end "
				  "redis.call('SET',KEYS[1],ARGV[1],'PX',ARGV[2]) return v";

_Static_assert(STORED_TOKEN_AT + 1 == 13 && STORED_TOKEN_AT + STORED_TOKEN_TEXT == 40, "the scripts count so");

/* Answers */

static void
tell_stowed(const struct store *s, struct feed_stow *stow, enum feed_stow_result result)
{
	stow->result = result;
	s->options.stowed(s->options.user, stow);
}

/* Tells whoever waits for a command that it failed. */
static void
fail_op(const struct store *s, struct store_op *op)
{
	struct feed_stow *stow = op->stow;
	struct feed_recall *recall = op->recall;

	op->stow = NULL;
	op->recall = NULL;
	if (op->declares) s->options.declared(s->options.user, false);
	op->declares = false;
	if (stow) tell_stowed(s, stow, FEED_STOW_FAILED);
	if (recall) s->options.taken(s->options.user, recall, STORE_FAILED, eio_bytes("", 0));
}

static void
lose_store(struct store *s)
{
	if (s->lost) return;
	s->lost = true;
	s->options.lost(s->options.user);
}

/* Of what was written the answers may come yet: it keeps its place for them. What has not been written may wait for it,
 * and what somebody asks for who is told was not late. */
static void
fail_late_ops(struct store *s)
{
	struct eio_list *l = &s->ops, *last = s->ops.prev;

	while (l != last) {
		struct store_op *op = EIO_CONTAINER(l = l->next, struct store_op, link);

		if (op->by_ms != UINT64_MAX) fail_op(s, op);
	}
}

/* The first n, of which nothing is there any more when somebody is told: who may ask for something else. */
static void
drop_ops(struct store *s, size_t n)
{
	struct eio_list dropped, *l;

	eio_list_init(&dropped);
	for (; n && !eio_list_empty(&s->ops); n--) {
		l = s->ops.next;
		eio_list_remove(l);
		eio_list_add_tail(&dropped, l);
	}
	while (!eio_list_empty(&dropped)) {
		struct store_op *op = EIO_CONTAINER(dropped.next, struct store_op, link);

		eio_list_remove(&op->link);
		fail_op(s, op);
		free(op);
	}
}

static void
drop_written_ops(struct store *s)
{
	size_t n = s->unanswered;

	s->unanswered = 0;
	drop_ops(s, n);
}

static void
drop_all_ops(struct store *s)
{
	s->unanswered = 0;
	eio_buf_clear(&s->out);
	s->n_out = 0;
	drop_ops(s, SIZE_MAX);
}

static struct store_op *
first_op(const struct store *s)
{
	return eio_list_empty(&s->ops) ? NULL : EIO_CONTAINER(s->ops.next, struct store_op, link);
}

static void
tell_taken(const struct store *s, struct feed_recall *r, struct redis_item item)
{
	bool there = item.kind == REDIS_ITEM_STRING;
	enum store_taken how = !there ? STORE_ABSENT : item.bytes.n ? STORE_FOUND : STORE_GONE;

	s->options.taken(s->options.user, r, how, there ? item.bytes : eio_bytes("", 0));
}

/* The answer to the command that was written first. */
static void
take_store_reply(struct store *s, enum redis_reply reply, struct eio_bytes text, const struct redis_values *values)
{
	struct store_op *op = first_op(s);
	struct redis_item item = store__result_of(values);
	bool good = reply != REDIS_REPLY_IS_ERROR;

	CHECK(op);
	s->unanswered--;
	eio_list_remove(&op->link);
	if (!good) {
		store__note_error(s, text);
		lose_store(s);
		fail_op(s, op);
	} else if (op->stow) {
		s->lost = false;
		tell_stowed(
			s, op->stow, item.kind == REDIS_ITEM_STRING && item.bytes.n ? FEED_STOW_DONE : FEED_STOW_MOVED);
	} else if (op->recall) {
		tell_taken(s, op->recall, item);
	} else if (op->declares) {
		s->options.declared(s->options.user, true);
	}
	free(op);
}

static void
on_store_reply(void *user, enum redis_reply reply, struct eio_bytes text, const struct redis_values *values)
{
	struct store_end *e = store__end_of(user);

	if (e->unheeded) {
		e->unheeded--;
		if (reply == REDIS_REPLY_IS_ERROR) store__note_error(e->store, text);
	} else if (!store__take_carried(e->store, reply, text, values)) {
		take_store_reply(e->store, reply, text, values);
	}
}

static void
on_store_ready(void *user)
{
	(void)store__end_of(user);
}

static void
on_store_lost(void *user)
{
	struct store_end *e = store__end_of(user);
	struct store *s = e->store;

	e->unheeded = 0;
	store__move_lost(s, e);
	if (e != s->at) return;
	lose_store(s);
	/* What waits for another server has nothing to do with it. */
	if (store__move_holds(s))
		drop_written_ops(s);
	else
		drop_all_ops(s);
}

static void
on_store_idle(void *user)
{
	store_flush(store__end_of(user)->store);
}

/* The oldest for which somebody waits, and not for it to be written. */
static const struct store_op *
first_awaited(const struct store *s)
{
	for (const struct eio_list *l = s->ops.next; l != &s->ops; l = l->next) {
		const struct store_op *op = EIO_CONTAINER((struct eio_list *)(uintptr_t)l, struct store_op, link);

		if ((op->stow || op->recall || op->declares) && op->by_ms != UINT64_MAX) return op;
	}
	return NULL;
}

static void
on_store_timer(uv_timer_t *t)
{
	struct store *s = t->data;
	const struct store_op *op;

	CHECK_MAGIC(s, STORE_MAGIC);
	store__move_on(s);
	op = first_awaited(s);
	if (!op || uv_now(s->options.loop) < op->by_ms) return;
	lose_store(s);
	fail_late_ops(s);
}

/* Commands */

/* NULL when nothing can be asked for. */
static struct store_op *
new_op(struct store *s)
{
	struct store_op *op = store__is_ready(s->at) ? calloc(1, sizeof *op) : NULL;

	if (!op) return NULL;
	eio_list_init(&op->link);
	op->by_ms = uv_now(s->options.loop) + STORE_MS;
	return op;
}

/* A command about a session; NULL when it cannot be asked for. */
static struct store_op *
add_op(struct store *s, const char *script, const char pid[FEED_PID_LEN], size_t n_arguments)
{
	struct store_op *op = new_op(s);
	size_t mark = s->out.n;

	if (!op) return NULL;
	redis_command(&s->out, 4 + n_arguments);
	redis_argument(&s->out, EIO_LIT("EVAL"));
	redis_argument(&s->out, eio_cstr(script));
	redis_argument(&s->out, EIO_LIT("1"));
	if (store__add_key(s, pid, &s->out)) return op;
	s->out.n = mark;
	free(op);
	return NULL;
}

/* It is written down, behind all others; or memory is out, and nothing of it is. */
static bool
keep_op(struct store *s, struct store_op *op, size_t mark)
{
	if (eio_buf_failed(&s->out)) {
		s->out.n = mark;
		s->out.failed = false;
		free(op);
		return false;
	}
	eio_list_add_tail(&s->ops, &op->link);
	s->n_out++;
	return true;
}

static void
add_token(struct eio_buf *out, const char token[STORED_TOKEN])
{
	struct eio_buf text = { 0 };

	stored_write_token(eio_bytes(token, STORED_TOKEN), &text);
	redis_argument(out, eio_buf_bytes(&text));
	out->failed |= eio_buf_failed(&text);
	eio_buf_deinit(&text);
}

void
store_stow(struct store *s, struct feed_stow *stow)
{
	bool puts = stow->n > 0;
	size_t mark = s->out.n;
	struct store_op *op;

	if (puts && stow->leaves && store__move_carry(s, stow)) return;
	op = add_op(s, puts ? put_script : drop_script, stow->pid, puts ? 3 : 1);
	if (op) {
		add_token(&s->out, stow->token);
		if (puts) redis_argument(&s->out, eio_bytes(stow->text + stow->nsp_n, stow->n));
		/* It is put there again after half of that time, so that enough is left at the end. */
		if (puts) store__add_ms(&s->out, s->options.ms + s->options.ms / 2);
		op->stow = stow;
		if (keep_op(s, op, mark)) return;
	}
	lose_store(s);
	tell_stowed(s, stow, FEED_STOW_FAILED);
}

void
store_take(struct store *s, struct feed_recall *r)
{
	size_t mark = s->out.n;
	struct store_op *op = add_op(s, take_script, r->pid, 3);
	struct eio_buf taken = { 0 };

	if (op) {
		stored_write_taken(eio_bytes(r->token, STORED_TOKEN), &taken);
		redis_argument(&s->out, eio_buf_bytes(&taken));
		s->out.failed |= eio_buf_failed(&taken);
		eio_buf_deinit(&taken);
		store__add_ms(&s->out, s->options.ms);
		store__add_tag(&s->out, "", r->token + 2 + FEED_TAG);
		op->recall = r;
		/* Going over it may wait long. But what it asks for comes along. */
		op->by_ms = UINT64_MAX;
		if (keep_op(s, op, mark)) return;
	}
	s->options.taken(s->options.user, r, STORE_FAILED, eio_bytes("", 0));
}

bool
store_declare(struct store *s, const char tag[FEED_TAG])
{
	size_t mark = s->out.n;
	struct store_op *op = new_op(s);

	if (!op) return false;
	op->declares = true;
	redis_command(&s->out, 5);
	redis_argument(&s->out, EIO_LIT("SET"));
	store__add_tag(&s->out, STORE_LOCAL_KEY, tag);
	redis_argument(&s->out, EIO_LIT("local"));
	redis_argument(&s->out, EIO_LIT("PX"));
	/* No session is stored from now on, and those that are will have gone by then. */
	store__add_ms(&s->out, 2 * s->options.ms);
	return keep_op(s, op, mark);
}

/* The last n, of which no answer can come before that. */
static void
note_written(struct store *s, size_t n)
{
	for (struct eio_list *l = s->ops.prev; n; n--, l = l->prev) {
		struct store_op *op = EIO_CONTAINER(l, struct store_op, link);

		if (op->by_ms == UINT64_MAX) op->by_ms = uv_now(s->options.loop) + STORE_MS;
	}
}

void
store_flush(struct store *s)
{
	size_t n = s->n_out;

	if (!n || store__move_holds(s)) return;
	s->n_out = 0;
	s->unanswered += n;
	note_written(s, n);
	redis_fetcher_write(s->at->fetcher, &s->out, n);
}

/* From its making to its end */

struct store *
store_new(const struct store_options *options)
{
	struct store *s = calloc(1, sizeof *s);

	if (!s) return NULL;
	s->magic = STORE_MAGIC;
	s->options = *options;
	eio_list_init(&s->ops);
	return s;
}

static struct store_end *
open_store_end(struct store *s)
{
	struct store_end *e = calloc(1, sizeof *e);
	const struct redis_fetcher_options o = {
		.url = s->options.url,
		.metrics = s->options.metrics,
		.max_string = STORE_VALUE_MAX + sizeof STORE_KEY + FEED_SIGNED_LEN,
		.max_reply = REPLY_MAX,
		.ready = on_store_ready,
		.lost = on_store_lost,
		.reply = on_store_reply,
		.idle = on_store_idle,
		.user = e,
	};

	if (!e) return NULL;
	e->magic = STORE_MAGIC;
	e->store = s;
	e->fetcher = redis_fetcher_open(s->options.loop, &o);
	if (e->fetcher) return e;
	free(e);
	return NULL;
}

static void
close_store_end(struct store_end *e)
{
	if (!e) return;
	redis_fetcher_close(e->fetcher);
	e->magic = 0;
	free(e);
}

void
store_open(struct store *s)
{
	if (!s->opened) {
		uv_timer_init(s->options.loop, &s->timer); /* cannot fail */
		s->timer.data = s;
		uv_timer_start(&s->timer, on_store_timer, STORE_LOOK_MS, STORE_LOOK_MS);
		s->opened = true;
	}
	s->at = open_store_end(s);
	if (!s->at) log_error("redis=%s event=not-opened reason=\"out of memory\"", s->options.url->name);
}

static const struct store_parts parts_of_move = {
	.open = open_store_end,
	.close = close_store_end,
	.lose = lose_store,
	.drop_written = drop_written_ops,
	.drop_all = drop_all_ops,
	.flush = store_flush,
};

void
store_move(struct store *s)
{
	CHECK(!s->move);
	if (s->opened && store__move_begin(s, &parts_of_move)) return;
	/* It connects there as soon as what there is breaks. */
	log_error("redis=%s event=not-opened reason=\"out of memory\"", s->options.url->name);
	s->options.moved(s->options.user, 0);
}

void
store_close(struct store *s)
{
	if (!s->opened) return;
	s->opened = false;
	store__move_end(s);
	if (store__is_ready(s->at)) store_flush(s);
	close_store_end(s->at);
	s->at = NULL;
	uv_close((uv_handle_t *)&s->timer, NULL);
	drop_all_ops(s);
}

void
store_free(struct store *s)
{
	if (!s) return;
	CHECK(!s->opened && eio_list_empty(&s->ops));
	eio_buf_deinit(&s->out);
	s->magic = 0;
	free(s);
}
