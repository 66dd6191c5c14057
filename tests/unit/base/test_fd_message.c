/* SPDX-License-Identifier: MIT */
/* Messages with and without a descriptor, between two sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/base/fd_message.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void
open_pair(int *pair)
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
}

static void
descriptors_go_along(void **state)
{
	int pair[2], pipes[2], fd;
	char text[16];

	(void)state;
	open_pair(pair);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(fd_message_receive(pair[1], text, sizeof text, &fd, MSG_DONTWAIT), -EAGAIN);
	assert_int_equal(fd_message_send(pair[0], EIO_LIT("with one"), pipes[1]), 0);
	assert_int_equal(fd_message_send(pair[0], EIO_LIT("without"), -1), 0);
	assert_int_equal(fd_message_receive(pair[1], text, sizeof text, &fd, 0), 8);
	assert_memory_equal(text, "with one", 8);
	assert_true(fd >= 0 && fd != pipes[1]);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	/* It is the same pipe. */
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(read(pipes[0], text, 1), 1);
	close(fd);
	assert_int_equal(fd_message_receive(pair[1], text, sizeof text, &fd, MSG_DONTWAIT), 7);
	assert_int_equal(fd, -1);
	close(pipes[0]);
	close(pipes[1]);
	close(pair[0]);
	close(pair[1]);
}

static void
ends_are_told(void **state)
{
	int pair[2], fd;
	char text[4];

	(void)state;
	open_pair(pair);
	assert_int_equal(fd_message_send(pair[0], EIO_LIT("too long"), -1), 0);
	assert_int_equal(fd_message_receive(pair[1], text, sizeof text, &fd, 0), sizeof text);
	assert_memory_equal(text, "too ", 4);
	close(pair[0]);
	assert_int_equal(fd_message_receive(pair[1], text, sizeof text, &fd, 0), 0);
	assert_int_equal(fd_message_send(pair[1], EIO_LIT("nobody"), -1), -EPIPE);
	close(pair[1]);
	assert_int_equal(fd_message_send(-1, EIO_LIT("nowhere"), -1), -EBADF);
	assert_int_equal(fd_message_receive(-1, text, sizeof text, &fd, 0), -EBADF);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(descriptors_go_along),
		cmocka_unit_test(ends_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
