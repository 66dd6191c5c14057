/* SPDX-License-Identifier: MIT */
/* The body of POST /publish. */
#include "src/admin/publication.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "src/feed/posting.h"
#include "src/feed/targets.h"
#include "tests/unit/failmalloc.h"

static void
show_names(struct eio_bytes packed, struct eio_buf *out)
{
	struct eio_bytes name;

	for (bool first = true; feed_names_next(&packed, &name); first = false)
		eio_buf_printf(out, "%s%.*s", first ? "" : ",", (int)name.n, name.p);
}

/* What a body says, each item as "channel|message" or "nsp|rooms-except|event|args", in lines. */
static void
show(const struct feed_posting *p, struct eio_buf *out)
{
	struct feed_posted i;

	for (size_t at = 0; feed_posting_next(p, &at, &i);) {
		if (i.is_event) {
			eio_buf_printf(out, "%.*s|%s", (int)i.nsp.n, i.nsp.p, i.everyone ? "*" : "");
			show_names(i.rooms, out);
			if (i.except.n) eio_buf_addc(out, '-');
			show_names(i.except, out);
			eio_buf_addc(out, '|');
		}
		eio_buf_printf(out, "%.*s|", (int)i.name.n, i.name.p);
		eio_buf_add(out, i.payload);
		eio_buf_addc(out, '\n');
	}
}

static void
test_good(void **state)
{
	static const struct {
		const char *body, *says;
	} cases[] = {
		{ "{\"channel\":\"news\",\"message\":{\"a\": 1.50}}", "news|{\"a\": 1.50}\n" },
		{ "{\"message\":\"a \\\"text\\\"\\u0041\",\"channel\":\"n\\u00e9\"}", "n\303\251|a \"text\"A\n" },
		{ "{\"channel\":\"news\",\"message\":null}", "news|null\n" },
		{ "{\"channel\":\"\",\"message\":\"\"}", "|\n" },
		{ "{\"channel\":\"big\",\"message\":12345678901234567890}", "big|12345678901234567890\n" },
		{ "{\"event\":\"e\"}", "/|*|e|[]\n" },
		{ "{\"event\":\"e\",\"args\":[1, \"x\"],\"namespace\":\"/a\",\"room\":\"r\"}", "/a|r|e|[1, \"x\"]\n" },
		{ "{\"event\":\"e\",\"room\":[\"a\",\"\\u00e9\",\"a\"]}", "/|a,\303\251,a|e|[]\n" },
		{ "{\"event\":\"e\",\"room\":\"a\",\"except\":\"sid\"}", "/|a-sid|e|[]\n" },
		{ "{\"event\":\"e\",\"except\":[ \"x\" , \"y\" ]}", "/|*-x,y|e|[]\n" },
		{ "{\"event\":\"e\",\"room\":[],\"except\":[]}", "/||e|[]\n" }, /* nobody */
		{ "{\"event\":\"\",\"args\":[]}", "/|*||[]\n" },
		{ " [ {\"event\":\"e\"} , {\"channel\":\"c\",\"message\":[]} ] ", "/|*|e|[]\nc|[]\n" },
		{ "[]", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct admin_publication_error err;
		struct feed_posting *p = admin_publication_read(eio_cstr(cases[i].body), &err);
		struct eio_buf out;

		if (!p) fail_msg("case %zu: %s", i, err.text);
		eio_buf_init(&out);
		show(p, &out);
		eio_buf_addc(&out, '\0');
		assert_string_equal(out.p, cases[i].says);
		eio_buf_deinit(&out);
		feed_posting_free(p);
	}
}

static void
test_mistakes(void **state)
{
	static const struct {
		const char *body, *text;
		int at; /* -1: not in a list */
	} cases[] = {
		{ "", "the body is not one JSON value", -1 },
		{ "{\"event\":\"e\"} x", "the body is not one JSON value", -1 },
		{ "{\"event\":\"\xff\"}", "the body is not one JSON value", -1 },
		{ "1", "expected an object", -1 },
		{ "[[]]", "expected an object", 0 },
		{ "{}", "\"channel\" or \"event\" is missing", -1 },
		{ "{\"channel\":\"c\"}", "\"message\" is missing", -1 },
		{ "{\"channel\":1,\"message\":1}", "\"channel\" must be a string", -1 },
		{ "{\"channel\":\"c\",\"message\":1,\"event\":\"e\"}",
			"an object has either \"channel\" and \"message\" or \"event\"", -1 },
		{ "{\"channel\":\"c\",\"message\":1,\"room\":\"r\"}",
			"an object has either \"channel\" and \"message\" or \"event\"", -1 },
		{ "{\"event\":\"e\",\"message\":1}", "\"message\" belongs to a channel; an event has \"args\"", -1 },
		{ "{\"event\":null}", "\"event\" must be a string", -1 },
		{ "{\"event\":\"connect\"}", "\"event\" is a reserved name, clients would refuse it", -1 },
		{ "{\"event\":\"disco\\u006enect\"}", "\"event\" is a reserved name, clients would refuse it", -1 },
		{ "{\"event\":\"e\",\"args\":{}}", "\"args\" must be a list", -1 },
		{ "{\"event\":\"e\",\"room\":\"\"}", "the name of a room is empty", -1 },
		{ "{\"event\":\"e\",\"room\":[\"a\",\"\"]}", "the name of a room is empty", -1 },
		{ "{\"event\":\"e\",\"except\":[\"\"]}", "the name of a room is empty", -1 },
		{ "{\"event\":\"e\",\"room\":[\"a\",1]}", "\"room\" and \"except\" must be strings or lists of strings",
			-1 },
		{ "{\"event\":\"e\",\"room\":null}", "\"room\" and \"except\" must be strings or lists of strings",
			-1 },
		{ "{\"event\":\"e\",\"except\":{}}", "\"room\" and \"except\" must be strings or lists of strings",
			-1 },
		{ "{\"event\":\"e\",\"room\":[[\"a\"]]}", "\"room\" and \"except\" must be strings or lists of strings",
			-1 },
		{ "{\"channel\":\"c\",\"message\":1,\"except\":\"r\"}",
			"an object has either \"channel\" and \"message\" or \"event\"", -1 },
		{ "{\"event\":\"e\",\"namespace\":\"a\"}", "\"namespace\" must begin with a slash", -1 },
		{ "{\"event\":\"e\",\"namespace\":\"\"}", "\"namespace\" must begin with a slash", -1 },
		{ "{\"event\":\"e\",\"namespace\":0}", "\"namespace\" must be a string", -1 },
		{ "{\"event\":\"e\",\"event\":\"f\"}", "a member stands twice", -1 },
		{ "{\"event\":\"e\",\"rooms\":\"f\"}",
			"unknown member; there are channel, message, namespace, room, except, event and args", -1 },
		{ "[{\"event\":\"e\"},{\"event\":\"e\"},{\"event\":\"error\",\"args\":1}]", "\"args\" must be a list",
			2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct admin_publication_error err;

		if (admin_publication_read(eio_cstr(cases[i].body), &err)) fail_msg("case %zu was taken", i);
		assert_false(err.nomem);
		assert_string_equal(err.text, cases[i].text);
		assert_int_equal(err.in_list, cases[i].at >= 0);
		if (err.in_list) assert_int_equal(err.at, cases[i].at);
	}
}

static void
test_too_many(void **state)
{
	struct admin_publication_error err;
	struct feed_posting *p;
	struct eio_buf body;

	(void)state;
	eio_buf_init(&body);
	eio_buf_addc(&body, '[');
	for (int i = 0; i < ADMIN_PUBLICATION_MAX; i++) eio_buf_printf(&body, "%s{\"event\":\"e\"}", i ? "," : "");
	eio_buf_addc(&body, ']');
	p = admin_publication_read(eio_buf_bytes(&body), &err);
	assert_non_null(p);
	assert_int_equal(p->n, ADMIN_PUBLICATION_MAX);
	feed_posting_free(p);
	body.p[body.n - 1] = ',';
	eio_buf_printf(&body, "{\"event\":\"e\"}]");
	assert_null(admin_publication_read(eio_buf_bytes(&body), &err));
	assert_string_equal(err.text, "the list is too long; 10000 is the most");
	eio_buf_deinit(&body);
}

static void
test_too_many_rooms(void **state)
{
	static const char *const keys[] = { "room", "except" };

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct admin_publication_error err;
		struct feed_posting *p;
		struct eio_buf body;

		eio_buf_init(&body);
		eio_buf_printf(&body, "{\"event\":\"e\",\"%s\":[", keys[i % 2]);
		for (int k = 0; k < FEED_MAX_ROOMS + (i > 1); k++) eio_buf_printf(&body, "%s\"r%d\"", k ? "," : "", k);
		eio_buf_printf(&body, "]}");
		p = admin_publication_read(eio_buf_bytes(&body), &err);
		assert_int_equal(p != NULL, i < 2);
		if (!p) assert_string_equal(err.text, "too many rooms; 1000 are the most");
		feed_posting_free(p);
		eio_buf_deinit(&body);
	}
}

/* Without memory nothing is taken, and the body is not to blame. */
static int
read_some(void)
{
	struct admin_publication_error err;
	struct feed_posting *p = admin_publication_read(
		EIO_LIT("[{\"channel\":\"c\",\"message\":\"m\"},{\"event\":\"e\",\"room\":[\"r\",\"s\"],\"except\":\"x\",\"args\":[1]}]"),
		&err);

	if (!p) {
		assert_true(err.nomem);
		return -1;
	}
	feed_posting_free(p);
	return 0;
}

static void
test_nomem(void **state)
{
	(void)state;
	failmalloc_every(read_some, -1, 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_too_many_rooms),
		cmocka_unit_test(test_nomem),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
