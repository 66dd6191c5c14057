/* SPDX-License-Identifier: MIT */
/* By which names the admin port may be asked. */
#include "src/admin/hosts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <unistd.h>

static void
test_hosts(void **state)
{
	static const char *const names[] = { "metrics.example.org" };
	static const struct {
		const char *host;
		bool known;
	} cases[] = {
		{ "", true },
		{ "127.0.0.1", true },
		{ "127.0.0.1:9464", true },
		{ "10.1.2.3:9464", true },
		{ "[::1]", true },
		{ "[2001:db8::1]:9464", true },
		{ "localhost:9464", true },
		{ "LocalHost", true },
		{ "siocast.localhost:9464", true },
		{ "siocast:9464", true },
		{ "metrics.example.org", true },
		{ "Metrics.Example.ORG:9464", true },
		{ "example.org", false },
		{ "evil.example:9464", false },
		{ "127.0.0.1.evil.example", false },
		{ "1.2.3", false },
		{ "metrics.example.org.evil.example", false },
		{ "evil-metrics.example.org", false },
		{ "localhost.evil.example", false },
		{ ".localhost", false },
		{ "[::1", false },
		{ "[]", false },
		{ ":9464", false },
	};
	char own[256] = "";

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		if (admin_host_known(eio_cstr(cases[i].host), names, 1) != cases[i].known)
			fail_msg("%s", cases[i].host);
	assert_int_equal(gethostname(own, sizeof own - 1), 0);
	assert_true(admin_host_known(eio_cstr(own), NULL, 0));
	assert_false(admin_host_known(EIO_LIT("metrics.example.org"), NULL, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_hosts) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
