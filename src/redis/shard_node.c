/* SPDX-License-Identifier: MIT */
/*
 * A node with shard channels. It answers in the order of the commands, but for channels that it takes away, of which it
 * tells between two answers, in the words of one.
 */
#include "src/base/clock.h"
#include "src/redis/command.h"
#include "src/redis/refusal.h"
#include "src/redis/shards_int.h"

#include <stdlib.h>
#include <string.h>

static struct redis_shard_node *
shard_node_of(void *user)
{
	struct redis_shard_node *n = user;

	CHECK_MAGIC(n, REDIS_SHARD_NODE_MAGIC);
	return n;
}

static uint64_t
shards_now(const struct redis_shards *s)
{
	return uv_now(s->timer.loop);
}

static struct redis_shard *
shard_called(const struct redis_shards *s, struct eio_bytes name)
{
	return redis_shards__find(s, name, eio_hash_bytes(s->hash_key, name));
}

static const char *
name_of_node(const struct redis_shard_node *n)
{
	return n->all->map ? n->url.name : n->all->options.url->name;
}

/* Saying */

static bool
reserve_answers(struct redis_shard_node *n)
{
	size_t cap = n->asked_cap ? 2 * n->asked_cap : 16;
	struct redis_shard_asked *asked;

	if (n->asked_at == n->asked_n) n->asked_at = n->asked_n = 0;
	if (n->asked_n < n->asked_cap) return true;
	if (n->asked_at > n->asked_cap / 2) {
		/* Joins that never pause must not make it grow. */
		n->asked_n -= n->asked_at;
		memmove(n->asked, n->asked + n->asked_at, n->asked_n * sizeof *asked);
		n->asked_at = 0;
		return true;
	}
	asked = realloc(n->asked, cap * sizeof *asked);
	if (!asked) return false;
	n->asked = asked;
	n->asked_cap = cap;
	return true;
}

/* A node whose slot goes elsewhere says by itself that its channels are left. That looks like the answer to
 * SUNSUBSCRIBE, which is still to come then, and is an error; what PING is answered with is neither. */
bool
redis_shards__say(struct redis_shard_node *n, struct redis_shard *shard, bool leaves)
{
	size_t before = n->out.n;

	if (!reserve_answers(n)) return false;
	redis_command(&n->out, 2);
	redis_argument(&n->out, leaves ? EIO_LIT("SUNSUBSCRIBE") : EIO_LIT("SSUBSCRIBE"));
	redis_argument(&n->out, eio_bytes(shard->name, shard->n));
	if (leaves) {
		redis_command(&n->out, 1);
		redis_argument(&n->out, EIO_LIT("PING"));
	}
	if (eio_buf_failed(&n->out)) {
		n->out.failed = false;
		n->out.n = before;
		return false;
	}
	n->asked[n->asked_n++] = (struct redis_shard_asked){ .shard = shard, .number = leaves ? 0 : ++shard->number };
	shard->unanswered++;
	n->out_n += leaves ? 2 : 1;
	return true;
}

void
redis_shards__node_write(struct redis_shard_node *n)
{
	size_t commands = n->out_n;

	if (!commands || !redis_link_is_ready(n->link)) return;
	n->out_n = 0;
	redis_link_write(n->link, &n->out, commands);
}

bool
redis_shards__node_is_idle(const struct redis_shard_node *n)
{
	return eio_list_empty(&n->shards) && n->asked_at == n->asked_n;
}

/* Answers */

static void
log_shard_refused(struct redis_shard_node *n, struct redis_shard *shard, struct eio_bytes error)
{
	struct redis_shards *s = n->all;
	bool elsewhere = !s->map && redis_redirect_read(error).kind != REDIS_REDIRECT_NONE;
	char text[LOG_ESCAPE_MAX];
	uint64_t suppressed;

	if (shard->told || !log_limit_pass(&s->refusals, shards_now(s), &suppressed)) return;
	shard->told = true;
	redis_refusal(error, s->options.url, false, text, sizeof text);
	log_warn("redis=%s event=subscription-refused shard=\"%s\" reason=\"%s\"%s refused=%zu suppressed=%llu",
		name_of_node(n), LOG_ESCAPE(eio_bytes(shard->name, shard->n)), text,
		elsewhere ? " hint=\"it is a node of a Redis Cluster, which redis.cluster is for\"" : "", s->refused,
		(unsigned long long)suppressed);
}

static void
take_shard_refusal(struct redis_shard_node *n, struct redis_shard *shard, struct eio_bytes error)
{
	struct redis_shards *s = n->all;

	redis_shards__loosen(shard, s, 0);
	shard->state = SHARD_REFUSED;
	shard->again_ms = shards_now(s) + redis_backoff_failed(&s->backoff, shards_now(s));
	redis_shards__refuse(shard, s, true);
	log_shard_refused(n, shard, error);
}

/* It is elsewhere, or nowhere for now. The first time it is asked for there at once: two nodes that each believe it to
 * be at the other are not asked without end. */
static void
follow_shard(
	struct redis_shard_node *n, struct redis_shard *shard, const struct redis_redirect *to, struct eio_bytes error)
{
	struct redis_shards *s = n->all;
	uint64_t now = shards_now(s);
	bool soon = to->kind != REDIS_REDIRECT_MOVED || now - shard->turned_ms < REDIS_SHARD_RETRY_MS;

	redis_shards__loosen(shard, s, 0);
	shard->again_ms = soon ? now + REDIS_SHARD_RETRY_MS : 0;
	shard->turned_ms = now;
	redis_map_doubt(s->map);
	if (to->kind == REDIS_REDIRECT_MOVED) redis_map_redirect(s->map, to, n->url.host);
	if (to->kind == REDIS_REDIRECT_LATER)
		log_limited(LOG_LEVEL_WARN, &s->waits, now,
			"redis=%s event=shard-waits shard=\"%s\" slot=%u reason=\"%s\"", name_of_node(n),
			LOG_ESCAPE(eio_bytes(shard->name, shard->n)), shard->slot, LOG_ESCAPE(error));
}

static void
take_shard_error(struct redis_shard_node *n, struct redis_shard *shard, struct eio_bytes error)
{
	const struct redis_redirect to = redis_redirect_read(error);

	if (n->all->map && to.kind != REDIS_REDIRECT_NONE)
		follow_shard(n, shard, &to, error);
	else
		take_shard_refusal(n, shard, error);
	redis_shards__later(n->all, shard->again_ms > shards_now(n->all) ? shard->again_ms - shards_now(n->all) : 0);
}

static void
tell_shard_gap(struct redis_shard_node *n, struct redis_shard *shard)
{
	struct redis_shards *s = n->all;
	uint64_t from = shard->missing_ms, to = clock_wall_ms();

	shard->missing_ms = 0;
	if (!from) return;
	log_limited(LOG_LEVEL_WARN, &s->gaps, shards_now(s), "redis=%s event=gap shard=\"%s\" ms=%llu", name_of_node(n),
		LOG_ESCAPE(eio_bytes(shard->name, shard->n)), (unsigned long long)(to > from ? to - from : 0));
	if (s->options.gap) s->options.gap(s->options.user, eio_bytes(shard->name, shard->n), from, to);
}

/* It was at another node before. */
static void
note_home(struct redis_shard_node *n, struct redis_shard *shard)
{
	struct redis_shards *s = n->all;
	uint64_t before = shard->home;

	shard->home = eio_hash_bytes(s->hash_key, eio_cstr(name_of_node(n))) | 1;
	if (!before || before == shard->home) return;
	metrics_inc(s->options.metrics, REDIS_METRIC_SHARD_MOVES);
	log_limited(LOG_LEVEL_INFO, &s->moves, shards_now(s), "redis=%s event=shard-moved shard=\"%s\" slot=%u node=%s",
		s->options.url->name, LOG_ESCAPE(eio_bytes(shard->name, shard->n)), shard->slot, name_of_node(n));
}

static void
take_shard(struct redis_shard_node *n, struct redis_shard *shard)
{
	note_home(n, shard);
	redis_shards__arrive(shard, n->all);
	redis_shards__refuse(shard, n->all, false);
	if (shard->told)
		log_info("redis=%s event=subscription-allowed shard=\"%s\" refused=%zu", name_of_node(n),
			LOG_ESCAPE(eio_bytes(shard->name, shard->n)), n->all->refused);
	shard->told = false;
	tell_shard_gap(n, shard);
}

/* The next answer has come. */
static void
take_shard_answer(struct redis_shard_node *n, bool is_error, struct eio_bytes error)
{
	const struct redis_shard_asked asked = n->asked[n->asked_at++];
	struct redis_shard *shard = asked.shard;

	shard->unanswered--;
	if (shard->at == n && shard->number == asked.number) {
		if (is_error)
			take_shard_error(n, shard, error);
		else
			take_shard(n, shard);
	} else if (!shard->wants && !shard->unanswered) {
		redis_shards__drop(shard, n->all);
	}
	if (redis_shards__node_is_idle(n)) redis_shards__later(n->all, 0); /* it may go */
	redis_shards__tell_state(n->all);
}

/* Nobody has left it: so its slot is another's. Since when, nobody says: it was here when that was read at last. */
static void
take_shard_away(struct redis_shard_node *n, struct eio_bytes name)
{
	struct redis_shards *s = n->all;
	struct redis_shard *shard = shard_called(s, name);

	if (!shard || shard->at != n || shard->state != SHARD_THERE) return;
	redis_shards__loosen(
		shard, s, s->map && redis_map_seen_ms(s->map) ? redis_map_seen_ms(s->map) : clock_wall_ms());
	shard->again_ms = 0;
	if (s->map) redis_map_doubt(s->map);
	redis_shards__later(s, 0);
	redis_shards__tell_state(s);
}

static bool
names_shard(const struct redis_shard *shard, struct eio_bytes name)
{
	return eio_bytes_eq(eio_bytes(shard->name, shard->n), name);
}

/* The next answers are those to SUNSUBSCRIBE, and to the PING behind it. Whether this is one of the two. */
static bool
take_leaving(struct redis_shard_node *n, enum redis_reply reply, struct eio_bytes text)
{
	struct redis_shard_asked *asked = &n->asked[n->asked_at];
	bool before = asked->answered;

	if (reply == REDIS_REPLY_IS_SUNSUBSCRIBED && !names_shard(asked->shard, text)) {
		take_shard_away(n, text);
		return false;
	}
	asked->answered = true;
	/* Where PING is forbidden that is its answer. */
	if (reply == REDIS_REPLY_IS_STATUS ||
		(before && reply == REDIS_REPLY_IS_ERROR && eio_bytes_starts(text, EIO_LIT("NOPERM")))) {
		take_shard_answer(n, false, text);
		return true;
	}
	return !before;
}

static bool
shard_node_reply(void *user, enum redis_reply reply, struct eio_bytes text)
{
	struct redis_shard_node *n = shard_node_of(user);
	const struct redis_shard_asked *next = n->asked_at < n->asked_n ? &n->asked[n->asked_at] : NULL;
	bool is_error = reply == REDIS_REPLY_IS_ERROR, leaves = reply == REDIS_REPLY_IS_SUNSUBSCRIBED;

	if (is_error && (!next || eio_bytes_starts(text, EIO_LIT("NOAUTH")))) {
		redis_link_refuse(n->link, text); /* to nothing: it is about to hang up */
		return false;
	}
	if (next && !next->number && (is_error || leaves || reply == REDIS_REPLY_IS_STATUS))
		return take_leaving(n, reply, text);
	if (leaves) take_shard_away(n, text);
	if (!next || !(is_error || reply == REDIS_REPLY_IS_SUBSCRIBED)) return false;
	take_shard_answer(n, is_error, text);
	return true;
}

/* Messages */

/* Whether what it tells of a channel is to be heard from it. */
static bool
tells_shard(const struct redis_shard_node *n, const struct redis_message *m)
{
	const struct redis_shard *shard = m->is_shard ? shard_called(n->all, m->name) : NULL;

	return shard && shard->at == n && shard->state == SHARD_THERE;
}

static void
shard_node_message(void *user, const struct redis_message *m)
{
	struct redis_shard_node *n = shard_node_of(user);

	if (tells_shard(n, m)) n->all->options.message(n->all->options.user, m);
}

static void
shard_node_too_long(void *user, const struct redis_message *m, uint64_t bytes)
{
	struct redis_shard_node *n = shard_node_of(user);

	if (tells_shard(n, m)) n->all->options.too_long(n->all->options.user, m, bytes);
}

/* From its beginning to its end */

static size_t
shard_node_greet(void *user, struct eio_buf *out)
{
	(void)user;
	(void)out;
	return 0;
}

static void
shard_node_ready(void *user)
{
	struct redis_shard_node *n = shard_node_of(user);

	n->opened_ms = shards_now(n->all);
	redis_shards__later(n->all, 0);
}

/* What was said, and not answered, never will be. */
static void
forget_answers(struct redis_shard_node *n)
{
	for (; n->asked_at < n->asked_n; n->asked_at++) n->asked[n->asked_at].shard->unanswered--;
	eio_buf_clear(&n->out);
	n->out_n = 0;
}

static void
shard_node_lost(void *user)
{
	struct redis_shard_node *n = shard_node_of(user);
	struct redis_shards *s = n->all;
	uint64_t since = clock_wall_ms() - redis_link_silence_ms(n->link);
	struct eio_list *l, *next;

	forget_answers(n);
	n->opened_ms = shards_now(s);
	EIO_LIST_FOREACH_SAFE(l, next, &n->shards)
	redis_shards__loosen(EIO_CONTAINER(l, struct redis_shard, link), s, since);
	if (s->map) redis_map_doubt(s->map);
	redis_shards__later(s, 0);
	redis_shards__tell_state(s);
}

static const struct redis_role shard_node_role = {
	.name = "shards",
	.greet = shard_node_greet,
	.message = shard_node_message,
	.too_long = shard_node_too_long,
	.reply = shard_node_reply,
	.ready = shard_node_ready,
	.lost = shard_node_lost,
};

struct redis_shard_node *
redis_shards__node_open(struct redis_shards *s, const struct redis_node *where)
{
	struct redis_shard_node *n = calloc(1, sizeof *n);
	const struct redis_link_options o = {
		.url = where ? &n->url : s->options.url,
		.metrics = s->options.metrics,
		.max_string = s->options.message_bytes,
		.role = &shard_node_role,
		.user = n,
	};

	if (!n) return NULL;
	n->magic = REDIS_SHARD_NODE_MAGIC;
	n->all = s;
	n->opened_ms = shards_now(s);
	eio_list_init(&n->shards);
	eio_list_init(&n->nodes);
	eio_buf_init(&n->out);
	if (!where || redis_url_node(s->options.url, where->host, where->port, &n->url) == 0)
		n->link = redis_link_open(s->timer.loop, &o);
	if (n->link) {
		eio_list_add_tail(&s->nodes, &n->nodes);
		return n;
	}
	redis_url_deinit(&n->url);
	free(n);
	return NULL;
}

void
redis_shards__node_close(struct redis_shard_node *n)
{
	forget_answers(n);
	redis_link_close(n->link);
	eio_list_remove(&n->nodes);
	eio_buf_deinit(&n->out);
	redis_url_deinit(&n->url);
	free(n->asked);
	n->magic = 0;
	free(n);
}
