/* SPDX-License-Identifier: MIT */
/* Handing over; see the header. */
#include "src/handing.h"

#include "src/base/log.h"
#include "src/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

enum { LOOK_MS = 2 };

static int
add_copy(struct inherited *out, int fd, const char *name)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	return copy < 0 ? -1 : inherited_add(out, copy, name);
}

int
handing_sockets(const struct listeners *l, int admin, struct inherited *out)
{
	for (size_t i = 0; i < l->n; i++)
		if (add_copy(out, l->v[i].fd, l->v[i].held ? INHERITED_HELD : INHERITED_LISTENING)) return -1;
	for (size_t i = 0; i < l->parked.n; i++)
		if (l->parked.v[i].fd >= 0 && add_copy(out, l->parked.v[i].fd, INHERITED_HELD)) return -1;
	return admin < 0 ? 0 : add_copy(out, admin, INHERITED_LISTENING);
}

/* On the feed's thread. */
static void
save_for_successor(void *user)
{
	struct handing *h = user;

	h->state = state_memory_give(h->feed);
}

void
handing_begin(struct handing *h)
{
	h->begun_ns = uv_hrtime();
	h->state = -1;
	h->workers->hands_over = true;
	while (workers_accept_no_more(h->workers) && uv_hrtime() - h->begun_ns < HANDING_GRACE_MS * UINT64_C(1000000))
		uv_sleep(LOOK_MS);
	feed_hand_over(h->feed, &h->links, save_for_successor, h);
}

static int
give_all(struct handing *h)
{
	int err = 0;

	for (size_t i = 0; i < h->links.n && !err; i++)
		err = successor_give(h->successor, h->links.v[i].fd, h->links.v[i].name);
	if (!err && h->state >= 0) err = successor_give(h->successor, h->state, INHERITED_STATE);
	return err ? err : successor_go(h->successor);
}

void
handing_end(struct handing *h)
{
	int err = give_all(h);

	if (err)
		log_error_errno(err, "event=handing-over-failed pid=%d", (int)successor_waiting(h->successor));
	else
		log_info("event=handed-over pid=%d connections-to-redis=%zu ms=%" PRIu64,
			(int)successor_waiting(h->successor), h->links.n, (uv_hrtime() - h->begun_ns) / 1000000);
	inherited_discard(&h->links);
	if (h->state >= 0) close(h->state);
}
