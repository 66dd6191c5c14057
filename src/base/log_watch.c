/* SPDX-License-Identifier: MIT */
/* A timer and a signal of the main thread. */
#include "src/base/log_watch.h"

#include "src/base/log.h"

#include <signal.h>

enum { LOG_WATCH_MS = 1000 };

static void
on_log_look(uv_timer_t *timer)
{
	(void)timer;
	log_tell_repeats(false);
}

static void
on_reopen(uv_signal_t *sig, int signum)
{
	const char *file;
	int err = log_reopen(&file);

	(void)sig;
	(void)signum;
	if (err)
		log_error_errno(err, "event=log-failed file=\"%s\" hint=\"the old one is written on\"",
			LOG_ESCAPE(eio_cstr(file)));
	else
		log_info("event=log-reopened");
}

void
log_watch_start(struct log_watch *w, uv_loop_t *loop)
{
	uv_timer_init(loop, &w->timer);
	uv_timer_start(&w->timer, on_log_look, LOG_WATCH_MS, LOG_WATCH_MS);
	uv_unref((uv_handle_t *)&w->timer);
	uv_signal_init(loop, &w->reopen);
	uv_signal_start(&w->reopen, on_reopen, SIGUSR1);
	uv_unref((uv_handle_t *)&w->reopen);
	log_bound_repeats(true);
}

void
log_watch_stop(struct log_watch *w)
{
	uv_close((uv_handle_t *)&w->timer, NULL);
	uv_close((uv_handle_t *)&w->reopen, NULL);
	signal(SIGUSR1, SIG_IGN);
	log_bound_repeats(false);
	log_tell_repeats(true);
}
