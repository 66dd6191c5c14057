/* SPDX-License-Identifier: MIT */
/* One client of the storm: WebSocket, Engine.IO 4, Socket.IO with recovery as since 4.6. */
#include "bench/storm.h"

#include "bench/bench.h"
#include "bench/payload.h"

#include <string.h>
#include <sys/socket.h>

enum { STORM_TEXT = 1, FRAME_MAX = 6 + 2 + 1024 };

struct storm storm = { .path = "/socket.io/", .inflight = 1000 };

/* All of it, or the end of the program. */
static void
tell_server(struct storm_client *c, const void *p, size_t n)
{
	if (send(c->fd, p, n, MSG_NOSIGNAL) != (ssize_t)n) bench_die_errno("client %u: send", c->index);
}

void
storm_open(struct storm_client *c)
{
	struct eio_buf b = { 0 };

	eio_buf_printf(&b,
		"GET %s?EIO=4&transport=websocket HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: c2lvY2FzdCBiZW5jaCAhIQ==\r\n\r\n",
		storm.path, storm.host);
	if (eio_buf_failed(&b)) bench_die("out of memory");
	c->step = STORM_UPGRADING;
	tell_server(c, b.p, b.n);
	eio_buf_deinit(&b);
}

/* A mask of zeros leaves the bytes as they are. */
static void
say_text(struct storm_client *c, const char *text)
{
	unsigned char frame[FRAME_MAX] = { 0x80 | STORM_TEXT };
	size_t n = strlen(text), at = 2;

	if (n > 1024) bench_die("client %u: too long: %s", c->index, text);
	frame[1] = (unsigned char)(0x80 | (n < 126 ? n : 126));
	if (n >= 126) {
		frame[at++] = (unsigned char)(n >> 8);
		frame[at++] = (unsigned char)n;
	}
	memcpy(frame + at + 4, text, n);
	tell_server(c, frame, at + 4 + n);
}

/* CONNECT; where it has been there before, with what it remembers. */
static void
send_connect(struct storm_client *c)
{
	char text[1024];

	c->step = STORM_JOINING;
	if (c->pid[0] && c->offset[0])
		snprintf(text, sizeof text, "40{\"pid\":\"%s\",\"offset\":\"%s\"}", c->pid, c->offset);
	else if (c->pid[0])
		snprintf(text, sizeof text, "40{\"pid\":\"%s\"}", c->pid);
	say_text(c, c->pid[0] ? text : "40");
}

/* The text of a member with a string without escapes. */
static bool
storm_member(struct eio_bytes s, const char *name, char *out, size_t max)
{
	const char *at = memmem(s.p, s.n, name, strlen(name)), *end;

	if (!at) return false;
	at += strlen(name);
	end = memchr(at, '"', s.n - (size_t)(at - s.p));
	if (!end || (size_t)(end - at) >= max) return false;
	memcpy(out, at, (size_t)(end - at));
	out[end - at] = '\0';
	return true;
}

static void
take_connect(struct storm_client *c, struct eio_bytes s)
{
	char sid[sizeof c->sid];

	if (!storm_member(s, "\"sid\":\"", sid, sizeof sid) || !storm_member(s, "\"pid\":\"", c->pid, sizeof c->pid))
		bench_die("client %u: no session: %.*s", c->index, (int)s.n, s.p);
	c->recovered = strcmp(sid, c->sid) == 0;
	memcpy(c->sid, sid, sizeof sid);
	c->step = STORM_JOINED;
	storm.on_joined(c);
}

/* The offset stands behind the arguments. */
static void
count_event(struct storm_client *c, struct eio_bytes s)
{
	const char *end = s.p + s.n - 2, *from;

	for (const char *p = s.p; (p = memmem(p, (size_t)(s.p + s.n - p), PAYLOAD_MARK, sizeof PAYLOAD_MARK - 1)); p++)
		c->messages++;
	from = memcmp(end, "\"]", 2) == 0 ? memrchr(s.p, '"', s.n - 2) : NULL;
	if (!from || (size_t)(end - from) > sizeof c->offset)
		bench_die("client %u: an event without an offset: %.*s", c->index, (int)s.n, s.p);
	memcpy(c->offset, from + 1, (size_t)(end - from - 1));
	c->offset[end - from - 1] = '\0';
}

static void
hear_packet(struct storm_client *c, struct eio_bytes s)
{
	if (s.n >= 1 && s.p[0] == '0')
		send_connect(c);
	else if (s.n == 1 && s.p[0] == '2')
		say_text(c, "3");
	else if (s.n > 2 && memcmp(s.p, "40", 2) == 0)
		take_connect(c, s);
	else if (s.n > 4 && memcmp(s.p, "42", 2) == 0)
		count_event(c, s);
	else
		bench_die("client %u: an unexpected packet: %.*s", c->index, (int)s.n, s.p);
}

/* Takes one frame, if it is whole; returns how long it is, or 0. */
static size_t
one_frame(struct storm_client *c, struct eio_bytes s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t head = 2, n;

	if (s.n < 2) return 0;
	n = p[1] & 0x7f;
	if (n >= 126) head = n == 126 ? 4 : 10;
	if (s.n < head) return 0;
	if (head > 2) n = 0;
	for (size_t i = 2; i < head; i++) n = n << 8 | p[i];
	if (s.n - head < n) return 0;
	if (p[0] != (0x80 | STORM_TEXT)) bench_die("client %u: a frame that is no text: %02x", c->index, p[0]);
	hear_packet(c, eio_bytes(s.p + head, n));
	return head + n;
}

static size_t
take_upgrade(struct storm_client *c, struct eio_bytes s)
{
	const char *end = memmem(s.p, s.n, "\r\n\r\n", 4);

	if (!end) return 0;
	if (!eio_bytes_starts(s, EIO_LIT("HTTP/1.1 101 "))) bench_die("client %u: %.*s", c->index, (int)s.n, s.p);
	c->step = STORM_JOINING;
	return (size_t)(end - s.p) + 4;
}

void
storm_input(struct storm_client *c, struct eio_bytes s)
{
	struct eio_bytes all = s;
	size_t at = 0, n;

	if (c->input.n) {
		eio_buf_add(&c->input, s);
		all = eio_buf_bytes(&c->input);
	}
	while (at < all.n) {
		struct eio_bytes rest = eio_bytes(all.p + at, all.n - at);

		n = c->step == STORM_UPGRADING ? take_upgrade(c, rest) : one_frame(c, rest);
		if (n == 0) break;
		at += n;
	}
	if (!c->input.n) {
		eio_buf_append(&c->input, all.p + at, all.n - at);
	} else {
		c->input.n -= at;
		memmove(c->input.p, c->input.p + at, c->input.n);
	}
	if (eio_buf_failed(&c->input)) bench_die("out of memory");
	if (!c->input.n) eio_buf_deinit(&c->input);
}

void
storm_forget_input(struct storm_client *c)
{
	eio_buf_deinit(&c->input);
}
