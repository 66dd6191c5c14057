/* SPDX-License-Identifier: MIT */
/*
 * The commands that Redis clients send before and while they subscribe, answered as Redis does: hiredis, ioredis,
 * node-redis, redis-py and siocast are content. Of patterns, one star at the end is understood, which is what feeds
 * use.
 */
#include "bench/flood.h"

#include "bench/bench.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ARGS_MAX = 4096, NAME_MAX_BYTES = 128, READ_BYTES = 64 * 1024 };

/* A command: its words point into the connection's buffer. */
struct command {
	unsigned n;
	struct eio_bytes args[ARGS_MAX];
};

struct flood flood;

unsigned
flood_channel(char *out, unsigned channel)
{
	int n = flood.channels > 1 ? snprintf(out, 128, "%s.%u", flood.channel, channel)
				   : snprintf(out, 128, "%s", flood.channel);

	return (unsigned)n;
}

void
server_open(void)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int one = 1;

	for (unsigned i = 0; i < CONNECTIONS_MAX; i++) flood.connections[i].fd = -1;
	flood.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(flood.listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (flood.listener < 0 || bind(flood.listener, (struct sockaddr *)&flood.listen, sizeof flood.listen) ||
		listen(flood.listener, 128) || epoll_ctl(flood.epoll, EPOLL_CTL_ADD, flood.listener, &ev))
		bench_die_errno("listen");
}

void
server_accept(void)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int one = 1, fd = accept4(flood.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0) return;
	for (unsigned i = 0; i < CONNECTIONS_MAX; i++) {
		struct connection *c = &flood.connections[i];

		if (c->fd >= 0) continue;
		*c = (struct connection){ .fd = fd };
		if (i >= flood.used) flood.used = i + 1;
		ev.data.ptr = c;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		if (epoll_ctl(flood.epoll, EPOLL_CTL_ADD, fd, &ev)) bench_die_errno("epoll_ctl");
		return;
	}
	close(fd);
}

static void
close_connection(struct connection *c)
{
	close(c->fd);
	eio_buf_deinit(&c->in);
	eio_buf_deinit(&c->out);
	for (unsigned i = 0; c->heads && i < flood.channels; i++) free((char *)c->heads[i].p);
	free(c->heads);
	*c = (struct connection){ .fd = -1 };
}

/* Commands */

static bool
word_is(struct eio_bytes s, const char *word)
{
	return s.n == strlen(word) && strncasecmp(s.p, word, s.n) == 0;
}

static void
reply_bulk(struct connection *c, struct eio_bytes s)
{
	eio_buf_printf(&c->out, "$%zu\r\n%.*s\r\n", s.n, (int)s.n, s.p);
}

static bool
channel_matches(struct eio_bytes name, struct eio_bytes wanted, bool pattern)
{
	if (!pattern || wanted.n == 0 || wanted.p[wanted.n - 1] != '*') return eio_bytes_eq(name, wanted);
	return eio_bytes_starts(name, eio_bytes(wanted.p, wanted.n - 1));
}

/* "*3\r\n$7\r\nmessage\r\n$5\r\nticks\r\n$": what precedes a message's length. */
static struct eio_bytes
make_head(const struct connection *c, const char *kind, struct eio_bytes wanted, bool pattern, struct eio_bytes name)
{
	struct eio_buf b;

	eio_buf_init(&b);
	eio_buf_printf(&b, "%c%d\r\n$%zu\r\n%s\r\n", c->push ? '>' : '*', pattern ? 4 : 3, strlen(kind), kind);
	if (pattern) eio_buf_printf(&b, "$%zu\r\n%.*s\r\n", wanted.n, (int)wanted.n, wanted.p);
	eio_buf_printf(&b, "$%zu\r\n%.*s\r\n$", name.n, (int)name.n, name.p);
	if (eio_buf_failed(&b)) bench_die("out of memory");
	return eio_buf_bytes(&b);
}

/* The first subscription that matches a channel is the one that counts. */
static void
subscribe_connection(struct connection *c, const char *kind, struct eio_bytes wanted, bool pattern)
{
	char name[NAME_MAX_BYTES];

	if (!c->heads) c->heads = calloc(flood.channels, sizeof *c->heads);
	if (!c->heads) bench_die("out of memory");
	c->subscriptions++;
	for (unsigned i = 0; i < flood.channels; i++) {
		struct eio_bytes s = eio_bytes(name, flood_channel(name, i));

		if (c->heads[i].n == 0 && channel_matches(s, wanted, pattern))
			c->heads[i] = make_head(c, kind, wanted, pattern, s);
	}
}

static void
on_subscribe(struct connection *c, const struct command *q, const char *kind, bool pattern)
{
	for (unsigned i = 1; i < q->n; i++) {
		subscribe_connection(c, kind, q->args[i], pattern);
		eio_buf_printf(&c->out, "%c3\r\n", c->push ? '>' : '*');
		/* The confirmation bears the command's name in small letters. */
		eio_buf_printf(&c->out, "$%zu\r\n", q->args[0].n);
		for (size_t j = 0; j < q->args[0].n; j++) eio_buf_addc(&c->out, (char)(q->args[0].p[j] | 0x20));
		EIO_BUF_ADD_LIT(&c->out, "\r\n");
		reply_bulk(c, q->args[i]);
		eio_buf_printf(&c->out, ":%u\r\n", c->subscriptions);
	}
}

static void
on_hello(struct connection *c, const struct command *q)
{
	c->push = q->n > 1 && word_is(q->args[1], "3");
	eio_buf_printf(&c->out,
		"%s\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n$5\r\nproto\r\n:%d\r\n"
		"$2\r\nid\r\n:1\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n",
		c->push ? "%7" : "*14", c->push ? 3 : 2);
}

static void
on_ping(struct connection *c)
{
	if (c->subscriptions > 0 && !c->push)
		EIO_BUF_ADD_LIT(&c->out, "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
	else
		EIO_BUF_ADD_LIT(&c->out, "+PONG\r\n");
}

/* How many connections get what is published to a channel of that name. */
static unsigned
count_subscribers(struct eio_bytes wanted)
{
	char name[NAME_MAX_BYTES];
	unsigned n = 0;

	for (unsigned i = 0; i < flood.channels; i++) {
		if (!eio_bytes_eq(wanted, eio_bytes(name, flood_channel(name, i)))) continue;
		for (unsigned j = 0; j < flood.used; j++)
			if (flood.connections[j].fd >= 0 && flood.connections[j].heads &&
				flood.connections[j].heads[i].n)
				n++;
	}
	return n;
}

static void
on_pubsub(struct connection *c, const struct command *q)
{
	if (q->n < 2 || !word_is(q->args[1], "numsub")) {
		EIO_BUF_ADD_LIT(&c->out, ":0\r\n");
		return;
	}
	eio_buf_printf(&c->out, "*%u\r\n", 2 * (q->n - 2));
	for (unsigned i = 2; i < q->n; i++) {
		reply_bulk(c, q->args[i]);
		eio_buf_printf(&c->out, ":%u\r\n", count_subscribers(q->args[i]));
	}
}

static void
on_command(struct connection *c, const struct command *q)
{
	static const char info[] = "redis_version:7.0.15\r\nredis_mode:standalone\r\nrole:master\r\nloading:0\r\n";
	struct eio_bytes name = q->args[0];

	if (word_is(name, "subscribe")) {
		on_subscribe(c, q, "message", false);
	} else if (word_is(name, "psubscribe")) {
		on_subscribe(c, q, "pmessage", true);
	} else if (word_is(name, "ssubscribe")) {
		on_subscribe(c, q, "smessage", false);
	} else if (word_is(name, "hello")) {
		on_hello(c, q);
	} else if (word_is(name, "ping")) {
		on_ping(c);
	} else if (word_is(name, "pubsub")) {
		on_pubsub(c, q);
	} else if (word_is(name, "info")) {
		reply_bulk(c, EIO_LIT(info));
	} else if (word_is(name, "client") && q->n > 1 && word_is(q->args[1], "id")) {
		EIO_BUF_ADD_LIT(&c->out, ":1\r\n");
	} else if (word_is(name, "auth") || word_is(name, "select") || word_is(name, "client")) {
		EIO_BUF_ADD_LIT(&c->out, "+OK\r\n");
	} else {
		eio_buf_printf(&c->out, "-ERR unknown command '%.*s'\r\n", (int)(name.n < 40 ? name.n : 40), name.p);
	}
}

/* "*2\r\n" or "$4\r\n" at the place; the place moves behind it. Returns -1 when it is incomplete. */
static long
take_number(const struct eio_buf *in, size_t *at, char mark)
{
	const char *p = in->p + *at, *end = memmem(p, in->n - *at, "\r\n", 2);
	long v;

	if (!end) return -1;
	v = *p == mark ? strtol(p + 1, NULL, 10) : -1;
	if (v < 0 || v > READ_BYTES * 16) bench_die("a subscriber sent what is not a command");
	*at = (size_t)(end + 2 - in->p);
	return v;
}

/* Returns how long the command is, 0 when it is incomplete. */
static size_t
take_command(const struct eio_buf *in, size_t at, struct command *q)
{
	size_t start = at;
	long n = take_number(in, &at, '*'), k;

	if (n < 0) return 0;
	if (n == 0 || n > ARGS_MAX) bench_die("a subscriber sent a command of %ld words", n);
	for (q->n = 0; q->n < (unsigned)n; q->n++) {
		if (at >= in->n || (k = take_number(in, &at, '$')) < 0 || in->n - at < (size_t)k + 2) return 0;
		q->args[q->n] = eio_bytes(in->p + at, (size_t)k);
		at += (size_t)k + 2;
	}
	return at - start;
}

static void
take_commands(struct connection *c)
{
	static struct command q;
	size_t at = 0, n;

	while (at < c->in.n && (n = take_command(&c->in, at, &q)) > 0) {
		on_command(c, &q);
		at += n;
	}
	memmove(c->in.p, c->in.p + at, c->in.n - at);
	c->in.n -= at;
}

void
server_read(struct connection *c)
{
	char *to = eio_buf_reserve(&c->in, READ_BYTES);
	ssize_t n;

	if (!to) bench_die("out of memory");
	n = recv(c->fd, to, READ_BYTES, MSG_DONTWAIT);
	if (n > 0) {
		c->in.n += (size_t)n;
		take_commands(c);
		server_write(c);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		close_connection(c);
	}
}

bool
server_write(struct connection *c)
{
	ssize_t n;

	if (eio_buf_failed(&c->out)) bench_die("out of memory");
	if (c->fd < 0 || c->out_at == c->out.n) return true;
	n = send(c->fd, c->out.p + c->out_at, c->out.n - c->out_at, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		close_connection(c);
		return true;
	}
	if (n > 0) c->out_at += (size_t)n;
	if (c->out_at < c->out.n) return false;
	eio_buf_clear(&c->out);
	c->out_at = 0;
	return true;
}
