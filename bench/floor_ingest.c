/* SPDX-License-Identifier: MIT */
/* The floor of taking in messages: a subscription whose bytes are read in large blocks and counted. */
#include "bench/floor.h"

#include "bench/bench.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_BYTES = 64 * 1024 };

static uint64_t bytes, reads, last_ns;
static struct bench_usage begin;

static int
ingest_subscribe(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool pattern = fl.channels > 1;
	struct eio_buf b;

	if (fd < 0 || connect(fd, (struct sockaddr *)&fl.redis, sizeof fl.redis)) bench_die_errno("connect");
	eio_buf_init(&b);
	eio_buf_printf(&b, "*2\r\n$%d\r\n%s\r\n$%zu\r\n%s%s\r\n", pattern ? 10 : 9,
		pattern ? "PSUBSCRIBE" : "SUBSCRIBE", strlen(fl.channel) + (pattern ? 2 : 0), fl.channel,
		pattern ? ".*" : "");
	if (eio_buf_failed(&b) || send(fd, b.p, b.n, MSG_NOSIGNAL) != (ssize_t)b.n) bench_die_errno("send");
	eio_buf_deinit(&b);
	return fd;
}

static void
ingest_print_report(void)
{
	struct bench_usage u = bench_usage_now();

	printf("{\"bytes\":%" PRIu64 ",\"reads\":%" PRIu64 ",\"seconds\":%.4f,\"cpu_seconds\":%.6f}\n", bytes, reads,
		(double)(last_ns - begin.wall_ns) / 1e9, (double)(u.cpu_ns - begin.cpu_ns) / 1e9);
	fflush(stdout);
}

static void
read_some(int fd)
{
	static char buf[READ_BYTES];
	ssize_t n = recv(fd, buf, sizeof buf, MSG_DONTWAIT);

	if (n == 0) bench_die("Redis closed the connection");
	if (n < 0 && errno != EAGAIN && errno != EINTR) bench_die_errno("recv");
	if (n <= 0) return;
	bytes += (uint64_t)n;
	reads++;
	last_ns = bench_now_ns();
}

static void
on_ingest_signal(int fd)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof info) != (ssize_t)sizeof info) return;
	if (info.ssi_signo == SIGUSR2) {
		ingest_print_report();
		return;
	}
	bytes = reads = 0;
	begin = bench_usage_now();
	last_ns = begin.wall_ns;
}

void
ingest_run(void)
{
	struct pollfd p[2];
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	p[0] = (struct pollfd){ .fd = ingest_subscribe(), .events = POLLIN };
	p[1] = (struct pollfd){ .fd = signalfd(-1, &set, SFD_CLOEXEC), .events = POLLIN };
	if (p[1].fd < 0) bench_die_errno("signalfd");
	begin = bench_usage_now();
	puts("{\"listening\":true}");
	fflush(stdout);
	for (;;) {
		poll(p, 2, -1);
		if (p[0].revents) read_some(p[0].fd);
		if (p[1].revents) on_ingest_signal(p[1].fd);
	}
}
