/* SPDX-License-Identifier: MIT */
/* Which nodes there are, as rounds of look-ups come and go. */
#include "src/peers/nodes.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct peers_spec_node named_nodes[] = {
	{ .name = "a", .host = "10.0.0.1", .port = 1, .text = "10.0.0.1:1" },
	{ .name = "b", .host = "10.0.0.2", .port = 1, .text = "10.0.0.2:1" },
};
static const struct peers_spec named = { .v = named_nodes, .n = 2 };
static const struct peers_spec_node dns_nodes[] = { { .host = "all", .port = 1, .text = "all:1" } };
static const struct peers_spec dns = { .v = dns_nodes, .n = 1 };

static union peers_address
at(const char *text)
{
	union peers_address a;

	memset(&a, 0, sizeof a);
	if (inet_pton(AF_INET6, text, &a.v6.sin6_addr) == 1) {
		a.v6.sin6_family = AF_INET6;
		a.v6.sin6_port = htons(1);
	} else {
		a.v4.sin_family = AF_INET;
		a.v4.sin_port = htons(1);
		assert_int_equal(inet_pton(AF_INET, text, &a.v4.sin_addr), 1);
	}
	return a;
}

static struct peers_node *
found(struct peers_nodes *t, const struct peers_spec_node *spec, const char *address)
{
	union peers_address a = at(address);

	return peers_nodes_found(t, spec, &a.any);
}

static void
count_gone(void *user, struct peers_node *n)
{
	(void)n;
	++*(unsigned *)user;
}

static void
test_named(void **state)
{
	struct peers_nodes t;
	struct peers_node *b;
	unsigned gone = 0;

	(void)state;
	assert_int_equal(peers_nodes_init(&t, &named, "a"), 0);
	assert_null(peers_nodes_find(&t, EIO_LIT("a")));
	b = peers_nodes_find(&t, EIO_LIT("b"));
	assert_non_null(b);
	assert_false(peers_node_is_placed(b));
	/* It moves, and stays when nothing is found. */
	peers_nodes_begin(&t);
	assert_ptr_equal(found(&t, &named_nodes[1], "10.0.0.2"), b);
	assert_ptr_equal(found(&t, &named_nodes[1], "10.0.0.9"), b);
	peers_nodes_end(&t, &named_nodes[1], count_gone, &gone);
	assert_true(peers_node_is_placed(b));
	assert_int_equal(ntohl(b->address.v4.sin_addr.s_addr), 0x0a000002);
	peers_nodes_begin(&t);
	found(&t, &named_nodes[1], "2001:db8::1");
	peers_nodes_end(&t, &named_nodes[1], count_gone, &gone);
	assert_int_equal(b->address.any.sa_family, AF_INET6);
	peers_nodes_begin(&t);
	peers_nodes_end(&t, &named_nodes[1], count_gone, &gone);
	assert_int_equal(gone, 0);
	/* Another one answers there. */
	assert_false(peers_node_greeted(&t, b, "c"));
	assert_false(peers_node_greeted(&t, b, "a"));
	assert_ptr_equal(peers_nodes_find(&t, EIO_LIT("b")), b);
	assert_true(peers_node_greeted(&t, b, "b"));
	peers_nodes_deinit(&t);
}

static void
test_found(void **state)
{
	struct peers_nodes t;
	struct peers_node *one, *two, *own;
	unsigned gone = 0;

	(void)state;
	assert_int_equal(peers_nodes_init(&t, &dns, "me"), 0);
	peers_nodes_begin(&t);
	one = found(&t, dns_nodes, "10.0.0.1");
	two = found(&t, dns_nodes, "10.0.0.2");
	own = found(&t, dns_nodes, "::1");
	assert_ptr_not_equal(one, two);
	assert_ptr_equal(found(&t, dns_nodes, "10.0.0.1"), one);
	peers_nodes_end(&t, dns_nodes, count_gone, &gone);
	assert_null(peers_nodes_find(&t, EIO_LIT("x")));
	assert_true(peers_node_greeted(&t, one, "x"));
	assert_true(peers_node_greeted(&t, two, "y"));
	assert_false(peers_node_greeted(&t, own, "me"));
	assert_true(own->self);
	assert_null(peers_nodes_find(&t, EIO_LIT("me")));
	assert_ptr_equal(peers_nodes_find(&t, EIO_LIT("y")), two);
	/* One goes, and another one has the address of the other. */
	peers_nodes_begin(&t);
	assert_ptr_equal(found(&t, dns_nodes, "10.0.0.2"), two);
	peers_node_ref(one);
	peers_nodes_end(&t, dns_nodes, count_gone, &gone);
	assert_int_equal(gone, 2);
	assert_string_equal(one->name, "x"); /* as long as somebody has it */
	peers_node_unref(one);
	assert_true(peers_node_greeted(&t, two, "z"));
	assert_null(peers_nodes_find(&t, EIO_LIT("y")));
	assert_null(peers_nodes_find(&t, EIO_LIT("x")));
	assert_ptr_equal(peers_nodes_find(&t, EIO_LIT("z")), two);
	peers_nodes_deinit(&t);
}

/* A name with too many addresses takes no more memory. */
static void
test_too_many(void **state)
{
	struct peers_nodes t;
	union peers_address a = at("10.0.0.0");

	(void)state;
	assert_int_equal(peers_nodes_init(&t, &dns, "me"), 0);
	for (unsigned i = 0; i < 2 * PEERS_FOUND_MAX; i++) {
		a.v4.sin_addr.s_addr = htonl(0x0a000000 + i);
		assert_int_equal(peers_nodes_found(&t, dns_nodes, &a.any) != NULL, i < PEERS_FOUND_MAX);
	}
	a.any.sa_family = AF_UNIX;
	assert_null(peers_nodes_found(&t, dns_nodes, &a.any));
	peers_nodes_deinit(&t);
}

static void
test_down(void **state)
{
	struct peers_nodes t;
	struct peers_node *b;

	(void)state;
	assert_int_equal(peers_nodes_init(&t, &named, "a"), 0);
	b = peers_nodes_find(&t, EIO_LIT("b"));
	assert_false(peers_node_is_down(b, 0));
	peers_node_failed(b, 5000);
	assert_true(peers_node_is_down(b, 5000));
	assert_true(peers_node_is_down(b, 5000 + PEERS_DOWN_MS - 1));
	assert_false(peers_node_is_down(b, 5000 + PEERS_DOWN_MS));
	peers_nodes_deinit(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_named),
		cmocka_unit_test(test_found),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
