/* SPDX-License-Identifier: MIT */
/* The feed's place on its thread: sources of messages, one timer, and the way back to Redis. */
#include "src/feed/feed_self.h"

#include "src/base/clock.h"
#include "src/feed/elsewhere.h"
#include "src/feed/posting.h"
#include "src/feed/saving.h"
#include "src/feed/store.h"

#include <stdlib.h>

/* The timer */

static void on_feed_timer(uv_timer_t *t);

/* The timer only moves when the deadline comes nearer: appending to a batch that is being filled costs nothing. */
static void
arm_feed_timer(struct feed *f, uint64_t least_ms)
{
	uint64_t at = f->router.deadline_ms, now = uv_now(feed__loop(f));

	if (at >= f->timer_ms) return;
	f->timer_ms = at;
	uv_timer_start(&f->timer, on_feed_timer, at > now + least_ms ? at - now : least_ms, 0);
}

static void
on_feed_timer(uv_timer_t *t)
{
	struct feed *f = feed__of(t->data);

	f->timer_ms = UINT64_MAX;
	feed_router_tick(&f->router, uv_now(feed__loop(f)));
	/* What is left for later is left for another turn of the loop: a timer that is due at once runs in this one. */
	arm_feed_timer(f, 1);
	/* The loop is about to wait for input: what is due must not wait with it. */
	feed_out_post(&f->out);
}

/* After everything that was there to read: what was filled up meanwhile goes out together. */
static void
on_feed_check(uv_check_t *c)
{
	struct feed *f = feed__of(c->data);

	if (f->out.tells || (f->out.journal && feed_out_stands_up(&f->out)))
		feed_out_tell(&f->out);
	else
		feed_out_post(&f->out);
	if (f->store) store_flush(f->store);
	arm_feed_timer(f, 0);
}

/* Closes everything it has on the loop. */
static void
shut_down_feed(struct feed *f)
{
	f->closed = true;
	feed_intakes_note(&f->intakes);
	feed_demands_close(&f->demands);
	feed_intakes_close(&f->intakes);
	feed_uplink_close(&f->uplink);
	if (f->store) store_close(f->store);
	uv_close((uv_handle_t *)&f->timer, NULL);
	uv_close((uv_handle_t *)&f->check, NULL);
	if (f->ledger) feed_returning_close(&f->returning);
	if (f->save) f->save(f->save_user);
	uv_sem_post(&f->stopped);
}

static void
take_feed_start(void *user, struct mail *run)
{
	struct feed *f = feed__of(user);

	(void)run;
	feed_demands_begin(&f->demands);
	feed_intakes_open(&f->intakes);
	feed_demands_fill(&f->demands);
	if (f->store) store_open(f->store);
}

static void
take_feed_stop(void *user, struct mail *run)
{
	(void)run;
	shut_down_feed(feed__of(user));
}

/* What is published without Redis */

static void
take_posts(void *user, struct mail *run)
{
	struct feed *f = feed__of(user);

	while (run) {
		struct feed_posting *p = EIO_CONTAINER(run, struct feed_posting, mail);

		run = run->next;
		atomic_fetch_sub_explicit(&f->posted, p->bytes.n, memory_order_relaxed);
		if (!f->closed) feed_router_post(&f->router, p, uv_now(feed__loop(f)));
		feed_posting_free(p);
	}
}

struct feed_router *
feed_router_of(struct feed *f)
{
	return &f->router;
}

int
feed_post(struct feed *f, struct feed_posting *p)
{
	size_t waiting = atomic_load_explicit(&f->posted, memory_order_relaxed);

	if (waiting && waiting + p->bytes.n > FEED_POST_BYTES) return -1;
	atomic_fetch_add_explicit(&f->posted, p->bytes.n, memory_order_relaxed);
	mail_post(&f->posts, &p->mail);
	return 0;
}

/* Questions */

static void
take_asks(void *user, struct mail *run)
{
	struct feed *f = feed__of(user);

	while (run) {
		struct feed_ask *a = EIO_CONTAINER(run, struct feed_ask, mail);

		run = run->next;
		if (f->closed)
			feed_ask_unref(a);
		else if (f->hub.ask)
			f->hub.ask(f->hub.user, a);
		else
			feed_router_reply(&f->router, a, uv_now(feed__loop(f)));
	}
}

void
feed_ask(struct feed *f, struct feed_ask *a)
{
	mail_post(&f->asks, &feed_ask_ref(a)->mail);
}

int
feed_publish(struct feed *f, struct eio_bytes channel, struct eio_bytes payload)
{
	return feed_uplink_post(&f->uplink, channel, payload);
}

unsigned
feed_hand(struct feed *f, uint64_t workers, const struct delivery_item *item)
{
	return feed_out_hand(&f->out, workers, item, false);
}

/* Clients that come back */

struct feed_returning *
feed_returning_of(struct feed *f)
{
	return &f->returning;
}

struct feed_offset_text
feed_begins_at(const struct feed *f)
{
	return f->out.journal ? feed_out_reached(&f->out) : (struct feed_offset_text){ .n = 0 };
}

uint64_t
feed_begins_with(const struct feed *f)
{
	return f->ledger ? ledger_serial(f->ledger) : 0;
}

static bool
init_journal(struct feed *f)
{
	const struct feed_options *o = &f->options;
	bool hashed[STANDING_TRACKS];
	unsigned tracks = feed_intakes_tracks(&f->intakes, hashed);

	f->out.journal = journal_new(
		&o->recovery.history, o->specs, hashed, tracks, clock_wall_ms() / 1000, uv_now(&o->thread->loop));
	if (!f->out.journal) return false;
	f->out.journal->node = ledger_node(f->ledger);
	feed_intakes_await_past(&f->intakes);
	return true;
}

static bool
init_store(struct feed *f)
{
	f->store = f->out.store = feed_returning_new_store(&f->returning, &f->options, f->redis_metrics[0]);
	f->out.router = &f->router;
	return f->store != NULL;
}

static bool
init_ledger(struct feed *f)
{
	const struct feed_options *o = &f->options;

	if (!o->recovery.on) return true;
	f->ledger = ledger_new(&f->options.recovery, o->specs, o->workers, o->metrics);
	f->out.ledger = f->ledger;
	return f->ledger && (!o->recovery.elsewhere || (init_journal(f) && init_store(f)));
}

/* From one process to the next */

static void
on_intakes_settled(void *user)
{
	struct feed *f = feed__of(user);

	if (f->ledger) feed_returning_settle(&f->returning);
}

static void
on_returning_gave_up(void *user)
{
	feed_intakes_give_up(&feed__of(user)->intakes);
}

static void
on_second(void *user)
{
	feed_intakes_begin_tracks(&feed__of(user)->intakes);
}

static struct feed_parts
parts_of_feed(struct feed *f)
{
	uv_update_time(feed__loop(f));
	return (struct feed_parts){
		.router = &f->router,
		.intakes = &f->intakes,
		.now_ms = uv_now(feed__loop(f)),
		.wall_ms = clock_wall_ms(),
	};
}

const char *
feed_restore(struct feed *f, struct archive_in *in, struct feed_tally *tally)
{
	const struct feed_parts parts = parts_of_feed(f);
	const char *why = feed_saving_read(&parts, in, tally);

	if (f->out.journal) f->out.journal->node = ledger_node(f->ledger);
	if (!why && f->ledger && f->intakes.unsettled) feed_returning_await(&f->returning, parts.now_ms);
	return why;
}

void
feed_save(struct feed *f, struct archive_out *out, struct feed_tally *tally)
{
	const struct feed_parts parts = parts_of_feed(f);

	if (!f->closed) feed_intakes_note(&f->intakes);
	if (f->out.journal) feed_router_leave(&f->router, parts.now_ms, true);
	for (size_t i = 0; i < f->options.specs->n; i++) feed_streams_flush(&f->router.feeds[i]->streams, parts.now_ms);
	/* When all clients are put out at once, it is now that there are too many. */
	if (f->out.ledger) ledger_tell_crowded(f->out.ledger, parts.now_ms);
	feed_saving_write(&parts, out, tally);
}

/* From new to free */

/* What is published where there is no Redis. */
static void
take_uplink(void *user, struct eio_bytes channel, struct eio_bytes payload)
{
	struct feed *f = feed__of(user);

	if (f->hub.publish)
		f->hub.publish(f->hub.user, channel, payload);
	else
		feed_router_deliver(&f->router, channel, payload, uv_now(feed__loop(f)));
}

static bool
is_uplink_shard(void *user, struct eio_bytes channel)
{
	struct feed *f = feed__of(user);

	return f->router.table.n_shards && feed_table_find(&f->router.table, MESSAGE_OF_SHARD, channel);
}

static void
init_feed_uplink(struct feed *f)
{
	const struct feed_uplink_options o = {
		.thread = f->options.thread,
		.url = f->options.n_redis ? f->options.redis : NULL,
		.take = take_uplink,
		.is_shard = is_uplink_shard,
		.user = f,
		.queue_bytes = f->options.publish_queue_bytes,
		.metrics = f->redis_metrics[0],
	};

	feed_uplink_init(&f->uplink, &o);
}

static void
open_feed_ports(struct feed *f)
{
	struct mailbox *mailbox = &f->options.thread->mailbox;

	f->starts = (struct mail_port){ mailbox, take_feed_start, f };
	f->stops = (struct mail_port){ mailbox, take_feed_stop, f };
	f->posts = (struct mail_port){ mailbox, take_posts, f };
	f->asks = (struct mail_port){ mailbox, take_asks, f };
	f->change.port = (struct mail_port){ mailbox, feed__take_change, f };
}

static void
set_feed_callbacks(struct feed *f)
{
	if (f->ledger) feed_returning_init(&f->returning, f->options.thread, &f->out);
	f->returning.give_up = on_returning_gave_up;
	f->returning.begin_tracks = on_second;
	f->returning.store_moved = feed__on_store_moved;
	f->intakes.settled = on_intakes_settled;
	feed__hear_moves(f);
	f->returning.user = f->intakes.user = f;
	if (f->intakes.unsettled) feed_returning_await(&f->returning, uv_now(feed__loop(f)));
}

struct feed *
feed_new(const struct feed_options *options)
{
	struct feed *f = calloc(1, sizeof *f);

	if (!f) return NULL;
	f->options = *options;
	f->magic = FEED_MAGIC;
	feed_specs_ref(f->options.specs);
	f->timer_ms = UINT64_MAX;
	atomic_init(&f->asked, f->options.specs);
	open_feed_ports(f);
	if (!feed__make_servers(f)) goto fail_specs;
	init_feed_uplink(f);
	if (feed_out_init(&f->out, &f->options) < 0) goto fail_metrics;
	if (feed_router_init(&f->router, &f->options, &f->out) < 0) goto fail_out;
	if (feed_intakes_init(&f->intakes, &f->options, &f->router, f->redis_metrics) < 0) goto fail_router;
	if (!init_ledger(f)) goto fail_ledger;
	if (uv_sem_init(&f->stopped, 0)) goto fail_ledger;
	if (uv_sem_init(&f->change.done, 0)) goto fail_sem;
	if (feed_demands_init(&f->demands, &f->options, &f->router, &f->intakes, &f->asked) < 0) goto fail_done;
	set_feed_callbacks(f);
	uv_timer_init(feed__loop(f), &f->timer);
	uv_check_init(feed__loop(f), &f->check);
	uv_check_start(&f->check, on_feed_check);
	f->timer.data = f->check.data = f;
	return f;
fail_done:
	uv_sem_destroy(&f->change.done);
fail_sem:
	uv_sem_destroy(&f->stopped);
fail_ledger:
	store_free(f->store);
	journal_free(f->out.journal);
	ledger_free(f->ledger);
	feed_intakes_deinit(&f->intakes);
fail_router:
	feed_router_deinit(&f->router);
fail_out:
	feed_out_deinit(&f->out);
fail_metrics:
	feed__free_servers(f);
fail_specs:
	feed_specs_unref(f->options.specs);
	free(f);
	return NULL;
}

void
feed_set_worker(struct feed *f, unsigned w, const struct mail_port *deliveries)
{
	CHECK(w < feed_takers(&f->options));
	f->out.workers[w] = deliveries;
}

void
feed_set_recalls(struct feed *f, unsigned w, const struct mail_port *recalls)
{
	CHECK(w < f->options.workers);
	f->out.recalls[w] = recalls;
}

void
feed_set_stows(struct feed *f, unsigned w, const struct mail_port *stows)
{
	CHECK(w < f->options.workers);
	f->out.stows[w] = stows;
}

void
feed_start(struct feed *f)
{
	mail_post(&f->starts, &f->start);
}

void
feed_hand_over(struct feed *f, struct inherited *heirs, void (*save)(void *user), void *user)
{
	f->intakes.heirs = heirs;
	f->save = save;
	f->save_user = user;
}

void
feed_stop(struct feed *f)
{
	if (!f->options.thread->running) {
		shut_down_feed(f);
		return;
	}
	mail_post(&f->stops, &f->stop);
	uv_sem_wait(&f->stopped);
}

void
feed_free(struct feed *f)
{
	if (!f) return;
	CHECK(!f->options.thread->running && uv_is_closing((uv_handle_t *)&f->timer));
	uv_sem_destroy(&f->stopped);
	uv_sem_destroy(&f->change.done);
	feed_change_end(f);
	feed_specs_unref(f->change.refused);
	store_free(f->store);
	journal_free(f->out.journal);
	feed_demands_deinit(&f->demands);
	feed_intakes_deinit(&f->intakes);
	feed_router_deinit(&f->router);
	feed_out_deinit(&f->out);
	ledger_free(f->ledger);
	feed__free_servers(f);
	feed_specs_unref(f->options.specs);
	f->magic = 0;
	free(f);
}
