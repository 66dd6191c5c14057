/* SPDX-License-Identifier: MIT */
/* A small table of kinds, by the addresses of their formats. */
#include "src/base/log_repeats.h"

#include <pthread.h>
#include <stddef.h>

enum {
	KINDS = 128, /* the daemon has about as many places that write */
	KIND_STEPS = 8, /* so far from where a kind should be it is looked for */
};

struct kind {
	const char *format; /* NULL: free */
	int level;
	uint64_t since_ms;
	uint64_t written, left; /* since then */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct kind kinds[KINDS]; /* {lock} */
static uint64_t left_in_all; /* {lock} so that mostly nobody looks through the table */

static bool
is_kind_over(const struct kind *k, uint64_t now_ms)
{
	return now_ms - k->since_ms >= LOG_REPEATS_MS;
}

/* Its place in the table, or one that it may have; NULL: there is none. */
static struct kind *
find_repeated(const char *format, uint64_t now_ms)
{
	size_t at = ((uintptr_t)format >> 3) * 0x9e3779b1u;
	struct kind *room = NULL;

	for (size_t i = 0; i < KIND_STEPS; i++) {
		struct kind *k = &kinds[(at + i) % KINDS];

		if (k->format == format) return k;
		if (!room && (!k->format || (is_kind_over(k, now_ms) && !k->left))) room = k;
	}
	if (room) *room = (struct kind){ .format = format, .since_ms = now_ms };
	return room;
}

bool
log_repeats_pass(const char *format, int level, uint64_t now_ms)
{
	bool pass = true;
	struct kind *k;

	pthread_mutex_lock(&lock);
	k = find_repeated(format, now_ms);
	if (k) {
		/* What was left out is told before, as soon as its time is over: see the caller. */
		if (is_kind_over(k, now_ms) && !k->left) *k = (struct kind){ .format = format, .since_ms = now_ms };
		k->level = level;
		pass = k->written < LOG_REPEATS_BURST;
		k->written += pass;
		k->left += !pass;
		left_in_all += !pass;
	}
	pthread_mutex_unlock(&lock);
	return pass;
}

bool
log_repeats_take(uint64_t now_ms, bool all, struct log_repeated *out)
{
	bool found = false;

	pthread_mutex_lock(&lock);
	for (size_t i = 0; left_in_all && i < KINDS && !found; i++) {
		struct kind *k = &kinds[i];

		if (!k->left || !(all || is_kind_over(k, now_ms))) continue;
		*out = (struct log_repeated){ .format = k->format, .level = k->level, .lines = k->left };
		left_in_all -= k->left;
		*k = (struct kind){ .format = NULL };
		found = true;
	}
	pthread_mutex_unlock(&lock);
	return found;
}
