/* SPDX-License-Identifier: MIT */
/*
 * The admin port: /metrics (Prometheus), /stats (JSON), /livez and /readyz, on
 * an address of its own and on the main thread, so that it answers also when
 * every worker is busy.
 */
#ifndef SRC_ADMIN_PORT_H
#define SRC_ADMIN_PORT_H

#include "src/base/metrics.h"
#include "src/config/config.h"
#include "src/feed/feed.h"

#include <uv.h>

struct admin;

/* Listens on config->admin. Everything is borrowed and outlives the admin. NULL on failure, which was logged. */
struct admin *admin_new(
	uv_loop_t *loop, const struct config *config, const struct feed *feed, const struct metrics_set *metrics);

/* Closes it; the loop must run until its handles are closed, then admin_free. NULL is fine. */
void admin_close(struct admin *a);
void admin_free(struct admin *a);

#endif
