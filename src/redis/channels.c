/* SPDX-License-Identifier: MIT */
/*
 * The role of a link whose channels come and go. The server answers in the order of the commands, so a queue says whom
 * an answer is about. A channel that is wanted and left before it was asked for costs no command.
 */
#include "src/redis/channels_int.h"

#include "src/base/clock.h"
#include "src/redis/command.h"
#include "src/redis/refusal.h"
#include "src/redis/shards.h"

#include <stdlib.h>
#include <unistd.h>

bool
redis_channels_is_connected(const struct redis_channels *c)
{
	return redis_link_is_ready(c->link);
}

bool
redis_channels_is_answered(const struct redis_channels *c)
{
	return redis_link_is_ready(c->link) && c->asked_at == c->asked_n && (!c->shards || c->shards_ready);
}

/* Where to can be said when all that is wanted has been asked for: mostly at once. */
static void
set_mark(struct redis_channels *c)
{
	if (c->marked || !redis_link_is_ready(c->link) || !eio_list_empty(&c->changed)) return;
	c->marked = true;
	c->mark = c->answered + (c->asked_n - c->asked_at);
}

void
redis_channels_mark(struct redis_channels *c)
{
	c->marked = false;
	set_mark(c);
}

bool
redis_channels_passed_mark(struct redis_channels *c)
{
	set_mark(c);
	return redis_link_is_ready(c->link) && c->marked && c->answered >= c->mark && (!c->shards || c->shards_ready);
}

bool
redis_channels_is_ready(const struct redis_channels *c)
{
	return c->ready;
}

static void
tell_channels_state(struct redis_channels *c)
{
	bool complete = redis_channels_is_answered(c) && eio_list_empty(&c->changed);
	bool ready = complete && !c->refused && (!c->shards || !redis_shards_refused(c->shards));

	if (ready == c->ready) return;
	c->ready = ready;
	if (c->options.state) c->options.state(c->options.user, ready);
}

static void
set_channel_refused(struct redis_channels *c, struct redis_channel *one, bool refused)
{
	if (one->refused == refused) return;
	one->refused = refused;
	c->refused += refused ? 1 : (size_t)-1;
	if (c->options.refused) c->options.refused(c->options.user, one->kind, eio_bytes(one->name, one->n), refused);
}

int
redis_channels_want(struct redis_channels *c, enum redis_channel_kind kind, struct eio_bytes name)
{
	uint64_t hash = eio_hash_bytes(c->hash_key, name);
	struct redis_channel *one = redis_channels__find(c, kind, name, hash);

	if (c->shards && kind == REDIS_CHANNEL_SHARD) return redis_shards_want(c->shards, name);
	if (!one) one = redis_channels__add(c, kind, name, hash);
	if (!one) return -1;
	if (one->wants++ == 0) redis_channels__note_change(c, one);
	return 0;
}

void
redis_channels_leave(struct redis_channels *c, enum redis_channel_kind kind, struct eio_bytes name)
{
	struct redis_channel *one = redis_channels__find(c, kind, name, eio_hash_bytes(c->hash_key, name));

	if (c->shards && kind == REDIS_CHANNEL_SHARD) {
		redis_shards_leave(c->shards, name);
		return;
	}
	CHECK(one && one->wants > 0);
	if (--one->wants) return;
	set_channel_refused(c, one, false);
	redis_channels__note_change(c, one);
}

bool
redis_channels_has(const struct redis_channels *c, enum redis_channel_kind kind, struct eio_bytes name)
{
	const struct redis_channel *one = redis_channels__find(c, kind, name, eio_hash_bytes(c->hash_key, name));

	return one && one->wants;
}

bool
redis_channels_hears(const struct redis_channels *c, enum redis_channel_kind kind, struct eio_bytes name)
{
	const struct redis_channel *one = redis_channels__find(c, kind, name, eio_hash_bytes(c->hash_key, name));

	return redis_link_is_ready(c->link) && one && one->wants && one->confirmed;
}

void
redis_channels_tell_refused(const struct redis_channels *c, bool refused)
{
	EIO_HASH_FOREACH(n, &c->all) {
		const struct redis_channel *one = EIO_CONTAINER(n, struct redis_channel, node);

		if (one->refused && c->options.refused)
			c->options.refused(c->options.user, one->kind, eio_bytes(one->name, one->n), refused);
	}
}

/* Asking */

void
redis_channels_follow(struct redis_channels *c, const struct redis_channels *other)
{
	struct eio_buf b;
	size_t n;

	if (redis_link_is_ready(c->link) && !c->rests && !eio_list_empty(&c->changed)) {
		eio_buf_init(&b);
		n = redis_channels__say(c, other, &b);
		if (n) redis_link_write(c->link, &b, n);
		eio_buf_deinit(&b);
	}
	tell_channels_state(c);
}

void
redis_channels_flush(struct redis_channels *c)
{
	redis_channels_follow(c, NULL);
}

void
redis_channels_rest(struct redis_channels *c)
{
	c->rests = true;
	uv_timer_stop(&c->timer);
}

static void
on_channels_timer(uv_timer_t *t)
{
	struct redis_channels *c = redis_channels__of(t->data);

	EIO_HASH_FOREACH(n, &c->all) {
		struct redis_channel *one = EIO_CONTAINER(n, struct redis_channel, node);

		if (one->refused && eio_list_empty(&one->changed)) eio_list_add_tail(&c->changed, &one->changed);
	}
	redis_channels_flush(c);
}

/* When all is answered, and some of it was refused. */
static void
ask_refused_later(struct redis_channels *c)
{
	uint64_t now = uv_now(c->timer.loop);

	if (!c->refused || c->rests || c->asked_at < c->asked_n || !redis_link_is_ready(c->link)) return;
	uv_timer_start(&c->timer, on_channels_timer, redis_backoff_failed(&c->backoff, now), 0);
}

/* What the server says */

static void
log_channel_refused(struct redis_channels *c, const struct redis_channel *one, struct eio_bytes error)
{
	char text[LOG_ESCAPE_MAX];
	uint64_t suppressed;

	if (!log_limit_pass(&c->limit, uv_now(c->timer.loop), &suppressed)) return;
	redis_refusal(error, c->options.url, false, text, sizeof text);
	log_warn("redis=%s event=subscription-refused %s=\"%s\" reason=\"%s\" refused=%zu suppressed=%llu",
		c->options.url->name, one->kind == REDIS_CHANNEL_PATTERN ? "pattern" : "channel",
		LOG_ESCAPE(eio_bytes(one->name, one->n)), text, c->refused, (unsigned long long)suppressed);
}

static void
take_channel_answer(struct redis_channels *c, bool confirmed, struct eio_bytes error)
{
	struct redis_channel *one = c->asked[c->asked_at++];

	c->answered++;
	if (--one->unanswered == 0) {
		bool refused = one->wants && !confirmed;

		one->confirmed = confirmed && one->sent;
		set_channel_refused(c, one, refused);
		if (refused) {
			one->sent = false;
			log_channel_refused(c, one, error);
		} else {
			redis_channels__note_change(c, one);
		}
	}
	tell_channels_state(c);
	ask_refused_later(c);
}

static bool
channels_reply(void *user, enum redis_reply reply, struct eio_bytes text)
{
	struct redis_channels *c = redis_channels__of(user);
	bool is_error = reply == REDIS_REPLY_IS_ERROR;

	if (!is_error && reply != REDIS_REPLY_IS_SUBSCRIBED && reply != REDIS_REPLY_IS_SUNSUBSCRIBED) return false;
	if (c->asked_at < c->asked_n && !(is_error && eio_bytes_starts(text, EIO_LIT("NOAUTH")))) {
		take_channel_answer(c, !is_error, text);
		return true;
	}
	/* Before it hangs up; or a slot of a Cluster went elsewhere, and took its channels along. */
	redis_link_refuse(c->link, is_error ? text : EIO_LIT("a channel was taken away"));
	return false;
}

static void
channels_message(void *user, const struct redis_message *m)
{
	struct redis_channels *c = redis_channels__of(user);

	c->options.message(c->options.user, m);
}

static void
channels_too_long(void *user, const struct redis_message *m, uint64_t n)
{
	struct redis_channels *c = redis_channels__of(user);

	c->options.too_long(c->options.user, m, n);
}

/* All that is wanted, and nothing of what was asked on the connection before. */
static size_t
channels_greet(void *user, struct eio_buf *out)
{
	struct redis_channels *c = redis_channels__of(user);

	c->asked_at = c->asked_n = 0;
	c->rests = c->marked = false;
	EIO_HASH_FOREACH_SAFE(n, next, &c->all)
	{
		struct redis_channel *one = EIO_CONTAINER(n, struct redis_channel, node);

		one->sent = one->confirmed = false;
		one->unanswered = 0;
		redis_channels__note_change(c, one);
	}
	return redis_channels__say(c, NULL, out);
}

/* It is there again. */
static void
tell_channels_gap(struct redis_channels *c)
{
	uint64_t from = c->missing_ms, to = clock_wall_ms();

	c->missing_ms = 0;
	if (!from || !c->options.gap) return;
	log_limited(LOG_LEVEL_WARN, &c->gap_limit, uv_now(c->timer.loop), "redis=%s event=gap ms=%llu",
		c->options.url->name, (unsigned long long)(to > from ? to - from : 0));
	c->options.gap(c->options.user, from, to);
}

static void
channels_ready(void *user)
{
	struct redis_channels *c = redis_channels__of(user);

	c->backoff = (struct redis_backoff){ 0 };
	tell_channels_gap(c);
	if (c->options.connected) c->options.connected(c->options.user, true);
	redis_channels_flush(c); /* what changed while it was greeted */
	ask_refused_later(c);
}

static bool
has_confirmed_channel(const struct redis_channels *c)
{
	EIO_HASH_FOREACH(n, &c->all)
		if (EIO_CONTAINER(n, struct redis_channel, node)->confirmed) return true;
	return false;
}

static void
channels_lost(void *user)
{
	struct redis_channels *c = redis_channels__of(user);

	if (!c->missing_ms && has_confirmed_channel(c))
		c->missing_ms = clock_wall_ms() - redis_link_silence_ms(c->link);
	if (c->pacing) redis_pacing_reset(c->pacing);
	uv_timer_stop(&c->timer);
	if (c->options.connected) c->options.connected(c->options.user, false);
	tell_channels_state(c);
}

static void
channels_adopted(void *user)
{
	redis_channels__adopt(redis_channels__of(user));
}

static void
channels_looked(void *user, size_t n)
{
	struct redis_channels *c = redis_channels__of(user);

	if (c->pacing) redis_pacing_note(c->pacing, n);
}

static const struct redis_role channels_role = {
	.name = "subscribe",
	.greet = channels_greet,
	.message = channels_message,
	.too_long = channels_too_long,
	.reply = channels_reply,
	.ready = channels_ready,
	.lost = channels_lost,
	.adopted = channels_adopted,
	.looked = channels_looked,
};

/* Those of a Cluster */

static void
on_channels_shards(void *user, bool ready)
{
	struct redis_channels *c = redis_channels__of(user);

	c->shards_ready = ready;
	tell_channels_state(c);
}

static void
on_channels_shard_refused(void *user, struct eio_bytes name, bool refused)
{
	(void)name;
	(void)refused;
	tell_channels_state(redis_channels__of(user));
}

static bool
open_channels_shards(struct redis_channels *c, uv_loop_t *loop)
{
	const struct redis_shards_options o = {
		.url = c->options.url,
		.metrics = c->options.metrics,
		.message_bytes = c->options.message_bytes,
		.message = channels_message,
		.too_long = channels_too_long,
		.state = on_channels_shards,
		.refused = on_channels_shard_refused,
		.user = c,
	};

	if (!c->options.url->is_cluster) return true;
	c->shards = redis_shards_open(loop, &o);
	c->shards_ready = true; /* nothing is wanted yet */
	return c->shards != NULL;
}

/* From the beginning to the end */

static bool
open_channels_link(struct redis_channels *c, uv_loop_t *loop)
{
	const struct redis_channels_options *o = &c->options;
	struct redis_handed handed = { .fd = o->handed_fd };
	bool goes_on = o->handed && redis_channels__read_handed(c, o->handed, &handed);
	const struct redis_link_options link = {
		.url = o->url,
		.metrics = o->metrics,
		.max_string = o->message_bytes,
		.role = &channels_role,
		.user = c,
		.handed = goes_on ? &handed : NULL,
	};

	if (o->handed && !goes_on) close(handed.fd);
	c->link = redis_link_open(loop, &link);
	return c->link != NULL;
}

struct redis_channels *
redis_channels_open(uv_loop_t *loop, const struct redis_channels_options *options)
{
	struct redis_channels *c = calloc(1, sizeof *c);

	if (!c && options->handed) close(options->handed_fd);
	if (!c) return NULL;
	c->magic = REDIS_CHANNELS_MAGIC;
	c->options = *options;
	eio_list_init(&c->changed);
	if (uv_random(NULL, NULL, c->hash_key, sizeof c->hash_key, 0, NULL) || eio_hash_init(&c->all)) {
		if (options->handed) close(options->handed_fd);
		free(c);
		return NULL;
	}
	if (!open_channels_link(c, loop) || !open_channels_shards(c, loop)) {
		if (c->link) redis_link_close(c->link);
		eio_buf_deinit(&c->begun);
		eio_hash_deinit(&c->all);
		free(c);
		return NULL;
	}
	uv_timer_init(loop, &c->timer); /* cannot fail */
	c->timer.data = c;
	return c;
}

void
redis_channels_set_pause(struct redis_channels *c, bool may_pause)
{
	struct redis_pacing *old = c->pacing;

	if (may_pause && !old) c->pacing = redis_pacing_new(c->timer.loop, c->link);
	if (may_pause || !old) return;
	c->pacing = NULL;
	redis_pacing_stop(old);
	redis_pacing_free(old);
}

void
redis_channels_redial(struct redis_channels *c)
{
	redis_link_redial(c->link);
}

static void
on_channels_timer_closed(uv_handle_t *h)
{
	struct redis_channels *c = redis_channels__of(h->data);

	c->magic = 0;
	free(c);
}

void
redis_channels_close(struct redis_channels *c)
{
	redis_link_close(c->link);
	if (c->shards) redis_shards_close(c->shards);
	if (c->pacing) redis_pacing_free(c->pacing);
	eio_buf_deinit(&c->begun);
	EIO_HASH_FOREACH_SAFE(n, next, &c->all)
	{
		eio_hash_remove(&c->all, n);
		free(EIO_CONTAINER(n, struct redis_channel, node));
	}
	eio_hash_deinit(&c->all);
	free(c->asked);
	uv_close((uv_handle_t *)&c->timer, on_channels_timer_closed);
}
