/* SPDX-License-Identifier: MIT */
/* Sids out of random bytes. */
#include "eio/net/sid.h"

#include "eio/check.h"
#include "eio/net/server.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

_Static_assert(sizeof alphabet - 1 == EIO_MAX_SERVERS, "each server has a character of its own");

void
eio__sid_make(struct eio_random *random, unsigned index, char *sid)
{
	const unsigned char *bytes = eio_random_take(random, EIO_SID_LEN - 1);

	CHECK(index < EIO_MAX_SERVERS);
	/* The first character tells the server; 19 others of 6 random bits each are 114 bits. */
	sid[0] = alphabet[index];
	for (int i = 1; i < EIO_SID_LEN; i++) sid[i] = alphabet[bytes[i - 1] & 63];
	sid[EIO_SID_LEN] = '\0';
}

int
eio__sid_owner(struct eio_bytes sid)
{
	const char *at = sid.n == EIO_SID_LEN ? memchr(alphabet, sid.p[0], sizeof alphabet - 1) : NULL;

	return at ? (int)(at - alphabet) : -1;
}
