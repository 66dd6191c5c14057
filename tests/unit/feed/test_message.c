/* SPDX-License-Identifier: MIT */
/* What is found out about a message: how often that is looked for, with how many feeds, by counting the calls of
 * those who look. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sio/event.h"
#include "src/feed/feed_int.h"
#include "tests/unit/configured.h"

#include <stdio.h>
#include <string.h>

static unsigned json_calls, utf8_calls;
static bool inside; /* of the check for JSON, or of encoding a batch, which look at UTF-8 in their own ways */

int __real_sio_json_check(struct eio_bytes text);
int __wrap_sio_json_check(struct eio_bytes text);
int __real_sio_broadcast_bundle(const struct sio_broadcast *b, struct eio_bundle **out);
int __wrap_sio_broadcast_bundle(const struct sio_broadcast *b, struct eio_bundle **out);
bool __real_eio_utf8_valid(struct eio_bytes s);
bool __wrap_eio_utf8_valid(struct eio_bytes s);

int
__wrap_sio_json_check(struct eio_bytes text)
{
	int e;

	json_calls++;
	inside = true;
	e = __real_sio_json_check(text);
	inside = false;
	return e;
}

int
__wrap_sio_broadcast_bundle(const struct sio_broadcast *b, struct eio_bundle **out)
{
	int e;

	inside = true;
	e = __real_sio_broadcast_bundle(b, out);
	inside = false;
	return e;
}

bool
__wrap_eio_utf8_valid(struct eio_bytes s)
{
	utf8_calls += !inside;
	return __real_eio_utf8_valid(s);
}

/* The kinds of feeds there are, in the order they are added; all of them want the same channel. */
static const char *const kinds[] = {
	"\"encode\": \"json\"",
	"\"encode\": \"binary\"",
	"\"encode\": \"text\", \"batch\": {\"format\": \"lines\"}",
	"\"encode\": \"binary\", \"batch\": {\"format\": \"frames\"}",
	"\"encode\": \"json\", \"batch\": {\"interval\": 0}",
	"\"encode\": \"text\", \"batch\": {\"interval\": 0}",
	"\"encode\": \"binary\", \"batch\": {\"interval\": 0, \"format\": \"lines\"}",
	"\"encode\": \"json\", \"where\": {\"/a\": 1}",
	"\"encode\": \"binary\", \"event\": \"{/e}\"",
	"\"encode\": \"text\", \"event\": \"e\", \"where\": {\"/a\": [1, 2]}",
};

enum { JSON = 0, TEXT = 2, FRAMES = 3, KINDS = sizeof kinds / sizeof kinds[0] };

struct way {
	struct config *config;
	struct metrics_set metrics;
	struct feed_options options;
	struct feed_out out;
	struct feed_router router;
};

/* n feeds, of the kinds from `first` on. */
static void
way_open(struct way *w, size_t first, size_t n)
{
	char text[2048] = "{\"feeds\": [";

	for (size_t i = 0; i < n; i++)
		sprintf(text + strlen(text), "%s{\"channel\": \"c\", %s}", i ? "," : "", kinds[(first + i) % KINDS]);
	strcat(text, "]}");
	*w = (struct way){ .config = configured(text), .options = { .interest = interest_table_new() } };
	assert_non_null(w->options.interest);
	assert_int_equal(metrics_set_init(&w->metrics), 0);
	w->options.metrics = &w->metrics;
	config_fill_feed(w->config, &w->options);
	w->options.workers = 1;
	assert_int_equal(interest_set(w->options.interest, 0, sio_room_everyone(EIO_LIT("/"))), 0);
	assert_int_equal(feed_out_init(&w->out, &w->options), 0);
	assert_int_equal(feed_router_init(&w->router, &w->options, &w->out), 0);
}

static void
way_close(struct way *w)
{
	feed_router_deinit(&w->router);
	feed_out_deinit(&w->out);
	interest_clear(w->options.interest, 0, sio_room_everyone(EIO_LIT("/")));
	interest_table_free(w->options.interest);
	metrics_set_deinit(&w->metrics);
	config_free(w->config);
}

/* Sends one message through n feeds. Returns how many of them refused it. */
static uint64_t
send_through(size_t first, size_t n, struct eio_bytes payload)
{
	static const enum feed_metric dropped[] = { FEED_METRIC_DROPPED_JSON, FEED_METRIC_DROPPED_UTF8,
		FEED_METRIC_DROPPED_ROUTE, FEED_METRIC_DROPPED_LINE };
	struct message m = { .name = EIO_LIT("c"), .channel = EIO_LIT("c"), .payload = payload };
	uint64_t refused = 0;
	struct way w;

	way_open(&w, first, n);
	json_calls = utf8_calls = 0;
	feed_router_message(&w.router, &m);
	for (size_t i = 0; i < sizeof dropped / sizeof dropped[0]; i++)
		refused += metrics_sum(&w.metrics, &feed_metrics, dropped[i]);
	way_close(&w);
	return refused;
}

static const size_t counts[] = { 1, 3, 10, 30 };
enum { COUNTS = sizeof counts / sizeof counts[0] };

/* Good JSON that stands behind a feed of JSON: one look, whatever else wants it. */
static void
json_is_checked_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNTS; i++) {
		assert_int_equal(send_through(JSON, counts[i], EIO_LIT("{\"a\":1,\"e\":\"\xc3\xb6\"}")), 0);
		assert_int_equal(json_calls, 1);
		assert_int_equal(utf8_calls, 0);
	}
}

/* Text is asked for first: a second look tells that it is JSON, and no third. */
static void
text_before_json(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNTS; i++) {
		assert_int_equal(send_through(TEXT, counts[i], EIO_LIT("{\"a\":1,\"e\":\"e\"}")), 0);
		assert_int_equal(json_calls, counts[i] > 2);
		assert_int_equal(utf8_calls, 1);
	}
}

/* What is no JSON, and what is not even UTF-8: then nobody looks for JSON any more. */
static void
bad_is_checked_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNTS; i++) {
		assert_true(send_through(JSON, counts[i], EIO_LIT("{\"a\":1")) > 0);
		assert_int_equal(json_calls, 1);
		assert_int_equal(utf8_calls, 1);
		assert_true(send_through(JSON, counts[i], EIO_LIT("\"\xff\"")) > 0);
		assert_int_equal(json_calls, 1);
		assert_int_equal(utf8_calls, 1);
		assert_true(send_through(TEXT, counts[i], EIO_LIT("\"\xff\"")) > 0);
		assert_int_equal(json_calls, 0);
		assert_int_equal(utf8_calls, 1);
	}
}

/* Where no feed asks, nobody looks. */
static void
bytes_are_not_checked(void **state)
{
	(void)state;
	assert_int_equal(send_through(FRAMES, 1, EIO_LIT("\xff\n")), 0);
	assert_int_equal(json_calls, 0);
	assert_int_equal(utf8_calls, 0);
}

static void
facts_follow(void **state)
{
	struct message m = { .payload = EIO_LIT("[1]") };

	(void)state;
	json_calls = utf8_calls = 0;
	assert_true(message_is_json(&m) && message_is_utf8(&m) && message_is_json(&m));
	assert_int_equal(json_calls, 1);
	assert_int_equal(utf8_calls, 0);
	m = (struct message){ .payload = EIO_LIT("\xff") };
	assert_false(message_is_utf8(&m) || message_is_json(&m) || message_is_utf8(&m));
	assert_int_equal(json_calls, 1);
	assert_int_equal(utf8_calls, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_is_checked_once),
		cmocka_unit_test(text_before_json),
		cmocka_unit_test(bad_is_checked_once),
		cmocka_unit_test(bytes_are_not_checked),
		cmocka_unit_test(facts_follow),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
