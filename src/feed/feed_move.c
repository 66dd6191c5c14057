/* SPDX-License-Identifier: MIT */
/* A server of Redis at another address: all that the feed has there goes over to it. */
#include "src/feed/feed_self.h"

#include "src/feed/store.h"

#include <inttypes.h>
#include <stdlib.h>

/* Where there is no Redis, what is published is counted in its place. */
static size_t
redis_metrics_count(const struct feed *f)
{
	return f->options.n_redis ? f->options.n_redis : 1;
}

static size_t
most_servers(const struct feed *f)
{
	size_t n = redis_metrics_count(f);

	return n < f->options.max_redis ? f->options.max_redis : n;
}

void
feed__free_servers(struct feed *f)
{
	for (size_t i = 0; f->redis_metrics && i < redis_metrics_count(f); i++) metrics_free(f->redis_metrics[i]);
	free(f->redis_metrics);
	free(f->moves);
}

bool
feed__make_servers(struct feed *f)
{
	size_t n = redis_metrics_count(f), i = 0;

	f->moves = calloc(most_servers(f), sizeof *f->moves);
	f->redis_metrics = calloc(most_servers(f), sizeof(struct metrics *));
	while (f->moves && f->redis_metrics && i < n) {
		const char *name = f->options.n_redis ? f->options.redis[i].name : "intake";

		f->redis_metrics[i] = metrics_new(f->options.metrics, &redis_metrics, name);
		if (!f->redis_metrics[i++]) break;
	}
	if (f->redis_metrics && f->redis_metrics[n - 1]) return true;
	feed__free_servers(f);
	return false;
}

/* Going over */

static void
tell_moved(struct feed *f, size_t server)
{
	const struct feed_server_move *v = &f->moves[server];
	const struct source_moved *how = &v->how;
	struct metrics *m = f->redis_metrics[server];
	uint64_t ms = uv_now(feed__loop(f)) - v->begun_ms;

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
end_server_move(struct feed *f, size_t server)
{
	if (server == 0) feed_uplink_flush(&f->uplink);
	end_part_of_move(f); /* so that who reads that it has moved may move it */
	tell_moved(f, server);
}

/* What handlers publish waits when all that hear it are ready for that: so it waits no longer than for the last one. */
static void
on_intake_rests(void *user, size_t server)
{
	struct feed *f = feed__of(user);

	if (--f->moves[server].unrested == 0 && server == 0) feed_uplink_rest(&f->uplink);
}

/* Nobody publishes at the others. */
static bool
has_intake_rested(void *user, size_t server)
{
	const struct feed *f = feed__of(user);

	if (server != 0) return true;
	return !f->moves[server].unrested && feed_uplink_is_answered(&f->uplink);
}

/* What handlers publish goes to the first server, when all that hear it there are ready for that. */
static void
on_intake_switched(void *user, size_t server, bool lost)
{
	struct feed *f = feed__of(user);
	struct feed_server_move *v = &f->moves[server];

	v->lost |= lost;
	if (--v->unswitched == 0 && server == 0) feed_uplink_move(&f->uplink, v->lost);
}

/* The same. */
static bool
has_intake_switched(void *user, size_t server)
{
	const struct feed *f = feed__of(user);

	if (server != 0) return true;
	return !f->moves[server].unswitched && !feed_uplink_moves(&f->uplink);
}

static void
on_intake_moved(void *user, size_t server, const struct source_moved *how)
{
	struct feed *f = feed__of(user);
	struct feed_server_move *v = &f->moves[server];

	if (!v->how.how || (how->gap && !v->how.gap)) v->how = *how;
	if (--v->unmoved == 0) end_server_move(f, server);
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
	f->intakes.rests = on_intake_rests;
	f->intakes.has_rested = has_intake_rested;
	f->intakes.switched = on_intake_switched;
	f->intakes.has_switched = has_intake_switched;
	f->intakes.moved = on_intake_moved;
}

void
feed_move_redis(struct feed *f, size_t server, const struct redis_url *old)
{
	static const struct source_moved by_place = { .how = "place", .same = true };
	struct feed_server_move *v = &f->moves[server];
	unsigned n;

	CHECK_MAGIC(f, FEED_MAGIC);
	if (f->closed) return;
	n = feed_intakes_movers(&f->intakes, server);
	*v = (struct feed_server_move){
		.unrested = n,
		.unswitched = n,
		.unmoved = n,
		.begun_ms = uv_now(feed__loop(f)),
	};
	/* Out of memory it counts on under the old name. */
	(void)metrics_relabel(f->redis_metrics[server], f->options.redis[server].name);
	atomic_fetch_add_explicit(&f->moving, 1, memory_order_acq_rel);
	if (server == 0) begin_moving_store(f);
	if (server == 0) feed_uplink_stay(&f->uplink); /* until `switched` */
	feed_intakes_move(&f->intakes, server, old);
	if (n) return;
	v->how = by_place;
	if (server == 0) feed_uplink_move(&f->uplink, false);
	end_server_move(f, server);
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

/* More of them, or less */

size_t
feed_redis_count(const struct feed *f)
{
	return f->options.n_redis;
}

int
feed_add_redis(struct feed *f)
{
	size_t i = f->options.n_redis;

	CHECK_MAGIC(f, FEED_MAGIC);
	CHECK(i && i < f->options.max_redis);
	f->redis_metrics[i] = metrics_new(f->options.metrics, &redis_metrics, f->options.redis[i].name);
	if (!f->redis_metrics[i]) return -1;
	f->options.n_redis++;
	if (feed_intakes_add(&f->intakes) == 0) {
		feed_demands_fill(&f->demands);
		return 0;
	}
	f->options.n_redis--;
	metrics_free(f->redis_metrics[i]);
	f->redis_metrics[i] = NULL;
	return -1;
}

void
feed_drop_redis(struct feed *f)
{
	size_t i = f->options.n_redis - 1;

	CHECK_MAGIC(f, FEED_MAGIC);
	CHECK(i > 0);
	feed_intakes_drop(&f->intakes);
	f->options.n_redis--;
	metrics_free(f->redis_metrics[i]);
	f->redis_metrics[i] = NULL;
}
