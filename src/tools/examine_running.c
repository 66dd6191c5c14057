/* SPDX-License-Identifier: MIT */
/* Facts of the siocast that runs, as /stats of its admin port has them. */
#include "src/tools/examine.h"

#include "sio/json.h"
#include "src/tools/ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t
feed_count(struct eio_bytes stats, size_t index, const char *name)
{
	char pointer[96];

	snprintf(pointer, sizeof pointer, "/metrics/by_feed/%zu/%s", index, name);
	return ask_number(stats, pointer);
}

static void
read_dropped(struct eio_bytes stats, struct running_feed *f)
{
	static const char *const reasons[] = { "route", "json", "utf8", "payload", "line", "size", "messageBytes",
		"memory" };
	uint64_t n, most = 0;
	char name[64];

	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
		snprintf(name, sizeof name, "feed_dropped_total/%s", reasons[i]);
		n = feed_count(stats, f->index, name);
		f->dropped += n;
		if (n <= most) continue;
		most = n;
		f->reason = reasons[i];
	}
}

static void
read_running_feed(struct eio_bytes stats, const struct feed_spec *spec, struct running_feed *f)
{
	*f = (struct running_feed){ .index = spec->index, .rooms = spec->n_rooms > 0 };
	f->filtered = feed_count(stats, f->index, "feed_filtered_total");
	f->unheard = feed_count(stats, f->index, "feed_unheard_total");
	f->batches = feed_count(stats, f->index, "feed_batches_total");
	read_dropped(stats, f);
}

static void
read_stats(const struct config *c, struct eio_bytes stats, struct running_facts *out, struct examine_running_memory *m)
{
	struct feed_options feed = { .thread = NULL };

	config_fill_feed(c, &feed);
	out->files = ask_number(stats, "/process/max_fds");
	out->clients = ask_number(stats, "/metrics/sessions/websocket") +
		       ask_number(stats, "/metrics/sessions/polling");
	out->edge = c->hub != NULL;
	out->messages = ask_number(stats, out->edge ? "/metrics/relay_batches_total" : "/metrics/feed_messages_total");
	out->edges = ask_number(stats, "/metrics/relay_edges");
	out->feeds = m->feeds;
	for (out->n = 0; out->n < feed.specs->n && out->n < EXAMINE_FEEDS; out->n++)
		read_running_feed(stats, &feed.specs->v[out->n], &m->feeds[out->n]);
}

void
examine_running(const struct config *c, struct running_facts *out, struct examine_running_memory *m)
{
	struct fetched answer;
	struct eio_bytes stats;

	snprintf(m->name, sizeof m->name, "%s", c->admin->text);
	*out = (struct running_facts){ .name = m->name };
	if (ask_admin(c, "/stats", ASK_TIMEOUT_MS, &answer))
		snprintf(m->why, sizeof m->why, "no siocast answers there: %s", answer.why);
	else
		snprintf(m->why, sizeof m->why, "somebody else answers there");
	stats = eio_buf_bytes(&answer.body);
	if (answer.status == 200 && stats.n && sio_json_check(stats) == 0 &&
		sio_json_find(stats, EIO_LIT("/metrics"), &(struct eio_bytes){ NULL, 0 }))
		read_stats(c, stats, out, m);
	else
		out->away = m->why;
	fetched_free(&answer);
}
