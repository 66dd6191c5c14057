/* SPDX-License-Identifier: MIT */
/* A server of Redis at another address: all that the feed has there goes over to it. */
#include "src/feed/feed_self.h"

#include "src/feed/store.h"

#include <inttypes.h>

static void
tell_moved(struct feed *f, size_t server, const struct source_moved *how)
{
	struct metrics *m = f->redis_metrics[server];
	uint64_t ms = uv_now(feed__loop(f)) - f->moved_ms;

	metrics_inc(m, REDIS_METRIC_MOVES);
	if (how->gap) metrics_inc(m, REDIS_METRIC_MOVE_GAPS);
	if (how->gap)
		log_warn("redis=%s event=redis-moved how=%s ms=%" PRIu64 " reason=\"%s\" hint=\"something may be "
			 "missing, as after a lost connection\"",
			f->options.redis[server].name, how->how, ms, how->why);
	else
		log_info("redis=%s event=redis-moved how=%s ms=%" PRIu64, f->options.redis[server].name, how->how, ms);
}

static void
end_part_of_move(struct feed *f)
{
	atomic_fetch_sub_explicit(&f->moving, 1, memory_order_release);
}

static void
source_moved(struct feed *f, size_t server, const struct source_moved *how)
{
	if (server == 0) feed_uplink_flush(&f->uplink);
	tell_moved(f, server, how);
	end_part_of_move(f);
}

/* What handlers publish goes to the first server. */
static void
on_intake_switched(void *user, size_t server, bool lost)
{
	struct feed *f = feed__of(user);

	if (server == 0) feed_uplink_move(&f->uplink, lost);
}

static bool
has_intake_switched(void *user, size_t server)
{
	return server != 0 || !feed_uplink_moves(&feed__of(user)->uplink);
}

static void
on_intake_moved(void *user, size_t server, const struct source_moved *how)
{
	source_moved(feed__of(user), server, how);
}

void
feed__on_store_moved(void *user)
{
	end_part_of_move(feed__of(user));
}

static void
begin_moving_store(struct feed *f)
{
	if (!f->store) return;
	atomic_fetch_add_explicit(&f->moving, 1, memory_order_acq_rel);
	store_move(f->store);
}

void
feed__hear_moves(struct feed *f)
{
	f->intakes.switched = on_intake_switched;
	f->intakes.has_switched = has_intake_switched;
	f->intakes.moved = on_intake_moved;
}

void
feed_move_redis(struct feed *f, size_t server, struct redis_url *old)
{
	static const struct source_moved by_place = { .how = "place", .same = true };
	static const struct source_moved anew = {
		.how = "anew", .gap = true, .why = "channels on demand are asked for anew"
	};
	unsigned n;

	CHECK_MAGIC(f, FEED_MAGIC);
	if (f->closed) return;
	f->moved_ms = uv_now(feed__loop(f));
	/* Out of memory it counts on under the old name. */
	(void)metrics_relabel(f->redis_metrics[server], f->options.redis[server].name);
	atomic_fetch_add_explicit(&f->moving, 1, memory_order_acq_rel);
	if (server == 0) begin_moving_store(f);
	if (server == 0) feed_uplink_stay(&f->uplink); /* until `switched` */
	n = feed_intakes_move(&f->intakes, server, old);
	if (n) return;
	if (server == 0) feed_uplink_move(&f->uplink, false);
	source_moved(f, server, f->router.table.n_demanded ? &anew : &by_place);
}

bool
feed_is_moving(const struct feed *f)
{
	return atomic_load_explicit(&f->moving, memory_order_acquire) > 0;
}

uv_loop_t *
feed_redis_loop(const struct feed *f)
{
	return feed__loop(f);
}

struct metrics *
feed_redis_metrics(const struct feed *f, size_t server)
{
	return f->redis_metrics[server];
}

bool
feed_redis_replicates(const struct feed *f, size_t server)
{
	return f->options.replicates && f->options.replicates[server];
}
