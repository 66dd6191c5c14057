/* SPDX-License-Identifier: MIT */
/*
 * The floor of long-polling: every client holds a GET, one ready answer goes to each with one send(), and the next GETs
 * are read. Of HTTP no more is looked at than what bench/load sends: whether it is a GET, and where the request ends.
 */
#include "bench/floor.h"

#include "bench/bench.h"

#include "eio/base64.h"

#include <errno.h>
#include <sys/socket.h>

enum { JOINED = 3 };

static unsigned held;
static struct eio_buf messages;

static void
reply_poll(struct peer *p, const char *body)
{
	char text[512];
	int n = snprintf(text, sizeof text,
		"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Length: %zu\r\n\r\n%s",
		strlen(body), body);

	if (send(p->fd, text, (size_t)n, MSG_NOSIGNAL) != n) bench_die_errno("send");
}

/* First the handshake, the POST of "40", and the answer to it; from then on GETs are held. */
void
polling_answer(struct peer *p)
{
	static const char *const bodies[JOINED] = {
		"0{\"sid\":\"floor\",\"upgrades\":[],\"pingInterval\":3600000,\"pingTimeout\":20000,\"maxPayload\":10000}",
		"ok",
		"40{\"sid\":\"floor\"}",
	};
	char buf[4096];
	ssize_t n = recv(p->fd, buf, sizeof buf, 0);

	if (n <= 0) bench_die("a client left");
	if (p->stage < JOINED) {
		reply_poll(p, bodies[p->stage++]);
		return;
	}
	if (n < 8 || buf[0] != 'G' || memcmp(buf + n - 4, "\r\n\r\n", 4) != 0) bench_die("a client sent no GET");
	p->held = true;
	held++;
}

static void
make_poll_answer(uint64_t t_ns)
{
	size_t n;
	char *to;

	eio_buf_clear(&messages);
	block_messages(&messages, t_ns);
	n = eio_base64_encoded_len(messages.n);
	eio_buf_clear(&fl.block);
	eio_buf_printf(&fl.block,
		"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=UTF-8\r\nCache-Control: no-store\r\n"
		"Content-Length: %zu\r\n\r\n451-[\"%s\",{\"_placeholder\":true,\"num\":0}]\x1e"
		"b",
		strlen("451-[\"\",{\"_placeholder\":true,\"num\":0}]\x1e"
		       "b") +
			strlen(fl.event) + n,
		fl.event);
	to = eio_buf_reserve(&fl.block, n);
	if (!to || eio_buf_failed(&fl.block)) bench_die("out of memory");
	fl.block.n += eio_base64_encode(to, eio_buf_bytes(&messages));
}

/* GETs are read as they come, as any server does: one that lies unread for a while costs the kernel less. */
static void
send_all_polls(void)
{
	ssize_t n;

	while (held < fl.n) connect_events(-1);
	for (unsigned i = 0; i < fl.n; i++) {
		n = send(fl.peers[i].fd, fl.block.p, fl.block.n, MSG_DONTWAIT | MSG_NOSIGNAL);
		fl.peers[i].held = false;
		if (n == (ssize_t)fl.block.n) continue;
		if (n < 0 && errno != EAGAIN) bench_die_errno("send");
		block_send_rest(fl.peers[i].fd, n < 0 ? 0 : (size_t)n);
	}
	held = 0;
	while (held < fl.n) connect_events(-1);
}

const struct mode mode_polling = {
	.name = "polling",
	.answer = polling_answer,
	.stages = JOINED,
	.make = make_poll_answer,
	.send = send_all_polls,
};
const struct mode mode_idle_polling = {
	.name = "idle-polling",
	.answer = polling_answer,
	.stages = JOINED,
	.idle = true,
};
