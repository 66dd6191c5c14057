/* SPDX-License-Identifier: MIT */
/*
 * A simulated market: publishes JSON ticks of made-up companies on the Redis
 * channels <prefix><SYMBOL>, at a steady rate. It feeds the demo page and shows
 * what a publisher looks like from siocast's side. It is a program of its own
 * and shares no code with siocast.
 *
 * Most messages have about 250 bytes; 2 % carry an order book (3 KB) and 0.1 %
 * a news text (30 KB), as real feeds have it.
 */
#include <errno.h>
#include <getopt.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	SYMBOLS_MAX = 1000,
	RATE_MAX = 1000000,
	MESSAGE_MAX = 64 * 1024,
	BOOK_SIZE = 3000, /* bytes a message with an order book grows to */
	NEWS_SIZE = 30000, /* bytes a message with news grows to */
	PIPELINE_MAX = 1000, /* messages written before their replies are read */
	RETRY_MIN_MS = 100,
	RETRY_MAX_MS = 2000,
	CONNECT_TIMEOUT_S = 2,
};

static const int64_t NS = 1000000000;

struct company {
	const char *symbol, *name;
};

static const struct company companies[] = {
	{ "ACME", "Acme Anvils" },
	{ "AURA", "Aurora Optics" },
	{ "BLUE", "Bluebird Lines" },
	{ "BOLT", "Bolt & Nut Works" },
	{ "BRIO", "Brio Coffee" },
	{ "CALM", "Calm Waters" },
	{ "CEDR", "Cedar Timber" },
	{ "CIRC", "Circus Circuits" },
	{ "COZY", "Cozy Homes" },
	{ "DELT", "Delta Ferries" },
	{ "DUNE", "Dune Solar" },
	{ "ECHO", "Echo Audio" },
	{ "EMBR", "Ember Stoves" },
	{ "FERN", "Fern Botanics" },
	{ "FLUX", "Flux Magnetics" },
	{ "FOXY", "Fox Couriers" },
	{ "GALE", "Gale Wind" },
	{ "GLOW", "Glow Lamps" },
	{ "HALO", "Halo Helmets" },
	{ "HIVE", "Hive Honey" },
	{ "IGLO", "Igloo Freezing" },
	{ "IRIS", "Iris Inks" },
	{ "JADE", "Jade Ceramics" },
	{ "JOLT", "Jolt Batteries" },
	{ "KELP", "Kelp Farms" },
	{ "KITE", "Kite Aerials" },
	{ "LARK", "Lark Records" },
	{ "LIMA", "Lima Beans" },
	{ "LOOM", "Loom Textiles" },
	{ "LUNA", "Luna Tides" },
	{ "MAPL", "Maple Syrups" },
	{ "MINT", "Mint Presses" },
	{ "MOSS", "Moss Roofing" },
	{ "NOVA", "Nova Rockets" },
	{ "OAKS", "Oak Barrels" },
	{ "ONYX", "Onyx Tiles" },
	{ "OPAL", "Opal Glass" },
	{ "PINE", "Pine Paper" },
	{ "PLUM", "Plum Orchards" },
	{ "QUAY", "Quay Logistics" },
	{ "REEF", "Reef Diving" },
	{ "RUST", "Rust Removal" },
	{ "SAGE", "Sage Advisory" },
	{ "SILK", "Silk Roads" },
	{ "TIDE", "Tide Power" },
	{ "TUSK", "Tusk Drilling" },
	{ "VALE", "Vale Dairies" },
	{ "WREN", "Wren Watches" },
	{ "YARN", "Yarn & Sons" },
	{ "ZEST", "Zest Spices" },
};

/* Text as it comes in the news: several scripts, quotes, a character beyond the BMP. Already escaped for JSON. */
static const char *const sentences[] = {
	"Shares rose after the quarterly report beat what analysts had expected. ",
	"„Wir bauen das Werk in Köln größer als geplant“, sagte die Geschäftsführerin. ",
	"L’opérateur annonce une hausse de 12 % de son chiffre d’affaires à 3,4 M€. ",
	"Zażółć gęślą jaźń: spółka otwiera nową fabrykę w Łodzi. ",
	"同社は来年度の配当を増やすと発表した。 ",
	"Компания объявила о выкупе собственных акций. ",
	"Η εταιρεία επεκτείνεται στη Θεσσαλονίκη. ",
	"The chairman called it \\\"a very good year\\\" \\u2014 and rang the bell 🔔. ",
};

enum {
	COMPANY_COUNT = sizeof companies / sizeof companies[0],
	SENTENCE_COUNT = sizeof sentences / sizeof sentences[0],
};

struct stock {
	char symbol[16];
	const char *name;
	int64_t first, price, low, high; /* in cents */
	int64_t volume, seq;
};

struct options {
	const char *redis, *prefix;
	int symbols, rate;
	double seconds; /* 0: forever */
	uint64_t seed;
};

struct market {
	struct options opt;
	struct stock stocks[SYMBOLS_MAX];
	uint64_t random;
	redisContext *redis; /* NULL while away */
	uint64_t published, receivers, lost, bytes;
	char text[MESSAGE_MAX];
	size_t n; /* bytes of text */
};

static volatile sig_atomic_t stopped;

static void
on_market_signal(int sig)
{
	(void)sig;
	stopped = 1;
}

static int64_t
now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * NS + t.tv_nsec;
}

/* Sleeps until a moment of the monotonic clock; a signal ends it early. */
static void
market_sleep_until(int64_t ns)
{
	struct timespec t = { .tv_sec = (time_t)(ns / NS), .tv_nsec = (long)(ns % NS) };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

/* --- the market
 * ------------------------------------------------------------------------------------------------------ */

/* xorshift64*: the same market for the same seed. */
static uint64_t
draw_random(struct market *m)
{
	m->random ^= m->random >> 12;
	m->random ^= m->random << 25;
	m->random ^= m->random >> 27;
	return (m->random * 0x2545f4914f6cdd1du) >> 16;
}

/* A number in [0, n). */
static int64_t
draw_below(struct market *m, int64_t n)
{
	return (int64_t)(draw_random(m) % (uint64_t)n);
}

static void
market_open(struct market *m)
{
	/* Any seed must give a state that is not 0, where xorshift would stay. */
	m->random = (m->opt.seed + 1) * 0x9e3779b97f4a7c15u;
	if (m->random == 0) m->random = 1;
	for (int i = 0; i < m->opt.symbols; i++) {
		struct stock *s = &m->stocks[i];
		const struct company *c = &companies[i % COMPANY_COUNT];

		/* More than we have names for: ACME, ACME1, ACME2, … */
		if (i < COMPANY_COUNT)
			snprintf(s->symbol, sizeof s->symbol, "%s", c->symbol);
		else
			snprintf(s->symbol, sizeof s->symbol, "%s%d", c->symbol, i / COMPANY_COUNT);
		s->name = c->name;
		s->first = s->price = s->low = s->high = 500 + draw_below(m, 40000);
	}
}

/* One step of a random walk: up to 0.3 % of the price, and a little back towards where it began, so that a market left
 * alone overnight has neither collapsed nor exploded. */
static void
stock_step(struct market *m, struct stock *s)
{
	int64_t span = s->price * 3 / 1000 + 2;

	s->price += draw_below(m, 2 * span + 1) - span + (s->first - s->price) / 500;
	if (s->price < 100) s->price = 100;
	if (s->price < s->low) s->low = s->price;
	if (s->price > s->high) s->high = s->price;
	s->seq++;
}

/* --- messages
 * -------------------------------------------------------------------------------------------------------- */

static void market_append(struct market *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
market_append(struct market *m, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(m->text + m->n, MESSAGE_MAX - m->n, fmt, ap);
	va_end(ap);
	/* NEWS_SIZE is far below MESSAGE_MAX, so this is only for whoever changes one of them. */
	if (n < 0 || (size_t)n >= MESSAGE_MAX - m->n) abort();
	m->n += (size_t)n;
}

/* Cents as a number with two decimals. */
static void
add_price(struct market *m, const char *key, int64_t cents)
{
	market_append(m, ",\"%s\":%s%" PRId64 ".%02" PRId64, key, cents < 0 ? "-" : "",
		(cents < 0 ? -cents : cents) / 100, (cents < 0 ? -cents : cents) % 100);
}

static void
add_tick(struct market *m, struct stock *s)
{
	static const char *const venues[] = { "NORTH", "SOUTH", "DARK" };
	int64_t spread = 1 + s->price / 4000, size = 10 * (1 + draw_below(m, 90));

	s->volume += size;
	market_append(m, "{\"symbol\":\"%s\",\"name\":\"%s\"", s->symbol, s->name);
	add_price(m, "price", s->price);
	add_price(m, "bid", s->price - spread);
	add_price(m, "ask", s->price + spread);
	add_price(m, "open", s->first);
	add_price(m, "high", s->high);
	add_price(m, "low", s->low);
	add_price(m, "change", s->price - s->first);
	market_append(m, ",\"volume\":%" PRId64 ",\"time\":%" PRId64 ",\"seq\":%" PRId64, s->volume,
		now_ns(CLOCK_REALTIME) / 1000000, s->seq);
	market_append(m, ",\"trade\":{\"size\":%" PRId64 ",\"side\":\"%s\",\"venue\":\"%s\"}", size,
		draw_below(m, 2) ? "buy" : "sell", venues[draw_below(m, 3)]);
}

/* Both sides of the book, level by level away from the price: [[bid, size, ask, size], …] */
static void
add_book(struct market *m, const struct stock *s)
{
	market_append(m, ",\"book\":[");
	for (int64_t level = 1; m->n < BOOK_SIZE; level++) {
		int64_t step = level * (1 + s->price / 4000), bid = s->price > step ? s->price - step : 0,
			ask = s->price + step;

		market_append(m, "%s[%" PRId64 ".%02" PRId64 ",%" PRId64 ",%" PRId64 ".%02" PRId64 ",%" PRId64 "]",
			level > 1 ? "," : "", bid / 100, bid % 100, 10 * (1 + draw_below(m, 500)), ask / 100, ask % 100,
			10 * (1 + draw_below(m, 500)));
	}
	market_append(m, "]");
}

static void
add_news(struct market *m)
{
	market_append(m, ",\"news\":\"");
	while (m->n < NEWS_SIZE) market_append(m, "%s", sentences[draw_below(m, SENTENCE_COUNT)]);
	market_append(m, "\"");
}

/* The next message, in m->text. Returns whose it is. */
static const struct stock *
next_message(struct market *m)
{
	int64_t i = draw_below(m, m->opt.symbols), other = draw_below(m, m->opt.symbols), kind = draw_below(m, 1000);
	struct stock *s;

	/* Some stocks are traded more than others, as in life: every second time the smaller of two draws. */
	if (other < i && draw_below(m, 2)) i = other;
	s = &m->stocks[i];
	stock_step(m, s);
	m->n = 0;
	add_tick(m, s);
	if (kind < 21) add_book(m, s);
	if (kind < 1) add_news(m);
	market_append(m, "}");
	return s;
}

/* --- Redis
 * ----------------------------------------------------------------------------------------------------------- */

/* Splits HOST:PORT at the last colon; an IPv6 host may stand in brackets. False when it is none. */
static bool
split_address(const char *s, char *host, size_t cap, int *port)
{
	const char *colon = strrchr(s, ':');
	size_t n = colon ? (size_t)(colon - s) : 0;
	char *end;

	if (n == 0 || n >= cap) return false;
	*port = (int)strtol(colon + 1, &end, 10);
	if (*end != '\0' || *port < 1 || *port > 65535) return false;
	if (s[0] == '[' && s[n - 1] == ']') s++, n -= 2;
	memcpy(host, s, n);
	host[n] = '\0';
	return true;
}

static redisContext *
redis_connect(const char *address)
{
	struct timeval timeout = { .tv_sec = CONNECT_TIMEOUT_S };
	char host[256];
	int port;

	if (strncmp(address, "unix:", 5) == 0) return redisConnectUnixWithTimeout(address + 5, timeout);
	if (!split_address(address, host, sizeof host, &port)) return NULL;
	return redisConnectWithTimeout(host, port, timeout);
}

static void
redis_lost(struct market *m, const char *why)
{
	fprintf(stderr, "market: Redis at %s is away: %s\n", m->opt.redis, why);
	redisFree(m->redis);
	m->redis = NULL;
}

/* Connects, waiting longer after each failure, until it works or the program is to end. */
static void
redis_wait(struct market *m, int64_t end_ns)
{
	struct timeval timeout = { .tv_sec = CONNECT_TIMEOUT_S };
	int64_t retry_ms = RETRY_MIN_MS, wake;
	bool said = false;

	while (!stopped && !m->redis) {
		redisContext *c = redis_connect(m->opt.redis);

		if (c && c->err == 0 && redisSetTimeout(c, timeout) == REDIS_OK) {
			m->redis = c;
			if (said) fprintf(stderr, "market: Redis at %s is there\n", m->opt.redis);
			return;
		}
		if (!said)
			fprintf(stderr, "market: waiting for Redis at %s: %s\n", m->opt.redis,
				c ? c->errstr : "out of memory");
		said = true;
		if (c) redisFree(c);
		wake = now_ns(CLOCK_MONOTONIC) + retry_ms * 1000000;
		if (end_ns && wake >= end_ns) {
			market_sleep_until(end_ns);
			return;
		}
		market_sleep_until(wake);
		retry_ms = retry_ms * 2 < RETRY_MAX_MS ? retry_ms * 2 : RETRY_MAX_MS;
	}
}

/* Reads the replies of n PUBLISH commands: the number of receivers, each. */
static void
market_read_replies(struct market *m, int n)
{
	for (int i = 0; i < n; i++) {
		redisReply *r = NULL;

		if (redisGetReply(m->redis, (void **)&r) != REDIS_OK) {
			m->lost += (uint64_t)(n - i);
			redis_lost(m, m->redis->errstr);
			return;
		}
		if (r->type == REDIS_REPLY_INTEGER) {
			m->published++;
			m->receivers += (uint64_t)r->integer;
			freeReplyObject(r);
			continue;
		}
		/* -LOADING, -NOAUTH, -READONLY, …: nothing this connection would get over by going on. */
		m->lost += (uint64_t)(n - i);
		redis_lost(m, r->type == REDIS_REPLY_ERROR ? r->str : "unexpected reply");
		freeReplyObject(r);
		market_sleep_until(now_ns(CLOCK_MONOTONIC) + RETRY_MAX_MS * 1000000LL);
		return;
	}
}

/* Publishes n messages in one round trip. */
static void
publish_message(struct market *m, int n)
{
	char channel[256];

	for (int i = 0; i < n; i++) {
		const struct stock *s = next_message(m);
		int len = snprintf(channel, sizeof channel, "%s%s", m->opt.prefix, s->symbol);
		const char *argv[3] = { "PUBLISH", channel, m->text };
		size_t argvlen[3] = { 7, (size_t)len, m->n };

		m->bytes += m->n;
		if (redisAppendCommandArgv(m->redis, 3, argv, argvlen) != REDIS_OK) {
			m->lost += (uint64_t)n;
			redis_lost(m, m->redis->errstr);
			return;
		}
	}
	market_read_replies(m, n);
}

/* The i-th message is due at start + i / rate: a late wake-up is made up for, so the rate holds over any span. */
static void
market_run(struct market *m)
{
	int64_t start = now_ns(CLOCK_MONOTONIC), rate = m->opt.rate, sent = 0, last = INT64_MAX, end = 0, late, due;

	if (m->opt.seconds > 0) {
		end = start + (int64_t)(m->opt.seconds * (double)NS);
		last = (int64_t)(m->opt.seconds * (double)rate);
	}
	while (sent < last) {
		market_sleep_until(start + sent / rate * NS + sent % rate * NS / rate);
		if (!m->redis) redis_wait(m, end);
		if (stopped || !m->redis) return;
		late = now_ns(CLOCK_MONOTONIC) - start;
		due = late / NS * rate + late % NS * rate / NS + 1;
		if (due > last) due = last;
		/* More than a second late, because Redis was away: a market does not repeat itself. */
		if (due - sent > rate) sent = due - 1;
		due -= sent;
		if (due > PIPELINE_MAX) due = PIPELINE_MAX;
		if (due > 0) publish_message(m, (int)due);
		sent += due;
	}
}

/* --- the command line
 * ------------------------------------------------------------------------------------------------ */

static const char usage[] = "usage: market [options]\n"
			    "  --redis ADDRESS   HOST:PORT or unix:PATH (127.0.0.1:6379)\n"
			    "  --prefix TEXT     channels are PREFIX and the symbol (ticks.)\n"
			    "  --symbols N       1 to 1000 (50)\n"
			    "  --rate N          messages a second, all symbols together, 1 to 1000000 (300)\n"
			    "  --seconds N       ends by itself after so long; 0 is never (0)\n"
			    "  --seed N          another number is another market (1)\n";

/* A whole number within bounds, or the end of the program. */
static int64_t
market_number(const char *option, const char *s, int64_t min, int64_t max)
{
	char *end;
	long long v;

	errno = 0;
	v = strtoll(s, &end, 10);
	if (errno == 0 && end != s && *end == '\0' && v >= min && v <= max) return v;
	fprintf(stderr, "market: --%s takes a number from %" PRId64 " to %" PRId64 ", not \"%s\"\n", option, min, max,
		s);
	exit(2);
}

static double
seconds_of(const char *s)
{
	char *end;
	double v = strtod(s, &end);

	if (end != s && *end == '\0' && v >= 0 && v <= 1e9) return v;
	fprintf(stderr, "market: --seconds takes a number of seconds, not \"%s\"\n", s);
	exit(2);
}

static void
parse_options(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "redis", required_argument, NULL, 'r' },
		{ "prefix", required_argument, NULL, 'p' },
		{ "symbols", required_argument, NULL, 'n' },
		{ "rate", required_argument, NULL, 'R' },
		{ "seconds", required_argument, NULL, 's' },
		{ "seed", required_argument, NULL, 'S' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	char host[256];
	int c, port;

	*o = (struct options){ .redis = "127.0.0.1:6379", .prefix = "ticks.", .symbols = 50, .rate = 300, .seed = 1 };
	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		switch (c) {
		case 'r': o->redis = optarg; break;
		case 'p': o->prefix = optarg; break;
		case 'n': o->symbols = (int)market_number("symbols", optarg, 1, SYMBOLS_MAX); break;
		case 'R': o->rate = (int)market_number("rate", optarg, 1, RATE_MAX); break;
		case 's': o->seconds = seconds_of(optarg); break;
		case 'S': o->seed = (uint64_t)market_number("seed", optarg, 0, INT64_MAX); break;
		case 'h': fputs(usage, stdout); exit(0);
		default: fputs(usage, stderr); exit(2);
		}
	}
	if (optind < argc) {
		fprintf(stderr, "market: \"%s\" is no option\n%s", argv[optind], usage);
		exit(2);
	}
	if (strncmp(o->redis, "unix:", 5) != 0 && !split_address(o->redis, host, sizeof host, &port)) {
		fprintf(stderr, "market: --redis takes HOST:PORT or unix:PATH, not \"%s\"\n", o->redis);
		exit(2);
	}
	if (strlen(o->prefix) > 200) {
		fprintf(stderr, "market: --prefix takes at most 200 bytes\n");
		exit(2);
	}
}

int
main(int argc, char **argv)
{
	static struct market m;
	struct sigaction ends = { .sa_handler = on_market_signal }; /* no SA_RESTART: a signal must end a sleep */

	parse_options(&m.opt, argc, argv);
	sigaction(SIGINT, &ends, NULL);
	sigaction(SIGTERM, &ends, NULL);
	signal(SIGPIPE, SIG_IGN); /* Redis going away is an error code, not our end */
	market_open(&m);
	market_run(&m);
	if (m.redis) redisFree(m.redis);
	fprintf(stderr,
		"market: published %" PRIu64 " messages, %" PRIu64 " bytes, to %" PRIu64 " receivers; lost %" PRIu64
		"\n",
		m.published, m.bytes, m.receivers, m.lost);
	return 0;
}
