/* SPDX-License-Identifier: MIT */
/* Several workers that listen on the same addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eio/net/httpd.h"
#include "src/base/log.h"
#include "src/worker/listeners.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { ADDRESSES = 2 };

static void
close_all(struct listeners *all)
{
	for (size_t i = 0; i < all->n; i++) close(all->v[i].fd);
	listeners_deinit(all);
}

static int
connect_unix(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
	return fd;
}

/* The port that the system chose for the first is that of all, and all take from the same Unix socket. */
static void
the_same_addresses(void **state)
{
	char folder[] = "/tmp/test_listeners.XXXXXX", path[64], text[80];
	struct config_listen listen[ADDRESSES] = { { .text = "127.0.0.1:0", .host = "127.0.0.1" },
		{ .text = text, .path = path } };
	const struct config c = { .listen = listen, .n_listen = ADDRESSES, .workers = 2 };
	struct inherited nothing = { .n = 0 };
	struct listeners all;
	int peer, taken;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/sock", folder);
	snprintf(text, sizeof text, "unix:%s", path);
	assert_int_equal(listeners_open(&c, &nothing, &all), 0);
	assert_int_equal(all.n, 4);
	assert_int_not_equal(eio_listen_port(all.v[0].fd), 0);
	assert_int_equal(eio_listen_port(all.v[1].fd), eio_listen_port(all.v[0].fd));
	assert_ptr_equal(listeners_of(&all, 1), &all.v[2]);
	close(all.v[2].fd);
	peer = connect_unix(path);
	taken = accept(all.v[3].fd, NULL, NULL);
	assert_true(taken >= 0);
	close(taken);
	close(peer);
	all.v[2].fd = -1;
	for (size_t i = 0; i < all.n; i++) assert_int_equal(all.v[i].worker, i % 2);
	close_all(&all);
	unlink(path);
	rmdir(folder);
}

/* Nobody else may listen there, though sockets with SO_REUSEPORT could share it. */
static void
a_port_that_is_taken(void **state)
{
	char text[32];
	struct config_listen listen = { .text = "127.0.0.1:0", .host = "127.0.0.1" };
	const struct config c = { .listen = &listen, .n_listen = 1, .workers = 2 };
	struct inherited nothing = { .n = 0 };
	struct listeners first, other;

	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	assert_int_equal(listeners_open(&c, &nothing, &first), 0);
	listen.port = eio_listen_port(first.v[0].fd);
	snprintf(text, sizeof text, "127.0.0.1:%u", listen.port);
	listen.text = text;
	assert_int_equal(listeners_open(&c, &nothing, &other), -1);
	close_all(&first);
	listeners_deinit(&other);
}

static void
add(struct inherited *in, int fd, const char *name)
{
	assert_true(fd >= 0);
	assert_int_equal(inherited_add(in, fd, name), 0);
}

/* Each worker gets one, and each socket a worker: of one socket copies, of many several. */
static void
what_was_open_before(void **state)
{
	static const struct {
		unsigned workers, sockets, listening;
	} cases[] = { { 1, 1, 1 }, { 3, 1, 3 }, { 2, 2, 2 }, { 2, 5, 5 }, { 5, 2, 5 } };
	char text[32];
	struct config_listen listen = { .text = text, .host = "127.0.0.1" };
	struct config c = { .listen = &listen, .n_listen = 1 };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct inherited in = { .n = 0 };
		struct listeners all;
		unsigned of[8] = { 0 };

		c.workers = cases[i].workers;
		snprintf(text, sizeof text, "127.0.0.1:0");
		for (unsigned k = 0; k < cases[i].sockets; k++) {
			add(&in, eio_listen(text), "any");
			listen.port = eio_listen_port(in.v[0].fd);
			snprintf(text, sizeof text, "127.0.0.1:%u", listen.port);
		}
		assert_int_equal(listeners_open(&c, &in, &all), 0);
		assert_int_equal(all.n, cases[i].listening);
		for (size_t k = 0; k < all.n; k++) {
			assert_true(all.v[k].held);
			assert_int_equal(eio_listen_port(all.v[k].fd), listen.port);
			of[all.v[k].worker]++;
		}
		for (unsigned w = 0; w < c.workers; w++) assert_true(of[w] > 0);
		close_all(&all);
		inherited_close(&in);
	}
}

/* An address counts more than a name, and a name only for what listens. */
static void
by_address_or_by_name(void **state)
{
	struct config_listen listen[ADDRESSES] = { { .text = "127.0.0.1:0", .host = "127.0.0.1" },
		{ .text = "127.0.0.1:0", .host = "127.0.0.1" } };
	const struct config c = { .listen = listen, .n_listen = ADDRESSES, .workers = 1 };
	struct inherited in = { .n = 0 };
	int a = eio_listen("127.0.0.1:0"), b = eio_listen("127.0.0.1:0"), none;
	unsigned port_a = eio_listen_port(a), port_b = eio_listen_port(b);
	struct listeners all;
	char text[32];
	bool held;

	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	snprintf(text, sizeof text, "127.0.0.1:%u", port_b);
	listen[0].text = text;
	listen[0].port = port_b;
	none = socket(AF_INET, SOCK_STREAM, 0);
	add(&in, none, "listen-1");
	add(&in, a, "listen-1");
	add(&in, b, "listen-1");
	assert_int_equal(listeners_open(&c, &in, &all), 0);
	assert_int_equal(all.n, 2);
	assert_int_equal(eio_listen_port(all.v[0].fd), port_b);
	assert_int_equal(eio_listen_port(all.v[1].fd), port_a);
	assert_int_equal(inherited_take_listening(&in, "127.0.0.1:1", "listen-1", &held), -1);
	assert_int_equal(inherited_take(&in, "listen-1"), none);
	assert_int_equal(inherited_take(&in, "listen-1"), -1);
	close(none);
	close_all(&all);
	inherited_close(&in);
}

/* Another configuration: what is listened on already is taken over, however it is written, what is new is opened, and
 * what goes is told. */
static void
other_addresses(void **state)
{
	char folder[] = "/tmp/test_listeners.XXXXXX", path[64], text[80], again[32], why[LISTENERS_WHY_MAX];
	struct config_listen before[] = { { .text = "127.0.0.1:0", .host = "127.0.0.1" },
		{ .text = text, .path = path } };
	struct config_listen after[] = { { .text = "[::1]:0", .host = "::1" }, { .text = again, .host = "127.0.0.1" } };
	const struct config first = { .listen = before, .n_listen = 2, .workers = 2 };
	struct config second = { .listen = after, .n_listen = 2, .workers = 2 };
	struct inherited nothing = { .n = 0 };
	struct listeners all, next;
	unsigned port;

	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/sock", folder);
	snprintf(text, sizeof text, "unix:%s", path);
	assert_int_equal(listeners_open(&first, &nothing, &all), 0);
	port = eio_listen_port(all.v[0].fd);
	snprintf(again, sizeof again, "localhost:%u", port);
	assert_int_equal(listeners_prepare(&all, &second, &next, why), 0);
	assert_false(all.addresses[0].goes);
	assert_true(all.addresses[1].goes);
	assert_false(next.addresses[0].kept);
	assert_true(next.addresses[1].kept);
	assert_int_equal(next.addresses[1].before, 0);
	assert_int_equal(next.n, 4);
	assert_int_equal(listeners_of(&next, 1)->fd, all.v[0].fd);
	assert_true(listeners_of(&next, 1)->kept);
	/* It may as well be forgotten, or come. */
	listeners_forget(&next);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(listeners_prepare(&all, &second, &next, why), 0);
	for (size_t i = 0; i < all.n; i++)
		if (all.addresses[all.v[i].address].goes) close(all.v[i].fd);
	listeners_replace(&all, &next);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(all.n_addresses, 2);
	assert_int_equal(eio_listen_port(listeners_of(&all, 1)->fd), port);
	close_all(&all);
	rmdir(folder);
}

/* One of several that cannot be had: none of them is left, and those of now are as they were. */
static void
one_that_cannot_be_had(void **state)
{
	char folder[] = "/tmp/test_listeners.XXXXXX", path[64], text[80], taken[32], why[LISTENERS_WHY_MAX];
	struct config_listen before = { .text = "127.0.0.1:0", .host = "127.0.0.1" };
	struct config_listen after[] = { { .text = text, .path = path }, { .text = taken, .host = "127.0.0.1" } };
	const struct config first = { .listen = &before, .n_listen = 1, .workers = 2 };
	const struct config second = { .listen = after, .n_listen = 2, .workers = 2 };
	struct inherited nothing = { .n = 0 };
	struct listeners all, stranger, next;

	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/sock", folder);
	snprintf(text, sizeof text, "unix:%s", path);
	assert_int_equal(listeners_open(&first, &nothing, &all), 0);
	assert_int_equal(listeners_open(&first, &nothing, &stranger), 0);
	snprintf(taken, sizeof taken, "127.0.0.1:%u", eio_listen_port(stranger.v[0].fd));
	assert_int_equal(listeners_prepare(&all, &second, &next, why), -1);
	assert_non_null(strstr(why, taken));
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(next.n, 0);
	assert_int_not_equal(eio_listen_port(all.v[0].fd), 0);
	close_all(&stranger);
	close_all(&all);
	rmdir(folder);
}

/* What a service manager holds is kept for when it is wanted again. */
static void
held_and_wanted_again(void **state)
{
	char text[32], why[LISTENERS_WHY_MAX];
	struct config_listen held = { .text = text, .host = "127.0.0.1" },
			     other = { .text = "127.0.0.1:0", .host = "127.0.0.1" };
	const struct config first = { .listen = &held, .n_listen = 1, .workers = 2 };
	const struct config second = { .listen = &other, .n_listen = 1, .workers = 2 };
	struct inherited in = { .n = 0 };
	struct listeners all, next;
	int fd = eio_listen("127.0.0.1:0");

	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	snprintf(text, sizeof text, "127.0.0.1:%u", eio_listen_port(fd));
	add(&in, fd, "x");
	assert_int_equal(listeners_open(&first, &in, &all), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(listeners_prepare(&all, i % 2 ? &first : &second, &next, why), 0);
		for (size_t k = 0; k < all.n; k++) close(all.v[k].fd);
		listeners_replace(&all, &next);
		assert_int_equal(all.n, 2);
		assert_int_equal(all.addresses[0].held, i % 2);
	}
	close_all(&all);
	inherited_close(&in);
}

static void
addresses_that_overlap(void **state)
{
	static const struct {
		const char *one, *other;
		bool overlap;
	} cases[] = { { "127.0.0.1", "0.0.0.0", true }, { "0.0.0.0", "127.0.0.1", true }, { "127.0.0.1", "[::]", true },
		{ "127.0.0.1", "127.0.0.1", true }, { "127.0.0.1", "127.0.0.2", false },
		{ "127.0.0.1", "[::1]", false } };
	char text[40];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int fd;

		snprintf(text, sizeof text, "%s:0", cases[i].one);
		fd = eio_listen(text);
		assert_true(fd >= 0);
		snprintf(text, sizeof text, "%s:%u", cases[i].other, eio_listen_port(fd));
		assert_int_equal(eio_listen_overlaps(fd, text), cases[i].overlap);
		snprintf(text, sizeof text, "%s:%u", cases[i].other, eio_listen_port(fd) ^ 1);
		assert_false(eio_listen_overlaps(fd, text));
		assert_false(eio_listen_overlaps(fd, "unix:/tmp/x"));
		close(fd);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_addresses),
		cmocka_unit_test(a_port_that_is_taken),
		cmocka_unit_test(what_was_open_before),
		cmocka_unit_test(by_address_or_by_name),
		cmocka_unit_test(other_addresses),
		cmocka_unit_test(one_that_cannot_be_had),
		cmocka_unit_test(held_and_wanted_again),
		cmocka_unit_test(addresses_that_overlap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
