/* SPDX-License-Identifier: MIT */
/* The link: what is common to all connections to Redis. */
#include "src/redis/link_int.h"

#include "eio/check.h"
#include "src/redis/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void on_link_timer(uv_timer_t *t);
static void link_lost(struct redis_link *l, const char *why);

/* The one place that changes the state. */
static void
enter_state(struct redis_link *l, enum link_state state)
{
	enum link_state old = l->state;

	l->state = state;
	if (state == LINK_READY) {
		redis_backoff_works(&l->backoff, uv_now(l->loop));
		metrics_inc(l->options.metrics, REDIS_METRIC_CONNECTS);
		metrics_inc(l->options.metrics, REDIS_METRIC_CONNECTED);
	}
	if (old != LINK_READY) return;
	metrics_sub(l->options.metrics, REDIS_METRIC_CONNECTED, 1);
	if (state != LINK_CLOSED) l->options.role->lost(l->options.user);
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
redis_link_write(struct redis_link *l, struct eio_buf *buf, size_t n)
{
	CHECK(l->state == LINK_READY);
	l->unanswered += n;
	write_link(l, buf);
}

/* Everything that is to be said after connecting, in one write. */
static void
greet_server(struct redis_link *l)
{
	struct eio_buf b;

	eio_buf_init(&b);
	l->greetings = redis_command_greet(&b, &l->at);
	l->unanswered = l->options.role->greet(l->options.user, &b);
	write_link(l, &b);
}

/* One PING is enough, however often it is wanted before the answer. */
static void
ping_server(struct redis_link *l)
{
	struct eio_buf b;

	if (l->pinged || l->raw) return;
	eio_buf_init(&b);
	redis_command(&b, 1);
	redis_argument(&b, EIO_LIT("PING"));
	l->pinged = true;
	l->before_ping = l->unanswered;
	l->pinged_ns = uv_hrtime();
	write_link(l, &b);
}

/* What the server says */

static bool
answers_ping(const struct redis_link *l, enum redis_reply reply)
{
	return l->pinged && !l->before_ping && (reply == REDIS_REPLY_IS_STATUS || reply == REDIS_REPLY_IS_ERROR);
}

static void
take_reply(struct redis_link *l, enum redis_reply reply, struct eio_bytes text)
{
	bool is_error = reply == REDIS_REPLY_IS_ERROR;

	if (l->greetings) {
		if (is_error) redis_link__greeting_refused(l, text);
		l->greetings--;
	} else if (answers_ping(l, reply)) {
		/* Whatever it is: who answers lives. */
		if (is_error) redis_link__tellable(l, text, l->said, sizeof l->said);
		l->pinged = false;
		metrics_observe(l->options.metrics, REDIS_METRIC_PING, &redis_ping_buckets,
			(uv_hrtime() - l->pinged_ns) / 1000);
	} else if (l->options.role->reply(l->options.user, reply, text)) {
		CHECK(l->unanswered);
		l->unanswered--;
		if (l->before_ping) l->before_ping--;
	}
}

/* An event that was read. Whether it goes on. */
static bool
take_event(struct redis_link *l, enum redis_read got, const struct redis_event *event)
{
	const struct redis_role *role = l->options.role;

	switch (got) {
	case REDIS_READ_MESSAGE: role->message(l->options.user, &event->message); return true;
	case REDIS_READ_REPLY:
		if (event->reply == REDIS_REPLY_IS_INFO) role->info(l->options.user, event->info);
		if (role->values) role->values(l->options.user, event->values);
		take_reply(l, event->reply, event->text);
		return true;
	case REDIS_READ_ENTRY:
		if (event->entry.skipped) metrics_inc(l->options.metrics, REDIS_METRIC_TOO_LONG);
		role->entry(l->options.user, &event->entry);
		return true;
	case REDIS_READ_SKIPPED:
		metrics_inc(l->options.metrics, REDIS_METRIC_TOO_LONG);
		if (role->too_long) role->too_long(l->options.user, &event->message, event->skipped);
		return true;
	case REDIS_READ_NONE:
	case REDIS_READ_ERROR: break;
	}
	return false;
}

/* Every reply of the handshake is there. */
static void
become_ready(struct redis_link *l)
{
	unsigned silent_ms = redis_link__silent_ms(l);
	const char *tls = redis_socket_encryption(l->socket), *node = l->known ? l->known->at.name : NULL;

	enter_state(l, LINK_READY);
	l->pinged_ns = uv_hrtime(); /* the first answer that is timed is not one of the beginning */
	uv_timer_start(&l->timer, on_link_timer, silent_ms, (silent_ms + 1) / 2);
	l->options.role->ready(l->options.user);
	if (l->state != LINK_READY) return; /* lost again, by what the role wrote */
	log_info("redis=%s event=ready role=%s%s%s%s%s", l->options.url->name, l->options.role->name,
		node ? " node=" : "", node ? node : "", tls ? " tls=" : "", tls ? tls : "");
}

static enum redis_read
take_replies(struct redis_link *l, struct eio_bytes bytes, struct redis_event *event)
{
	enum redis_read got;

	redis_reader_feed(l->reader, bytes);
	do {
		got = redis_reader_next(l->reader, event);
	} while (take_event(l, got, event));
	return got;
}

static enum redis_read
take_raw(struct redis_link *l, struct eio_bytes bytes)
{
	l->options.role->raw(l->options.user, bytes);
	return REDIS_READ_NONE;
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
	l->asked_ms = 0;
	*l->said = '\0';
	got = l->raw ? take_raw(l, bytes) : take_replies(l, bytes, &event);
	if (got == REDIS_READ_ERROR)
		link_lost(l, event.why);
	else if (*l->refused)
		link_lost(l, l->refused);
	else if (l->state == LINK_HANDSHAKE && !l->greetings && !l->unanswered)
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

/* A server that hangs up at once breaks our writing first; what it said before may still be there. */
static void
on_link_broken(void *user, const char *why)
{
	struct redis_link *l = user;
	struct redis_socket *s = l->socket;
	struct eio_bytes bytes;

	CHECK_MAGIC(l, REDIS_LINK_MAGIC);
	while (l->socket == s && (bytes = redis_socket_look(s)).n) on_link_read(l, bytes);
	if (l->socket == s) link_lost(l, redis_socket_failure(s) ? redis_socket_failure(s) : why);
}

static const struct redis_socket_events link_events = { .read = on_link_read, .broken = on_link_broken };

/* NULL, or why not. */
static const char *
begin_connection(struct redis_link *l, struct redis_socket *s)
{
	l->socket = s;
	enter_state(l, LINK_HANDSHAKE);
	uv_timer_start(&l->timer, on_link_timer, REDIS_HANDSHAKE_MS, 0);
	*l->refused = *l->said = '\0';
	l->pinged = l->raw = false;
	l->before_ping = 0;
	l->reader = redis_reader_new(l->options.max_string);
	if (l->reader && l->options.role->entry) redis_reader_expect_entries(l->reader);
	if (l->reader && l->options.role->values) redis_reader_expect_values(l->reader, l->options.max_reply);
	return l->reader ? redis_socket_read_start(s) : "out of memory";
}

static void
on_dialed(void *user, struct redis_socket *s, const char *why)
{
	struct redis_link *l = user;

	CHECK_MAGIC(l, REDIS_LINK_MAGIC);
	l->dial = NULL;
	l->sentinel = NULL;
	l->seek = NULL;
	if (s) redis_socket_hand_over(s, &link_events, l);
	if (s) why = begin_connection(l, s);
	if (why)
		link_lost(l, why);
	else
		greet_server(l);
}

/* It goes where the options say now. Whether there is memory. */
static bool
take_url(struct redis_link *l)
{
	redis_url_deinit(&l->at);
	return redis_url_copy(l->options.url, &l->at) == 0;
}

/* Goes on where another process was. The role is told first, so that it knows what is lost when it fails. */
static void
adopt_connection(struct redis_link *l)
{
	struct redis_socket *s = redis_socket_new(l->loop, &link_events, l);
	struct redis_event event;
	const char *why = s && take_url(l) ? NULL : "out of memory";

	l->heard_ms = uv_now(l->loop);
	if (!why) {
		why = redis_socket_adopt(s, l->handed.fd);
		l->handed.fd = -1;
	}
	l->options.role->adopted(l->options.user);
	if (!why) why = begin_connection(l, s);
	if (!why && l->handed.begun.n) take_replies(l, l->handed.begun, &event);
	if (why) {
		if (s && !l->socket) redis_socket_close(s);
		enter_state(l, LINK_READY);
		link_lost(l, why);
		return;
	}
	l->greetings = 0;
	l->unanswered = 0;
	l->pinged = l->handed.pinged;
	become_ready(l);
}

static void
start_dial(struct redis_link *l)
{
	enter_state(l, LINK_CONNECTING);
	uv_timer_stop(&l->timer);
	if (take_url(l)) {
		if (l->known)
			l->seek = redis_seek_start(l->loop, &l->at, l->known, on_dialed, l);
		else if (l->at.n_guides)
			l->sentinel = redis_sentinel_start(l->loop, &l->at, &l->first, on_dialed, l);
		else
			l->dial = redis_dial_start(l->loop, &l->at, on_dialed, l);
	}
	if (!l->dial && !l->sentinel && !l->seek) link_lost(l, "out of memory");
}

/* Losing it and coming back */

/* Gauges of several connections are one sum. */
static void
show_gauge(struct redis_link *l, enum redis_metric m, size_t *shown, size_t now)
{
	metrics_add(l->options.metrics, m, (uint64_t)now - *shown);
	*shown = now;
}

static void
show_buffers(struct redis_link *l)
{
	show_gauge(l, REDIS_METRIC_UNREAD, &l->unread, l->socket ? redis_socket_unread(l->socket) : 0);
	show_gauge(l, REDIS_METRIC_UNWRITTEN, &l->unwritten, redis_link_unwritten(l));
}

static void
drop_connection(struct redis_link *l)
{
	if (l->dial) redis_dial_cancel(l->dial);
	if (l->sentinel) redis_sentinel_cancel(l->sentinel);
	if (l->seek) redis_seek_cancel(l->seek);
	if (l->socket) redis_socket_close(l->socket);
	if (l->handed.fd >= 0) close(l->handed.fd);
	l->handed.fd = -1;
	redis_reader_free(l->reader);
	l->dial = NULL;
	l->sentinel = NULL;
	l->seek = NULL;
	l->socket = NULL;
	l->reader = NULL;
	show_buffers(l);
}

static void
log_lost(struct redis_link *l, const char *why, uint64_t delay)
{
	const char *said = why == l->refused ? "" : l->said;

	snprintf(l->failure, sizeof l->failure, "%s%s%s", why, *said ? "; it said: " : "", said);
	log_limited(LOG_LEVEL_WARN, &l->limit, uv_now(l->loop), "redis=%s event=lost reason=\"%s\" retry_ms=%llu",
		l->options.url->name, l->failure, (unsigned long long)delay);
}

/* The connection, or the attempt, failed. Never called while what was read is being told. */
static void
link_lost(struct redis_link *l, const char *why)
{
	uint64_t delay;

	if (l->state == LINK_WAITING || l->state == LINK_CLOSED) return;
	drop_connection(l);
	delay = redis_link__retry_ms(l);
	metrics_inc(l->options.metrics, REDIS_METRIC_LOST);
	log_lost(l, why, delay);
	*l->said = '\0'; /* it was of this connection */
	enter_state(l, LINK_WAITING);
	uv_timer_start(&l->timer, on_link_timer, delay, 0);
}

/* A connection that says nothing is given up when it does not answer. One that does is asked as well, now and then: how
 * long that takes is what its messages take. */
static void
check_alive(struct redis_link *l)
{
	uint64_t now = uv_now(l->loop);

	if (l->asked_ms) {
		if (now - l->asked_ms >= redis_link_dead_ms(l->options.url, l->options.dead_ms)) link_lost(l, "silent");
	} else if (now - l->heard_ms >= redis_link__silent_ms(l)) {
		l->asked_ms = now;
	}
	if (l->state != LINK_READY) return;
	show_buffers(l);
	if (l->asked_ms == now || uv_hrtime() - l->pinged_ns >= REDIS_MEASURE_NS) ping_server(l);
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
		if (l->handed.fd >= 0) adopt_connection(l);
		break;
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
	if (options->url->is_cluster && options->url->n_guides && !(l->known = redis_link__known())) {
		free(l);
		return NULL;
	}
	uv_timer_init(loop, &l->timer); /* cannot fail */
	l->timer.data = l;
	l->handed.fd = -1;
	if (options->handed) {
		l->handed = *options->handed;
		enter_state(l, LINK_CONNECTING);
		uv_timer_start(&l->timer, on_link_timer, 0, 0);
	} else {
		start_dial(l);
	}
	return l;
}

void
redis_link_redial(struct redis_link *l)
{
	CHECK(l->state != LINK_CLOSED);
	drop_connection(l);
	l->backoff = (struct redis_backoff){ 0 };
	start_dial(l);
}

static void
on_link_timer_closed(uv_handle_t *h)
{
	struct redis_link *l = h->data;

	CHECK_MAGIC(l, REDIS_LINK_MAGIC);
	redis_url_deinit(&l->at);
	l->magic = 0;
	if (l->known) redis_known_deinit(l->known);
	free(l->known);
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
