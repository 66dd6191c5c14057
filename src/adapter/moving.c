/* SPDX-License-Identifier: MIT */
/* To another address of Redis. */
#include "src/adapter/adapter_int.h"

#include <inttypes.h>

static void
on_adapter_rests(void *user)
{
	const struct adapter *a = adapter__of(user);

	if (a->publisher) redis_publisher_rest(a->publisher);
}

static bool
has_adapter_rested(void *user)
{
	const struct adapter *a = adapter__of(user);

	return !a->publisher || redis_publisher_is_answered(a->publisher);
}

/* What we say goes where we hear from now on. */
static void
on_adapter_switched(void *user, bool lost)
{
	struct adapter *a = adapter__of(user);

	a->switched = true;
	if (a->publisher) redis_publisher_move(a->publisher, lost);
}

static bool
has_adapter_switched(void *user)
{
	const struct adapter *a = adapter__of(user);

	return a->switched && !(a->publisher && redis_publisher_moves(a->publisher));
}

static void
on_adapter_moved(void *user, const struct source_moved *how)
{
	struct adapter *a = adapter__of(user);

	if (a->publisher) redis_publisher_flush(a->publisher);
	atomic_store_explicit(&a->moves, false, memory_order_release);
	if (how->gap)
		log_warn(
			"redis=%s event=adapter-moved how=%s reason=\"%s\" hint=\"something may be missing, as after a "
			"lost connection\"",
			a->options.redis->name, how->how, how->why);
	else
		log_info("redis=%s event=adapter-moved how=%s", a->options.redis->name, how->how);
}

static const struct source_move_events adapter_moves = {
	.rests = on_adapter_rests,
	.has_rested = has_adapter_rested,
	.switched = on_adapter_switched,
	.has_switched = has_adapter_switched,
	.moved = on_adapter_moved,
};

void
adapter_move(struct adapter *a, const struct redis_url *url, const struct redis_url *old)
{
	static const struct source_moved by_place = { .how = "place", .same = true };

	CHECK_MAGIC(a, ADAPTER_MAGIC);
	if (a->closed || a->options.redis != url) return;
	/* Out of memory it counts on under the old name. */
	(void)metrics_relabel(a->redis_metrics, url->name);
	atomic_store_explicit(&a->moves, true, memory_order_release);
	a->switched = false;
	if (a->publisher) redis_publisher_stay(a->publisher);
	if (a->streamer) adapter__reopen_streamer(a);
	if (a->channels) {
		movable_move(a->channels, old, &adapter_moves, a);
		return;
	}
	on_adapter_switched(a, false);
	on_adapter_moved(a, &by_place);
}

bool
adapter_is_moving(const struct adapter *a)
{
	return atomic_load_explicit(&a->moves, memory_order_acquire);
}
