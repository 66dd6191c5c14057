/* SPDX-License-Identifier: MIT */
/* Commands that read, and their replies; and what was read where there is no room for all of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/feed/fetch.h"
#include "src/feed/retain.h"
#include "src/redis/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char told[1000];

static void
tell(void *user, const struct feed_value *v)
{
	size_t n = strlen(told);

	assert_ptr_equal(user, told);
	snprintf(told + n, sizeof told - n, "%.*s|%.*s=%.*s ", (int)v->key.n, v->key.p, (int)v->field.n, v->field.p,
		(int)v->value.n, v->value.p);
}

/* What the fetch asks, words with spaces between. */
static const char *
asked(struct feed_fetch *f)
{
	static char words[1000];
	struct eio_buf b = { 0 };
	const char *p, *end;

	*words = '\0';
	feed_fetch_ask(f, &b);
	for (p = b.p, end = b.p + b.n; p < end; p = strstr(p, "\r\n") + 2) {
		size_t n = strlen(words);

		if (*p == '*' || *p == '$') continue;
		snprintf(words + n, sizeof words - n, "%s%.*s", n ? " " : "", (int)(strstr(p, "\r\n") - p), p);
		if (p + 2 >= end) break;
	}
	eio_buf_addc(&b, '\0');
	eio_buf_deinit(&b);
	return words;
}

/* Takes a reply as it comes from the wire. */
static enum feed_fetched
replied(struct feed_fetch *f, const char *wire, size_t max_reply)
{
	struct redis_reader *r = redis_reader_new(20);
	enum feed_fetched result;
	struct redis_event event;
	struct eio_bytes why = EIO_LIT("");

	assert_non_null(r);
	*told = '\0';
	redis_reader_expect_values(r, max_reply);
	redis_reader_feed(r, eio_cstr(wire));
	assert_int_equal(redis_reader_next(r, &event), REDIS_READ_REPLY);
	result = feed_fetch_take(f, event.values, 0, &why, tell, told);
	if (result == FEED_FETCH_REFUSED) snprintf(told, sizeof told, "%.*s", (int)why.n, why.p);
	assert_int_equal(redis_reader_next(r, &event), REDIS_READ_NONE);
	redis_reader_free(r);
	return result;
}

static void
expect(struct feed_fetch *f, const char *command, const char *wire, const char *values, bool over)
{
	assert_string_equal(asked(f), command);
	assert_int_equal(replied(f, wire, 100000), FEED_FETCHED);
	assert_string_equal(told, values);
	assert_int_equal(f->over, over);
}

static struct feed_fetch *
fetch_of(struct feed_prime *p, struct feed_fetch *f)
{
	*f = (struct feed_fetch){ .count = 0 };
	feed_fetch_begin(f, p);
	return f;
}

static void
each_kind(void **state)
{
	char key[] = "k", pattern[] = "k*", field[] = "b";
	struct feed_prime p = { .kind = FEED_PRIME_HASH, .key = key, .count = 3 };
	struct feed_fetch f;

	(void)state;
	fetch_of(&p, &f);
	expect(&f, "HSCAN k 0 COUNT 50", "*2\r\n$2\r\n17\r\n*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$0\r\n\r\n",
		"k|a=1 k|b= ", false);
	expect(&f, "HSCAN k 17 COUNT 128", "*2\r\n$1\r\n0\r\n*0\r\n", "", true);
	fetch_of(&p, &f);
	expect(&f, "HSCAN k 0 COUNT 50", "*2\r\n$1\r\n0\r\n*2\r\n$1\r\na\r\n$21\r\n123456789012345678901\r\n", "",
		true);
	assert_int_equal(f.left_out, 1);

	p.kind = FEED_PRIME_STRING;
	expect(fetch_of(&p, &f), "GET k", "$2\r\nhi\r\n", "k|=hi ", true);
	expect(fetch_of(&p, &f), "GET k", "$-1\r\n", "", true);
	p.kind = FEED_PRIME_LIST;
	expect(fetch_of(&p, &f), "LRANGE k 0 2", "*2\r\n$1\r\n2\r\n$1\r\n1\r\n", "k|=1 k|=2 ", true);
	p.newest_last = true;
	expect(fetch_of(&p, &f), "LRANGE k -3 -1", "*2\r\n$1\r\n1\r\n$1\r\n2\r\n", "k|=1 k|=2 ", true);
	p.kind = FEED_PRIME_ZSET;
	expect(fetch_of(&p, &f), "ZRANGE k -3 -1", "*2\r\n$1\r\n1\r\n$1\r\n2\r\n", "k|=1 k|=2 ", true);
	p.kind = FEED_PRIME_STREAM;
	expect(fetch_of(&p, &f), "XREVRANGE k + - COUNT 3",
		"*2\r\n*2\r\n$3\r\n2-0\r\n*2\r\n$1\r\na\r\n$1\r\n2\r\n*2\r\n$3\r\n1-0\r\n*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$1\r\nx\r\n",
		"k|={\"a\":\"1\",\"b\":\"x\"} k|={\"a\":\"2\"} ", true);
	feed_fetch_deinit(&f);
	p.field = field;
	expect(fetch_of(&p, &f), "XREVRANGE k + - COUNT 3",
		"*1\r\n*2\r\n$3\r\n1-0\r\n*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$1\r\nx\r\n", "k|=x ", true);
	feed_fetch_deinit(&f);

	p.kind = FEED_PRIME_SCAN;
	p.key = pattern;
	fetch_of(&p, &f);
	assert_false(feed_fetch_reads_values(&f));
	expect(&f, "SCAN 0 MATCH k* COUNT 50", "*2\r\n$1\r\n9\r\n*3\r\n$2\r\nk1\r\n$2\r\nk2\r\n$2\r\nk3\r\n", "",
		false);
	assert_true(feed_fetch_reads_values(&f));
	f.count = 2;
	expect(&f, "MGET k1 k2", "*2\r\n$1\r\n1\r\n$-1\r\n", "k1|=1 ", false);
	expect(&f, "MGET k3", "*1\r\n$1\r\n3\r\n", "k3|=3 ", false);
	assert_int_equal(f.left_out, 1);
	expect(&f, "SCAN 9 MATCH k* COUNT 32", "*2\r\n$1\r\n0\r\n*0\r\n", "", true);
	feed_fetch_deinit(&f);
}

/* Whatever it is, little of it comes at once: what is live waits for it. */
static void
small_portions(void **state)
{
	char key[] = "k*";
	struct feed_prime p = { .kind = FEED_PRIME_HASH, .key = key };
	struct feed_fetch f;

	(void)state;
	fetch_of(&p, &f);
	for (int i = 0; i < 5; i++) assert_int_equal(replied(&f, "*2\r\n$1\r\n7\r\n*0\r\n", 1000), FEED_FETCHED);
	assert_string_equal(asked(&f), "HSCAN k* 7 COUNT 128");
	p.kind = FEED_PRIME_SCAN;
	fetch_of(&p, &f);
	for (int i = 0; i < 5; i++) assert_int_equal(replied(&f, "*2\r\n$1\r\n7\r\n*0\r\n", 1000), FEED_FETCHED);
	assert_string_equal(asked(&f), "SCAN 7 MATCH k* COUNT 1024");
	f.n_keys = 1000; /* as if so many had been found */
	asked(&f);
	assert_int_equal(f.n_asked, 128);
	feed_fetch_deinit(&f);
}

/* What was heard of many keys is found again while its tables grow. */
static void
many_heard(void **state)
{
	struct heard h = { 0 };
	uint32_t number;

	(void)state;
	assert_false(heard_find(&h, 5, &number));
	for (uint32_t i = 1; i <= 20000; i++) {
		heard_note(&h, i * 0x9e3779b97f4a7c15u, i);
		assert_true(heard_find(&h, (i / 2 + 1) * 0x9e3779b97f4a7c15u, &number));
		assert_int_equal(number, i / 2 + 1);
		assert_false(heard_find(&h, (i + 1) * 0x9e3779b97f4a7c15u, &number));
	}
	assert_in_range(heard_size(&h), 20000 * 16, 20000 * 16 * 4);
	heard_note(&h, 0x9e3779b97f4a7c15u, 7);
	assert_true(heard_find(&h, 0x9e3779b97f4a7c15u, &number));
	assert_int_equal(number, 7);
	heard_deinit(&h);
	assert_int_equal(heard_size(&h), 0);
}

/* It is forgotten in many steps, none of which is much, whatever is heard meanwhile. */
static void
forgotten_bit_by_bit(void **state)
{
	struct heard h = { 0 };
	size_t all, before, steps = 0;
	bool more = true;

	(void)state;
	for (uint32_t i = 1; i <= 20000; i++) heard_note(&h, i * 0x9e3779b97f4a7c15u, i);
	all = heard_size(&h);
	while (more) {
		before = heard_size(&h);
		more = heard_forget_some(&h);
		assert_true(!more || before - heard_size(&h) < all / 20);
		if (more) heard_note(&h, ++steps * 0x9e3779b97f4a7c15u, 1);
	}
	assert_true(steps > 20);
	assert_int_equal(heard_size(&h), 0);
	assert_false(heard_forget_some(&h));
	heard_note(&h, 5, 1);
	assert_true(heard_find(&h, 5, &(uint32_t){ 0 }));
	heard_deinit(&h);
}

/* What is no such reply, and what is too much of one. */
static void
bad_replies(void **state)
{
	char key[] = "k";
	struct feed_prime p = { .kind = FEED_PRIME_HASH, .key = key, .count = 3 };
	struct feed_fetch f;

	(void)state;
	fetch_of(&p, &f);
	assert_int_equal(replied(&f, "-WRONGTYPE it is a list\r\n", 1000), FEED_FETCH_REFUSED);
	assert_string_equal(told, "WRONGTYPE it is a list");
	assert_int_equal(replied(&f, "+OK\r\n", 1000), FEED_FETCH_WRONG);
	assert_int_equal(replied(&f, "*2\r\n$1\r\n0\r\n*1\r\n$1\r\na\r\n", 1000), FEED_FETCH_WRONG);
	assert_int_equal(replied(&f, "*2\r\n$30\r\n012345678901234567890123456789\r\n*0\r\n", 1000), FEED_FETCH_WRONG);
	assert_int_equal(replied(&f, ":1\r\n", 1000), FEED_FETCH_WRONG);
	/* Less is asked for, until it cannot be less. */
	assert_int_equal(replied(&f, "*2\r\n$1\r\n7\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n", 100), FEED_FETCH_AGAIN);
	assert_string_equal(asked(&f), "HSCAN k 0 COUNT 6");
	assert_int_equal(replied(&f, "*2\r\n$1\r\n7\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n", 100), FEED_FETCH_AGAIN);
	assert_int_equal(replied(&f, "*2\r\n$1\r\n7\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n", 100), FEED_FETCH_TOO_LARGE);
	p.kind = FEED_PRIME_LIST;
	assert_int_equal(replied(fetch_of(&p, &f), "*2\r\n$1\r\na\r\n$1\r\n1\r\n", 50), FEED_FETCH_TOO_LARGE);
	p.kind = FEED_PRIME_STREAM;
	assert_int_equal(replied(fetch_of(&p, &f), "*1\r\n$1\r\na\r\n", 1000), FEED_FETCH_WRONG);
	p.kind = FEED_PRIME_STRING;
	assert_int_equal(replied(fetch_of(&p, &f), "*1\r\n$1\r\na\r\n", 1000), FEED_FETCH_WRONG);
	p.kind = FEED_PRIME_SCAN;
	assert_int_equal(replied(fetch_of(&p, &f), "*2\r\n$1\r\n0\r\n*1\r\n:1\r\n", 1000), FEED_FETCH_WRONG);
	feed_fetch_deinit(&f);
	assert_true(feed_fetch_is_transient(EIO_LIT("LOADING Redis is loading")));
	assert_false(feed_fetch_is_transient(EIO_LIT("NOPERM no")));
	assert_non_null(strstr(feed_fetch_hint(EIO_LIT("MOVED 1 a:1")), "Cluster"));
}

static void
no_state_is_unused(struct retained *s)
{
	(void)s;
	fail();
}

/* Notes and settles a message of so many bytes. */
static void
settle(struct retained *s, const char *key, const char *payload)
{
	const struct retain_note note = { .what = RETAIN_KEEP, .key = eio_cstr(key) };

	assert_true(retained_note(s, &note, strlen(payload)));
	retained_settle(s, eio_cstr(payload), 0, 0, 1);
}

static enum retain_primed
primes(struct retained *s, const char *key, const char *payload)
{
	const struct retain_note note = { .what = RETAIN_KEEP, .key = eio_cstr(key) };

	return retained_primes(s, &note, eio_cstr(payload));
}

/* What was read makes no room for itself, and what is not settled counts. */
static void
room(void **state)
{
	const struct retain_rules rules = { RETAIN_BY_KEY, .max = 3, .state_bytes = 1000, .bytes = 100000 };
	const struct retain_note c = { .what = RETAIN_KEEP, .key = EIO_LIT("c") };
	const uint64_t hash_key[2] = { 1, 2 };
	struct retain t;
	struct retained s;

	(void)state;
	assert_int_equal(retain_init(&t, &rules, hash_key, no_state_is_unused), 0);
	retained_init(&s, &t, 0);
	settle(&s, "a", "1");
	retain_prime_begin(&t);
	settle(&s, "b", "1");
	t.portion = 1;
	assert_int_equal(primes(&s, "a", "1"), RETAIN_PRIMED_OLD);
	assert_int_equal(primes(&s, "a", "2"), RETAIN_PRIMED_NEW);
	assert_int_equal(primes(&s, "b", "2"), RETAIN_PRIMED_OLD); /* it was heard */
	assert_int_equal(primes(&s, "c", "1"), RETAIN_PRIMED_NEW);
	assert_true(retained_note(&s, &c, 1));
	assert_int_equal(primes(&s, "c", "2"), RETAIN_PRIMED_NEW); /* of the same portion */
	assert_int_equal(primes(&s, "d", "1"), RETAIN_PRIMED_UNSURE);
	retained_settle(&s, EIO_LIT("1"), 0, 0, 1);
	assert_int_equal(primes(&s, "d", "1"), RETAIN_PRIMED_FULL);
	t.portion = 2;
	assert_int_equal(primes(&s, "c", "2"), RETAIN_PRIMED_OLD);
	assert_int_equal(primes(&s, "a", "2"), RETAIN_PRIMED_NEW);
	t.portion = 0;
	/* What is gone was there before, and was not read. */
	retain_prime_renew(&t);
	t.portion = 3;
	assert_int_equal(primes(&s, "b", "1"), RETAIN_PRIMED_OLD);
	t.portion = 0;
	assert_false(retain_prime_sweep(&t, 100));
	retain_prime_end(&t);
	assert_int_equal(s.n, 1);
	retained_deinit(&s);
	retain_deinit(&t);
}

/* What is gone is dropped a few at a time. What moves or goes meanwhile, the one at hand too, confuses nobody. */
static void
swept_bit_by_bit(void **state)
{
	const struct retain_rules rules = { RETAIN_BY_KEY, .max = 1000, .state_bytes = 100000, .bytes = 1000000 };
	const struct retain_note gone = { .what = RETAIN_REMOVE, .key = EIO_LIT("3") };
	const struct retain_note again = { .what = RETAIN_KEEP, .key = EIO_LIT("9") };
	const uint64_t hash_key[2] = { 1, 2 };
	char key[16];
	struct retain t;
	struct retained s;

	(void)state;
	assert_int_equal(retain_init(&t, &rules, hash_key, no_state_is_unused), 0);
	retained_init(&s, &t, 0);
	for (int i = 0; i < 10; i++) settle(&s, (snprintf(key, sizeof key, "%d", i), key), "1");
	retain_prime_begin(&t);
	t.portion = 1;
	assert_int_equal(primes(&s, "2", "1"), RETAIN_PRIMED_OLD);
	assert_int_equal(primes(&s, "8", "1"), RETAIN_PRIMED_OLD);
	t.portion = 0;
	assert_true(retain_prime_sweep(&t, 3)); /* 0 and 1 are gone */
	assert_int_equal(s.n, 8);
	assert_true(retained_note(&s, &gone, 1));
	retained_settle(&s, EIO_LIT("1"), 0, 0, 1); /* it was the next */
	settle(&s, "4", "2"); /* and so it is this one */
	settle(&s, "new", "1");
	assert_true(retain_prime_sweep(&t, 1)); /* 5 */
	assert_int_equal(s.n, 7);
	settle(&s, "7", "2");
	assert_true(retained_note(&s, &again, 1)); /* it was heard, and is on its way */
	while (retain_prime_sweep(&t, 1)) continue; /* 6 */
	assert_int_equal(s.n, 6);
	retained_settle(&s, EIO_LIT("2"), 0, 0, 1);
	for (const char *k = "24789"; *k; k++) {
		snprintf(key, sizeof key, "%c", *k);
		assert_int_equal(primes(&s, key, strchr("28", *k) ? "1" : "2"), RETAIN_PRIMED_OLD);
	}
	/* Missed again: it begins anew, and nothing of what was heard counts. */
	retain_prime_renew(&t);
	while (retain_prime_sweep(&t, 2)) continue;
	assert_int_equal(s.n, 0);
	while (retain_prime_forget(&t)) continue;
	retain_prime_end(&t);
	retained_deinit(&s);
	retain_deinit(&t);
}

/* What was heard before a second server lost its messages says nothing about what is there now. */
static void
begun_while_another_reads(void **state)
{
	const struct retain_rules rules = { RETAIN_BY_KEY, .max = 10, .state_bytes = 1000, .bytes = 100000 };
	const uint64_t hash_key[2] = { 1, 2 };
	struct retain t;
	struct retained s;

	(void)state;
	assert_int_equal(retain_init(&t, &rules, hash_key, no_state_is_unused), 0);
	retained_init(&s, &t, 0);
	retain_prime_begin(&t);
	settle(&s, "a", "1");
	t.portion = 1;
	assert_int_equal(primes(&s, "a", "2"), RETAIN_PRIMED_OLD);
	retain_prime_begin(&t);
	assert_int_equal(primes(&s, "a", "2"), RETAIN_PRIMED_NEW);
	t.portion = 0;
	settle(&s, "b", "1");
	/* As long as there are two, what was heard is needed. */
	assert_false(retain_prime_forget(&t));
	t.portion = 2;
	assert_int_equal(primes(&s, "b", "2"), RETAIN_PRIMED_OLD);
	t.portion = 0;
	retain_prime_end(&t);
	assert_true(retain_prime_forget(&t));
	while (retain_prime_forget(&t)) continue;
	assert_int_equal(heard_size(&t.heard), 0);
	retain_prime_end(&t);
	retained_deinit(&s);
	retain_deinit(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind),
		cmocka_unit_test(small_portions),
		cmocka_unit_test(many_heard),
		cmocka_unit_test(forgotten_bit_by_bit),
		cmocka_unit_test(bad_replies),
		cmocka_unit_test(room),
		cmocka_unit_test(swept_bit_by_bit),
		cmocka_unit_test(begun_while_another_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
