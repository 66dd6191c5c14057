/* SPDX-License-Identifier: MIT */
/* Connections as bytes: what is there is read at once, what there is no room for keeps its order, and nobody is told of
 * one that has been closed or left. */
#include "eio/net/stream.h"

#include "eio/list.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	MANY = 300, /* more than are looked at in one turn */
	LARGE = 1 << 21, /* more than a socket takes */
};

struct end {
	struct eio__stream stream;
	struct eio__stream_write write;
	int peer;
	size_t received;
	unsigned calls, ends, errors, done, failed;
	struct end *closes, *starts; /* what happens to another when something arrives */
};

static uv_loop_t loop;
static struct eio__streams *streams;

static struct end *
end_of(struct eio__stream *s)
{
	return EIO_CONTAINER(s, struct end, stream);
}

static void
on_read(struct eio__stream *s, const char *p, ssize_t n)
{
	struct end *e = end_of(s);

	assert_true(s->fd >= 0);
	e->calls++;
	if (n == 0) e->ends++;
	if (n < 0) e->errors++;
	if (n > 0) e->received += (size_t)n;
	if (e->closes) eio__stream_close(&e->closes->stream);
	if (!e->starts) return;
	/* What this one was told of stays as it is. */
	eio__stream_read_now(&e->starts->stream);
	assert_int_equal(e->starts->received, 0);
	assert_memory_equal(p, "first", 5);
}

static void
on_done(struct eio__stream_write *w, bool failed)
{
	struct end *e = EIO_CONTAINER(w, struct end, write);

	e->done++;
	e->failed += failed;
}

static void
begin(void)
{
	assert_int_equal(uv_loop_init(&loop), 0);
	streams = calloc(1, sizeof *streams);
	assert_non_null(streams);
	assert_int_equal(eio__streams_open(streams, &loop), 0);
	streams->read = on_read;
}

static void
open_end(struct end *e)
{
	int fds[2];

	*e = (struct end){ 0 };
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	assert_int_equal(eio__stream_open(&e->stream, streams, fds[0], NULL), 0);
	e->peer = fds[1];
}

static void
close_end(struct end *e)
{
	eio__stream_close(&e->stream);
	eio__stream_free(&e->stream);
	if (e->peer >= 0) close(e->peer);
}

static void
turn(int times)
{
	for (int i = 0; i < times; i++) uv_run(&loop, UV_RUN_NOWAIT);
}

static void
on_closed(struct eio__watch *w)
{
	free(EIO_CONTAINER(w, struct eio__streams, watch));
}

static void
finish(void)
{
	eio__watch_close(&streams->watch, on_closed);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
}

/* Who has spoken already is heard before his descriptor is watched; who has not, afterwards. */
static void
test_read_now(void **state)
{
	struct end a, b;

	(void)state;
	begin();
	open_end(&a);
	open_end(&b);
	assert_int_equal(write(a.peer, "hello", 5), 5);
	eio__stream_read_now(&a.stream);
	eio__stream_read_now(&b.stream);
	assert_int_equal(a.received, 5);
	assert_int_equal(b.calls, 0);
	assert_int_equal(write(a.peer, "again", 5), 5);
	assert_int_equal(write(b.peer, "hello", 5), 5);
	turn(2);
	assert_int_equal(a.received, 10);
	assert_int_equal(b.received, 5);
	close_end(&a);
	close_end(&b);
	finish();
}

/* The buffer is one for all: while somebody is told of what is in it, nobody else's bytes come there. */
static void
test_read_now_within(void **state)
{
	struct end a, b;

	(void)state;
	begin();
	open_end(&a);
	open_end(&b);
	a.starts = &b;
	assert_int_equal(write(a.peer, "first", 5), 5);
	assert_int_equal(write(b.peer, "other", 5), 5);
	eio__stream_read_now(&a.stream);
	assert_int_equal(a.received, 5);
	turn(2);
	assert_int_equal(b.received, 5);
	close_end(&a);
	close_end(&b);
	finish();
}

/* An end is told once, and an error once. */
static void
test_end_and_error(void **state)
{
	struct end a, b;
	char junk = 'x';

	(void)state;
	begin();
	open_end(&a);
	open_end(&b);
	eio__stream_read_start(&a.stream);
	eio__stream_read_start(&b.stream);
	assert_int_equal(shutdown(a.peer, SHUT_WR), 0);
	/* What the peer has not read makes its end a reset. */
	assert_int_equal(eio__stream_try_write(&b.stream, &(struct iovec){ &junk, 1 }, 1), 1);
	close(b.peer);
	b.peer = -1;
	turn(3);
	assert_int_equal(a.ends, 1);
	assert_int_equal(a.calls, 1);
	assert_int_equal(b.errors, 1);
	assert_int_equal(b.calls, 1);
	close_end(&a);
	close_end(&b);
	finish();
}

/* More than the buffer takes at once comes in the next turns, though nothing new arrives. */
static void
test_more_than_a_buffer(void **state)
{
	static char bytes[3 * EIO__STREAM_READ_BYTES + 1];
	int room = 2 * (int)sizeof bytes;
	struct end a, b;

	(void)state;
	begin();
	open_end(&a);
	open_end(&b);
	setsockopt(a.peer, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
	setsockopt(b.peer, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
	assert_int_equal(write(a.peer, bytes, sizeof bytes), sizeof bytes);
	eio__stream_read_start(&a.stream);
	assert_int_equal(write(b.peer, bytes, sizeof bytes), sizeof bytes);
	eio__stream_read_now(&b.stream);
	assert_int_equal(b.received, EIO__STREAM_READ_BYTES);
	turn(1);
	assert_int_equal(a.received, EIO__STREAM_READ_BYTES);
	turn(5);
	assert_int_equal(a.received, sizeof bytes);
	assert_int_equal(a.calls, 4);
	assert_int_equal(b.received, sizeof bytes);
	close_end(&a);
	close_end(&b);
	finish();
}

/* In one turn more are ready than are looked at, and whoever is looked at closes his neighbour. */
static void
test_closes_another(void **state)
{
	static struct end all[MANY];
	unsigned received = 0;

	(void)state;
	begin();
	for (int i = 0; i < MANY; i++) open_end(&all[i]);
	for (int i = 0; i < MANY; i++) {
		all[i].closes = &all[i ^ 1];
		eio__stream_read_start(&all[i].stream);
		assert_int_equal(write(all[i].peer, "x", 1), 1);
	}
	turn(5);
	for (int i = 0; i < MANY; i++) received += all[i].calls;
	assert_int_equal(received, MANY / 2);
	for (int i = 0; i < MANY; i += 2) assert_int_equal(all[i].calls + all[i + 1].calls, 1);
	for (int i = 0; i < MANY; i++) close_end(&all[i]);
	finish();
}

/* Reads what a stream has written until it has all of it, which is "0123456789" again and again. */
static void
read_all(struct end *e, size_t want)
{
	static char buf[1 << 16];
	size_t got = 0;

	while (got < want) {
		ssize_t n = recv(e->peer, buf, sizeof buf, MSG_DONTWAIT);

		for (ssize_t i = 0; i < n; i++) assert_int_equal(buf[i], '0' + (int)((got + (size_t)i) % 10));
		if (n > 0) got += (size_t)n;
		turn(1);
	}
}

/* What there is no room for leaves in its order, in two parts, and the end of our side behind it. */
static void
test_room(void **state)
{
	char *bytes = malloc(LARGE), junk;
	struct iovec parts[2];
	struct end a;
	ssize_t sent;

	(void)state;
	assert_non_null(bytes);
	for (int i = 0; i < LARGE; i++) bytes[i] = (char)('0' + i % 10);
	begin();
	open_end(&a);
	parts[0] = (struct iovec){ bytes, LARGE };
	sent = eio__stream_try_write(&a.stream, parts, 1);
	assert_in_range(sent, 1, LARGE - 1);
	parts[0] = (struct iovec){ bytes + sent, 100 };
	parts[1] = (struct iovec){ bytes + sent + 100, LARGE - (size_t)sent - 100 };
	eio__stream_write(&a.write, &a.stream, parts, 2, on_done);
	assert_int_equal(eio__stream_queue_size(&a.stream), LARGE - sent);
	assert_int_equal(eio__stream_try_write(&a.stream, parts, 1), 0); /* something is before it */
	eio__stream_shutdown(&a.stream);
	read_all(&a, LARGE);
	turn(2);
	assert_int_equal(a.done, 1);
	assert_int_equal(a.failed, 0);
	assert_int_equal(eio__stream_queue_size(&a.stream), 0);
	assert_int_equal(recv(a.peer, &junk, 1, MSG_DONTWAIT), 0);
	close_end(&a);
	free(bytes);
	finish();
}

/* A write that waits ends with its stream; and with its peer, whether that is read or not. */
static void
test_writes_fail(void **state)
{
	char *bytes = calloc(1, LARGE);
	struct end a, b;

	(void)state;
	assert_non_null(bytes);
	begin();
	open_end(&a);
	open_end(&b);
	eio__stream_write(&a.write, &a.stream, &(struct iovec){ bytes, LARGE }, 1, on_done);
	eio__stream_write(&b.write, &b.stream, &(struct iovec){ bytes, LARGE }, 1, on_done);
	turn(2);
	assert_int_equal(a.done + b.done, 0);
	close(b.peer);
	b.peer = -1;
	turn(2);
	assert_int_equal(b.failed, 1);
	assert_int_equal(eio__stream_try_write(&b.stream, &(struct iovec){ bytes, 1 }, 1), -1);
	eio__stream_close(&a.stream);
	assert_int_equal(a.done, 0); /* not from there */
	eio__stream_free(&a.stream);
	assert_int_equal(a.failed, 1);
	close(a.peer);
	close_end(&b);
	free(bytes);
	finish();
}

/* Whoever left is not told of, and his descriptor is as it was. */
static void
test_leaves(void **state)
{
	struct eio_tls *tls;
	struct end a;
	char buf[8];
	int fd;

	(void)state;
	begin();
	open_end(&a);
	eio__stream_read_start(&a.stream);
	fd = eio__stream_leave(&a.stream, &tls);
	assert_null(tls);
	assert_int_equal(write(a.peer, "hello", 5), 5);
	turn(2);
	assert_int_equal(a.calls, 0);
	assert_int_equal(recv(fd, buf, sizeof buf, MSG_DONTWAIT), 5);
	close_end(&a);
	close(fd);
	finish();
}

/* Who is not read does not keep the loop busy, also when he is gone; and is read again when that is wanted. */
static void
test_not_read(void **state)
{
	struct end a;

	(void)state;
	begin();
	open_end(&a);
	eio__stream_read_start(&a.stream);
	eio__stream_read_stop(&a.stream);
	assert_int_equal(write(a.peer, "hello", 5), 5);
	close(a.peer);
	a.peer = -1;
	turn(3);
	assert_int_equal(a.calls, 0);
	assert_int_equal(a.stream.watched, 0);
	eio__stream_read_start(&a.stream);
	turn(3);
	assert_int_equal(a.received, 5);
	assert_int_equal(a.ends, 1);
	close_end(&a);
	finish();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read_now),
		cmocka_unit_test(test_read_now_within),
		cmocka_unit_test(test_end_and_error),
		cmocka_unit_test(test_more_than_a_buffer),
		cmocka_unit_test(test_closes_another),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_writes_fail),
		cmocka_unit_test(test_leaves),
		cmocka_unit_test(test_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
