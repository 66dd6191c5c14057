/* SPDX-License-Identifier: MIT */
/*
 * The floor: what the kernel alone asks for a broadcast. One loop hands one ready block to each connection with one send(),
 * and there is nothing else: no Redis, no parsing, no timers, no list to keep. A server cannot deliver for less through
 * this interface of the kernel; how near it comes is the measure.
 *
 * The block is what siocast would send: a text frame that announces a binary event, and the binary frame with an array of
 * messages. The handshake is just enough for bench/load. Lines of JSON tell when it listens, and what was sent: when all
 * connections are there, each SIGUSR1 runs the schedule once. SIGTERM ends the program.
 */
#include "bench/bench.h"
#include "bench/hist.h"
#include "bench/payload.h"
#include "eio/buf.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS_MAX = 19000, EVENTS = 64 };

struct peer {
	int fd;
	unsigned stage; /* how many of the answers it has got */
};

static struct {
	struct sockaddr_in listen;
	unsigned n, size, batch;
	double rate, seconds;
	const char *event;

	struct peer *peers;
	unsigned accepted, joined;
	int epoll;
	uint64_t seq, stalls;
	struct eio_buf block;
	struct hist pass; /* how long one pass over all connections took */
} fl;

/* Connecting */

/* The answer to the upgrade with the open packet behind it; the answer to "40". */
static const char *const answers[] = {
	"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
	"\x81\x5c"
	"0{\"sid\":\"floor\",\"upgrades\":[],\"pingInterval\":3600000,\"pingTimeout\":20000,\"maxPayload\":10000}",
	"\x81\x11"
	"40{\"sid\":\"floor\"}",
};

static void
accept_one(int listener)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct peer *p = &fl.peers[fl.accepted];
	int one = 1;

	p->fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (p->fd < 0) bench_die_errno("accept4");
	setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	ev.data.ptr = p;
	if (epoll_ctl(fl.epoll, EPOLL_CTL_ADD, p->fd, &ev)) bench_die_errno("epoll_ctl");
	fl.accepted++;
}

/* Whatever comes is the next step of the handshake: bench/load sends nothing before it has the answer. */
static void
answer(struct peer *p)
{
	char buf[4096];
	const char *text;
	ssize_t n = recv(p->fd, buf, sizeof(buf), 0);

	if (n <= 0) bench_die("a client left during the handshake");
	if (p->stage == 2) return;
	text = answers[p->stage++];
	if (send(p->fd, text, strlen(text), MSG_NOSIGNAL) != (ssize_t)strlen(text)) bench_die_errno("send");
	if (p->stage == 2) fl.joined++;
}

static void
connect_all(void)
{
	int one = 1, n, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct epoll_event ev = { .events = EPOLLIN }, events[EVENTS];

	fl.epoll = epoll_create1(EPOLL_CLOEXEC);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fl.epoll < 0 || listener < 0 || bind(listener, (struct sockaddr *)&fl.listen, sizeof(fl.listen)) ||
		listen(listener, 1024) || epoll_ctl(fl.epoll, EPOLL_CTL_ADD, listener, &ev))
		bench_die_errno("listen");
	puts("{\"listening\":true}");
	fflush(stdout);
	while (fl.joined < fl.n) {
		n = epoll_wait(fl.epoll, events, EVENTS, -1);
		if (n < 0 && errno != EINTR) bench_die_errno("epoll_wait");
		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr)
				answer(events[i].data.ptr);
			else if (fl.accepted < fl.n)
				accept_one(listener);
		}
	}
	close(listener);
}

/* Sending */

static void
frame(unsigned opcode, size_t n)
{
	unsigned char head[10] = { (unsigned char)(0x80 | opcode) };
	unsigned bytes = n < 126 ? 0 : n < 65536 ? 2 : 8;

	head[1] = (unsigned char)(bytes == 0 ? n : bytes == 2 ? 126 : 127);
	for (unsigned i = 0; i < bytes; i++) head[2 + i] = (unsigned char)(n >> (8 * (bytes - 1 - i)));
	eio_buf_append(&fl.block, head, 2 + bytes);
}

static void
make_block(uint64_t t_ns)
{
	struct payload p = { .t_ns = t_ns, .n = fl.size };
	char text[256], *to;
	int n = snprintf(text, sizeof(text), "451-[\"%s\",{\"_placeholder\":true,\"num\":0}]", fl.event);

	eio_buf_clear(&fl.block);
	frame(1, (size_t)n);
	eio_buf_append(&fl.block, text, (size_t)n);
	frame(2, (size_t)fl.batch * (fl.size + 1) + 1);
	for (unsigned i = 0; i < fl.batch; i++) {
		eio_buf_addc(&fl.block, i ? ',' : '[');
		to = eio_buf_reserve(&fl.block, fl.size);
		if (!to) bench_die("out of memory");
		p.seq = fl.seq++;
		payload_write(to, &p);
		fl.block.n += fl.size;
	}
	eio_buf_addc(&fl.block, ']');
	if (eio_buf_failed(&fl.block)) bench_die("out of memory");
}

/* The rest of a block that a socket did not take at once. A receiver that keeps up never gets here; they are counted. */
static void
send_rest(int fd, size_t done)
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
send_all(void)
{
	const char *block = fl.block.p;
	size_t size = fl.block.n;
	ssize_t n;

	for (unsigned i = 0; i < fl.n; i++) {
		n = send(fl.peers[i].fd, block, size, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n == (ssize_t)size) continue;
		if (n < 0 && errno != EAGAIN) bench_die_errno("send");
		send_rest(fl.peers[i].fd, n < 0 ? 0 : (size_t)n);
	}
}

static void
run_schedule(void)
{
	uint64_t total = (uint64_t)(fl.rate * fl.seconds + 0.5), start = bench_now_ns() + 10000000, t, begin;
	struct timespec at;

	fl.seq = fl.stalls = 0;
	hist_clear(&fl.pass);
	for (uint64_t i = 0; i < total; i++) {
		t = start + (uint64_t)((double)i * 1e9 / fl.rate);
		at = (struct timespec){ .tv_sec = (time_t)(t / 1000000000u), .tv_nsec = (long)(t % 1000000000u) };
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR) continue;
		begin = bench_now_ns();
		make_block(t);
		send_all();
		hist_add(&fl.pass, bench_now_ns() - begin);
	}
	printf("{\"messages\":%" PRIu64 ",\"blocks\":%" PRIu64 ",\"block_bytes\":%zu,\"stalls\":%" PRIu64
	       ",\"pass_us\":",
		fl.seq, total, fl.block.n, fl.stalls);
	hist_print(&fl.pass, stdout);
	puts("}");
	fflush(stdout);
}

/* The command line */

static void
usage(void)
{
	puts("Usage: floor --listen HOST:PORT [OPTION]...\n"
	     "Send one block to many connections as cheaply as the kernel allows.\n\n"
	     "  --listen HOST:PORT      an IPv4 address\n"
	     "  --clients N             how many connections to wait for, 1000\n"
	     "  --event NAME            ticks\n"
	     "  --rate R                blocks per second, 10\n"
	     "  --seconds S             how long after each SIGUSR1, 5\n"
	     "  --size N                bytes of a message, 250\n"
	     "  --batch N               messages in a block, 1");
	exit(0);
}

static void
set_option(int option, const char *text)
{
	switch (option) {
	case 'l': fl.listen = bench_address("--listen", text); break;
	case 'c': fl.n = bench_count("--clients", text, 1, CLIENTS_MAX); break;
	case 'e':
		if (strlen(text) > 100) bench_die("--event: too long");
		fl.event = text;
		break;
	case 'a': fl.rate = bench_number("--rate", text, 0.01, 1e6); break;
	case 's': fl.seconds = bench_number("--seconds", text, 0, 86400); break;
	case 'z': fl.size = bench_count("--size", text, PAYLOAD_MIN, PAYLOAD_MAX); break;
	case 'b': fl.batch = bench_count("--batch", text, 1, 10000); break;
	case 'h': usage(); break;
	default: exit(1);
	}
}

static void
parse(int argc, char **argv)
{
	static const struct option options[] = { { "listen", required_argument, NULL, 'l' },
		{ "clients", required_argument, NULL, 'c' }, { "event", required_argument, NULL, 'e' },
		{ "rate", required_argument, NULL, 'a' }, { "seconds", required_argument, NULL, 's' },
		{ "size", required_argument, NULL, 'z' }, { "batch", required_argument, NULL, 'b' },
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 } };
	int option;

	fl.event = "ticks";
	fl.n = 1000;
	fl.rate = 10;
	fl.seconds = 5;
	fl.size = 250;
	fl.batch = 1;
	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) set_option(option, optarg);
	if (optind < argc) bench_die("%s: what is this? (--help tells)", argv[optind]);
	if (!fl.listen.sin_port) bench_die("--listen is needed (--help tells)");
}

int
main(int argc, char **argv)
{
	sigset_t set;
	int signo;

	parse(argc, argv);
	payload_init();
	bench_open_files(fl.n + 16);
	fl.peers = calloc(fl.n, sizeof(*fl.peers));
	if (!fl.peers) bench_die("out of memory");
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	connect_all();
	while (sigwait(&set, &signo) == 0) run_schedule();
	return 0;
}
