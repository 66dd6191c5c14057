/* SPDX-License-Identifier: MIT */
/*
 * Sends by io_uring: what sockets take in part or not at all comes back, and on WebSockets the order of everything
 * written stays what it was. Where the kernel refuses a ring, only the tests of that are left.
 */
#define _GNU_SOURCE
#include "eio/buf.h"
#include "eio/net/uring.h"
#include "eio/net/websocket.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { PAIRS = 300 }; /* more than a ring holds */

static const char hello[] = "hello";

struct pair {
	int fds[2];
	int told; /* how often, and when, and of what */
	unsigned turn;
	size_t n;
};

static unsigned turns;

static void
on_sent(void *user, void *owner, size_t left)
{
	struct pair *p = owner;

	assert_ptr_equal(user, &turns);
	p->told++;
	p->turn = turns++;
	p->n = left;
}

static struct eio_block *
block_of(size_t n)
{
	struct eio_block *b = eio_block_new(n);

	assert_non_null(b);
	for (size_t i = 0; i < n; i++) b->data[i] = (char)(i * 7 + i / 251);
	return b;
}

static void
make_pair(int fds[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
}

/* Leaves the test out where there is no io_uring. */
static struct eio_uring *
need_ring(void)
{
	struct eio_uring *r = eio_uring_new(on_sent, &turns);

	if (!r) {
		print_message("no io_uring here: %s\n", strerror(errno));
		skip();
	}
	return r;
}

static void
check_received(int fd, const struct eio_block *b)
{
	char got[100];

	assert_int_equal(recv(fd, got, sizeof(got), MSG_DONTWAIT), b->n);
	assert_memory_equal(got, b->data, b->n);
	assert_int_equal(recv(fd, got, sizeof(got), MSG_DONTWAIT), -1);
}

static void
test_sends(void **state)
{
	static struct pair pairs[PAIRS];
	struct eio_uring *r = need_ring();
	struct eio_block *blocks[2] = { block_of(10), block_of(90) };

	(void)state;
	turns = 0;
	for (int i = 0; i < PAIRS; i++) make_pair(pairs[i].fds);
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < PAIRS; i++) eio_uring_add(r, &pairs[i], pairs[i].fds[0], blocks[i / 7 % 2]);
		eio_uring_flush(r);
		eio_uring_flush(r);
		for (int i = 0; i < PAIRS; i++) {
			assert_int_equal(pairs[i].told, round + 1);
			assert_int_equal(pairs[i].turn, round * PAIRS + i);
			assert_int_equal(pairs[i].n, 0);
			check_received(pairs[i].fds[1], blocks[i / 7 % 2]);
		}
		for (int i = 0; i < 2; i++) assert_int_equal(atomic_load(&blocks[i]->refs), 1);
	}
	for (int i = 0; i < PAIRS; i++) {
		close(pairs[i].fds[0]);
		close(pairs[i].fds[1]);
	}
	for (int i = 0; i < 2; i++) eio_block_unref(blocks[i]);
	eio_uring_free(r);
}

/* Between sends that go well: one that is taken in part, one that finds no room, one without a peer, one that is no
 * socket. */
static void
test_rests(void **state)
{
	struct pair p[6] = { 0 };
	struct eio_uring *r = need_ring();
	struct eio_block *big = block_of(10000000), *small = block_of(10);

	(void)state;
	for (int i = 0; i < 6; i++) make_pair(p[i].fds);
	while (send(p[2].fds[0], hello, 1, MSG_DONTWAIT) == 1) continue;
	close(p[3].fds[1]);
	eio_uring_add(r, &p[0], p[0].fds[0], small);
	eio_uring_add(r, &p[1], p[1].fds[0], big);
	eio_uring_add(r, &p[2], p[2].fds[0], small);
	eio_uring_add(r, &p[3], p[3].fds[0], small);
	eio_uring_add(r, &p[4], -1, small);
	eio_uring_add(r, &p[5], p[5].fds[0], small);
	eio_block_unref(small);
	eio_block_unref(big); /* the ring has its own references */
	eio_uring_flush(r);
	for (int i = 0; i < 6; i++) assert_int_equal(p[i].told, 1);
	assert_int_equal(p[0].n, 0);
	assert_true(p[1].n > 0 && p[1].n < 10000000);
	for (int i = 2; i < 5; i++) assert_int_equal(p[i].n, 10);
	assert_int_equal(p[5].n, 0);
	for (int i = 0; i < 6; i++) {
		close(p[i].fds[0]);
		if (i != 3) close(p[i].fds[1]);
	}
	eio_uring_free(r);
}

/* The same, each with a flush of its own. */
static void
test_alone(void **state)
{
	struct pair p[5] = { 0 };
	struct eio_uring *r = need_ring();
	struct eio_block *big = block_of(10000000), *small = block_of(10);

	(void)state;
	for (int i = 0; i < 5; i++) make_pair(p[i].fds);
	while (send(p[2].fds[0], hello, 1, MSG_DONTWAIT) == 1) continue;
	close(p[3].fds[1]);
	for (int i = 0; i < 5; i++) {
		struct eio_block *b = i == 1 ? big : small;

		eio_uring_add(r, &p[i], i == 4 ? -1 : p[i].fds[0], b);
		assert_int_equal(p[i].told, 0);
		eio_uring_flush(r);
		assert_int_equal(p[i].told, 1);
		assert_int_equal(atomic_load(&b->refs), 1);
	}
	assert_int_equal(p[0].n, 0);
	check_received(p[0].fds[1], small);
	assert_true(p[1].n > 0 && p[1].n < 10000000);
	for (int i = 2; i < 5; i++) assert_int_equal(p[i].n, 10);
	for (int i = 0; i < 5; i++) {
		close(p[i].fds[0]);
		if (i != 3) close(p[i].fds[1]);
	}
	eio_block_unref(small);
	eio_block_unref(big);
	eio_uring_free(r);
}

/* Without a descriptor left no ring can be had. */
static struct rlimit
forbid_descriptors(void)
{
	struct rlimit before, none;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	return before;
}

static void
test_refused(void **state)
{
	struct eio_uring *built_in = eio_uring_new(on_sent, &turns);
	struct rlimit before = forbid_descriptors();
	struct eio_uring *r;
	int err;

	(void)state;
	errno = 0;
	r = eio_uring_new(on_sent, &turns);
	err = errno;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_null(r);
	if (built_in)
		assert_int_equal(err, EMFILE);
	else
		assert_int_not_equal(err, 0);
	eio_uring_free(built_in);
}

/* On WebSockets */

struct conn {
	struct eio_ws *ws;
	int peer;
	int closed, writable;
	struct eio_buf in; /* what the peer received after the 101 */
};

struct test {
	uv_loop_t loop;
	struct eio_ws_server *server;
	struct conn conns[2];
};

static void
on_open(void *user, struct eio_ws *ws)
{
	((struct conn *)user)->ws = ws;
}

static void
on_message(void *user, struct eio_ws *ws, bool binary, char *data, size_t n)
{
	(void)user;
	(void)ws;
	(void)binary;
	(void)data;
	(void)n;
}

static void
on_writable(void *user, struct eio_ws *ws)
{
	(void)ws;
	((struct conn *)user)->writable++;
}

static void
on_closed(void *user, struct eio_ws *ws, bool error)
{
	(void)ws;
	(void)error;
	((struct conn *)user)->closed++;
}

/* Runs the loop until the peer has n bytes, or for a while when they never come. */
static void
pump(struct test *t, struct conn *c, size_t n)
{
	static char buf[65536];

	for (int idle = 0; idle < 200;) {
		ssize_t k;

		uv_run(&t->loop, UV_RUN_NOWAIT);
		if (c->in.n >= n && idle >= 5) return;
		k = recv(c->peer, buf, sizeof(buf), MSG_DONTWAIT);
		if (k > 0) {
			eio_buf_append(&c->in, buf, (size_t)k);
			idle = 0;
		} else {
			idle++;
			usleep(1000);
		}
	}
}

static void
start(struct test *t)
{
	static const struct eio_ws_handler handler = {
		.open = on_open, .message = on_message, .writable = on_writable, .closed = on_closed
	};

	*t = (struct test){ 0 };
	assert_int_equal(uv_loop_init(&t->loop), 0);
	t->server = eio_ws_server_new(&t->loop, 1000, &handler);
	assert_non_null(t->server);
	for (int i = 0; i < 2; i++) {
		struct conn *c = &t->conns[i];
		int fds[2];

		make_pair(fds);
		c->peer = fds[1];
		eio_ws_adopt(t->server, &(struct eio_ws_adoption){
						.fd = fds[0], .key = EIO_LIT("dGhlIHNhbXBsZSBub25jZQ=="), .user = c });
		pump(t, c, 1);
		assert_memory_equal(c->in.p, "HTTP/1.1 101 ", 13);
		eio_buf_clear(&c->in);
	}
}

static void
finish(struct test *t)
{
	for (int i = 0; i < 2; i++) close(t->conns[i].peer);
	eio_ws_server_close(t->server);
	uv_run(&t->loop, UV_RUN_DEFAULT);
	eio_ws_server_free(t->server);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(t->conns[i].closed, 1);
		eio_buf_deinit(&t->conns[i].in);
	}
	assert_int_equal(uv_loop_close(&t->loop), 0);
}

static void
start_with_ring(struct test *t)
{
	eio_uring_free(need_ring());
	start(t);
	assert_int_equal(eio_ws_server_use_uring(t->server), 0);
}

static void
expect(struct test *t, struct conn *c, const struct eio_block *b, const char *then)
{
	size_t n = b->n + strlen(then);

	pump(t, c, n);
	assert_int_equal(c->in.n, n);
	assert_memory_equal(c->in.p, b->data, b->n);
	assert_memory_equal(c->in.p + b->n, then, strlen(then));
	eio_buf_clear(&c->in);
}

static struct eio_block *
text_frame(const char *text)
{
	size_t n = strlen(text);
	struct eio_block *b = eio_block_new(2 + n);

	b->data[0] = (char)0x81;
	b->data[1] = (char)n;
	memcpy(b->data + 2, text, n);
	return b;
}

/* Gathered writes leave at the end, and those for one socket in their order. */
static void
test_gather(void **state)
{
	struct eio_block *one = text_frame("one"), *two = text_frame("two");
	struct test t;

	(void)state;
	start_with_ring(&t);
	for (int round = 0; round < 3; round++) {
		char c;

		eio_ws_server_gather(t.server, false);
		for (int i = 0; i < 2; i++) assert_int_equal(eio_ws_write(t.conns[i].ws, one), 0);
		for (int i = 0; i < 2; i++) assert_int_equal(recv(t.conns[i].peer, &c, 1, MSG_DONTWAIT | MSG_PEEK), -1);
		/* To the same socket once more: it goes behind the other. */
		assert_int_equal(eio_ws_write(t.conns[1].ws, two), 0);
		assert_int_equal(recv(t.conns[1].peer, &c, 1, MSG_DONTWAIT | MSG_PEEK), -1);
		eio_ws_server_send_gathered(t.server);
		expect(&t, &t.conns[0], one, "");
		expect(&t, &t.conns[1], one, "\x81\x03two");
	}
	/* Afterwards each write leaves at once. */
	assert_int_equal(eio_ws_write(t.conns[0].ws, two), 0);
	expect(&t, &t.conns[0], two, "");
	eio_block_unref(one);
	eio_block_unref(two);
	finish(&t);
}

/* The rest of a gathered block stays before other blocks, a pong and a close frame. */
static void
test_order(void **state)
{
	struct eio_block *big = block_of(4000000), *small = text_frame("three");
	struct test t;
	struct conn *c = &t.conns[0], *other = &t.conns[1];

	(void)state;
	start_with_ring(&t);
	for (int round = 0; round < 2; round++) {
		eio_ws_server_gather(t.server, false);
		assert_true(eio_ws_writable(c->ws));
		assert_int_equal(eio_ws_write(c->ws, big), 0);
		assert_int_equal(eio_ws_write(other->ws, small), 0);
		/* Whoever asks is told what is true when the ring is empty. */
		if (round == 0) assert_false(eio_ws_writable(c->ws));
		assert_int_equal(eio_ws_write(c->ws, small), 0);
		eio_ws_server_send_gathered(t.server);
		assert_false(eio_ws_writable(c->ws));
		assert_int_equal(send(c->peer, "\x89\x81\0\0\0\0h", 7, MSG_NOSIGNAL), 7);
		expect(&t, other, small, "");
		expect(&t, c, big, "\x81\x05three\x8a\x01h");
		assert_true(c->writable > round);
	}
	eio_ws_server_gather(t.server, false);
	assert_int_equal(eio_ws_write(c->ws, big), 0);
	eio_ws_close(c->ws, 1009);
	assert_int_equal(eio_ws_write(c->ws, small), -1);
	eio_ws_server_send_gathered(t.server);
	expect(&t, c, big, "\x88\x02\x03\xf1");
	eio_block_unref(big);
	eio_block_unref(small);
	finish(&t);
}

/* A peer that is gone is found by its own write alone. */
static void
test_peer_gone(void **state)
{
	struct eio_block *b = text_frame("four");
	struct test t;

	(void)state;
	start_with_ring(&t);
	shutdown(t.conns[0].peer, SHUT_RDWR);
	eio_ws_server_gather(t.server, false);
	for (int i = 0; i < 2; i++) eio_ws_write(t.conns[i].ws, b);
	eio_ws_server_send_gathered(t.server);
	expect(&t, &t.conns[1], b, "");
	for (int i = 0; i < 1000 && !t.conns[0].closed; i++) {
		uv_run(&t.loop, UV_RUN_NOWAIT);
		usleep(1000);
	}
	assert_int_equal(t.conns[0].closed, 1);
	assert_int_equal(t.conns[1].closed, 0);
	eio_block_unref(b);
	finish(&t);
}

/* Where a ring is refused, gathering changes nothing. */
static void
test_without_ring(void **state)
{
	struct eio_block *b = text_frame("five");
	struct rlimit before;
	struct test t;
	int rc;

	(void)state;
	start(&t);
	before = forbid_descriptors();
	rc = eio_ws_server_use_uring(t.server);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_true(rc < 0);
	eio_ws_server_gather(t.server, false);
	for (int i = 0; i < 2; i++) {
		char got[20];

		assert_int_equal(eio_ws_write(t.conns[i].ws, b), 0);
		assert_int_equal(recv(t.conns[i].peer, got, sizeof(got), MSG_DONTWAIT), b->n);
		assert_memory_equal(got, b->data, b->n);
	}
	eio_ws_server_send_gathered(t.server);
	eio_block_unref(b);
	finish(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sends),
		cmocka_unit_test(test_rests),
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_gather),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_peer_gone),
		cmocka_unit_test(test_without_ring),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
