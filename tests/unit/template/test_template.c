/* SPDX-License-Identifier: MIT */
/* The language of templates: patterns, every placeholder in every place, every mistake, names, lists and JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sio/json.h"
#include "src/template/template.h"
#include "tests/unit/failmalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* Names */

static const struct template_context feed = { .place = TEMPLATE_IN_FEED, .stars = 2 };
static const struct template_context places[] = { { .place = TEMPLATE_IN_CONNECTION }, { .place = TEMPLATE_IN_EVENT },
	{ .place = TEMPLATE_IN_DISCONNECT } };

static const struct {
	int line;
	const char *text, *message, *want;
	enum template_result result;
} names[] = {
	{ __LINE__, "", "1", "", 0 },
	{ __LINE__, "plain", "1", "plain", 0 },
	{ __LINE__, "{channel}", "1", "x.y.z", 0 },
	{ __LINE__, "{2}-{1}", "1", "z-y", 0 },
	{ __LINE__, "a{{{1}}}b", "1", "a{y}b", 0 },
	{ __LINE__, "{{1}}", "1", "{1}", 0 },
	{ __LINE__, "$1 $args $$ {$}{$}", "1", "$1 $args $$ $$", 0 },
	{ __LINE__, "...{1}", "1", "...y", 0 },
	{ __LINE__, "{/s}", "{\"s\":\"q\\\"\\u00e9\"}", "q\"\xc3\xa9", 0 },
	{ __LINE__, "<{/n}>", "{\"n\":9007199254740993}", "<9007199254740993>", 0 },
	{ __LINE__, "{/b}{/a/1}", "{\"b\":true,\"a\":[0,-1.50]}", "true-1.50", 0 },
	{ __LINE__, "{/a~1b}", "{\"a/b\":false}", "false", 0 },
	{ __LINE__, "{/}", "{\"\":1}", "1", 0 },
	{ __LINE__, "{/a.b c$}", "{\"a.b c$\":1}", "1", 0 },
	{ __LINE__, "{/none}", "{\"s\":1}", NULL, TEMPLATE_MISSING },
	{ __LINE__, "{/s}", "{\"s\":null}", NULL, TEMPLATE_MISSING },
	{ __LINE__, "{/s}", "[]", NULL, TEMPLATE_MISSING },
	{ __LINE__, "{/s}", "{\"s\":{}}", NULL, TEMPLATE_NOT_TEXT },
	{ __LINE__, "{/s}", "{\"s\":[\"a\"]}", NULL, TEMPLATE_NOT_TEXT },
};

static void
test_names(void **state)
{
	struct template_captures c;
	struct template_input in = { .channel = EIO_LIT("x.y.z"), .captures = &c };
	struct template_error err;

	(void)state;
	assert_true(template_match(EIO_LIT("x.*.*"), in.channel, &c));
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct template *t = template_new(eio_cstr(names[i].text), TEMPLATE_AS_NAME, &feed, &err);
		struct eio_buf out = { 0 };
		enum template_result r;

		if (!t) fail_msg("line %d: %s", names[i].line, err.text);
		in.message = eio_cstr(names[i].message);
		assert_int_equal(sio_json_check(in.message), 0);
		r = template_render(t, &in, &out);
		if (r != names[i].result) fail_msg("line %d: %s", names[i].line, template_result_text(r));
		if (r == TEMPLATE_OK && !eio_bytes_eq(eio_buf_bytes(&out), eio_cstr(names[i].want)))
			fail_msg("line %d: %.*s", names[i].line, (int)out.n, out.p);
		assert_int_equal(template_uses_message(t), strchr(names[i].text, '/') != NULL);
		eio_buf_deinit(&out);
		template_free(t);
	}
}

/* Without a pattern there are no captures; a template that was compiled for more of them gets nothing. */
static void
test_no_captures(void **state)
{
	struct template_input in = { .channel = EIO_LIT("c") };
	struct template_error err;
	struct template *t = template_new(EIO_LIT("{2}"), TEMPLATE_AS_NAME, &feed, &err);
	struct eio_buf out = { 0 };

	(void)state;
	assert_non_null(t);
	assert_int_equal(template_render(t, &in, &out), TEMPLATE_MISSING);
	template_free(t);
}

/* Mistakes */

enum { FEED = 1, CONNECTION = 2, EVENT = 4, DISCONNECT = 8, CLIENT = CONNECTION | EVENT | DISCONNECT, ALL = 15 };

static const struct {
	const char *text;
	unsigned places; /* where it is good */
	const char *why; /* part of each message elsewhere */
} texts[] = {
	/* clang-format off */
	{ "{channel}", FEED, "{channel} stands for nothing" },
	{ "{1}", FEED | EVENT, "{1} stands for nothing" },
	{ "{3}", EVENT, "{3} stands for nothing" },
	{ "{9}", EVENT, "{9} stands for nothing" },
	{ "{1.symbol}", EVENT, "{1" },
	{ "{1/a~1b}", EVENT, "{1" },
	{ "{1.a.b/c}", EVENT, "{1" },
	{ "{1.\xc3\xa9}", EVENT, "{1" },
	{ "{/a/b}", FEED, "in a feed's message" },
	{ "{event}", EVENT, "{event} stands for nothing" },
	{ "{auth.user.id}", CLIENT, "in a feed: there are {channel}, {1} … {9}, {message}, {text} and {/json/pointer}" },
	{ "{auth/a b}", CLIENT, "in a feed" },
	{ "{claims.sub}", CLIENT, "in a feed" },
	{ "{claim.sub}", 0, "unknown placeholder {claim.sub}" },
	{ "{query.x}", CLIENT, "in a feed" },
	{ "{query/a b[]}", CLIENT, "in a feed" },
	{ "{header.X-Real-IP}", CLIENT, "in a feed" },
	{ "{cookie.connect.sid}", CLIENT, "in a feed" },
	{ "{sid}", CLIENT, "in a feed" },
	{ "{nsp}", CLIENT, "in a feed" },
	{ "{reason}", DISCONNECT, "{reason} stands for nothing" },
	{ "{$}1", ALL, NULL },
	{ "US$ 5", ALL, NULL },
	{ "$10 $name $authx $ 1 a$", ALL, NULL },
	{ "a {{1}} b", ALL, NULL },
	/* Never good. */
	{ "{args}", 0, "{args}" },
	{ "{rooms}", 0, "{rooms}" },
	{ "{auth}", 0, "{auth}" },
	{ "{query}", 0, "{query}" },
	{ "{header}", 0, "{header}" },
	{ "{cookie}", 0, "{cookie}" },
	{ "{", 0, "'{' stands alone" },
	{ "}", 0, "'}' stands alone" },
	{ "a}b", 0, "'}' stands alone" },
	{ "{1}}", 0, "" },
	{ "{{{", 0, "'{' stands alone" },
	{ "{channel", 0, "'{' stands alone" },
	{ "{}", 0, "unknown placeholder {}" },
	{ "{0}", 0, "unknown placeholder {0}" },
	{ "{10}", 0, "unknown placeholder {10}" },
	{ "{Channel}", 0, "unknown placeholder {Channel}" },
	{ "{ 1 }", 0, "unknown placeholder { 1 }" },
	{ "{\"a\":1}", 0, "\"{{\" is a brace" },
	{ "{/~2}", 0, "" },
	{ "{1/~2}", 0, "" },
	{ "{1.}", 0, "" },
	{ "{1.a b}", 0, "" },
	{ "{1.a..b}", 0, "" },
	{ "{1|x}", 0, "unknown placeholder {1|x}" },
	{ "{sid.x}", 0, "" },
	{ "{args/0}", 0, "" },
	{ "{query.}", 0, "" },
	{ "{query.a b}", 0, "" },
	{ "{query/a/b}", 0, "" },
	{ "{header/}", 0, "" },
	{ "{auth?}", 0, "cannot end with '?'" },
	{ "{auth.x?}", 0, "cannot end with '?'" },
	{ "{/x?}", 0, "cannot end with '?'" },
	{ "{query/a?}", 0, "cannot end with '?'" },
	{ "{?}", 0, "cannot end with '?'" },
	/* clang-format on */
};

static void
check_place(const char *text, bool good, const struct template_context *where, const char *why)
{
	struct template_error err = { .nomem = true };
	struct template *t = template_new(eio_cstr(text), TEMPLATE_AS_NAME, where, &err);

	if (good && !t) fail_msg("%s in place %d: %s", text, where->place, err.text);
	if (!good && t) fail_msg("%s in place %d: accepted", text, where->place);
	if (!good && (err.nomem || !strstr(err.text, why)))
		fail_msg("%s in place %d: %s", text, where->place, err.text);
	template_free(t);
}

static void
test_places(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		check_place(texts[i].text, texts[i].places & FEED, &feed, texts[i].why);
		for (unsigned p = 0; p < 3; p++)
			check_place(texts[i].text, texts[i].places & CONNECTION << p, &places[p], texts[i].why);
	}
}

/* What 0.1 called a variable is told with its new name; in feeds it always was text. */
static const struct {
	const char *text, *why;
} old[] = {
	{ "$1", "\"$1\" of siocast 0.1 is \"{1}\" now; where the text is meant write \"{$}1\"" },
	{ "a $9 b", "\"{9}\"" },
	{ "$1.symbol", "\"{1.symbol}\"" },
	{ "$1. Next", "\"{1}\"" },
	{ "$1.a-b- c", "\"{1.a-b}\"" },
	{ "...$args", "\"{args}\"" },
	{ "$auth", "\"{auth}\"" },
	{ "user.$auth.user.id.", "\"{auth.user.id}\"" },
	{ "$query.x-y", "\"{query.x-y}\"" },
	{ "$sid.x", "\"{sid}\"" },
	{ "$nsp", "\"{nsp}\"" },
	{ "$nsp-1", "\"{nsp}\"" },
	{ "$$", "\"$\" now" },
	{ "$$1", "\"$\" now" },
};

static void
test_old_variables(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof old / sizeof old[0]; i++) {
		check_place(old[i].text, true, &feed, "");
		for (unsigned p = 0; p < 3; p++) check_place(old[i].text, false, &places[p], old[i].why);
	}
}

/* A mistake quotes long names only in part, and never overruns its place. */
static void
test_long_mistake(void **state)
{
	struct template_error err;
	char text[2000];

	(void)state;
	memset(text, 'x', sizeof text);
	text[0] = '{';
	text[sizeof text - 1] = '}';
	assert_null(template_new(eio_bytes(text, sizeof text), TEMPLATE_AS_NAME, &places[1], &err));
	assert_non_null(strstr(err.text, "\"{{\" is a brace"));
}

/* JSON and several names, of values that are found by a function */

/* {1} is found as `value`, {2} as "two", {args} as elements; all else is text. */
static struct template_value
find(void *ctx, const struct template_placeholder *p)
{
	const struct template_value *value = ctx;

	switch (p->what) {
	case TEMPLATE_ARGUMENT:
		if (p->number == 0) return *value;
		return (struct template_value){ TEMPLATE_RAW, EIO_LIT("\"two\""), false };
	case TEMPLATE_ARGUMENTS: return (struct template_value){ TEMPLATE_ELEMENTS, value->bytes, value->apart };
	case TEMPLATE_QUERY: return (struct template_value){ TEMPLATE_PLAIN, p->name, false };
	default: return (struct template_value){ TEMPLATE_PLAIN, EIO_LIT("a\"b"), false };
	}
}

static const struct {
	int line;
	const char *text, *value; /* NULL: there is none */
	const char *want;
} jsons[] = {
	{ __LINE__, "{1}", "12345678901234567890", "12345678901234567890" },
	{ __LINE__, "{1}", "\"\\u0061\\/\\ud800\"", "\"\\u0061\\/\\ud800\"" },
	{ __LINE__, "{1}", "{\"a\": 1,\"a\":2}", "{\"a\": 1,\"a\":2}" },
	{ __LINE__, "{1}", NULL, "null" },
	{ __LINE__, "{1.a}", "{\"a\":1,\"a\":[2]}", "[2]" },
	{ __LINE__, "{1.a}", "[]", "null" },
	{ __LINE__, "{sid}", "0", "\"a\\\"b\"" },
	{ __LINE__, "{query.x}{query/a~1b}", "0", "\"xa/b\"" },
	{ __LINE__, "<{1}>", "\"\\u0061\\\"\"", "\"<\\u0061\\\">\"" },
	{ __LINE__, "<{1}>", "[1,\"x\"]", "\"<[1,\\\"x\\\"]>\"" },
	{ __LINE__, "<{1}{2}>", "null", "\"<two>\"" },
	{ __LINE__, "<{1}>", NULL, "\"<>\"" },
	{ __LINE__, "<{1}>", "-1.50", "\"<-1.50>\"" },
	{ __LINE__, "{args}", "1 , \"x\"", "[1 , \"x\"]" },
	{ __LINE__, "{args}", "", "[]" },
	{ __LINE__, "<{args}>", "1,\"x\"", "\"<[1,\\\"x\\\"]>\"" },
	{ __LINE__, "{$}", "0", "\"$\"" },
	{ __LINE__, "{{{1}}}\n\"", "0", "\"{0}\\n\\\"\"" },
	{ __LINE__, "", "0", "\"\"" },
};

static void
test_json(void **state)
{
	struct template_error err;

	(void)state;
	for (size_t i = 0; i < sizeof jsons / sizeof jsons[0]; i++) {
		struct template_value value = { jsons[i].value ? TEMPLATE_RAW : TEMPLATE_NOTHING,
			eio_cstr(jsons[i].value ? jsons[i].value : ""), false };
		struct template_input in = { .find = find, .ctx = &value };
		struct template_json out = { .n_spans = 0 };
		struct template *t = template_new_json();

		assert_non_null(t);
		if (template_add_string(t, eio_cstr(jsons[i].text), &places[1], &err) < 0)
			fail_msg("line %d: %s", jsons[i].line, err.text);
		assert_int_equal(template_render_json(t, &in, &out), TEMPLATE_OK);
		if (!eio_bytes_eq(eio_buf_bytes(&out.text), eio_cstr(jsons[i].want)))
			fail_msg("line %d: %.*s", jsons[i].line, (int)out.text.n, out.text.p);
		assert_int_equal(sio_json_check(eio_buf_bytes(&out.text)), 0);
		eio_buf_deinit(&out.text);
		template_free(t);
	}
}

/* ["x", "...{args}", {1}, "...{args}"], compiled from its pieces. */
static struct template *
make_list(struct template_error *err)
{
	const struct template_context *at = &places[1];
	struct template *t = template_new_json();

	if (!t) {
		err->nomem = true;
		return NULL;
	}
	if (template_add_text(t, EIO_LIT("["), err) == 0 && template_add_spread(t, at, err) == 0 &&
		template_add_separator(t, err) == 0 && template_add_string(t, EIO_LIT("[{2}"), at, err) == 0 &&
		template_add_separator(t, err) == 0 && template_add_text(t, EIO_LIT("{"), err) == 0 &&
		template_add_key(t, EIO_LIT("{1}\""), err) == 0 && template_add_text(t, EIO_LIT(":"), err) == 0 &&
		template_add_string(t, EIO_LIT("{1}"), at, err) == 0 && template_add_text(t, EIO_LIT("}"), err) == 0 &&
		template_add_spread(t, at, err) == 0 && template_add_text(t, EIO_LIT("]"), err) == 0)
		return t;
	template_free(t);
	return NULL;
}

static void
expect_list(struct template_value value, const char *want, const char *spans)
{
	struct template_input in = { .find = find, .ctx = &value };
	struct template_span room[16];
	struct template_json out = { .spans = room };
	struct template_error err;
	struct template *t = make_list(&err);
	char told[100] = "";

	assert_non_null(t);
	assert_true(template_max_spans(t) <= 16);
	assert_int_equal(template_render_json(t, &in, &out), TEMPLATE_OK);
	eio_buf_addc(&out.text, 0);
	assert_string_equal(out.text.p, want);
	for (size_t i = 0; i < out.n_spans; i++)
		sprintf(told + strlen(told), "%zu:%.*s ", room[i].at, (int)room[i].json.n, room[i].json.p);
	assert_string_equal(told, spans);
	eio_buf_deinit(&out.text);
	template_free(t);
}

static void
test_list(void **state)
{
	(void)state;
	assert_true(template_is_spread(EIO_LIT("...{args}")));
	assert_false(template_is_spread(EIO_LIT("...{args}.")));
	expect_list((struct template_value){ TEMPLATE_RAW, EIO_LIT("7"), false }, "[7,\"[two\",{\"{1}\\\"\":7},7]", "");
	expect_list(
		(struct template_value){ TEMPLATE_NOTHING, EIO_LIT(""), false }, "[\"[two\",{\"{1}\\\"\":null}]", "");
	/* What is not to be copied is told with its place. */
	expect_list((struct template_value){ TEMPLATE_RAW, EIO_LIT("7"), true }, "[,\"[two\",{\"{1}\\\"\":},]",
		"1:7 18:7 20:7 ");
}

/* [{1.a?}, "x", {2?}, {1.b?}] with what there is of it. */
static void
expect_optional(const char *value, bool apart, const char *want, size_t n_spans)
{
	static const char *const elements[] = { "{1.a?}", NULL, "{2?}", "{1.b?}" };
	const struct template_context *at = &places[1];
	struct template *t = template_new_json();
	struct template_error err;
	struct template_value v = { value ? TEMPLATE_RAW : TEMPLATE_NOTHING, eio_cstr(value ? value : ""), apart };
	struct template_input in = { .find = find, .ctx = &v };
	struct template_span room[16];
	struct template_json out = { .spans = room };

	assert_int_equal(template_add_text(t, EIO_LIT("["), &err), 0);
	for (size_t i = 0; i < 4; i++) {
		if (elements[i]) {
			assert_true(template_is_optional(eio_cstr(elements[i])));
			assert_int_equal(template_add_optional(t, eio_cstr(elements[i]), at, &err), 0);
		} else {
			assert_int_equal(template_add_separator(t, &err), 0);
			assert_int_equal(template_add_string(t, EIO_LIT("x"), at, &err), 0);
		}
	}
	assert_int_equal(template_add_text(t, EIO_LIT("]"), &err), 0);
	assert_int_equal(template_render_json(t, &in, &out), TEMPLATE_OK);
	eio_buf_addc(&out.text, 0);
	assert_string_equal(out.text.p, want);
	assert_int_equal(out.n_spans, n_spans);
	eio_buf_deinit(&out.text);
	template_free(t);
}

static void
test_optional(void **state)
{
	(void)state;
	assert_false(template_is_optional(EIO_LIT("{1}")));
	assert_false(template_is_optional(EIO_LIT("{1}?")));
	assert_false(template_is_optional(EIO_LIT("x{1?}")));
	assert_false(template_is_optional(EIO_LIT("{{1?}}")));
	expect_optional(NULL, false, "[\"x\",\"two\"]", 0);
	expect_optional("{\"a\":1}", false, "[1,\"x\",\"two\"]", 0);
	expect_optional("{\"b\":[]}", false, "[\"x\",\"two\",[]]", 0);
	/* null is there, and so is nothing at all in a string. */
	expect_optional("{\"a\":null,\"b\":\"\"}", false, "[null,\"x\",\"two\",\"\"]", 0);
	expect_optional("{\"a\":7,\"b\":8}", true, "[,\"x\",\"two\",]", 2);
}

static void
each(void *ctx, struct eio_bytes name)
{
	struct eio_buf *told = ctx;

	eio_buf_add(told, name);
	eio_buf_addc(told, '|');
}

static const struct {
	int line;
	const char *text, *value, *want;
	enum template_result result;
} several[] = {
	{ __LINE__, "sym.{1}", "[\"A\",\"B\"]", "sym.A|sym.B|", 0 },
	{ __LINE__, "{1}", "[\"A\"]", "A|", 0 },
	{ __LINE__, "{1}", "\"A\"", "A|", 0 },
	{ __LINE__, "{1}.{2}.{sid}", "[1,true]", "1.two.a\"b|true.two.a\"b|", 0 },
	{ __LINE__, "{2}/{1.a}", "{\"a\":[\"x\",\"\"]}", "two/x|two/|", 0 },
	{ __LINE__, "<{args}>", "\"A\", \"B\"", "<A>|<B>|", 0 },
	{ __LINE__, "...{args}", "\"A\",\"B\"", "A|B|", 0 },
	{ __LINE__, "<{1}>", "[]", "", 0 },
	{ __LINE__, "<{args}>", "", "", 0 },
	{ __LINE__, "plain", "1", "plain|", 0 },
	{ __LINE__, "<{1}>", "[\"A\",null,{},\"B\"]", "<A>|<B>|", TEMPLATE_MISSING },
	{ __LINE__, "<{1}>", "[[\"A\"],null,\"B\"]", "<B>|", TEMPLATE_NOT_TEXT },
	{ __LINE__, "{1}", "{}", "", TEMPLATE_NOT_TEXT },
	{ __LINE__, "{1}", "null", "", TEMPLATE_MISSING },
	{ __LINE__, "{1}{1}", "[]", "", TEMPLATE_TWO_LISTS },
	{ __LINE__, "{1}{1.0}", "[[]]", "", TEMPLATE_TWO_LISTS },
	{ __LINE__, "{1}{1.0}", "[\"A\"]", "AA|", 0 },
};

static void
test_several_names(void **state)
{
	struct template_error err;

	(void)state;
	for (size_t i = 0; i < sizeof several / sizeof several[0]; i++) {
		struct template_value value = { TEMPLATE_RAW, eio_cstr(several[i].value), false };
		struct template_input in = { .find = find, .ctx = &value };
		struct template *t = template_new(eio_cstr(several[i].text), TEMPLATE_AS_NAMES, &places[1], &err);
		struct template_names n = { .name = { 0 } };
		struct eio_buf told = { 0 };
		enum template_result r;

		if (!t) fail_msg("line %d: %s", several[i].line, err.text);
		r = template_render_names(t, &in, &n, each, &told);
		if (r != several[i].result) fail_msg("line %d: %s", several[i].line, template_result_text(r));
		if (!eio_bytes_eq(eio_buf_bytes(&told), eio_cstr(several[i].want)))
			fail_msg("line %d: %.*s", several[i].line, (int)told.n, told.p);
		eio_buf_deinit(&told);
		template_names_deinit(&n);
		template_free(t);
	}
}

static void
test_placeholders(void **state)
{
	struct template_placeholder p;
	struct template_error err;
	struct template *t = template_new(
		EIO_LIT("a{header.X-A}{3}{cookie/b~1~0}{auth.x}"), TEMPLATE_AS_NAME, &places[1], &err);
	size_t i = 0;

	(void)state;
	assert_non_null(t);
	assert_true(template_next_placeholder(t, &i, &p));
	assert_int_equal(p.what, TEMPLATE_HEADER);
	assert_true(eio_bytes_eq(p.name, EIO_LIT("x-a")));
	assert_true(template_next_placeholder(t, &i, &p));
	assert_int_equal(p.what, TEMPLATE_ARGUMENT);
	assert_int_equal(p.number, 2);
	assert_true(template_next_placeholder(t, &i, &p));
	assert_true(eio_bytes_eq(p.name, EIO_LIT("b/~")));
	assert_true(template_next_placeholder(t, &i, &p));
	assert_int_equal(p.name.n, 0);
	assert_false(template_next_placeholder(t, &i, &p));
	template_free(t);
}

/* Without memory */

static int
compiling(void)
{
	struct template_error err = { 0 };
	struct template *t = template_new(
		EIO_LIT("a{1}b{header.X}c{cookie/y}d{auth.x.y}e{2}f{sid}{{g"), TEMPLATE_AS_NAMES, &places[1], &err);

	template_free(t);
	if (!t) return err.nomem ? -1 : 1;
	t = make_list(&err);
	template_free(t);
	return t ? 0 : err.nomem ? -1 : 1;
}

static struct template *running_names, *running_json;

static void
ignore(void *ctx, struct eio_bytes name)
{
	(void)ctx;
	(void)name;
}

static int
rendering(void)
{
	struct template_value value = { TEMPLATE_RAW, EIO_LIT("[\"A\",\"B\"]"), false };
	struct template_input in = { .find = find, .ctx = &value };
	struct template_names n = { .name = { 0 } };
	struct template_json json = { .n_spans = 0 };
	enum template_result r = template_render_names(running_names, &in, &n, ignore, NULL);

	template_names_deinit(&n);
	if (r == TEMPLATE_OK) r = template_render_json(running_json, &in, &json);
	eio_buf_deinit(&json.text);
	return r == TEMPLATE_NOMEM ? -1 : r == TEMPLATE_OK ? 0 : 1;
}

/* A value that could not be made ends the rendering in each of its forms. */
static void
test_failed_value(void **state)
{
	static const char *const forms[] = { "{1}", "<{1}>" };
	struct template_value value = { .type = TEMPLATE_FAILED };
	struct template_input in = { .find = find, .ctx = &value };
	struct template_names n = { .name = { 0 } };
	struct template_error err;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct template_json json = { .n_spans = 0 };
		struct template *t = template_new_json();

		assert_non_null(t);
		assert_int_equal(template_add_string(t, eio_cstr(forms[i]), &places[1], &err), 0);
		assert_int_equal(template_render_json(t, &in, &json), TEMPLATE_NOMEM);
		eio_buf_deinit(&json.text);
		template_free(t);
		t = template_new(eio_cstr(forms[i]), TEMPLATE_AS_NAMES, &places[1], &err);
		assert_non_null(t);
		assert_int_equal(template_render_names(t, &in, &n, ignore, NULL), TEMPLATE_NOMEM);
		template_free(t);
	}
	template_names_deinit(&n);
}

static void
test_no_memory(void **state)
{
	struct template_error err;

	(void)state;
	failmalloc_every(compiling, -1, 8);
	running_json = make_list(&err);
	running_names = template_new(EIO_LIT("name.{1}.{sid}"), TEMPLATE_AS_NAMES, &places[1], &err);
	assert_true(running_json && running_names);
	failmalloc_every(rendering, -1, 4);
	template_free(running_json);
	template_free(running_names);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_match),
		cmocka_unit_test(matching_is_not_exponential),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_no_captures),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_old_variables),
		cmocka_unit_test(test_long_mistake),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_optional),
		cmocka_unit_test(test_several_names),
		cmocka_unit_test(test_placeholders),
		cmocka_unit_test(test_failed_value),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
