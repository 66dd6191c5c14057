/* SPDX-License-Identifier: MIT */
/* A WebSocket and its client. */
#include "tests/unit/eio_net/ws_pair.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

const struct eio_bytes key = { "dGhlIHNhbXBsZSBub25jZQ==", 24 };
static const char handshake_end[] = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

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

	if (t->at_close) t->at_close(t, ws);
	t->ws = NULL;
	t->closed_ws = ws;
	t->closed++;
	t->error = error;
}

const struct eio_ws_handler handler_of_pairs = {
	.open = on_open, .message = on_message, .writable = on_writable, .closed = on_closed
};

void
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

void
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

void
start_full(struct test *t, struct eio_bytes extension, struct eio_bytes rest, int sndbuf)
{
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
	t->server = eio_ws_server_new(&t->loop, MAX_PAYLOAD, &handler_of_pairs);
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

void
start_with(struct test *t, struct eio_bytes rest, int sndbuf)
{
	start_full(t, eio_bytes("", 0), rest, sndbuf);
}

void
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

void
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

void
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

void
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

struct eio_block *
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
