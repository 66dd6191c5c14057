/* SPDX-License-Identifier: MIT */
/*
 * The floor: what the kernel alone asks for a broadcast. One loop hands one ready block to each connection, and there
 * is nothing else: no Redis, no parsing, no timers, no list to keep. A server cannot deliver for less through this
 * interface of the kernel; how near it comes is the measure. The modes are such floors for other things a server does.
 *
 * The block is what siocast would send: a text frame that announces a binary event, and the binary frame with an array
 * of messages. The handshake is just enough for bench/load. Lines of JSON tell when it listens, and what was sent: when
 * all connections are there, each line of the standard input runs the schedule once. SIGTERM ends the program.
 */
#include "bench/floor.h"

#include "bench/bench.h"
#include "bench/payload.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS_MAX = 19000, JOIN_MAX = 1000, NAME_BYTES = 100 };

/* How many blocks there are to send when the first of those that are left is so late. */
static unsigned
due_at(uint64_t late_ns, uint64_t left)
{
	uint64_t due = 1 + (uint64_t)((double)late_ns / 1e9 * fl.rate);

	if (!fl.join) return 1;
	if (due > JOIN_MAX) due = JOIN_MAX;
	return (unsigned)(due < left ? due : left);
}

static void
floor_run_schedule(void)
{
	uint64_t total = (uint64_t)(fl.rate * fl.seconds + 0.5), start = bench_now_ns() + 10000000, t, begin;
	struct bench_usage before = bench_usage_now();

	fl.seq = fl.stalls = 0;
	hist_clear(&fl.pass);
	for (uint64_t i = 0; i < total; i += fl.due) {
		t = start + (uint64_t)((double)i * 1e9 / fl.rate);
		bench_sleep_until(t);
		begin = bench_now_ns();
		fl.due = due_at(begin - t, total - i);
		fl.mode->make(t);
		fl.mode->send();
		hist_add(&fl.pass, bench_now_ns() - begin);
	}
	printf("{\"messages\":%" PRIu64 ",\"blocks\":%" PRIu64 ",\"block_bytes\":%zu,\"stalls\":%" PRIu64
	       ",\"cpu_us_per_block\":%.3f,\"pass_us\":",
		fl.seq, total, fl.block.n, fl.stalls,
		total ? (double)(bench_usage_now().cpu_ns - before.cpu_ns) / 1e3 / (double)total / fl.n : 0);
	hist_print(&fl.pass, stdout);
	if (fl.mode->report) fl.mode->report(stdout);
	puts("}");
	fflush(stdout);
}

/* "RATE SECONDS SIZE BATCH"; what is not there stays as it was. Between schedules clients are listened to only where
 * they have something to say. */
static void
floor_run(void)
{
	char line[128];

	while (fgets(line, sizeof line, stdin)) {
		sscanf(line, "%lf %lf %u %u", &fl.rate, &fl.seconds, &fl.size, &fl.batch);
		if (!(fl.rate > 0) || fl.batch == 0 || fl.size > PAYLOAD_MAX || (fl.size && fl.size < PAYLOAD_MIN))
			bench_die("no schedule: %s", line);
		floor_run_schedule();
	}
	for (;;) pause();
}

/* The command line */

static void
floor_usage(void)
{
	puts("Usage: floor [OPTION]...\n"
	     "What the kernel alone asks for what a server does.\n\n"
	     "  --mode NAME             send: one block to many connections, each with one send(); the default\n"
	     "                          uring: the same with io_uring\n"
	     "                          compare: these two in turn, the processor time of each per block\n"
	     "                          polling: one answer to many held polls\n"
	     "                          rooms: blocks to the members of one room after the other, who join with a message\n"
	     "                          tick: a block for each room, and each client gets those of its rooms\n"
	     "                          idle, idle-polling: hold connections, which come and go\n"
	     "                          ingest: subscribe, and only count the bytes: SIGUSR1 begins, SIGUSR2 reports\n"
	     "  --listen HOST:PORT      an IPv4 address, for all but ingest\n"
	     "  --clients N             how many connections to wait for, 1000\n"
	     "  --event NAME            ticks\n"
	     "  --rate R                blocks per second, 10\n"
	     "  --seconds S             how long, 5\n"
	     "  --size N                bytes of a message, 250; 0: 3000, and 30000 every fiftieth\n"
	     "  --batch N               messages in a block, 1\n"
	     "  --join                  a pass that is late takes along what has become due meanwhile\n"
	     "  --entries N             of the ring of io_uring, 256\n"
	     "  --variant NAME          of io_uring: plain; skip: no completion is told; zc: zero copy; poll: a kernel thread\n"
	     "                          of a tick: plain, or gather: one sendmsg() for each client\n"
	     "  --joins N               how many rooms each client joins, for tick, 1\n"
	     "  --redis HOST:PORT       for ingest\n"
	     "  --channel NAME          for ingest, ticks\n"
	     "  --channels N            messages are of one after the other, for ingest: of the pattern NAME.*; or rooms; 1\n\n"
	     "Each line of the standard input runs the schedule: RATE SECONDS SIZE BATCH, or as it was.");
	exit(0);
}

/* NULL stands for ingest, which has no clients. */
static void
set_mode(const char *text)
{
	static const struct mode *const modes[] = { &mode_send, &mode_uring, &mode_polling, &mode_rooms, &mode_tick,
		&mode_idle, &mode_idle_polling, &mode_compare };

	fl.mode = NULL;
	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
		if (!strcmp(text, modes[i]->name)) fl.mode = modes[i];
	if (!fl.mode && strcmp(text, "ingest")) bench_die("--mode %s: not known", text);
}

static void
floor_set_option(int option, const char *text)
{
	switch (option) {
	case 'm': set_mode(text); break;
	case 'l': fl.listen = bench_address("--listen", text); break;
	case 'R': fl.redis = bench_address("--redis", text); break;
	case 'c': fl.n = bench_count("--clients", text, 1, CLIENTS_MAX); break;
	case 'e': fl.event = bench_short_text("--event", text, NAME_BYTES); break;
	case 'C': fl.channel = bench_short_text("--channel", text, NAME_BYTES); break;
	case 'N': fl.channels = bench_count("--channels", text, 1, 65536); break;
	case 'a': fl.rate = bench_number("--rate", text, 0.01, 1e6); break;
	case 's': fl.seconds = bench_number("--seconds", text, 0, 86400); break;
	case 'z': fl.size = bench_count("--size", text, 0, PAYLOAD_MAX); break;
	case 'b': fl.batch = bench_count("--batch", text, 1, 10000); break;
	case 'j': fl.join = true; break;
	case 'J': fl.joins = bench_count("--joins", text, 1, 64); break;
	case 'E': fl.entries = bench_count("--entries", text, 1, 4096); break;
	case 'v': fl.variant = text; break;
	case 'h': floor_usage(); break;
	default: exit(1);
	}
}

static void
floor_parse(int argc, char **argv)
{
	static const struct option options[] = { { "mode", required_argument, NULL, 'm' },
		{ "listen", required_argument, NULL, 'l' }, { "redis", required_argument, NULL, 'R' },
		{ "clients", required_argument, NULL, 'c' }, { "event", required_argument, NULL, 'e' },
		{ "channel", required_argument, NULL, 'C' }, { "channels", required_argument, NULL, 'N' },
		{ "rate", required_argument, NULL, 'a' }, { "seconds", required_argument, NULL, 's' },
		{ "size", required_argument, NULL, 'z' }, { "batch", required_argument, NULL, 'b' },
		{ "entries", required_argument, NULL, 'E' }, { "variant", required_argument, NULL, 'v' },
		{ "joins", required_argument, NULL, 'J' }, { "join", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 } };
	int option;

	fl = (struct floor){ .mode = &mode_send,
		.event = "ticks",
		.channel = "ticks",
		.variant = "plain",
		.channels = 1,
		.joins = 1,
		.n = 1000,
		.rate = 10,
		.seconds = 5,
		.size = 250,
		.batch = 1,
		.entries = 256 };
	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) floor_set_option(option, optarg);
	if (optind < argc) bench_die("%s: what is this? (--help tells)", argv[optind]);
	if (fl.mode && !fl.listen.sin_port) bench_die("--listen is needed (--help tells)");
	if (!fl.mode && !fl.redis.sin_port) bench_die("--redis is needed (--help tells)");
}

int
main(int argc, char **argv)
{
	sigset_t set;

	floor_parse(argc, argv);
	payload_init();
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (!fl.mode) ingest_run();
	if (fl.mode->idle) idle_run();
	bench_open_files(fl.n + 16);
	fl.peers = calloc(fl.n, sizeof *fl.peers);
	if (!fl.peers) bench_die("out of memory");
	connect_all();
	if (fl.mode->open) fl.mode->open();
	floor_run();
	return 0;
}
