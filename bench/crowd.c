/* SPDX-License-Identifier: MIT */
/*
 * The crowd: how long a client that does nothing wrong waits while others flood. So many connections of a process of
 * its own send requests, POSTs full of events or WebSocket messages as fast as they are taken, and read what comes
 * back; a bystander asks for one small thing each millisecond, on a connection of its own, and its waits are told as
 * one line of JSON.
 *
 *     crowd --to 127.0.0.1:3000 --flood 10 --kind get|post|ws [--seconds 5]
 */
#include "bench/bench.h"
#include "bench/hist.h"
#include "eio/buf.h"

#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FLOOD_MAX = 1024, FLOOD_BYTES = 1 << 18, EVENTS_PER_POST = 50000, READ_BYTES = 1 << 16 };

static struct sockaddr_in server;
static const char get_request[] = "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n";

static int
dial_server(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&server, sizeof server)) bench_die_errno("connect");
	return fd;
}

static void
send_all(int fd, const void *p, size_t n)
{
	for (ssize_t sent; n; p = (const char *)p + sent, n -= (size_t)sent)
		if ((sent = send(fd, p, n, MSG_NOSIGNAL)) <= 0) bench_die_errno("send");
}

/* Sends a request and reads its answer, which comes in one piece, into text. */
static void
ask_server(int fd, const char *request, char *text, size_t n)
{
	ssize_t got;

	send_all(fd, request, strlen(request));
	got = recv(fd, text, n - 1, 0);
	if (got <= 0) bench_die("no answer to %.40s", request);
	text[got] = '\0';
}

/* A session in "/", opened over a connection. Stores its sid. */
static void
open_polling(int fd, char sid[32])
{
	char text[4096], request[256];
	const char *at;

	ask_server(fd, "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: a\r\n\r\n", text, sizeof text);
	at = strstr(text, "\"sid\":\"");
	if (!at || sscanf(at + 7, "%20[^\"]", sid) != 1) bench_die("no session: %s", text);
	snprintf(request, sizeof request,
		"POST /socket.io/?EIO=4&transport=polling&sid=%s HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n40",
		sid);
	ask_server(fd, request, text, sizeof text);
}

/* What floods, to be sent again and again. */
static void
make_flood(int fd, const char *kind, struct eio_buf *out)
{
	char sid[32], text[4096];

	if (strcmp(kind, "get") == 0) {
		while (out->n < FLOOD_BYTES) EIO_BUF_ADD_LIT(out, get_request);
	} else if (strcmp(kind, "post") == 0) {
		open_polling(fd, sid);
		eio_buf_printf(out,
			"POST /socket.io/?EIO=4&transport=polling&sid=%s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n",
			sid, EVENTS_PER_POST * 8 - 1);
		for (int i = 0; i < EVENTS_PER_POST; i++)
			eio_buf_append(out, "42[\"a\"]\x1e", 8 - (i == EVENTS_PER_POST - 1));
	} else if (strcmp(kind, "ws") == 0) {
		ask_server(fd,
			"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
			text, sizeof text);
		send_all(fd,
			"\x81\x82\0\0\0\0"
			"40",
			8);
		while (out->n < FLOOD_BYTES)
			eio_buf_append(out,
				"\x81\x87\0\0\0\0"
				"42[\"a\"]",
				13);
	} else {
		bench_die("--kind %s: get, post or ws", kind);
	}
	if (eio_buf_failed(out)) bench_die("out of memory");
}

static void
run_flood(unsigned n, const char *kind)
{
	static struct pollfd fds[FLOOD_MAX];
	static struct eio_buf out[FLOOD_MAX];
	static size_t at[FLOOD_MAX];
	static char sink[READ_BYTES];
	ssize_t sent;

	for (unsigned i = 0; i < n; i++) {
		fds[i] = (struct pollfd){ .fd = dial_server(), .events = POLLIN | POLLOUT };
		make_flood(fds[i].fd, kind, &out[i]);
	}
	while (poll(fds, n, -1) > 0) {
		for (unsigned i = 0; i < n; i++) {
			if (fds[i].revents & POLLIN && recv(fds[i].fd, sink, sizeof sink, MSG_DONTWAIT) == 0)
				bench_die("the flood was ended");
			if (!(fds[i].revents & POLLOUT)) continue;
			sent = send(fds[i].fd, out[i].p + at[i], out[i].n - at[i], MSG_DONTWAIT | MSG_NOSIGNAL);
			if (sent > 0) at[i] = (at[i] + (size_t)sent) % out[i].n;
		}
	}
}

static void
watch_waits(double seconds, unsigned flood, const char *kind)
{
	static struct hist waits;
	uint64_t end = bench_now_ns() + (uint64_t)(seconds * 1e9), next = bench_now_ns(), from;
	int fd = dial_server();
	char text[4096];

	while (bench_now_ns() < end) {
		from = bench_now_ns();
		ask_server(fd, get_request, text, sizeof text);
		hist_add(&waits, bench_now_ns() - from);
		next += 1000000;
		if (next > bench_now_ns())
			bench_sleep_until(next);
		else
			next = bench_now_ns();
	}
	printf("{\"flood\":%u,\"kind\":\"%s\",\"waits\":", flood, kind);
	hist_print(&waits, stdout);
	printf("}\n");
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = { { "to", 1, NULL, 't' }, { "flood", 1, NULL, 'f' },
		{ "kind", 1, NULL, 'k' }, { "seconds", 1, NULL, 's' }, { NULL, 0, NULL, 0 } };
	const char *kind = "get";
	unsigned flood = 10;
	double seconds = 5;
	pid_t child;

	server = bench_address("--to", "127.0.0.1:3000");
	for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
		switch (c) {
		case 't': server = bench_address("--to", optarg); break;
		case 'f': flood = bench_count("--flood", optarg, 0, FLOOD_MAX); break;
		case 'k': kind = optarg; break;
		case 's': seconds = bench_number("--seconds", optarg, 1, 3600); break;
		default: return 2;
		}
	}
	child = flood ? fork() : 0;
	if (flood && child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		run_flood(flood, kind);
	}
	if (flood) bench_sleep_until(bench_now_ns() + 1000000000);
	watch_waits(seconds, flood, kind);
	if (flood) {
		kill(child, SIGTERM);
		waitpid(child, NULL, 0);
	}
	return 0;
}
