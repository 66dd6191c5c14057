/* SPDX-License-Identifier: MIT */
/*
 * One Redis connection over libuv. What belongs to one attempt to connect (the
 * socket, the look-up of the host's name) is a `struct link` of its own, so that
 * a new attempt never waits for the old one's handle to be closed.
 */
#include "src/redis/link.h"

#include "eio/buf.h"
#include "eio/list.h"
#include "src/base/log.h"
#include "src/redis/command.h"
#include "src/redis/reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>

enum {
	READ_BYTES = 65536,
	PAUSE_READS = 3, /* in one millisecond, then reading pauses */
	PAUSE_LOOKS = 32, /* as often as libuv reads before others have their turn */
	PAUSE_BYTES = READ_BYTES / 4, /* a read that brought so much was worth its wake-up */
};

enum state { STATE_WAITING, STATE_CONNECTING, STATE_HANDSHAKE, STATE_READY, STATE_CLOSED };

struct link {
	struct redis *owner; /* NULL once the owner has let go */
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	} u;
	uv_connect_t connect;
};

struct resolve {
	struct redis *owner; /* NULL once the owner has let go */
	uv_getaddrinfo_t req;
};

struct write {
	uv_write_t req;
	struct link *link;
	struct eio_buf buf;
};

struct redis {
	uv_loop_t *loop;
	struct redis_options options;
	enum state state;
	uv_timer_t timer; /* what it means depends on the state */
	uv_timer_t pause; /* runs while the loop does not look at the socket, see pause_reading() */
	struct link *link;
	struct resolve *resolve;
	struct addrinfo *addresses, *next_address; /* of the host's name, while they are tried one by one */
	struct redis_parser *parser;
	unsigned failures; /* in a row: the exponent of the backoff */
	unsigned greetings; /* replies of AUTH, SELECT, CLIENT SETNAME still to come */
	size_t confirmations; /* of subscriptions still to come */
	uint64_t heard_ms, pinged_ms; /* pinged_ms 0: no PING is out */
	unsigned reads; /* in the millisecond heard_ms */
	char lost[160]; /* set inside the parser's callbacks: why the connection must go */
	struct log_limit limit;
	struct eio_buf queue; /* PUBLISH commands not written yet */
	size_t queued, writing_bytes, unanswered; /* messages in queue; bytes and messages given to libuv */
	char read_buf[READ_BYTES];
};

static void attempt(struct redis *r);
static void lost(struct redis *r, const char *why);
static void on_timer(uv_timer_t *t);

static bool
is_subscriber(const struct redis *r)
{
	return r->options.n_channels + r->options.n_patterns > 0;
}

/* The one place that changes the state. */
static void
enter(struct redis *r, enum state state)
{
	enum state old = r->state;

	r->state = state;
	if (state == STATE_READY) {
		r->failures = 0;
		metrics_inc(r->options.metrics, METRIC_REDIS_CONNECTS);
		metrics_inc(r->options.metrics, METRIC_REDIS_CONNECTED);
	}
	if (old == STATE_READY) metrics_sub(r->options.metrics, METRIC_REDIS_CONNECTED, 1);
	if (r->options.state && (old == STATE_READY) != (state == STATE_READY))
		r->options.state(r->options.user, state == STATE_READY);
}

/* Writing */

static void
on_written(uv_write_t *req, int status)
{
	struct write *w = EIO_CONTAINER(req, struct write, req);
	struct redis *r = w->link->owner;
	size_t n = w->buf.n;

	eio_buf_deinit(&w->buf);
	free(w);
	if (!r) return;
	r->writing_bytes -= n;
	if (status < 0) lost(r, uv_strerror(status));
}

/* Writes a buffer, which it takes over. 0, or -1 after the connection was given up. */
static int
write_buf(struct redis *r, struct eio_buf *buf)
{
	struct write *w = malloc(sizeof *w);
	uv_buf_t b = uv_buf_init(buf->p, (unsigned)buf->n);
	int err;

	if (!w || eio_buf_failed(buf)) {
		free(w);
		eio_buf_deinit(buf);
		lost(r, "out of memory");
		return -1;
	}
	w->link = r->link;
	w->buf = *buf;
	eio_buf_init(buf);
	err = uv_write(&w->req, &r->link->u.stream, &b, 1, on_written);
	if (!err) {
		r->writing_bytes += w->buf.n;
		return 0;
	}
	eio_buf_deinit(&w->buf);
	free(w);
	lost(r, uv_strerror(err));
	return -1;
}

/* Everything that is to be said after connecting, in one write. */
static int
greet(struct redis *r)
{
	const struct redis_url *u = r->options.url;
	struct eio_buf b;

	eio_buf_init(&b);
	r->greetings = redis_command_greet(&b, u);
	redis_command_subscribe(&b, "SUBSCRIBE", r->options.channels, r->options.n_channels);
	redis_command_subscribe(&b, "PSUBSCRIBE", r->options.patterns, r->options.n_patterns);
	r->confirmations = r->options.n_channels + r->options.n_patterns;
	return write_buf(r, &b);
}

static void
ping(struct redis *r, uint64_t now_ms)
{
	struct eio_buf b;

	eio_buf_init(&b);
	redis_command(&b, 1);
	redis_argument(&b, EIO_LIT("PING"));
	r->pinged_ms = now_ms;
	write_buf(r, &b);
}

/* Publishing */

int
redis_publish(struct redis *r, struct eio_bytes channel, struct eio_bytes payload)
{
	struct eio_buf *q = &r->queue;
	size_t before = q->n;

	if (channel.n + payload.n + q->n + r->writing_bytes > r->options.publish_queue_bytes) {
		metrics_inc(r->options.metrics, METRIC_PUBLISH_DROPPED);
		return -1;
	}
	redis_command(q, 3);
	redis_argument(q, EIO_LIT("PUBLISH"));
	redis_argument(q, channel);
	redis_argument(q, payload);
	if (eio_buf_failed(q)) { /* forget the half of it that fitted */
		q->n = before;
		q->failed = false;
		metrics_inc(r->options.metrics, METRIC_PUBLISH_DROPPED);
		return -1;
	}
	r->queued++;
	return 0;
}

void
redis_flush(struct redis *r)
{
	if (r->state != STATE_READY || !r->queued) return;
	r->unanswered += r->queued;
	r->queued = 0;
	write_buf(r, &r->queue);
}

/* Replies */

static void
fail_inside(struct redis *r, struct eio_bytes text)
{
	if (!*r->lost) snprintf(r->lost, sizeof r->lost, "%s", LOG_ESCAPE(text));
}

/* CLIENT SETNAME is a courtesy: old servers do not know it and an ACL may forbid it. It is the last greeting. */
static bool
is_courtesy(const struct redis *r, struct eio_bytes text)
{
	return r->greetings == 1 && !eio_bytes_starts(text, EIO_LIT("NOAUTH"));
}

static void
on_publish_error(struct redis *r, struct eio_bytes text)
{
	uint64_t suppressed;

	if (r->unanswered) r->unanswered--;
	metrics_inc(r->options.metrics, METRIC_PUBLISH_FAILED);
	if (log_limit_pass(&r->limit, uv_now(r->loop), &suppressed))
		log_warn("redis=%s event=publish-refused reason=\"%s\" suppressed=%llu", r->options.url->name,
			LOG_ESCAPE(text), (unsigned long long)suppressed);
}

static void
on_reply(void *user, enum redis_reply_kind kind, struct eio_bytes text)
{
	struct redis *r = user;

	if (r->greetings) {
		if (kind == REDIS_REPLY_KIND_ERROR && !is_courtesy(r, text)) fail_inside(r, text);
		r->greetings--;
	} else if (kind == REDIS_REPLY_KIND_SUBSCRIBED) {
		if (r->confirmations) r->confirmations--;
	} else if (kind == REDIS_REPLY_KIND_ERROR) {
		if (is_subscriber(r))
			fail_inside(r, text);
		else
			on_publish_error(r, text);
	} else if (kind == REDIS_REPLY_KIND_INTEGER && r->unanswered) {
		r->unanswered--;
		metrics_inc(r->options.metrics, METRIC_PUBLISH_SENT);
	}
}

static void
on_message(void *user, const struct redis_message *m)
{
	struct redis *r = user;

	r->options.message(r->options.user, m);
}

/* Every reply of the handshake is there. */
static void
ready(struct redis *r)
{
	unsigned silent_ms = r->options.silent_ms ? r->options.silent_ms : REDIS_SILENT_MS;

	r->heard_ms = uv_now(r->loop);
	r->pinged_ms = 0;
	enter(r, STATE_READY);
	log_info("redis=%s event=ready role=%s", r->options.url->name, is_subscriber(r) ? "subscribe" : "publish");
	uv_timer_start(&r->timer, on_timer, silent_ms, (silent_ms + 1) / 2);
	redis_flush(r);
}

/* Reading */

static void
take(struct redis *r, const char *p, size_t n)
{
	uint64_t now = uv_now(r->loop);
	const char *why = NULL;

	r->reads = r->heard_ms == now ? r->reads + 1 : 1;
	r->heard_ms = now;
	r->pinged_ms = 0;
	if (redis_parser_feed(r->parser, eio_bytes(p, n), &why) < 0)
		lost(r, why);
	else if (*r->lost)
		lost(r, r->lost);
	else if (r->state == STATE_HANDSHAKE && !r->greetings && !r->confirmations)
		ready(r);
}

static void
on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
	struct link *k = h->data;

	(void)suggested;
	*buf = k->owner ? uv_buf_init(k->owner->read_buf, READ_BYTES) : uv_buf_init(NULL, 0);
}

static void pause_reading(struct redis *r);

static void
on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
	struct link *k = s->data;
	struct redis *r = k->owner;

	if (!r || n == 0) return;
	if (n < 0) {
		lost(r, n == UV_EOF ? "closed by the server" : uv_strerror((int)n));
		return;
	}
	take(r, buf->base, (size_t)n);
	if (r->state == STATE_READY && r->options.may_pause && r->reads >= PAUSE_READS && n < PAUSE_BYTES)
		pause_reading(r);
}

static void
resume_reading(struct redis *r)
{
	int err;

	uv_timer_stop(&r->pause);
	err = uv_read_start(&r->link->u.stream, on_alloc, on_read);
	if (err) lost(r, uv_strerror(err));
}

/*
 * One look at the socket. Where that finds nothing, libuv goes on; it will also find out that the connection is lost. It does
 * not go on after something was taken: the timer that keeps running sees to it that the loop comes round in a millisecond,
 * and whoever got the messages to what is due then.
 */
static void
on_pause(uv_timer_t *t)
{
	struct redis *r = t->data;
	uv_os_fd_t fd = -1;
	ssize_t n = READ_BYTES;

	uv_fileno(&r->link->u.handle, &fd);
	for (int looks = 0; n == READ_BYTES && looks < PAUSE_LOOKS; looks++) {
		n = recv(fd, r->read_buf, READ_BYTES, MSG_DONTWAIT);
		if (n <= 0) {
			if (looks == 0) resume_reading(r);
			return;
		}
		take(r, r->read_buf, (size_t)n);
		if (r->state != STATE_READY) return; /* it was lost, and the descriptor with it */
	}
}

/*
 * Messages that come one by one and fast cost a wake-up each, many times what is done with them. Where nobody waits for a
 * single one, the socket is then looked at once in a millisecond, until there is nothing once.
 */
static void
pause_reading(struct redis *r)
{
	uv_read_stop(&r->link->u.stream);
	uv_timer_start(&r->pause, on_pause, REDIS_PAUSE_MS, REDIS_PAUSE_MS);
}

/* Connecting */

static void
on_link_closed(uv_handle_t *h)
{
	free(h->data);
}

static void
drop_link(struct redis *r)
{
	if (!r->link) return;
	uv_timer_stop(&r->pause);
	r->link->owner = NULL;
	uv_close(&r->link->u.handle, on_link_closed);
	r->link = NULL;
}

static void
drop_addresses(struct redis *r)
{
	if (r->addresses) uv_freeaddrinfo(r->addresses);
	r->addresses = r->next_address = NULL;
}

static void
on_connected(uv_connect_t *req, int status)
{
	struct link *k = req->data;
	struct redis *r = k->owner;

	if (!r) return;
	if (status < 0) {
		lost(r, uv_strerror(status));
		return;
	}
	if (!r->options.url->path) {
		uv_tcp_nodelay(&k->u.tcp, 1);
		uv_tcp_keepalive(&k->u.tcp, 1, 60);
	}
	enter(r, STATE_HANDSHAKE);
	uv_timer_start(&r->timer, on_timer, REDIS_CONNECT_MS, 0);
	status = uv_read_start(&k->u.stream, on_alloc, on_read);
	if (status < 0)
		lost(r, uv_strerror(status));
	else
		greet(r);
}

/* A fresh socket, parser and clock for one try. */
static bool
begin(struct redis *r)
{
	struct redis_reply_handlers handlers = { on_message, on_reply, r };
	struct link *k = calloc(1, sizeof *k);
	int err;

	redis_parser_free(r->parser);
	r->parser = redis_parser_new(&handlers);
	*r->lost = '\0';
	if (!k || !r->parser) {
		free(k);
		lost(r, "out of memory");
		return false;
	}
	k->owner = r;
	err = r->options.url->path ? uv_pipe_init(r->loop, &k->u.pipe, 0) : uv_tcp_init(r->loop, &k->u.tcp);
	if (err) {
		free(k);
		lost(r, uv_strerror(err));
		return false;
	}
	k->u.handle.data = k;
	k->connect.data = k;
	r->link = k;
	uv_timer_start(&r->timer, on_timer, REDIS_CONNECT_MS, 0);
	return true;
}

static void
connect_to(struct redis *r, const struct sockaddr *address)
{
	int err;

	if (!begin(r)) return;
	err = uv_tcp_connect(&r->link->connect, &r->link->u.tcp, address, on_connected);
	if (err) lost(r, uv_strerror(err));
}

static void
connect_next_address(struct redis *r)
{
	struct addrinfo *a = r->next_address;

	r->next_address = a->ai_next;
	connect_to(r, a->ai_addr);
}

static void
on_resolved(uv_getaddrinfo_t *req, int status, struct addrinfo *addresses)
{
	struct resolve *res = EIO_CONTAINER(req, struct resolve, req);
	struct redis *r = res->owner;

	free(res);
	if (!r) {
		uv_freeaddrinfo(addresses);
		return;
	}
	r->resolve = NULL;
	if (status < 0) {
		lost(r, uv_strerror(status));
		return;
	}
	r->addresses = r->next_address = addresses;
	connect_next_address(r);
}

static void
resolve(struct redis *r)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	char port[16];
	int err;

	snprintf(port, sizeof port, "%u", r->options.url->port);
	r->resolve = malloc(sizeof *r->resolve);
	if (!r->resolve) {
		lost(r, "out of memory");
		return;
	}
	r->resolve->owner = r;
	err = uv_getaddrinfo(r->loop, &r->resolve->req, on_resolved, r->options.url->host, port, &hints);
	if (!err) return;
	free(r->resolve);
	r->resolve = NULL;
	lost(r, uv_strerror(err));
}

static void
attempt(struct redis *r)
{
	const struct redis_url *u = r->options.url;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	enter(r, STATE_CONNECTING);
	uv_timer_start(&r->timer, on_timer, REDIS_CONNECT_MS, 0);
	if (u->path) {
		if (begin(r)) uv_pipe_connect(&r->link->connect, &r->link->u.pipe, u->path, on_connected);
	} else if (uv_ip4_addr(u->host, (int)u->port, &v4) == 0) {
		connect_to(r, (const struct sockaddr *)&v4);
	} else if (uv_ip6_addr(u->host, (int)u->port, &v6) == 0) {
		connect_to(r, (const struct sockaddr *)&v6);
	} else {
		resolve(r);
	}
}

/* Losing it and coming back */

/* Half of the delay is random, so that a thousand daemons do not come back in step. */
static uint64_t
backoff(struct redis *r)
{
	uint64_t delay = REDIS_BACKOFF_MAX_MS, random = 0;

	if (r->failures < 6) delay = (uint64_t)REDIS_BACKOFF_MIN_MS << r->failures;
	if (delay > REDIS_BACKOFF_MAX_MS) delay = REDIS_BACKOFF_MAX_MS;
	r->failures++;
	if (getrandom(&random, sizeof random, GRND_NONBLOCK) < 0) random = uv_hrtime();
	return delay - random % (delay / 2);
}

static void
wait_and_retry(struct redis *r, const char *why)
{
	uint64_t delay = backoff(r), suppressed;

	drop_addresses(r);
	metrics_inc(r->options.metrics, METRIC_REDIS_LOST);
	if (log_limit_pass(&r->limit, uv_now(r->loop), &suppressed))
		log_warn("redis=%s event=lost reason=\"%s\" retry_ms=%llu suppressed=%llu", r->options.url->name, why,
			(unsigned long long)delay, (unsigned long long)suppressed);
	enter(r, STATE_WAITING);
	uv_timer_start(&r->timer, on_timer, delay, 0);
}

/* The connection, or the attempt, failed. Never called from inside the parser. */
static void
lost(struct redis *r, const char *why)
{
	bool connecting = r->state == STATE_CONNECTING;

	if (r->state == STATE_WAITING || r->state == STATE_CLOSED) return;
	drop_link(r);
	/* Nobody knows whether what was written arrived. */
	metrics_add(r->options.metrics, METRIC_PUBLISH_FAILED, r->unanswered);
	r->unanswered = r->writing_bytes = 0;
	if (connecting && r->next_address)
		connect_next_address(r);
	else
		wait_and_retry(r, why);
}

/* The connection says nothing: it is asked, and given up when it does not answer. */
static void
check_alive(struct redis *r)
{
	uint64_t now = uv_now(r->loop);
	unsigned silent_ms = r->options.silent_ms ? r->options.silent_ms : REDIS_SILENT_MS;
	unsigned dead_ms = r->options.dead_ms ? r->options.dead_ms : REDIS_DEAD_MS;

	if (r->pinged_ms) {
		if (now - r->pinged_ms >= dead_ms) lost(r, "silent");
	} else if (now - r->heard_ms >= silent_ms) {
		ping(r, now);
	}
}

static void
drop_resolve(struct redis *r)
{
	if (!r->resolve) return;
	r->resolve->owner = NULL;
	uv_cancel((uv_req_t *)&r->resolve->req); /* its callback comes in any case */
	r->resolve = NULL;
}

static void
on_timer(uv_timer_t *t)
{
	struct redis *r = t->data;

	switch (r->state) {
	case STATE_WAITING: attempt(r); break;
	case STATE_CONNECTING:
		drop_resolve(r);
		lost(r, "timed out");
		break;
	case STATE_HANDSHAKE: lost(r, "no answer to the handshake"); break;
	case STATE_READY: check_alive(r); break;
	case STATE_CLOSED: break;
	}
}

struct redis *
redis_open(uv_loop_t *loop, const struct redis_options *options)
{
	struct redis *r = calloc(1, sizeof *r);

	if (!r) return NULL;
	r->loop = loop;
	r->options = *options;
	uv_timer_init(loop, &r->timer); /* cannot fail */
	uv_timer_init(loop, &r->pause);
	r->timer.data = r->pause.data = r;
	attempt(r);
	return r;
}

static void
on_pause_closed(uv_handle_t *h)
{
	free(h->data);
}

static void
on_timer_closed(uv_handle_t *h)
{
	struct redis *r = h->data;

	uv_close((uv_handle_t *)&r->pause, on_pause_closed);
}

void
redis_close(struct redis *r)
{
	redis_flush(r); /* what the kernel takes at once still leaves */
	r->options.state = NULL; /* no more callbacks */
	enter(r, STATE_CLOSED);
	drop_link(r);
	drop_resolve(r);
	drop_addresses(r);
	metrics_add(r->options.metrics, METRIC_PUBLISH_DROPPED, r->queued);
	redis_parser_free(r->parser);
	eio_buf_deinit(&r->queue);
	uv_close((uv_handle_t *)&r->timer, on_timer_closed);
}
