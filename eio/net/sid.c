/* SPDX-License-Identifier: MIT */
/*
 * Sids out of random bytes. Their first character tells the server. Where the node has a name, the second one is its
 * length, and the name follows: so it is found without a list of names, by a proxy's regular expression, too. The rest
 * is random, 6 bits each.
 */
#include "eio/net/sid.h"

#include "eio/check.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

enum { NAME_AT = 2 };

_Static_assert(sizeof alphabet - 1 == EIO_MAX_SERVERS, "each server has a character of its own");
/* 19 characters are random without a name: 114 bits. */
_Static_assert((EIO_SID_LEN - NAME_AT - EIO_NODE_MAX) * 6 >= 72, "what is left with a name cannot be guessed");

static int
index_of(char c)
{
	const char *at = memchr(alphabet, c, sizeof alphabet - 1);

	return at ? (int)(at - alphabet) : -1;
}

bool
eio_node_valid(struct eio_bytes name)
{
	if (name.n == 0 || name.n > EIO_NODE_MAX) return false;
	for (size_t i = 0; i < name.n; i++)
		if (index_of(name.p[i]) < 0) return false;
	return true;
}

char
eio_node_mark(struct eio_bytes name)
{
	CHECK(eio_node_valid(name));
	return alphabet[name.n];
}

void
eio__sid_make(struct eio_random *random, unsigned index, struct eio_bytes node, char *sid)
{
	const unsigned char *bytes = eio_random_take(random, EIO_SID_LEN - 1);

	CHECK(index < EIO_MAX_SERVERS);
	sid[0] = alphabet[index];
	for (int i = 1; i < EIO_SID_LEN; i++) sid[i] = alphabet[bytes[i - 1] & 63];
	sid[EIO_SID_LEN] = '\0';
	if (node.n == 0) return;
	sid[NAME_AT - 1] = eio_node_mark(node);
	memcpy(sid + NAME_AT, node.p, node.n);
}

int
eio__sid_owner(struct eio_bytes sid)
{
	return sid.n == EIO_SID_LEN ? index_of(sid.p[0]) : -1;
}

struct eio_bytes
eio__sid_node(struct eio_bytes sid)
{
	int n = sid.n == EIO_SID_LEN ? index_of(sid.p[NAME_AT - 1]) : 0;
	struct eio_bytes name = eio_bytes(n > 0 ? sid.p + NAME_AT : "", n > 0 && n <= EIO_NODE_MAX ? (size_t)n : 0);

	return eio_node_valid(name) ? name : eio_bytes("", 0);
}
