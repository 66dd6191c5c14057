/* SPDX-License-Identifier: MIT */
/* Facts of the kernel, and of Redis. */
#include "src/tools/examine.h"

#include "eio/net/uring.h"
#include "src/redis/slot.h"
#include "src/tools/talk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { DOCTOR_BACKLOG = 4096 }; /* what eio_listen() asks for */

void
examine_wants(const struct config *c, struct doctor_wants *out)
{
	struct feed_options feed = { .thread = NULL };
	struct eio_server_options server = { .index = 0 };
	struct clients_options clients = { .worker = 0 };

	config_fill_feed(c, &feed);
	config_fill_server(c, &server);
	*out = (struct doctor_wants){
		.connections = c->limits.max_connections,
		.message_bytes = feed.message_bytes,
		.ping_interval_ms = server.ping_interval,
		.io_uring = c->io_uring,
	};
	config_fill_clients(c, &clients);
	for (size_t i = 0; i < clients.namespaces->n; i++) {
		const struct handlers *h = clients.namespaces->v[i].handlers;

		out->publishes |= h && (handlers_any_publish(h) || handlers_calls(h));
	}
	for (size_t i = 0; i < feed.specs->n; i++) out->streams |= feed.specs->v[i].is_stream;
	for (size_t i = 0; i < c->n_redis; i++) out->psync |= feed.replicates[i];
}

/* The i-th number of a file of /proc; 0 when there is none. */
static uint64_t
proc_number(const char *path, unsigned i)
{
	char text[256] = "", *p = text, *end;
	FILE *f = fopen(path, "re");
	uint64_t n = 0;

	if (!f) return 0;
	if (!fgets(text, sizeof text, f)) *text = '\0';
	fclose(f);
	for (unsigned k = 0; k <= i; k++, p = end) {
		n = strtoull(p, &end, 10);
		if (end == p) return 0;
	}
	return n;
}

static void
ignore_sent(void *user, void *owner, size_t left)
{
	(void)user;
	(void)owner;
	(void)left;
}

void
examine_kernel(struct kernel_facts *out)
{
	struct eio_uring *ring = eio_uring_new(ignore_sent, NULL);
	struct rlimit files = { 0, 0 };

	*out = (struct kernel_facts){ .backlog = DOCTOR_BACKLOG };
	out->io_uring = ring && eio_uring_works(ring);
	if (ring) eio_uring_free(ring);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		out->files_soft = files.rlim_cur;
		out->files_hard = files.rlim_max;
	}
	out->somaxconn = proc_number("/proc/sys/net/core/somaxconn", 0);
	out->tcp_bytes = proc_number("/proc/sys/net/ipv4/tcp_mem", 2) * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Redis */

/* The first string of an answer that holds a text; p is NULL when none does. */
static struct eio_bytes
find_answer_text(const struct redis_values *v, const char *text)
{
	struct redis_item item;
	size_t at = 0;

	while (v && redis_values_next(v, &at, &item))
		if (item.kind == REDIS_ITEM_STRING && item.bytes.n &&
			memmem(item.bytes.p, item.bytes.n, text, strlen(text)))
			return item.bytes;
	return (struct eio_bytes){ NULL, 0 };
}

/* The number behind a text in bytes; *found: whether there is one. */
static uint64_t
number_behind(struct eio_bytes in, const char *text, bool *found)
{
	size_t n = strlen(text);
	const char *at = in.n >= n ? memmem(in.p, in.n, text, n) : NULL;
	char digits[24];
	size_t k = 0;

	*found = at != NULL;
	if (!at) return 0;
	for (at += n; at < in.p + in.n && *at >= '0' && *at <= '9' && k < sizeof digits - 1; at++) digits[k++] = *at;
	digits[k] = '\0';
	return strtoull(digits, NULL, 10);
}

static const struct redis_values *
ask_words(struct talk *t, const char *a, const char *b, const char *c)
{
	struct eio_bytes words[3] = { eio_cstr(a) };
	size_t n = 1;

	if (b) words[n++] = eio_cstr(b);
	if (c) words[n++] = eio_cstr(c);
	return talk_ask(t, words, n);
}

static void
read_server_info(struct talk *t, struct redis_facts *out)
{
	struct eio_bytes info = find_answer_text(ask_words(t, "INFO", NULL, NULL), "redis_version:");
	const char *minor;
	bool found;

	if (!info.p) return;
	out->major = (unsigned)number_behind(info, "redis_version:", &found);
	minor = memchr(memmem(info.p, info.n, "redis_version:", 14), '.', 32);
	if (minor) out->minor = (unsigned)strtoul(minor + 1, NULL, 10);
	out->cluster = number_behind(info, "cluster_enabled:", &found) == 1;
	out->replica = memmem(info.p, info.n, "role:slave", 10);
	out->output_bytes_s = number_behind(info, "instantaneous_output_kbps:", &found) << 10;
}

/* "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60": the class of replicas has two names. */
static void
read_output_limits(struct talk *t, struct redis_facts *out)
{
	struct eio_bytes text = find_answer_text(
		ask_words(t, "CONFIG", "GET", "client-output-buffer-limit"), "pubsub ");
	const char *p = NULL;
	char line[128];
	unsigned long long hard, soft, seconds;

	if (text.p && out->replicates) p = memmem(text.p, text.n, "slave ", 6);
	if (text.p && out->replicates && !p) p = memmem(text.p, text.n, "replica ", 8);
	if (text.p && !out->replicates) p = memmem(text.p, text.n, "pubsub ", 7);
	if (!p) return;
	snprintf(line, sizeof line, "%.*s", (int)(text.p + text.n - p), p);
	out->limits_known = sscanf(line, "%*s %llu %llu %llu", &hard, &soft, &seconds) == 3;
	if (!out->limits_known) return;
	out->hard_bytes = hard;
	out->soft_bytes = soft;
	out->soft_seconds = seconds;
}

/* Whether the answer is an error, which is copied. None is no error: see note_loss(). */
static bool
is_refusal(const struct redis_values *v, char *out, size_t size)
{
	struct redis_item item;
	size_t at = 0;

	if (!v || !redis_values_next(v, &at, &item) || item.kind != REDIS_ITEM_ERROR) return false;
	snprintf(out, size, "%.*s", (int)item.bytes.n, item.bytes.p);
	return true;
}

/* How what a feed listens to is asked for, and what an ACL says to allow it. */
struct listening {
	const char *command, *right;
};

static struct listening
listening_to(const struct feed_spec *f)
{
	if (f->is_stream) return (struct listening){ "XREAD", "+xread +xinfo ~" };
	if (f->is_shard) return (struct listening){ "SSUBSCRIBE", "+ssubscribe &" };
	if (f->is_pattern && f->subscribe != FEED_SUBSCRIBE_ON_DEMAND)
		return (struct listening){ "PSUBSCRIBE", "+psubscribe &" };
	return (struct listening){ "SUBSCRIBE", "+subscribe &" };
}

/* Asks as the daemon would; of a stream for nothing that is there already. */
static const struct redis_values *
try_listening(struct talk *t, const struct feed_spec *f, const char *name)
{
	const char *command = listening_to(f).command;
	const struct eio_bytes words[] = { eio_cstr(command), EIO_LIT("COUNT"), EIO_LIT("1"), EIO_LIT("STREAMS"),
		eio_cstr(name), EIO_LIT("$") };
	char one[400];

	if (f->is_stream) return talk_ask(t, words, sizeof words / sizeof words[0]);
	if (!f->is_pattern || f->subscribe != FEED_SUBSCRIBE_ON_DEMAND) return ask_words(t, command, name, NULL);
	/* On demand it is single channels that are asked for: one that the pattern would match. */
	snprintf(one, sizeof one, "%s", name);
	for (char *p = one; (p = strchr(p, '*'));) *p = '0';
	return ask_words(t, command, one, NULL);
}

/* Those of streams, or the others; but for what is at another node of a Cluster. */
static void
try_feeds(struct talk *t, const struct feed_specs *specs, bool streams, bool cluster, struct redis_facts *out,
	struct examine_memory *m)
{
	for (size_t i = 0; i < specs->n; i++) {
		const struct feed_spec *f = &specs->v[i];

		for (size_t k = 0; f->is_stream == streams && k < f->n_channels; k++) {
			if (!is_refusal(try_listening(t, f, f->channels[k]), m->two, sizeof m->two)) continue;
			if (cluster && redis_redirect_read(eio_cstr(m->two)).kind != REDIS_REDIRECT_NONE) continue;
			snprintf(m->one, sizeof m->one, "%s", f->channels[k]);
			out->refused = m->one;
			out->refusal = m->two;
			out->refused_right = listening_to(f).right;
			return;
		}
	}
}

/* Why the last questions have no answer, whichever those were; NULL: all have one. */
static const char *
note_loss(const struct talk *t, struct examine_memory *m)
{
	snprintf(m->four, sizeof m->four, "%s", talk_why(t));
	return *m->four ? m->four : NULL;
}

void
examine_intake(const struct config *c, struct intake_facts *out, struct examine_memory *m)
{
	const struct resp_spec *spec = config_intake(c);
	struct talk *t = talk_open(config_intake_url(c), m->three, sizeof m->three);

	*out = (struct intake_facts){ .name = c->intake->text, .alone = !c->n_redis };
	out->open = !spec->password && !config_listens_here_only(c->intake);
	if (!t) {
		out->away = m->three;
		return;
	}
	out->is_siocast = find_answer_text(ask_words(t, "INFO", NULL, NULL), "siocast_version:").p != NULL;
	out->away = note_loss(t, m);
	talk_close(t);
}

void
examine_redis(const struct config *c, size_t i, struct redis_facts *out, struct examine_memory *m)
{
	struct feed_options feed = { .thread = NULL };
	const struct redis_url *url = config_redis(c, i);
	struct talk *t = talk_open(url, m->three, sizeof m->three);

	config_fill_feed(c, &feed);
	*out = (struct redis_facts){ .name = url->name, .user = url->user, .replicates = feed.replicates[i] };
	if (!t) {
		out->away = m->three;
		return;
	}
	read_server_info(t, out);
	read_output_limits(t, out);
	/* To nobody: no feed is of that channel. */
	if (i == 0 && is_refusal(ask_words(t, "PUBLISH", "siocast:doctor", ""), m->three, sizeof m->three))
		out->publish_refusal = m->three;
	try_feeds(t, feed.specs, true, url->is_cluster, out, m);
	/* Who has subscribed may ask nothing else. */
	if (!feed.replicates[i] && !out->refused) try_feeds(t, feed.specs, false, url->is_cluster, out, m);
	out->lost = note_loss(t, m);
	talk_close(t);
}
