/* SPDX-License-Identifier: MIT */
/*
 * The feed, on a thread of its own or the only worker's, with the Redis connections. Messages come in, are
 * routed to the feeds of the configuration, filtered, batched and encoded once;
 * what is due goes to the workers that have members for it. In the other
 * direction it sends what workers publish to Redis.
 */
#ifndef SRC_FEED_FEED_H
#define SRC_FEED_FEED_H

#include "eio/bytes.h"
#include "src/base/archive.h"
#include "src/base/inherited.h"
#include "src/base/thread.h"
#include "src/feed/delivery.h"
#include "src/feed/interest.h"
#include "src/feed/recall.h"
#include "src/feed/recovery.h"
#include "src/feed/source.h"
#include "src/feed/spec.h"
#include "src/redis/url.h"

struct feed;
struct feed_posting;

struct feed_options {
	struct thread *thread; /* borrowed: where it lives */
	struct feed_specs *specs; /* borrowed until feed_new, which takes a reference */
	/* Borrowed: the servers, the first of which is published to. Without any, what is published comes back as what
	 * feed_take() is given. */
	const struct redis_url *redis;
	size_t n_redis, max_redis; /* how many; and how many there may come to be, 0: no more */
	const bool *replicates; /* for each of them: what is published comes by `replicated`; NULL: for none */
	/* How messages come; demanded: of channels that come and go, where a feed wants that. */
	const struct source_ops *published, *replicated, *streams, *demanded, *shards;
	size_t message_bytes; /* the longest message that is taken from Redis */
	size_t publish_queue_bytes; /* what may wait to be published; beyond it messages are dropped */
	/* What a worker may be behind; beyond it broadcasts for it are dropped. SIZE_MAX for the worker that runs the
	 * feed: it takes all of a turn before the feed reads on. */
	size_t worker_queue_bytes;
	struct feed_recovery recovery; /* of clients that come back */
	size_t snapshot_bytes; /* what a client may get at once of one event and room when it joins */
	struct inherited *inherited; /* borrowed until feed_restore: connections to go on with; NULL: there are none */
	struct interest_table *interest; /* borrowed, the same */
	struct metrics_set *metrics; /* borrowed: to count in */
	unsigned workers; /* how many */
	/* Somebody besides takes deliveries as they do, with the number behind theirs: a hub, for its edges. */
	bool hub;
	/* Its broadcasts come from a hub (passing.h), and what is published goes there: without Redis. */
	bool edge;
};

/* How many take deliveries. */
static inline unsigned
feed_takers(const struct feed_options *o)
{
	return o->workers + o->hub;
}

/* How much of a feed was written down, or read. */
struct feed_tally {
	size_t sessions, broadcasts, retained, places;
};

struct feed_redis_status {
	const char *name; /* host:port or path, no secrets; valid as long as the configuration */
	bool subscribed; /* connected, every subscription answered, and one at least confirmed */
	unsigned refused; /* channels and patterns that it refused when they were asked for last */
	bool primes, primed; /* what is retained is read from it; and has been, once */
};

/* A feed that does nothing yet. NULL when out of memory. */
struct feed *feed_new(const struct feed_options *options);

/* Where the deliveries for worker w, or the hub, go, as `struct mail` in each: it is the port's to take them as
 * long as the feed is not stopped. For every one, before the feed is started. For the worker on the feed's own
 * thread it is a port that takes at once. */
void feed_set_worker(struct feed *f, unsigned w, const struct mail_port *deliveries);

/* The same for questions, which go back in it as `struct mail` in struct feed_recall. Where clients can be
 * recovered. */
void feed_set_recalls(struct feed *f, unsigned w, const struct mail_port *recalls);

/* The same for the answers to feed_stow(), as `struct mail` in struct feed_stow. Where clients can be recovered. */
void feed_set_stows(struct feed *f, unsigned w, const struct mail_port *stows);

/* Opens the connections, as soon as its thread runs; Redis may be away. Once. */
void feed_start(struct feed *f);

/* Reads what another process wrote down, instead of beginning with nothing: who was connected then may come back.
 * Before it is started. NULL, or in a few words why not: it begins with nothing then. */
const char *feed_restore(struct feed *f, struct archive_in *in, struct feed_tally *tally);

/* Goes over to other feeds, in one turn of its loop, where there is no journal: recovery.elsewhere is off. What goes
 * on as it was, and what of its messages comes meanwhile, is as if nothing had been; see change.h. Takes a reference to
 * the set. 0; or -1 when memory is out, or it is stopped, and then nothing has changed. After 0 the set before stays
 * until no worker can look at it any more, which feed_change_end() says. Called by one thread, while that of the feed
 * runs. */
struct feed_changed {
	size_t same, altered, added, removed; /* how many feeds */
};
int feed_change(struct feed *f, struct feed_specs *specs, struct feed_changed *out);
const struct feed_specs *feed_specs_at_work(const struct feed *f); /* those of now, by the same thread */
void feed_change_end(struct feed *f);

/* Calls something on its thread, where all connections to Redis are made, and waits for it. By one thread, while that
 * of the feed runs. */
void feed_call(struct feed *f, void (*call)(void *user), void *user);

/* The address of a server has become another one: all that is connected there goes over to it. old: that before.
 * Whether that is under way for any, which any thread may ask. What connections to a server are made with: a loop, and
 * what they count. On its thread, as by feed_call(). */
void feed_move_redis(struct feed *f, size_t server, const struct redis_url *old);
bool feed_is_moving(const struct feed *f);
uv_loop_t *feed_redis_loop(const struct feed *f);

/* One more server stands behind those of options.redis: what it publishes is taken from now on. 0, or -1 when out of
 * memory (nothing to undo then). Or the last one is left, which still stands there. How many there are any thread may
 * ask that waits for these. The same. */
int feed_add_redis(struct feed *f);
void feed_drop_redis(struct feed *f);
size_t feed_redis_count(const struct feed *f);
bool feed_redis_replicates(const struct feed *f, size_t server); /* it is read as by a replica */
struct metrics *feed_redis_metrics(const struct feed *f, size_t server);

/* Writes down what the next process needs to go on; what has failed archive_end() says. When its thread was stopped, or
 * on it. */
void feed_save(struct feed *f, struct archive_out *out, struct feed_tally *tally);

/* For a process that goes on at once: when it is stopped, connections to Redis that can be handed over go to
 * `heirs`, by names that are in what is written down; save() is called then, on its thread, which may call
 * feed_save(). All is borrowed until then. Before it is stopped, by the same thread. */
void feed_hand_over(struct feed *f, struct inherited *heirs, void (*save)(void *user), void *user);

/* Closes what it has on the loop and waits for that; what is batched is not flushed. No delivery is posted afterwards.
 * To be called once, also when it was not started, by the thread that starts and stops its thread, which stops after
 * it. */
void feed_stop(struct feed *f);

/* Frees a stopped feed, after its thread was stopped and the last delivery was given back. NULL is fine. */
void feed_free(struct feed *f);

/* Publishes payload to a Redis channel. Any thread, before feed_stop; bytes are copied. Never blocks: when more than
 * publish_queue_bytes wait, the message is dropped and counted by the feed. 0, or -1 when out of memory. */
int feed_publish(struct feed *f, struct eio_bytes channel, struct eio_bytes payload);

/* Hands a broadcast to other workers, one for each bit of `workers`, with references of its own: from one of their
 * threads, before feed_stop. Returns for how many it was dropped, because they are behind by more than
 * worker_queue_bytes or memory is out. */
unsigned feed_hand(struct feed *f, uint64_t workers, const struct delivery_item *item);

/* Where clients can be recovered, what returns.h is about. */
struct feed_returning *feed_returning_of(struct feed *f);

/* The number of the last broadcast before it started; 0: there was none. Before that. */
uint64_t feed_begins_with(const struct feed *f);

/* The same in words for other siocasts; n 0 where nobody comes from there. */
struct feed_offset_text feed_begins_at(const struct feed *f);

/* Whether something may be retained for a room or namespace, so that who joins has to ask. Any thread. */
bool feed_retains(const struct feed *f, struct sio_room_key key);

/* Whether a question must say in which rooms the socket was before. Any thread. */
bool feed_retains_widely(const struct feed *f);

/* Asks, with a reference of its own; the answer comes in a delivery. From the worker's thread, before feed_stop: an
 * answer that is still on its way then may not come. */
void feed_ask(struct feed *f, struct feed_ask *a);

/* Carries what was published without Redis to the feed's thread, which takes it in the order of the calls; it owns the
 * posting from then on. One thread, before feed_stop. Never blocks: -1 when more than FEED_POST_BYTES wait, and the
 * posting stays the caller's. */
int feed_post(struct feed *f, struct feed_posting *p);

enum { FEED_POST_BYTES = 16777216 };

/* Whether every Redis source is subscribed, but for what it refuses, and what is retained was read once, as far as it
 * can be; of an edge, whether it has its hub, which has been ready since: what /readyz says. Any thread. */
bool feed_ready(const struct feed *f);

/* How many forms were made of what it encoded. Valid as long as it. Any thread. */
const struct eio_bundle_tally *feed_forms(const struct feed *f);

/* The state of each source; i < n_redis. Any thread. */
struct feed_redis_status feed_redis_status(const struct feed *f, size_t i);

#endif
