/* SPDX-License-Identifier: MIT */
/* Other feeds in the place of those at work: what goes on, what leaves first, and what is new. */
#include "src/feed/change.h"
#include "tests/unit/failmalloc.h"
#include "tests/unit/feed/router.h"

#define FEED(channel, more) "{\"channel\": \"" channel "\", \"event\": \"" channel "\", \"encode\": \"json\"" more "}"

static const char before[] = "{\"feeds\": [" FEED("same", "") "," FEED(
	"altered", ", \"retain\": {\"key\": \"/k\"}") "," FEED("gone", "") "," FEED("other", "") "]}";

static const char now[] = "{\"feeds\": [" FEED("new", "") "," FEED("altered",
	", \"retain\": {\"key\": \"/k\"}, \"batch\": {\"interval\": 0}, \"slow\": \"latest\"") "," FEED("other",
	", \"where\": {\"/k\": 1}") "," FEED("same", "") "]}";

/* Everybody's message to each of the feeds that were. */
static void
to_all(struct rig *r, const char *payload, uint64_t now_ms)
{
	message(r, NULL, "same", payload, now_ms);
	message(r, NULL, "altered", payload, now_ms);
	message(r, NULL, "gone", payload, now_ms);
	message(r, NULL, "other", payload, now_ms);
	message(r, NULL, "new", payload, now_ms);
	feed_out_post(&r->out);
}

static void
others_take_their_place(void **state)
{
	struct rig *r = rig_new(before);
	struct config *next = configured(now);
	struct feed_specs *first = r->options.specs;
	struct feed_change c;

	(void)state;
	listen_to(r, 0, "/", NULL);
	to_all(r, "{\"k\":1}", 1000);
	assert_int_equal(r->workers[0].n, 0);
	assert_int_equal(feed_change_prepare(&c, &r->router, &r->options, config_feeds(next)), 0);
	feed_change_forget(&c);
	assert_ptr_equal(r->options.specs, first);
	assert_int_equal(feed_change_prepare(&c, &r->router, &r->options, config_feeds(next)), 0);
	assert_int_equal(c.counts.same, 1);
	assert_int_equal(c.counts.altered, 1);
	assert_int_equal(c.counts.added, 2);
	assert_int_equal(c.counts.removed, 2);
	feed_change_commit(&c, 1001);
	feed_out_post(&r->out);
	assert_int_equal(r->workers[0].n, 1);
	assert_int_equal(r->workers[0].got[0]->n, 3);
	expect(r, 0, 0, 0, "42[\"gone\",[{\"k\":1}]]");
	expect(r, 0, 0, 1, "42[\"other\",[{\"k\":1}]]");
	expect(r, 0, 0, 2, "42[\"altered\",[{\"k\":1}]]");
	assert_int_equal(count(r, FEED_METRIC_RETAINED_MESSAGES), 1);
	to_all(r, "{\"k\":2}", 1002);
	assert_int_equal(r->workers[0].n, 2);
	assert_int_equal(r->workers[0].got[1]->n, 1);
	expect(r, 0, 1, 0, "42[\"altered\",{\"k\":2}]");
	assert_int_equal(count(r, FEED_METRIC_FILTERED), 1);
	assert_int_equal(count(r, FEED_METRIC_RETAINED_MESSAGES), 2);
	/* What went on was not flushed; it is due when it was. */
	feed_router_tick(&r->router, 1199);
	feed_out_post(&r->out);
	assert_int_equal(r->workers[0].n, 2);
	feed_router_tick(&r->router, 1200);
	feed_out_post(&r->out);
	assert_int_equal(r->workers[0].n, 3);
	expect(r, 0, 2, 0, "42[\"new\",[{\"k\":2}]]");
	expect(r, 0, 2, 1, "42[\"same\",[{\"k\":1},{\"k\":2}]]");
	/* It has become number 3, with all that it has counted. */
	assert_int_equal(r->router.feeds[3]->spec->index, 3);
	assert_int_equal(atomic_load(&r->router.feeds[3]->metrics->v[FEED_METRIC_BATCHES]), 1);
	rig_free(r);
	config_free(next);
}

/* All or nothing, wherever memory is out. */
static void
without_memory(void **state)
{
	struct config *next = configured(now);
	int failed = 0, result;

	(void)state;
	for (long n = 0;; n++) {
		struct rig *r = rig_new(before);
		struct feed_change c;

		listen_to(r, 0, "/", NULL);
		to_all(r, "{\"k\":1}", 1000);
		failmalloc_arm(n);
		result = feed_change_prepare(&c, &r->router, &r->options, config_feeds(next));
		failmalloc_disarm();
		if (result == 0) feed_change_forget(&c);
		feed_router_tick(&r->router, 1200);
		feed_out_post(&r->out);
		assert_int_equal(r->workers[0].got[0]->n, 4);
		rig_free(r);
		if (result == 0) break;
		failed++;
	}
	assert_true(failed > 10);
	config_free(next);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(others_take_their_place),
		cmocka_unit_test(without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
