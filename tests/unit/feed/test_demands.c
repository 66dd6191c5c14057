/* SPDX-License-Identifier: MIT */
/* Rooms become channels on demand, also when memory was short on the way. */
#include "src/feed/metrics.h"
#include "tests/unit/failmalloc.h"
#include "tests/unit/relay/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static const struct eio_bytes nsp = { "/", 1 };

static uint64_t
channels(struct relay_rig *r)
{
	return metrics_sum(&r->metrics, &feed_metrics, FEED_METRIC_CHANNELS);
}

/* Somebody comes to a room, of which nobody is told. */
static struct interest *
come_unnoted(struct relay_rig *r, const char *room)
{
	struct interest *pair = interest_get(r->interest, sio_room_named(nsp, eio_cstr(room)));

	assert_non_null(pair);
	failmalloc_arm(0);
	assert_int_equal(interest_set(r->interest, 0, pair->key), 0);
	assert_true(failmalloc_disarm());
	return pair;
}

static void
rooms_are_found_that_were_not_noted(void **state)
{
	struct relay_rig r;
	struct interest *a, *b;

	(void)state;
	relay_rig_open(&r,
		"{\"feeds\": [{\"pattern\": \"c:*\", \"event\": \"e\", \"room\": \"{1}\", \"subscribe\": \"on-demand\"}]}",
		false, false);
	a = come_unnoted(&r, "a");
	assert_int_equal(channels(&r), 0);
	relay_rig_turn(&r);
	assert_int_equal(channels(&r), 1);
	/* And if there is none to look at all of them either. */
	b = come_unnoted(&r, "b");
	failmalloc_arm(0);
	relay_rig_turn(&r);
	assert_true(failmalloc_disarm());
	assert_int_equal(channels(&r), 1);
	for (int i = 0; i < 300 && channels(&r) == 1; i++) {
		uv_sleep(10);
		relay_rig_turn(&r);
	}
	assert_int_equal(channels(&r), 2);
	interest_clear(r.interest, 0, a->key);
	interest_clear(r.interest, 0, b->key);
	interest_unref(a);
	interest_unref(b);
	relay_rig_stop(&r);
	relay_rig_close(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rooms_are_found_that_were_not_noted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
