/* SPDX-License-Identifier: MIT */
/* The link: what is common to all connections to Redis. */
#include "src/redis/link.h"

#include "eio/check.h"
#include "src/base/log.h"
#include "src/redis/command.h"
#include "src/redis/dial.h"

#include <stdio.h>
#include <stdlib.h>

#define REDIS_LINK_MAGIC 0x4ed11144

enum link_state { LINK_WAITING, LINK_CONNECTING, LINK_HANDSHAKE, LINK_READY, LINK_CLOSED };

struct redis_link {
	unsigned magic;
	uv_loop_t *loop;
	struct redis_link_options options;
	enum link_state state;
	uv_timer_t timer; /* what it means depends on the state */
	struct redis_dial *dial; /* while connecting */
	struct redis_socket *socket; /* from then on */
	struct redis_reader *reader; /* the same */
	unsigned failures; /* in a row: the exponent of the backoff */
	unsigned greetings; /* replies of AUTH, SELECT, CLIENT SETNAME still to come */
	size_t awaited; /* answers to what the role's greet said still to come */
	uint64_t heard_ms, pinged_ms; /* pinged_ms 0: no PING is out */
	char refused[160]; /* why the connection must go when what was read has been told */
	struct log_limit limit;
};

static void on_link_timer(uv_timer_t *t);
static void link_lost(struct redis_link *l, const char *why);

/* The one place that changes the state. */
static void
enter_state(struct redis_link *l, enum link_state state)
{
	enum link_state old = l->state;

	l->state = state;
	if (state == LINK_READY) {
		l->failures = 0;
		metrics_inc(l->options.metrics, REDIS_METRIC_CONNECTS);
		metrics_inc(l->options.metrics, REDIS_METRIC_CONNECTED);
	}
	if (old != LINK_READY) return;
	metrics_sub(l->options.metrics, REDIS_METRIC_CONNECTED, 1);
	if (state != LINK_CLOSED) l->options.role->lost(l->options.user);
}

bool
redis_link_is_ready(const struct redis_link *l)
{
	return l->state == LINK_READY;
}

/* Writing */

/* The socket is there. */
static void
write_link(struct redis_link *l, struct eio_buf *buf)
{
	const char *why = redis_socket_write(l->socket, buf);

	if (why) link_lost(l, why);
}

void
redis_link_write(struct redis_link *l, struct eio_buf *buf)
{
	CHECK(l->state == LINK_READY);
	write_link(l, buf);
}

size_t
redis_link_unwritten(const struct redis_link *l)
{
	return l->socket ? redis_socket_unwritten(l->socket) : 0;
}

/* Everything that is to be said after connecting, in one write. */
static void
greet_server(struct redis_link *l)
{
	struct eio_buf b;

	eio_buf_init(&b);
	l->greetings = redis_command_greet(&b, l->options.url);
	l->awaited = l->options.role->greet(l->options.user, &b);
	write_link(l, &b);
}

static void
ping_server(struct redis_link *l, uint64_t now_ms)
{
	struct eio_buf b;

	eio_buf_init(&b);
	redis_command(&b, 1);
	redis_argument(&b, EIO_LIT("PING"));
	l->pinged_ms = now_ms;
	write_link(l, &b);
}

/* What the server says */

void
redis_link_refuse(struct redis_link *l, struct eio_bytes text)
{
	if (!*l->refused) snprintf(l->refused, sizeof l->refused, "%s", LOG_ESCAPE(text));
}

/* CLIENT SETNAME is a courtesy: old servers do not know it and an ACL may forbid it. It is the last greeting. */
static bool
is_courtesy(const struct redis_link *l, struct eio_bytes text)
{
	return l->greetings == 1 && !eio_bytes_starts(text, EIO_LIT("NOAUTH"));
}

static void
take_reply(struct redis_link *l, enum redis_reply reply, struct eio_bytes text)
{
	if (l->greetings) {
		if (reply == REDIS_REPLY_IS_ERROR && !is_courtesy(l, text)) redis_link_refuse(l, text);
		l->greetings--;
	} else if (l->options.role->reply(l->options.user, reply, text) && l->awaited) {
		l->awaited--;
	}
}

/* Every reply of the handshake is there. */
static void
become_ready(struct redis_link *l)
{
	unsigned silent_ms = l->options.silent_ms ? l->options.silent_ms : REDIS_SILENT_MS;

	enter_state(l, LINK_READY);
	uv_timer_start(&l->timer, on_link_timer, silent_ms, (silent_ms + 1) / 2);
	l->options.role->ready(l->options.user);
	if (l->state != LINK_READY) return; /* lost again, by what the role wrote */
	log_info("redis=%s event=ready role=%s", l->options.url->name, l->options.role->name);
}

static void
on_link_read(void *user, struct eio_bytes bytes)
{
	struct redis_link *l = user;
	const struct redis_role *role = l->options.role;
	struct redis_event event;
	enum redis_read got;

	CHECK_MAGIC(l, REDIS_LINK_MAGIC);
	l->heard_ms = uv_now(l->loop);
	l->pinged_ms = 0;
	redis_reader_feed(l->reader, bytes);
	while ((got = redis_reader_next(l->reader, &event)) == REDIS_READ_MESSAGE || got == REDIS_READ_REPLY) {
		if (got == REDIS_READ_MESSAGE)
			role->message(l->options.user, &event.message);
		else
			take_reply(l, event.reply, event.text);
	}
	if (got == REDIS_READ_ERROR)
		link_lost(l, event.why);
	else if (*l->refused)
		link_lost(l, l->refused);
	else if (l->state == LINK_HANDSHAKE && !l->greetings && !l->awaited)
		become_ready(l);
	if (l->state == LINK_READY && role->looked) role->looked(l->options.user, bytes.n);
}

/* Pausing */

void
redis_link_pause(struct redis_link *l)
{
	CHECK(l->state == LINK_READY);
	redis_socket_read_stop(l->socket);
}

void
redis_link_resume(struct redis_link *l)
{
	const char *why;

	CHECK(l->state == LINK_READY);
	why = redis_socket_read_start(l->socket);
	if (why) link_lost(l, why);
}

ssize_t
redis_link_look(struct redis_link *l)
{
	struct eio_bytes bytes;

	CHECK(l->state == LINK_READY);
	bytes = redis_socket_look(l->socket);
	if (bytes.n) on_link_read(l, bytes);
	return l->state == LINK_READY ? (ssize_t)bytes.n : -1;
}

/* Connecting */

static void
on_link_broken(void *user, const char *why)
{
	struct redis_link *l = user;

	CHECK_MAGIC(l, REDIS_LINK_MAGIC);
	link_lost(l, why);
}

static void
on_dialed(void *user, struct redis_socket *s, const char *why)
{
	static const struct redis_socket_events events = { .read = on_link_read, .broken = on_link_broken };
	struct redis_link *l = user;

	CHECK_MAGIC(l, REDIS_LINK_MAGIC);
	l->dial = NULL;
	if (!s) {
		link_lost(l, why);
		return;
	}
	l->socket = s;
	redis_socket_hand_over(s, &events, l);
	enter_state(l, LINK_HANDSHAKE);
	uv_timer_start(&l->timer, on_link_timer, REDIS_HANDSHAKE_MS, 0);
	*l->refused = '\0';
	l->reader = redis_reader_new();
	why = l->reader ? redis_socket_read_start(s) : "out of memory";
	if (why)
		link_lost(l, why);
	else
		greet_server(l);
}

static void
start_dial(struct redis_link *l)
{
	enter_state(l, LINK_CONNECTING);
	uv_timer_stop(&l->timer);
	l->dial = redis_dial_start(l->loop, l->options.url, on_dialed, l);
	if (!l->dial) link_lost(l, "out of memory");
}

/* Losing it and coming back */

/* Half of the delay is random, so that a thousand daemons do not come back in step. */
static uint64_t
backoff_ms(struct redis_link *l)
{
	uint64_t delay = REDIS_BACKOFF_MAX_MS, random = 0;

	if (l->failures < 6) delay = (uint64_t)REDIS_BACKOFF_MIN_MS << l->failures;
	if (delay > REDIS_BACKOFF_MAX_MS) delay = REDIS_BACKOFF_MAX_MS;
	l->failures++;
	if (uv_random(NULL, NULL, &random, sizeof random, 0, NULL)) random = uv_hrtime();
	return delay - random % (delay / 2);
}

static void
drop_connection(struct redis_link *l)
{
	if (l->dial) redis_dial_cancel(l->dial);
	if (l->socket) redis_socket_close(l->socket);
	redis_reader_free(l->reader);
	l->dial = NULL;
	l->socket = NULL;
	l->reader = NULL;
}

/* The connection, or the attempt, failed. Never called while what was read is being told. */
static void
link_lost(struct redis_link *l, const char *why)
{
	uint64_t delay, suppressed;

	if (l->state == LINK_WAITING || l->state == LINK_CLOSED) return;
	drop_connection(l);
	delay = backoff_ms(l);
	metrics_inc(l->options.metrics, REDIS_METRIC_LOST);
	if (log_limit_pass(&l->limit, uv_now(l->loop), &suppressed))
		log_warn("redis=%s event=lost reason=\"%s\" retry_ms=%llu suppressed=%llu", l->options.url->name, why,
			(unsigned long long)delay, (unsigned long long)suppressed);
	enter_state(l, LINK_WAITING);
	uv_timer_start(&l->timer, on_link_timer, delay, 0);
}

/* The connection says nothing: it is asked, and given up when it does not answer. */
static void
check_alive(struct redis_link *l)
{
	uint64_t now = uv_now(l->loop);
	unsigned silent_ms = l->options.silent_ms ? l->options.silent_ms : REDIS_SILENT_MS;
	unsigned dead_ms = l->options.dead_ms ? l->options.dead_ms : REDIS_DEAD_MS;

	if (l->pinged_ms) {
		if (now - l->pinged_ms >= dead_ms) link_lost(l, "silent");
	} else if (now - l->heard_ms >= silent_ms) {
		ping_server(l, now);
	}
}

static void
on_link_timer(uv_timer_t *t)
{
	struct redis_link *l = t->data;

	CHECK_MAGIC(l, REDIS_LINK_MAGIC);
	switch (l->state) {
	case LINK_WAITING: start_dial(l); break;
	case LINK_HANDSHAKE: link_lost(l, "no answer to the handshake"); break;
	case LINK_READY: check_alive(l); break;
	case LINK_CONNECTING: /* the dial has a timer of its own */
	case LINK_CLOSED: break;
	}
}

struct redis_link *
redis_link_open(uv_loop_t *loop, const struct redis_link_options *options)
{
	struct redis_link *l = calloc(1, sizeof *l);

	if (!l) return NULL;
	l->magic = REDIS_LINK_MAGIC;
	l->loop = loop;
	l->options = *options;
	uv_timer_init(loop, &l->timer); /* cannot fail */
	l->timer.data = l;
	start_dial(l);
	return l;
}

static void
on_link_timer_closed(uv_handle_t *h)
{
	struct redis_link *l = h->data;

	CHECK_MAGIC(l, REDIS_LINK_MAGIC);
	l->magic = 0;
	free(l);
}

void
redis_link_close(struct redis_link *l)
{
	CHECK(l->state != LINK_CLOSED);
	enter_state(l, LINK_CLOSED);
	drop_connection(l);
	uv_close((uv_handle_t *)&l->timer, on_link_timer_closed);
}
