/* SPDX-License-Identifier: MIT */
/* From a Redis message, or what is posted, to deliveries: namespaces, rooms, routes. */
#include "tests/unit/feed/router.h"

static void
routes_and_rooms(void **state)
{
	struct rig *r = rig_new("{\"feeds\": ["
				"{\"pattern\": \"ticks.*\", \"event\": \"ticks\", \"room\": \"{1}\"},"
				"{\"pattern\": \"ticks.*\", \"event\": \"all\", \"encode\": \"json\"},"
				"{\"channel\": \"news\", \"encode\": \"text\", \"batch\": {\"interval\": 0}}]}");

	(void)state;
	assert_int_equal(r->router.table.n_channels, 1);
	assert_int_equal(r->router.table.n_patterns, 1);
	listen_to(r, 0, "/", "A");
	listen_to(r, 2, "/", "A");
	listen_to(r, 2, "/", NULL);
	message(r, "ticks.*", "ticks.A", "{\"p\":1}", 1000);
	message(r, "ticks.*", "ticks.B", "{\"p\":2}", 1050);
	message(r, "other.*", "other.A", "{\"p\":2}", 1050); /* nobody's */
	assert_int_equal(r->router.deadline_ms, 1200);
	feed_router_tick(&r->router, 1200);
	feed_out_post(&r->out);
	assert_int_equal(r->workers[0].n, 1);
	assert_int_equal(r->workers[1].n, 0);
	assert_int_equal(r->workers[2].n, 1);
	assert_int_equal(r->workers[0].got[0]->n, 1);
	assert_int_equal(r->workers[2].got[0]->n, 2);
	expect(r, 0, 0, 0,
		"451-[\"ticks\",{\"_placeholder\":true,\"num\":0}]\x1e"
		"bW3sicCI6MX1d");
	expect(r, 2, 0, 1, "42[\"all\",[{\"p\":1},{\"p\":2}]]");
	/* One encoding for both workers. */
	assert_ptr_equal(r->workers[0].got[0]->items[0].bundle, r->workers[2].got[0]->items[0].bundle);
	assert_int_equal(r->workers[2].got[0]->items[0].slow, FEED_SLOW_DROP_OLDEST);
	assert_true(eio_bytes_eq(r->workers[2].got[0]->items[0].target->key.name, EIO_LIT("A")));
	assert_true(r->workers[2].got[0]->items[1].target->key.everyone);
	assert_int_equal(count(r, FEED_METRIC_UNHEARD), 1);
	assert_int_equal(count(r, FEED_METRIC_BATCHES), 2);
	assert_int_equal(count(r, FEED_METRIC_DELIVERIES), 3);
	assert_int_equal(metrics_sum(&r->metrics, &feed_router_metrics, FEED_ROUTER_METRIC_MESSAGES), 3);
	assert_int_equal(count(r, FEED_METRIC_STREAMS), 3);
	give_back(r);

	message(r, NULL, "news", "say \"hi\"", 1300);
	message(r, NULL, "news", "\xff", 1300);
	feed_out_post(&r->out);
	assert_int_equal(r->workers[2].n, 1);
	expect(r, 2, 0, 0, "42[\"news\",\"say \\\"hi\\\"\"]");
	assert_int_equal(count(r, FEED_METRIC_DROPPED_UTF8), 1);
	give_back(r);

	/* Who leaves before the flush gets nothing, and then nothing is encoded. */
	message(r, "ticks.*", "ticks.A", "3", 2000);
	leave(r, 0, "/", "A");
	leave(r, 2, "/", "A");
	leave(r, 2, "/", NULL);
	feed_router_tick(&r->router, 2200);
	feed_out_post(&r->out);
	assert_int_equal(r->workers[0].n + r->workers[2].n, 0);
	assert_int_equal(count(r, FEED_METRIC_BATCHES_UNHEARD), 2);
	rig_free(r);
}

static void
entry(struct rig *r, const char *stream, const char *id, struct eio_bytes words)
{
	struct message m = {
		.kind = MESSAGE_OF_STREAM,
		.name = eio_cstr(stream),
		.channel = eio_cstr(stream),
		.id = eio_cstr(id),
		.words = words,
		.now_ms = 1000,
	};

	feed_router_entry(&r->router, &m);
}

static const char entry_feeds[] =
	"{\"feedDefaults\": {\"encode\": \"json\", \"batch\": {\"interval\": 0}}, \"feeds\": ["
	"{\"stream\": [\"s\", \"t\"], \"event\": \"whole\"},"
	"{\"stream\": \"s\", \"event\": \"one\", \"field\": \"a\"},"
	"{\"stream\": \"s\", \"event\": \"id\", \"room\": \"{id}\", \"payload\": [\"{id}\", \"{channel}\", \"{/b}\"]},"
	"{\"channel\": \"s\", \"event\": \"channel\"}]}";

/* An entry is a message of its own in each feed. */
static void
entries_of_streams(void **state)
{
	struct rig *r = rig_new(entry_feeds);
	struct eio_buf words = { 0 };

	(void)state;
	assert_int_equal(r->router.table.n_channels, 1);
	assert_int_equal(r->router.table.n_streams, 2);
	assert_string_equal(r->router.table.streams[1].name, "t");
	listen_to(r, 0, "/", NULL);
	listen_to(r, 1, "/", "1-1");
	redis_entry_add(&words, EIO_LIT("a"));
	redis_entry_add(&words, EIO_LIT("[1]"));
	redis_entry_add(&words, EIO_LIT("a"));
	redis_entry_add(&words, EIO_LIT("2"));
	redis_entry_add(&words, EIO_LIT("b"));
	redis_entry_add(&words, EIO_LIT("\"\n\xff"));
	entry(r, "s", "1-1", eio_buf_bytes(&words));
	entry(r, "s", "1-2", eio_buf_bytes(&words));
	feed_out_post(&r->out);
	assert_int_equal(r->workers[0].got[0]->n, 4);
	expect(r, 0, 0, 0, "42[\"whole\",{\"a\":\"[1]\",\"a\":\"2\",\"b\":\"\\\"\\n\xef\xbf\xbd\"}]");
	expect(r, 0, 0, 1, "42[\"one\",[1]]");
	assert_int_equal(r->workers[1].got[0]->n, 1);
	expect(r, 1, 0, 0, "42[\"id\",[\"1-1\",\"s\",\"\\\"\\n\xef\xbf\xbd\"]]");
	give_back(r);

	/* Without the field, and without any. */
	eio_buf_clear(&words);
	redis_entry_add(&words, EIO_LIT("b"));
	redis_entry_add(&words, EIO_LIT(""));
	entry(r, "s", "1-3", eio_buf_bytes(&words));
	entry(r, "t", "1-3", eio_buf_bytes(&words));
	entry(r, "u", "1-3", eio_buf_bytes(&words)); /* nobody's */
	feed_out_post(&r->out);
	assert_int_equal(r->workers[0].got[0]->n, 2);
	assert_int_equal(count(r, FEED_METRIC_DROPPED_PAYLOAD), 1);
	give_back(r);
	eio_buf_deinit(&words);
	rig_free(r);
}

/* EIO_LIT for constants. */
#define POSTED(s) \
	{ \
		(s), sizeof(s) - 1 \
	}

/* Packs names with blanks between them. */
static void
pack_names(struct eio_buf *out, const char *names)
{
	for (size_t n; *names; names += n + (names[n] != '\0')) {
		size_t begun = feed_names_begin(out);

		n = strcspn(names, " ");
		eio_buf_append(out, names, n);
		feed_names_end(out, begun);
	}
	assert_false(eio_buf_failed(out));
}

/* Rooms of a posted event, and who is left out: which workers hear, and what they are told. */
static void
posts_go_to_rooms(void **state)
{
	static const struct {
		const char *rooms, *except; /* rooms: NULL is everyone */
		unsigned workers; /* bits */
		int n_rooms, n_except; /* of the audience; -1: one target */
	} cases[] = {
		{ "a", "", 1, -1, 0 },
		{ "a b", "", 3, 2, 0 },
		{ "a a", "", 1, 2, 0 },
		{ "b nobody", "x", 2, 2, 1 },
		{ "a", "x y", 1, 1, 2 },
		{ NULL, "", 3, -1, 0 },
		{ NULL, "x", 3, 0, 1 },
		{ "nobody else", "", 0, 0, 0 },
		{ "", "", 0, 0, 0 },
		{ "", "x", 0, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct rig *r = rig_new("{\"namespaces\": {\"/\": {}}, \"feeds\": [{\"channel\": \"c\"}]}");
		struct feed_posting *p = feed_posting_new();
		struct eio_buf rooms = { 0 }, except = { 0 };
		struct feed_posted item = { .is_event = true,
			.everyone = !cases[i].rooms,
			.name = EIO_LIT("e"),
			.payload = EIO_LIT("[1]"),
			.nsp = EIO_LIT("/") };

		listen_to(r, 0, "/", NULL);
		listen_to(r, 0, "/", "a");
		listen_to(r, 1, "/", NULL);
		listen_to(r, 1, "/", "b");
		if (cases[i].rooms) pack_names(&rooms, cases[i].rooms);
		pack_names(&except, cases[i].except);
		item.rooms = eio_buf_bytes(&rooms);
		item.except = eio_buf_bytes(&except);
		assert_int_equal(feed_posting_add(p, &item), 0);
		feed_router_post(&r->router, p, 1000);
		feed_posting_free(p);
		for (unsigned w = 0; w < 2; w++) {
			const struct delivery_item *got = r->workers[w].n ? &r->workers[w].got[0]->items[0] : NULL;

			assert_int_equal(r->workers[w].n, cases[i].workers >> w & 1);
			if (!got) continue;
			expect(r, w, 0, 0, "42[\"e\",1]");
			assert_int_equal(!got->audience, cases[i].n_rooms < 0);
			if (!got->audience) continue;
			assert_int_equal(got->audience->n_rooms, cases[i].n_rooms);
			assert_int_equal(got->audience->n_except, cases[i].n_except);
		}
		assert_int_equal(metrics_sum(&r->metrics, &feed_router_metrics, FEED_ROUTER_METRIC_EVENTS), 1);
		assert_int_equal(metrics_sum(&r->metrics, &feed_router_metrics, FEED_ROUTER_METRIC_EVENTS_DROPPED), 0);
		eio_buf_deinit(&rooms);
		eio_buf_deinit(&except);
		rig_free(r);
	}
}

/* What is published without Redis: messages as from there, events past the feeds, all in their order. */
static void
takes_posts(void **state)
{
	static const struct feed_posted items[] = {
		{ .name = POSTED("ticks.A"), .payload = POSTED("{\"p\":1}") },
		{ .is_event = true,
			.everyone = true,
			.name = POSTED("say \"x\""),
			.payload = POSTED(" [ 1, {} ] "),
			.nsp = POSTED("/") },
		{ .is_event = true, .name = POSTED("to"), .payload = POSTED("[]"), .nsp = POSTED("/a") },
		{ .is_event = true, .name = POSTED("lost"), .payload = POSTED("[]"), .nsp = POSTED("/") },
		{ .name = POSTED("nobody's"), .payload = POSTED("1") },
	};
	struct eio_buf room = { 0 };
	struct feed_posted item;
	struct rig *r = rig_new(
		"{\"namespaces\": {\"/a\": {}}, \"feeds\": ["
		"{\"pattern\": \"ticks.*\", \"event\": \"all\", \"encode\": \"json\", \"batch\": {\"interval\": 0}},"
		"{\"channel\": \"ticks.A\", \"event\": \"a\", \"encode\": \"json\", \"batch\": {\"interval\": 0}}]}");
	struct feed_posting *p = feed_posting_new();

	(void)state;
	listen_to(r, 0, "/", NULL);
	listen_to(r, 1, "/a", "r");
	pack_names(&room, "r");
	for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
		item = items[i];
		if (item.is_event && !item.everyone) item.rooms = eio_buf_bytes(&room);
		assert_int_equal(feed_posting_add(p, &item), 0);
	}
	eio_buf_deinit(&room);
	feed_router_post(&r->router, p, 1000);
	feed_posting_free(p);
	assert_int_equal(r->workers[0].n, 2);
	expect(r, 0, 0, 0, "42[\"a\",{\"p\":1}]");
	expect(r, 0, 0, 1, "42[\"all\",{\"p\":1}]");
	expect(r, 0, 1, 0, "42[\"say \\\"x\\\"\",1, {}]");
	assert_int_equal(r->workers[1].n, 1);
	expect(r, 1, 0, 0, "42/a,[\"to\"]");
	assert_int_equal(metrics_sum(&r->metrics, &feed_router_metrics, FEED_ROUTER_METRIC_EVENTS), 3);
	assert_int_equal(metrics_sum(&r->metrics, &feed_router_metrics, FEED_ROUTER_METRIC_EVENTS_DROPPED), 0);
	assert_int_equal(metrics_sum(&r->metrics, &feed_router_metrics, FEED_ROUTER_METRIC_MESSAGES), 2);
	rig_free(r);
}

/* The rooms that an item goes to and those excepted, as "a b -c". */
static void
expect_audience(const struct rig *r, unsigned w, size_t i, const char *wanted)
{
	const struct audience *a = r->workers[w].got[0]->items[i].audience;
	struct eio_buf text = { 0 };

	assert_non_null(a);
	for (size_t k = 0; k < a->n_rooms + a->n_except; k++) {
		if (k) eio_buf_addc(&text, ' ');
		if (k >= a->n_rooms) eio_buf_addc(&text, '-');
		eio_buf_add(&text, k < a->n_rooms ? a->rooms[k] : a->except[k - a->n_rooms]);
	}
	if (!eio_bytes_eq(eio_buf_bytes(&text), eio_cstr(wanted))) fail_msg("%.*s", (int)text.n, text.p);
	eio_buf_deinit(&text);
}

/* Several rooms, each once and in order; exceptions; and what is one room after all. */
static void
rooms_of_a_message(void **state)
{
	struct rig *r = rig_new("{\"feedDefaults\": {\"encode\": \"json\", \"event\": \"e\"}, \"feeds\": ["
				"{\"channel\": \"list\", \"room\": \"r.{/to}\"},"
				"{\"channel\": \"two\", \"room\": [\"r.{/a}\", \"r.{/b}\"], \"except\": \"{/socket}\"},"
				"{\"channel\": \"two\", \"room\": [\"r.{/b}\", \"r.{/a}\"], \"except\": \"{/socket}\"},"
				"{\"channel\": \"all\", \"except\": [\"{/x}\", \"quiet\"]}]}");
	const struct delivery *d;

	(void)state;
	listen_to(r, 0, "/", "r.a");
	listen_to(r, 1, "/", "r.b");
	listen_to(r, 2, "/", NULL);
	/* One stream, in whichever order they stand and however often. */
	message(r, NULL, "list", "{\"to\":[\"b\",\"a\",\"c\",\"a\",null]}", 0);
	message(r, NULL, "list", "{\"to\":[\"a\",\"b\",\"c\"]}", 0);
	message(r, NULL, "list", "{\"to\":\"a\"}", 0);
	message(r, NULL, "list", "{\"to\":[\"a\",\"a\"]}", 0);
	message(r, NULL, "list", "{\"to\":[\"nobody\",\"else\"]}", 0);
	message(r, NULL, "list", "{\"to\":[]}", 0);
	assert_int_equal(count(r, FEED_METRIC_UNHEARD), 2);
	message(r, NULL, "list", "{\"to\":[{}]}", 0);
	message(r, NULL, "list", "{\"to\":[null]}", 0);
	message(r, NULL, "list", "{\"to\":{}}", 0);
	message(r, NULL, "list", "{}", 0);
	assert_int_equal(count(r, FEED_METRIC_DROPPED_ROUTE), 4);
	assert_int_equal(count(r, FEED_METRIC_STREAMS), 3);
	feed_router_tick(&r->router, 200);
	feed_out_post(&r->out);
	assert_int_equal(r->workers[0].got[0]->n, 2);
	assert_int_equal(r->workers[1].got[0]->n, 1);
	assert_int_equal(r->workers[2].n, 0);
	expect_audience(r, 1, 0, "r.a r.b r.c");
	expect(r, 0, 0, 0, "42[\"e\",[{\"to\":[\"b\",\"a\",\"c\",\"a\",null]},{\"to\":[\"a\",\"b\",\"c\"]}]]");
	assert_null(r->workers[0].got[0]->items[1].audience);
	assert_true(eio_bytes_eq(r->workers[0].got[0]->items[1].target->key.name, EIO_LIT("r.a")));
	give_back(r);

	/* The rooms that there are; what is missing excepts nobody, but what may be somebody is not ignored. Feeds that
	 * name the same share the audience. */
	message(r, NULL, "two", "{\"a\":\"a\",\"b\":\"b\",\"socket\":\"s\"}", 300);
	message(r, NULL, "two", "{\"b\":\"b\"}", 300);
	message(r, NULL, "two", "{\"b\":\"b\",\"socket\":{}}", 300);
	message(r, NULL, "all", "{\"x\":[\"q\",\"p\"]}", 300);
	assert_int_equal(count(r, FEED_METRIC_DROPPED_ROUTE), 6);
	feed_router_tick(&r->router, 500);
	feed_out_post(&r->out);
	d = r->workers[1].got[0];
	assert_int_equal(d->n, 4);
	expect_audience(r, 1, 0, "r.a r.b -s");
	expect_audience(r, 2, 0, "-p -q -quiet");
	assert_true(eio_bytes_eq(d->items[1].target->key.name, EIO_LIT("r.b")));
	assert_ptr_equal(d->items[0].audience, d->items[2].audience);
	rig_free(r);
}

/* No message goes to more rooms than that; and idle streams are bounded by what they take. */
static void
rooms_are_bounded(void **state)
{
	struct rig *r = rig_new(
		"{\"feeds\": [{\"channel\": \"c\", \"room\": \"{/to}\", \"encode\": \"json\", \"batch\": {\"interval\": 0}}]}");
	struct eio_buf b = { 0 };

	(void)state;
	for (unsigned rooms = FEED_MAX_ROOMS; rooms <= FEED_MAX_ROOMS + 1; rooms++) {
		eio_buf_clear(&b);
		for (unsigned i = 0; i < rooms; i++) {
			eio_buf_add(&b, eio_cstr(i ? "," : "{\"to\":["));
			eio_buf_append_u64(&b, i);
		}
		EIO_BUF_ADD_LIT(&b, "]}");
		eio_buf_addc(&b, '\0');
		assert_int_equal(count(r, FEED_METRIC_DROPPED_ROUTE), 0);
		message(r, NULL, "c", b.p, 0);
	}
	assert_int_equal(count(r, FEED_METRIC_DROPPED_ROUTE), 1);
	assert_int_equal(count(r, FEED_METRIC_UNHEARD), 1);
	for (unsigned i = 0; i < 1000; i++) {
		b.n = sizeof "{\"to\":[" - 1;
		eio_buf_append_u64(&b, 5000 + i);
		for (unsigned k = 1; k < FEED_MAX_ROOMS; k++) {
			eio_buf_addc(&b, ',');
			eio_buf_append_u64(&b, k);
		}
		EIO_BUF_ADD_LIT(&b, "]}");
		eio_buf_addc(&b, '\0');
		message(r, NULL, "c", b.p, 0);
	}
	assert_true(r->router.feeds[0]->streams.cost <= FEED_STREAMS_BYTES);
	assert_true(count(r, FEED_METRIC_STREAMS) > 100 && count(r, FEED_METRIC_STREAMS) < 1000);
	eio_buf_deinit(&b);
	rig_free(r);
}

/* Namespaces made of the message. */
static void
namespaces_of_a_message(void **state)
{
	struct rig *r = rig_new("{\"namespaces\": {\"/a\": {}, \"/b\": {}}, \"feeds\": [{\"channel\": \"c\","
				" \"namespace\": \"{/nsp}\", \"event\": \"e\", \"encode\": \"json\"},"
				"{\"pattern\": \"p.*\", \"namespace\": \"/{1}\", \"room\": [\"x\", \"y\"],"
				" \"event\": \"e\", \"encode\": \"json\"}]}");

	(void)state;
	listen_to(r, 0, "/a", NULL);
	listen_to(r, 0, "/b", NULL);
	listen_to(r, 1, "/b", "y");
	message(r, NULL, "c", "{\"nsp\":\"/a\"}", 0);
	message(r, NULL, "c", "{\"nsp\":\"/b\"}", 0);
	message(r, NULL, "c", "{\"nsp\":\"/c\"}", 0);
	message(r, NULL, "c", "{\"nsp\":\"a\"}", 0);
	message(r, NULL, "c", "{\"nsp\":\"/a,b\"}", 0);
	message(r, NULL, "c", "{}", 0);
	assert_int_equal(count(r, FEED_METRIC_UNHEARD), 1);
	assert_int_equal(count(r, FEED_METRIC_DROPPED_ROUTE), 3);
	message(r, "p.*", "p.b", "1", 0);
	message(r, "p.*", "p.a", "2", 0);
	feed_router_tick(&r->router, 200);
	feed_out_post(&r->out);
	assert_int_equal(r->workers[0].got[0]->n, 2);
	expect(r, 0, 0, 0, "42/a,[\"e\",[{\"nsp\":\"/a\"}]]");
	expect(r, 0, 0, 1, "42/b,[\"e\",[{\"nsp\":\"/b\"}]]");
	assert_int_equal(r->workers[1].got[0]->n, 1);
	expect(r, 1, 0, 0, "42/b,[\"e\",[1]]");
	rig_free(r);
}

/* One stream for all channels of a feed, unless its templates tell them apart. */
static void
channels_share_a_feed(void **state)
{
	struct rig *r = rig_new("{\"feeds\": [{\"channel\": [\"a\", \"b\"], \"event\": \"e\", \"encode\": \"json\"},"
				"{\"channel\": [\"c\", \"a\"], \"encode\": \"json\"},"
				"{\"pattern\": [\"x.*\", \"y.*\"], \"event\": \"{1}\", \"encode\": \"json\"}]}");

	(void)state;
	assert_int_equal(r->router.table.n_channels, 3);
	assert_int_equal(r->router.table.n_patterns, 2);
	listen_to(r, 0, "/", NULL);
	message(r, NULL, "a", "1", 0);
	message(r, NULL, "b", "2", 0);
	message(r, NULL, "c", "3", 0);
	message(r, "x.*", "x.q", "4", 0);
	message(r, "y.*", "y.q", "5", 0);
	feed_router_tick(&r->router, 200);
	feed_out_post(&r->out);
	assert_int_equal(r->workers[0].n, 1);
	assert_int_equal(r->workers[0].got[0]->n, 4);
	expect(r, 0, 0, 0, "42[\"e\",[1,2]]");
	expect(r, 0, 0, 1, "42[\"a\",[1]]");
	expect(r, 0, 0, 2, "42[\"c\",[3]]");
	expect(r, 0, 0, 3, "42[\"q\",[4,5]]");
	rig_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(routes_and_rooms),
		cmocka_unit_test(entries_of_streams),
		cmocka_unit_test(takes_posts),
		cmocka_unit_test(posts_go_to_rooms),
		cmocka_unit_test(rooms_of_a_message),
		cmocka_unit_test(rooms_are_bounded),
		cmocka_unit_test(namespaces_of_a_message),
		cmocka_unit_test(channels_share_a_feed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
