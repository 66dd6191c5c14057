/* SPDX-License-Identifier: MIT */
/* From a Redis message to deliveries: which messages, in what shape, for which
 * workers, and what is said of those that do not arrive. */
#include "tests/unit/feed/router.h"

/* A gap is counted for each feed, and told once in each namespace, behind what came before it. */
static void
gaps_are_told(void **state)
{
	struct rig *r = rig_new(
		"{\"namespaces\": {\"/\": {}, \"/n\": {}}, \"feedDefaults\": {\"encode\": \"json\"}, \"feeds\": ["
		"{\"channel\": \"c\\\"\", \"event\": \"d\"},"
		"{\"channel\": \"c\\\"\", \"event\": \"a\", \"gapEvent\": true},"
		"{\"channel\": \"c\\\"\", \"event\": \"b\", \"gapEvent\": true},"
		"{\"channel\": \"c\\\"\", \"event\": \"c\", \"namespace\": \"/n\", \"gapEvent\": true}]}");
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

static void
count_call(void *user)
{
	++*(unsigned *)user;
}

/* A hub takes all of a turn, whatever workers may be behind by; what it does not get is a gap for its edges. */
static void
hubs_get_all_of_a_turn(void **state)
{
	struct rig *r = rig_new("{\"feedDefaults\": {\"encode\": \"json\", \"batch\": {\"interval\": 0}},"
				" \"feeds\": [{\"channel\": \"c\", \"event\": \"a\"}]}");
	char text[2000];
	unsigned gaps = 0;
	struct delivery_item item;

	(void)state;
	r->options.workers = 3;
	r->options.hub = true;
	r->options.worker_queue_bytes = 3000;
	r->out.gap = count_call;
	r->out.gap_user = &gaps;
	listen_to(r, 0, "/", NULL);
	listen_to(r, 3, "/", NULL);
	memset(text, '1', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	for (int i = 0; i < 5; i++) message(r, NULL, "c", text, 1000);
	feed_out_post(&r->out);
	assert_int_equal(r->workers[0].got[0]->n, 1);
	assert_int_equal(r->workers[3].got[0]->n, 5);
	assert_int_equal(count(r, FEED_METRIC_DELIVERIES_DROPPED), 4);
	assert_int_equal(gaps, 0);
	/* What others hand to it has a bound. */
	item = r->workers[3].got[0]->items[0];
	assert_int_equal(feed_out_hand(&r->out, 8, &item, true), 0);
	assert_int_equal(gaps, 0);
	assert_int_equal(feed_out_hand(&r->out, 8, &item, false), 1);
	assert_int_equal(gaps, 1);
	assert_int_equal(feed_out_hand(&r->out, 1, &item, false), 1);
	assert_int_equal(gaps, 1);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gaps_are_told),
		cmocka_unit_test(hubs_get_all_of_a_turn),
		cmocka_unit_test(payloads_are_shaped),
		cmocka_unit_test(where_filters),
		cmocka_unit_test(where_has_operators),
		cmocka_unit_test(numbers_compare_by_value),
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
