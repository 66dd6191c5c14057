/* SPDX-License-Identifier: MIT */
/* Hosts. */
#include "src/redis/host.h"

#include <ctype.h>

enum { HOST_BYTES = 255 };

bool
redis_is_host(struct eio_bytes s)
{
	if (!s.n || s.n > HOST_BYTES) return false;
	for (size_t i = 0; i < s.n; i++)
		if (!isalnum((unsigned char)s.p[i]) && !memchr(".-_:%", s.p[i], 5)) return false;
	return true;
}
