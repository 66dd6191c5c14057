/* SPDX-License-Identifier: MIT */
/* Users by name and number, and giving up what is more than a user's: in a child, for there is no way back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/base/privileges.h"

#include <grp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Every system has this user, who is in a group of its own. */
#define SOMEBODY "daemon"

static void
by_name(void **state)
{
	struct account a, b;
	char number[32];

	(void)state;
	assert_int_equal(account_find(&a, SOMEBODY, NULL), ACCOUNT_OK);
	assert_true(a.uid > 0 && a.n_groups >= 1);
	assert_int_equal(a.groups[0], a.gid);
	snprintf(number, sizeof number, "%u", (unsigned)a.uid);
	assert_int_equal(account_find(&b, number, NULL), ACCOUNT_OK);
	assert_int_equal(b.uid, a.uid);
	assert_int_equal(b.gid, a.gid);
	assert_int_equal(b.n_groups, a.n_groups);
	account_deinit(&b);
	assert_int_equal(account_find(&b, SOMEBODY, "root"), ACCOUNT_OK);
	assert_int_equal(b.gid, 0);
	account_deinit(&b);
	account_deinit(&a);
	assert_null(a.groups);
}

static void
by_number(void **state)
{
	struct account a;

	(void)state;
	assert_int_equal(account_find(&a, "3999999999", "3999999998"), ACCOUNT_OK);
	assert_int_equal(a.uid, 3999999999u);
	assert_int_equal(a.gid, 3999999998u);
	assert_int_equal(a.n_groups, 1);
	assert_int_equal(a.groups[0], 3999999998u);
	account_deinit(&a);
}

static void
faults(void **state)
{
	static const struct {
		const char *user, *group;
		enum account_fault fault;
	} cases[] = {
		{ "no such user", NULL, ACCOUNT_NO_USER },
		{ "", NULL, ACCOUNT_NO_USER },
		{ "-1", NULL, ACCOUNT_NO_USER },
		{ "4294967295", "1", ACCOUNT_NO_USER }, /* "none" */
		{ "4294967296", "1", ACCOUNT_NO_USER }, /* would be 0 */
		{ "1x", "1", ACCOUNT_NO_USER },
		{ "root", NULL, ACCOUNT_ROOT },
		{ "0", "1", ACCOUNT_ROOT },
		{ "3999999999", NULL, ACCOUNT_GROUP_WANTED },
		{ SOMEBODY, "no such group", ACCOUNT_NO_GROUP },
		{ SOMEBODY, "4294967295", ACCOUNT_NO_GROUP },
	};
	struct account a;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		if (account_find(&a, cases[i].user, cases[i].group) != cases[i].fault)
			fail_msg("case %zu, user \"%s\"", i, cases[i].user);
		assert_null(a.groups);
		assert_true(*account_fault_text(cases[i].fault));
	}
}

/* A child's exit status says which step failed; 0: none. */
static void
in_child(int (*body)(void))
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) _exit(body());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int
keep_user(void)
{
	struct privileges before, left;

	privileges_now(&before);
	if (privileges_drop(NULL, &left)) return 1;
	if (left.uid != before.uid || left.gid != before.gid) return 2;
	if (left.capabilities || !left.no_new) return 3;
	/* Who may not shrink the bounding set, because of having no capabilities, keeps it. */
	if (left.bounding != (before.capabilities ? 0 : before.bounding)) return 4;
	if (privileges_drop(NULL, &left)) return 5;
	return left.capabilities || !left.no_new ? 6 : 0;
}

static void
without_a_user(void **state)
{
	(void)state;
	in_child(keep_user);
}

static void *
look_again(void *out)
{
	privileges_now(out);
	return NULL;
}

static int
become_somebody(void)
{
	struct privileges left, threads;
	struct account a;
	pthread_t thread;
	gid_t groups[64];

	if (account_find(&a, SOMEBODY, NULL)) return 1;
	if (privileges_drop(&a, &left)) return 2;
	if (left.uid != a.uid || left.gid != a.gid || left.capabilities || left.bounding || !left.no_new) return 3;
	if (getgroups(64, groups) != a.n_groups || memcmp(groups, a.groups, (size_t)a.n_groups * sizeof *groups))
		return 4;
	/* A thread that begins now has no more. */
	if (pthread_create(&thread, NULL, look_again, &threads) || pthread_join(thread, NULL)) return 5;
	if (threads.uid != a.uid || threads.capabilities || threads.bounding || !threads.no_new) return 6;
	if (setuid(0) == 0 || setgid(0) == 0 || setgroups(0, NULL) == 0) return 7;
	account_deinit(&a);
	return 0;
}

static void
with_a_user(void **state)
{
	(void)state;
	if (geteuid() != 0) skip();
	in_child(become_somebody);
}

/* Root that may not change users, as in some containers: it must not go on as root. */
static int
forbidden_to_become(void)
{
	struct privileges left;
	struct account a;

	if (account_find(&a, SOMEBODY, NULL)) return 1;
	if (privileges_drop(NULL, &left)) return 2;
	if (privileges_drop(&a, &left) >= 0) return 3;
	if (geteuid() != 0) return 4;
	account_deinit(&a);
	return 0;
}

static void
where_it_is_forbidden(void **state)
{
	(void)state;
	if (geteuid() != 0) skip();
	in_child(forbidden_to_become);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_name),
		cmocka_unit_test(by_number),
		cmocka_unit_test(faults),
		cmocka_unit_test(without_a_user),
		cmocka_unit_test(with_a_user),
		cmocka_unit_test(where_it_is_forbidden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
