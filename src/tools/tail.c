/* SPDX-License-Identifier: MIT */
/* siocast tail: what arrives, at Redis or at a page. */
#include "src/tools/hear.h"
#include "src/tools/page.h"
#include "src/tools/tally.h"
#include "src/tools/tape.h"
#include "src/tools/visible.h"

#include "sio/json.h"
#include "src/template/pattern.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { TAIL_URL, TAIL_NAMESPACE, TAIL_AUTH, TAIL_EMIT, TAIL_RATES, TAIL_COUNT, TAIL_SECONDS, TAIL_JSON };

static const struct argument tail_options[] = {
	[TAIL_URL] = { "url", 0, "URL", "as a page there would; PATTERN is of events then" },
	[TAIL_NAMESPACE] = { "namespace", 0, "NSP", "with --url: the namespace, / by default" },
	[TAIL_AUTH] = { "auth", 0, "JSON", "with --url: what the page sends to be let in" },
	[TAIL_EMIT] = { "emit", 0, "LIST", "with --url: an event to send first, such as '[\"join\",\"room\"]'" },
	[TAIL_RATES] = { "rates", 0, NULL, "print each second how many come by each name, not the messages" },
	[TAIL_COUNT] = { "count", 0, "N", "end after so many messages" },
	[TAIL_SECONDS] = { "seconds", 0, "N", "end after so many seconds" },
	[TAIL_JSON] = { "json", 0, NULL, "print lines as siocast record writes them" },
	{ .name = NULL },
};

struct tailing {
	const struct tool_call *call;
	uint64_t began_ns, rated_ns, n, most;
	struct tally tally;
	struct eio_buf out;
};

static void
print_rates(struct tailing *t)
{
	uint64_t now_ns = uv_hrtime();

	if (!t->call->values[TAIL_RATES]) return;
	tally_write_rates(&t->tally, (double)(now_ns - t->rated_ns) / 1e9, &t->out);
	t->rated_ns = now_ns;
	tool_flush(&t->out);
}

/* Whether to go on. */
static bool
print_arrived(struct tailing *t, const struct tape_line *line)
{
	tally_add(&t->tally, line->channel, line->message.n);
	if (t->call->values[TAIL_JSON]) {
		tape_write(&t->out, line);
	} else if (!t->call->values[TAIL_RATES]) {
		write_visible(&t->out, line->channel);
		eio_buf_addc(&t->out, ' ');
		write_visible(&t->out, line->message);
		eio_buf_addc(&t->out, '\n');
	}
	tool_flush(&t->out);
	return !t->most || ++t->n < t->most;
}

/* How much it was goes to stderr, beside the messages. */
static void
print_total(struct tailing *t)
{
	tally_write_total(&t->tally, (double)(uv_hrtime() - t->began_ns) / 1e9, &t->out);
	if (!eio_buf_failed(&t->out)) fwrite(t->out.p, 1, t->out.n, stderr);
	eio_buf_clear(&t->out);
}

/* At Redis */

static bool
on_tailed(void *user, const struct redis_message *m, uint64_t now_ns)
{
	struct tailing *t = user;

	return print_arrived(t, &(struct tape_line){ (now_ns - t->began_ns) / 1000, m->channel, m->payload });
}

static void
on_tail_second(void *user)
{
	print_rates(user);
}

static int
tail_redis(struct tailing *t, const struct config *config, unsigned seconds)
{
	const struct hear options = {
		.call = t->call,
		.config = config,
		.names = t->call->operands,
		.n = (size_t)t->call->n,
		.message = on_tailed,
		.second = on_tail_second,
		.user = t,
		.seconds = seconds,
	};

	return hear(&options) ? TOOL_FAILED : TOOL_OK;
}

/* At a page */

static volatile sig_atomic_t tail_ended;

static void
on_tail_signal(int signum)
{
	(void)signum;
	tail_ended = 1;
}

static bool
is_wanted_event(const struct tool_call *call, struct eio_bytes name)
{
	struct template_captures captures;

	for (int i = 0; i < call->n; i++)
		if (template_match(eio_cstr(call->operands[i]), name, &captures)) return true;
	return call->n == 0;
}

/* Whether to go on. */
static bool
take_page_event(struct tailing *t, const struct page_event *e)
{
	struct tape_line line = { (uv_hrtime() - t->began_ns) / 1000, e->name, e->arguments };

	if (!is_wanted_event(t->call, e->name)) return true;
	/* An attachment alone is the message: that is how feeds send bytes. */
	if (e->n_attachments) line.message = e->attachments;
	return print_arrived(t, &line);
}

static int
read_page(struct tailing *t, struct page *p, unsigned seconds)
{
	uint64_t second_ns = t->began_ns + 1000000000, end_ns = t->began_ns + (uint64_t)seconds * 1000000000, now_ns;
	struct page_event e;
	int got = 1;

	while (!tail_ended) {
		now_ns = uv_hrtime();
		if (now_ns >= second_ns) {
			print_rates(t);
			second_ns += 1000000000;
		}
		if (seconds && now_ns >= end_ns) break;
		got = page_next(p, 100, &e);
		if (got < 0 || (got && !take_page_event(t, &e))) break;
	}
	return got < 0 && !tail_ended ? tool_fail(t->call, "%s", page_why(p)) : TOOL_OK;
}

static int
tail_page(struct tailing *t, const struct config *config, unsigned seconds)
{
	const char *const *values = t->call->values;
	const struct page_options options = {
		.url = values[TAIL_URL],
		.path = config->path,
		.nsp = values[TAIL_NAMESPACE] ? values[TAIL_NAMESPACE] : "/",
		.auth = values[TAIL_AUTH],
		.timeout_ms = 10000,
	};
	char why[300];
	struct page *p = page_open(&options, why, sizeof why);
	int status;

	if (!p) return tool_fail(t->call, "%s: %s", options.url, why);
	fprintf(stderr, "siocast tail: connected\n");
	signal(SIGINT, on_tail_signal);
	signal(SIGTERM, on_tail_signal);
	if (values[TAIL_EMIT] && page_emit(p, eio_cstr(values[TAIL_EMIT])))
		status = tool_fail(t->call, "%s", page_why(p));
	else
		status = read_page(t, p, seconds);
	page_close(p);
	return status;
}

static const char *
wrong_tail(const struct tool_call *call)
{
	const char *const *v = call->values;

	if (!v[TAIL_URL] && (v[TAIL_NAMESPACE] || v[TAIL_AUTH] || v[TAIL_EMIT]))
		return "--namespace, --auth and --emit go with --url";
	if (!v[TAIL_URL] && !call->n) return "no PATTERN";
	if (v[TAIL_AUTH] && sio_json_check(eio_cstr(v[TAIL_AUTH]))) return "--auth is no JSON";
	if (v[TAIL_EMIT] &&
		(sio_json_check(eio_cstr(v[TAIL_EMIT])) || sio_json_kind(eio_cstr(v[TAIL_EMIT])) != SIO_JSON_ARRAY))
		return "--emit is no JSON list";
	return NULL;
}

static int
run_tail(const struct tool_call *call)
{
	struct tailing t = { .call = call, .began_ns = uv_hrtime() };
	const char *wrong = wrong_tail(call);
	double count = 0, seconds = 0;
	struct config *config;
	int status;

	if (wrong) return tool_usage(call->tool, "%s", wrong);
	if (!tool_number(call, TAIL_COUNT, 1, 1e15, &count) || !tool_number(call, TAIL_SECONDS, 1, 1e8, &seconds))
		return TOOL_USAGE;
	t.most = (uint64_t)count;
	t.rated_ns = t.began_ns;
	config = tool_config(call, false);
	if (!config) return TOOL_FAILED;
	if (call->values[TAIL_URL])
		status = tail_page(&t, config, (unsigned)seconds);
	else
		status = tail_redis(&t, config, (unsigned)seconds);
	if (status == TOOL_OK) print_total(&t);
	tally_deinit(&t.tally);
	eio_buf_deinit(&t.out);
	config_free(config);
	return status;
}

const struct tool tool_tail = {
	.name = "tail",
	.operands = "PATTERN...",
	.max = 1000,
	.about = "print what arrives, and how fast: from Redis, or as a page",
	.configured = true,
	.options = tail_options,
	.run = run_tail,
};
