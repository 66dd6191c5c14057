/* SPDX-License-Identifier: MIT */
/* json_block.c once more, compiled for processors with AVX2, which need less than half of the instructions to make the
 * masks. sio_json_check() chooses when it runs. */
#if defined(__x86_64__) && defined(__SSE2__)

#include <immintrin.h> /* its functions know themselves what they need */

#define EIO_VECTOR_AVX2 1
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
