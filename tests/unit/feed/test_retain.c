/* SPDX-License-Identifier: MIT */
/*
 * Retained messages against a model that keeps all of them in a list and thinks anew each time. Linked with
 * -Wl,--wrap=malloc and its like.
 */
#include "src/feed/retain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/feed/format.h"
#include "tests/unit/dice.h"
#include "tests/unit/failmalloc.h"

static const uint64_t hash_key[2] = { 1, 2 };

enum { STATES = 4, KEYS = 12, MESSAGES = 20000 };

/* What was settled, in its order; what is gone has no state any more. */
struct model {
	struct model_message {
		int state, key, number;
		size_t n; /* of its payload */
		uint64_t at_ms;
	} all[MESSAGES];
	size_t n;
};

struct test {
	struct retain_rules rules;
	struct retain retain;
	struct retained states[STATES];
	struct model *model;
	int unused; /* how often that was told */
};

static struct test *running;

static void
on_unused(struct retained *s)
{
	assert_int_equal(s->n, 0);
	assert_false(s->in_use);
	running->unused++;
}

/* The model */

static void
model_drop_oldest(struct test *t, int state)
{
	for (size_t i = 0; i < t->model->n; i++) {
		struct model_message *m = &t->model->all[i];

		if (m->state < 0 || (state >= 0 && m->state != state)) continue;
		m->state = -1;
		return;
	}
}

static void
model_sum(const struct test *t, int state, size_t *n, size_t *bytes)
{
	*n = *bytes = 0;
	for (size_t i = 0; i < t->model->n; i++) {
		if (t->model->all[i].state != state) continue;
		++*n;
		*bytes += t->model->all[i].n + 8;
	}
}

static void
model_settle(struct test *t, struct model_message m, int what)
{
	size_t n, bytes;

	if (what == RETAIN_SKIP) return;
	if (t->rules.kind == RETAIN_BY_KEY)
		for (size_t i = 0; i < t->model->n; i++)
			if (t->model->all[i].state == m.state && t->model->all[i].key == m.key)
				t->model->all[i].state = -1;
	if (what == RETAIN_KEEP) t->model->all[t->model->n++] = m;
	for (model_sum(t, m.state, &n, &bytes); n > t->rules.max || bytes > t->rules.state_bytes;
		model_sum(t, m.state, &n, &bytes))
		model_drop_oldest(t, m.state);
}

/* What the payload of a message looks like: its number, and dots behind it. */
static void
write_payload(char *out, int number, size_t n)
{
	memset(out, '.', n);
	out[snprintf(out, 12, "%d", number)] = '.';
}

/* Comparing */

static void
check_state(struct test *t, int state)
{
	const struct eio_list *at = NULL;
	struct eio_bytes payload;
	char wanted[300];

	for (size_t i = 0; i < t->model->n; i++) {
		const struct model_message *m = &t->model->all[i];

		if (m->state != state) continue;
		assert_true(retained_next(&t->states[state], &at, &payload));
		write_payload(wanted, m->number, m->n);
		assert_int_equal(payload.n, m->n);
		assert_memory_equal(payload.p, wanted, m->n);
	}
	assert_false(retained_next(&t->states[state], &at, &payload));
}

static void
check_all(struct test *t)
{
	size_t n, bytes, all = 0;

	for (int i = 0; i < STATES; i++) {
		check_state(t, i);
		model_sum(t, i, &n, &bytes);
		assert_int_equal(t->states[i].n, n);
		assert_int_equal(t->states[i].payload_bytes, bytes);
		all += n;
	}
	assert_int_equal(t->retain.n, all);
	assert_true(t->retain.bytes <= t->rules.bytes);
}

/* Running */

static void
start(struct test *t, struct retain_rules rules)
{
	*t = (struct test){ .rules = rules, .model = calloc(1, sizeof *t->model) };
	running = t;
	assert_int_equal(retain_init(&t->retain, &rules, hash_key, on_unused), 0);
	for (int i = 0; i < STATES; i++) retained_init(&t->states[i], &t->retain, 100);
}

static void
finish(struct test *t)
{
	for (int i = 0; i < STATES; i++) retained_deinit(&t->states[i]);
	retain_deinit(&t->retain);
	free(t->model);
}

/* A batch of some messages, in one of the formats. */
static void
settle_batch(struct test *t, int state, enum feed_format format, unsigned count, uint64_t now)
{
	static int number;
	struct eio_buf body = { 0 };
	char payload[300], key[8];

	for (unsigned i = 0; i < count; i++) {
		struct model_message m = { state, (int)dice(KEYS), number++, 12 + dice(dice(4) ? 20 : 250), now };
		struct retain_note note = { .what = dice(8) ? RETAIN_KEEP : dice(3) ? RETAIN_REMOVE : RETAIN_SKIP };

		if (t->rules.kind == RETAIN_NEWEST && note.what == RETAIN_REMOVE) note.what = RETAIN_KEEP;
		if (t->rules.kind == RETAIN_BY_KEY)
			note.key = eio_bytes(key, (size_t)snprintf(key, sizeof key, "%d", m.key));
		write_payload(payload, m.number, m.n);
		assert_true(retained_note(&t->states[state], &note, m.n));
		assert_non_null(eio_buf_reserve(&body, m.n + FEED_FRAME_HEADER + 1));
		feed_format_put(format, &body, i, eio_bytes(payload, m.n));
		model_settle(t, m, note.what);
	}
	if (format == FEED_FORMAT_ARRAY) eio_buf_addc(&body, ']');
	retained_settle(
		&t->states[state], eio_buf_bytes(&body), feed_format_before(format), feed_format_after(format), now);
	eio_buf_deinit(&body);
}

static void
run_random(struct retain_rules rules, uint64_t seed)
{
	uint64_t now = 1000;
	struct test t;

	dice_state = seed;
	start(&t, rules);
	for (int i = 0; i < 1500; i++) {
		now += dice(10);
		retain_expire(&t.retain, now);
		for (size_t k = 0; rules.ttl_ms && k < t.model->n; k++)
			if (t.model->all[k].at_ms + rules.ttl_ms <= now) t.model->all[k].state = -1;
		settle_batch(&t, (int)dice(STATES), (enum feed_format)dice(3), dice(6), now);
		check_all(&t);
		if (rules.ttl_ms) assert_true(retain_deadline(&t.retain) > now);
	}
	finish(&t);
}

static void
random_sequences(void **state)
{
	static const struct retain_rules rules[] = {
		{ RETAIN_NEWEST, 1, 0, SIZE_MAX, SIZE_MAX },
		{ RETAIN_NEWEST, 7, 0, SIZE_MAX, SIZE_MAX },
		{ RETAIN_NEWEST, 100, 40, 1500, SIZE_MAX },
		{ RETAIN_BY_KEY, KEYS, 0, SIZE_MAX, SIZE_MAX },
		{ RETAIN_BY_KEY, 5, 0, SIZE_MAX, SIZE_MAX },
		{ RETAIN_BY_KEY, KEYS, 60, 700, SIZE_MAX },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
		for (uint64_t seed = 1; seed <= 3; seed++) run_random(rules[i], seed);
}

/* Over its memory, the oldest messages go, whichever state they are of; and what is left of it is as it was. */
static void
memory_is_bounded(void **state)
{
	struct retain_rules rules = { RETAIN_BY_KEY, 1000, 0, SIZE_MAX, 4000 };
	size_t before;
	struct test t;

	(void)state;
	dice_state = 5;
	start(&t, rules);
	for (int i = 0; i < 2000; i++) {
		before = t.retain.n;
		settle_batch(&t, (int)dice(STATES), FEED_FORMAT_ARRAY, 1, (uint64_t)i);
		assert_true(t.retain.bytes <= rules.bytes);
		assert_true(t.retain.n <= before + 1);
	}
	assert_true(t.retain.dropped > 100);
	assert_true(t.retain.n > 5);
	/* A message that alone is more than there may be goes at once. */
	t.retain.rules.bytes = 0;
	settle_batch(&t, 0, FEED_FORMAT_LINES, 1, 2000);
	assert_int_equal(t.retain.n, 0);
	finish(&t);
}

/* A state that rests is told of once its last message is gone. */
static void
unused_states(void **state)
{
	struct retain_rules rules = { RETAIN_NEWEST, 5, 10, SIZE_MAX, SIZE_MAX };
	const struct retain_note keep = { .what = RETAIN_KEEP };
	struct test t;

	(void)state;
	start(&t, rules);
	assert_true(retained_note(&t.states[0], &keep, 2));
	retained_settle(&t.states[0], EIO_LIT("ab"), 0, 0, 100);
	retained_rest(&t.states[0]);
	assert_int_equal(t.unused, 0);
	retain_expire(&t.retain, 109);
	assert_int_equal(t.unused, 0);
	assert_int_equal(retain_deadline(&t.retain), 110);
	retain_expire(&t.retain, 110);
	assert_int_equal(t.unused, 1);
	assert_int_equal(retain_deadline(&t.retain), UINT64_MAX);
	retained_rest(&t.states[1]);
	assert_int_equal(t.unused, 2);
	finish(&t);
}

/* Without memory a message is not retained, and neither is the one that it replaces; the others are. */
static void
without_memory(void **state)
{
	struct retain_rules rules = { RETAIN_BY_KEY, 5, 0, SIZE_MAX, SIZE_MAX };
	const struct retain_note a = { RETAIN_KEEP, EIO_LIT("a") }, b = { RETAIN_KEEP, EIO_LIT("b") };
	const struct eio_list *at = NULL;
	struct eio_bytes payload;
	struct test t;

	(void)state;
	start(&t, rules);
	failmalloc_arm(0);
	assert_false(retained_note(&t.states[0], &a, 2));
	assert_true(failmalloc_disarm());
	assert_true(retained_note(&t.states[0], &a, 2));
	assert_true(retained_note(&t.states[0], &b, 2));
	retained_settle(&t.states[0], EIO_LIT("aabb"), 0, 0, 100);
	assert_true(retained_note(&t.states[0], &a, 4));
	failmalloc_arm(0);
	retained_settle(&t.states[0], EIO_LIT("aaaa"), 0, 0, 100);
	assert_true(failmalloc_disarm());
	assert_int_equal(t.retain.dropped, 1);
	assert_int_equal(t.states[0].n, 1);
	assert_true(retained_next(&t.states[0], &at, &payload));
	assert_true(eio_bytes_eq(payload, EIO_LIT("bb")));
	finish(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_sequences),
		cmocka_unit_test(memory_is_bounded),
		cmocka_unit_test(unused_states),
		cmocka_unit_test(without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
