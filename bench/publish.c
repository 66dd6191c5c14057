/* SPDX-License-Identifier: MIT */
/*
 * The publisher: messages into Redis by a schedule that does not wait for anybody. Each carries the time at which it
 * was meant to be sent, so whatever holds it up, this program included, shows as latency at the clients (no coordinated
 * omission). With --rate 0 there is no schedule: it sends as fast as Redis answers. Commands are pipelined; replies are
 * only counted. One line of JSON at the end tells what was sent.
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
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	CHANNELS_MAX = 65536,
	/* No more than this is written before replies are read: Redis stops reading from a client that does not. */
	WRITE_MAX = 256 * 1024,
	SMALL = 250,
	START_NS = 10000000,
	DRAIN_NS = 1000000000,
};

static struct {
	struct sockaddr_in redis;
	const char *channel, *before, *after; /* what stands around each message */
	unsigned channels, size; /* size 0: the story mix */
	double rate, seconds; /* rate 0: as fast as Redis takes them */
	unsigned burst; /* so many are due at once */
	uint64_t total; /* messages; 0: what rate and seconds make */
	int fd;

	struct eio_buf out;
	size_t out_at; /* what of it has been written */
	uint64_t queued, bytes; /* messages put into out; of their payloads */
	uint64_t replies, receivers; /* what Redis answered */
	char reply_type;
	struct hist behind; /* how long after its time a message was made ready for the socket */
} pub;

/* Redis */

/* Replies to PUBLISH are ":<receivers>\r\n"; they are read a character at a time as they come. */
static void
count_replies(const char *p, size_t n)
{
	static uint64_t value;

	for (; n > 0; p++, n--) {
		if (pub.reply_type == '\0') {
			pub.reply_type = *p;
			value = 0;
			if (*p != ':') bench_die("Redis answered: %.*s", (int)(n < 80 ? n : 80), p);
		} else if (*p >= '0' && *p <= '9') {
			value = value * 10 + (uint64_t)(*p - '0');
		} else if (*p == '\n') {
			pub.replies++;
			pub.receivers += value;
			pub.reply_type = '\0';
		}
	}
}

static void
publish_read_replies(void)
{
	static char buf[64 * 1024];
	ssize_t n;

	while ((n = recv(pub.fd, buf, sizeof buf, MSG_DONTWAIT)) > 0) count_replies(buf, (size_t)n);
	if (n == 0) bench_die("Redis closed the connection");
	if (n < 0 && errno != EAGAIN && errno != EINTR) bench_die_errno("recv");
}

/* Writes what there is as far as the socket takes it. */
static void
write_some(void)
{
	size_t left = pub.out.n - pub.out_at;
	ssize_t n;

	if (left == 0) return;
	n = send(pub.fd, pub.out.p + pub.out_at, left < WRITE_MAX ? left : WRITE_MAX, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN && errno != EINTR) bench_die_errno("send");
	if (n > 0) pub.out_at += (size_t)n;
	if (pub.out_at < pub.out.n) return;
	eio_buf_clear(&pub.out);
	pub.out_at = 0;
}

static void
publish_append(const struct payload *p, unsigned channel)
{
	size_t before = strlen(pub.before), after = strlen(pub.after);
	char name[128], *to;
	int n = pub.channels > 1 ? snprintf(name, sizeof name, "%s.%u", pub.channel, channel)
				 : snprintf(name, sizeof name, "%s", pub.channel);

	eio_buf_printf(&pub.out, "*3\r\n$7\r\nPUBLISH\r\n$%d\r\n%s\r\n$%zu\r\n", n, name, before + p->n + after);
	eio_buf_append(&pub.out, pub.before, before);
	to = eio_buf_reserve(&pub.out, p->n);
	if (!to) bench_die("out of memory");
	payload_write(to, p);
	pub.out.n += p->n;
	eio_buf_append(&pub.out, pub.after, after);
	eio_buf_append(&pub.out, "\r\n", 2);
	pub.queued++;
	pub.bytes += p->n;
}

/* The schedule */

static uint64_t
publish_due_ns(uint64_t start, uint64_t i)
{
	if (pub.rate == 0) return bench_now_ns();
	return start + (uint64_t)((double)(i - i % pub.burst) * 1e9 / pub.rate);
}

/* Without a rate and a number of messages, time ends it. */
static bool
publish_is_over(uint64_t start)
{
	if (pub.total) return pub.queued >= pub.total;
	return (double)(bench_now_ns() - start) >= pub.seconds * 1e9;
}

/* Queues what is due; the rest of a backlog stays in the schedule, where it costs no memory. */
static void
queue_due(uint64_t start)
{
	uint64_t now = bench_now_ns(), t;
	unsigned channel;
	struct payload p;

	while (!publish_is_over(start) && pub.out.n - pub.out_at < WRITE_MAX) {
		t = publish_due_ns(start, pub.queued);
		if (pub.rate > 0 && t > now) break;
		channel = (unsigned)(pub.queued % pub.channels);
		p = (struct payload){ .seq = pub.queued / pub.channels,
			.t_ns = t,
			.channel = channel,
			.n = pub.size ? pub.size : payload_story_size(pub.queued) };
		hist_add(&pub.behind, now > t ? now - t : 0);
		publish_append(&p, channel);
	}
}

static void
publish_run(uint64_t start)
{
	struct pollfd p = { .fd = pub.fd };

	while (!publish_is_over(start) || pub.out.n > 0) {
		queue_due(start);
		write_some();
		publish_read_replies();
		if (pub.out.n > 0) {
			p.events = POLLIN | POLLOUT;
			poll(&p, 1, -1);
		} else if (!publish_is_over(start)) {
			bench_sleep_until(publish_due_ns(start, pub.queued));
		}
	}
	p.events = POLLIN;
	while (pub.replies < pub.queued && poll(&p, 1, DRAIN_NS / 1000000) > 0) publish_read_replies();
}

static void
publish_print_report(double seconds)
{
	printf("{\"messages\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"channels\":%u,\"seconds\":%.3f,\"replies\":%" PRIu64
	       ",\"receivers\":%" PRIu64 ",\"behind_us\":",
		pub.queued, pub.bytes, pub.channels, seconds, pub.replies, pub.receivers);
	hist_print(&pub.behind, stdout);
	puts("}");
}

/* The command line */

static void
publish_usage(void)
{
	puts("Usage: publish --redis HOST:PORT [OPTION]...\n"
	     "Publish JSON messages of known content by a fixed schedule.\n\n"
	     "  --redis HOST:PORT       an IPv4 address\n"
	     "  --channel NAME          where to, ticks; with several channels NAME.0, NAME.1 and so on\n"
	     "  --channels N            how many, in turn, 1\n"
	     "  --rate R                messages per second over all channels, 10; 0: as fast as Redis takes them\n"
	     "  --burst N               so many at a time, 1\n"
	     "  --seconds S             how long, 5\n"
	     "  --messages N            how many, instead of --seconds\n"
	     "  --size N                bytes of a message, 250\n"
	     "  --before, --after TEXT  what stands around each message, and is not counted\n"
	     "  --mix NAME              small: 250 bytes; 3k: 3000; story: 3000, and 30000 every fiftieth");
	exit(0);
}

static void
set_mix(const char *text)
{
	if (!strcmp(text, "small"))
		pub.size = SMALL;
	else if (!strcmp(text, "3k"))
		pub.size = 3000;
	else if (!strcmp(text, "story"))
		pub.size = 0;
	else
		bench_die("--mix %s: not known", text);
}

static void
publish_set_option(int option, const char *text)
{
	switch (option) {
	case 'r': pub.redis = bench_address("--redis", text); break;
	case 'c':
		if (strlen(text) > 100) bench_die("--channel: too long");
		pub.channel = text;
		break;
	case 'n': pub.channels = bench_count("--channels", text, 1, CHANNELS_MAX); break;
	case 'a': pub.rate = bench_number("--rate", text, 0, 1e7); break;
	case 'b': pub.burst = bench_count("--burst", text, 1, CHANNELS_MAX); break;
	case 's': pub.seconds = bench_number("--seconds", text, 0, 86400); break;
	case 'm': pub.total = bench_count("--messages", text, 1, UINT32_MAX); break;
	case 'z': pub.size = bench_count("--size", text, PAYLOAD_MIN, PAYLOAD_MAX); break;
	case 'x': set_mix(text); break;
	case 'B': pub.before = text; break;
	case 'A': pub.after = text; break;
	case 'h': publish_usage(); break;
	default: exit(1);
	}
}

static void
publish_parse(int argc, char **argv)
{
	static const struct option options[] = { { "redis", required_argument, NULL, 'r' },
		{ "channel", required_argument, NULL, 'c' }, { "channels", required_argument, NULL, 'n' },
		{ "rate", required_argument, NULL, 'a' }, { "seconds", required_argument, NULL, 's' },
		{ "burst", required_argument, NULL, 'b' }, { "messages", required_argument, NULL, 'm' },
		{ "size", required_argument, NULL, 'z' }, { "mix", required_argument, NULL, 'x' },
		{ "before", required_argument, NULL, 'B' }, { "after", required_argument, NULL, 'A' },
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 } };
	int option;

	pub.channel = "ticks";
	pub.before = pub.after = "";
	pub.channels = 1;
	pub.rate = 10;
	pub.burst = 1;
	pub.seconds = 5;
	pub.size = SMALL;
	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) publish_set_option(option, optarg);
	if (optind < argc) bench_die("%s: what is this? (--help tells)", argv[optind]);
	if (!pub.redis.sin_port) bench_die("--redis is needed (--help tells)");
	if (pub.rate > 0 && pub.total == 0 && pub.seconds * pub.rate < 0.5)
		bench_die("--rate %g for --seconds %g is less than one message", pub.rate, pub.seconds);
}

int
main(int argc, char **argv)
{
	int one = 1;
	uint64_t start;

	publish_parse(argc, argv);
	payload_init();
	pub.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (pub.fd < 0 || connect(pub.fd, (struct sockaddr *)&pub.redis, sizeof pub.redis)) bench_die_errno("connect");
	setsockopt(pub.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	start = bench_now_ns() + START_NS;
	if (pub.rate > 0 && pub.total == 0) pub.total = (uint64_t)(pub.rate * pub.seconds + 0.5);
	bench_sleep_until(start);
	publish_run(start);
	publish_print_report((double)(bench_now_ns() - start) / 1e9);
	return 0;
}
