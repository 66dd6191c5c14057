/* SPDX-License-Identifier: MIT */
/* What a service manager hears, by sockets such as systemd's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/service/notify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct manager {
	char folder[32], name[64]; /* of its socket, as the environment says it */
	int fd;
};

static void
listen_at(struct manager *m, bool abstract)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t n;

	snprintf(m->folder, sizeof m->folder, "/tmp/siocast-test-XXXXXX");
	assert_non_null(mkdtemp(m->folder));
	n = (size_t)snprintf(m->name, sizeof m->name, "%s%s/notify", abstract ? "@" : "", m->folder);
	memcpy(a.sun_path, m->name, n);
	if (abstract) a.sun_path[0] = '\0';
	m->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(m->fd >= 0);
	assert_int_equal(
		bind(m->fd, (struct sockaddr *)&a, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + !abstract)),
		0);
	setenv("NOTIFY_SOCKET", m->name, 1);
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

static void
leave(struct manager *m)
{
	close(m->fd);
	if (*m->name == '/') unlink(m->name);
	rmdir(m->folder);
}

static void
expect_heard(const struct manager *m, const char *text)
{
	char got[1024];
	ssize_t n = recv(m->fd, got, sizeof got - 1, 0);

	assert_true(n >= 0);
	got[n] = '\0';
	assert_string_equal(got, text);
}

static void
expect_nothing(const struct manager *m)
{
	char got[16];

	assert_int_equal(recv(m->fd, got, sizeof got, 0), -1);
	assert_int_equal(errno, EAGAIN);
}

static void
talk(bool abstract)
{
	struct manager m;
	struct notify n;

	listen_at(&m, abstract);
	assert_int_equal(notify_open(&n), 0);
	assert_int_equal(n.watchdog_us, 0);
	/* What this starts is not told to speak for it. */
	assert_null(getenv("NOTIFY_SOCKET"));
	assert_true(notify_send(&n, true, "READY=1\nSTATUS=%d clients", 3));
	expect_heard(&m, "READY=1\nSTATUS=3 clients");
	assert_true(notify_send(&n, false, "WATCHDOG=1"));
	expect_heard(&m, "WATCHDOG=1");
	expect_nothing(&m);
	notify_close(&n);
	assert_false(notify_send(&n, true, "STOPPING=1"));
	leave(&m);
}

static void
by_a_path(void **state)
{
	(void)state;
	talk(false);
}

static void
by_an_abstract_name(void **state)
{
	(void)state;
	talk(true);
}

static void
long_text_is_cut(void **state)
{
	struct manager m;
	struct notify n;
	char text[601], cut[512];

	(void)state;
	memset(text, 'x', 600);
	text[600] = '\0';
	snprintf(cut, sizeof cut, "%.511s", text);
	listen_at(&m, false);
	assert_int_equal(notify_open(&n), 0);
	assert_true(notify_send(&n, true, "%s", text));
	expect_heard(&m, cut);
	notify_close(&n);
	leave(&m);
}

/* A manager that reads nothing holds up nobody. */
static void
nobody_reads(void **state)
{
	struct manager m;
	struct notify n;
	unsigned sent = 0;

	(void)state;
	listen_at(&m, false);
	assert_int_equal(notify_open(&n), 0);
	while (sent < 100000 && notify_send(&n, false, "WATCHDOG=1")) sent++;
	assert_in_range(sent, 1, 99999);
	expect_heard(&m, "WATCHDOG=1");
	assert_true(notify_send(&n, false, "WATCHDOG=1"));
	notify_close(&n);
	leave(&m);
}

static void
nobody_asks(void **state)
{
	struct notify n;

	(void)state;
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(notify_open(&n), 0);
	assert_int_equal(n.fd, -1);
	setenv("NOTIFY_SOCKET", "", 1);
	setenv("WATCHDOG_USEC", "1000000", 1);
	assert_int_equal(notify_open(&n), 0);
	assert_int_equal(n.fd, -1);
	assert_int_equal(n.watchdog_us, 0);
	assert_null(getenv("WATCHDOG_USEC"));
}

static void
nobody_is_there(void **state)
{
	static const struct {
		const char *name;
		int err;
	} c[] = {
		{ "/nonexistent/notify", ENOENT },
		{ "@siocast-nobody-is-here", ECONNREFUSED },
		{ "vsock:2:1234", EINVAL },
		{ "notify", EINVAL },
		{ "/", EINVAL },
		{ "@", EINVAL },
		{ "/0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
		  "0123456789",
			EINVAL },
	};
	struct notify n;

	(void)state;
	for (size_t i = 0; i < sizeof c / sizeof c[0]; i++) {
		setenv("NOTIFY_SOCKET", c[i].name, 1);
		assert_int_equal(notify_open(&n), c[i].err);
		assert_int_equal(n.fd, -1);
		assert_null(getenv("NOTIFY_SOCKET"));
	}
}

static void
watchdog(void **state)
{
	char me[16], other[16];
	const struct {
		const char *usec, *pid;
		uint64_t us;
	} c[] = {
		{ "30000000", NULL, 30000000 },
		{ "30000000", me, 30000000 },
		{ "30000000", other, 0 },
		{ "0", me, 0 },
		{ "soon", me, 0 },
		{ "1s", me, 0 },
		{ "", me, 0 },
		{ "99999999999999999999999", me, 0 },
		{ NULL, me, 0 },
	};
	struct notify n;

	(void)state;
	snprintf(me, sizeof me, "%d", (int)getpid());
	snprintf(other, sizeof other, "%d", (int)getppid());
	for (size_t i = 0; i < sizeof c / sizeof c[0]; i++) {
		struct manager m;

		listen_at(&m, true);
		if (c[i].usec) setenv("WATCHDOG_USEC", c[i].usec, 1);
		if (c[i].pid) setenv("WATCHDOG_PID", c[i].pid, 1);
		assert_int_equal(notify_open(&n), 0);
		assert_int_equal(n.watchdog_us, c[i].us);
		notify_close(&n);
		leave(&m);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_a_path),
		cmocka_unit_test(by_an_abstract_name),
		cmocka_unit_test(long_text_is_cut),
		cmocka_unit_test(nobody_reads),
		cmocka_unit_test(nobody_asks),
		cmocka_unit_test(nobody_is_there),
		cmocka_unit_test(watchdog),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
