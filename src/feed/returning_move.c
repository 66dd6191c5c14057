/* SPDX-License-Identifier: MIT */
/* What sessions need while where they are kept comes to be another Redis. */
#include "src/feed/returning_int.h"

/* Those of clients that have gone, and that somebody elsewhere could take. */
void
returning__tell_kept(void *user, void (*tell)(void *user, const char pid[FEED_PID_LEN]), void *with)
{
	const struct feed_out *o = returning__of(user)->out;
	const struct kept *k = &o->ledger->kept;

	for (const struct eio_list *l = k->all.next; l != &k->all; l = l->next) {
		const struct feed_session *s = EIO_CONTAINER(
			(struct eio_list *)(uintptr_t)l, struct feed_session, link);

		if (s->is_signed && s->n_rooms && !feed_local_has(&o->journal->local, s->rooms[0].room->key.nsp))
			tell(with, s->pid);
	}
}

void
returning__write_tag(void *user, char out[FEED_TAG])
{
	feed_tag_write(returning__of(user)->out->ledger->kept.hash_key, eio_bytes("", 0), out);
}

/* What the one before has of who goes from now on may stay there. */
size_t
returning__tell_leaving(void *user)
{
	const struct feed_returning *r = returning__of(user);
	size_t told = 0;

	for (unsigned w = 0; w < r->out->options->workers; w++) {
		struct feed_stow *s = feed_stow_new(eio_bytes("", 0), eio_bytes("", 0));

		/* Without memory who goes just now begins anew. */
		if (!s) continue;
		s->result = FEED_STOW_LEAVES;
		mail_post(r->out->stows[w], &s->mail);
		told++;
	}
	return told;
}

/* Has a worker put its sessions again, behind what it is told of those that it asked for. */
static void
post_elsewhere(const struct feed_returning *r, unsigned worker)
{
	struct feed_stow *s = feed_stow_new(eio_bytes("", 0), eio_bytes("", 0));

	if (!s) {
		log_error("event=sessions-not-kept worker=%u reason=\"out of memory\" hint=\"each is put where it "
			  "belongs when its time is half over\"",
			worker);
		return;
	}
	s->result = FEED_STOW_ELSEWHERE;
	s->serial = ledger_serial(r->out->ledger);
	s->reached = feed_out_reached(r->out);
	mail_post(r->out->stows[worker], &s->mail);
}

/* What is left at the server before may be older than what clients know from now on. */
void
returning__moved(void *user, size_t carried)
{
	struct feed_returning *r = returning__of(user);

	if (r->closed) return;
	journal_begin_epoch(r->out->journal);
	feed_out_post(r->out);
	for (unsigned w = 0; w < r->out->options->workers; w++) post_elsewhere(r, w);
	r->store_moved(r->user);
	log_info("redis=%s event=sessions-moved carried=%zu", r->out->options->redis->name, carried);
}
