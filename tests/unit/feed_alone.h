/* SPDX-License-Identifier: MIT */
/* A feed without threads and connections, with all that can be written down of it: for a test and a fuzz target. */
#ifndef TESTS_UNIT_FEED_ALONE_H
#define TESTS_UNIT_FEED_ALONE_H

#include "src/feed/saving.h"
#include "src/source/psync.h"
#include "src/source/streams.h"

#include <stdlib.h>
#include <string.h>

enum { ALONE_FEEDS = 4, ALONE_NOW_MS = 1000000, ALONE_WALL_MS = 5000000 };

struct feed_alone {
	struct redis_url redis;
	bool replicates;
	struct metrics_set metrics;
	struct feed_options options;
	struct feed_out out;
	struct feed_router router;
	struct feed_intakes intakes;
	struct metrics *redis_metrics;
	uint64_t later_ms; /* time that has passed */
};

static bool
recovers_everywhere(const void *ctx, struct eio_bytes nsp)
{
	(void)ctx;
	(void)nsp;
	return true;
}

static inline char **
one_name(const char *name)
{
	char **v = malloc(sizeof(char *));

	if (!v || !(v[0] = strdup(name))) abort();
	return v;
}

static inline void
add_specs(struct feed_specs *specs)
{
	const struct feed_spec v[ALONE_FEEDS] = {
		{ .print = 1,
			.channels = one_name("c"),
			.n_channels = 1,
			.retain.rules = { RETAIN_BY_KEY, 5, 0, 0, 4000 },
			.retain.key = strdup("/k") },
		{ .print = 2,
			.channels = one_name("d"),
			.n_channels = 1,
			.retain.rules = { RETAIN_NEWEST, 3, 50000, 0, 1 << 20 } },
		{ .print = 3, .channels = one_name("s"), .n_channels = 1, .is_stream = true, .from = strdup("$") },
		{ .print = 4, .channels = one_name("p"), .n_channels = 1, .is_pattern = true },
	};

	for (size_t i = 0; i < ALONE_FEEDS; i++) {
		struct feed_spec f = v[i];

		f.encode = FEED_ENCODE_JSON;
		f.nsp = strdup("/");
		if (!f.nsp || feed_specs_add(specs, &f)) abort();
	}
}

static inline void
feed_alone_open(struct feed_alone *a, bool ledger)
{
	*a = (struct feed_alone){ .replicates = true };
	a->redis.name = strdup("redis:1");
	a->options = (struct feed_options){
		.specs = feed_specs_new(),
		.redis = &a->redis,
		.n_redis = 1,
		.replicates = &a->replicates,
		.replicated = &source_psync,
		.streams = &source_streams,
		.workers = 2,
		.worker_queue_bytes = SIZE_MAX,
		.snapshot_bytes = 1 << 20,
		.interest = interest_table_new(),
		.metrics = &a->metrics,
		.recovery = { .on = ledger,
			.ms = 60000,
			.session_bytes = 1 << 20,
			.history = { 60000, 1000, 1 << 20 },
			.in = recovers_everywhere },
	};
	if (!a->redis.name || !a->options.specs || !a->options.interest || metrics_set_init(&a->metrics)) abort();
	add_specs(a->options.specs);
	if (feed_out_init(&a->out, &a->options)) abort();
	if (ledger && !(a->out.ledger = ledger_new(&a->options.recovery, a->options.specs, 2, &a->metrics))) abort();
	if (feed_router_init(&a->router, &a->options, &a->out)) abort();
	a->redis_metrics = metrics_new(&a->metrics, &redis_metrics, "test");
	if (feed_intakes_init(&a->intakes, &a->options, &a->router, &a->redis_metrics)) abort();
}

static inline void
feed_alone_close(struct feed_alone *a)
{
	ledger_free(a->out.ledger);
	feed_intakes_deinit(&a->intakes);
	feed_router_deinit(&a->router);
	feed_out_deinit(&a->out);
	metrics_free(a->redis_metrics);
	metrics_set_deinit(&a->metrics);
	feed_specs_unref(a->options.specs);
	interest_table_free(a->options.interest);
	free((void *)(uintptr_t)a->redis.name);
}

static inline struct feed_parts
parts_of_alone(struct feed_alone *a)
{
	return (struct feed_parts){ &a->router, &a->intakes, ALONE_NOW_MS + a->later_ms, ALONE_WALL_MS + a->later_ms };
}

static inline bool
put_in_buf(void *user, struct eio_bytes bytes)
{
	eio_buf_add(user, bytes);
	return !eio_buf_failed(user);
}

/* Writes it down, all but the first bytes with the key, which is always the same. False when memory is out. */
static inline bool
feed_alone_save(struct feed_alone *a, struct eio_buf *to, struct feed_tally *tally)
{
	const struct feed_parts parts = parts_of_alone(a);
	struct archive_out out;

	archive_begin(&out, (const uint64_t[2]){ 1, 2 }, put_in_buf, to);
	feed_saving_write(&parts, &out, tally);
	return archive_end(&out);
}

static inline const char *
feed_alone_restore(struct feed_alone *a, struct archive_in in, struct feed_tally *tally)
{
	const struct feed_parts parts = parts_of_alone(a);

	return feed_saving_read(&parts, &in, tally);
}

#endif
