/* SPDX-License-Identifier: MIT */
/* Sockets below the loop: all are read, whoever ends while others are looked at, and each ends when it is to. */
#include "eio/net/carrier.h"

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
	SOON_MS = 1000, /* far less than EIO__CARRIER_WAIT_MS */
};

struct end {
	struct eio__carried carried;
	int peer;
	size_t received, most; /* most: how much it takes at once, 0: all */
	unsigned calls;
	char last;
	int rooms, lost, gone;
	int lost_fd; /* as lost() saw it */
	struct end *ends; /* whom it ends when something arrives */
};

static uv_loop_t loop;
static struct eio__carrier *carrier;
static bool again; /* room() asks for more */

static struct end *
end_of(struct eio__carried *s)
{
	return EIO_CONTAINER(s, struct end, carried);
}

static size_t
on_received(struct eio__carried *s, char *p, size_t n)
{
	struct end *e = end_of(s);
	size_t taken = e->most && e->most < n ? e->most : n;

	assert_int_equal(e->gone, 0);
	e->calls++;
	e->received += taken;
	if (e->most) {
		/* As they were sent. */
		for (size_t i = 0; i < taken; i++) assert_int_equal(p[i], e->last++);
	}
	if (e->ends) eio__carrier_end(carrier, &e->ends->carried);
	return taken;
}

static void
on_room(struct eio__carried *s)
{
	end_of(s)->rooms++;
	if (again) eio__carrier_await_room(carrier, s);
}

static void
on_lost(struct eio__carried *s)
{
	end_of(s)->lost++;
	end_of(s)->lost_fd = s->fd;
}

static void
on_gone(struct eio__carried *s)
{
	assert_int_equal(end_of(s)->lost, 1);
	end_of(s)->gone++;
}

static void
begin(void)
{
	const struct eio__carrier_handler handler = { on_received, on_room, on_lost, on_gone };

	again = false;
	assert_int_equal(uv_loop_init(&loop), 0);
	carrier = eio__carrier_new(&loop, &handler);
	assert_non_null(carrier);
}

static void
adopt(struct end *e)
{
	int fds[2];

	*e = (struct end){ 0 };
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(eio__carrier_adopt(carrier, &e->carried, fds[0]), 0);
	assert_int_equal(e->carried.fd, fds[0]);
	e->peer = fds[1];
}

static void
turn(int times)
{
	for (int i = 0; i < times; i++) uv_run(&loop, UV_RUN_NOWAIT);
}

static void
finish(void)
{
	eio__carrier_close(carrier);
	uv_run(&loop, UV_RUN_DEFAULT);
	eio__carrier_free(carrier);
	assert_int_equal(uv_loop_close(&loop), 0);
}

/* The end of one that is looked at in the same turn: it has its bytes first, or not, and nobody looks at it
 * afterwards. */
static void
test_ends_another(void **state)
{
	struct end a, b;

	(void)state;
	begin();
	adopt(&a);
	adopt(&b);
	a.ends = &b;
	b.ends = &a;
	assert_int_equal(write(a.peer, "x", 1), 1);
	assert_int_equal(write(b.peer, "x", 1), 1);
	turn(5);
	assert_int_equal(a.gone, 1);
	assert_int_equal(b.gone, 1);
	assert_int_equal(a.received + b.received, 2);
	assert_int_equal(a.lost_fd, -1);
	assert_int_equal(a.carried.fd, -1);
	close(a.peer);
	close(b.peer);
	finish();
}

/* More than fit into one turn: all are read, and all of those whose peers left are gone. */
static void
test_many(void **state)
{
	static struct end all[MANY];

	(void)state;
	begin();
	for (int i = 0; i < MANY; i++) {
		adopt(&all[i]);
		assert_int_equal(write(all[i].peer, "hello", 5), 5);
	}
	turn(5);
	for (int i = 0; i < MANY; i++) assert_int_equal(all[i].received, 5);
	for (int i = 0; i < MANY; i += 2) close(all[i].peer);
	turn(5);
	for (int i = 0; i < MANY; i++) assert_int_equal(all[i].gone, i % 2 == 0);
	finish();
	for (int i = 0; i < MANY; i++) assert_int_equal(all[i].gone, 1);
	for (int i = 1; i < MANY; i += 2) close(all[i].peer);
}

/* Room is told once for each time that it was asked for. */
static void
test_room(void **state)
{
	struct end e;

	(void)state;
	begin();
	adopt(&e);
	turn(3);
	assert_int_equal(e.rooms, 0);
	eio__carrier_await_room(carrier, &e.carried);
	eio__carrier_await_room(carrier, &e.carried);
	turn(3);
	assert_int_equal(e.rooms, 1);
	again = true;
	eio__carrier_await_room(carrier, &e.carried);
	turn(3);
	again = false;
	assert_in_range(e.rooms, 3, 4);
	/* Who ends has nothing to write any more. */
	turn(2);
	e.rooms = 0;
	eio__carrier_await_room(carrier, &e.carried);
	eio__carrier_end(carrier, &e.carried);
	turn(3);
	assert_int_equal(e.rooms, 0);
	assert_int_equal(e.gone, 1);
	close(e.peer);
	finish();
}

enum { SENT = 1000, SHARE = 10 };

/* Bytes that count up, beginning with what e waits for. */
static void
send_counting(struct end *e, int n)
{
	char bytes[SENT];

	for (int i = 0; i < n; i++) bytes[i] = (char)(e->last + i);
	assert_int_equal(write(e->peer, bytes, (size_t)n), n);
}

/* Who brings more than is taken at once has the rest taken in turns, in its order, and is not read meanwhile; others
 * are read as ever, and of those who have more some go on in each turn. */
static void
test_turns(void **state)
{
	enum { GREEDY = 2 * EIO__CARRIER_TURN_SOCKETS };
	struct end greedy[GREEDY], other;
	unsigned calls = 0;

	(void)state;
	begin();
	for (int i = 0; i < GREEDY; i++) {
		adopt(&greedy[i]);
		greedy[i].most = SHARE;
		send_counting(&greedy[i], SENT);
	}
	adopt(&other);
	turn(1);
	for (int i = 0; i < GREEDY; i++) assert_int_equal(greedy[i].received, SHARE);
	for (int i = 0; i < GREEDY; i++) assert_true(greedy[i].carried.busy);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(write(other.peer, "x", 1), 1);
		turn(1);
		assert_int_equal(other.received, i + 1);
	}
	for (int i = 0; i < GREEDY; i++) {
		calls += greedy[i].calls;
		assert_int_equal(greedy[i].calls, 3);
		/* What has come meanwhile comes behind it. */
		assert_int_equal(write(greedy[i].peer, (char[]){ (char)SENT }, 1), 1);
	}
	assert_int_equal(calls, GREEDY + 4 * EIO__CARRIER_TURN_SOCKETS);
	turn(2 * SENT / SHARE + 4);
	for (int i = 0; i < GREEDY; i++) assert_int_equal(greedy[i].received, SENT + 1);
	for (int i = 0; i < GREEDY; i++) assert_false(greedy[i].carried.busy);
	finish();
	for (int i = 0; i < GREEDY; i++) close(greedy[i].peer);
	close(other.peer);
}

/* One that ends, and all when the carrier closes, while something of them is left; and what came before them. */
static void
test_left(void **state)
{
	struct end e[3];
	char early[] = { 0, 1, 2 };

	(void)state;
	begin();
	for (int i = 0; i < 3; i++) {
		adopt(&e[i]);
		e[i].most = 1;
	}
	for (int i = 0; i < 2; i++) send_counting(&e[i], SENT);
	eio__carrier_feed(carrier, &e[2].carried, early, sizeof early);
	assert_int_equal(e[2].received, 1);
	assert_int_equal(write(e[2].peer, (char[]){ 3 }, 1), 1);
	turn(8);
	assert_int_equal(e[2].received, 4);
	assert_true(e[0].carried.busy && e[1].carried.busy);
	eio__carrier_end(carrier, &e[1].carried);
	turn(3);
	assert_int_equal(e[1].gone, 1);
	assert_int_equal(e[0].gone, 0);
	finish();
	assert_int_equal(e[0].gone, 1);
	assert_true(e[0].received < SENT);
	for (int i = 0; i < 3; i++) close(e[i].peer);
}

static void
stop_loop(uv_timer_t *timer)
{
	uv_stop(timer->loop);
}

/* One that is waited for lives on, until its peer leaves or it is ended; the time does not begin anew. */
static void
test_waited(void **state)
{
	uint64_t begun, first;
	uv_timer_t timer;
	struct end e[3];

	(void)state;
	begin();
	for (int i = 0; i < 3; i++) adopt(&e[i]);
	for (int i = 0; i < 3; i++) eio__carrier_end_later(carrier, &e[i].carried);
	first = e[0].carried.end_ms;
	close(e[1].peer);
	assert_int_equal(write(e[2].peer, "x", 1), 1);
	begun = uv_now(&loop);
	turn(3);
	assert_int_equal(e[1].gone, 1);
	assert_int_equal(e[2].received, 1);
	eio__carrier_end(carrier, &e[2].carried);
	eio__carrier_end_later(carrier, &e[2].carried);
	turn(3);
	assert_int_equal(e[2].gone, 1);
	assert_int_equal(e[0].gone, 0);
	/* The clock goes on, instead of waiting for it. */
	usleep(2000);
	uv_update_time(&loop);
	eio__carrier_end_later(carrier, &e[0].carried);
	assert_int_equal(e[0].carried.end_ms, first);
	assert_true(first >= begun + EIO__CARRIER_WAIT_MS - SOON_MS);
	e[0].carried.end_ms = uv_now(&loop) + 20;
	eio__carrier_end(carrier, &e[2].carried); /* gone: nothing happens */
	adopt(&e[1]);
	eio__carrier_end(carrier, &e[1].carried); /* after which the timer is armed for the next */
	uv_timer_init(&loop, &timer);
	uv_timer_start(&timer, stop_loop, SOON_MS, 0);
	while (!e[0].gone && uv_is_active((uv_handle_t *)&timer)) uv_run(&loop, UV_RUN_ONCE);
	assert_int_equal(e[0].gone, 1);
	uv_close((uv_handle_t *)&timer, NULL);
	close(e[0].peer);
	close(e[1].peer);
	close(e[2].peer);
	finish();
}

/* What is no socket that can be watched: the descriptor is closed all the same. */
static void
test_not_taken(void **state)
{
	struct eio__carried s = { 0 };
	int fd;

	(void)state;
	begin();
	fd = dup(0);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(eio__carrier_adopt(carrier, &s, fd), -1);
	finish();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ends_another),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_left),
		cmocka_unit_test(test_waited),
		cmocka_unit_test(test_not_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
