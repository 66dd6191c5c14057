/* SPDX-License-Identifier: MIT */
/* Putting commands together. */
#include "src/presence/writer.h"

#include "src/redis/command.h"

#include <stdio.h>
#include <stdlib.h>

enum { MESSAGE_BYTES = 256 << 10 }; /* a message of changes is complete when it is longer */

/* The reader of replies hands out single strings, so the list is joined by who has it; as replica.h separates it. */
#define STATE_SCRIPT "return table.concat(redis.call('HGETALL',KEYS[1]),'\\30')"

static void
begin_command(struct presence_writer *w, size_t words, const char *name)
{
	presence_asks_add(&w->asks, PRESENCE_ASK_NOTHING, EIO_LIT(""));
	w->commands++;
	redis_command(&w->out, words);
	redis_argument(&w->out, eio_cstr(name));
}

static void
add_word(struct presence_writer *w)
{
	redis_argument(&w->out, eio_buf_bytes(&w->word));
	eio_buf_clear(&w->word);
}

static void
set_field(struct presence_writer *w, const char *key, const struct presence_change *c)
{
	begin_command(w, 4, "HSET");
	redis_argument(&w->out, eio_cstr(key));
	presence_field_write(&w->word, c);
	add_word(w);
	presence_value_write(&w->word, c);
	add_word(w);
}

static void
clear_field(struct presence_writer *w, const struct presence_change *c)
{
	begin_command(w, 3, "HDEL");
	redis_argument(&w->out, eio_cstr(w->key));
	presence_field_write(&w->word, c);
	add_word(w);
}

static void
prolong_key(struct presence_writer *w, const char *key)
{
	begin_command(w, 3, "PEXPIRE");
	redis_argument(&w->out, eio_cstr(key));
	eio_buf_append_u64(&w->word, w->keep_ms);
	add_word(w);
}

/* The end of a state, or of its changes: their number, and how long it lasts. */
static void
set_seq(struct presence_writer *w, const char *key)
{
	begin_command(w, 4, "HSET");
	redis_argument(&w->out, eio_cstr(key));
	redis_argument(&w->out, EIO_LIT("seq"));
	eio_buf_append_u64(&w->word, w->seq);
	add_word(w);
	prolong_key(w, key);
}

static void
add_publish(struct presence_writer *w, struct eio_bytes message)
{
	begin_command(w, 3, "PUBLISH");
	redis_argument(&w->out, eio_cstr(w->channel));
	redis_argument(&w->out, message);
}

void
presence_writer_close(struct presence_writer *w)
{
	if (!w->changes.n) return;
	EIO_BUF_ADD_LIT(&w->changes, "]]");
	set_seq(w, w->key);
	add_publish(w, eio_buf_bytes(&w->changes));
	eio_buf_clear(&w->changes);
}

void
presence_writer_change(struct presence_writer *w, const struct presence_change *c)
{
	if (c->kind == '-' || (c->kind == '#' && c->n == 0))
		clear_field(w, c);
	else
		set_field(w, w->key, c);
	if (!w->changes.n) {
		w->seq++;
		presence_message_write(&w->changes, w->own, w->seq, PRESENCE_CHANGES);
	} else {
		eio_buf_addc(&w->changes, ',');
	}
	presence_change_write(&w->changes, c);
	if (w->changes.n > MESSAGE_BYTES) presence_writer_close(w);
}

/* Changes that came before are told before: the number says that they were. */
void
presence_writer_say(struct presence_writer *w, enum presence_word word)
{
	presence_writer_close(w);
	presence_message_write(&w->word, w->own, w->seq, word);
	add_publish(w, eio_buf_bytes(&w->word));
	eio_buf_clear(&w->word);
}

void
presence_writer_begin_state(struct presence_writer *w)
{
	presence_writer_close(w);
	w->seq++;
	begin_command(w, 2, "DEL");
	redis_argument(&w->out, eio_cstr(w->fresh));
}

void
presence_writer_field(struct presence_writer *w, const struct presence_change *c)
{
	set_field(w, w->fresh, c);
}

void
presence_writer_end_state(struct presence_writer *w)
{
	set_seq(w, w->fresh);
	begin_command(w, 3, "RENAME");
	redis_argument(&w->out, eio_cstr(w->fresh));
	redis_argument(&w->out, eio_cstr(w->key));
	presence_writer_say(w, PRESENCE_ALL);
}

void
presence_writer_refresh(struct presence_writer *w)
{
	prolong_key(w, w->key);
	presence_writer_ask(w, PRESENCE_ASK_OWN, w->own);
	presence_writer_say(w, PRESENCE_ALIVE);
}

void
presence_writer_end(struct presence_writer *w)
{
	eio_buf_clear(&w->changes);
	begin_command(w, 2, "DEL");
	redis_argument(&w->out, eio_cstr(w->key));
	presence_writer_say(w, PRESENCE_BYE);
}

void
presence_writer_ask(struct presence_writer *w, enum presence_ask_kind kind, const char *id)
{
	bool whole = kind == PRESENCE_ASK_STATE;

	presence_asks_add(&w->asks, kind, eio_cstr(id));
	w->commands++;
	redis_command(&w->out, whole ? 4 : 3);
	redis_argument(&w->out, whole ? EIO_LIT("EVAL") : EIO_LIT("HGET"));
	if (whole) {
		redis_argument(&w->out, EIO_LIT(STATE_SCRIPT));
		redis_argument(&w->out, EIO_LIT("1"));
	}
	eio_buf_add(&w->word, eio_cstr(w->channel));
	eio_buf_addc(&w->word, ':');
	eio_buf_add(&w->word, eio_cstr(id));
	add_word(w);
	if (!whole) redis_argument(&w->out, EIO_LIT("seq"));
}

/* From the beginning to the end */

bool
presence_writer_failed(const struct presence_writer *w)
{
	return eio_buf_failed(&w->out) || eio_buf_failed(&w->word) || eio_buf_failed(&w->changes);
}

void
presence_writer_reset(struct presence_writer *w)
{
	eio_buf_clear(&w->out);
	eio_buf_clear(&w->word);
	eio_buf_clear(&w->changes);
	w->commands = 0;
	presence_asks_clear(&w->asks);
}

int
presence_writer_init(struct presence_writer *w, const char *prefix, const char *own, unsigned keep_ms)
{
	*w = (struct presence_writer){ .own = own, .keep_ms = keep_ms };
	presence_asks_init(&w->asks);
	if (asprintf(&w->channel, "%s:presence", prefix) < 0) w->channel = NULL;
	if (!w->channel || asprintf(&w->key, "%s:%s", w->channel, own) < 0) w->key = NULL;
	if (!w->key || asprintf(&w->fresh, "%s:new", w->key) < 0) w->fresh = NULL;
	return w->fresh ? 0 : -1;
}

void
presence_writer_deinit(struct presence_writer *w)
{
	presence_asks_clear(&w->asks);
	eio_buf_deinit(&w->out);
	eio_buf_deinit(&w->word);
	eio_buf_deinit(&w->changes);
	free(w->channel);
	free(w->key);
	free(w->fresh);
}
