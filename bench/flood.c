/* SPDX-License-Identifier: MIT */
/*
 * The flood: stands where Redis does when it is measured how much a server takes in, because a Redis is slower than
 * that. It answers a subscriber's commands, and at each SIGUSR1 sends it messages by a schedule, or as fast as it takes
 * them. The messages are those of bench/publish. That a subscriber does not take them at once is normal, TCP holds the
 * flood back; it is counted. SIGTERM ends the program. One line of JSON tells when it listens, and one what was sent
 * each time.
 */
#include "bench/flood.h"

#include "bench/bench.h"
#include "bench/hist.h"
#include "bench/payload.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

enum {
	EVENTS = 64,
	BLOCK = 256 * 1024, /* so much is made ready at a time */
	STALL_MS = 1000,
	STALLS_MAX = 30, /* a subscriber that takes nothing for so many seconds ends the program */
};

static struct hist behind; /* how long after its time a message was made ready */
static int signals;

/* Messages */

/* "250\r\n": mostly the same as before. */
static struct eio_bytes
length_text(unsigned n)
{
	static char text[16];
	static unsigned last, length;

	if (n != last) length = (unsigned)sprintf(text, "%u\r\n", n);
	last = n;
	return eio_bytes(text, length);
}

static void
flood_append(struct connection *c, const struct payload *p)
{
	struct eio_bytes head = c->heads[p->channel], length = length_text(p->n);
	char *to = eio_buf_reserve(&c->out, head.n + length.n + p->n + 2);

	if (!to) bench_die("out of memory");
	memcpy(to, head.p, head.n);
	memcpy(to + head.n, length.p, length.n);
	to += head.n + length.n;
	payload_write(to, p);
	memcpy(to + p->n, "\r\n", 2);
	c->out.n += head.n + length.n + p->n + 2;
}

/* Gives one message to all that are subscribed. */
static void
flood_publish(const struct payload *p)
{
	for (unsigned i = 0; i < flood.used; i++) {
		struct connection *c = &flood.connections[i];

		if (c->fd >= 0 && c->heads && c->heads[p->channel].n) flood_append(c, p);
	}
}

static bool
has_room(void)
{
	for (unsigned i = 0; i < flood.used; i++)
		if (flood.connections[i].fd >= 0 && flood.connections[i].out.n - flood.connections[i].out_at > BLOCK)
			return false;
	return true;
}

static bool
is_subscribed(void)
{
	for (unsigned i = 0; i < flood.used; i++)
		if (flood.connections[i].fd >= 0 && flood.connections[i].heads) return true;
	return false;
}

static unsigned
flood_message_size(uint64_t i)
{
	if (flood.size) return flood.size;
	return i % 50 == 49 ? 30000 : 3000;
}

/* The schedule */

struct run {
	uint64_t start, sent, bytes, total;
};

static bool
flood_is_over(const struct run *r, uint64_t now)
{
	if (r->total) return r->sent >= r->total;
	return (double)(now - r->start) >= flood.seconds * 1e9;
}

static uint64_t
flood_due_ns(const struct run *r, uint64_t now)
{
	return flood.rate > 0 ? r->start + (uint64_t)((double)r->sent * 1e9 / flood.rate) : now;
}

/* Makes ready what is due, up to a block. Without a schedule all of a block has the time at which it was begun. */
static void
flood_make(struct run *r)
{
	uint64_t now = bench_now_ns(), t;
	struct payload p;

	while (!flood_is_over(r, now) && (t = flood_due_ns(r, now)) <= now && has_room()) {
		p = (struct payload){
			.seq = r->sent / flood.channels,
			.t_ns = t,
			.channel = (unsigned)(r->sent % flood.channels),
			.n = flood_message_size(r->sent),
		};
		flood_publish(&p);
		hist_add(&behind, now - t);
		r->sent++;
		r->bytes += p.n;
	}
}

/* Waits until a subscriber takes more, and reads what they say meanwhile. */
static void
wait_for_room(void)
{
	struct pollfd p[CONNECTIONS_MAX];
	uint64_t before = bench_now_ns();
	static unsigned waited;

	for (unsigned i = 0; i < flood.used; i++) {
		struct connection *c = &flood.connections[i];

		p[i] = (struct pollfd){ .fd = c->fd, .events = POLLIN };
		if (c->fd >= 0 && c->out_at < c->out.n) p[i].events |= POLLOUT;
	}
	waited = poll(p, flood.used, STALL_MS) == 0 ? waited + 1 : 0;
	if (waited == STALLS_MAX) bench_die("a subscriber takes nothing any more");
	for (unsigned i = 0; i < flood.used; i++)
		if (p[i].revents & (POLLIN | POLLHUP | POLLERR)) server_read(&flood.connections[i]);
	flood.stalls++;
	flood.stalled_ns += bench_now_ns() - before;
}

static bool
write_all(void)
{
	bool all = true;

	for (unsigned i = 0; i < flood.used; i++) all &= server_write(&flood.connections[i]);
	return all;
}

static void
flood_print_report(const struct run *r, const struct bench_usage *before)
{
	struct bench_usage u = bench_usage_now();
	double wall = (double)(u.wall_ns - before->wall_ns), cpu = (double)(u.cpu_ns - before->cpu_ns) / wall;
	double wait = (double)(u.wait_ns - before->wait_ns) / wall;

	printf("{\"messages\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"channels\":%u,\"seconds\":%.4f,\"stalls\":%" PRIu64
	       ",\"stalled_seconds\":%.4f,\"behind_us\":",
		r->sent, r->bytes, flood.channels, wall / 1e9, flood.stalls, (double)flood.stalled_ns / 1e9);
	hist_print(&behind, stdout);
	printf(",\"generator\":{\"cpu\":%.3f,\"wait\":%.3f,\"limit\":%s}}\n", cpu, wait,
		cpu + wait > 0.9 ? "true" : "false");
	fflush(stdout);
}

static void
flood_run_schedule(void)
{
	struct bench_usage before = bench_usage_now();
	struct run r = { .start = before.wall_ns, .total = flood.messages };
	bool all = true;

	if (!is_subscribed()) bench_die("nobody is subscribed");
	if (r.total == 0 && flood.rate > 0) r.total = (uint64_t)(flood.rate * flood.seconds + 0.5);
	flood.stalls = flood.stalled_ns = 0;
	hist_clear(&behind);
	while (!flood_is_over(&r, bench_now_ns()) || !all) {
		/* A block is written whole before the next is made, so that the buffers do not grow. */
		if (all) flood_make(&r);
		all = write_all();
		if (!is_subscribed()) bench_die("the subscriber left after %" PRIu64 " messages", r.sent);
		if (!all)
			wait_for_room();
		else if (flood.rate > 0 && !flood_is_over(&r, bench_now_ns()))
			bench_sleep_until(flood_due_ns(&r, 0));
	}
	flood_print_report(&r, &before);
}

/* The loop */

static void
flood_open_signals(void)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = &signals };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (signals < 0 || epoll_ctl(flood.epoll, EPOLL_CTL_ADD, signals, &ev)) bench_die_errno("signalfd");
}

static void
on_flood_event(void *which)
{
	struct signalfd_siginfo info;

	if (!which)
		server_accept();
	else if (which != &signals)
		server_read(which);
	else if (read(signals, &info, sizeof info) == (ssize_t)sizeof info)
		flood_run_schedule();
}

static void
flood_serve(void)
{
	struct epoll_event events[EVENTS];
	int n;

	puts("{\"listening\":true}");
	fflush(stdout);
	for (;;) {
		n = epoll_wait(flood.epoll, events, EVENTS, -1);
		if (n < 0 && errno != EINTR) bench_die_errno("epoll_wait");
		for (int i = 0; i < n; i++) on_flood_event(events[i].data.ptr);
	}
}

/* The command line */

static void
flood_usage(void)
{
	puts("Usage: flood --listen HOST:PORT [OPTION]...\n"
	     "Stand for a Redis whose subscribers get messages faster than a Redis can send them.\n\n"
	     "  --listen HOST:PORT      an IPv4 address\n"
	     "  --channel NAME          ticks; with several channels NAME.0, NAME.1 and so on\n"
	     "  --channels N            how many, in turn, 1\n"
	     "  --rate R                messages per second over all channels; 0, the default: as fast as they are taken\n"
	     "  --seconds S             how long after each SIGUSR1, 5\n"
	     "  --messages N            how many, instead of --seconds\n"
	     "  --size N                bytes of a message, 250; story: 3000, and 30000 every fiftieth");
	exit(0);
}

static void
flood_set_option(int option, const char *text)
{
	switch (option) {
	case 'l': flood.listen = bench_address("--listen", text); break;
	case 'c':
		if (strlen(text) > 100) bench_die("--channel: too long");
		flood.channel = text;
		break;
	case 'n': flood.channels = bench_count("--channels", text, 1, CHANNELS_MAX); break;
	case 'a': flood.rate = bench_number("--rate", text, 0, 1e8); break;
	case 's': flood.seconds = bench_number("--seconds", text, 0, 86400); break;
	case 'm': flood.messages = bench_count("--messages", text, 1, UINT32_MAX); break;
	case 'z': flood.size = strcmp(text, "story") ? bench_count("--size", text, PAYLOAD_MIN, PAYLOAD_MAX) : 0; break;
	case 'h': flood_usage(); break;
	default: exit(1);
	}
}

static void
flood_parse(int argc, char **argv)
{
	static const struct option options[] = { { "listen", required_argument, NULL, 'l' },
		{ "channel", required_argument, NULL, 'c' }, { "channels", required_argument, NULL, 'n' },
		{ "rate", required_argument, NULL, 'a' }, { "seconds", required_argument, NULL, 's' },
		{ "messages", required_argument, NULL, 'm' }, { "size", required_argument, NULL, 'z' },
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 } };
	int option;

	flood.channel = "ticks";
	flood.channels = 1;
	flood.seconds = 5;
	flood.size = 250;
	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) flood_set_option(option, optarg);
	if (optind < argc) bench_die("%s: what is this? (--help tells)", argv[optind]);
	if (!flood.listen.sin_port) bench_die("--listen is needed (--help tells)");
}

int
main(int argc, char **argv)
{
	flood_parse(argc, argv);
	payload_init();
	flood.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (flood.epoll < 0) bench_die_errno("epoll_create1");
	server_open();
	flood_open_signals();
	flood_serve();
	return 0;
}
