/* SPDX-License-Identifier: MIT */
/* A feed for an edge or a hub, without anything else. */
#include "tests/unit/relay/rig.h"

#include "src/base/log.h"
#include "tests/unit/configured.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void
keep_delivery(void *user, struct mail *run)
{
	struct relay_rig *r = user;

	assert_null(run->next);
	assert_true(r->n < RIG_DELIVERIES);
	r->got[r->n++] = EIO_CONTAINER(run, struct delivery, mail);
}

void
relay_rig_open(struct relay_rig *r, const char *config, bool edge, bool hub)
{
	struct feed_options o;

	*r = (struct relay_rig){ .worker = { .take = keep_delivery, .user = r } };
	log_set_level(LOG_LEVEL_ERROR);
	r->config = configured(config);
	assert_non_null(r->interest = interest_table_new());
	assert_int_equal(metrics_set_init(&r->metrics), 0);
	assert_int_equal(thread_init(&r->thread, "test", &r->metrics), 0);
	o = (struct feed_options){ .thread = &r->thread, .interest = r->interest, .metrics = &r->metrics };
	config_fill_feed(r->config, &o);
	o.redis = NULL;
	o.n_redis = o.max_redis = 0;
	o.workers = 1;
	o.edge = edge;
	o.hub = hub;
	assert_non_null(r->feed = feed_new(&o));
	feed_set_worker(r->feed, 0, &r->worker);
}

void
relay_rig_stop(struct relay_rig *r)
{
	feed_stop(r->feed);
	thread_stop(&r->thread);
	for (size_t i = 0; i < r->n; i++) delivery_free(r->got[i]);
}

void
relay_rig_close(struct relay_rig *r)
{
	feed_free(r->feed);
	thread_deinit(&r->thread);
	interest_table_free(r->interest);
	metrics_set_deinit(&r->metrics);
	config_free(r->config);
}

void
relay_rig_turn(struct relay_rig *r)
{
	for (int i = 0; i < 3; i++) uv_run(&r->thread.loop, UV_RUN_NOWAIT);
}

void
relay_rig_last(const struct relay_rig *r, char *text, size_t n)
{
	const struct delivery *d = r->n ? r->got[r->n - 1] : NULL;
	struct eio_block *b;

	assert_true(d && d->n == 1 && d->items[0].bundle);
	b = eio_bundle_wire(d->items[0].bundle, EIO_WIRE_POLLING);
	assert_non_null(b);
	snprintf(text, n, "%.*s", (int)b->n, b->data);
}
