/* SPDX-License-Identifier: MIT */
/* The wrapped allocator: see failmalloc.h. */
#include "tests/unit/failmalloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);

static long fail_at = -1; /* which allocation fails, counted down; negative: none */
static bool failed;

static bool
fails(void)
{
	if (fail_at < 0 || fail_at-- > 0) return false;
	failed = true;
	return true;
}

void *
__wrap_malloc(size_t n)
{
	return fails() ? NULL : __real_malloc(n);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t n)
{
	return fails() ? NULL : __real_realloc(p, n);
}

char *
__wrap_strndup(const char *s, size_t n)
{
	size_t length = strnlen(s, n);
	char *copy = __wrap_malloc(length + 1);

	if (!copy) return NULL;
	memcpy(copy, s, length);
	copy[length] = '\0';
	return copy;
}

char *
__wrap_strdup(const char *s)
{
	return __wrap_strndup(s, strlen(s));
}

void
failmalloc_arm(long n)
{
	fail_at = n;
	failed = false;
}

bool
failmalloc_disarm(void)
{
	fail_at = -1;
	return failed;
}

void
failmalloc_every(int (*scenario)(void), int nomem, long at_least)
{
	long n;
	int rc;

	for (n = 0;; n++) {
		failmalloc_arm(n);
		rc = scenario();
		if (!failmalloc_disarm()) break;
		if (rc != nomem) fail_msg("allocation %ld: %d", n, rc);
	}
	assert_int_equal(rc, 0);
	assert_true(n >= at_least);
}
