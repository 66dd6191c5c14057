/* SPDX-License-Identifier: MIT */
/* Makes single allocations fail, for tests linked with -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc, and strdup
 * and strndup where that is wanted. One thread. */
#ifndef TESTS_UNIT_FAILMALLOC_H
#define TESTS_UNIT_FAILMALLOC_H

#include <stdbool.h>

/* Runs a scenario with its first allocation failing, then with its second, and so on until it gets through without: it
 * must return nomem each time, and 0 in the end, which must take at_least allocations. */
void failmalloc_every(int (*scenario)(void), int nomem, long at_least);

/* Lets the nth allocation from now on fail, counted from 0; and ends that: whether it came so far. */
void failmalloc_arm(long n);
bool failmalloc_disarm(void);

#endif
