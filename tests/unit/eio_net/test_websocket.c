/* SPDX-License-Identifier: MIT */
/*
 * The WebSocket edge on a real socket: blocks leave byte for byte and in order with
 * pongs and close frames, however little the kernel takes at once; and what peers do
 * against the rules ends with the code that the rules name.
 */
#define _GNU_SOURCE
#include "eio/buf.h"
#include "eio/deflate.h"
#include "eio/net/websocket.h"
#include "tests/unit/failmalloc.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { MAX_PAYLOAD = 1000 };

/* A string literal as bytes, where only a constant may stand. */
#define EIO_BYTES_OF(s) \
	{ \
		(s), sizeof(s) - 1 \
	}

static const struct eio_bytes key = { "dGhlIHNhbXBsZSBub25jZQ==", 24 };
static const char handshake_end[] = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

struct test {
	uv_loop_t loop;
	struct eio_ws_server *server;
	struct eio_ws *ws;
	int peer; /* the client's end */
	struct eio_buf in; /* what the client received */
	struct eio_buf messages; /* what the handler was told */
	int opened, closed, writable;
	bool error;
	int reuse; /* the descriptor of the WebSocket, for the test of its number; else 0 */
	struct eio_block *block;
	struct eio_ws *closed_ws; /* as on_closed was told */
};

static void write_to_reused(struct test *t, struct eio_ws *ws);

static void
on_open(void *user, struct eio_ws *ws)
{
	struct test *t = user;

	t->ws = ws;
	t->opened++;
}

static void
on_message(void *user, struct eio_ws *ws, bool binary, char *data, size_t n)
{
	struct test *t = user;

	assert_ptr_equal(ws, t->ws);
	eio_buf_printf(&t->messages, "%c%zu:%.*s;", binary ? 'b' : 't', n, (int)(n < 20 ? n : 20), data);
}

static void
on_writable(void *user, struct eio_ws *ws)
{
	struct test *t = user;

	(void)ws;
	t->writable++;
}

static void
on_closed(void *user, struct eio_ws *ws, bool error)
{
	struct test *t = user;

	if (t->reuse) write_to_reused(t, ws);
	t->ws = NULL;
	t->closed_ws = ws;
	t->closed++;
	t->error = error;
}

static void
make_pair(int fds[2])
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof(sa);
	int l = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	assert_int_equal(bind(l, (struct sockaddr *)&sa, n), 0);
	assert_int_equal(listen(l, 1), 0);
	assert_int_equal(getsockname(l, (struct sockaddr *)&sa, &n), 0);
	fds[1] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fds[1], (struct sockaddr *)&sa, n), 0);
	/* Small frames leave at once, as they do from browsers. */
	setsockopt(fds[1], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	fds[0] = accept(l, NULL, NULL);
	assert_true(fds[0] >= 0);
	close(l);
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

/* Runs the loop and reads at the client until n bytes are there, or for a while when they never come. */
static void
pump(struct test *t, size_t n)
{
	static char buf[65536];

	for (int idle = 0; idle < 200;) {
		ssize_t k;

		uv_run(&t->loop, UV_RUN_NOWAIT);
		if (t->in.n >= n && idle >= 5) return;
		k = recv(t->peer, buf, sizeof(buf), MSG_DONTWAIT);
		if (k > 0) {
			eio_buf_append(&t->in, buf, (size_t)k);
			idle = 0;
		} else {
			idle++;
			usleep(1000);
		}
	}
}

/* The 101 has exactly this answer to the extensions offered, or none. */
static void
check_extension(const char *head, struct eio_bytes extension)
{
	static const char name[] = "Sec-WebSocket-Extensions: ";
	const char *line = strstr(head, name);

	if (extension.n == 0) {
		assert_null(line);
		return;
	}
	assert_non_null(line);
	line += sizeof(name) - 1;
	assert_memory_equal(line, extension.p, extension.n);
	assert_memory_equal(line + extension.n, "\r\n", 2);
}

static void
start_full(struct test *t, struct eio_bytes extension, struct eio_bytes rest, int sndbuf)
{
	static const struct eio_ws_handler handler = {
		.open = on_open, .message = on_message, .writable = on_writable, .closed = on_closed
	};
	int fds[2];

	*t = (struct test){ 0 };
	if (sndbuf) {
		/* Not TCP, which may wait for seconds until it tries a full window again. */
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
		setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof(sndbuf));
	} else {
		make_pair(fds);
	}
	t->peer = fds[1];
	assert_int_equal(uv_loop_init(&t->loop), 0);
	t->server = eio_ws_server_new(&t->loop, MAX_PAYLOAD, &handler);
	assert_non_null(t->server);
	eio_ws_adopt(t->server, &(struct eio_ws_adoption){ .fd = fds[0],
					.key = key,
					.extension = extension,
					.headers = EIO_LIT("X-Test: yes\r\n"),
					.rest = rest,
					.user = t });
	pump(t, 1);
	assert_int_equal(t->opened, 1);
	eio_buf_addc(&t->in, '\0');
	assert_memory_equal(t->in.p, "HTTP/1.1 101 ", 13);
	assert_non_null(strstr(t->in.p, handshake_end));
	assert_non_null(strstr(t->in.p, "X-Test: yes\r\n"));
	assert_null(strstr(t->in.p, "Sec-WebSocket-Protocol"));
	check_extension(t->in.p, extension);
	assert_string_equal(t->in.p + t->in.n - 5, "\r\n\r\n");
	eio_buf_clear(&t->in);
}

static void
start_with(struct test *t, struct eio_bytes rest, int sndbuf)
{
	start_full(t, eio_bytes("", 0), rest, sndbuf);
}

static void
start(struct test *t)
{
	start_with(t, eio_bytes("", 0), 0);
}

static void
on_handle(uv_handle_t *h, void *arg)
{
	(void)arg;
	fail_msg("a handle was left open: %s", uv_handle_type_name(uv_handle_get_type(h)));
}

static void
finish(struct test *t)
{
	if (t->peer >= 0) close(t->peer);
	eio_ws_server_close(t->server);
	uv_run(&t->loop, UV_RUN_DEFAULT);
	eio_ws_server_free(t->server);
	assert_int_equal(t->closed, 1);
	uv_walk(&t->loop, on_handle, NULL);
	assert_int_equal(uv_loop_close(&t->loop), 0);
	eio_buf_deinit(&t->in);
	eio_buf_deinit(&t->messages);
}

/* A client's frame, masked with zeros. */
static void
send_frame(struct test *t, int first_byte, const char *data, size_t n)
{
	unsigned char head[14] = { (unsigned char)first_byte };
	size_t h = 2;

	if (n < 126) {
		head[1] = (unsigned char)(0x80 | n);
	} else {
		head[1] = 0x80 | 126;
		head[2] = (unsigned char)(n >> 8);
		head[3] = (unsigned char)n;
		h = 4;
	}
	assert_int_equal(send(t->peer, head, h + 4, MSG_NOSIGNAL), h + 4);
	if (n) assert_int_equal(send(t->peer, data, n, MSG_NOSIGNAL), n);
}

static void
expect_messages(struct test *t, const char *expected)
{
	for (int i = 0; i < 2000 && t->messages.n < strlen(expected); i++) {
		uv_run(&t->loop, UV_RUN_NOWAIT);
		usleep(1000);
	}
	pump(t, 0);
	eio_buf_addc(&t->messages, '\0');
	assert_string_equal(t->messages.p, expected);
	eio_buf_clear(&t->messages);
}

static struct eio_block *
binary_event(size_t n)
{
	char *data = malloc(n + 1);
	struct eio_message m[2] = { { .data = EIO_LIT("51-[\"x\"]") }, { .binary = true, .data = { data, n } } };
	struct eio_bundle *b;
	struct eio_block *w;

	for (size_t i = 0; i < n; i++) data[i] = (char)(i * 7 + i / 251);
	b = eio_bundle_new(m, 2);
	w = eio_block_ref(eio_bundle_wire(b, EIO_WIRE_WS));
	eio_bundle_unref(b);
	free(data);
	return w;
}

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

static void
test_messages(void **state)
{
	char big[MAX_PAYLOAD + 1];
	struct test t;

	(void)state;
	memset(big, 'x', sizeof(big));
	start(&t);
	send_frame(&t, 0x81, "4hello", 6);
	send_frame(&t, 0x82, "\x01\x02", 2);
	send_frame(&t, 0x82, "", 0);
	send_frame(&t, 0x81, "", 0);
	expect_messages(&t, "t6:4hello;b2:\x01\x02;b0:;t0:;");
	/* Fragments, with a ping between them. */
	send_frame(&t, 0x01, "ab", 2);
	send_frame(&t, 0x89, "", 0);
	send_frame(&t, 0x00, "cd", 2);
	send_frame(&t, 0x80, "e", 1);
	expect_messages(&t, "t5:abcde;");
	/* Up to the limit. */
	send_frame(&t, 0x81, big, 300);
	send_frame(&t, 0x81, big, MAX_PAYLOAD);
	expect_messages(&t, "t300:xxxxxxxxxxxxxxxxxxxx;t1000:xxxxxxxxxxxxxxxxxxxx;");
	assert_int_equal(t.closed, 0);
	finish(&t);
}

/* The server closes with this frame, and the peer's answer ends the connection without another one. */
static void
expect_close(struct test *t, const char *frame, size_t n)
{
	pump(t, n);
	assert_int_equal(t->in.n, n);
	assert_memory_equal(t->in.p, frame, n);
	send_frame(t, 0x88, "\x03\xe8", 2);
	pump(t, n + 1);
	assert_int_equal(t->in.n, n);
	assert_int_equal(t->closed, 1);
	assert_false(t->error);
}

/* The server fails the connection with this code: its end of it is over, and it waits for the peer's. */
static void
expect_failed(struct test *t, int code)
{
	char byte;

	pump(t, 4);
	assert_int_equal(t->in.n, 4);
	assert_int_equal((unsigned char)t->in.p[0], 0x88);
	assert_int_equal(t->in.p[1], 2);
	assert_int_equal((unsigned char)t->in.p[2] << 8 | (unsigned char)t->in.p[3], code);
	assert_int_equal(recv(t->peer, &byte, 1, MSG_DONTWAIT), 0);
	assert_int_equal(t->messages.n, 0);
	assert_int_equal(t->closed, 0);
	/* Whatever else comes is of no interest. */
	send_frame(t, 0x81, "x", 1);
	send_frame(t, 0x89, "x", 1);
	for (int i = 0; i < 5; i++) uv_run(&t->loop, UV_RUN_NOWAIT);
	shutdown(t->peer, SHUT_WR);
	for (int i = 0; i < 200 && !t->closed; i++) {
		uv_run(&t->loop, UV_RUN_NOWAIT);
		usleep(1000);
	}
	assert_int_equal(t->closed, 1);
	assert_true(t->error);
	assert_int_equal(t->messages.n, 0);
}

static void
test_too_big(void **state)
{
	char big[MAX_PAYLOAD + 1];
	struct test t;

	(void)state;
	memset(big, 'x', sizeof(big));
	start(&t);
	send_frame(&t, 0x81, big, sizeof(big));
	expect_failed(&t, EIO_WS_CLOSE_TOO_BIG);
	assert_int_equal(t.messages.n, 0);
	finish(&t);
	/* In fragments, each of them small. */
	start(&t);
	send_frame(&t, 0x01, big, 600);
	send_frame(&t, 0x80, big, 600);
	expect_failed(&t, EIO_WS_CLOSE_TOO_BIG);
	finish(&t);
}

static void
test_bad_utf8(void **state)
{
	struct test t;

	(void)state;
	start(&t);
	send_frame(&t, 0x81, "4\xff", 2);
	expect_failed(&t, EIO_WS_CLOSE_INVALID_DATA);
	assert_int_equal(t.messages.n, 0);
	finish(&t);
}

static void
test_server_close(void **state)
{
	struct eio_block *w = binary_event(3);
	struct test t;

	(void)state;
	start(&t);
	eio_ws_close(t.ws, EIO_WS_CLOSE_NO_CODE);
	assert_int_equal(eio_ws_write(t.ws, w), -1);
	expect_close(&t, "\x88\x00", 2);
	eio_block_unref(w);
	finish(&t);
}

/* Until so many bytes of the client wait to be read. */
static void
await_arrival(struct test *t, int bytes)
{
	for (int n = 0, i = 0; n < bytes && i < 5000; i++) {
		assert_int_equal(ioctl(eio_ws_fd(t->ws), FIONREAD, &n), 0);
		if (n < bytes) usleep(1000);
	}
}

/* Who sends many messages at once has some of them taken in each turn of the loop, whatever they are. */
static void
test_turns(void **state)
{
	enum { MESSAGES = 100, SHARE = 32, EACH = sizeof("t1:x;") - 1, FRAME = 2 + 4 + 1 };
	struct test t;

	(void)state;
	start(&t);
	eio_buf_clear(&t.messages);
	for (int i = 0; i < MESSAGES; i++) send_frame(&t, 0x81, "x", 1);
	await_arrival(&t, MESSAGES * FRAME);
	for (int i = 1; i <= 4; i++) {
		uv_run(&t.loop, UV_RUN_NOWAIT);
		assert_int_equal(t.messages.n, EACH * (i * SHARE < MESSAGES ? i * SHARE : MESSAGES));
	}
	eio_buf_clear(&t.messages);
	/* A ping is one of them. */
	for (int i = 0; i < SHARE; i++) send_frame(&t, 0x89, "p", 1);
	send_frame(&t, 0x81, "x", 1);
	await_arrival(&t, (SHARE + 1) * FRAME);
	uv_run(&t.loop, UV_RUN_NOWAIT);
	assert_int_equal(t.messages.n, 0);
	uv_run(&t.loop, UV_RUN_NOWAIT);
	assert_int_equal(t.messages.n, EACH);
	finish(&t);
}

static void
test_peer_close(void **state)
{
	struct test t;

	(void)state;
	start(&t);
	send_frame(&t, 0x88, "\x03\xe8", 2);
	pump(&t, 4);
	assert_int_equal(t.closed, 1);
	assert_false(t.error);
	assert_int_equal(t.in.n, 4);
	assert_memory_equal(t.in.p, "\x88\x02\x03\xe8", 4);
	finish(&t);
	start(&t);
	close(t.peer);
	t.peer = -1;
	for (int i = 0; i < 200 && !t.closed; i++) {
		uv_run(&t.loop, UV_RUN_NOWAIT);
		usleep(1000);
	}
	assert_int_equal(t.closed, 1);
	assert_true(t.error);
	finish(&t);
}

/* Frames that came right behind the request are not lost and do not wait for more from the network. */
static void
test_early_frames(void **state)
{
	struct test t;

	(void)state;
	start_with(&t,
		EIO_LIT("\x81\x82\0\0\0\0"
			"40\x81\x83\0\0\0\0"
			"42x"),
		0);
	expect_messages(&t, "t2:40;t3:42x;");
	finish(&t);
}

/* The 101 leaves at once and by itself: many clients lose a message that comes in one piece with it. */
static void
test_first_write(void **state)
{
	static const struct eio_ws_handler handler = {
		.open = on_open, .message = on_message, .writable = on_writable, .closed = on_closed
	};
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
	t.server = eio_ws_server_new(&t.loop, MAX_PAYLOAD, &handler);
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

#define DEFLATE "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

/* What was negotiated is echoed; blocks with RSV1 leave as they are, and messages with it arrive inflated. */
static void
test_deflate(void **state)
{
	static const char hello[] = "\xf2\x48\xcd\xc9\xc9\x07\x00",
			  frames[] = "\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00\x82\x01x";
	struct eio_block *w = eio_block_new(sizeof(frames) - 1);
	struct test t;

	(void)state;
	memcpy(w->data, frames, w->n);
	for (int bits = EIO_DEFLATE_WINDOW_MIN - 1; bits <= EIO_DEFLATE_WINDOW_MAX; bits++) {
		char extension[120];

		snprintf(extension, sizeof(extension),
			bits < EIO_DEFLATE_WINDOW_MIN ? DEFLATE : DEFLATE "; server_max_window_bits=%d", bits);
		start_full(&t, eio_cstr(extension), eio_bytes("", 0), 0);
		assert_int_equal(eio_ws_write(t.ws, w), 0);
		send_frame(&t, 0x89, "hi", 2);
		pump(&t, w->n + 4);
		assert_int_equal(t.in.n, w->n + 4);
		assert_memory_equal(t.in.p, w->data, w->n);
		assert_memory_equal(t.in.p + w->n, "\x8a\x02hi", 4);
		send_frame(&t, 0xc1, hello, 7);
		send_frame(&t, 0x81, "plain", 5);
		send_frame(&t, 0x42, hello, 3);
		send_frame(&t, 0x89, "", 0);
		send_frame(&t, 0x80, hello + 3, 4);
		expect_messages(&t, "t5:Hello;t5:plain;b5:Hello;");
		finish(&t);
	}
	eio_block_unref(w);
}

static void
check_refused(int first_byte, struct eio_bytes data, int code)
{
	struct test t;

	start_full(&t, EIO_LIT(DEFLATE), eio_bytes("", 0), 0);
	send_frame(&t, first_byte, data.p, data.n);
	expect_failed(&t, code);
	finish(&t);
}

static void
test_deflate_refused(void **state)
{
	static const struct eio_deflate options = { .level = 9, .window_bits = 15 };
	char zeros[MAX_PAYLOAD + 1] = { 0 }, out[sizeof(zeros) + EIO_DEFLATE_SLACK];
	size_t n = eio_deflate(out, sizeof(zeros), eio_bytes(zeros, sizeof(zeros)), &options);

	(void)state;
	assert_true(n > 0 && n < 100);
	check_refused(0xc2, eio_bytes(out, n), EIO_WS_CLOSE_TOO_BIG);
	check_refused(0xc2, EIO_LIT("garbage"), EIO_WS_CLOSE_INVALID_DATA);
	n = eio_deflate(out, sizeof(zeros), EIO_LIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
		&options);
	assert_true(n > 0);
	check_refused(0xc1, eio_bytes(out, n), EIO_WS_CLOSE_INVALID_DATA); /* no UTF-8 */
	/* The other reserved bits mean nothing, alone or beside the one that does. */
	check_refused(0xa1, EIO_LIT("x"), EIO_WS_CLOSE_PROTOCOL_ERROR);
	check_refused(0x91, EIO_LIT("x"), EIO_WS_CLOSE_PROTOCOL_ERROR);
	check_refused(0xe1, eio_bytes(out, n), EIO_WS_CLOSE_PROTOCOL_ERROR);
}

/* What is against the rules, whatever the extension allows, and the code that tells so. */
static void
test_refused(void **state)
{
	static const struct {
		struct eio_bytes sent;
		int code;
	} cases[] = {
		{ EIO_BYTES_OF("\x81\x01x"), EIO_WS_CLOSE_PROTOCOL_ERROR }, /* no mask */
		{ EIO_BYTES_OF("\x89\x00"), EIO_WS_CLOSE_PROTOCOL_ERROR },
		{ EIO_BYTES_OF("\x88\x00"), EIO_WS_CLOSE_PROTOCOL_ERROR },
		{ EIO_BYTES_OF("\xc9\x80zzzz"), EIO_WS_CLOSE_PROTOCOL_ERROR }, /* RSV1 on a ping */
		{ EIO_BYTES_OF("\xca\x80zzzz"), EIO_WS_CLOSE_PROTOCOL_ERROR },
		{ EIO_BYTES_OF("\xc8\x80zzzz"), EIO_WS_CLOSE_PROTOCOL_ERROR },
		{ EIO_BYTES_OF("\x09\x80zzzz"), EIO_WS_CLOSE_PROTOCOL_ERROR }, /* a ping in fragments */
		{ EIO_BYTES_OF("\x89\xfezzzzzz"), EIO_WS_CLOSE_PROTOCOL_ERROR }, /* a long one */
		{ EIO_BYTES_OF("\x83\x80zzzz"), EIO_WS_CLOSE_PROTOCOL_ERROR }, /* opcodes that do not exist */
		{ EIO_BYTES_OF("\x8b\x80zzzz"), EIO_WS_CLOSE_PROTOCOL_ERROR },
		{ EIO_BYTES_OF("\x80\x80zzzz"), EIO_WS_CLOSE_PROTOCOL_ERROR }, /* goes on with nothing */
		{ EIO_BYTES_OF("\x01\x80zzzz\x81\x80zzzz"),
			EIO_WS_CLOSE_PROTOCOL_ERROR }, /* a message inside another */
		{ EIO_BYTES_OF("\x88\x81\0\0\0\0\x03"), EIO_WS_CLOSE_PROTOCOL_ERROR }, /* half a code */
		{ EIO_BYTES_OF("\x88\x82\0\0\0\0\0\0"), EIO_WS_CLOSE_PROTOCOL_ERROR },
		{ EIO_BYTES_OF("\x88\x82\0\0\0\0\x03\xe7"), EIO_WS_CLOSE_PROTOCOL_ERROR }, /* 999 */
		{ EIO_BYTES_OF("\x88\x82\0\0\0\0\x03\xed"), EIO_WS_CLOSE_PROTOCOL_ERROR }, /* 1005 */
		{ EIO_BYTES_OF("\x88\x82\0\0\0\0\x07\xd0"), EIO_WS_CLOSE_PROTOCOL_ERROR }, /* 2000 */
		{ EIO_BYTES_OF("\x88\x82\0\0\0\0\x13\x88"), EIO_WS_CLOSE_PROTOCOL_ERROR }, /* 5000 */
		{ EIO_BYTES_OF("\x88\x83\0\0\0\0\x03\xe8\xff"), EIO_WS_CLOSE_INVALID_DATA },
		{ EIO_BYTES_OF("\x82\xff\xff\xff\xff\xff\xff\xff\xff\xffzzzz"), EIO_WS_CLOSE_TOO_BIG },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		for (int way = 0; way < 2; way++) {
			struct test t;

			/* Right behind the request, or later, a byte at a time. */
			start_full(&t, EIO_LIT(DEFLATE), eio_bytes("", 0), 0);
			for (size_t k = 0, n; k < cases[i].sent.n; k += n) {
				n = way ? 1 : cases[i].sent.n;
				assert_int_equal(send(t.peer, cases[i].sent.p + k, n, MSG_NOSIGNAL), n);
				if (way) uv_run(&t.loop, UV_RUN_NOWAIT);
			}
			expect_failed(&t, cases[i].code);
			finish(&t);
		}
	}
}

/* RSV1 without the extension. */
static void
test_refused_plain(void **state)
{
	struct test t;

	(void)state;
	start(&t);
	send_frame(&t, 0xc1, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7);
	expect_failed(&t, EIO_WS_CLOSE_PROTOCOL_ERROR);
	finish(&t);
}

/* The close frame is answered with what it says, and what stands behind it is not looked at: messages, pings,
 * rubbish. */
static void
test_behind_close(void **state)
{
	struct eio_bytes all = EIO_LIT("\x81\x81\0\0\0\0a\x88\x84\0\0\0\0\x0f\xa0ok"
				       "\x81\x81\0\0\0\0b\x89\x80\0\0\0\0\xff\xff");
	struct test t;

	(void)state;
	for (size_t n = 1; n <= all.n; n++) {
		start(&t);
		for (size_t at = 0; at < all.n; at += n) {
			size_t k = all.n - at < n ? all.n - at : n;

			send(t.peer, all.p + at, k, MSG_NOSIGNAL);
			for (int i = 0; i < 3; i++) uv_run(&t.loop, UV_RUN_NOWAIT);
		}
		expect_messages(&t, "t1:a;");
		pump(&t, 6);
		assert_int_equal(t.in.n, 6);
		assert_memory_equal(t.in.p, "\x88\x04\x0f\xa0ok", 6);
		assert_int_equal(t.closed, 1);
		assert_false(t.error);
		finish(&t);
	}
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
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_too_big),
		cmocka_unit_test(test_bad_utf8),
		cmocka_unit_test(test_server_close),
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_peer_close),
		cmocka_unit_test(test_early_frames),
		cmocka_unit_test(test_first_write),
		cmocka_unit_test(test_deflate),
		cmocka_unit_test(test_deflate_refused),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_refused_plain),
		cmocka_unit_test(test_behind_close),
		cmocka_unit_test(test_close_behind_rest),
		cmocka_unit_test(test_no_memory_for_cut),
		cmocka_unit_test(test_no_spin),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
