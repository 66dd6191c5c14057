/* SPDX-License-Identifier: MIT */
/* What is left of runs that wait. */
#include "src/handlers/handlers_int.h"

#include "eio/check.h"

#include <stdlib.h>

bool
handlers__wait(struct handlers_run *r)
{
	CHECK(r->call->rest && !r->rest);
	r->rest = calloc(1, sizeof *r->rest);
	if (!r->rest) r->nomem = true;
	return r->rest;
}

void
handlers_rest_free(struct handlers_rest *rest)
{
	if (!rest) return;
	eio_buf_deinit(&rest->rooms);
	free(rest);
}

size_t
handlers_rest_bytes(const struct handlers_rest *rest)
{
	return sizeof *rest + rest->rooms.n;
}
