/* SPDX-License-Identifier: MIT */
/* All channels of one connection, wanted of another. */
#include "src/redis/channels_int.h"

int
redis_channels_want_all(struct redis_channels *c, const struct redis_channels *other)
{
	EIO_HASH_FOREACH(n, &other->all) {
		const struct redis_channel *one = EIO_CONTAINER(n, struct redis_channel, node);
		struct eio_bytes name = eio_bytes(one->name, one->n);

		for (unsigned i = 0; i < one->wants; i++)
			if (redis_channels_want(c, one->kind, name) < 0) return -1;
	}
	return 0;
}
