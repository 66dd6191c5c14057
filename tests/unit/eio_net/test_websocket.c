/* SPDX-License-Identifier: MIT */
/*
 * The WebSocket edge on a real socket, what it writes: blocks leave byte for byte and in order with
 * pongs and close frames, however little the kernel takes at once.
 */
#define _GNU_SOURCE
#include "tests/unit/eio_net/ws_pair.h"
#include "tests/unit/failmalloc.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void
test_blocks_pass_through(void **state)
{
	static const size_t sizes[] = { 0, 1, 125, 126, 4096, 65536, 1000000 };
	struct test t;

	(void)state;
	start(&t);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct eio_block *w = binary_event(sizes[i]);

		while (!eio_ws_writable(t.ws)) pump(&t, t.in.n + 1);
		assert_int_equal(eio_ws_write(t.ws, w), 0);
		pump(&t, w->n);
		assert_int_equal(t.in.n, w->n);
		assert_memory_equal(t.in.p, w->data, w->n);
		eio_buf_clear(&t.in);
		eio_block_unref(w);
	}
	finish(&t);
}

/* A block that the kernel takes only in part keeps its place before a pong that is due meanwhile, and many pings then
 * have one pong, to the last. */
static void
test_order_with_pongs(void **state)
{
	struct eio_block *w = binary_event(4000000);
	struct test t;

	(void)state;
	start_with(&t, eio_bytes("", 0), 4096);
	assert_int_equal(eio_ws_write(t.ws, w), 0);
	assert_false(eio_ws_writable(t.ws));
	for (int i = 0; i < 100; i++) send_frame(&t, 0x89, "previous", 8);
	send_frame(&t, 0x89, "hi", 2);
	for (int i = 0; i < 20; i++) uv_run(&t.loop, UV_RUN_NOWAIT);
	pump(&t, w->n + 4);
	assert_int_equal(t.in.n, w->n + 4);
	assert_memory_equal(t.in.p, w->data, w->n);
	assert_memory_equal(t.in.p + w->n, "\x8a\x02hi", 4);
	assert_true(t.writable >= 1);
	assert_true(eio_ws_writable(t.ws));
	eio_block_unref(w);
	finish(&t);
}

/* The rest of a block that the kernel took in part stays in its place: before other blocks, a pong and a close
 * frame, whoever wrote them. */
static void
test_order_of_rests(void **state)
{
	struct eio_block *big = binary_event(4000000), *small = binary_event(3);
	size_t n = big->n + small->n;
	struct test t;

	(void)state;
	start_with(&t, eio_bytes("", 0), 4096);
	for (int round = 0; round < 2; round++) {
		assert_true(eio_ws_writable(t.ws));
		assert_int_equal(eio_ws_write(t.ws, big), 0);
		/* The probe's pong is written like this, without asking. */
		assert_int_equal(eio_ws_write(t.ws, small), 0);
		assert_false(eio_ws_writable(t.ws));
		pump(&t, n);
		assert_int_equal(t.in.n, n);
		assert_memory_equal(t.in.p, big->data, big->n);
		assert_memory_equal(t.in.p + big->n, small->data, small->n);
		eio_buf_clear(&t.in);
	}
	assert_int_equal(eio_ws_write(t.ws, big), 0);
	send_frame(&t, 0x89, "hi", 2);
	for (int i = 0; i < 20; i++) uv_run(&t.loop, UV_RUN_NOWAIT);
	eio_ws_close(t.ws, EIO_WS_CLOSE_TOO_BIG);
	pump(&t, big->n + 8);
	assert_int_equal(t.in.n, big->n + 4); /* once closing, no pong */
	assert_memory_equal(t.in.p, big->data, big->n);
	assert_non_null(memmem(t.in.p + big->n, t.in.n - big->n, "\x88\x02\x03\xf1", 4));
	eio_block_unref(small);
	eio_block_unref(big);
	finish(&t);
}

/* What the client has, without a turn of the loop. */
static void
take_all(struct test *t)
{
	static char buf[65536];
	ssize_t k;

	while ((k = recv(t->peer, buf, sizeof(buf), MSG_DONTWAIT)) > 0) eio_buf_append(&t->in, buf, (size_t)k);
}

/* Another connection to the same server. Gives the client's end. */
static int
connect_another(struct test *t, struct test *other)
{
	char head[1000];
	int fds[2];

	make_pair(fds);
	*other = (struct test){ .peer = fds[1] };
	eio_ws_adopt(t->server, &(struct eio_ws_adoption){ .fd = fds[0], .key = key, .user = other });
	for (int i = 0; i < 5; i++) uv_run(&t->loop, UV_RUN_NOWAIT);
	assert_int_equal(other->opened, 1);
	assert_true(recv(fds[1], head, sizeof(head), MSG_DONTWAIT) > 0);
	return fds[1];
}

/* When there is no memory for what the kernel did not take of a block, a frame is cut: nothing follows it, not even
 * the answer to a ping that is there already, and the connection ends. Others are unharmed. gather: by way of the
 * ring, where there is one. */
static void
check_cut(bool gather)
{
	struct eio_block *big = binary_event(4000000), *small = binary_event(3);
	struct test t, other;
	char got[100];
	int peer;

	start_with(&t, eio_bytes("", 0), 4096);
	peer = connect_another(&t, &other);
	if (gather) (void)eio_ws_server_use_uring(t.server);
	send_frame(&t, 0x89, "hi", 2);
	if (gather) eio_ws_server_gather(t.server, false);
	assert_int_equal(eio_ws_write(other.ws, small), 0);
	failmalloc_arm(0);
	(void)eio_ws_write(t.ws, big);
	if (gather) eio_ws_server_send_gathered(t.server);
	assert_true(failmalloc_disarm());
	assert_false(eio_ws_writable(t.ws));
	assert_int_equal(eio_ws_write(t.ws, small), -1);
	eio_ws_close(t.ws, EIO_WS_CLOSE_TOO_BIG);
	/* The client reads all there is, so that there is room again, and then the server goes on. */
	take_all(&t);
	for (int i = 0; i < 300 && !t.closed; i++) pump(&t, t.in.n + 1);
	pump(&t, SIZE_MAX);
	assert_int_equal(t.closed, 1);
	assert_true(t.error);
	assert_true(t.in.n > 0 && t.in.n < big->n);
	assert_memory_equal(t.in.p, big->data, t.in.n);
	assert_int_equal(recv(t.peer, got, 1, MSG_DONTWAIT) > 0, 0);
	assert_int_equal(t.writable, 0);
	/* The other one. */
	assert_int_equal(recv(peer, got, sizeof(got), MSG_DONTWAIT), small->n);
	assert_memory_equal(got, small->data, small->n);
	assert_true(eio_ws_writable(other.ws));
	assert_int_equal(eio_ws_write(other.ws, small), 0);
	assert_int_equal(recv(peer, got, sizeof(got), MSG_DONTWAIT), small->n);
	assert_int_equal(other.closed, 0);
	close(peer);
	finish(&t);
	assert_int_equal(other.closed, 1);
	eio_block_unref(big);
	eio_block_unref(small);
}

static void
test_cut(void **state)
{
	(void)state;
	check_cut(false);
	check_cut(true);
}

/* Whether fd is the other end of a TCP connection. */
static bool
is_peer_of(int fd, int peer)
{
	struct sockaddr_in a = { 0 }, b = { 0 };
	socklen_t n = sizeof(a), m = sizeof(b);

	return getpeername(fd, (struct sockaddr *)&a, &n) == 0 && getsockname(peer, (struct sockaddr *)&b, &m) == 0 &&
	       a.sin_family == AF_INET && a.sin_port == b.sin_port;
}

/* In the callback for the end: the descriptor is closed, and its number already belongs to somebody else. */
static void
write_to_reused(struct test *t, struct eio_ws *ws)
{
	int pair[2], fd = t->reuse;
	char byte;

	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	if (pair[0] != fd) {
		if (pair[1] == fd) pair[1] = dup(pair[1]);
		assert_int_equal(dup2(pair[0], fd), fd);
		close(pair[0]);
	}
	eio_ws_write(ws, t->block);
	assert_int_equal(recv(pair[1], &byte, 1, MSG_DONTWAIT), -1);
	close(fd);
	close(pair[1]);
}

/* From the moment the descriptor is closed its number may belong to somebody else, who must not see a byte of
 * ours. */
static void
test_descriptor_reused(void **state)
{
	struct linger cut = { .l_onoff = 1 };
	struct test t;

	(void)state;
	start(&t);
	for (int i = 0; i < 64 && !t.reuse; i++)
		if (is_peer_of(i, t.peer)) t.reuse = i;
	assert_true(t.reuse > 0);
	t.at_close = write_to_reused;
	t.block = binary_event(100);
	setsockopt(t.peer, SOL_SOCKET, SO_LINGER, &cut, sizeof(cut));
	close(t.peer);
	t.peer = -1;
	for (int i = 0; i < 200 && !t.closed; i++) {
		uv_run(&t.loop, UV_RUN_NOWAIT);
		usleep(1000);
	}
	assert_int_equal(t.closed, 1);
	eio_block_unref(t.block);
	finish(&t);
}

/* The 101 leaves at once and by itself: many clients lose a message that comes in one piece with it. */
static void
test_first_write(void **state)
{
	struct eio_block *b = eio_block_new(3);
	struct test t = { 0 };
	char answer[512];
	ssize_t n;
	int fds[2];

	(void)state;
	memcpy(b->data, "\x81\x01x", 3);
	make_pair(fds);
	t.peer = fds[1];
	assert_int_equal(uv_loop_init(&t.loop), 0);
	t.server = eio_ws_server_new(&t.loop, MAX_PAYLOAD, &handler_of_pairs);
	assert_non_null(t.server);
	eio_ws_adopt(t.server, &(struct eio_ws_adoption){ .fd = fds[0], .key = key, .user = &t });
	assert_int_equal(t.opened, 1);
	n = recv(t.peer, answer, sizeof(answer), MSG_DONTWAIT);
	assert_in_range(n, 100, sizeof(answer) - 1);
	assert_memory_equal(answer + n - 4, "\r\n\r\n", 4);
	assert_int_equal(eio_ws_write(t.ws, b), 0);
	assert_int_equal(recv(t.peer, answer, sizeof(answer), MSG_DONTWAIT), 3);
	assert_memory_equal(answer, "\x81\x01x", 3);
	finish(&t);
	eio_block_unref(b);
}

/* A peer that closes while it has not read what there is gets all of that, and the answer behind it. */
static void
test_close_behind_rest(void **state)
{
	struct eio_block *w = binary_event(4000000);
	struct test t;

	(void)state;
	start_with(&t, eio_bytes("", 0), 4096);
	assert_int_equal(eio_ws_write(t.ws, w), 0);
	assert_false(eio_ws_writable(t.ws));
	send_frame(&t, 0x88, "\x03\xe8", 2);
	for (int i = 0; i < 20; i++) uv_run(&t.loop, UV_RUN_NOWAIT);
	assert_int_equal(t.closed, 0);
	pump(&t, w->n + 4);
	assert_int_equal(t.in.n, w->n + 4);
	assert_memory_equal(t.in.p, w->data, w->n);
	assert_memory_equal(t.in.p + w->n, "\x88\x02\x03\xe8", 4);
	assert_int_equal(t.closed, 1);
	assert_int_equal(t.writable, 0);
	eio_block_unref(w);
	finish(&t);
}

/* What has arrived of a frame that is cut needs memory; without it the connection ends, as does one whose rest cannot
 * be kept. */
static void
test_no_memory_for_cut(void **state)
{
	(void)state;
	for (int rest = 0; rest < 2; rest++) {
		struct eio_block *w = binary_event(4000000);
		struct test t;

		start_with(&t, eio_bytes("", 0), 4096);
		if (rest) {
			failmalloc_arm(0);
			assert_int_equal(eio_ws_write(t.ws, w), -1);
			assert_true(failmalloc_disarm());
		} else {
			assert_int_equal(write(t.peer, "\x81", 1), 1);
			failmalloc_arm(0);
			for (int i = 0; i < 3; i++) uv_run(&t.loop, UV_RUN_NOWAIT);
			assert_true(failmalloc_disarm());
		}
		pump(&t, w->n);
		assert_int_equal(t.closed, 1);
		assert_true(t.error);
		eio_block_unref(w);
		finish(&t);
	}
}

/* The same as expect_messages, but the client reads nothing. */
static void
expect_messages_unread(struct test *t, const char *expected)
{
	for (int i = 0; i < 2000 && t->messages.n < strlen(expected); i++) {
		uv_run(&t->loop, UV_RUN_NOWAIT);
		usleep(1000);
	}
	eio_buf_addc(&t->messages, '\0');
	assert_string_equal(t->messages.p, expected);
	eio_buf_clear(&t->messages);
}

static void
stop_loop(uv_timer_t *timer)
{
	uv_stop(timer->loop);
}

static void
count_turn(uv_prepare_t *p)
{
	(*(int *)p->data)++;
}

/* A peer that sends and does not read costs no turns of the loop: what it sends is read, and what waits for it
 * waits. */
static void
test_no_spin(void **state)
{
	struct eio_block *w = binary_event(4000000);
	uv_prepare_t prepare;
	uv_timer_t timer;
	struct test t;
	int turns = 0;

	(void)state;
	start_with(&t, eio_bytes("", 0), 4096);
	assert_int_equal(eio_ws_write(t.ws, w), 0);
	send_frame(&t, 0x81, "x", 1);
	expect_messages_unread(&t, "t1:x;");
	uv_prepare_init(&t.loop, &prepare);
	prepare.data = &turns;
	uv_prepare_start(&prepare, count_turn);
	uv_timer_init(&t.loop, &timer);
	/* At first the kernel takes more and more: the peer has buffers, too. */
	for (int i = 0; i < 50 && (i == 0 || turns > 20); i++) {
		turns = 0;
		uv_timer_start(&timer, stop_loop, 100, 0);
		uv_run(&t.loop, UV_RUN_DEFAULT);
	}
	assert_in_range(turns, 1, 20);
	uv_close((uv_handle_t *)&prepare, NULL);
	uv_close((uv_handle_t *)&timer, NULL);
	eio_block_unref(w);
	finish(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks_pass_through),
		cmocka_unit_test(test_order_with_pongs),
		cmocka_unit_test(test_order_of_rests),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_descriptor_reused),
		cmocka_unit_test(test_first_write),
		cmocka_unit_test(test_close_behind_rest),
		cmocka_unit_test(test_no_memory_for_cut),
		cmocka_unit_test(test_no_spin),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
