/* SPDX-License-Identifier: MIT */
/* When the service manager is told what. */
#include "src/service/service.h"

#include "eio/check.h"
#include "src/base/log.h"
#include "src/service/beats.h"
#include "src/service/notify.h"
#include "src/worker/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SERVICE_MAGIC = 0x5e4f1ce5,
	SERVICE_FIRST_MS = 1000, /* then Redis has answered, if it is there */
	SERVICE_STATUS_MS = 5000, /* between two lines about what it does */
	SERVICE_STATUS_MAX = 128,
	SERVICE_SPARE_S = 30, /* for what comes after the draining */
};

struct service {
	unsigned magic; /* SERVICE_MAGIC */
	struct service_options options;
	struct notify notify;
	struct beats beats;
	uv_timer_t status, watchdog;
	char told[SERVICE_STATUS_MAX]; /* the last line */
	bool draining; /* the end has been told of */
	bool stuck; /* a thread had not answered at the last look */
};

/* Status */

static unsigned
subscribed_servers(const struct service *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < feed_redis_count(s->options.feed); i++)
		n += feed_redis_status(s->options.feed, i).subscribed;
	return n;
}

static void
write_status(const struct service *s, char *out, size_t size)
{
	uint64_t polling = metrics_sum(s->options.metrics, &worker_metrics, WORKER_METRIC_SESSIONS_POLLING);
	uint64_t websocket = metrics_sum(s->options.metrics, &worker_metrics, WORKER_METRIC_SESSIONS_WEBSOCKET);

	snprintf(out, size, "%" PRIu64 " clients by WebSocket, %" PRIu64 " by polling; %u of %u Redis subscribed",
		websocket, polling, subscribed_servers(s), (unsigned)feed_redis_count(s->options.feed));
}

static void
on_service_status(uv_timer_t *t)
{
	struct service *s = t->data;
	char text[SERVICE_STATUS_MAX];

	CHECK_MAGIC(s, SERVICE_MAGIC);
	write_status(s, text, sizeof text);
	if (strcmp(text, s->told) == 0) return;
	if (notify_send(&s->notify, false, "STATUS=%s", text)) memcpy(s->told, text, sizeof text);
}

/* Watchdog */

/* One that was stuck and works again within the manager's time has cost nobody more than that. */
static void
on_service_watchdog(uv_timer_t *t)
{
	struct service *s = t->data;
	const struct thread *missing;

	CHECK_MAGIC(s, SERVICE_MAGIC);
	missing = beats_missing(&s->beats);
	if (!missing)
		notify_send(&s->notify, false, "WATCHDOG=1");
	else if (!s->stuck)
		log_warn("event=thread-stuck thread=%s hint=\"the service manager is not told that all is well\"",
			missing->name);
	s->stuck = missing != NULL;
	beats_send(&s->beats);
}

/* From beginning to end */

static void
init_service_timer(struct service *s, uv_timer_t *t)
{
	uv_timer_init(s->options.loop, t);
	t->data = s;
	uv_unref((uv_handle_t *)t);
}

int
service_new(const struct service_options *options, struct service **out)
{
	struct notify n;
	struct service *s;
	int err = notify_open(&n);

	*out = NULL;
	if (err) log_error_errno(err, "event=notify-failed hint=\"the service manager is told nothing\"");
	if (n.fd < 0) return 0;
	s = calloc(1, sizeof *s);
	if (s && beats_init(&s->beats, options->threads, options->n_threads) == 0) {
		s->magic = SERVICE_MAGIC;
		s->options = *options;
		s->notify = n;
		init_service_timer(s, &s->status);
		init_service_timer(s, &s->watchdog);
		*out = s;
		return 0;
	}
	free(s);
	notify_close(&n);
	return -1;
}

void
service_ready(struct service *s)
{
	uint64_t watch_ms;

	if (!s) return;
	CHECK_MAGIC(s, SERVICE_MAGIC);
	write_status(s, s->told, sizeof s->told);
	notify_send(&s->notify, true, "READY=1\nSTATUS=%s", s->told);
	uv_timer_start(&s->status, on_service_status, SERVICE_FIRST_MS, SERVICE_STATUS_MS);
	if (!s->notify.watchdog_us) return;
	/* Twice in that time, as sd_watchdog_enabled(3) advises; and a thread has half of it to answer. */
	watch_ms = s->notify.watchdog_us / 2000;
	if (!watch_ms) watch_ms = 1;
	beats_send(&s->beats);
	uv_timer_start(&s->watchdog, on_service_watchdog, watch_ms, watch_ms);
}

bool
service_keeps(const struct service *s)
{
	return s && s->notify.keeps > 0;
}

void
service_keep(struct service *s, const struct inherited *sockets)
{
	size_t kept = 0, ours = 0;

	if (!s) return;
	CHECK_MAGIC(s, SERVICE_MAGIC);
	notify_send(&s->notify, true, "FDSTOREREMOVE=1\nFDNAME=%s", INHERITED_KEPT);
	for (size_t i = 0; i < sockets->n; i++) {
		if (strcmp(sockets->v[i].name, INHERITED_LISTENING) != 0) continue;
		ours++;
		if (ours <= s->notify.keeps) kept += notify_keep(&s->notify, sockets->v[i].fd, INHERITED_KEPT);
	}
	if (kept < ours)
		log_warn("event=sockets-not-kept sockets=%zu kept=%zu hint=\"FileDescriptorStoreMax= of the unit is "
			 "too small: the others are opened anew by the next process\"",
			ours, kept);
}

void
service_reloading(struct service *s)
{
	if (!s) return;
	CHECK_MAGIC(s, SERVICE_MAGIC);
	/* CLOCK_MONOTONIC, as uv_hrtime() has it. */
	notify_send(&s->notify, true, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, uv_hrtime() / 1000);
}

void
service_reloaded(struct service *s)
{
	if (!s) return;
	CHECK_MAGIC(s, SERVICE_MAGIC);
	notify_send(&s->notify, true, "READY=1");
}

void
service_draining(struct service *s, unsigned seconds)
{
	if (!s) return;
	CHECK_MAGIC(s, SERVICE_MAGIC);
	s->draining = true;
	notify_send(&s->notify, true, "STOPPING=1\nEXTEND_TIMEOUT_USEC=%" PRIu64 "\nSTATUS=Sending clients away",
		((uint64_t)seconds + SERVICE_SPARE_S) * 1000000);
}

void
service_hand_over(struct service *s, pid_t pid)
{
	if (!s) return;
	CHECK_MAGIC(s, SERVICE_MAGIC);
	s->draining = true; /* what is told from here on is for the other to tell */
	notify_send(&s->notify, true, "MAINPID=%d", (int)pid);
}

void
service_stopping(struct service *s)
{
	if (!s) return;
	CHECK_MAGIC(s, SERVICE_MAGIC);
	if (!s->draining) notify_send(&s->notify, true, "STOPPING=1\nSTATUS=Ending all sessions");
	uv_close((uv_handle_t *)&s->status, NULL);
	uv_close((uv_handle_t *)&s->watchdog, NULL);
}

void
service_free(struct service *s)
{
	if (!s) return;
	CHECK_MAGIC(s, SERVICE_MAGIC);
	beats_deinit(&s->beats);
	notify_close(&s->notify);
	s->magic = 0;
	free(s);
}
