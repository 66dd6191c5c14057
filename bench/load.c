/* SPDX-License-Identifier: MIT */
/*
 * The load generator: thousands of Socket.IO clients that only receive, in one process, from which a server's deliveries are
 * counted and checked. It is not a client library: what no server under test does is an error that ends the run.
 *
 * First all clients connect and join the namespace "/"; then "{"ready":N…}" is printed. With --seconds the measurement
 * follows at once. Without, signals steer it: SIGUSR1 begins a measurement (all counts start from zero), SIGUSR2 prints a
 * report of what came since, SIGTERM ends the program. A report is one line of JSON on the standard output.
 */
#include "bench/load.h"

#include "bench/bench.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	CLIENTS_MAX = 19000, /* open files are limited, and a few are needed for other things */
	READ_BYTES = 256 * 1024,
	EVENTS = 512,
	SOURCES_MAX = 250, /* 127.0.0.2 and so on */
};

struct load load;

static struct bench_usage begin_usage;
static uint64_t begin_ns, connect_ns;

/* Sockets */

static void
epoll_set(struct client *c, int op, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = c };

	if (epoll_ctl(load.epoll, op, c->fd, &ev)) bench_die_errno("epoll_ctl");
}

void
load_fail(struct client *c, const char *fmt, ...)
{
	va_list ap;

	if (c->state == CLIENT_CLOSED) return;
	/* One is told whole; thousands would say the same. */
	if (load.closed == 0) {
		va_start(ap, fmt);
		fprintf(stderr, "load: client %u: ", c->index);
		vfprintf(stderr, fmt, ap);
		fputc('\n', stderr);
		va_end(ap);
	}
	if (load.joined < load.n) bench_die("%u of %u clients had joined", load.joined, load.n);
	load.closed++;
	c->state = CLIENT_CLOSED;
	close(c->fd);
	load.transport->reset(c);
}

void
load_send(struct client *c, const void *p, size_t n)
{
	if (c->state == CLIENT_CLOSED || n == 0) return;
	if (send(c->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)n) load_fail(c, "send: %s", strerror(errno));
}

/* Connects from one of the loopback addresses: the kernel chooses a free port of it, and when there is none any more,
 * the next address is taken. */
static void
connect_client(struct client *c)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	int one = 1;

	for (; load.sources < SOURCES_MAX; load.sources++) {
		c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (c->fd < 0) bench_die_errno("socket");
		from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + load.sources);
		setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
		if (bind(c->fd, (struct sockaddr *)&from, sizeof(from))) bench_die_errno("bind");
		if (connect(c->fd, (struct sockaddr *)&load.server, sizeof(load.server)) == 0 || errno == EINPROGRESS) {
			c->state = CLIENT_CONNECTING;
			load.connecting++;
			epoll_set(c, EPOLL_CTL_ADD, EPOLLOUT);
			return;
		}
		if (errno != EADDRNOTAVAIL) bench_die_errno("connect");
		close(c->fd);
	}
	bench_die("no local port is left on %d addresses", SOURCES_MAX);
}

static void
connect_more(void)
{
	while (load.started < load.n && load.connecting < load.inflight) connect_client(&load.clients[load.started++]);
}

static void
on_connected(struct client *c)
{
	int err = 0, one = 1;
	socklen_t n = sizeof(err);

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &n)) err = errno;
	if (err) bench_die("connect: %s", strerror(err));
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	epoll_set(c, EPOLL_CTL_MOD, EPOLLIN);
	load.transport->start(c);
}

static void
on_readable(struct client *c)
{
	static char buf[READ_BYTES];
	ssize_t n = recv(c->fd, buf, sizeof(buf), MSG_DONTWAIT);

	if (n > 0) {
		load.received += (uint64_t)n;
		load.last_ns = bench_now_ns();
		load.transport->input(c, buf, (size_t)n);
	} else if (n == 0) {
		load_fail(c, "the server closed the connection");
	} else if (errno != EAGAIN && errno != EINTR) {
		load_fail(c, "recv: %s", strerror(errno));
	}
}

static void
on_event(struct client *c, uint32_t events)
{
	if (c->state == CLIENT_CLOSED) return;
	if (c->state == CLIENT_CONNECTING && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) && !(events & EPOLLIN))
		on_connected(c);
	else
		on_readable(c);
}

/* Measuring */

static void
begin(void)
{
	packets_begin(load.clients, load.n);
	load.received = load.pings = 0;
	begin_usage = bench_usage_now();
	begin_ns = load.last_ns = begin_usage.wall_ns;
}

static void
print_ready(void)
{
	printf("{\"ready\":%u,\"seconds\":%.3f,\"sources\":%u}\n", load.n, (double)(bench_now_ns() - connect_ns) / 1e9,
		load.sources + 1);
	fflush(stdout);
}

void
load_joined(struct client *c)
{
	if (c->state == CLIENT_JOINED) return;
	c->state = CLIENT_JOINED;
	load.joined++;
	load.connecting--;
	connect_more();
	if (load.joined < load.n) return;
	print_ready();
	begin();
}

/* Sum, least and most of one count over all clients. */
static void
print_counts(const char *name, size_t offset)
{
	uint64_t sum = 0, min = UINT64_MAX, max = 0, v;

	for (unsigned i = 0; i < load.n; i++) {
		memcpy(&v, (const char *)&load.clients[i].counts + offset, sizeof(v));
		sum += v;
		if (v < min) min = v;
		if (v > max) max = v;
	}
	printf("\"%s\":{\"sum\":%" PRIu64 ",\"min\":%" PRIu64 ",\"max\":%" PRIu64 "},", name, sum, min, max);
}

/* The processor time that this program took; when it was near to all there is, the figures are about it, not the server. */
static void
print_usage(void)
{
	struct bench_usage u = bench_usage_now();
	double wall = (double)(u.wall_ns - begin_usage.wall_ns), cpu = (double)(u.cpu_ns - begin_usage.cpu_ns) / wall;
	double wait = (double)(u.wait_ns - begin_usage.wait_ns) / wall;

	printf("\"generator\":{\"cpu\":%.3f,\"wait\":%.3f,\"limit\":%s}", cpu, wait, cpu > 0.9 ? "true" : "false");
}

static void
report(void)
{
	printf("{\"clients\":%u,\"open\":%u,\"seconds\":%.3f,\"received\":%" PRIu64 ",\"pings\":%" PRIu64 ",", load.n,
		load.joined - load.closed, (double)(load.last_ns - begin_ns) / 1e9, load.received, load.pings);
	print_counts("frames", offsetof(struct counts, frames));
	print_counts("events", offsetof(struct counts, events));
	print_counts("messages", offsetof(struct counts, messages));
	print_counts("bytes", offsetof(struct counts, bytes));
	packets_report(stdout);
	putchar(',');
	print_usage();
	puts("}");
	fflush(stdout);
}

/* The loop */

static int
open_signals(void)
{
	struct epoll_event ev = { .events = EPOLLIN };
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0 || epoll_ctl(load.epoll, EPOLL_CTL_ADD, fd, &ev)) bench_die_errno("signalfd");
	return fd;
}

/* Returns false when the program shall end. */
static bool
on_signal(int fd)
{
	struct signalfd_siginfo info;

	while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGUSR1: begin(); break;
		case SIGUSR2: report(); break;
		default: return false;
		}
	}
	return true;
}

/* How long the loop may wait; 0 when the measurement is over. */
static int
wait_ms(void)
{
	double left;

	if (load.seconds == 0 || load.joined < load.n) return 1000;
	left = load.seconds * 1e3 - (double)(bench_now_ns() - begin_ns) / 1e6;
	return left > 0 ? (int)left + 1 : 0;
}

static void
run(void)
{
	struct epoll_event events[EVENTS];
	int signals = open_signals(), n, ms;

	connect_ns = bench_now_ns();
	connect_more();
	while ((ms = wait_ms()) > 0) {
		if (load.coalesce && load.joined == load.n) usleep(load.coalesce);
		n = epoll_wait(load.epoll, events, EVENTS, ms);
		if (n < 0 && errno != EINTR) bench_die_errno("epoll_wait");
		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr)
				on_event(events[i].data.ptr, events[i].events);
			else if (!on_signal(signals))
				return;
		}
	}
	report();
}

/* The command line */

static void
usage(void)
{
	puts("Usage: load --url HOST:PORT [OPTION]...\n"
	     "Connect many Socket.IO clients that count and check what they receive.\n\n"
	     "  --url HOST:PORT         the server, an IPv4 address\n"
	     "  --path PATH             of its endpoint, /socket.io/\n"
	     "  --clients N             how many, 1000\n"
	     "  --transport NAME        websocket or polling, websocket\n"
	     "  --event NAME            the event to expect, ticks\n"
	     "  --seconds S             measure so long and report; 0, the default: SIGUSR1 begins, SIGUSR2 reports\n"
	     "  --sample N              check one client in N to the byte, 16\n"
	     "  --coalesce US           look for data only every so many microseconds, 0; see below\n"
	     "  --inflight N            how many connect at a time, 100\n"
	     "  --source N              first address to connect from is 127.0.0.(1+N), 1\n\n"
	     "On loopback a send() to a program that waits also wakes it up, and pays for that: a cost that no server has\n"
	     "whose clients are elsewhere. With --coalesce the clients do not wait for data but look for it. Costs are measured\n"
	     "that way, latency is not.");
	exit(0);
}

static void
set_option(int option, const char *text)
{
	switch (option) {
	case 'u':
		load.server = bench_address("--url", text);
		load.host = text;
		break;
	case 'p': load.path = text; break;
	case 'c': load.n = bench_count("--clients", text, 1, CLIENTS_MAX); break;
	case 't':
		if (strcmp(text, "websocket") && strcmp(text, "polling")) bench_die("--transport %s: not known", text);
		load.transport = text[0] == 'w' ? &transport_ws : &transport_polling;
		break;
	case 'e': load.event = text; break;
	case 's': load.seconds = bench_number("--seconds", text, 0, 86400); break;
	case 'm': load.sample = bench_count("--sample", text, 1, CLIENTS_MAX); break;
	case 'o': load.coalesce = bench_count("--coalesce", text, 0, 100000); break;
	case 'i': load.inflight = bench_count("--inflight", text, 1, CLIENTS_MAX); break;
	case 'f': load.sources = bench_count("--source", text, 1, SOURCES_MAX) - 1; break;
	case 'h': usage(); break;
	default: exit(1);
	}
}

static void
parse(int argc, char **argv)
{
	static const struct option options[] = { { "url", required_argument, NULL, 'u' },
		{ "path", required_argument, NULL, 'p' }, { "clients", required_argument, NULL, 'c' },
		{ "transport", required_argument, NULL, 't' }, { "event", required_argument, NULL, 'e' },
		{ "seconds", required_argument, NULL, 's' }, { "sample", required_argument, NULL, 'm' },
		{ "coalesce", required_argument, NULL, 'o' }, { "inflight", required_argument, NULL, 'i' },
		{ "source", required_argument, NULL, 'f' }, { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 } };
	int option;

	load = (struct load){ .path = "/socket.io/",
		.event = "ticks",
		.transport = &transport_ws,
		.n = 1000,
		.sample = 16,
		.inflight = 100 };
	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) set_option(option, optarg);
	if (optind < argc) bench_die("%s: what is this? (--help tells)", argv[optind]);
	if (!load.host) bench_die("--url is needed (--help tells)");
}

int
main(int argc, char **argv)
{
	parse(argc, argv);
	bench_open_files(load.n + 16);
	load.clients = calloc(load.n, sizeof(*load.clients));
	if (!load.clients) bench_die("out of memory");
	for (unsigned i = 0; i < load.n; i++) load.clients[i].index = i;
	packets_init(load.event, (load.n + load.sample - 1) / load.sample);
	load.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (load.epoll < 0) bench_die_errno("epoll_create1");
	run();
	return 0;
}
