/* SPDX-License-Identifier: MIT */
/* The Redis edge of presence: what is written when, and where what comes goes. */
#include "src/presence/shared.h"

#include "eio/check.h"
#include "src/base/log.h"
#include "src/presence/writer.h"
#include "src/redis/link.h"
#include "src/redis/subscriber.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	PARTS = 4, /* of the expiry: one until a state is refreshed or looked for, three until it is gone */
	ID_BYTES = 8,
	STATE_BYTES = 256 << 20, /* the longest state of a node that is taken */
	MESSAGE_BYTES_MAX = 16 << 20, /* and the longest message: it is closed at 256 KB, and has one change at least */
	UNWRITTEN_BYTES = 16 << 20, /* Redis does not keep up: then the whole is written when it does */
};

#define PRESENCE_SHARED_MAGIC 0x9e5e0c03u

struct presence_shared {
	unsigned magic; /* PRESENCE_SHARED_MAGIC */
	struct presence_shared_options options;
	struct presence_replica replica;
	struct presence_writer writer;
	struct redis_link *link;
	struct redis_subscriber *subscriber;
	uv_timer_t timer;
	bool listens; /* the subscriber is ready */
	size_t unanswered; /* commands that were written */
	bool stale; /* what is in Redis is not our state: all of it is to be written */
	struct log_limit limit;
	char own[2 * ID_BYTES + 1];
};

static struct presence_shared *
shared_of(void *user)
{
	struct presence_shared *s = user;

	CHECK_MAGIC(s, PRESENCE_SHARED_MAGIC);
	return s;
}

/* Writing */

static void
write_out(struct presence_shared *s)
{
	size_t n = s->writer.commands;

	if (presence_writer_failed(&s->writer)) {
		/* Half a command cannot be taken back, and what is missing is not known: begin anew. */
		presence_writer_reset(&s->writer);
		redis_link_refuse(s->link, EIO_LIT("out of memory"));
	} else if (n) {
		s->writer.commands = 0;
		s->unanswered += n;
		redis_link_write(s->link, &s->writer.out, n);
	}
}

/* Our state */

static bool
can_write(const struct presence_shared *s)
{
	return redis_link_is_ready(s->link) && !s->stale;
}

static void
state_member(void *ctx, const struct presence_room *room, const struct presence_member *m)
{
	struct presence_shared *s = ctx;
	const struct presence_change c = { '+', room->key, eio_bytes(m->identity, m->identity_n),
		presence_member_json(m), presence_member_info(m), 0 };

	presence_writer_field(&s->writer, &c);
}

static void
state_count(void *ctx, const struct presence_target *t)
{
	struct presence_shared *s = ctx;
	const struct presence_change c = { .kind = '#', .key = t->key, .n = t->ours };

	presence_writer_field(&s->writer, &c);
}

static void
write_state(struct presence_shared *s)
{
	s->stale = false;
	presence_writer_begin_state(&s->writer);
	presence_each_shared(s->options.core, state_member, s);
	presence_count_each_shared(s->options.counts, state_count, s);
	presence_writer_end_state(&s->writer);
}

void
presence_shared_add(struct presence_shared *s, const struct presence_change *c)
{
	if (!can_write(s)) return;
	if (redis_link_unwritten(s->link) + s->writer.out.n > UNWRITTEN_BYTES)
		s->stale = true;
	else
		presence_writer_change(&s->writer, c);
}

/* Others */

void
presence_shared_flush(struct presence_shared *s)
{
	struct presence_other *o;

	if (!redis_link_is_ready(s->link)) return;
	presence_writer_close(&s->writer);
	while (s->listens && (o = presence_replica_next_asked(&s->replica)))
		presence_writer_ask(&s->writer, PRESENCE_ASK_STATE, o->id);
	write_out(s);
}

/* Both connections are there: others are asked, and told. */
static void
begin_talking(struct presence_shared *s)
{
	if (!s->listens || !redis_link_is_ready(s->link)) return;
	presence_replica_ready(&s->replica, uv_now(s->options.loop));
	if (s->stale) write_state(s);
	presence_writer_say(&s->writer, PRESENCE_HELLO);
	presence_shared_flush(s);
}

/* Our state lasts on; is everybody there? */
static void
on_shared_timer(uv_timer_t *t)
{
	struct presence_shared *s = shared_of(t->data);

	if (!redis_link_is_ready(s->link)) return;
	if (s->stale && redis_link_unwritten(s->link) == 0) write_state(s);
	if (!s->stale) presence_writer_refresh(&s->writer);
	for (struct eio_list *l = s->replica.nodes.next; s->listens && l != &s->replica.nodes; l = l->next)
		presence_writer_ask(&s->writer, PRESENCE_ASK_SEQ, EIO_CONTAINER(l, struct presence_other, link)->id);
	presence_shared_flush(s);
}

/* What comes */

static size_t
presence_greet(void *user, struct eio_buf *out)
{
	(void)user;
	(void)out;
	return 0;
}

/* Nobody asked for it. */
static void
presence_message(void *user, const struct redis_message *m)
{
	(void)user;
	(void)m;
}

static void
reply_refused(struct presence_shared *s, struct eio_bytes text)
{
	uint64_t suppressed;

	if (!log_limit_pass(&s->limit, uv_now(s->options.loop), &suppressed)) return;
	log_warn("redis=%s event=presence-refused reason=\"%s\" suppressed=%llu", s->options.url->name,
		LOG_ESCAPE(text), (unsigned long long)suppressed);
}

static void
take_asked(struct presence_shared *s, const struct presence_ask *ask, struct eio_bytes text)
{
	struct eio_bytes id = eio_bytes(ask->id, ask->id_n);
	uint64_t n;

	switch (ask->kind) {
	case PRESENCE_ASK_NOTHING: break;
	case PRESENCE_ASK_STATE: presence_replica_state(&s->replica, id, text); break;
	case PRESENCE_ASK_SEQ: presence_replica_seq(&s->replica, id, text, uv_now(s->options.loop)); break;
	case PRESENCE_ASK_OWN: s->stale |= !presence_number(text, &n); break;
	}
}

static bool
presence_reply(void *user, enum redis_reply reply, struct eio_bytes text)
{
	struct presence_shared *s = shared_of(user);
	struct presence_ask *ask;

	if (!s->unanswered) return false;
	s->unanswered--;
	ask = presence_asks_take(&s->writer.asks);
	if (reply == REDIS_REPLY_IS_ERROR)
		reply_refused(s, text);
	else if (ask)
		take_asked(s, ask, text);
	free(ask);
	return true;
}

static void
presence_looked(void *user, size_t n)
{
	struct presence_shared *s = shared_of(user);

	(void)n;
	s->options.changed(s->options.user);
}

static void
presence_ready(void *user)
{
	begin_talking(shared_of(user));
}

static void
presence_lost(void *user)
{
	struct presence_shared *s = shared_of(user);

	s->stale = true;
	s->unanswered = 0;
	presence_writer_reset(&s->writer);
}

static const struct redis_role presence_role = {
	.name = "presence",
	.greet = presence_greet,
	.message = presence_message,
	.reply = presence_reply,
	.looked = presence_looked,
	.ready = presence_ready,
	.lost = presence_lost,
};

static void
on_presence_message(void *user, const struct redis_message *m)
{
	struct presence_shared *s = shared_of(user);

	if (presence_replica_message(&s->replica, m->payload) && can_write(s))
		presence_writer_say(&s->writer, PRESENCE_ALIVE);
	s->options.changed(s->options.user);
}

/* Its number is missing then, and the state is read. */
static void
on_presence_too_long(void *user, const struct redis_message *m, uint64_t n)
{
	(void)user;
	(void)m;
	(void)n;
}

/* The subscriber says so in the log. Without the channel this node hears nothing. */
static void
on_presence_refused(void *user, bool is_pattern, struct eio_bytes name, bool refused)
{
	(void)user;
	(void)is_pattern;
	(void)name;
	(void)refused;
}

static void
on_presence_listens(void *user, bool ready)
{
	struct presence_shared *s = shared_of(user);

	s->listens = ready;
	begin_talking(s);
}

/* From the beginning to the end */

static bool
name_node(struct presence_shared *s)
{
	unsigned char random[ID_BYTES];

	if (uv_random(NULL, NULL, random, sizeof random, 0, NULL)) return false;
	for (size_t i = 0; i < sizeof random; i++) snprintf(s->own + 2 * i, 3, "%02x", random[i]);
	return true;
}

static bool
open_connections(struct presence_shared *s)
{
	const struct redis_link_options link = {
		.url = s->options.url,
		.metrics = s->options.metrics,
		.max_string = STATE_BYTES,
		.role = &presence_role,
		.user = s,
	};
	const struct redis_subscriber_options subscriber = {
		.url = s->options.url,
		.metrics = s->options.metrics,
		.channels = (const char *const *)&s->writer.channel,
		.n_channels = 1,
		.message_bytes = MESSAGE_BYTES_MAX,
		.message = on_presence_message,
		.too_long = on_presence_too_long,
		.refused = on_presence_refused,
		.state = on_presence_listens,
		.user = s,
	};

	s->link = redis_link_open(s->options.loop, &link);
	if (!s->link) return false;
	s->subscriber = redis_subscriber_open(s->options.loop, &subscriber);
	if (s->subscriber) return true;
	redis_link_close(s->link);
	return false;
}

static void
free_shared(struct presence_shared *s)
{
	presence_replica_deinit(&s->replica);
	presence_writer_deinit(&s->writer);
	s->magic = 0;
	free(s);
}

struct presence_shared *
presence_shared_open(const struct presence_shared_options *options)
{
	struct presence_shared *s = calloc(1, sizeof *s);
	unsigned part_ms = options->expiry_ms / PARTS, keep_ms = part_ms * (PARTS - 1);

	if (!s) return NULL;
	s->magic = PRESENCE_SHARED_MAGIC;
	s->options = *options;
	s->stale = true;
	s->replica = (struct presence_replica){
		.core = options->core,
		.counts = options->counts,
		.specs = options->specs,
		.expiry_ms = options->expiry_ms,
		.own = s->own,
	};
	presence_replica_init(&s->replica);
	if (!name_node(s) || presence_writer_init(&s->writer, options->prefix, s->own, keep_ms) ||
		!open_connections(s)) {
		free_shared(s);
		return NULL;
	}
	uv_timer_init(options->loop, &s->timer);
	s->timer.data = s;
	uv_timer_start(&s->timer, on_shared_timer, part_ms, part_ms);
	return s;
}

void
presence_shared_move(struct presence_shared *s)
{
	redis_link_redial(s->link);
	redis_subscriber_redial(s->subscriber);
}

static void
on_shared_timer_closed(uv_handle_t *h)
{
	free_shared(shared_of(h->data));
}

void
presence_shared_close(struct presence_shared *s)
{
	if (redis_link_is_ready(s->link)) {
		presence_writer_end(&s->writer);
		write_out(s);
	}
	redis_subscriber_close(s->subscriber);
	redis_link_close(s->link);
	presence_replica_deinit(&s->replica);
	uv_close((uv_handle_t *)&s->timer, on_shared_timer_closed);
}

size_t
presence_shared_nodes(const struct presence_shared *s)
{
	return s->replica.n_nodes;
}
