/* SPDX-License-Identifier: MIT */
/* Between a worker's servers and the other nodes. */
#include "src/worker/elsewhere.h"

#include "src/worker/forward.h"
#include "src/worker/site.h"

static void
on_unknown(void *user, struct eio_exchange *ex)
{
	struct worker *w = user;

	CHECK_MAGIC(w, WORKER_MAGIC);
	eio_server_answer_unknown(w->server, ex);
}

static void
on_unknown_upgrade(void *user, struct eio_upgrade *up)
{
	struct worker *w = user;

	CHECK_MAGIC(w, WORKER_MAGIC);
	eio_server_refuse_unknown(w->server, up);
}

int
elsewhere_open(struct worker *w)
{
	struct peers_options o = {
		.loop = &w->thread->loop,
		.clock = &w->thread->clock,
		.random = &w->thread->random,
		.metrics = w->thread->metrics,
		.unknown = on_unknown,
		.unknown_upgrade = on_unknown_upgrade,
		.user = w,
	};

	if (!config_fill_peers(w->shared->config, &o)) return 0;
	w->peers = peers_new(&o);
	return w->peers ? 0 : -1;
}

void
elsewhere_exchange(void *user, struct eio_bytes node, struct eio_exchange *ex, enum eio_stage stage)
{
	struct worker *w = user;

	CHECK_MAGIC(w, WORKER_MAGIC);
	peers_exchange(w->peers, node, ex, stage);
}

void
elsewhere_upgrade(void *user, struct eio_bytes node, struct eio_upgrade *up)
{
	struct worker *w = user;

	CHECK_MAGIC(w, WORKER_MAGIC);
	peers_upgrade(w->peers, node, up);
}

void
elsewhere_arrived(void *user, struct eio_exchange *ex, enum eio_stage stage)
{
	struct worker *w = user;

	CHECK_MAGIC(w, WORKER_MAGIC);
	if (stage == EIO_STAGE_ABORT || peers_receive(w->peers, ex, &stage)) site_exchange(w, ex, stage);
}

void
elsewhere_upgrade_arrived(void *user, struct eio_upgrade *up)
{
	struct worker *w = user;

	CHECK_MAGIC(w, WORKER_MAGIC);
	if (peers_receive_upgrade(w->peers, up)) forward_take_upgrade(w, up);
}
