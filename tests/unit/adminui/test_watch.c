/* SPDX-License-Identifier: MIT */
/*
 * What workers tell, on its way to the pages, and what these order. Linked with --wrap=feed_send, feed_order and
 * feed_survey, which write down what they are asked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/adminui/orders.h"
#include "src/adminui/watch.h"
#include "src/base/log.h"
#include "src/feed/sending.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The feed's part */

static char asked[2048]; /* a line for each call */
static unsigned workers; /* that will answer a survey */
static struct feed_survey surveyed; /* the last one */

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void
note(const char *format, ...)
{
	size_t n = strlen(asked);
	va_list ap;

	va_start(ap, format);
	vsnprintf(asked + n, sizeof asked - n, format, ap);
	va_end(ap);
}

static void
note_rooms(const struct eio_bytes *rooms, size_t n)
{
	for (size_t i = 0; i < n; i++) note(" %.*s", (int)rooms[i].n, rooms[i].p);
}

unsigned __wrap_feed_send(struct feed *f, const struct feed_posted *event);
unsigned __wrap_feed_order(
	struct feed *f, enum feed_move_kind kind, const struct audience *who, const struct audience *rooms);
unsigned __wrap_feed_survey(struct feed *f, enum feed_move_kind kind, const struct audience *who,
	const struct feed_survey *like, const struct feed_posted *event);

unsigned
__wrap_feed_send(struct feed *f, const struct feed_posted *event)
{
	struct eio_bytes rooms[4];

	(void)f;
	assert_true(event->is_event && !event->name.p);
	note("send %.*s %.*s", (int)event->nsp.n, event->nsp.p, (int)event->payload.n, event->payload.p);
	if (event->everyone)
		note(" all");
	else
		note_rooms(rooms, feed_names_list(event->rooms, rooms));
	note("\n");
	return 0;
}

unsigned
__wrap_feed_order(struct feed *f, enum feed_move_kind kind, const struct audience *who, const struct audience *rooms)
{
	(void)f;
	note("order %d %.*s for", (int)kind, (int)who->nsp.n, who->nsp.p);
	note_rooms(who->rooms, who->n_rooms);
	if (rooms) note(" rooms");
	if (rooms) note_rooms(rooms->rooms, rooms->n_rooms);
	note("\n");
	return 0;
}

unsigned
__wrap_feed_survey(struct feed *f, enum feed_move_kind kind, const struct audience *who, const struct feed_survey *like,
	const struct feed_posted *event)
{
	(void)f;
	(void)who;
	assert_null(event);
	assert_int_equal(kind, FEED_MOVE_EVERYBODY);
	surveyed = *like;
	note("survey\n");
	return workers;
}

static void
expect_asked(const char *text)
{
	assert_string_equal(asked, text);
	*asked = '\0';
}

/* Telling */

struct telling {
	uv_loop_t loop;
	struct mailbox mailbox;
	struct adminui_watch watch;
};

static void
open_telling(struct telling *t)
{
	*t = (struct telling){ .watch = { .line = { .nsp = "/ui", .watches = true, .orders = true } } };
	*asked = '\0';
	assert_int_equal(uv_loop_init(&t->loop), 0);
	assert_int_equal(mailbox_open(&t->mailbox, &t->loop), 0);
	adminui_watch_init(&t->watch, NULL, &t->mailbox);
}

static void
run_telling(struct telling *t)
{
	for (int i = 0; i < 3; i++) uv_run(&t->loop, UV_RUN_NOWAIT);
}

static void
close_telling(struct telling *t)
{
	adminui_watch_close(&t->watch);
	mailbox_close(&t->mailbox);
	uv_run(&t->loop, UV_RUN_DEFAULT);
	adminui_watch_deinit(&t->watch);
	assert_int_equal(atomic_load(&t->watch.line.bytes), 0);
	assert_int_equal(uv_loop_close(&t->loop), 0);
}

/* As src/clients/ui.c puts an item down. */
static void
add_told(struct ui_told *told, enum ui_item kind, const char *text)
{
	struct {
		enum ui_item kind;
		size_t n;
	} head;

	memset(&head, 0, sizeof head);
	head.kind = kind;
	head.n = strlen(text);
	eio_buf_append(&told->items, (const char *)&head, sizeof head);
	eio_buf_add(&told->items, eio_cstr(text));
}

static struct ui_told *
told_new(void)
{
	struct ui_told *told = calloc(1, sizeof *told);

	assert_non_null(told);
	return told;
}

static void
post_told(struct telling *t, struct ui_told *told)
{
	told->cost = 100;
	atomic_fetch_add(&t->watch.line.bytes, told->cost);
	mail_post(&t->watch.line.told, &told->mail);
}

static void
answer(uint64_t survey, size_t n, const char *json)
{
	struct feed_answer *a = feed_answer_new(survey);

	assert_non_null(a);
	a->n = n;
	eio_buf_add(&a->json, eio_cstr(json));
	mail_post(surveyed.answers, &a->mail);
}

/* What is told while a list is made comes behind it. */
static void
lists(void **state)
{
	struct ui_told *one, *two;
	struct telling t;

	(void)state;
	open_telling(&t);
	workers = 3;
	one = told_new();
	add_told(one, UI_ITEM_EVENT, "[\"a\"]");
	add_told(one, UI_ITEM_CAME, "id1");
	add_told(one, UI_ITEM_EVENT, "[\"b\"]");
	post_told(&t, one);
	two = told_new();
	add_told(two, UI_ITEM_EVENT, "[\"c\"]");
	post_told(&t, two);
	run_telling(&t);
	expect_asked("send /ui [\"a\"] all\nsurvey\n");
	answer(surveyed.number, 2, "{\"id\":1},{\"id\":2}");
	answer(surveyed.number + 1, 1, "{\"of another\":0}");
	answer(surveyed.number, 0, "");
	run_telling(&t);
	expect_asked("");
	answer(surveyed.number, 1, "{\"id\":3}");
	run_telling(&t);
	expect_asked("send /ui [\"all_sockets\",[{\"id\":1},{\"id\":2},{\"id\":3}]] id1\n"
		     "send /ui [\"b\"] all\nsend /ui [\"c\"] all\n");
	assert_int_equal(atomic_load(&t.watch.line.bytes), 0);
	close_telling(&t);
}

/* Nobody may answer; and the end may come in the middle. */
static void
lists_in_vain(void **state)
{
	struct ui_told *one;
	struct telling t;

	(void)state;
	open_telling(&t);
	workers = 0;
	one = told_new();
	add_told(one, UI_ITEM_CAME, "id1");
	add_told(one, UI_ITEM_CAME, "id2");
	post_told(&t, one);
	run_telling(&t);
	expect_asked("survey\nsend /ui [\"all_sockets\",[]] id1\nsurvey\nsend /ui [\"all_sockets\",[]] id2\n");
	workers = 1;
	one = told_new();
	add_told(one, UI_ITEM_CAME, "id3");
	add_told(one, UI_ITEM_EVENT, "[\"b\"]");
	post_told(&t, one);
	run_telling(&t);
	expect_asked("survey\n");
	post_told(&t, told_new());
	run_telling(&t);
	adminui_watch_close(&t.watch);
	answer(surveyed.number, 1, "{}");
	one = told_new();
	add_told(one, UI_ITEM_EVENT, "[\"c\"]");
	post_told(&t, one);
	run_telling(&t);
	expect_asked("");
	close_telling(&t);
}

/* Orders */

static void
orders(void **state)
{
	static const struct {
		int line;
		const char *json, *asked;
	} v[] = {
		{ __LINE__, "[\"join\",\"/a\",\"r\",\"s\"]", "order 0 /a for s rooms r\n" },
		{ __LINE__, "[\"join\",\"/a\",\"r\"]", "order 0 /a for rooms r\n" },
		{ __LINE__, "[\"join\",\"/\",\"r\",null]", "order 0 / for rooms r\n" },
		{ __LINE__, "[\"leave\",\"/\",\"\\u00e9\",\"\"]", "order 1 / for rooms \xc3\xa9\n" },
		{ __LINE__, "[\"_disconnect\",\"/\",false,\"s\"]", "order 2 / for s\n" },
		{ __LINE__, "[\"_disconnect\",\"/\",true,\"s\"]", "order 3 / for s\n" },
		{ __LINE__, "[\"_disconnect\",\"/\"]", "order 2 / for\n" },
		{ __LINE__, "[\"emit\",\"/\",\"r\",\"e\"]", "send / [\"e\"] r\n" },
		{ __LINE__, " [ \"emit\" , \"/\",null, \"e\" , [1, 2] ,{\"a\":\"]\"} ] ",
			"send / [\"e\" , [1, 2] ,{\"a\":\"]\"} ] all\n" },
		{ __LINE__, "[\"join\",\"/a\"]", "" },
		{ __LINE__, "[\"join\",\"/a\",7]", "" },
		{ __LINE__, "[\"join\",\"/a\",\"r\",7]", "" },
		{ __LINE__, "[\"join\",\"a\",\"r\"]", "" },
		{ __LINE__, "[\"join\",\"\",\"r\"]", "" },
		{ __LINE__, "[\"join\",7,\"r\"]", "" },
		{ __LINE__, "[\"_disconnect\",\"/\",true,[]]", "" },
		{ __LINE__, "[\"emit\",\"/\",null]", "" },
		{ __LINE__, "[\"emit\",\"/\",null,7]", "" },
		{ __LINE__, "[\"emit\",\"/\",{},\"e\"]", "" },
		{ __LINE__, "[\"else\",\"/\",\"r\"]", "" },
		{ __LINE__, "[\"join\"]", "" },
		{ __LINE__, "[]", "" },
	};
	struct ui_told *told;
	struct telling t;

	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	*asked = '\0';
	for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
		adminui_order(NULL, eio_cstr(v[i].json));
		if (strcmp(asked, v[i].asked) != 0) fail_msg("line %d: %s", v[i].line, asked);
		*asked = '\0';
	}
	open_telling(&t);
	told = told_new();
	add_told(told, UI_ITEM_ORDER, v[0].json);
	post_told(&t, told);
	run_telling(&t);
	expect_asked(v[0].asked);
	close_telling(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists),
		cmocka_unit_test(lists_in_vain),
		cmocka_unit_test(orders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
