/* SPDX-License-Identifier: MIT */
/* What is no hub's goes its way as if there were none. */
#include "src/worker/relaying.h"

#include "src/relay/hub.h"
#include "src/worker/elsewhere.h"
#include "src/worker/forward.h"

static void
take_plain_upgrade(struct worker *w, struct eio_upgrade *up)
{
	if (w->peers)
		elsewhere_upgrade_arrived(w, up);
	else
		forward_take_upgrade(w, up);
}

static void
on_upgrade_of_hub(void *user, struct eio_upgrade *up)
{
	struct worker *w = user;

	CHECK_MAGIC(w, WORKER_MAGIC);
	if (!eio_bytes_eq(up->req->path, eio_cstr(RELAY_PATH)))
		take_plain_upgrade(w, up);
	else if (w->draining)
		eio_upgrade_free(up);
	else
		relay_hub_take(w->shared->hub, up);
}

void (*relaying_upgrades(const struct worker *w))(void *user, struct eio_upgrade *up)
{
	if (w->shared->hub) return on_upgrade_of_hub;
	return w->peers ? elsewhere_upgrade_arrived : forward_take_upgrade;
}
