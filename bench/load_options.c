/* SPDX-License-Identifier: MIT */
/* The command line of the load generator. */
#include "bench/load.h"

#include "bench/bench.h"

#include <getopt.h>
#include <stdlib.h>

enum { NAME_BYTES = 40 };

enum {
	CLIENTS_MAX = 19000, /* open files are limited, and a few are needed for other things */
	FIRST_MAX = 1000000,
	SOURCES_MAX = 250,
};

enum {
	OPT_URL = 256,
	OPT_PATH,
	OPT_CLIENTS,
	OPT_FIRST,
	OPT_TRANSPORT,
	OPT_EIO,
	OPT_B64,
	OPT_DEFLATE,
	OPT_GZIP,
	OPT_EVENT,
	OPT_JOIN,
	OPT_LEAVE,
	OPT_ROOMS,
	OPT_JOINS,
	OPT_CHURN,
	OPT_STOPPED,
	OPT_HOLD,
	OPT_RCVBUF,
	OPT_SECONDS,
	OPT_SAMPLE,
	OPT_EXPECT_ANY,
	OPT_CELLS,
	OPT_COALESCE,
	OPT_INFLIGHT,
	OPT_SOURCE,
	OPT_TLS,
	OPT_HELP
};

static void
load_usage(void)
{
	puts("Usage: load --url HOST:PORT [OPTION]...\n"
	     "Connect many Socket.IO clients that count and check what they receive.\n\n"
	     "  --url HOST:PORT         the server, an IPv4 address\n"
	     "  --path PATH             of its endpoint, /socket.io/\n"
	     "  --clients N             how many, 1000\n"
	     "  --first N               number of the first, for rooms and messages, 0\n"
	     "  --transport NAME        websocket, polling or upgrade (from polling to WebSocket), websocket;\n"
	     "                          nchan-ws or nchan-eventsource: no Socket.IO, each message is what was published\n"
	     "  --eio 3|4               the revision of Engine.IO, 4\n"
	     "  --b64                   ask for binary as base64\n"
	     "  --deflate               offer permessage-deflate\n"
	     "  --gzip                  accept poll answers in gzip\n"
	     "  --event NAME            the event to expect, ticks\n"
	     "  --join EVENT            emit EVENT with a room's name and wait for the acknowledgement\n"
	     "  --rooms N               client i joins room r<i mod N>, 1; nchan-ws: connects to PATH/r<i mod N>\n"
	     "  --joins N               client i joins N of them, evenly spread, from that one on, 1\n"
	     "  --churn R               R times per second one client leaves its room and joins it again, 0\n"
	     "  --leave EVENT           the event for that, leave\n"
	     "  --stopped N             the last N clients stop reading when all have joined, 0\n"
	     "  --hold                  after SIGUSR1 nobody reads until SIGHUP comes\n"
	     "  --rcvbuf BYTES          receive buffer of each connection, 0: the kernel's choice\n"
	     "  --seconds S             measure so long and report; 0, the default: SIGUSR1 begins, SIGUSR2 reports\n"
	     "  --sample N              check one client in N to the byte, 16\n"
	     "  --expect-any            clients get a part of the messages only: gaps are not counted\n"
	     "  --cells                 tell the whole histogram of the latency\n"
	     "  --coalesce US           look for data only every so many microseconds, 0; see below\n"
	     "  --inflight N            how many connect at a time, 100\n"
	     "  --tls                   speak TLS, whatever the certificate\n"
	     "  --source N              first address to connect from is 127.0.0.(1+N), 1\n\n"
	     "On loopback a send() to a program that waits also wakes it up, and pays for that: a cost that no server has\n"
	     "whose clients are elsewhere. With --coalesce the clients do not wait for data but look for it. Costs are measured\n"
	     "that way, latency is not.");
	exit(0);
}

static void
set_transport(const char *text)
{
	static const struct {
		const char *name;
		const struct transport *transport;
		bool upgrade, raw;
	} names[] = {
		{ "websocket", &transport_ws, false, false },
		{ "polling", &transport_polling, false, false },
		{ "upgrade", &transport_polling, true, false },
		{ "nchan-ws", &transport_ws, false, true },
		{ "nchan-eventsource", &transport_sse, false, true },
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (strcmp(text, names[i].name)) continue;
		load.transport = names[i].transport;
		load.upgrade = names[i].upgrade;
		load.raw = names[i].raw;
		return;
	}
	bench_die("--transport %s: not known", text);
}

static void
set_server(const char *text)
{
	load.server = bench_address("--url", text);
	load.host = text;
}

static void
options_set(int option, const char *text)
{
	switch (option) {
	case OPT_URL: set_server(text); break;
	case OPT_PATH: load.path = text; break;
	case OPT_CLIENTS: load.n = bench_count("--clients", text, 1, CLIENTS_MAX); break;
	case OPT_FIRST: load.first = bench_count("--first", text, 0, FIRST_MAX); break;
	case OPT_TRANSPORT: set_transport(text); break;
	case OPT_EIO: load.eio = bench_count("--eio", text, 3, 4); break;
	case OPT_B64: load.b64 = true; break;
	case OPT_DEFLATE: load.deflate = true; break;
	case OPT_GZIP: load.gzip = true; break;
	case OPT_EVENT: load.event = text; break;
	case OPT_JOIN: load.join = bench_short_text("--join", text, NAME_BYTES); break;
	case OPT_LEAVE: load.leave = bench_short_text("--leave", text, NAME_BYTES); break;
	case OPT_ROOMS: load.rooms = bench_count("--rooms", text, 1, FIRST_MAX); break;
	case OPT_JOINS: load.joins = bench_count("--joins", text, 1, FIRST_MAX); break;
	case OPT_TLS: load.tls = true; break;
	case OPT_CHURN: load.churn = bench_number("--churn", text, 0, 1e6); break;
	case OPT_STOPPED: load.stopped = bench_count("--stopped", text, 0, CLIENTS_MAX); break;
	case OPT_HOLD: load.hold = true; break;
	case OPT_RCVBUF: load.rcvbuf = bench_count("--rcvbuf", text, 0, 1 << 30); break;
	case OPT_SECONDS: load.seconds = bench_number("--seconds", text, 0, 86400); break;
	case OPT_SAMPLE: load.sample = bench_count("--sample", text, 1, CLIENTS_MAX); break;
	case OPT_EXPECT_ANY: load.any = true; break;
	case OPT_CELLS: load.cells = true; break;
	case OPT_COALESCE: load.coalesce = bench_count("--coalesce", text, 0, 100000); break;
	case OPT_INFLIGHT: load.inflight = bench_count("--inflight", text, 1, CLIENTS_MAX); break;
	case OPT_SOURCE: load.sources = bench_count("--source", text, 1, SOURCES_MAX) - 1; break;
	case OPT_HELP: load_usage(); break;
	default: exit(1);
	}
}

static void
options_check(void)
{
	if (!load.host) bench_die("--url is needed (--help tells)");
	if (load.stopped > load.n) bench_die("--stopped: there are only %u clients", load.n);
	if (load.joins > load.rooms) bench_die("--joins: there are only %u rooms", load.rooms);
	if (load.churn > 0 && !load.join) bench_die("--churn needs --join");
	if (load.raw && (load.join || load.eio != 4)) bench_die("without Engine.IO there is no --join and no --eio");
}

static const struct load defaults = { .path = "/socket.io/",
	.event = "ticks",
	.leave = "leave",
	.transport = &transport_ws,
	.n = 1000,
	.eio = 4,
	.rooms = 1,
	.joins = 1,
	.sample = 16,
	.inflight = 100 };

void
options_parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "url", required_argument, NULL, OPT_URL },
		{ "path", required_argument, NULL, OPT_PATH },
		{ "clients", required_argument, NULL, OPT_CLIENTS },
		{ "first", required_argument, NULL, OPT_FIRST },
		{ "transport", required_argument, NULL, OPT_TRANSPORT },
		{ "eio", required_argument, NULL, OPT_EIO },
		{ "b64", no_argument, NULL, OPT_B64 },
		{ "deflate", no_argument, NULL, OPT_DEFLATE },
		{ "gzip", no_argument, NULL, OPT_GZIP },
		{ "event", required_argument, NULL, OPT_EVENT },
		{ "join", required_argument, NULL, OPT_JOIN },
		{ "leave", required_argument, NULL, OPT_LEAVE },
		{ "rooms", required_argument, NULL, OPT_ROOMS },
		{ "joins", required_argument, NULL, OPT_JOINS },
		{ "churn", required_argument, NULL, OPT_CHURN },
		{ "stopped", required_argument, NULL, OPT_STOPPED },
		{ "hold", no_argument, NULL, OPT_HOLD },
		{ "rcvbuf", required_argument, NULL, OPT_RCVBUF },
		{ "seconds", required_argument, NULL, OPT_SECONDS },
		{ "sample", required_argument, NULL, OPT_SAMPLE },
		{ "expect-any", no_argument, NULL, OPT_EXPECT_ANY },
		{ "cells", no_argument, NULL, OPT_CELLS },
		{ "coalesce", required_argument, NULL, OPT_COALESCE },
		{ "inflight", required_argument, NULL, OPT_INFLIGHT },
		{ "source", required_argument, NULL, OPT_SOURCE },
		{ "tls", no_argument, NULL, OPT_TLS },
		{ "help", no_argument, NULL, OPT_HELP },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	load = defaults;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) options_set(option, optarg);
	if (optind < argc) bench_die("%s: what is this? (--help tells)", argv[optind]);
	options_check();
}
