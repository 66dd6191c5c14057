/* SPDX-License-Identifier: MIT */
/* How hub and edge know each other: what is proved, and that nothing else passes. */
#include "src/relay/greet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static const struct eio_bytes secret = { "0123456789abcdef0123456789abcdef", 32 };
static const struct eio_bytes wrong = { "0123456789abcdef0123456789abcdeF", 32 };

static const struct relay_hello edge = { .version = 1, .node = "e", .nonce = "nonce of edge" };
static const struct relay_hello hub = { .version = 1, .node = "hub", .nonce = "nonce of hub" };

static void
test_hello(void **state)
{
	struct relay_hello got;
	struct eio_buf out = { 0 };
	struct eio_bytes s;

	(void)state;
	relay_hello_write(&edge, &out);
	assert_memory_equal(out.p, "siocast-relay\1\1e", 16);
	s = eio_buf_bytes(&out);
	assert_true(relay_hello_take(&s, &got) && s.n == 0);
	assert_memory_equal(&got, &edge, sizeof got);
	for (size_t n = 0; n < out.n; n++) {
		s = eio_bytes(out.p, n);
		assert_false(relay_hello_take(&s, &got));
	}
	/* Of another version its number is known, whatever follows. */
	out.p[13] = 7;
	s = eio_bytes(out.p, 14);
	assert_true(relay_hello_take(&s, &got));
	assert_int_equal(got.version, 7);
	/* What is no name. */
	out.p[13] = 1;
	out.p[15] = '/';
	s = eio_buf_bytes(&out);
	assert_false(relay_hello_take(&s, &got));
	eio_buf_deinit(&out);
}

static void
test_proofs(void **state)
{
	const struct relay_place here = { .epoch = "epoch", .session = 3, .received = 300 };
	struct relay_place there = here;
	struct relay_hello other = edge;
	unsigned char a[AUTH_MAC], b[AUTH_MAC];

	(void)state;
	assert_true(relay_prove_hub(secret, &edge, &hub, a) && relay_prove_hub(secret, &edge, &hub, b));
	assert_true(auth_same(a, b, sizeof a));
	assert_true(relay_prove_hub(wrong, &edge, &hub, b));
	assert_false(auth_same(a, b, sizeof a));
	/* Neither can say what the other one has said. */
	assert_true(relay_prove_edge(secret, &edge, &hub, &here, b));
	assert_false(auth_same(a, b, sizeof a));
	assert_true(relay_prove_hub(secret, &hub, &edge, b));
	assert_false(auth_same(a, b, sizeof a));
	other.nonce[0]++;
	assert_true(relay_prove_hub(secret, &other, &hub, b));
	assert_false(auth_same(a, b, sizeof a));
	/* Where it was is part of what is proved. */
	assert_true(relay_prove_edge(secret, &edge, &hub, &here, a));
	there.received++;
	assert_true(relay_prove_edge(secret, &edge, &hub, &there, b));
	assert_false(auth_same(a, b, sizeof a));
}

static void
test_place(void **state)
{
	const struct relay_place here = { .epoch = "epoch", .session = 3, .received = 300 };
	struct relay_place got = { .session = 0 };
	struct eio_buf out = { 0 };
	struct eio_bytes s;

	(void)state;
	relay_place_write(&here, &out);
	s = eio_buf_bytes(&out);
	assert_int_equal(s.n, 19);
	assert_true(relay_place_take(&s, &got) && s.n == 0);
	assert_memory_equal(got.epoch, here.epoch, sizeof got.epoch);
	assert_true(got.session == 3 && got.received == 300);
	for (size_t n = 0; n < out.n; n++) {
		s = eio_bytes(out.p, n);
		assert_false(relay_place_take(&s, &got));
	}
	eio_buf_deinit(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hello),
		cmocka_unit_test(test_proofs),
		cmocka_unit_test(test_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
