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
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { ADDRESSES = 2 };

static void
close_all(int *fds)
{
	for (int i = 0; i < ADDRESSES; i++) close(fds[i]);
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
	const struct config c = { .listen = listen, .n_listen = ADDRESSES };
	int first[ADDRESSES], second[ADDRESSES], peer, taken;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/sock", folder);
	snprintf(text, sizeof text, "unix:%s", path);
	assert_int_equal(listeners_open(&c, NULL, first), 0);
	assert_int_equal(listeners_open(&c, first, second), 0);
	assert_int_not_equal(eio_listen_port(first[0]), 0);
	assert_int_equal(eio_listen_port(second[0]), eio_listen_port(first[0]));
	close(first[1]);
	peer = connect_unix(path);
	taken = accept(second[1], NULL, NULL);
	assert_true(taken >= 0);
	close(taken);
	close(peer);
	first[1] = -1;
	close_all(first);
	close_all(second);
	unlink(path);
	rmdir(folder);
}

/* Nobody else may listen there, though sockets with SO_REUSEPORT could share it. */
static void
a_port_that_is_taken(void **state)
{
	char text[32];
	struct config_listen listen = { .text = "127.0.0.1:0", .host = "127.0.0.1" };
	const struct config c = { .listen = &listen, .n_listen = 1 };
	int first, other;

	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	assert_int_equal(listeners_open(&c, NULL, &first), 0);
	listen.port = eio_listen_port(first);
	snprintf(text, sizeof text, "127.0.0.1:%u", listen.port);
	listen.text = text;
	assert_int_equal(listeners_open(&c, NULL, &other), -1);
	assert_int_equal(listeners_open(&c, &first, &other), 0);
	close(first);
	close(other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_addresses),
		cmocka_unit_test(a_port_that_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
