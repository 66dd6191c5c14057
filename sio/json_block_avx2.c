/* SPDX-License-Identifier: MIT */
/* json_block.c once more, compiled for processors with AVX2, which need less than half of the instructions to make the masks.
 * sio_json_check() chooses when it runs. */
#include "sio/json_int.h"

#ifdef SIO__JSON_HAVE_AVX2

#include <immintrin.h> /* its functions know themselves what they need */

#define SIO__JSON_AVX2 1
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,bmi,pclmul,popcnt"))), apply_to = function)
#else
#pragma GCC target("avx2,bmi,pclmul,popcnt")
#endif

#include "sio/json_block.c"

#ifdef __clang__
#pragma clang attribute pop
#endif

#endif
