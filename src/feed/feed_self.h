/* SPDX-License-Identifier: MIT */
/* The feed itself, for the files that are about all of it. */
#ifndef SRC_FEED_FEED_SELF_H
#define SRC_FEED_FEED_SELF_H

#include "eio/check.h"
#include "src/feed/change.h"
#include "src/feed/demands.h"
#include "src/feed/intakes.h"
#include "src/feed/passing.h"
#include "src/feed/returning.h"
#include "src/feed/uplink.h"

#define FEED_MAGIC 0xfeed0001

/* To go over to others, or to call something. */
struct feed_request {
	struct mail_port port;
	struct mail mail;
	void (*call)(void *user); /* NULL: to go over */
	void *user;
	struct feed_specs *specs; /* written before it is mailed; the feed's then */
	struct feed_specs *before; /* what workers may still look at; a reference */
	struct feed_specs *refused; /* the same of the last time that it failed, long ago when it does again */
	struct feed_changed changed; /* written before it is done, as the next */
	int result;
	uv_sem_t done;
};

/* A server that is gone over to at another address. */
struct feed_server_move {
	unsigned unrested, unswitched, unmoved; /* sources that have not told it yet */
	bool lost; /* one has said that the one before answers no more */
	struct source_moved how; /* what was told first, or first with a gap */
	uint64_t begun_ms;
};

struct feed {
	unsigned magic;
	struct feed_options options;
	struct mail_port starts, stops, posts, asks;
	atomic_size_t posted; /* bytes posted and not yet taken */
	struct mail start, stop;
	uv_sem_t stopped; /* posted when it has shut down */
	uv_timer_t timer; /* for router.deadline_ms */
	uv_check_t check;
	uint64_t timer_ms; /* what the timer is set to, UINT64_MAX: it is not running */
	bool closed; /* the feed thread's: no more deliveries */
	void (*save)(void *user); /* when it has shut down, see feed_hand_over(); or NULL */
	void *save_user;
	struct feed_out out;
	struct feed_router router;
	struct feed_intakes intakes;
	struct feed_demands demands;
	struct feed_uplink uplink;
	struct ledger *ledger; /* NULL, as what follows is not there: no client can be recovered */
	struct feed_returning returning;
	struct store *store; /* NULL: nobody comes from another siocast */
	_Atomic(struct feed_specs *) asked; /* by workers: what may be retained; those of now, or that come next */
	struct feed_request change;
	atomic_uint moving; /* parts of it that go over to another address */
	struct feed_server_move *moves; /* owned: of each of options.redis */
	struct feed_hub hub; /* of an edge; else zero */
	atomic_bool hub_ready, hub_retains;
	struct metrics **redis_metrics; /* owned: of the connections to each of options.redis */
};

static inline struct feed *
feed__of(void *user)
{
	struct feed *f = user;

	CHECK_MAGIC(f, FEED_MAGIC);
	return f;
}

static inline uv_loop_t *
feed__loop(const struct feed *f)
{
	return &f->options.thread->loop;
}

/* feed_move.c: what is there for each server. False when out of memory: nothing is to be undone then. */
bool feed__make_servers(struct feed *f);
void feed__free_servers(struct feed *f);

/* What intakes tell of that, and whoever keeps sessions. */
void feed__hear_moves(struct feed *f);
void feed__on_store_moved(void *user);

/* feed_change.c: on its thread. */
void feed__take_change(void *user, struct mail *run);

#endif
