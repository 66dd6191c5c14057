/* SPDX-License-Identifier: MIT */
/* The pool of random bytes. */
#include "eio/net/random.h"

#include "eio/check.h"

#include <stdlib.h>
#include <uv.h>

const unsigned char *
eio_random_take(struct eio_random *r, size_t n)
{
	const unsigned char *p;

	CHECK(n <= sizeof r->bytes);
	if (r->left < n) {
		if (uv_random(NULL, NULL, r->bytes, sizeof r->bytes, 0, NULL)) abort();
		r->left = sizeof r->bytes;
	}
	p = r->bytes + sizeof r->bytes - r->left;
	r->left -= n;
	return p;
}
