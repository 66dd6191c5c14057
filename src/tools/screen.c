/* SPDX-License-Identifier: MIT */
/* Numbers of /stats, and what became of them in a while. */
#include "src/tools/screen.h"

#include "sio/json.h"
#include "src/tools/visible.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SCREEN_FEEDS = 256 };

struct screen {
	struct eio_bytes before, now;
	double seconds;
	struct eio_buf *out;
};

static double
stat_at(struct eio_bytes json, const char *pointer)
{
	struct eio_bytes value;
	char digits[40];

	if (!json.n || !sio_json_find(json, eio_cstr(pointer), &value) || value.n >= sizeof digits) return 0;
	memcpy(digits, value.p, value.n);
	digits[value.n] = '\0';
	return strtod(digits, NULL);
}

static double
rate_at(const struct screen *s, const char *pointer)
{
	double gone = stat_at(s->now, pointer) - stat_at(s->before, pointer);

	return s->before.n && s->seconds > 0 && gone > 0 ? gone / s->seconds : 0;
}

static double
stat_of(const struct screen *s, const char *name)
{
	char pointer[96];

	snprintf(pointer, sizeof pointer, "/metrics/%s", name);
	return stat_at(s->now, pointer);
}

static double
rate_of(const struct screen *s, const char *name)
{
	char pointer[96];

	snprintf(pointer, sizeof pointer, "/metrics/%s", name);
	return rate_at(s, pointer);
}

static void
write_screen_head(const struct screen *s)
{
	struct eio_bytes version = EIO_LIT("\"\"");

	sio_json_find(s->now, EIO_LIT("/version"), &version);
	EIO_BUF_ADD_LIT(s->out, "siocast ");
	if (version.n > 2) write_visible(s->out, eio_bytes(version.p + 1, version.n - 2));
	eio_buf_printf(s->out, "   busiest loop %.0f%%   processor %.0f%%   memory %.0f MB   files %.0f of %.0f\n",
		stat_at(s->now, "/capacity_ratio") * 100, rate_at(s, "/process/cpu_seconds") * 100,
		stat_at(s->now, "/process/resident_memory_bytes") / 1048576, stat_at(s->now, "/process/open_fds"),
		stat_at(s->now, "/process/max_fds"));
}

static void
write_screen_clients(const struct screen *s)
{
	double sent = rate_of(s, "bytes_sent_total/polling,4") + rate_of(s, "bytes_sent_total/polling,3") +
		      rate_of(s, "bytes_sent_total/websocket,4") + rate_of(s, "bytes_sent_total/websocket,3");

	eio_buf_printf(s->out,
		"clients  %.0f websocket, %.0f polling   +%.1f/s   behind %.0f   out %.1f KB/s   in %.1f messages/s\n",
		stat_of(s, "sessions/websocket"), stat_of(s, "sessions/polling"), rate_of(s, "sessions_opened_total"),
		stat_of(s, "connections_behind"), sent / 1024, rate_of(s, "messages_received_total"));
}

static bool
has_stat(const struct screen *s, const char *pointer)
{
	return sio_json_find(s->now, eio_cstr(pointer), &(struct eio_bytes){ NULL, 0 });
}

/* Where messages come from, and the edges of a hub. */
static void
write_screen_sources(const struct screen *s)
{
	if (has_stat(s, "/metrics/relay_connected"))
		eio_buf_printf(s->out, "hub      %s   %.1f batches/s   %.1f KB/s   gaps %.0f\n",
			stat_of(s, "relay_connected") > 0 ? "connected" : "away", rate_of(s, "relay_batches_total"),
			rate_of(s, "relay_bytes_total") / 1024, stat_of(s, "relay_gaps_total"));
	else
		eio_buf_printf(s->out, "redis    %.0f connections   %.1f messages/s   %.1f KB/s   lost %.0f times\n",
			stat_of(s, "redis_connections"), rate_of(s, "feed_messages_total"),
			rate_of(s, "feed_bytes_total") / 1024, stat_of(s, "redis_lost_total"));
	if (has_stat(s, "/metrics/relay_edges"))
		eio_buf_printf(s->out, "edges    %.0f connected, %.0f away   %.1f batches/s   out %.1f KB/s\n",
			stat_of(s, "relay_edges"), stat_of(s, "relay_edges_away"),
			rate_of(s, "relay_hub_batches_total"), rate_of(s, "relay_hub_sent_bytes_total") / 1024);
}

struct screen_feed {
	struct eio_bytes label;
	double messages, batches, bytes, unheard;
};

static double
feed_rate(const struct screen *s, struct eio_bytes label, const char *name)
{
	char pointer[160];

	snprintf(pointer, sizeof pointer, "/metrics/by_feed/%.*s/%s", (int)label.n, label.p, name);
	return rate_at(s, pointer);
}

static int
compare_feeds(const void *a, const void *b)
{
	const struct screen_feed *x = a, *y = b;

	return (x->bytes < y->bytes) - (x->bytes > y->bytes);
}

static void
write_screen_feeds(const struct screen *s, unsigned rows)
{
	struct screen_feed feeds[SCREEN_FEEDS];
	struct eio_bytes all, key, value;
	struct sio_json_iter it;
	unsigned n = 0;

	if (!sio_json_find(s->now, EIO_LIT("/metrics/by_feed"), &all)) return;
	it = sio_json_iter(all);
	while (n < SCREEN_FEEDS && sio_json_next(&it, &key, &value)) {
		struct screen_feed *f = &feeds[n++];

		f->label = eio_bytes(key.p + 1, key.n - 2);
		f->messages = feed_rate(s, f->label, "feed_batch_messages/sum");
		f->batches = feed_rate(s, f->label, "feed_batches_total");
		f->bytes = feed_rate(s, f->label, "feed_batch_bytes_total");
		f->unheard = feed_rate(s, f->label, "feed_unheard_total");
	}
	qsort(feeds, n, sizeof feeds[0], compare_feeds);
	EIO_BUF_ADD_LIT(s->out, "\n     feed   messages/s    batches/s         KB/s    unheard/s\n");
	for (unsigned i = 0; i < n && i < rows; i++)
		eio_buf_printf(s->out, "%9.*s %12.1f %12.1f %12.1f %12.1f\n", (int)feeds[i].label.n, feeds[i].label.p,
			feeds[i].messages, feeds[i].batches, feeds[i].bytes / 1024, feeds[i].unheard);
}

void
screen_write(struct eio_bytes before, struct eio_bytes now, double seconds, unsigned rows, struct eio_buf *out)
{
	const struct screen s = { before, now, seconds, out };

	write_screen_head(&s);
	write_screen_clients(&s);
	write_screen_sources(&s);
	write_screen_feeds(&s, rows);
}
