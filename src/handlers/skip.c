/* SPDX-License-Identifier: MIT */
/* Actions that are left out: told, so that somebody who wonders why nothing happens can find out. */
#include "src/handlers/handlers_int.h"

#include "sio/json.h"

void
handlers__skip(
	struct handlers_run *r, const struct handlers_action *a, const struct handlers_part *part, const char *why)
{
	struct handlers_skip skip = {
		.event = r->event,
		.action = handlers__action_name(a->type),
		.target = part->source ? eio_cstr(part->source) : eio_bytes("", 0),
		.why = why,
	};

	r->skipped = true;
	if (sio_json_kind(r->event) == SIO_JSON_STRING) skip.event = eio_bytes(r->event.p + 1, r->event.n - 2);
	r->call->ops->skipped(r->call->ctx, r->call->socket, &skip);
}
