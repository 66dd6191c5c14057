/* SPDX-License-Identifier: MIT */
/*
 * A storm of clients that come back: so many WebSocket clients as Socket.IO 4.6 and later, of which each remembers the
 * pid of its session and the offset of its last event, lose their connections, and return at once. Steered by signals;
 * each is answered by one line of JSON.
 *
 *     storm --url 127.0.0.1:3000 --clients 10000 [--inflight 1000] [--path /socket.io/]
 *
 *     at first   {"ready":N}: all are connected
 *     SIGHUP     {"messages":{…}}: what each has got since its first connection
 *     SIGUSR1    {"cut":N}: all connections are closed
 *     SIGUSR2    {"returned":N,"recovered":N,"seconds":…,"latency_us":{…},"messages":{…},"generator":…}: all are back,
 *                at most --inflight between connect() and the answer to their CONNECT
 *     SIGTERM    ends it
 */
#include "bench/storm.h"

#include "bench/bench.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 512, READ_BYTES = 1 << 18 };

static int storm_epoll, storm_signals;
static struct hist returns;
static uint64_t began_ns;
static struct bench_usage began_usage;

/* What is told */

static void
print_messages(void)
{
	uint64_t sum = 0, min = UINT64_MAX, max = 0;

	for (unsigned i = 0; i < storm.n; i++) {
		uint64_t v = storm.clients[i].messages;

		sum += v;
		if (v < min) min = v;
		if (v > max) max = v;
	}
	printf("\"messages\":{\"sum\":%" PRIu64 ",\"min\":%" PRIu64 ",\"max\":%" PRIu64 "}", sum, min, max);
}

static void
print_returned(void)
{
	struct bench_usage u = bench_usage_now();
	double wall = (double)(u.wall_ns - began_usage.wall_ns);
	unsigned recovered = 0;

	for (unsigned i = 0; i < storm.n; i++) recovered += storm.clients[i].recovered;
	printf("{\"returned\":%u,\"recovered\":%u,\"seconds\":%.3f,\"latency_us\":", storm.n, recovered,
		(double)(bench_now_ns() - began_ns) / 1e9);
	hist_print(&returns, stdout);
	putchar(',');
	print_messages();
	printf(",\"generator\":{\"cpu\":%.3f,\"wait\":%.3f}}\n", (double)(u.cpu_ns - began_usage.cpu_ns) / wall,
		(double)(u.wait_ns - began_usage.wait_ns) / wall);
}

/* Connections */

static void
connect_one(struct storm_client *c)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.u64 = c->index };

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0) bench_die_errno("socket");
	c->begun_ns = bench_now_ns();
	c->step = STORM_CONNECTING;
	if (connect(c->fd, (const struct sockaddr *)&storm.server, sizeof storm.server) && errno != EINPROGRESS)
		bench_die_errno("connect");
	if (epoll_ctl(storm_epoll, EPOLL_CTL_ADD, c->fd, &ev)) bench_die_errno("epoll_ctl");
}

static void
connect_some(void)
{
	while (storm.started < storm.n && storm.started - storm.joined < storm.inflight)
		connect_one(&storm.clients[storm.started++]);
}

static void
count_joined(struct storm_client *c)
{
	hist_add(&returns, bench_now_ns() - c->begun_ns);
	if (++storm.joined < storm.n) return;
	if (storm.returning)
		print_returned();
	else
		printf("{\"ready\":%u}\n", storm.n);
	fflush(stdout);
}

static void
cut_all(void)
{
	if (storm.joined < storm.n) bench_die("not all are there yet");
	for (unsigned i = 0; i < storm.n; i++) {
		struct storm_client *c = &storm.clients[i];

		close(c->fd);
		c->fd = -1;
		storm_forget_input(c);
	}
	storm.joined = storm.started = 0;
	printf("{\"cut\":%u}\n", storm.n);
	fflush(stdout);
}

static void
return_all(void)
{
	if (storm.started) bench_die("they are not away");
	storm.returning = true;
	hist_clear(&returns);
	began_ns = bench_now_ns();
	began_usage = bench_usage_now();
	connect_some();
}

static void
on_input(struct storm_client *c)
{
	static char mem[READ_BYTES];
	ssize_t n;

	while (c->fd >= 0 && (n = recv(c->fd, mem, sizeof mem, 0)) != 0) {
		if (n < 0 && errno == EAGAIN) return;
		if (n < 0) bench_die_errno("client %u: recv", c->index);
		storm_input(c, eio_bytes(mem, (size_t)n));
	}
	bench_die("client %u: the server closed its connection", c->index);
}

static void
on_client(struct storm_client *c, uint32_t events)
{
	int error = 0;
	socklen_t n = sizeof error;

	if (c->fd < 0) return;
	if (c->step == STORM_CONNECTING && events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) {
		if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &n) || error)
			bench_die("client %u: connect: %s", c->index, strerror(error));
		storm_open(c);
	}
	if (events & EPOLLIN) on_input(c);
}

/* The loop */

/* Returns false when the program shall end. */
static bool
take_signals(void)
{
	struct signalfd_siginfo info;

	while (read(storm_signals, &info, sizeof info) == (ssize_t)sizeof info) {
		switch (info.ssi_signo) {
		case SIGHUP:
			putchar('{');
			print_messages();
			puts("}");
			fflush(stdout);
			break;
		case SIGUSR1: cut_all(); break;
		case SIGUSR2: return_all(); break;
		default: return false;
		}
	}
	return true;
}

static void
open_storm_signals(void)
{
	static const int which[] = { SIGUSR1, SIGUSR2, SIGHUP, SIGTERM, SIGINT };
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = UINT64_MAX };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof which / sizeof which[0]; i++) sigaddset(&set, which[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	storm_signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (storm_signals < 0 || epoll_ctl(storm_epoll, EPOLL_CTL_ADD, storm_signals, &ev)) bench_die_errno("signalfd");
}

static void
run_storm(void)
{
	struct epoll_event events[EVENTS];
	int n;

	connect_some();
	for (;;) {
		n = epoll_wait(storm_epoll, events, EVENTS, -1);
		if (n < 0 && errno != EINTR) bench_die_errno("epoll_wait");
		for (int i = 0; i < n; i++) {
			if (events[i].data.u64 != UINT64_MAX)
				on_client(&storm.clients[events[i].data.u64], events[i].events);
			else if (!take_signals())
				return;
		}
		if (storm.started) connect_some();
	}
}

static void
parse_storm_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "url", required_argument, NULL, 'u' },
		{ "clients", required_argument, NULL, 'n' },
		{ "inflight", required_argument, NULL, 'i' },
		{ "path", required_argument, NULL, 'p' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'u':
			storm.host = optarg;
			storm.server = bench_address("--url", optarg);
			break;
		case 'n': storm.n = bench_count("--clients", optarg, 1, 1000000); break;
		case 'i': storm.inflight = bench_count("--inflight", optarg, 1, 1000000); break;
		case 'p': storm.path = bench_short_text("--path", optarg, 200); break;
		default: exit(2);
		}
	}
	if (!storm.n || !storm.host) bench_die("--url and --clients are needed");
}

int
main(int argc, char **argv)
{
	parse_storm_options(argc, argv);
	bench_open_files(storm.n + 16);
	storm.clients = calloc(storm.n, sizeof *storm.clients);
	if (!storm.clients) bench_die("out of memory");
	for (unsigned i = 0; i < storm.n; i++) storm.clients[i].index = i;
	storm_epoll = epoll_create1(EPOLL_CLOEXEC);
	if (storm_epoll < 0) bench_die_errno("epoll_create1");
	storm.on_joined = count_joined;
	open_storm_signals();
	run_storm();
	return 0;
}
