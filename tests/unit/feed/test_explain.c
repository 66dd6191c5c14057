/* SPDX-License-Identifier: MIT */
/* What is told of a message: its feeds, in each of them its fate, event and rooms, and the packets that leave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/feed/explain.h"
#include "src/source/psync.h"
#include "src/source/pubsub.h"
#include "src/source/streams.h"
#include "tests/unit/configured.h"
#include "tests/unit/failmalloc.h"

#include <stdio.h>
#include <string.h>

static const char text[] =
	"{\"namespaces\": {\"/n\": {}}, \"feeds\": ["
	"{\"pattern\": \"t.*\", \"event\": \"e {1}\", \"room\": \"{/to}\", \"encode\": \"json\","
	"  \"where\": {\"/a\": 1, \"/b\": {\"exists\": false}}},"
	"{\"channel\": \"t.x\", \"namespace\": \"/n\", \"encode\": \"text\", \"batch\": {\"interval\": 0}, \"retain\": \"last\","
	"  \"room\": [\"r\", \"{/l}\"], \"except\": \"{/not}\"},"
	"{\"stream\": \"s\", \"field\": \"f\", \"event\": \"e\", \"encode\": \"text\", \"batch\": {\"interval\": 0}},"
	"{\"stream\": \"s\", \"event\": \"{id}\", \"encode\": \"json\", \"batch\": {\"interval\": 0}},"
	"{\"channel\": \"plain\", \"encode\": \"json\", \"batch\": {\"interval\": 0}},"
	"{\"channel\": \"part\", \"room\": [\"p\", \"{/l}\"], \"payload\": \"{/p}\", \"encode\": \"json\", \"batch\": {\"interval\": 0}}]}";

static char said[4096];

static void
put_names(char **p, const struct eio_bytes *v, size_t n)
{
	for (size_t i = 0; i < n; i++) *p += sprintf(*p, "%s%.*s", i ? "," : "", (int)v[i].n, v[i].p);
}

/* "INDEX NAME EVENT NSP [ROOMS]-[EXCEPT] FATE PACKET;" */
static void
on_told(void *user, const struct feed_explained *e)
{
	char *p = said + strlen(said);
	struct eio_message m;

	(void)user;
	p += sprintf(p, "%u %.*s ", e->feed->index, (int)e->name.n, e->name.p);
	if (e->event.p) {
		p += sprintf(
			p, "'%.*s' %.*s [", (int)e->event.n, e->event.p, (int)e->audience.nsp.n, e->audience.nsp.p);
		put_names(&p, e->audience.rooms, e->audience.n_rooms);
		p += sprintf(p, "]-[");
		put_names(&p, e->audience.except, e->audience.n_except);
		p += sprintf(p, "] ");
	}
	if (e->depends)
		p += sprintf(p, "depends");
	else if (e->fate != FEED_FATE_TAKEN)
		p += sprintf(p, "%s %zu", feed_fate_texts[e->fate].part, e->unfulfilled);
	if (e->bundle && eio_bundle_message(e->bundle, 0, &m)) p += sprintf(p, "%.*s", (int)m.data.n, m.data.p);
	if (e->retained) p += sprintf(p, " retained");
	strcpy(p, ";");
}

static struct config *config;

static int
explain_with(const char *channel, const char *payload)
{
	struct feed_options options = {
		.published = &source_pubsub, .replicated = &source_psync, .streams = &source_streams
	};
	struct eio_bytes message = { NULL, 0 };
	struct metrics_set metrics;
	int told;

	*said = '\0';
	if (metrics_set_init(&metrics)) return -1;
	options.metrics = &metrics;
	if (payload) message = eio_cstr(payload);
	config_fill_feed(config, &options);
	told = feed_explain(&options, eio_cstr(channel), message, on_told, NULL);
	metrics_set_deinit(&metrics);
	return told;
}

static void
each_feed_is_told(void **state)
{
	static const struct {
		int line;
		const char *channel, *payload;
		int n;
		const char *said;
	} cases[] = {
		{ __LINE__, "nowhere", "1", 0, "" },
		{ __LINE__, "plain", "[1]", 1, "4 plain 'plain' / []-[] 2[\"plain\",[1]];" },
		{ __LINE__, "plain", "no", 1, "4 plain 'plain' / []-[] json 0;" },
		{ __LINE__, "plain", NULL, 1, "4 plain 'plain' / []-[] ;" },
		{ __LINE__, "t.y", "{\"a\":1,\"to\":\"x\"}", 1,
			"0 t.* 'e y' / [x]-[] 2[\"e y\",[{\"a\":1,\"to\":\"x\"}]];" },
		{ __LINE__, "t.y", "{\"a\":2}", 1, "0 t.* where 0;" },
		{ __LINE__, "t.y", "{\"a\":1,\"b\":null}", 1, "0 t.* where 1;" },
		{ __LINE__, "t.y", "{\"a\":1}", 1, "0 t.* room 0;" },
		{ __LINE__, "t.y", NULL, 1, "0 t.* depends;" },
		{ __LINE__, "t.x", "{\"l\":[\"a\",\"b\"],\"not\":\"c\"}", 2,
			"1 t.x 't.x' /n [a,b,r]-[c] 2/n,[\"t.x\",\"{\\\"l\\\":[\\\"a\\\",\\\"b\\\"],\\\"not\\\":\\\"c\\\"}\"] retained;"
			"0 t.* where 0;" },
		{ __LINE__, "s", "{\"f\":\"v\",\"g\":2}", 2,
			"2 s 'e' / []-[] 2[\"e\",\"{\\\"f\\\":\\\"v\\\",\\\"g\\\":2}\"];"
			"3 s '0-1' / []-[] 2[\"0-1\",{\"f\":\"v\",\"g\":\"2\"}];" },
		{ __LINE__, "s", "no object", 2, "2 s 'e' / []-[] 2[\"e\",\"no object\"];3 s json 0;" },
		{ __LINE__, "part", "{\"p\":[2]}", 1, "5 part 'part' / [p]-[] 2[\"part\",[2]];" },
		{ __LINE__, "part", "{}", 1, "5 part 'part' / [p]-[] payload 0;" },
	};

	(void)state;
	config = configured(text);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int n = explain_with(cases[i].channel, cases[i].payload);

		if (n != cases[i].n || strcmp(said, cases[i].said) != 0)
			fail_msg("line %d: %d, %s", cases[i].line, n, said);
	}
	config_free(config);
}

static int
explain_everything(void)
{
	int told = explain_with("part", "{\"p\":1,\"l\":[\"a\",\"b\"]}");

	if (told == 1) told = explain_with("t.y", "{\"a\":1,\"to\":\"x\"}");
	if (told == 1) told = explain_with("s", "{\"f\":\"v\"}");
	return told == 2 ? 0 : told;
}

static void
out_of_memory(void **state)
{
	(void)state;
	config = configured(text);
	failmalloc_every(explain_everything, -1, 60);
	config_free(config);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_feed_is_told),
		cmocka_unit_test(out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
