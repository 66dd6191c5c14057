/* SPDX-License-Identifier: MIT */
/*
 * Lines of the log that come again and again, told apart by where they are written: the first of them are written, the
 * others counted, and how many they were is a line of its own. Of the log only; whoever bounds a kind of line by itself
 * (log_limited) has nothing to do with it.
 *
 * Threads: any. The table has a fixed size: a kind that finds no room is not bounded.
 */
#ifndef SRC_BASE_LOG_REPEATS_H
#define SRC_BASE_LOG_REPEATS_H

#include <stdbool.h>
#include <stdint.h>

/* So many lines of a kind in so long. More than an operator reads, and more than a mistaken configuration makes. */
#define LOG_REPEATS_BURST 20
#define LOG_REPEATS_MS 10000

/* Lines that were not written. */
struct log_repeated {
	const char *format; /* of the kind; borrowed */
	int level;
	uint64_t lines;
};

/* Whether a line may be written at now_ms, on a clock that only goes forward; else it is counted. format: that of the
 * call, which is a constant and tells the kind by its address. */
bool log_repeats_pass(const char *format, int level, uint64_t now_ms);

/* Takes out what was counted of one kind, whose time is over, or with `all` of any. False: there is nothing. */
bool log_repeats_take(uint64_t now_ms, bool all, struct log_repeated *out);

#endif
