/* SPDX-License-Identifier: MIT */
/* Names of channels. */
#include "src/redis/marker.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

static const char marker_prefix[] = "siocast:";

enum { MARKER_PREFIX = sizeof marker_prefix - 1 };

int
redis_marker_name(char name[REDIS_MARKER_NAME])
{
	uint64_t random;

	if (uv_random(NULL, NULL, &random, sizeof random, 0, NULL)) return -1;
	snprintf(name, REDIS_MARKER_NAME, "%s%016" PRIx64, marker_prefix, random);
	return 0;
}

bool
redis_is_marker(struct eio_bytes channel)
{
	if (channel.n != REDIS_MARKER_NAME - 1 || memcmp(channel.p, marker_prefix, MARKER_PREFIX) != 0) return false;
	for (size_t i = MARKER_PREFIX; i < channel.n; i++)
		if (!memchr("0123456789abcdef", channel.p[i], 16)) return false;
	return true;
}
