/* SPDX-License-Identifier: MIT */
/* From a Redis message to deliveries, without Redis and without a thread: where, routes, workers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sio/json.h"
#include "src/feed/feed_int.h"
#include "src/feed/posting.h"
#include "src/where/number.h"
#include "tests/unit/configured.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The whole way */

struct rig {
	struct config *config;
	struct interest_table *interest;
	struct metrics_set metrics;
	struct feed_options options;
	struct feed_out out;
	struct feed_router router;
	struct rig_worker {
		struct mail_port port;
		struct delivery *got[64]; /* what it was given */
		size_t n;
	} workers[4];
	struct {
		unsigned w;
		const char *nsp, *room;
	} listening[8]; /* to take back at the end, as workers do */
	size_t n_listening;
};

static void
take_delivery(void *user, struct mail *run)
{
	struct rig_worker *w = user;

	assert_null(run->next);
	assert_true(w->n < 64);
	w->got[w->n++] = EIO_CONTAINER(run, struct delivery, mail);
}

static struct rig *
rig_new(const char *config)
{
	struct rig *r = calloc(1, sizeof *r);

	assert_non_null(r);
	r->config = configured(config);
	r->interest = interest_table_new();
	assert_int_equal(metrics_set_init(&r->metrics), 0);
	r->options = (struct feed_options){ .interest = r->interest, .metrics = &r->metrics };
	config_fill_feed(r->config, &r->options);
	r->options.workers = 4;
	assert_int_equal(feed_out_init(&r->out, &r->options), 0);
	for (unsigned w = 0; w < 4; w++) {
		r->workers[w].port = (struct mail_port){ .take = take_delivery, .user = &r->workers[w] };
		r->out.workers[w] = &r->workers[w].port;
	}
	assert_int_equal(feed_router_init(&r->router, &r->options, &r->out), 0);
	return r;
}

static void
give_back(struct rig *r)
{
	for (unsigned w = 0; w < 4; w++) {
		for (size_t i = 0; i < r->workers[w].n; i++) delivery_free(r->workers[w].got[i]);
		r->workers[w].n = 0;
	}
}

static void
leave(struct rig *r, unsigned w, const char *nsp, const char *room)
{
	struct eio_bytes name = room ? eio_cstr(room) : EIO_LIT("");

	interest_clear(r->interest, w, room ? sio_room_named(eio_cstr(nsp), name) : sio_room_everyone(eio_cstr(nsp)));
}

static void
rig_free(struct rig *r)
{
	give_back(r);
	for (size_t i = 0; i < r->n_listening; i++)
		leave(r, r->listening[i].w, r->listening[i].nsp, r->listening[i].room);
	feed_router_deinit(&r->router);
	feed_out_deinit(&r->out);
	metrics_set_deinit(&r->metrics);
	interest_table_free(r->interest);
	config_free(r->config);
	free(r);
}

static void
listen_to(struct rig *r, unsigned w, const char *nsp, const char *room)
{
	struct eio_bytes name = room ? eio_cstr(room) : EIO_LIT("");

	assert_int_equal(interest_set(r->interest, w,
				 room ? sio_room_named(eio_cstr(nsp), name) : sio_room_everyone(eio_cstr(nsp))),
		0);
	assert_true(r->n_listening < 8);
	r->listening[r->n_listening].w = w;
	r->listening[r->n_listening].nsp = nsp;
	r->listening[r->n_listening++].room = room;
}

/* pattern: NULL for a message to a channel subscribed by its name. */
static void
message(struct rig *r, const char *pattern, const char *channel, const char *payload, uint64_t now)
{
	struct message m = {
		.kind = pattern ? MESSAGE_OF_PATTERN : MESSAGE_OF_CHANNEL,
		.name = eio_cstr(pattern ? pattern : channel),
		.channel = eio_cstr(channel),
		.payload = eio_cstr(payload),
		.now_ms = now,
	};

	feed_router_message(&r->router, &m);
}

static uint64_t
count(struct rig *r, enum feed_metric m)
{
	return metrics_sum(&r->metrics, &feed_metrics, m);
}

/* The polling form of item i of worker w's delivery d, which shows everything as text. */
static void
expect(const struct rig *r, unsigned w, size_t d, size_t i, const char *wire)
{
	struct eio_block *b;

	assert_true(d < r->workers[w].n && i < r->workers[w].got[d]->n);
	b = eio_bundle_wire(r->workers[w].got[d]->items[i].bundle, EIO_WIRE_POLLING);
	assert_non_null(b);
	if (!eio_bytes_eq(eio_bytes(b->data, b->n), eio_cstr(wire))) fail_msg("%.*s", (int)b->n, b->data);
}

static void
routes_and_rooms(void **state)
{
	struct rig *r = rig_new("{\"feeds\": ["
				"{\"pattern\": \"ticks.*\", \"event\": \"ticks\", \"room\": \"{1}\"},"
				"{\"pattern\": \"ticks.*\", \"event\": \"all\", \"encode\": \"json\"},"
				"{\"channel\": \"news\", \"encode\": \"text\", \"batch\": {\"interval\": 0}}]}");

	(void)state;
	assert_int_equal(r->router.n_channels, 1);
	assert_int_equal(r->router.n_patterns, 1);
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
	assert_int_equal(r->router.n_channels, 1);
	assert_int_equal(r->router.n_streams, 2);
	assert_string_equal(r->router.streams[1].name, "t");
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

/* A gap is counted for each feed, and told once in each namespace, behind what came before it. */
static void
gaps_are_told(void **state)
{
	struct rig *r = rig_new(
		"{\"namespaces\": {\"/\": {}, \"/n\": {}}, \"feedDefaults\": {\"encode\": \"json\"}, \"feeds\": ["
		"{\"channel\": \"c\\\"\", \"event\": \"a\", \"gapEvent\": true},"
		"{\"channel\": \"c\\\"\", \"event\": \"b\", \"gapEvent\": true},"
		"{\"channel\": \"c\\\"\", \"event\": \"c\", \"namespace\": \"/n\", \"gapEvent\": true},"
		"{\"channel\": \"c\\\"\", \"event\": \"d\"}]}");
	struct source_gap gap = { .name = EIO_LIT("c\""), .from = EIO_LIT("1"), .to = EIO_LIT("\"2-1\""), .missed = 7 };

	(void)state;
	listen_to(r, 0, "/", NULL);
	listen_to(r, 1, "/n", NULL);
	message(r, NULL, "c\"", "1", 1000);
	feed_router_gap(&r->router, &gap, 1001);
	assert_int_equal(r->workers[0].n, 2);
	assert_int_equal(r->workers[0].got[0]->n, 2);
	expect(r, 0, 0, 1, "42[\"b\",[1]]");
	expect(r, 0, 1, 0, "42[\"siocast:gap\",{\"channel\":\"c\\\"\",\"from\":1,\"to\":\"2-1\",\"missed\":7}]");
	expect(r, 1, 1, 0, "42/n,[\"siocast:gap\",{\"channel\":\"c\\\"\",\"from\":1,\"to\":\"2-1\",\"missed\":7}]");
	assert_int_equal(count(r, FEED_METRIC_GAPS), 4);
	assert_int_equal(count(r, FEED_METRIC_MISSED), 28);
	give_back(r);

	/* Of nothing that is known, and of what nobody hears. */
	gap.name = EIO_LIT("other");
	feed_router_gap(&r->router, &gap, 1001);
	leave(r, 0, "/", NULL);
	leave(r, 1, "/n", NULL);
	r->n_listening = 0;
	gap.name = EIO_LIT("c\"");
	feed_router_gap(&r->router, &gap, 1001);
	assert_int_equal(r->workers[0].n + r->workers[1].n, 0);
	assert_int_equal(count(r, FEED_METRIC_GAPS), 8);
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

/* What is wanted of /v, a message, and whether it passes. */
static const struct {
	int line;
	const char *where, *message;
	bool passes;
} operators[] = {
	{ __LINE__, "{\"exists\": true}", "{\"v\":null}", true },
	{ __LINE__, "{\"exists\": true}", "{\"w\":1}", false },
	{ __LINE__, "{\"exists\": false}", "{\"w\":1}", true },
	{ __LINE__, "{\"exists\": false}", "{\"v\":0}", false },
	{ __LINE__, "{\"not\": \"a\"}", "{\"v\":\"b\"}", true },
	{ __LINE__, "{\"not\": \"a\"}", "{\"v\":\"a\"}", false },
	{ __LINE__, "{\"not\": \"a\"}", "{}", true },
	{ __LINE__, "{\"not\": [\"a\", 1]}", "{\"v\":1.0}", false },
	{ __LINE__, "{\"not\": {\">\": 5}}", "{\"v\":5}", true },
	{ __LINE__, "{\"not\": {\"not\": 5}}", "{\"v\":5}", true },
	{ __LINE__, "{\"exists\": true, \"not\": null}", "{\"v\":null}", false },
	{ __LINE__, "{\"exists\": true, \"not\": null}", "{\"v\":[]}", true },
	{ __LINE__, "{\">\": 5}", "{\"v\":5.0000000000000000000001}", true },
	{ __LINE__, "{\">\": 5}", "{\"v\":5}", false },
	{ __LINE__, "{\">=\": 5}", "{\"v\":0.5e1}", true },
	{ __LINE__, "{\"<\": 5}", "{\"v\":4.9999999999999999999999}", true },
	{ __LINE__, "{\"<=\": 5}", "{\"v\":6}", false },
	{ __LINE__, "{\">=\": 1, \"<\": 10}", "{\"v\":9}", true },
	{ __LINE__, "{\">=\": 1, \"<\": 10}", "{\"v\":10}", false },
	{ __LINE__, "{\">\": 5}", "{\"v\":\"6\"}", false },
	{ __LINE__, "{\">\": 5}", "{\"v\":[6]}", false },
	{ __LINE__, "{\"<\": 5}", "{}", false },
	{ __LINE__, "{\">\": \"b\"}", "{\"v\":\"ba\"}", true },
	{ __LINE__, "{\">\": \"b\"}", "{\"v\":\"b\"}", false },
	{ __LINE__, "{\"<\": \"b\"}", "{\"v\":\"\"}", true },
	{ __LINE__, "{\"<\": \"b\"}", "{\"v\":\"\\u0061\"}", true },
	{ __LINE__, "{\">\": \"z\"}", "{\"v\":\"\xc3\xb6\"}", true },
	{ __LINE__, "{\">\": \"z\"}", "{\"v\":7}", false },
	/* Every digit counts, of both sides. */
	{ __LINE__, "9007199254740993", "{\"v\":9007199254740993}", true },
	{ __LINE__, "9007199254740993", "{\"v\":9007199254740992}", false },
	{ __LINE__, "0.1", "{\"v\":0.10000000000000000001}", false },
	{ __LINE__, "{\">\": 123456789012345678901234567890}", "{\"v\":123456789012345678901234567891}", true },
	{ __LINE__, "{\">\": -0.0}", "{\"v\":0}", false },
	{ __LINE__, "0", "{\"v\":-0e5}", true },
};

static void
where_has_operators(void **state)
{
	char text[300];

	(void)state;
	for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
		struct rig *r;

		snprintf(text, sizeof text, "{\"feeds\": [{\"channel\": \"c\", \"where\": {\"/v\": %s}}]}",
			operators[i].where);
		r = rig_new(text);
		if (where_fulfilled(&r->options.specs->v->where, eio_cstr(operators[i].message)) != operators[i].passes)
			fail_msg("line %d", operators[i].line);
		rig_free(r);
	}
}

/* In rising order, those of one line equal. */
static void
numbers_compare_by_value(void **state)
{
	static const char *const numbers[][5] = {
		{ "-1e999999999999999999999" },
		{ "-1e400", "-10e399" },
		{ "-1000", "-1e3", "-1E+3", "-1000.000", "-0.1e4" },
		{ "-999.99999999999999999999" },
		{ "-1e-400" },
		{ "0", "-0", "0.000", "0e99", "-0.0e-7" },
		{ "1e-999999999999999999999" },
		{ "0.001", "1e-3", "0.1e-2", "10e-4", "0.00100" },
		{ "0.00100000000000000000000000001" },
		{ "9.99" },
		{ "10", "1e1", "100e-1", "10.0", "0.0001e5" },
		{ "10.5" },
		{ "18446744073709551615" },
		{ "18446744073709551616" },
		{ "1e308" },
		{ "1e309" },
	};

	(void)state;
	for (size_t a = 0; a < sizeof numbers / sizeof numbers[0]; a++)
		for (size_t b = 0; b < sizeof numbers / sizeof numbers[0]; b++)
			for (int i = 0; i < 25; i++) {
				const char *x = numbers[a][i / 5], *y = numbers[b][i % 5];
				int order;

				if (!x || !y) continue;
				order = where_number_compare(eio_cstr(x), eio_cstr(y));
				if ((order > 0) - (order < 0) != (a > b) - (a < b)) fail_msg("%s, %s: %d", x, y, order);
			}
}

/* Payloads in batches of each kind, and as arguments. */
static void
payloads_are_shaped(void **state)
{
	struct rig *r = rig_new(
		"{\"feedDefaults\": {\"payload\": \"{/d}\"}, \"feeds\": ["
		"{\"channel\": \"c\", \"event\": \"json\", \"encode\": \"json\"},"
		"{\"channel\": \"c\", \"event\": \"lines\", \"encode\": \"text\","
		" \"batch\": {\"format\": \"lines\"}},"
		"{\"channel\": \"c\", \"event\": \"array\", \"payload\": [\"{channel}\", \"{/d}\"]},"
		"{\"channel\": \"c\", \"event\": \"whole\", \"encode\": \"json\", \"payload\": null,"
		" \"omit\": \"/x\"},"
		"{\"channel\": \"one\", \"event\": [\"{/e}\"], \"encode\": \"json\", \"spread\": true,"
		" \"payload\": [\"{channel}\", \"{/d?}\"], \"batch\": {\"interval\": 0}},"
		"{\"channel\": \"raw\", \"encode\": \"text\", \"spread\": true,"
		" \"payload\": [\"{text}\"], \"batch\": {\"interval\": 0}},"
		"{\"channel\": \"none\", \"encode\": \"json\", \"spread\": true, \"payload\": [\"{/d?}\"],"
		" \"batch\": {\"interval\": 0}}]}");

	(void)state;
	listen_to(r, 0, "/", NULL);
	message(r, NULL, "c", "{\"x\":1,\"d\":\"a\\tb\"}", 0);
	message(r, NULL, "c", "{\"x\":1,\"e\":0}", 0);
	message(r, NULL, "c", "{\"d\":[ 1 ]}", 0);
	feed_router_tick(&r->router, 200);
	feed_out_post(&r->out);
	assert_int_equal(r->workers[0].got[0]->n, 4);
	expect(r, 0, 0, 0, "42[\"json\",[\"a\\tb\",[ 1 ]]]");
	expect(r, 0, 0, 1, "42[\"lines\",\"a\\tb\\n[ 1 ]\\n\"]");
	/* [["c","a\tb"],["c",[ 1 ]]] */
	expect(r, 0, 0, 2,
		"451-[\"array\",{\"_placeholder\":true,\"num\":0}]\x1e"
		"bW1siYyIsImFcdGIiXSxbImMiLFsgMSBdXV0=");
	expect(r, 0, 0, 3, "42[\"whole\",[{\"d\":\"a\\tb\"},{\"e\":0},{\"d\":[ 1 ]}]]");
	assert_int_equal(count(r, FEED_METRIC_DROPPED_PAYLOAD), 3);
	give_back(r);

	message(r, NULL, "one", "{\"e\":\"E\",\"d\":{\"a\": 1}}", 300);
	message(r, NULL, "one", "{\"e\":\"F\"}", 300);
	message(r, NULL, "none", "{}", 300);
	message(r, NULL, "raw", "a\"b", 300);
	feed_out_post(&r->out);
	expect(r, 0, 0, 0, "42[\"E\",\"one\",{\"a\": 1}]");
	expect(r, 0, 0, 1, "42[\"F\",\"one\"]");
	expect(r, 0, 0, 2, "42[\"none\"]");
	expect(r, 0, 0, 3, "42[\"raw\",\"a\\\"b\"]");
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
	assert_true(r->router.feeds[0].streams.cost <= FEED_STREAMS_BYTES);
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
	assert_int_equal(r->router.n_channels, 3);
	assert_int_equal(r->router.n_patterns, 2);
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

static void
where_filters(void **state)
{
	struct rig *r = rig_new("{\"feeds\": [{\"channel\": \"c\", \"event\": \"e\", \"encode\": \"json\","
				"\"where\": {\"/type\": [\"trade\", \"qu\\u00f6te\", 7, null], \"/on\": true}}]}");
	static const struct {
		const char *message;
		bool passes;
	} cases[] = {
		{ "{\"type\":\"trade\",\"on\":true}", true },
		{ "{\"type\":\"tr\\u0061de\",\"on\":true}", true },
		{ "{\"type\":\"qu\xc3\xb6te\",\"on\":true}", true },
		{ "{\"type\":7.0,\"on\":true}", true },
		{ "{\"type\":70e-1,\"on\":true}", true },
		{ "{\"type\":null,\"on\":true}", true },
		{ "{\"type\":\"7\",\"on\":true}", false },
		{ "{\"type\":\"trade\",\"on\":false}", false },
		{ "{\"type\":\"trade\",\"on\":\"true\"}", false },
		{ "{\"type\":\"trad\",\"on\":true}", false },
		{ "{\"type\":[\"trade\"],\"on\":true}", false },
		{ "{\"on\":true}", false },
		{ "[1]", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		if (where_fulfilled(&r->options.specs->v->where, eio_cstr(cases[i].message)) != cases[i].passes)
			fail_msg("%s", cases[i].message);
	listen_to(r, 0, "/", NULL);
	message(r, NULL, "c", cases[0].message, 0);
	message(r, NULL, "c", cases[6].message, 0);
	message(r, NULL, "c", "{\"type\":\"trade\"", 0);
	feed_router_tick(&r->router, 200);
	feed_out_post(&r->out);
	expect(r, 0, 0, 0, "42[\"e\",[{\"type\":\"trade\",\"on\":true}]]");
	assert_int_equal(count(r, FEED_METRIC_FILTERED), 1);
	assert_int_equal(count(r, FEED_METRIC_DROPPED_JSON), 1);
	rig_free(r);
}

static void
message_templates(void **state)
{
	struct rig *r = rig_new("{\"namespaces\": {\"/x\": {}}, \"feeds\": [{\"channel\": \"c\", \"namespace\": \"/x\","
				"\"event\": \"{/ev}\", \"room\": \"{channel}:{/id}\", \"encode\": \"json\","
				"\"batch\": {\"interval\": 0}}]}");

	(void)state;
	listen_to(r, 1, "/x", "c:12345678901234567890");
	message(r, NULL, "c", "{\"ev\":\"up\",\"id\":12345678901234567890}", 0);
	message(r, NULL, "c", "{\"ev\":\"up\",\"id\":1}", 0);
	message(r, NULL, "c", "{\"ev\":\"up\"}", 0); /* no room */
	message(r, NULL, "c", "{\"id\":1}", 0); /* no event */
	message(r, NULL, "c", "{\"ev\":\"disconnect\",\"id\":12345678901234567890}", 0); /* reserved */
	message(r, NULL, "c", "{\"ev\":\"disconnect\",\"id\":12345678901234567890}", 0);
	feed_out_post(&r->out);
	assert_int_equal(r->workers[1].n, 1);
	assert_int_equal(r->workers[1].got[0]->n, 1);
	expect(r, 1, 0, 0, "42/x,[\"up\",{\"ev\":\"up\",\"id\":12345678901234567890}]");
	assert_int_equal(count(r, FEED_METRIC_DROPPED_ROUTE), 4);
	assert_int_equal(count(r, FEED_METRIC_UNHEARD), 1);
	rig_free(r);
}

/* A worker that does not come after gets no more; the others do. */
static void
a_worker_behind(void **state)
{
	struct rig *r = rig_new("{\"limits\": {\"workerQueueBytes\": 65536}, \"feeds\": [{\"channel\": \"c\","
				"\"batch\": {\"interval\": 0, \"format\": \"lines\"}}]}");
	static char big[40001], huge[100001];

	(void)state;
	memset(big, 'b', sizeof big - 1);
	memset(huge, 'h', sizeof huge - 1);
	listen_to(r, 0, "/", NULL);
	listen_to(r, 3, "/", NULL);
	message(r, NULL, "c", big, 0);
	feed_out_post(&r->out);
	assert_int_equal(r->workers[0].n, 1);
	assert_true(atomic_load(&r->out.budgets[0].outstanding) > 40000);
	delivery_free(r->workers[3].got[0]);
	r->workers[3].n = 0;
	assert_int_equal(atomic_load(&r->out.budgets[3].outstanding), 0);
	message(r, NULL, "c", big, 0);
	message(r, NULL, "c", big, 0); /* above the limit for worker 3 too: within one turn */
	feed_out_post(&r->out);
	assert_int_equal(r->workers[0].n, 1);
	assert_int_equal(r->workers[3].n, 1);
	assert_int_equal(r->workers[3].got[0]->n, 1);
	assert_int_equal(count(r, FEED_METRIC_DELIVERIES_DROPPED), 3);
	give_back(r);
	/* What is larger than the limit itself still goes to a worker that has nothing else. */
	message(r, NULL, "c", huge, 0);
	feed_out_post(&r->out);
	assert_int_equal(r->workers[0].n + r->workers[3].n, 2);
	rig_free(r);
}

/* The worker that runs the feed has all of a turn: it is not behind. */
static void
the_worker_itself(void **state)
{
	struct rig *r = rig_new("{\"limits\": {\"workerQueueBytes\": 65536}, \"feeds\": [{\"channel\": \"c\","
				"\"batch\": {\"interval\": 0, \"format\": \"lines\"}}]}");
	static char big[40001];

	(void)state;
	r->options.worker_queue_bytes = SIZE_MAX;
	memset(big, 'b', sizeof big - 1);
	listen_to(r, 0, "/", NULL);
	for (int i = 0; i < 10; i++) message(r, NULL, "c", big, 0);
	feed_out_post(&r->out);
	assert_int_equal(r->workers[0].n, 1);
	assert_int_equal(r->workers[0].got[0]->n, 10);
	assert_int_equal(count(r, FEED_METRIC_DELIVERIES_DROPPED), 0);
	rig_free(r);
}

/* More in one turn than the first allocation holds, in order. */
static void
many_in_one_turn(void **state)
{
	struct rig *r = rig_new("{\"feeds\": [{\"channel\": \"c\", \"event\": \"e\", \"encode\": \"json\","
				"\"batch\": {\"interval\": 0}}]}");
	char text[32];

	(void)state;
	listen_to(r, 0, "/", NULL);
	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof text, "%d", i);
		message(r, NULL, "c", text, 0);
	}
	feed_out_post(&r->out);
	assert_int_equal(r->workers[0].n, 1);
	assert_int_equal(r->workers[0].got[0]->n, 1000);
	for (size_t i = 0; i < 1000; i++) {
		snprintf(text, sizeof text, "42[\"e\",%zu]", i);
		expect(r, 0, 0, i, text);
	}
	/* Nothing was posted twice. */
	feed_out_post(&r->out);
	assert_int_equal(r->workers[0].n, 1);
	rig_free(r);
}

/* Streams nobody uses any more go away with their interest. */
static void
streams_go_away(void **state)
{
	struct rig *r = rig_new("{\"feeds\": [{\"pattern\": \"*\", \"room\": \"{1}\"}]}");
	char name[16];

	(void)state;
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof name, "r%d", i);
		message(r, "*", name, "1", 0);
	}
	assert_int_equal(count(r, FEED_METRIC_STREAMS), 500);
	assert_int_equal(interest_count(r->interest), 500);
	for (int i = 0; i < 4 && r->router.deadline_ms != UINT64_MAX; i++)
		feed_router_tick(&r->router, r->router.deadline_ms);
	assert_int_equal(count(r, FEED_METRIC_STREAMS), 0);
	assert_int_equal(interest_count(r->interest), 0);
	assert_true(r->router.deadline_ms == UINT64_MAX);
	rig_free(r);
}

/* Why nothing arrives */

static int saved_stderr;
static FILE *caught;

/* What is logged from now on goes to a file. */
static void
catch_log(void)
{
	saved_stderr = dup(STDERR_FILENO);
	caught = tmpfile();
	assert_true(saved_stderr >= 0 && caught);
	dup2(fileno(caught), STDERR_FILENO);
}

/* And this is what went there. */
static const char *
caught_log(void)
{
	static char text[8192];
	size_t n;

	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	rewind(caught);
	n = fread(text, 1, sizeof text - 1, caught);
	text[n] = '\0';
	fclose(caught);
	return text;
}

/* What is logged while a message is taken. */
static const char *
log_of(struct rig *r, const char *pattern, const char *channel, const char *payload, uint64_t now)
{
	catch_log();
	message(r, pattern, channel, payload, now);
	return caught_log();
}

static const struct {
	int line;
	const char *channel, *payload, *part, *reason;
	enum feed_metric metric;
} unsent[] = {
	{ __LINE__, "json", "{", "json", "not one JSON value", FEED_METRIC_DROPPED_JSON },
	{ __LINE__, "json", "\"\xff\"", "utf8", "not UTF-8", FEED_METRIC_DROPPED_UTF8 },
	{ __LINE__, "where", "{\"a\":2}", "where", "does not match", FEED_METRIC_FILTERED },
	{ __LINE__, "event", "{\"r\":1}", "event", "has no value in the message", FEED_METRIC_DROPPED_ROUTE },
	{ __LINE__, "event", "{\"e\":\"connect\",\"r\":1}", "event", "is a reserved name", FEED_METRIC_DROPPED_ROUTE },
	{ __LINE__, "event", "{\"e\":\"x\"}", "room", "has no value in the message", FEED_METRIC_DROPPED_ROUTE },
	{ __LINE__, "event", "{\"e\":\"x\",\"r\":1}", "members", "nobody is there", FEED_METRIC_UNHEARD },
	{ __LINE__, "lines", "a\nb", "line", "holds a line feed or starts with NUL", FEED_METRIC_DROPPED_LINE },
};

/* Each way not to be sent is counted and has one line at debug, which says which part of which feed it was. */
static void
says_why_nothing_arrives(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof unsent / sizeof unsent[0]; i++) {
		struct rig *r = rig_new("{\"feeds\": [{\"channel\": \"json\", \"encode\": \"json\"},"
					"{\"channel\": \"where\", \"where\": {\"/a\": 1}},"
					"{\"channel\": \"event\", \"event\": \"{/e}\", \"room\": \"{/r}\"},"
					"{\"channel\": \"lines\", \"batch\": {\"format\": \"lines\"}}]}");
		char want[160];
		const char *got, *line;

		listen_to(r, 0, "/", NULL);
		log_set_level(LOG_LEVEL_DEBUG);
		got = log_of(r, NULL, unsent[i].channel, unsent[i].payload, 0);
		snprintf(want, sizeof want, " channel=\"%s\" event=message-not-sent part=%s reason=\"%s\"",
			unsent[i].channel, unsent[i].part, unsent[i].reason);
		line = strstr(got, want);
		if (!line || strstr(line + strlen(want), "message-not-sent"))
			fail_msg("line %d: %s", unsent[i].line, got);
		assert_int_equal(count(r, unsent[i].metric), 1);
		log_set_level(LOG_LEVEL_INFO);
		got = log_of(r, NULL, unsent[i].channel, unsent[i].payload, 0);
		if (strstr(got, "message-not-sent")) fail_msg("line %d: %s", unsent[i].line, got);
		assert_int_equal(count(r, unsent[i].metric), 2);
		rig_free(r);
	}
	log_set_level(LOG_LEVEL_ERROR);
}

/* Few lines of a kind, and each kind has its own bound; the room is named. */
static void
few_debug_lines(void **state)
{
	struct rig *r = rig_new("{\"feeds\": [{\"pattern\": \"*\", \"room\": \"r.{1}\", \"where\": {\"/a\": 1}}]}");
	unsigned written = 0;

	(void)state;
	log_set_level(LOG_LEVEL_DEBUG);
	for (int i = 0; i < 100; i++) written += *log_of(r, "*", "x", "{\"a\":2}", 0) != '\0';
	assert_int_equal(written, LOG_LIMIT_BURST);
	assert_non_null(
		strstr(log_of(r, "*", "x", "{\"a\":1}", 0), "part=members reason=\"nobody is there\" room=\"r.x\""));
	assert_non_null(strstr(log_of(r, "*", "x", "{\"a\":2}", LOG_LIMIT_MS), " suppressed=95"));
	assert_int_equal(count(r, FEED_METRIC_FILTERED), 101);
	log_set_level(LOG_LEVEL_ERROR);
	rig_free(r);
}

/* Messages that were taken and are not sent in the end. */
static void
says_why_batches_do_not_arrive(void **state)
{
	struct rig *r = rig_new("{\"limits\": {\"workerQueueBytes\": 65536}, \"feeds\": [{\"channel\": \"c\","
				"\"room\": \"r\", \"batch\": {\"format\": \"lines\"}}]}");
	static char big[60001];

	(void)state;
	log_set_level(LOG_LEVEL_DEBUG);
	assert_int_equal(interest_set(r->interest, 0, sio_room_named(EIO_LIT("/"), EIO_LIT("r"))), 0);
	message(r, NULL, "c", "1", 0);
	leave(r, 0, "/", "r");
	catch_log();
	feed_router_tick(&r->router, 200);
	assert_non_null(strstr(caught_log(),
		"debug feed=0 event=batch-not-sent part=members reason=\"they have gone\" room=\"r\" messages=1 suppressed=0"));
	memset(big, 'b', sizeof big - 1);
	listen_to(r, 1, "/", "r");
	message(r, NULL, "c", big, 300);
	feed_router_tick(&r->router, 500);
	message(r, NULL, "c", big, 600);
	catch_log();
	feed_router_tick(&r->router, 800);
	assert_non_null(strstr(caught_log(),
		"debug event=batch-not-sent part=worker reason=\"it is behind\" worker=1 room=\"r\" bytes=60"));
	log_set_level(LOG_LEVEL_ERROR);
	rig_free(r);
}

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
		cmocka_unit_test(routes_and_rooms),
		cmocka_unit_test(entries_of_streams),
		cmocka_unit_test(gaps_are_told),
		cmocka_unit_test(takes_posts),
		cmocka_unit_test(posts_go_to_rooms),
		cmocka_unit_test(payloads_are_shaped),
		cmocka_unit_test(rooms_of_a_message),
		cmocka_unit_test(rooms_are_bounded),
		cmocka_unit_test(namespaces_of_a_message),
		cmocka_unit_test(where_filters),
		cmocka_unit_test(where_has_operators),
		cmocka_unit_test(numbers_compare_by_value),
		cmocka_unit_test(channels_share_a_feed),
		cmocka_unit_test(snapshots_in_each_format),
		cmocka_unit_test(snapshots_by_key),
		cmocka_unit_test(snapshots_outlive_streams),
		cmocka_unit_test(snapshots_of_several_rooms),
		cmocka_unit_test(snapshots_bit_by_bit),
		cmocka_unit_test(message_templates),
		cmocka_unit_test(a_worker_behind),
		cmocka_unit_test(the_worker_itself),
		cmocka_unit_test(many_in_one_turn),
		cmocka_unit_test(streams_go_away),
		cmocka_unit_test(says_why_nothing_arrives),
		cmocka_unit_test(few_debug_lines),
		cmocka_unit_test(says_why_batches_do_not_arrive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
