/* SPDX-License-Identifier: MIT */
/* What feeds retain, and snapshots of it. */
#include "tests/unit/feed/router.h"

/* Snapshots */
static void
free_asked(struct feed_ask *a)
{
	free(a);
}

/* What one gets who joins these rooms ("*": the namespace) and was in others before: the polling forms one behind the
 * other, with a bar between them. In how many of the rooms that leaves him is in *done. */
static const char *
join(struct rig *r, const char *rooms, const char *has, const char *id, uint64_t now, size_t *done)
{
	static char text[4096];
	struct eio_bytes names[32];
	struct feed_ask *a = calloc(1, sizeof *a);
	size_t n = 0, at = 0;

	assert_non_null(a);
	assert_int_equal(feed_ask_init(a, 1, NULL, free_asked), 0);
	a->nsp = EIO_LIT("/");
	a->everyone = *rooms == '*';
	for (const char *p = rooms + a->everyone; *p; p++) names[n++] = eio_bytes(p, 1);
	a->n_rooms = n;
	for (const char *p = has; *p; p++) names[n++] = eio_bytes(p, 1);
	a->rooms = names;
	a->n_has = n - a->n_rooms;
	a->has = names + a->n_rooms;
	a->id = eio_cstr(id);
	feed_router_ask(&r->router, a, now);
	assert_false(a->failed);
	text[0] = '\0';
	for (size_t i = 0; i < a->n; i++) {
		const struct eio_block *b = eio_bundle_wire(a->bundles[i], EIO_WIRE_POLLING);

		at += (size_t)snprintf(text + at, sizeof text - at, "%s%.*s", i ? "|" : "", (int)b->n, b->data);
	}
	if (done) *done = a->done;
	feed_ask_unref(a);
	return text;
}

/* In each format, under any name, also of messages that nobody heard; and what is still in a batch is not in it. */
static void
snapshots_in_each_format(void **state)
{
	struct rig *r = rig_new(
		"{\"feedDefaults\": {\"retain\": 2}, \"feeds\": ["
		"{\"channel\": \"c\", \"event\": \"array\", \"encode\": \"json\", \"room\": \"a\"},"
		"{\"channel\": \"c\", \"event\": \"lines\", \"encode\": \"text\", \"room\": \"l\","
		" \"batch\": {\"format\": \"lines\"}},"
		"{\"channel\": \"c\", \"event\": \"frames\", \"room\": \"f\", \"batch\": {\"format\": \"frames\"}},"
		"{\"channel\": \"c\", \"event\": \"bare\", \"room\": \"b\", \"encode\": \"text\","
		" \"batch\": {\"interval\": 0}, \"snapshotEvent\": \"the {event}s\"},"
		"{\"channel\": \"c\", \"event\": \"spread\", \"room\": \"s\", \"encode\": \"json\", \"spread\": true,"
		" \"payload\": [\"{channel}\", \"{message}\"], \"batch\": {\"interval\": 0}},"
		"{\"channel\": \"c\", \"event\": \"one\", \"room\": \"o\", \"batch\": {\"interval\": 0}},"
		"{\"channel\": \"c\", \"event\": \"long\", \"room\": \"g\", \"encode\": \"json\", \"retain\": \"last\","
		" \"batch\": {\"maxBytes\": 1}},"
		"{\"channel\": \"c\", \"event\": \"none\", \"room\": \"n\", \"retain\": false}]}");

	(void)state;
	assert_string_equal(join(r, "*alfbsogn", "", "", 0, NULL), "");
	for (int i = 1; i < 4; i++) message(r, NULL, "c", i == 1 ? "1" : i == 2 ? "2" : "3", 0);
	assert_string_equal(join(r, "al", "", "", 0, NULL), "");
	feed_router_tick(&r->router, 200);
	message(r, NULL, "c", "4", 200);
	assert_string_equal(join(r, "a", "", "", 200, NULL), "42[\"array\",[2,3]]");
	assert_string_equal(join(r, "l", "", "", 200, NULL), "42[\"lines\",\"2\\n3\\n\"]");
	assert_string_equal(join(r, "f", "", "", 200, NULL), "451-[\"frames\",{\"_placeholder\":true,\"num\":0}]\x1e"
							     "bAAAAATIAAAABMw==");
	assert_string_equal(join(r, "b", "", "", 200, NULL), "42[\"the bares\",\"3\"]\x1e"
							     "42[\"the bares\",\"4\"]");
	assert_string_equal(join(r, "s", "", "", 200, NULL), "42[\"spread\",\"c\",3]\x1e"
							     "42[\"spread\",\"c\",4]");
	/* [3,4] and [4] */
	assert_string_equal(join(r, "o", "", "", 200, NULL), "451-[\"one\",{\"_placeholder\":true,\"num\":0}]\x1e"
							     "bWzMsNF0=");
	assert_string_equal(join(r, "g", "", "", 200, NULL), "42[\"long\",[4]]");
	assert_string_equal(join(r, "n", "", "", 200, NULL), "");
	assert_int_equal(count(r, FEED_METRIC_RETAINED_MESSAGES), 2 + 2 + 2 + 2 + 2 + 2 + 1);
	assert_int_equal(count(r, FEED_METRIC_SNAPSHOTS), 7);
	assert_false(feed_specs_retain(r->options.specs, sio_room_named(EIO_LIT("/"), EIO_LIT("n"))));
	assert_false(feed_specs_retain(r->options.specs, sio_room_named(EIO_LIT("/x"), EIO_LIT("a"))));
	assert_false(feed_specs_retain(r->options.specs, sio_room_everyone(EIO_LIT("/"))));
	assert_true(feed_specs_retain(r->options.specs, sio_room_named(EIO_LIT("/"), EIO_LIT("a"))));
	rig_free(r);
}

/* Keys are what they mean, whatever is around them; what is not one is sent all the same. */
static void
snapshots_by_key(void **state)
{
	static const char *const messages[] = { "{\"k\":\"a\",\"n\":1}", "{\"k\":\"\\u0061\",\"n\":2}",
		"{\"k\":1,\"n\":3}", "{\"k\":\"1\",\"n\":4}", "{\"k\":true,\"n\":5}", "{\"k\":null,\"n\":6}",
		"{\"k\":[],\"n\":7}", "{\"n\":8}", "{\"k\":\"\",\"n\":9}", "{\"k\":1,\"n\":-1}", "{\"k\":7,\"n\":-1}" };
	struct rig *r = rig_new("{\"feeds\": [{\"channel\": \"c\", \"event\": \"e\", \"encode\": \"json\","
				" \"payload\": \"{/n}\", \"retain\": {\"key\": \"/k\", \"max\": 4, \"ttl\": 1000},"
				" \"remove\": {\"where\": {\"/n\": -1}}, \"batch\": {\"interval\": 0}}]}");

	(void)state;
	listen_to(r, 0, "/", NULL);
	for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) message(r, NULL, "c", messages[i], 0);
	assert_string_equal(join(r, "*", "", "", 0, NULL), "42[\"e\",4]\x1e"
							   "42[\"e\",5]\x1e"
							   "42[\"e\",9]");
	feed_out_post(&r->out);
	assert_int_equal(r->workers[0].got[0]->n, 11); /* all of them */
	assert_true(r->workers[0].got[0]->items[0].retained);
	assert_int_equal(count(r, FEED_METRIC_RETAINED_NO_KEY), 3);
	assert_int_equal(count(r, FEED_METRIC_RETAINED_DROPPED), 1); /* a fifth key */
	/* Its time comes, though nothing else happens. */
	message(r, NULL, "c", "{\"k\":true,\"n\":10}", 500);
	for (uint64_t now = r->router.deadline_ms; now < 1200; now = r->router.deadline_ms) {
		feed_router_tick(&r->router, now);
		assert_true(r->router.deadline_ms > now);
	}
	assert_string_equal(join(r, "*", "", "", 1200, NULL), "42[\"e\",10]");
	for (uint64_t now = 1200; now < 100000; now += 100) feed_router_tick(&r->router, now);
	assert_int_equal(count(r, FEED_METRIC_RETAINED_MESSAGES), 0);
	assert_int_equal(count(r, FEED_METRIC_RETAINED_BYTES), 0);
	assert_int_equal(count(r, FEED_METRIC_STREAMS), 0);
	assert_string_equal(join(r, "*", "", "", 100000, NULL), "");
	rig_free(r);
}

/* What is retained outlives its stream, and is found again when that comes back. */
static void
snapshots_outlive_streams(void **state)
{
	struct rig *r = rig_new("{\"feeds\": [{\"pattern\": \"c.*\", \"event\": \"{1}\", \"room\": \"{message}\","
				" \"encode\": \"json\", \"retain\": 3, \"batch\": {\"interval\": 0}}]}");

	(void)state;
	message(r, "c.*", "c.x", "1", 0);
	message(r, "c.*", "c.y", "[1,2]", 0);
	for (uint64_t now = 0; now < 100000; now += 1000) feed_router_tick(&r->router, now);
	assert_int_equal(count(r, FEED_METRIC_STREAMS), 0);
	assert_string_equal(join(r, "1", "", "", 100000, NULL), "42[\"x\",1]|42[\"y\",[1,2]]");
	message(r, "c.*", "c.y", "[2,1]", 100000);
	message(r, "c.*", "c.x", "1", 100000);
	assert_string_equal(join(r, "2", "", "", 100000, NULL), "42[\"y\",[1,2]]\x1e"
								"42[\"y\",[2,1]]");
	assert_int_equal(count(r, FEED_METRIC_RETAINED_MESSAGES), 4);
	rig_free(r);
}

/* What goes to several rooms comes with the first of them; not to who is excepted, by a room or by its id. */
static void
snapshots_of_several_rooms(void **state)
{
	struct rig *r = rig_new(
		"{\"feeds\": [{\"channel\": \"c\", \"event\": \"{/e}\", \"room\": \"{/to}\","
		" \"except\": \"{/but}\", \"payload\": \"{/n}\", \"encode\": \"json\", \"retain\": \"last\","
		" \"batch\": {\"interval\": 0}}, {\"channel\": \"d\", \"event\": \"d\", \"except\": \"{/but}\","
		" \"payload\": \"{/n}\", \"encode\": \"json\", \"retain\": \"last\", \"batch\": {\"interval\": 0}}]}");
	size_t done;

	(void)state;
	message(r, NULL, "c", "{\"e\":\"e\",\"n\":1,\"to\":\"a\"}", 0);
	assert_false(atomic_load(&r->router.snapshots.wide));
	message(r, NULL, "c", "{\"e\":\"e\",\"n\":2,\"to\":[\"b\",\"a\"]}", 0);
	assert_true(atomic_load(&r->router.snapshots.wide));
	message(r, NULL, "c", "{\"e\":\"f\",\"n\":3,\"to\":[\"b\",\"a\"],\"but\":\"x\"}", 0);
	message(r, NULL, "d", "{\"n\":4,\"but\":[\"x\",\"y\"]}", 0);
	assert_string_equal(join(r, "a", "", "", 0, NULL), "42[\"e\",1]|42[\"e\",2]|42[\"f\",3]");
	assert_string_equal(join(r, "ba", "", "", 0, &done), "42[\"e\",2]|42[\"f\",3]|42[\"e\",1]");
	assert_int_equal(done, 2);
	assert_string_equal(join(r, "a", "b", "", 0, NULL), "42[\"e\",1]");
	assert_string_equal(join(r, "b", "a", "", 0, NULL), "");
	assert_string_equal(join(r, "b", "x", "", 0, NULL), "42[\"e\",2]");
	assert_string_equal(join(r, "bx", "", "", 0, NULL), "42[\"e\",2]");
	assert_string_equal(join(r, "b", "", "x", 0, NULL), "42[\"e\",2]");
	assert_string_equal(join(r, "*", "", "z", 0, NULL), "42[\"d\",4]");
	assert_string_equal(join(r, "*", "", "y", 0, NULL), "");
	assert_string_equal(join(r, "*y", "", "", 0, NULL), "");
	rig_free(r);
}

/* An answer ends with the room that is too much for it, but has one room at least. */
static void
snapshots_bit_by_bit(void **state)
{
	struct rig *r = rig_new(
		"{\"limits\": {\"clientReplyBytes\": 1024}, \"feeds\": [{\"channel\": \"c\", \"event\": \"e\","
		" \"room\": \"{/to}\", \"encode\": \"json\", \"retain\": 9, \"batch\": {\"interval\": 0}}]}");
	char text[300];
	size_t done;

	(void)state;
	for (char room = 'a'; room < 'f'; room++) {
		snprintf(text, sizeof text, "{\"to\":\"%c\",\"x\":\"%0180d\"}", room, 0);
		message(r, NULL, "c", text, 0);
		message(r, NULL, "c", room == 'c' ? text : "{\"to\":\"a\"}", 0);
	}
	join(r, "ab", "", "", 0, &done);
	assert_int_equal(done, 2);
	join(r, "abcde", "", "", 0, &done);
	assert_int_equal(done, 2); /* c has two of them */
	join(r, "zzzzzdz", "", "", 0, &done);
	assert_int_equal(done, 7);
	join(r, "cabd", "", "", 0, &done);
	assert_int_equal(done, 1);
	/* More than that of one room is not retained. */
	for (int i = 0; i < 9; i++) message(r, NULL, "c", text, 0);
	join(r, "ea", "", "", 0, &done);
	assert_int_equal(done, 1);
	assert_int_equal(count(r, FEED_METRIC_RETAINED_DROPPED), 8);
	rig_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(snapshots_in_each_format),
		cmocka_unit_test(snapshots_by_key),
		cmocka_unit_test(snapshots_outlive_streams),
		cmocka_unit_test(snapshots_of_several_rooms),
		cmocka_unit_test(snapshots_bit_by_bit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
