/* SPDX-License-Identifier: MIT */
/* From shard channels to the feed: their messages become the feed's, where they lie. */
#include "src/source/shards.h"

#include "eio/check.h"
#include "eio/list.h"
#include "src/redis/shards.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHARD_SOURCE_MAGIC 0x50bb5a4d

/* Names, all owned. */
struct shard_names {
	char **v; /* NULL: there is no such list */
	size_t n;
};

struct shard_source {
	struct source source;
	unsigned magic; /* SHARD_SOURCE_MAGIC */
	uv_loop_t *loop;
	struct redis_shards *shards;
	struct shard_names names, next; /* what is wanted; and what was prepared, which is wanted as well meanwhile */
	const struct source_events *events, *next_events;
	void *user;
};

static struct shard_source *
shard_source_of(void *user)
{
	struct shard_source *s = user;

	CHECK_MAGIC(s, SHARD_SOURCE_MAGIC);
	return s;
}

static struct shard_source *
of_source(const struct source *source)
{
	return shard_source_of(EIO_CONTAINER((struct source *)(uintptr_t)source, struct shard_source, source));
}

/* What is told */

static void
fill_shard_message(const struct shard_source *s, const struct redis_message *m, struct message *out)
{
	*out = (struct message){
		.kind = MESSAGE_OF_SHARD,
		.name = m->name,
		.channel = m->channel,
		.payload = m->payload,
		.id = eio_bytes("", 0),
		.words = eio_bytes("", 0),
		.now_ms = uv_now(s->loop),
	};
}

static void
on_shard_message(void *user, const struct redis_message *m)
{
	struct shard_source *s = shard_source_of(user);
	struct message message;

	fill_shard_message(s, m, &message);
	s->events->message(s->user, &message);
}

static void
on_shard_too_long(void *user, const struct redis_message *m, uint64_t n)
{
	struct shard_source *s = shard_source_of(user);
	struct message message;

	fill_shard_message(s, m, &message);
	s->events->too_long(s->user, &message, n);
}

static void
on_shard_state(void *user, bool ready)
{
	struct shard_source *s = shard_source_of(user);

	s->events->state(s->user, ready);
}

static void
on_shard_refused(void *user, struct eio_bytes name, bool refused)
{
	struct shard_source *s = shard_source_of(user);

	s->events->refused(s->user, MESSAGE_OF_SHARD, name, refused);
}

static void
on_shard_gap(void *user, struct eio_bytes name, uint64_t from_ms, uint64_t to_ms)
{
	struct shard_source *s = shard_source_of(user);
	char from[24], to[24];
	const struct source_gap gap = {
		.kind = MESSAGE_OF_SHARD,
		.name = name,
		.from = eio_bytes(from, (size_t)snprintf(from, sizeof from, "%" PRIu64, from_ms)),
		.to = eio_bytes(to, (size_t)snprintf(to, sizeof to, "%" PRIu64, to_ms)),
	};

	s->events->gap(s->user, &gap);
}

/* Names */

static void
free_shard_names(struct shard_names *names)
{
	for (size_t i = 0; i < names->n; i++) free(names->v[i]);
	free(names->v);
	*names = (struct shard_names){ .v = NULL };
}

static void
leave_shard_names(struct shard_source *s, const struct shard_names *names)
{
	for (size_t i = 0; i < names->n; i++) redis_shards_leave(s->shards, eio_cstr(names->v[i]));
}

/* Wants others, in whose list they are then. 0, or -1 when out of memory: none of them is wanted, nor in the list. */
static int
want_shard_names(struct shard_source *s, struct shard_names *names, const struct source_options *o)
{
	*names = (struct shard_names){ .v = calloc(o->n_shards + 1, sizeof *names->v) };
	while (names->v && names->n < o->n_shards) {
		char *name = strdup(o->shards[names->n]);

		if (!name || redis_shards_want(s->shards, eio_cstr(name)) < 0) {
			free(name);
			break;
		}
		names->v[names->n++] = name;
	}
	if (names->v && names->n == o->n_shards) return 0;
	leave_shard_names(s, names);
	free_shard_names(names);
	return -1;
}

/* From the beginning to the end */

static struct source *
shard_source_open(const struct source_options *options)
{
	struct shard_source *s = calloc(1, sizeof *s);
	const struct redis_shards_options o = {
		.url = options->url,
		.metrics = options->metrics,
		.message_bytes = options->message_bytes,
		.message = on_shard_message,
		.too_long = on_shard_too_long,
		.state = on_shard_state,
		.refused = on_shard_refused,
		.gap = on_shard_gap,
		.user = s,
	};

	if (!s) return NULL;
	s->source.ops = &source_shards;
	s->magic = SHARD_SOURCE_MAGIC;
	s->loop = options->loop;
	s->events = options->events;
	s->user = options->user;
	s->shards = redis_shards_open(options->loop, &o);
	if (s->shards && want_shard_names(s, &s->names, options) == 0) return &s->source;
	if (s->shards) redis_shards_close(s->shards);
	free(s);
	return NULL;
}

static void
shard_source_close(struct source *source)
{
	struct shard_source *s = of_source(source);

	redis_shards_close(s->shards);
	free_shard_names(&s->names);
	free_shard_names(&s->next);
	s->magic = 0;
	free(s);
}

/* Other names */

static void
shard_source_forget(struct source *source)
{
	struct shard_source *s = of_source(source);

	leave_shard_names(s, &s->next);
	free_shard_names(&s->next);
}

static int
shard_source_prepare(struct source *source, const struct source_options *options)
{
	struct shard_source *s = of_source(source);

	shard_source_forget(source);
	s->next_events = options->events;
	return want_shard_names(s, &s->next, options);
}

/* Those that are wanted before and after are wanted twice by now, and stay where they are. */
static void
shard_source_commit(struct source *source)
{
	struct shard_source *s = of_source(source);

	leave_shard_names(s, &s->names);
	free_shard_names(&s->names);
	s->names = s->next;
	s->next = (struct shard_names){ .v = NULL };
	s->events = s->next_events;
	redis_shards_tell_refused(s->shards, true);
}

static void
shard_source_tell_refused(const struct source *source, bool refused)
{
	redis_shards_tell_refused(of_source(source)->shards, refused);
}

const struct source_ops source_shards = {
	.open = shard_source_open,
	.close = shard_source_close,
	.prepare = shard_source_prepare,
	.commit = shard_source_commit,
	.forget = shard_source_forget,
	.tell_refused = shard_source_tell_refused,
};
