/* SPDX-License-Identifier: MIT */
/* The order of the reading; see the header for the picture. */
#include "src/feed/primer.h"

#include "eio/check.h"
#include "src/feed/prime_value.h"
#include "src/redis/command.h"
#include "src/redis/refusal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { BEHIND_MS = 10 }; /* how soon it is looked again whether workers keep up */

/* How many replies a portion with a marker has, and which is still to come when so many are. */
enum { REPLY_EXEC, REPLY_PUBLISH, REPLY_READ, REPLY_MULTI, REPLIES };

/* Beginning and ending */

static struct feed_at_work *
feed_at_hand(const struct feed_primer *p)
{
	return p->feeds.v[p->at].feed;
}

static const struct feed_prime *
prime_at_hand(const struct feed_primer *p)
{
	return &feed_at_hand(p)->spec->primes[p->prime];
}

/* Something is missing: from now on it is remembered what is heard. */
static void
hear_anew(struct feed_primer *p, uint64_t now_ms)
{
	primer_feeds_hear(&p->feeds, now_ms);
	p->anew = true;
}

/* Forgets how far it is. Of what was asked the replies still come. */
static void
rest_primer(struct feed_primer *p)
{
	p->phase = PRIMER_RESTING;
	p->going = false;
	p->stale += p->expected;
	p->expected = 0;
	p->at = p->prime = 0;
	p->at_ms = 0;
}

static void
begin_feed(struct feed_primer *p, uint64_t now_ms)
{
	p->feeds.v[p->at].failed = false;
	p->started_ms = p->told_ms = now_ms;
	p->values = 0;
	p->prime = 0;
	feed_fetch_begin(&p->fetch, prime_at_hand(p));
}

/* What a feed has is read. */
static void
end_feed(struct feed_primer *p, uint64_t now_ms)
{
	struct primer_feed *f = &p->feeds.v[p->at];
	struct feed_at_work *s = f->feed;
	bool failed = f->failed;

	metrics_inc(s->metrics, failed ? FEED_METRIC_PRIMINGS_FAILED : FEED_METRIC_PRIMINGS);
	metrics_put(s->metrics, FEED_METRIC_PRIMING_MS, now_ms - p->started_ms);
	log_info("feed=%u redis=%s event=primed values=%" PRIu64 " ms=%" PRIu64 "%s", s->spec->index, p->url->name,
		p->values, now_ms - p->started_ms, failed ? " incomplete" : "");
}

static void
end_priming(struct feed_primer *p)
{
	p->done = true;
	p->backoff = (struct redis_backoff){ 0 };
	rest_primer(p);
}

/* Goes on with the next of what is to be read. */
static void
next_prime(struct feed_primer *p, uint64_t now_ms)
{
	p->phase = PRIMER_ASKS;
	p->at_ms = 0;
	if (++p->prime < feed_at_hand(p)->spec->n_primes) {
		feed_fetch_begin(&p->fetch, prime_at_hand(p));
		return;
	}
	end_feed(p, now_ms);
	p->phase = PRIMER_TIDIES;
	p->prime = 0;
}

/* What is gone is dropped, and what was heard forgotten, bit by bit. That needs no connection. */
static void
tidy_feed(struct feed_primer *p, uint64_t now_ms)
{
	const struct primer_feed *f = &p->feeds.v[p->at];

	p->at_ms = now_ms + 1; /* a timer that is due at once would be so in the same turn of the loop */
	if (feed_priming_tidy(f->feed, primer_feed_is_whole(f, p->alone), p->looks, now_ms)) return;
	primer_feeds_done(&p->feeds, p->at, now_ms);
	p->phase = PRIMER_RESTING;
	if (!p->feeds.n_due) end_priming(p);
}

/* What is wrong */

/* It is read later, from the beginning. */
static void
read_later(struct feed_primer *p, const char *why, uint64_t now_ms)
{
	uint64_t ms = redis_backoff_failed(&p->backoff, now_ms);

	log_limited(LOG_LEVEL_WARN, &p->limit, now_ms,
		"feed=%u redis=%s event=prime-delayed reason=\"%s\" retry_ms=%" PRIu64, feed_at_hand(p)->spec->index,
		p->url->name, why, ms);
	rest_primer(p);
	p->at_ms = now_ms + ms;
}

/* One prime cannot be read; all else is. */
static void
give_up_prime(struct feed_primer *p, const char *why, const char *hint, uint64_t now_ms)
{
	log_warn("feed=%u redis=%s event=prime-failed key=\"%s\" reason=\"%s\"%s", feed_at_hand(p)->spec->index,
		p->url->name, LOG_ESCAPE(eio_cstr(prime_at_hand(p)->key)), why, hint);
	p->feeds.v[p->at].failed = true;
	next_prime(p, now_ms);
}

static void
take_refusal(struct feed_primer *p, struct eio_bytes error, uint64_t now_ms)
{
	char text[LOG_ESCAPE_MAX];

	redis_refusal(error, p->url, false, text, sizeof text);
	if (feed_fetch_is_transient(error))
		read_later(p, text, now_ms);
	else
		give_up_prime(p, text, feed_fetch_hint(error), now_ms);
}

/* From now on without the marker. */
static void
do_without_marker(struct feed_primer *p, const char *why, uint64_t now_ms)
{
	p->unmarked = true;
	log_limited(LOG_LEVEL_WARN, &p->mark_limit, now_ms,
		"redis=%s event=prime-unmarked channel=\"%s\" reason=\"%s\" hint=\"lists are read only while nothing is "
		"published\"",
		p->url->name, p->channel, why);
}

/* Values */

struct primer_turn {
	struct feed_primer *p;
	uint64_t now_ms;
};

static void
take_primed_value(void *user, const struct feed_value *v)
{
	const struct primer_turn *turn = user;
	struct feed_primer *p = turn->p;
	struct feed_at_work *s = feed_at_hand(p);
	struct message m = { .now_ms = turn->now_ms };

	p->values++;
	if (feed_prime_value(s, prime_at_hand(p), v, &p->scratch, &m))
		feed_priming_message(s, &m);
	else
		metrics_inc(s->metrics, FEED_METRIC_DROPPED_ROUTE);
}

static void
tell_priming(struct feed_primer *p, uint64_t now_ms)
{
	if (now_ms - p->told_ms < PRIMER_PROGRESS_MS) return;
	p->told_ms = now_ms;
	log_info("feed=%u redis=%s event=priming values=%" PRIu64, feed_at_hand(p)->spec->index, p->url->name,
		p->values);
}

/* All values of a portion; a list becomes what is retained. */
static enum feed_fetched
take_values(struct feed_primer *p, const struct redis_values *reply, size_t at, struct eio_bytes *why, uint64_t now_ms)
{
	struct feed_at_work *s = feed_at_hand(p);
	struct primer_turn turn = { p, now_ms };
	enum feed_fetched result;
	struct feed_primed list;

	feed_priming_portion(s);
	if (!feed_priming_is_list(s)) {
		result = feed_fetch_take(&p->fetch, reply, at, why, take_primed_value, &turn);
		feed_priming_portion_end(s, now_ms);
		return result;
	}
	if (!p->marked) p->round = feed_priming_marker(s, now_ms);
	feed_priming_list_begin(s, &list);
	result = feed_fetch_take(&p->fetch, reply, at, why, take_primed_value, &turn);
	if (!feed_priming_list_end(s, &list, p->round, p->marked, now_ms))
		log_warn("feed=%u redis=%s event=list-not-primed reason=\"messages came meanwhile, and there is no "
			 "marker\"",
			s->spec->index, p->url->name);
	return result;
}

/* The reply of a portion, whose items begin at `at`. */
static void
take_portion(struct feed_primer *p, const struct redis_values *reply, size_t at, uint64_t now_ms)
{
	struct eio_bytes why;

	p->phase = PRIMER_ASKS;
	p->at_ms = 0;
	switch (take_values(p, reply, at, &why, now_ms)) {
	case FEED_FETCHED:
		tell_priming(p, now_ms);
		if (p->fetch.left_out && p->fetch.over)
			log_warn("feed=%u redis=%s event=prime-left-out key=\"%s\" values=%zu reason=\"gone, no "
				 "strings, or longer than limits.messageBytes\"",
				feed_at_hand(p)->spec->index, p->url->name, LOG_ESCAPE(eio_cstr(prime_at_hand(p)->key)),
				p->fetch.left_out);
		if (p->fetch.over) next_prime(p, now_ms);
		break;
	case FEED_FETCH_AGAIN: break;
	case FEED_FETCH_REFUSED: take_refusal(p, why, now_ms); break;
	case FEED_FETCH_TOO_LARGE: give_up_prime(p, "it is larger than retainBytes", "", now_ms); break;
	case FEED_FETCH_WRONG: give_up_prime(p, "an unexpected reply", "", now_ms); break;
	case FEED_FETCH_NO_MEMORY: give_up_prime(p, "out of memory", "", now_ms); break;
	}
}

/* The values behind the array that EXEC gives. */
static size_t
inside_exec(const struct redis_values *reply)
{
	struct redis_item outer;
	size_t at = 0;

	return redis_values_next(reply, &at, &outer) && outer.kind == REDIS_ITEM_ARRAY ? at : 0;
}

static void
take_held(struct feed_primer *p, uint64_t now_ms)
{
	take_portion(p, &p->held, p->marks ? inside_exec(&p->held) : 0, now_ms);
}

/* Until the marker is there. */
static void
hold_reply(struct feed_primer *p, const struct redis_values *reply, uint64_t now_ms)
{
	redis_values_begin(&p->held);
	eio_buf_add(&p->held.items, eio_buf_bytes(&reply->items));
	p->held.overflowed = reply->overflowed;
	p->phase = PRIMER_WAITS_MARKER;
	p->at_ms = now_ms + PRIMER_MARKER_MS;
	if (eio_buf_failed(&p->held.items)) {
		eio_buf_deinit(&p->held.items);
		give_up_prime(p, "out of memory", "", now_ms);
	}
}

/* All four have come. */
static void
take_exec(struct feed_primer *p, enum redis_reply reply, struct eio_bytes text, const struct redis_values *values,
	uint64_t now_ms)
{
	if (*p->unmarked_why && feed_fetch_is_transient(eio_cstr(p->unmarked_why))) {
		read_later(p, p->unmarked_why, now_ms);
	} else if (*p->unmarked_why) {
		do_without_marker(p, p->unmarked_why, now_ms);
		p->phase = PRIMER_ASKS;
	} else if (*p->why) {
		take_refusal(p, eio_cstr(p->why), now_ms);
	} else if (reply == REDIS_REPLY_IS_ERROR) {
		take_refusal(p, text, now_ms);
	} else if (p->marked) {
		take_portion(p, values, inside_exec(values), now_ms);
	} else {
		hold_reply(p, values, now_ms);
	}
}

void
feed_primer_reply(struct feed_primer *p, enum redis_reply reply, struct eio_bytes text,
	const struct redis_values *values, uint64_t now_ms)
{
	bool is_error = reply == REDIS_REPLY_IS_ERROR;
	char *why = p->expected - 1 == REPLY_READ ? p->why : p->unmarked_why;

	if (p->stale) {
		p->stale--;
		return;
	}
	CHECK(p->phase == PRIMER_WAITS && p->expected);
	p->expected--;
	if (!p->marks)
		take_portion(p, values, 0, now_ms);
	else if (p->expected == REPLY_EXEC)
		take_exec(p, reply, text, values, now_ms);
	else if (is_error && !*why)
		redis_refusal(text, p->url, false, why, LOG_ESCAPE_MAX);
}

/* The marker */

bool
feed_primer_is_marker(const struct feed_primer *p, struct eio_bytes channel)
{
	return eio_bytes_eq(channel, eio_cstr(p->channel));
}

void
feed_primer_marker(struct feed_primer *p, struct eio_bytes payload, uint64_t now_ms)
{
	bool awaited = p->phase == PRIMER_WAITS || p->phase == PRIMER_WAITS_MARKER;
	char number[24];
	int n = snprintf(number, sizeof number, "%" PRIu64, p->number);

	if (!awaited || !p->marks || p->marked || !eio_bytes_eq(payload, eio_bytes(number, (size_t)n))) return;
	p->marked = true;
	if (feed_priming_is_list(feed_at_hand(p))) p->round = feed_priming_marker(feed_at_hand(p), now_ms);
	if (p->phase == PRIMER_WAITS_MARKER) take_held(p, now_ms);
}

/* What happens */

void
feed_primer_subscribed(struct feed_primer *p, bool subscribed, uint64_t now_ms)
{
	p->subscribed = subscribed;
	if (!subscribed) {
		p->answered = false;
		hear_anew(p, now_ms);
		rest_primer(p);
	}
	for (size_t i = 0; subscribed && i < p->feeds.n; i++) {
		struct primer_feed *f = &p->feeds.v[i];

		if (f->due || !f->hears) continue;
		primer_feed_end(f, now_ms); /* nothing was missed */
		p->anew = false;
	}
}

void
feed_primer_gap(struct feed_primer *p, uint64_t now_ms)
{
	primer_feeds_want(&p->feeds);
	if (p->anew) return;
	hear_anew(p, now_ms);
	rest_primer(p);
}

void
feed_primer_again(struct feed_primer *p)
{
	if (p->feeds.n_due) rest_primer(p);
}

void
feed_primer_connected(struct feed_primer *p, bool connected)
{
	p->connected = connected;
	if (connected) return;
	if (p->phase != PRIMER_TIDIES) rest_primer(p);
	p->stale = 0;
}

/* What is next */

static size_t
ask_portion(struct feed_primer *p, struct eio_buf *out)
{
	char number[24];
	int n = snprintf(number, sizeof number, "%" PRIu64, ++p->number);

	p->marks = feed_fetch_reads_values(&p->fetch) && !p->unmarked && !p->refused;
	p->marked = false;
	*p->why = *p->unmarked_why = '\0';
	p->phase = PRIMER_WAITS;
	p->at_ms = 0;
	p->expected = p->marks ? REPLIES : 1;
	if (p->marks) {
		redis_command(out, 1);
		redis_argument(out, EIO_LIT("MULTI"));
	}
	feed_fetch_ask(&p->fetch, out);
	if (!p->marks) return 1;
	redis_command(out, 3);
	redis_argument(out, EIO_LIT("PUBLISH"));
	redis_argument(out, eio_cstr(p->channel));
	redis_argument(out, eio_bytes(number, (size_t)n));
	redis_command(out, 1);
	redis_argument(out, EIO_LIT("EXEC"));
	return REPLIES;
}

static bool
may_begin(const struct feed_primer *p)
{
	return p->phase == PRIMER_RESTING && p->feeds.n_due && p->subscribed && p->answered && p->connected;
}

static void
begin_next_feed(struct feed_primer *p, uint64_t now_ms)
{
	if (!p->going) {
		p->going = true;
		p->unmarked = p->anew = false;
		if (p->refused) do_without_marker(p, "the subscription is refused", now_ms);
	}
	p->at = primer_feeds_first(&p->feeds);
	begin_feed(p, now_ms);
	p->phase = PRIMER_ASKS;
}

size_t
feed_primer_step(struct feed_primer *p, struct eio_buf *out, bool may_ask, uint64_t now_ms)
{
	if (p->phase == PRIMER_WAITS_MARKER && now_ms >= p->at_ms) {
		do_without_marker(p, "it does not come: are both connections to the same server?", now_ms);
		take_held(p, now_ms);
	}
	if (may_begin(p) && now_ms >= p->at_ms) begin_next_feed(p, now_ms);
	if (p->phase == PRIMER_TIDIES) tidy_feed(p, now_ms);
	if (p->phase != PRIMER_ASKS || !p->connected) return 0;
	if (may_ask) return ask_portion(p, out);
	p->at_ms = now_ms + BEHIND_MS;
	return 0;
}

uint64_t
feed_primer_deadline(const struct feed_primer *p)
{
	if (p->phase == PRIMER_RESTING) return may_begin(p) ? p->at_ms : UINT64_MAX;
	return p->phase == PRIMER_WAITS ? UINT64_MAX : p->at_ms;
}

/* From init to deinit */

/* Goes on with the one that is being read, or with none if that has gone. */
void
feed_primer_commit(struct feed_primer *p, uint64_t now_ms)
{
	size_t at = primer_feeds_commit(&p->feeds, p->at, now_ms);

	p->answered = p->refused = false; /* they are told anew */
	if (!p->feeds.n_due) p->done = true;
	if (p->phase == PRIMER_RESTING) return;
	if (at == SIZE_MAX) {
		rest_primer(p);
		return;
	}
	p->at = at;
	p->fetch.prime = prime_at_hand(p);
}

int
feed_primer_init(struct feed_primer *p, struct feed_router *router, const struct redis_url *url, bool alone)
{
	*p = (struct feed_primer){ .router = router, .url = url, .alone = alone, .looks = PRIMER_LOOKS };
	p->held.max = SIZE_MAX;
	if (redis_marker_name(p->channel) < 0 || feed_primer_prepare(p, router->feeds, router->options->specs->n) < 0)
		return -1;
	feed_primer_commit(p, 0);
	p->anew = true;
	return 0;
}

void
feed_primer_deinit(struct feed_primer *p)
{
	primer_feeds_deinit(&p->feeds);
	feed_fetch_deinit(&p->fetch);
	redis_values_deinit(&p->held);
	eio_buf_deinit(&p->scratch);
}
