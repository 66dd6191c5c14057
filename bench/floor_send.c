/* SPDX-License-Identifier: MIT */
/* One block to every connection with one send() each. */
#include "bench/floor.h"

#include "bench/bench.h"
#include "bench/payload.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

void
block_answer(struct peer *p)
{
	/* The answer to the upgrade with the open packet behind it; the answer to "40". */
	static const char *const answers[] = {
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
		"\x81\x5c"
		"0{\"sid\":\"floor\",\"upgrades\":[],\"pingInterval\":3600000,\"pingTimeout\":20000,\"maxPayload\":10000}",
		"\x81\x11"
		"40{\"sid\":\"floor\"}",
	};
	char buf[4096];
	const char *text;
	ssize_t n = recv(p->fd, buf, sizeof buf, 0);

	if (n <= 0) bench_die("a client left during the handshake");
	if (p->stage == 2) return;
	text = answers[p->stage++];
	if (send(p->fd, text, strlen(text), MSG_NOSIGNAL) != (ssize_t)strlen(text)) bench_die_errno("send");
}

static void
append_block_frame(unsigned opcode, size_t n)
{
	unsigned char head[10] = { (unsigned char)(0x80 | opcode) };
	unsigned bytes = n < 126 ? 0 : n < 65536 ? 2 : 8;

	head[1] = (unsigned char)(bytes == 0 ? n : bytes == 2 ? 126 : 127);
	for (unsigned i = 0; i < bytes; i++) head[2 + i] = (unsigned char)(n >> (8 * (bytes - 1 - i)));
	eio_buf_append(&fl.block, head, 2 + bytes);
}

static unsigned
block_message_size(uint64_t i)
{
	return fl.size ? fl.size : payload_story_size(i);
}

size_t
block_messages_length(void)
{
	size_t n = fl.batch + 1;

	for (unsigned i = 0; i < fl.batch; i++) n += block_message_size(fl.seq + i);
	return n;
}

void
block_messages(struct eio_buf *b, uint64_t t_ns)
{
	struct payload p = { .t_ns = t_ns };
	char *to;

	for (unsigned i = 0; i < fl.batch; i++, fl.seq++) {
		eio_buf_addc(b, i ? ',' : '[');
		p.n = block_message_size(fl.seq);
		p.channel = (unsigned)(fl.seq % fl.channels);
		p.seq = fl.seq / fl.channels;
		to = eio_buf_reserve(b, p.n);
		if (!to) bench_die("out of memory");
		payload_write(to, &p);
		b->n += p.n;
	}
	eio_buf_addc(b, ']');
}

void
block_make(uint64_t t_ns)
{
	char text[256];
	int n = snprintf(text, sizeof text, "451-[\"%s\",{\"_placeholder\":true,\"num\":0}]", fl.event);

	eio_buf_clear(&fl.block);
	for (unsigned i = 0; i < fl.due; i++) {
		append_block_frame(1, (size_t)n);
		eio_buf_append(&fl.block, text, (size_t)n);
		append_block_frame(2, block_messages_length());
		block_messages(&fl.block, t_ns + (uint64_t)(i * 1e9 / fl.rate));
	}
	if (eio_buf_failed(&fl.block)) bench_die("out of memory");
}

void
block_send_rest(int fd, size_t done)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	ssize_t n;

	fl.stalls++;
	while (done < fl.block.n) {
		poll(&p, 1, -1);
		n = send(fd, fl.block.p + done, fl.block.n - done, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n > 0) done += (size_t)n;
		if (n < 0 && errno != EAGAIN) bench_die_errno("send");
	}
}

static void
send_all_plain(void)
{
	const char *block = fl.block.p;
	size_t size = fl.block.n;
	ssize_t n;

	for (unsigned i = 0; i < fl.n; i++) {
		n = send(fl.peers[i].fd, block, size, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n == (ssize_t)size) continue;
		if (n < 0 && errno != EAGAIN) bench_die_errno("send");
		block_send_rest(fl.peers[i].fd, n < 0 ? 0 : (size_t)n);
	}
}

const struct mode mode_send = {
	.name = "send",
	.answer = block_answer,
	.stages = 2,
	.make = block_make,
	.send = send_all_plain,
};
