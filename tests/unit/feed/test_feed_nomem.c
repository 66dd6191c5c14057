/* SPDX-License-Identifier: MIT */
/* Out of memory at every single place while a message goes through a feed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eio/list.h"
#include "src/base/log.h"
#include "src/feed/feed_int.h"
#include "tests/unit/configured.h"
#include "tests/unit/failmalloc.h"

static const char text[] =
	"{\"feeds\": [{\"pattern\": \"n.*\", \"event\": \"e\", \"room\": \"{1}\", \"where\": {\"/a\": [1, 2]}},"
	"{\"pattern\": \"n.*\", \"event\": \"{/a}\", \"encode\": \"json\", \"batch\": {\"interval\": 0}},"
	"{\"channel\": \"c\"}]}";

/* What all runs share; read before allocations fail. */
static struct config *config;
static unsigned items;

static void
take_delivery(void *user, struct mail *run)
{
	struct delivery *d = EIO_CONTAINER(run, struct delivery, mail);

	(void)user;
	items += (unsigned)d->n;
	delivery_free(d);
}

/* Two messages through both feeds of the pattern. Either all of it arrives, or what is missing was counted. */
static int
run(struct feed_router *router, struct feed_out *out, const struct feed_options *o)
{
	struct redis_message m = { .is_pattern = true,
		.name = EIO_LIT("n.*"),
		.channel = EIO_LIT("n.room"),
		.payload = EIO_LIT("{\"a\":1}") };
	uint64_t lost;

	items = 0;
	feed_router_message(router, &m, 0);
	feed_router_message(router, &m, 0);
	feed_router_tick(router, 200);
	feed_out_post(out);
	lost = o->metrics->v[METRIC_FEED_DROPPED_MEMORY] + o->metrics->v[METRIC_FEED_DELIVERIES_DROPPED];
	if (!lost) assert_int_equal(items, 3);
	return lost ? -1 : 0;
}

static int
pass_messages(void)
{
	struct interest_table *interest = interest_table_new();
	struct eio_bytes room = EIO_LIT("room"), nsp = EIO_LIT("/");
	struct metrics_set metrics = { 0 };
	struct feed_options o = { .interest = interest };
	const struct mail_port port = { .take = take_delivery };
	struct feed_router router;
	struct feed_out out;
	int e = -1;

	config_fill_feed(config, &o);
	o.workers = 1;
	if (!interest) return -1;
	if (metrics_set_init(&metrics, 1) < 0) goto fail_interest;
	o.metrics = metrics.rows;
	if (interest_set(interest, 0, nsp, &room) < 0) goto fail_metrics;
	if (interest_set(interest, 0, nsp, NULL) < 0) goto fail_room;
	if (feed_out_init(&out, &o) < 0) goto fail_everyone;
	out.workers[0] = &port;
	if (feed_router_init(&router, &o, &out) < 0) goto fail_out;
	e = run(&router, &out, &o);
	feed_router_deinit(&router);
fail_out:
	feed_out_deinit(&out);
fail_everyone:
	interest_clear(interest, 0, nsp, NULL);
fail_room:
	interest_clear(interest, 0, nsp, &room);
fail_metrics:
	metrics_set_deinit(&metrics);
fail_interest:
	interest_table_free(interest);
	return e;
}

static void
feed_without_memory(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	config = configured(text);
	failmalloc_every(pass_messages, -1, 25);
	config_free(config);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(feed_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
