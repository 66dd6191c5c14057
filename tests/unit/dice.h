/* SPDX-License-Identifier: MIT */
/* Random numbers that are the same in each run. One thread. */
#ifndef TESTS_UNIT_DICE_H
#define TESTS_UNIT_DICE_H

#include <stdint.h>

/* What a test sets before it begins. */
static uint64_t dice_state;

static inline unsigned
dice(unsigned sides)
{
	dice_state = dice_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(dice_state >> 33) % sides;
}

#endif
