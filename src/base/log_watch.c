/* SPDX-License-Identifier: MIT */
/* A timer of the main thread. */
#include "src/base/log_watch.h"

#include "src/base/log.h"

enum { LOG_WATCH_MS = 1000 };

static void
on_log_look(uv_timer_t *timer)
{
	(void)timer;
	log_tell_repeats(false);
}

void
log_watch_start(struct log_watch *w, uv_loop_t *loop)
{
	uv_timer_init(loop, &w->timer);
	uv_timer_start(&w->timer, on_log_look, LOG_WATCH_MS, LOG_WATCH_MS);
	uv_unref((uv_handle_t *)&w->timer);
	log_bound_repeats(true);
}

void
log_watch_stop(struct log_watch *w)
{
	uv_close((uv_handle_t *)&w->timer, NULL);
	log_bound_repeats(false);
	log_tell_repeats(true);
}
