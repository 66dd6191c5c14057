/* SPDX-License-Identifier: MIT */
/* From a Redis message to deliveries, without Redis and without a thread: templates, patterns, where, routes, workers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sio/json.h"
#include "src/feed/feed_int.h"
#include "src/template/template.h"
#include "tests/unit/configured.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Templates and patterns */

static const struct {
	int line;
	const char *pattern, *channel;
	const char *captures; /* joined by '|'; NULL: no match */
	unsigned stars;
} patterns[] = {
	{ __LINE__, "ticks.*", "ticks.ACME", "ACME", 1 },
	{ __LINE__, "ticks.*", "ticks.", "", 1 },
	{ __LINE__, "ticks.*", "tick", NULL, 1 },
	{ __LINE__, "*", "", "", 1 },
	{ __LINE__, "*", "a.b", "a.b", 1 },
	{ __LINE__, "a", "a", "", 0 },
	{ __LINE__, "a", "ab", NULL, 0 },
	{ __LINE__, "", "", "", 0 },
	{ __LINE__, "*.*", "a.b.c", "a|b.c", 2 },
	{ __LINE__, "*.*.*", "a.b.c", "a|b|c", 3 },
	{ __LINE__, "*:x", "a:x:x", "a:x", 1 },
	{ __LINE__, "a**b", "a-b-b", "-b-", 1 },
	{ __LINE__, "*aab", "aaaab", "aa", 1 },
	{ __LINE__, "?.*", "x.y", "y", 1 },
	{ __LINE__, "[a-c]*", "bz", "z", 1 },
	{ __LINE__, "[c-a]*", "bz", "z", 1 },
	{ __LINE__, "[^a]*", "az", NULL, 1 },
	{ __LINE__, "[^a]*", "bz", "z", 1 },
	{ __LINE__, "[x\\]*]*", "]z", "z", 1 },
	{ __LINE__, "[ab", "b", "", 0 },
	{ __LINE__, "\\**", "*z", "z", 1 },
	{ __LINE__, "\\*", "z", NULL, 0 },
	{ __LINE__, "a\\", "a\\", "", 0 },
	{ __LINE__, "*1*2*3*4*5*6*7*8*9*0*", "a1b2c3d4e5f6g7h8i9j0k", "a|b|c|d|e|f|g|h|i", 9 },
};

static void
patterns_match(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
		struct template_captures c;
		char joined[64] = "";
		bool match = template_match(eio_cstr(patterns[i].pattern), eio_cstr(patterns[i].channel), &c);

		if (match != (patterns[i].captures != NULL)) fail_msg("line %d: match %d", patterns[i].line, match);
		for (unsigned k = 0; match && k < c.n; k++)
			sprintf(joined + strlen(joined), "%s%.*s", k ? "|" : "", (int)c.v[k].n, c.v[k].p);
		if (match && strcmp(joined, patterns[i].captures) != 0)
			fail_msg("line %d: captures %s", patterns[i].line, joined);
		if (template_count_stars(eio_cstr(patterns[i].pattern)) != patterns[i].stars)
			fail_msg("line %d: stars", patterns[i].line);
	}
}

/* A pattern that makes naive matchers take for ever. */
static void
matching_is_not_exponential(void **state)
{
	char channel[4001];
	struct template_captures c;

	(void)state;
	memset(channel, 'a', sizeof channel - 1);
	channel[sizeof channel - 1] = '\0';
	assert_false(template_match(EIO_LIT("*a*a*a*a*a*a*a*a*a*a*b"), eio_cstr(channel), &c));
}

static const struct {
	int line;
	const char *text, *message, *want; /* NULL: no value */
} templates[] = {
	{ __LINE__, "", "1", "" },
	{ __LINE__, "plain", "1", "plain" },
	{ __LINE__, "{channel}", "1", "x.y.z" },
	{ __LINE__, "{2}-{1}", "1", "z-y" },
	{ __LINE__, "a{{{1}}}b", "1", "a{y}b" },
	{ __LINE__, "{/s}", "{\"s\":\"q\\\"\\u00e9\"}", "q\"\xc3\xa9" },
	{ __LINE__, "<{/n}>", "{\"n\":9007199254740993}", "<9007199254740993>" },
	{ __LINE__, "{/b}{/a/1}", "{\"b\":true,\"a\":[0,-1.50]}", "true-1.50" },
	{ __LINE__, "{/a~1b}", "{\"a/b\":false}", "false" },
	{ __LINE__, "{/none}", "{\"s\":1}", NULL },
	{ __LINE__, "{/s}", "{\"s\":null}", NULL },
	{ __LINE__, "{/s}", "{\"s\":{}}", NULL },
	{ __LINE__, "{/s}", "[]", NULL },
};

static void
templates_render(void **state)
{
	struct template_captures c;
	struct template_input in = { .channel = EIO_LIT("x.y.z"), .captures = &c };
	char err[200];

	(void)state;
	assert_true(template_match(EIO_LIT("x.*.*"), in.channel, &c));
	for (size_t i = 0; i < sizeof templates / sizeof templates[0]; i++) {
		struct template *t = template_new(eio_cstr(templates[i].text), 2, err, sizeof err);
		struct eio_buf out = { 0 };
		int e;

		if (!t) fail_msg("line %d: %s", templates[i].line, err);
		in.message = eio_cstr(templates[i].message);
		assert_int_equal(sio_json_check(in.message), 0);
		e = template_render(t, &in, &out);
		if ((e < 0) != !templates[i].want) fail_msg("line %d: %d", templates[i].line, e);
		if (e == 0 && !eio_bytes_eq(eio_buf_bytes(&out), eio_cstr(templates[i].want)))
			fail_msg("line %d: %.*s", templates[i].line, (int)out.n, out.p);
		assert_int_equal(template_uses_message(t), strchr(templates[i].text, '/') != NULL);
		eio_buf_deinit(&out);
		template_free(t);
	}
}

static void
bad_templates(void **state)
{
	static const char *const bad[] = { "{", "}", "a}b", "{}", "{0}", "{3}", "{10}", "{channel", "{Channel}",
		"{/~2}", "{x}", "{{{", "{1}}" };
	char err[200];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		*err = '\0';
		if (template_new(eio_cstr(bad[i]), 2, err, sizeof err)) fail_msg("accepted: %s", bad[i]);
		assert_true(*err);
	}
}

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
	assert_int_equal(metrics_set_init(&r->metrics, 1), 0);
	r->options = (struct feed_options){ .interest = r->interest, .metrics = r->metrics.rows };
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

	interest_clear(r->interest, w, eio_cstr(nsp), room ? &name : NULL);
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

	assert_int_equal(interest_set(r->interest, w, eio_cstr(nsp), room ? &name : NULL), 0);
	assert_true(r->n_listening < 8);
	r->listening[r->n_listening].w = w;
	r->listening[r->n_listening].nsp = nsp;
	r->listening[r->n_listening++].room = room;
}

/* pattern: NULL for a message to a channel subscribed by its name. */
static void
message(struct rig *r, const char *pattern, const char *channel, const char *payload, uint64_t now)
{
	struct redis_message m = { .is_pattern = pattern != NULL,
		.name = eio_cstr(pattern ? pattern : channel),
		.channel = eio_cstr(channel),
		.payload = eio_cstr(payload) };

	feed_router_message(&r->router, &m, now);
}

static uint64_t
count(const struct rig *r, enum metric m)
{
	return metrics_sum(&r->metrics, m);
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
	assert_true(eio_bytes_eq(r->workers[2].got[0]->items[0].target->room, EIO_LIT("A")));
	assert_true(r->workers[2].got[0]->items[1].target->everyone);
	assert_int_equal(count(r, METRIC_FEED_UNHEARD), 1);
	assert_int_equal(count(r, METRIC_FEED_BATCHES), 2);
	assert_int_equal(count(r, METRIC_FEED_DELIVERIES), 3);
	assert_int_equal(count(r, METRIC_FEED_MESSAGES), 3);
	assert_int_equal(count(r, METRIC_FEED_STREAMS), 3);
	give_back(r);

	message(r, NULL, "news", "say \"hi\"", 1300);
	message(r, NULL, "news", "\xff", 1300);
	feed_out_post(&r->out);
	assert_int_equal(r->workers[2].n, 1);
	expect(r, 2, 0, 0, "42[\"news\",\"say \\\"hi\\\"\"]");
	assert_int_equal(count(r, METRIC_FEED_DROPPED_UTF8), 1);
	give_back(r);

	/* Who leaves before the flush gets nothing, and then nothing is encoded. */
	message(r, "ticks.*", "ticks.A", "3", 2000);
	leave(r, 0, "/", "A");
	leave(r, 2, "/", "A");
	leave(r, 2, "/", NULL);
	feed_router_tick(&r->router, 2200);
	feed_out_post(&r->out);
	assert_int_equal(r->workers[0].n + r->workers[2].n, 0);
	assert_int_equal(count(r, METRIC_FEED_BATCHES_UNHEARD), 2);
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
		if (feed_where_matches(r->options.specs->v, eio_cstr(cases[i].message)) != cases[i].passes)
			fail_msg("%s", cases[i].message);
	listen_to(r, 0, "/", NULL);
	message(r, NULL, "c", cases[0].message, 0);
	message(r, NULL, "c", cases[6].message, 0);
	message(r, NULL, "c", "{\"type\":\"trade\"", 0);
	feed_router_tick(&r->router, 200);
	feed_out_post(&r->out);
	expect(r, 0, 0, 0, "42[\"e\",[{\"type\":\"trade\",\"on\":true}]]");
	assert_int_equal(count(r, METRIC_FEED_FILTERED), 1);
	assert_int_equal(count(r, METRIC_FEED_DROPPED_JSON), 1);
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
	assert_int_equal(count(r, METRIC_FEED_DROPPED_ROUTE), 4);
	assert_int_equal(count(r, METRIC_FEED_UNHEARD), 1);
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
	assert_int_equal(count(r, METRIC_FEED_DELIVERIES_DROPPED), 3);
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
	assert_int_equal(count(r, METRIC_FEED_DELIVERIES_DROPPED), 0);
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
	assert_int_equal(count(r, METRIC_FEED_STREAMS), 500);
	assert_int_equal(interest_count(r->interest), 500);
	for (int i = 0; i < 4 && r->router.deadline_ms != UINT64_MAX; i++)
		feed_router_tick(&r->router, r->router.deadline_ms);
	assert_int_equal(count(r, METRIC_FEED_STREAMS), 0);
	assert_int_equal(interest_count(r->interest), 0);
	assert_true(r->router.deadline_ms == UINT64_MAX);
	rig_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_match),
		cmocka_unit_test(matching_is_not_exponential),
		cmocka_unit_test(templates_render),
		cmocka_unit_test(bad_templates),
		cmocka_unit_test(routes_and_rooms),
		cmocka_unit_test(where_filters),
		cmocka_unit_test(message_templates),
		cmocka_unit_test(a_worker_behind),
		cmocka_unit_test(the_worker_itself),
		cmocka_unit_test(many_in_one_turn),
		cmocka_unit_test(streams_go_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
