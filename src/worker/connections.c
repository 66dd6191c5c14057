/* SPDX-License-Identifier: MIT */
/* One count of connections for all workers. */
#include "src/worker/connections.h"

#include "src/worker/worker_int.h"

static uint64_t
connections_of(const struct worker *w)
{
	uint64_t open = eio_httpd_stats(w->httpd)->open + eio_server_stats(w->server)->websockets;

	return w->peers ? open + peers_connections(w->peers) : open;
}

/* Makes the common count what it is with so many of this worker, and returns it. */
static uint64_t
count_connections(struct worker *w, uint64_t open)
{
	uint64_t more = open - w->counted; /* or less: it wraps around, and so does the sum */

	w->counted = open;
	return atomic_fetch_add_explicit(&w->shared->connections, more, memory_order_relaxed) + more;
}

bool
connections_admit(struct worker *w)
{
	uint64_t max = w->shared->max_connections, open;

	if (max == 0) return true;
	/* With the new one, so that of two workers that ask for the last place one only gets it. */
	open = connections_of(w);
	if (count_connections(w, open + 1) <= max) return true;
	count_connections(w, open);
	return false;
}

void
connections_tell(struct worker *w)
{
	uint64_t open;

	if (w->shared->max_connections == 0) return;
	open = connections_of(w);
	if (open != w->counted) count_connections(w, open);
}
