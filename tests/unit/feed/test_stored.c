/* SPDX-License-Identifier: MIT */
/* Sessions as they stand in Redis, the names that lead to them, and the tokens that say whose they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/feed/local.h"
#include "src/feed/signed.h"
#include "src/feed/stored.h"
#include "tests/unit/dice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What @msgpack/msgpack makes of {siocast: "AAAAAAAAAAAAAAAAAAAA", sid: "s", pid: "p", rooms: ["a", "b"], data: {}, at: [1, "/",
 * "5", "0", "x", "", "y", ["", "z"]]}. */
static const char vector[] =
	"hqdzaW9jYXN0tEFBQUFBQUFBQUFBQUFBQUFBQUFBo3NpZKFzo3BpZKFwpXJvb21zkqFhoWKkZGF0YYCiYXSYAaEvoTWh"
	"MKF4oKF5kqCheg==";

static void
as_node_has_it(void **state)
{
	struct stored_room rooms[2] = { { EIO_LIT("a"), EIO_LIT("") }, { EIO_LIT("b"), EIO_LIT("z") } };
	const struct stored_session s = { .token = EIO_LIT("AAAAAAAAAAAAAAAAAAAA"),
		.sid = EIO_LIT("s"),
		.pid = EIO_LIT("p"),
		.nsp = EIO_LIT("/"),
		.shape = 5,
		.begun = EIO_LIT("x"),
		.must = EIO_LIT(""),
		.joined = EIO_LIT("y"),
		.n_rooms = 2,
		.rooms = rooms };
	struct eio_buf text = { 0 }, token = { 0 }, taken = { 0 };

	(void)state;
	stored_write(&s, &text);
	assert_false(eio_buf_failed(&text));
	assert_int_equal(text.n, strlen(vector));
	assert_memory_equal(text.p, vector, text.n);
	stored_write_token(s.token, &token);
	assert_int_equal(token.n, STORED_TOKEN_TEXT);
	assert_memory_equal(text.p + STORED_TOKEN_AT, token.p, token.n);
	stored_write_taken(s.token, &taken);
	assert_int_equal(taken.n, STORED_TOKEN_AT + STORED_TOKEN_TEXT);
	assert_memory_equal(taken.p + STORED_TOKEN_AT, token.p, token.n);
	eio_buf_deinit(&text);
	eio_buf_deinit(&token);
	eio_buf_deinit(&taken);
}

static struct eio_bytes
anything(char *out, size_t max)
{
	size_t n = dice(3) ? dice(40) : dice((unsigned)max);

	for (size_t i = 0; i < n; i++) out[i] = (char)dice(256);
	return eio_bytes(out, n);
}

enum { ROOMS = 20, LONG = 70000 };

static void
check_same(const struct stored_session *a, const struct stored_session *b)
{
	assert_true(eio_bytes_eq(a->token, b->token) && eio_bytes_eq(a->sid, b->sid) && eio_bytes_eq(a->pid, b->pid));
	assert_true(eio_bytes_eq(a->nsp, b->nsp) && eio_bytes_eq(a->begun, b->begun) && eio_bytes_eq(a->must, b->must));
	assert_true(eio_bytes_eq(a->joined, b->joined) && a->shape == b->shape && a->who == b->who);
	assert_int_equal(a->n_rooms, b->n_rooms);
	for (size_t i = 0; i < a->n_rooms; i++) {
		assert_true(eio_bytes_eq(a->rooms[i].name, b->rooms[i].name));
		assert_true(eio_bytes_eq(a->rooms[i].joined, b->rooms[i].joined));
	}
}

/* Whatever is cut off, or changed, is refused or read as something; nothing is read beyond it. */
static void
spoil(struct eio_bytes text)
{
	char *copy = malloc(text.n);
	struct stored_session s;

	assert_non_null(copy);
	for (int i = 0; i < 20; i++) {
		size_t n = dice((unsigned)text.n);

		memcpy(copy, text.p, n);
		if (stored_read(&s, eio_bytes(copy, n))) {
			assert_true(n + 2 >= text.n); /* only its padding is missing */
			stored_free(&s);
		}
		memcpy(copy, text.p, text.n);
		copy[n] = (char)dice(256);
		if (stored_read(&s, eio_bytes(copy, text.n))) stored_free(&s);
	}
	free(copy);
}

static void
what_is_written_is_read(void **state)
{
	char *bytes = malloc((7 + 2 * ROOMS) * (size_t)LONG);

	(void)state;
	assert_non_null(bytes);
	for (int run = 0; run < 300; run++) {
		char *p = bytes;
		struct stored_room rooms[ROOMS];
		struct stored_session s = { .token = EIO_LIT("0123456789abcdefghij"), .rooms = rooms }, read;
		struct eio_bytes *parts[] = { &s.sid, &s.pid, &s.nsp, &s.begun, &s.must, &s.joined };
		struct eio_buf text = { 0 };

		for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++, p += LONG) *parts[i] = anything(p, LONG);
		s.n_rooms = dice(ROOMS + 1);
		for (size_t i = 0; i < s.n_rooms; i++, p += 2 * LONG) {
			rooms[i].name = anything(p, 300);
			rooms[i].joined = anything(p + LONG, 300);
		}
		s.shape = (uint64_t)dice(1U << 31) << 33 | dice(1U << 31);
		s.who = dice(2) ? UINT64_MAX : 0;
		stored_write(&s, &text);
		assert_false(eio_buf_failed(&text));
		assert_true(stored_read(&read, eio_buf_bytes(&text)));
		check_same(&s, &read);
		stored_free(&read);
		spoil(eio_buf_bytes(&text));
		eio_buf_deinit(&text);
	}
	free(bytes);
}

static void
only_signed_names_are_good(void **state)
{
	struct feed_secret a, b;
	char text[FEED_SIGNED_LEN];

	(void)state;
	assert_true(feed_secret_make(&a, EIO_LIT("one that is long enough")));
	assert_true(feed_secret_make(&b, EIO_LIT("one that is long enougH")));
	assert_true(a.who[0] != b.who[0]);
	assert_true(feed_pid_sign(&a, "AbcdefghijklmnopqrsT", text));
	assert_memory_equal(text, "AbcdefghijklmnopqrsT", FEED_PID_LEN);
	assert_true(feed_pid_is_signed(&a, eio_bytes(text, sizeof text)));
	assert_false(feed_pid_is_signed(&b, eio_bytes(text, sizeof text)));
	for (size_t i = 0; i < sizeof text; i++) {
		assert_false(feed_pid_is_signed(&a, eio_bytes(text, i)));
		text[i] ^= 1;
		assert_false(feed_pid_is_signed(&a, eio_bytes(text, sizeof text)));
		text[i] ^= 1;
	}
}

static void
tokens_say_whose(void **state)
{
	const uint64_t us[2] = { 1, 2 }, them[2] = { 1, 3 };
	const unsigned char random[FEED_TOKEN_RANDOM] = { 1, 2, 3, 4, 5, 6 }, other[FEED_TOKEN_RANDOM] = { 0 };
	char a[STORED_TOKEN], b[STORED_TOKEN], process[FEED_TAG], nsp[FEED_TAG];

	(void)state;
	feed_token_write(us, EIO_LIT("/"), random, a);
	feed_token_write(us, EIO_LIT("/"), other, b);
	assert_memory_not_equal(a, b, sizeof a);
	feed_tag_write(us, EIO_LIT("/"), nsp);
	feed_tag_write(us, EIO_LIT(""), process);
	assert_memory_equal(a + 2, nsp, FEED_TAG);
	assert_memory_equal(a + 2 + FEED_TAG, process, FEED_TAG);
	assert_memory_not_equal(nsp, process, FEED_TAG);
	feed_token_write(us, EIO_LIT("/b"), random, b);
	assert_memory_not_equal(a + 2, b + 2, FEED_TAG);
	assert_memory_equal(a + 2 + FEED_TAG, b + 2 + FEED_TAG, FEED_TAG);
	feed_token_write(them, EIO_LIT("/"), random, b);
	assert_memory_not_equal(a + 2 + FEED_TAG, b + 2 + FEED_TAG, FEED_TAG);
}

static void
local_names(void **state)
{
	struct feed_local l = { 0 };
	char name[16];

	(void)state;
	assert_false(feed_local_has(&l, EIO_LIT("/")));
	feed_local_note(&l, EIO_LIT("/"), true, 1000);
	feed_local_note(&l, EIO_LIT("/b"), false, 2000);
	assert_true(feed_local_has(&l, EIO_LIT("/")) && feed_local_has(&l, EIO_LIT("/b")));
	assert_false(feed_local_has(&l, EIO_LIT("/c")));
	assert_false(feed_local_had(&l, EIO_LIT("/"), 500, 1500));
	assert_true(feed_local_had(&l, EIO_LIT("/"), 500, 1501));
	assert_false(feed_local_had(&l, EIO_LIT("/b"), 500, 9999));
	assert_string_equal(feed_local_undeclared(&l)->name, "/b");
	feed_local_undeclared(&l)->declared = true;
	assert_null(feed_local_undeclared(&l));
	for (unsigned i = 0; !feed_local_is_full(&l); i++)
		feed_local_note(&l, eio_bytes(name, (size_t)snprintf(name, sizeof name, "/n%u", i)), true, 0);
	assert_false(feed_local_has(&l, EIO_LIT("/c")));
	feed_local_note(&l, EIO_LIT("/one more"), true, 0);
	assert_true(feed_local_has(&l, EIO_LIT("/c")));
	feed_local_deinit(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_node_has_it),
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(only_signed_names_are_good),
		cmocka_unit_test(tokens_say_whose),
		cmocka_unit_test(local_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
