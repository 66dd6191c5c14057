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
#include "src/feed/uplink.h"
#include "tests/unit/configured.h"
#include "tests/unit/failmalloc.h"

static const char text[] =
	"{\"feeds\": [{\"pattern\": \"n.*\", \"event\": \"e\", \"room\": \"{1}\", \"where\": {\"/a\": [1, 2]}},"
	"{\"pattern\": \"n.*\", \"event\": \"{/a}\", \"encode\": \"json\", \"batch\": {\"interval\": 0}},"
	"{\"pattern\": \"n.*\", \"event\": \"w\", \"room\": [\"room\", \"{/a}\"], \"except\": \"x\", \"encode\": \"json\","
	" \"omit\": \"/b\", \"payload\": [\"{channel}\", \"{/s}\"]},"
	"{\"pattern\": \"n.*\", \"event\": \"t\", \"encode\": \"text\", \"batch\": {\"interval\": 0}, \"payload\": \"{/s}\"},"
	"{\"pattern\": \"n.*\", \"event\": \"k\", \"room\": [\"room\", \"{1}\", \"y\"], \"encode\": \"json\","
	" \"retain\": {\"key\": \"/a\"}},"
	"{\"pattern\": \"n.*\", \"event\": \"r\", \"room\": \"{1}\", \"encode\": \"text\", \"retain\": 5,"
	" \"snapshotEvent\": \"{event} s\", \"batch\": {\"interval\": 0}},"
	"{\"stream\": \"s\", \"event\": \"s\", \"encode\": \"json\", \"batch\": {\"interval\": 0}},"
	"{\"channel\": \"c\", \"gapEvent\": true}]}";

/* What all runs share; read before allocations fail. */
static struct config *config;
static unsigned items;
static struct eio_bytes words; /* of an entry */

static void
take_delivery(void *user, struct mail *run)
{
	struct delivery *d = EIO_CONTAINER(run, struct delivery, mail);

	(void)user;
	items += (unsigned)d->n;
	delivery_free(d);
}

static void
free_nothing(struct feed_ask *a)
{
	(void)a;
}

/* Somebody joins. Either the answer is complete, or it says that it failed. */
static int
join(struct feed_router *router, bool retained)
{
	const struct eio_bytes rooms[] = { EIO_LIT("room") };
	struct feed_ask a;
	int e = 0;

	if (feed_ask_init(&a, 0, NULL, free_nothing) == 0) {
		a.nsp = EIO_LIT("/");
		a.rooms = rooms;
		a.n_rooms = 1;
		feed_router_ask(router, &a, 200);
		if (a.failed) e = -1;
		if (!a.failed) assert_int_equal(a.done, 1);
		if (!a.failed && retained) assert_int_equal(a.n, 2);
	} else {
		e = -1;
	}
	feed_ask_unref(&a);
	return e;
}

/* Two messages through all feeds of the pattern. Either all of it arrives, or what is missing was counted. */
static int
run(struct feed_router *router, struct feed_out *out, const struct feed_options *o)
{
	struct message m = {
		.kind = MESSAGE_OF_PATTERN,
		.name = EIO_LIT("n.*"),
		.channel = EIO_LIT("n.room"),
		.payload = EIO_LIT("{\"a\":1,\"b\":2,\"s\":\"\\n\"}"),
	};
	struct message entry = {
		.kind = MESSAGE_OF_STREAM, .name = EIO_LIT("s"), .channel = EIO_LIT("s"), .words = words
	};
	const struct source_gap gap = { .name = EIO_LIT("c"), .from = EIO_LIT("1"), .to = EIO_LIT("2") };
	uint64_t lost, dropped;

	items = 0;
	feed_router_message(router, &m);
	feed_router_message(router, &m);
	feed_router_entry(router, &entry);
	feed_router_gap(router, &gap, 100);
	feed_router_tick(router, 200);
	feed_out_post(out);
	lost = metrics_sum(o->metrics, &feed_metrics, FEED_METRIC_DROPPED_MEMORY) +
	       metrics_sum(o->metrics, &feed_metrics, FEED_METRIC_DELIVERIES_DROPPED);
	dropped = metrics_sum(o->metrics, &feed_metrics, FEED_METRIC_RETAINED_DROPPED);
	if (!lost) assert_int_equal(items, 11);
	return join(router, !lost && !dropped) < 0 || lost || dropped ? -1 : 0;
}

static int
pass_messages(void)
{
	struct interest_table *interest = interest_table_new();
	struct eio_bytes room = EIO_LIT("room"), nsp = EIO_LIT("/");
	struct metrics_set metrics;
	struct feed_options o = { .interest = interest };
	const struct mail_port port = { .take = take_delivery };
	struct feed_router router;
	struct feed_out out;
	int e = -1;

	config_fill_feed(config, &o);
	o.workers = 1;
	if (!interest) return -1;
	if (metrics_set_init(&metrics) < 0) goto fail_interest;
	o.metrics = &metrics;
	if (interest_set(interest, 0, sio_room_named(nsp, room)) < 0) goto fail_metrics;
	if (interest_set(interest, 0, sio_room_everyone(nsp)) < 0) goto fail_room;
	if (feed_out_init(&out, &o) < 0) goto fail_everyone;
	out.workers[0] = &port;
	if (feed_router_init(&router, &o, &out) < 0) goto fail_out;
	e = run(&router, &out, &o);
	feed_router_deinit(&router);
fail_out:
	feed_out_deinit(&out);
fail_everyone:
	interest_clear(interest, 0, sio_room_everyone(nsp));
fail_room:
	interest_clear(interest, 0, sio_room_named(nsp, room));
fail_metrics:
	metrics_set_deinit(&metrics);
fail_interest:
	interest_table_free(interest);
	return e;
}

static void
feed_without_memory(void **state)
{
	struct eio_buf entry = { 0 };

	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	config = configured(text);
	redis_entry_add(&entry, EIO_LIT("a"));
	redis_entry_add(&entry, EIO_LIT("1"));
	words = eio_buf_bytes(&entry);
	failmalloc_every(pass_messages, -1, 40);
	eio_buf_deinit(&entry);
	config_free(config);
}

/* What is not even posted for want of memory is counted with what is taken next. */
static void
publish_without_memory(void **state)
{
	struct metrics_set metrics;
	struct thread thread;
	struct feed_uplink uplink;
	struct feed_uplink_options options = { .thread = &thread, .queue_bytes = 100 };

	(void)state;
	assert_int_equal(metrics_set_init(&metrics), 0);
	assert_int_equal(thread_init(&thread, "test", &metrics), 0);
	assert_non_null(options.metrics = metrics_new(&metrics, &redis_metrics, "test"));
	feed_uplink_init(&uplink, &options);
	failmalloc_arm(0);
	assert_int_equal(feed_uplink_post(&uplink, EIO_LIT("c"), EIO_LIT("1")), -1);
	assert_true(failmalloc_disarm());
	assert_int_equal(feed_uplink_post(&uplink, EIO_LIT("c"), EIO_LIT("2")), 0);
	feed_uplink_close(&uplink);
	thread_stop(&thread);
	assert_int_equal(metrics_sum(&metrics, &redis_metrics, REDIS_METRIC_PUBLISH_DROPPED), 1);
	thread_deinit(&thread);
	metrics_free(options.metrics);
	metrics_set_deinit(&metrics);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(feed_without_memory),
		cmocka_unit_test(publish_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
