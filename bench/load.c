/* SPDX-License-Identifier: MIT */
/*
 * The load generator: thousands of Socket.IO clients that only receive, in one process, from which a server's
 * deliveries are counted and checked. It is not a client library: what no server under test does is an error that ends
 * the run.
 *
 * First all clients connect and join the namespace "/" (and a room, with --join); then "{"ready":N…}" is printed. With
 * --seconds the measurement follows at once. Without, signals steer it: SIGUSR1 begins a measurement (all counts start
 * from zero), SIGHUP ends a --hold, SIGUSR2 prints a report of what came since, SIGTERM ends the program. A report is
 * one line of JSON on the standard output.
 */
#include "bench/load.h"

#include "bench/bench.h"
#include "bench/payload.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { EVENTS = 512, PING_EVERY_NS = 100000000 };

#define SIGNALS UINT64_MAX

static int signals;

static void
connect_more(void)
{
	struct client *c;

	while (load.started < load.n && load.connecting < load.inflight) {
		c = &load.clients[load.started++];
		c->state = CLIENT_OPENING;
		c->connect_ns = bench_now_ns();
		load.connecting++;
		load_connect(c, LINK_MAIN, load.transport);
	}
}

/* What clients do by the clock */

/* In revision 3 clients ping. */
static void
ping_clients(uint64_t now)
{
	static uint64_t next;

	if (load.eio != 3 || load.raw || now < next) return;
	next = now + PING_EVERY_NS;
	for (unsigned i = 0; i < load.started; i++) {
		struct client *c = &load.clients[i];

		if (c->state == CLIENT_CLOSED || c->ping_ns == 0 || now < c->ping_ns) continue;
		c->ping_ns = now + load.ping_interval_ns;
		c->transport->send(c, EIO_LIT("2"));
	}
}

/* One client after the other leaves its room and joins it again. */
static void
churn_rooms(uint64_t now)
{
	uint64_t due = (uint64_t)((double)(now - load.begin_ns) * load.churn / 1e9);
	unsigned n = load.n - load.stopped;

	for (; n > 0 && load.churned < due; load.churned++) {
		/* A step that visits all in an order that is not that of their connections. */
		struct client *c = &load.clients[load.churned * 7919 % n];

		if (c->state != CLIENT_JOINED) continue;
		packets_emit_room(c, load.leave, 0, false);
		packets_emit_room(c, load.join, 0, false);
	}
}

static void
load_tick(void)
{
	uint64_t now = bench_now_ns();

	ping_clients(now);
	if (load.joined == load.n && load.churn > 0) churn_rooms(now);
}

/* The loop */

static void
load_open_signals(void)
{
	static const int which[] = { SIGUSR1, SIGUSR2, SIGHUP, SIGTERM, SIGINT };
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = SIGNALS };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof which / sizeof which[0]; i++) sigaddset(&set, which[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (signals < 0 || epoll_ctl(load.epoll, EPOLL_CTL_ADD, signals, &ev)) bench_die_errno("signalfd");
}

/* Returns false when the program shall end. */
static bool
read_signals(void)
{
	struct signalfd_siginfo info;

	while (read(signals, &info, sizeof info) == (ssize_t)sizeof info) {
		switch (info.ssi_signo) {
		case SIGUSR1:
			report_begin();
			load.holding = load.hold;
			break;
		case SIGUSR2: report_print(); break;
		case SIGHUP: load.holding = false; break;
		default: return false;
		}
	}
	return true;
}

/* How long the loop may wait; 0 when the measurement is over. */
static int
wait_ms(void)
{
	double left = 1000;

	if (load.seconds > 0 && load.joined == load.n) {
		left = load.seconds * 1e3 - (double)(bench_now_ns() - load.begin_ns) / 1e6;
		if (left <= 0) return 0;
		if (left > 1000) left = 1000;
	}
	if (load.eio == 3 && left > 100) left = 100;
	if (load.churn > 0 && left > 5) left = 5;
	return (int)left + 1;
}

/* Nobody reads; what comes waits in the kernel. */
static void
hold_still(int ms)
{
	struct pollfd p = { .fd = signals, .events = POLLIN };

	poll(&p, 1, ms);
}

static bool
load_turn(int ms)
{
	struct epoll_event events[EVENTS];
	int n;

	n = epoll_wait(load.epoll, events, EVENTS, ms);
	if (n < 0 && errno != EINTR) bench_die_errno("epoll_wait");
	for (int i = 0; i < n; i++) {
		uint64_t v = events[i].data.u64;

		if (v == SIGNALS) {
			if (!read_signals()) return false;
			if (load.holding) return true;
			continue;
		}
		load_on_event(&load.clients[v / LINKS], (enum client_link)(v % LINKS), events[i].events);
	}
	return true;
}

static void
load_run(void)
{
	int ms;

	load_open_signals();
	load.connect_ns = bench_now_ns();
	connect_more();
	while ((ms = wait_ms()) > 0) {
		if (load.holding) {
			hold_still(ms);
			if (!read_signals()) return;
			continue;
		}
		if (load.coalesce && load.joined == load.n) usleep(load.coalesce);
		if (!load_turn(ms)) return;
		load_tick();
		/* Not from within load_joined, which runs while a connection is being read. */
		connect_more();
	}
	report_print();
}

int
main(int argc, char **argv)
{
	options_parse(argc, argv);
	bench_open_files(load.n + (load.inflight < load.n ? load.inflight : load.n) * (load.upgrade ? 1 : 0) + 16);
	load.clients = calloc(load.n, sizeof *load.clients);
	if (!load.clients) bench_die("out of memory");
	for (unsigned i = 0; i < load.n; i++) {
		load.clients[i].index = i;
		load.clients[i].transport = load.transport;
		for (unsigned j = 0; j < LINKS; j++) load.clients[i].fd[j] = -1;
	}
	payload_init();
	check_init(load.event, (load.n + load.sample - 1) / load.sample);
	load.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (load.epoll < 0) bench_die_errno("epoll_create1");
	load_run();
	return 0;
}
