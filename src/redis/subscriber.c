/* SPDX-License-Identifier: MIT */
/* The role of a link that subscribes. */
#include "src/redis/subscriber.h"

#include "eio/check.h"
#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/redis/backoff.h"
#include "src/redis/hex.h"
#include "src/redis/link.h"
#include "src/redis/pacing.h"
#include "src/redis/refusal.h"
#include "src/redis/subscriptions.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REDIS_SUBSCRIBER_MAGIC 0x4ed15b5c

struct redis_subscriber {
	unsigned magic;
	struct redis_subscriber_options options;
	struct redis_link *link;
	struct redis_pacing *pacing; /* NULL: every message is taken at once */
	struct redis_subscriptions subscriptions;
	struct redis_pacing *next_pacing; /* prepared; NULL: none, or it goes on with the one that it has */
	bool next_may_pause; /* the same */
	bool ready, answered; /* as was told */
	uv_timer_t timer; /* when to ask again for what was refused */
	struct redis_backoff backoff; /* of that */
	struct log_limit limit, gap_limit;
	struct eio_buf begun; /* of a message, when the connection was handed over */
	struct eio_bytes handed; /* what was confirmed then; borrowed */
	bool missed; /* that something is missing was logged, since the connection was lost */
};

static struct redis_subscriber *
subscriber_of(void *user)
{
	struct redis_subscriber *s = user;

	CHECK_MAGIC(s, REDIS_SUBSCRIBER_MAGIC);
	return s;
}

static void
subscriber_message(void *user, const struct redis_message *m)
{
	struct redis_subscriber *s = subscriber_of(user);

	if (!s->subscriptions.returning || !redis_subscriptions_is_left(&s->subscriptions, m->is_pattern, m->name))
		s->options.message(s->options.user, m);
}

static void
subscriber_too_long(void *user, const struct redis_message *m, uint64_t n)
{
	struct redis_subscriber *s = subscriber_of(user);

	s->options.too_long(s->options.user, m, n);
}

static void
tell_state(struct redis_subscriber *s)
{
	bool ready = redis_link_is_ready(s->link) && s->subscriptions.confirmed;

	if (ready == s->ready) return;
	s->ready = ready;
	s->options.state(s->options.user, ready);
}

static void
tell_answered(struct redis_subscriber *s)
{
	bool all = redis_link_is_ready(s->link) && !s->subscriptions.unanswered;

	if (all == s->answered) return;
	s->answered = all;
	if (s->options.answered) s->options.answered(s->options.user, all);
}

/* Asking */

static size_t
subscriber_greet(void *user, struct eio_buf *out)
{
	return redis_subscriptions_ask(&subscriber_of(user)->subscriptions, out);
}

static void
on_subscriber_timer(uv_timer_t *t)
{
	struct redis_subscriber *s = subscriber_of(t->data);
	struct eio_buf b;
	size_t n;

	if (s->subscriptions.unanswered) return; /* the last answer starts it again */
	eio_buf_init(&b);
	n = redis_subscriptions_ask_refused(&s->subscriptions, &b);
	tell_answered(s);
	redis_link_write(s->link, &b, n);
}

/* What was changed since the server was asked. The link may be lost afterwards. */
static void
ask_changes(struct redis_subscriber *s)
{
	struct eio_buf b;
	size_t n;

	if (!redis_link_is_ready(s->link)) return;
	eio_buf_init(&b);
	n = redis_subscriptions_ask_changes(&s->subscriptions, &b);
	tell_answered(s);
	if (n) redis_link_write(s->link, &b, n);
	eio_buf_deinit(&b);
}

/* When everything is answered on a link that is ready. */
static void
ask_again_later(struct redis_subscriber *s)
{
	const struct redis_subscriptions *all = &s->subscriptions;
	uint64_t now = uv_now(s->timer.loop);

	if (!all->refused || all->unanswered || !redis_link_is_ready(s->link)) return;
	uv_timer_start(&s->timer, on_subscriber_timer, redis_backoff_failed(&s->backoff, now), 0);
}

/* What the server answers */

/* Of many, each has its line some time: who had none has it when it is refused once more. */
static void
log_refused(struct redis_subscriber *s, struct redis_subscription *one, struct eio_bytes error)
{
	char text[LOG_ESCAPE_MAX];
	uint64_t suppressed;

	if (one->told || !log_limit_pass(&s->limit, uv_now(s->timer.loop), &suppressed)) return;
	one->told = true;
	redis_refusal(error, s->options.url, false, text, sizeof text);
	log_warn("redis=%s event=subscription-refused %s=\"%s\" reason=\"%s\" refused=%zu suppressed=%llu",
		s->options.url->name, one->is_pattern ? "pattern" : "channel", LOG_ESCAPE(one->name), text,
		s->subscriptions.refused, (unsigned long long)suppressed);
}

static void
log_allowed(const struct redis_subscriber *s, struct redis_subscription *one)
{
	one->told = false;
	log_info("redis=%s event=subscription-allowed %s=\"%s\" refused=%zu", s->options.url->name,
		one->is_pattern ? "pattern" : "channel", LOG_ESCAPE(one->name), s->subscriptions.refused);
}

/* It is there again. */
static void
tell_missing(struct redis_subscriber *s, struct redis_subscription *one)
{
	uint64_t from = one->missing_ms, to = clock_wall_ms();

	one->missing_ms = 0;
	if (!from || !s->options.gap) return;
	if (!s->missed)
		log_limited(LOG_LEVEL_WARN, &s->gap_limit, uv_now(s->timer.loop), "redis=%s event=gap ms=%llu",
			s->options.url->name, (unsigned long long)(to > from ? to - from : 0));
	s->missed = true;
	s->options.gap(s->options.user, one->is_pattern, one->name, from, to);
}

static bool
take_answer(struct redis_subscriber *s, bool confirmed, struct eio_bytes error)
{
	size_t refused = s->subscriptions.refused;
	bool counts;
	struct redis_subscription *one = redis_subscriptions_answered(&s->subscriptions, confirmed, &counts);

	if (!one) return false;
	if (s->subscriptions.refused != refused)
		s->options.refused(s->options.user, one->is_pattern, one->name, !confirmed);
	if (counts && confirmed) tell_missing(s, one);
	if (counts && !confirmed)
		log_refused(s, one, error);
	else if (counts && one->told)
		log_allowed(s, one);
	tell_state(s);
	tell_answered(s);
	ask_again_later(s);
	return true;
}

/* An error to nothing that was asked is said before hanging up; and without AUTH, nothing will be allowed later. */
static bool
subscriber_reply(void *user, enum redis_reply reply, struct eio_bytes text)
{
	struct redis_subscriber *s = subscriber_of(user);
	bool is_error = reply == REDIS_REPLY_IS_ERROR;

	if (!is_error && reply != REDIS_REPLY_IS_SUBSCRIBED) return false;
	if (!(is_error && eio_bytes_starts(text, EIO_LIT("NOAUTH"))) && take_answer(s, !is_error, text)) return true;
	if (is_error) redis_link_refuse(s->link, text);
	return false;
}

static void
subscriber_looked(void *user, size_t n)
{
	struct redis_subscriber *s = subscriber_of(user);

	if (s->pacing) redis_pacing_note(s->pacing, n);
}

static void
subscriber_ready(void *user)
{
	struct redis_subscriber *s = subscriber_of(user);

	s->backoff = (struct redis_backoff){ 0 };
	tell_state(s);
	ask_again_later(s);
	ask_changes(s); /* while it was greeted */
}

static void
subscriber_adopted(void *user)
{
	struct redis_subscriber *s = subscriber_of(user);

	redis_subscriptions_read(&s->subscriptions, s->handed);
	s->handed = eio_bytes(NULL, 0);
}

static void
subscriber_lost(void *user)
{
	struct redis_subscriber *s = subscriber_of(user);

	s->missed = false;
	redis_subscriptions_lost(&s->subscriptions, clock_wall_ms() - redis_link_silence_ms(s->link));
	if (s->pacing) redis_pacing_reset(s->pacing);
	uv_timer_stop(&s->timer);
	tell_answered(s);
	tell_state(s);
}

static const struct redis_role subscriber_role = {
	.name = "subscribe",
	.greet = subscriber_greet,
	.message = subscriber_message,
	.too_long = subscriber_too_long,
	.reply = subscriber_reply,
	.looked = subscriber_looked,
	.ready = subscriber_ready,
	.lost = subscriber_lost,
	.adopted = subscriber_adopted,
};

/* Opening and closing */

/* "1" or "0", whether an answer to PING is to come; what has come of a message; what is confirmed. */
static bool
read_handed(struct redis_subscriber *s, const char *text, struct redis_handed *out)
{
	const char *begun = strchr(text, ' '), *rest = begun ? strchr(begun + 1, ' ') : NULL;

	if (!rest || !redis_hex_read(eio_bytes(begun + 1, (size_t)(rest - begun - 1)), &s->begun)) return false;
	out->pinged = *text == '1';
	out->begun = eio_buf_bytes(&s->begun);
	s->handed = eio_cstr(rest + 1);
	return true;
}

int
redis_subscriber_hand(const struct redis_subscriber *s, struct eio_buf *text)
{
	struct redis_handed handed;

	if (!redis_link_hand(s->link, &handed)) return -1;
	eio_buf_addc(text, handed.pinged ? '1' : '0');
	eio_buf_addc(text, ' ');
	redis_hex_write(handed.begun, text);
	eio_buf_addc(text, ' ');
	redis_subscriptions_write(&s->subscriptions, text);
	return handed.fd;
}

static int
open_link(struct redis_subscriber *s, uv_loop_t *loop)
{
	const struct redis_subscriber_options *o = &s->options;
	struct redis_handed handed = { .fd = o->handed_fd };
	bool goes_on = o->handed && read_handed(s, o->handed, &handed);
	const struct redis_link_options link_options = {
		.url = o->url,
		.metrics = o->metrics,
		.max_string = o->message_bytes,
		.silent_ms = o->silent_ms,
		.dead_ms = o->dead_ms,
		.role = &subscriber_role,
		.user = s,
		.handed = goes_on ? &handed : NULL,
	};

	if (o->handed && !goes_on) close(handed.fd);
	s->link = redis_link_open(loop, &link_options);
	if (!s->link) return -1;
	if (!o->may_pause || (s->pacing = redis_pacing_new(loop, s->link))) return 0;
	redis_link_close(s->link);
	return -1;
}

struct redis_subscriber *
redis_subscriber_open(uv_loop_t *loop, const struct redis_subscriber_options *options)
{
	const struct redis_subscriber_options *o = options;
	struct redis_subscriber *s = calloc(1, sizeof *s);

	if (!s) return NULL;
	s->magic = REDIS_SUBSCRIBER_MAGIC;
	s->options = *o;
	if (redis_subscriptions_init(&s->subscriptions, o->channels, o->n_channels, o->patterns, o->n_patterns) < 0)
		goto fail_subscriber;
	if (open_link(s, loop) < 0) goto fail_subscriptions;
	uv_timer_init(loop, &s->timer); /* cannot fail */
	s->timer.data = s;
	return s;
fail_subscriptions:
	redis_subscriptions_deinit(&s->subscriptions);
fail_subscriber:
	free(s);
	return NULL;
}

/* Going over to others */

int
redis_subscriber_prepare(struct redis_subscriber *s, const struct redis_subscriber_options *options)
{
	const struct redis_subscriber_options *o = options;

	redis_subscriber_forget(s);
	s->next_may_pause = o->may_pause;
	if (o->may_pause && !s->pacing && !(s->next_pacing = redis_pacing_new(s->timer.loop, s->link))) return -1;
	if (redis_subscriptions_prepare(&s->subscriptions, o->channels, o->n_channels, o->patterns, o->n_patterns) == 0)
		return 0;
	redis_subscriber_forget(s);
	return -1;
}

void
redis_subscriber_forget(struct redis_subscriber *s)
{
	redis_subscriptions_forget(&s->subscriptions);
	if (s->next_pacing) redis_pacing_free(s->next_pacing);
	s->next_pacing = NULL;
}

static void
change_pacing(struct redis_subscriber *s)
{
	struct redis_pacing *old = s->pacing;

	if (s->next_pacing) s->pacing = s->next_pacing;
	s->next_pacing = NULL;
	if (s->next_may_pause || !old) return;
	s->pacing = NULL;
	redis_pacing_stop(old);
	redis_pacing_free(old);
}

void
redis_subscriber_tell_refused(const struct redis_subscriber *s, bool refused)
{
	const struct redis_subscription_list *all = &s->subscriptions.all;

	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].refused)
			s->options.refused(s->options.user, all->v[i].is_pattern, all->v[i].name, refused);
}

void
redis_subscriber_commit(struct redis_subscriber *s)
{
	redis_subscriptions_commit(&s->subscriptions);
	redis_subscriber_tell_refused(s, true);
	change_pacing(s);
	s->answered = false;
	ask_changes(s);
	tell_state(s);
}

void
redis_subscriber_redial(struct redis_subscriber *s)
{
	redis_link_redial(s->link);
}

bool
redis_subscriber_is_connected(const struct redis_subscriber *s)
{
	return redis_link_is_ready(s->link);
}

bool
redis_subscriber_is_complete(const struct redis_subscriber *s)
{
	return s->ready && s->answered;
}

static void
on_subscriber_timer_closed(uv_handle_t *h)
{
	struct redis_subscriber *s = subscriber_of(h->data);

	s->magic = 0;
	free(s);
}

void
redis_subscriber_close(struct redis_subscriber *s)
{
	redis_subscriber_forget(s);
	redis_link_close(s->link);
	eio_buf_deinit(&s->begun);
	if (s->pacing) redis_pacing_free(s->pacing);
	redis_subscriptions_deinit(&s->subscriptions);
	uv_close((uv_handle_t *)&s->timer, on_subscriber_timer_closed);
}
