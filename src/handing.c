/* SPDX-License-Identifier: MIT */
/* Handing over; see the header. */
#include "src/handing.h"

#include "src/base/log.h"
#include "src/state_file.h"
#include "src/worker/passage.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum { LOOK_MS = 10 };

static volatile sig_atomic_t told_to_end;

static int
add_copy(struct inherited *out, int fd, const char *name)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	return copy < 0 ? -1 : inherited_add(out, copy, name);
}

int
handing_sockets(
	const struct listeners *l, const struct admin *admin, const struct beside *beside, struct inherited *out)
{
	for (size_t i = 0; i < l->n; i++)
		if (add_copy(out, l->v[i].fd, l->v[i].held ? INHERITED_HELD : INHERITED_LISTENING)) return -1;
	for (size_t i = 0; i < l->parked.n; i++)
		if (l->parked.v[i].fd >= 0 && add_copy(out, l->parked.v[i].fd, INHERITED_HELD)) return -1;
	if (admin && add_copy(out, admin_listening(admin), INHERITED_LISTENING)) return -1;
	return beside_hand(beside, out) ? -1 : 0;
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
	h->workers->leave = handing_connection;
	h->workers->leave_user = h;
	h->workers->hands_over = true;
	workers_hold(h->workers);
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
	size_t n_redis = h->links.n;
	int err;

	adopting_give(h->adopting, &h->links);
	err = give_all(h);
	if (err)
		log_error_errno(err, "event=handing-over-failed pid=%d", (int)successor_waiting(h->successor));
	else
		log_info("event=handed-over pid=%d connections-to-redis=%zu ms=%" PRIu64,
			(int)successor_waiting(h->successor), n_redis, (uv_hrtime() - h->begun_ns) / 1000000);
	h->goes_on = !err;
	inherited_discard(&h->links);
	if (h->state >= 0) close(h->state);
}

/* Connections */

/* It is too late for anything else, so what cannot be passed on is closed. */
static void
pass_connection(struct handing *h, struct eio_buf *message, int fd)
{
	int err = eio_buf_failed(message) || message->n > PASSAGE_MAX ? -EMSGSIZE : 0;

	if (!err && atomic_load(&h->broken)) err = -EPIPE;
	if (!err) {
		err = successor_pass(h->successor, eio_buf_bytes(message), fd);
		/* Who does not read keeps none of the others waiting. */
		if (err && err != -EMSGSIZE) atomic_store(&h->broken, true);
	}
	atomic_fetch_add(&h->left, 1);
	if (err) atomic_fetch_add(&h->lost, 1);
	close(fd);
	eio_buf_deinit(message);
}

static void
keep_early(struct handing *h, struct eio_buf *message, int fd)
{
	struct handing_early *more = realloc(h->early, (h->n_early + 1) * sizeof *more);

	if (!more) {
		close(fd);
		eio_buf_deinit(message);
		return;
	}
	h->early = more;
	more[h->n_early++] = (struct handing_early){ fd, *message };
}

void
handing_connection(void *user, const struct eio_leaver *l, const char *address)
{
	struct handing *h = user;
	struct eio_buf message;

	eio_buf_init(&message);
	passage_write(l, address, &message);
	if (h->goes_on)
		pass_connection(h, &message, l->fd);
	else
		keep_early(h, &message, l->fd);
}

static void
note_end(int signum)
{
	(void)signum;
	told_to_end = 1;
}

void
handing_leave(struct handing *h)
{
	uint64_t begun_ns = uv_hrtime(), end_ns = begun_ns + HANDING_STAY_MS * UINT64_C(1000000);
	size_t left = 0;

	/* The next process works: who ends this one now loses connections that cannot be passed on, and no state. */
	signal(SIGTERM, note_end);
	for (size_t i = 0; i < h->n_early; i++) pass_connection(h, &h->early[i].message, h->early[i].fd);
	free(h->early);
	while (h->goes_on && !atomic_load(&h->broken) && (left = workers_leave(h->workers))) {
		if (told_to_end || uv_hrtime() >= end_ns) break;
		uv_sleep(LOOK_MS);
	}
	log_info("event=left connections=%u lost=%u cut=%zu ms=%" PRIu64, atomic_load(&h->left), atomic_load(&h->lost),
		left, (uv_hrtime() - begun_ns) / 1000000);
}
