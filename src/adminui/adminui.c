/* SPDX-License-Identifier: MIT */
/* The figures, and when they are sent. */
#include "src/adminui/adminui.h"

#include "eio/check.h"
#include "sio/event.h"
#include "src/adminui/stats.h"
#include "src/adminui/watch.h"
#include "src/feed/sending.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	ADMINUI_MAGIC = 0xad914e71,
	LOOK_MS = 1000,
	LOOKS_A_MESSAGE = 2, /* so it comes every two seconds, as from Node */
	ID_BYTES = UV_MAXHOSTNAMESIZE + 16,
};

struct adminui {
	unsigned magic;
	struct adminui_options options;
	char *nsp; /* owned */
	char hostname[UV_MAXHOSTNAMESIZE], server_id[ID_BYTES];
	uint64_t begun_ms; /* on the loop's clock */
	struct adminui_stats stats;
	struct adminui_watch watch;
	bool watched; /* somebody was there at the last look */
	unsigned looks; /* since the last message */
	struct eio_timer timer;
	struct mail_port starts, stops;
	struct mail start, stop;
	uv_sem_t stopped;
	bool closed;
};

static struct eio_clock *
clock_of_ui(const struct adminui *u)
{
	return &u->options.thread->clock;
}

/* Servers of Node do not tell whether somebody is there: they are told in any case. */
static bool
tells_ui_servers(const struct adminui *u)
{
	return u->options.adapter && adapter_tells(u->options.adapter);
}

static bool
is_ui_watched(const struct adminui *u)
{
	return tells_ui_servers(u) || interest_of(u->options.interest, sio_room_everyone(eio_cstr(u->nsp)));
}

static void
tell_ui_servers(struct adminui *u, struct eio_bytes args)
{
	const struct audience all = { .nsp = eio_cstr(u->nsp) };
	const struct sio_broadcast b = { .nsp = all.nsp,
		.event = EIO_LIT("server_stats"),
		.encode = SIO_ENCODE_ARGUMENTS,
		.payload = eio_bytes(args.p + 1, args.n - 2) }; /* without the brackets */
	struct eio_bundle *bundle;

	if (sio_broadcast_bundle(&b, &bundle)) return;
	/* What does not get through is counted there, and the next comes in two seconds. */
	(void)adapter_broadcast(u->options.adapter, &all, bundle);
	eio_bundle_unref(bundle);
}

static void
send_stats(struct adminui *u, uint64_t now_ms)
{
	const struct adminui_about about = { u->server_id, u->hostname, (int)getpid(), now_ms - u->begun_ms };
	struct eio_buf args = { 0 };

	adminui_stats_write(&u->stats, &about, &args);
	if (!eio_buf_failed(&args)) {
		const struct feed_posted event = { .is_event = true,
			.name = EIO_LIT("server_stats"),
			.payload = eio_buf_bytes(&args),
			.nsp = eio_cstr(u->nsp),
			.everyone = true };

		(void)feed_send(u->options.feed, &event);
		if (tells_ui_servers(u)) tell_ui_servers(u, eio_buf_bytes(&args));
	}
	eio_buf_deinit(&args);
}

static uint64_t
ms_since_1970(void)
{
	uv_timeval64_t now;

	return uv_gettimeofday(&now) ? 0 : (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_usec / 1000;
}

/* Whoever is the first to come gets the figures at the next look. */
static void
on_ui_look(struct eio_timer *t)
{
	struct adminui *u = EIO_CONTAINER(t, struct adminui, timer);
	uint64_t now_ms = eio_clock_now(clock_of_ui(u));
	bool before = u->watched;

	CHECK_MAGIC(u, ADMINUI_MAGIC);
	eio_clock_set(clock_of_ui(u), t, now_ms + LOOK_MS);
	u->watched = is_ui_watched(u);
	if (!u->watched) return;
	if (before) {
		adminui_stats_look(&u->stats, ms_since_1970());
	} else {
		adminui_stats_begin(&u->stats);
		u->looks = LOOKS_A_MESSAGE - 1;
	}
	if (++u->looks < LOOKS_A_MESSAGE) return;
	u->looks = 0;
	send_stats(u, now_ms);
}

/* From beginning to end */

static struct adminui *
adminui_of(void *user)
{
	struct adminui *u = user;

	CHECK_MAGIC(u, ADMINUI_MAGIC);
	return u;
}

static void
take_ui_start(void *user, struct mail *run)
{
	struct adminui *u = adminui_of(user);

	(void)run;
	u->begun_ms = eio_clock_now(clock_of_ui(u));
	eio_clock_set(clock_of_ui(u), &u->timer, u->begun_ms + LOOK_MS);
}

static void
shut_down_ui(struct adminui *u)
{
	u->closed = true;
	eio_clock_set(clock_of_ui(u), &u->timer, UINT64_MAX);
	adminui_watch_close(&u->watch);
	uv_sem_post(&u->stopped);
}

static void
take_ui_stop(void *user, struct mail *run)
{
	(void)run;
	shut_down_ui(adminui_of(user));
}

/* As the official one names servers; a node's name tells those of one host apart. */
static void
name_ui_server(struct adminui *u)
{
	const struct adminui_options *o = &u->options;
	size_t n = sizeof u->hostname;

	if (uv_os_gethostname(u->hostname, &n)) strcpy(u->hostname, "localhost");
	if (o->server_id)
		snprintf(u->server_id, sizeof u->server_id, "%s", o->server_id);
	else
		snprintf(u->server_id, sizeof u->server_id, "%s%s%s", u->hostname, o->node ? "#" : "",
			o->node ? o->node : "");
}

struct adminui *
adminui_new(const struct adminui_options *options)
{
	struct adminui *u = calloc(1, sizeof *u);
	struct mailbox *mailbox = &options->thread->mailbox;

	if (!u) return NULL;
	u->magic = ADMINUI_MAGIC;
	u->options = *options;
	u->stats.set = options->metrics;
	u->starts = (struct mail_port){ mailbox, take_ui_start, u };
	u->stops = (struct mail_port){ mailbox, take_ui_stop, u };
	eio_timer_init(&u->timer, on_ui_look);
	name_ui_server(u);
	u->nsp = strdup(options->nsp);
	u->watch.line = (struct ui_line){ .nsp = u->nsp, .watches = options->watches, .orders = options->orders };
	adminui_watch_init(&u->watch, options->feed, mailbox);
	if (u->nsp && uv_sem_init(&u->stopped, 0) == 0) return u;
	free(u->nsp);
	free(u);
	return NULL;
}

struct ui_line *
adminui_line(struct adminui *u)
{
	CHECK_MAGIC(u, ADMINUI_MAGIC);
	return &u->watch.line;
}

void
adminui_start(struct adminui *u)
{
	mail_post(&u->starts, &u->start);
}

void
adminui_stop(struct adminui *u)
{
	if (!u->options.thread->running) {
		shut_down_ui(u);
		return;
	}
	mail_post(&u->stops, &u->stop);
	uv_sem_wait(&u->stopped);
}

void
adminui_free(struct adminui *u)
{
	if (!u) return;
	CHECK(!u->options.thread->running && u->closed);
	uv_sem_destroy(&u->stopped);
	adminui_watch_deinit(&u->watch);
	free(u->nsp);
	u->magic = 0;
	free(u);
}
