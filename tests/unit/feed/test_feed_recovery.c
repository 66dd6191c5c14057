/* SPDX-License-Identifier: MIT */
/*
 * Clients that come back, against a model. Workers are queues of mail here, which are emptied at random times, as
 * those of threads are. Clients come, join, leave, lose what was on its way to them, and come back at any worker.
 * What each has received must be what it was to receive: once, in order, nothing else; or it is told that it begins
 * anew.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sio/event.h"
#include "src/feed/recall_int.h"
#include "src/feed/saving.h"
#include "tests/unit/dice.h"
#include "tests/unit/failmalloc.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	WORKERS = 3,
	ROOMS = 4, /* the first is everyone's */
	CLIENTS = 8,
	EVENTS = 400,
	STEPS = 1500,
	RUNS = 60,
};

enum presence { GONE, HERE, AWAY, COMING };

struct client {
	enum presence is;
	unsigned worker;
	unsigned rooms; /* a bit each */
	char pid[FEED_PID_LEN];
	struct feed_since since, before;
	uint64_t late[ROOMS]; /* what it does not have of each */
	bool returned;
	bool due[EVENTS], got[EVENTS]; /* by number */
	unsigned last; /* number of the last event it has; 0: none */
	struct feed_recall *recall;
};

struct world {
	struct interest_table *interest;
	struct metrics_set metrics;
	struct feed_options options;
	struct feed_out out;
	struct feed_router router;
	struct feed_intakes intakes;
	struct metrics *redis_metrics;
	struct interest *rooms[ROOMS];
	struct feed_spec feed;
	struct metrics *feed_metrics;
	struct queue {
		struct mail_port deliveries, recalls;
		struct mail *first, **last;
		uint64_t place;
	} workers[WORKERS];
	struct client clients[CLIENTS];
	unsigned target[EVENTS]; /* the rooms of each event, a bit each */
	unsigned events; /* the next one's number, which is its serial, too */
	unsigned recovered, anew;
	long fail; /* the allocation of the feed that fails: very large for none */
	bool failed;
	uint64_t now_ms;
};

static void
queue_mail(void *user, struct mail *m)
{
	struct queue *q = user;

	m->next = NULL;
	*q->last = m;
	q->last = &m->next;
}

static void
take_delivery(void *user, struct mail *m)
{
	m->to = &((struct queue *)user)->deliveries;
	queue_mail(user, m);
}

static void
take_recall(void *user, struct mail *m)
{
	m->to = &((struct queue *)user)->recalls;
	queue_mail(user, m);
}

static struct sio_room_key
room_key(unsigned room)
{
	static const char names[ROOMS][2] = { "", "a", "b", "c" };

	return room ? sio_room_named(EIO_LIT("/"), eio_cstr(names[room])) : sio_room_everyone(EIO_LIT("/"));
}

static bool
everywhere(const void *ctx, struct eio_bytes nsp)
{
	(void)ctx;
	(void)nsp;
	return true;
}

/* What begins with a process, and ends with it. */
static void
begin_process(struct world *w)
{
	w->interest = interest_table_new();
	assert_int_equal(metrics_set_init(&w->metrics), 0);
	w->options.interest = w->interest;
	w->options.metrics = &w->metrics;
	assert_int_equal(feed_out_init(&w->out, &w->options), 0);
	w->out.ledger = ledger_new(&w->options.recovery, w->options.specs, WORKERS, &w->metrics);
	assert_non_null(w->out.ledger);
	assert_int_equal(feed_router_init(&w->router, &w->options, &w->out), 0);
	w->redis_metrics = metrics_new(&w->metrics, &redis_metrics, "test");
	assert_int_equal(feed_intakes_init(&w->intakes, &w->options, &w->router, &w->redis_metrics), 0);
	w->feed_metrics = metrics_new_numbered(&w->metrics, &feed_metrics, 0);
	for (unsigned i = 0; i < WORKERS; i++) {
		struct queue *q = &w->workers[i];

		q->first = NULL;
		q->last = &q->first;
		q->deliveries = (struct mail_port){ .take = take_delivery, .user = q };
		q->recalls = (struct mail_port){ .take = take_recall, .user = q };
		w->out.workers[i] = &q->deliveries;
		w->out.recalls[i] = &q->recalls;
	}
	for (unsigned i = 0; i < ROOMS; i++) assert_non_null(w->rooms[i] = interest_get(w->interest, room_key(i)));
}

static void
end_process(struct world *w)
{
	ledger_free(w->out.ledger);
	feed_intakes_deinit(&w->intakes);
	feed_router_deinit(&w->router);
	feed_out_deinit(&w->out);
	for (unsigned i = 0; i < ROOMS; i++) interest_unref(w->rooms[i]);
	metrics_free(w->redis_metrics);
	metrics_free(w->feed_metrics);
	metrics_set_deinit(&w->metrics);
	interest_table_free(w->interest);
}

static void
open_world(struct world *w, unsigned seed, unsigned remembered)
{
	const struct feed_spec spec = { .print = 1, .nsp = strdup("/") };

	*w = (struct world){ .events = 1, .now_ms = 1000, .fail = LONG_MAX };
	dice_state = seed;
	w->options = (struct feed_options){ .specs = feed_specs_new(),
		.workers = WORKERS,
		.worker_queue_bytes = SIZE_MAX,
		.recovery = { .on = true,
			.ms = 60000,
			.session_bytes = 1 << 20,
			.in = everywhere,
			.history = { 60000, remembered, 1 << 20 } } };
	assert_int_equal(feed_specs_add(w->options.specs, &spec), 0);
	w->feed = (struct feed_spec){ .encode = FEED_ENCODE_JSON };
	begin_process(w);
}

/* Members */

static void
show_interest(struct world *w, unsigned worker, unsigned room)
{
	for (unsigned i = 0; i < CLIENTS; i++) {
		const struct client *c = &w->clients[i];

		if (c->is != HERE || c->worker != worker || !(c->rooms >> room & 1)) continue;
		assert_int_equal(interest_set(w->interest, worker, room_key(room)), 0);
		return;
	}
	interest_clear(w->interest, worker, room_key(room));
}

/* The number of an event, from the text of its bundle. */
static unsigned
number_of(struct eio_bundle *b)
{
	struct eio_message m;

	assert_true(eio_bundle_message(b, 0, &m));
	return (unsigned)strtoul(strchr(m.data.p, ',') + 1, NULL, 10);
}

static void
note_crossings(struct world *w, struct client *c, unsigned room, const struct delivery *d)
{
	for (size_t i = 0; i < d->n; i++) {
		unsigned e = number_of(d->items[i].bundle);

		if (w->target[e] >> room & 1) c->due[e] = true;
	}
}

/* What is on its way to a worker reaches who joins there meanwhile. */
static void
note_crossing(struct world *w, struct client *c, unsigned room)
{
	for (struct mail *m = w->workers[c->worker].first; m; m = m->next)
		if (m->to == &w->workers[c->worker].deliveries)
			note_crossings(w, c, room, EIO_CONTAINER(m, struct delivery, mail));
	if (w->out.pending[c->worker]) note_crossings(w, c, room, w->out.pending[c->worker]);
}

static void
join_room(struct world *w, struct client *c, unsigned room)
{
	if (c->rooms >> room & 1) return;
	note_crossing(w, c, room);
	c->rooms |= 1u << room;
	show_interest(w, c->worker, room);
	c->since.joined = ledger_serial(w->out.ledger);
	c->late[room] = w->workers[c->worker].place;
}

static void
settle_client(struct world *w, struct client *c, unsigned worker)
{
	c->is = HERE;
	c->worker = worker;
	c->since = (struct feed_since){ .after = w->workers[worker].place, .worker = worker };
}

static void
come(struct world *w, struct client *c, unsigned worker)
{
	unsigned char random[SIO_ID_RANDOM];

	for (size_t i = 0; i < sizeof random; i++) random[i] = (unsigned char)dice(256);
	*c = (struct client){ .is = GONE };
	feed_pid_write(c->pid, worker, random);
	settle_client(w, c, worker);
	join_room(w, c, 0);
}

/* The connection breaks: of what was sent to it lately the end is lost. */
static void
lose_end(struct world *w, struct client *c)
{
	unsigned keep = c->last;

	if (dice(2)) return;
	while (keep > c->since.after && dice(4)) keep--;
	for (unsigned e = keep + 1; e < w->events; e++) c->got[e] = false;
	c->last = 0;
	for (unsigned e = 1; e <= keep; e++)
		if (c->got[e]) c->last = e;
}

static void
go(struct world *w, struct client *c)
{
	struct feed_session *s = feed_session_new(ROOMS);
	unsigned rooms = c->rooms;

	lose_end(w, c);
	memcpy(s->pid, c->pid, sizeof s->pid);
	s->since = c->since;
	s->before = c->before;
	s->returned = c->returned;
	for (unsigned i = 0; i < ROOMS; i++)
		if (rooms >> i & 1) assert_true(feed_session_add(s, w->interest, room_key(i), c->late[i]));
	ledger_add(w->out.ledger, s, w->now_ms);
	c->is = AWAY;
	for (unsigned i = 0; i < ROOMS; i++)
		if (rooms >> i & 1) show_interest(w, c->worker, i);
}

static void
come_back(struct world *w, struct client *c, unsigned worker)
{
	struct feed_recall *r = feed_recall_new(EIO_LIT("/"));

	r->step = FEED_RECALL_ASK;
	r->worker = worker;
	r->asker = c;
	memcpy(r->pid, c->pid, sizeof r->pid);
	r->has_offset = c->last > 0;
	r->offset.serial = c->last;
	r->max_bytes = 1 << 20;
	c->is = COMING;
	failmalloc_arm(w->fail);
	feed_recall_take(&w->out, r, w->now_ms);
	w->failed |= failmalloc_disarm();
}

/* Mail */

static void
give_event(struct client *c, unsigned e)
{
	assert_true(c->due[e]);
	assert_false(c->got[e]);
	assert_true(e > c->last);
	c->got[e] = true;
	c->last = e;
}

static void
read_delivery(struct world *w, unsigned worker, struct delivery *d)
{
	for (size_t k = 0; k < d->n; k++) {
		unsigned e = number_of(d->items[k].bundle);

		for (unsigned i = 0; i < CLIENTS; i++) {
			struct client *c = &w->clients[i];

			if (c->is == HERE && c->worker == worker && c->rooms & w->target[e]) give_event(c, e);
		}
	}
	if (w->workers[worker].place < d->serial) w->workers[worker].place = d->serial;
	delivery_free(d);
}

static void
read_answer(struct world *w, unsigned worker, struct feed_recall *r)
{
	struct client *c = r->asker;

	if (w->workers[worker].place < r->serial) w->workers[worker].place = r->serial;
	if (!r->session) {
		w->anew++;
		c->is = GONE;
		feed_recall_free(r);
		return;
	}
	w->recovered++;
	for (size_t i = 0; i < r->missed.n; i++) give_event(c, number_of(r->missed.v[i]));
	c->before = r->since;
	c->returned = true;
	settle_client(w, c, worker);
	for (unsigned i = 0; i < ROOMS; i++) c->late[i] = 0;
	for (unsigned i = 0; i < ROOMS; i++)
		for (size_t k = 0; k < r->session->n_rooms; k++)
			if (r->session->rooms[k].room == w->rooms[i] && r->session->rooms[k].after > r->after)
				c->late[i] = r->session->rooms[k].after;
	for (unsigned i = 0; i < ROOMS; i++)
		if (c->rooms >> i & 1) show_interest(w, worker, i);
	c->since.joined = ledger_serial(w->out.ledger);
	feed_session_free(r->session);
	r->session = NULL;
	r->step = FEED_RECALL_DONE;
	feed_recall_take(&w->out, r, w->now_ms);
}

static void
read_mail(struct world *w, unsigned worker)
{
	struct queue *q = &w->workers[worker];
	struct mail *m = q->first;

	if (!m) return;
	q->first = m->next;
	if (!q->first) q->last = &q->first;
	if (m->to == &q->deliveries) {
		read_delivery(w, worker, EIO_CONTAINER(m, struct delivery, mail));
	} else {
		struct feed_recall *r = EIO_CONTAINER(m, struct feed_recall, mail);

		if (r->step == FEED_RECALL_ANSWER) {
			read_answer(w, worker, r);
			return;
		}
		r->step = FEED_RECALL_RELEASED;
		feed_recall_take(&w->out, r, w->now_ms);
	}
}

/* Broadcasts */

/* One of no feed, to one room or several. */
static void
say_event(struct world *w, unsigned rooms, struct eio_bytes text)
{
	struct interest *to[ROOMS];
	struct eio_bytes names[ROOMS];
	struct audience a = { .nsp = EIO_LIT("/"), .rooms = names };
	struct feed_event ev = { .rooms = to, .now_ms = w->now_ms, .stream = 1 };
	const struct sio_piece pieces[] = { { .json = EIO_LIT("[\"e\",") }, { .json = text },
		{ .json = EIO_LIT("]") } };
	const struct sio_emit emit = { .nsp = a.nsp, .pieces = pieces, .n_pieces = 3 };

	for (unsigned i = 0; i < ROOMS; i++) {
		if (!(rooms >> i & 1)) continue;
		names[a.n_rooms++] = room_key(i).name;
		to[ev.n_rooms++] = w->rooms[i];
	}
	assert_int_equal(sio_emit_bundle(&emit, &ev.bundle), 0);
	if (ev.n_rooms > 1) ev.audience = audience_new(&a);
	failmalloc_arm(w->fail);
	(void)feed_out_event(&w->out, &ev);
	w->failed |= failmalloc_disarm();
	eio_bundle_unref(ev.bundle);
	audience_unref(ev.audience);
}

/* One of a feed: it leaves at the end of the turn. */
static void
say_batch(struct world *w, unsigned room, struct eio_bytes text)
{
	struct feed_stream *s = calloc(1, sizeof *s);

	assert_non_null(s);
	s->event = EIO_LIT("e");
	s->target = room_key(room);
	s->interest = w->rooms[room];
	s->recovers = true;
	failmalloc_arm(w->fail);
	feed_out_add(&w->out, &(struct feed_batch){ .feed = &w->feed,
				      .metrics = w->feed_metrics,
				      .stream = s,
				      .content = { .body = text },
				      .count = 1,
				      .now_ms = w->now_ms });
	w->failed |= failmalloc_disarm();
	free(s);
}

static void
say(struct world *w)
{
	unsigned room = dice(ROOMS), rooms = 1u << room, e = w->events;
	char text[32];
	struct eio_bytes json = { text, (size_t)snprintf(text, sizeof text, "%u", e) };
	bool batch = dice(2);

	if (e == EVENTS - 1) return;
	if (!batch && room && dice(2)) rooms |= 1u << (1 + dice(ROOMS - 1));
	w->target[e] = rooms;
	w->events++;
	for (unsigned i = 0; i < CLIENTS; i++)
		if (w->clients[i].is != GONE && w->clients[i].rooms & rooms) w->clients[i].due[e] = true;
	if (batch)
		say_batch(w, room, json);
	else
		say_event(w, rooms, json);
	assert_int_equal(ledger_serial(w->out.ledger), e);
}

static void
do_something(struct world *w)
{
	struct client *c = &w->clients[dice(CLIENTS)];
	unsigned worker = dice(WORKERS), what = dice(16);

	w->now_ms += dice(20);
	if (what < 5)
		say(w);
	else if (what < 9)
		read_mail(w, worker);
	else if (what == 9)
		feed_out_post(&w->out);
	else if (what == 10 && dice(4) == 0)
		feed_out_tell(&w->out);
	else if (c->is == GONE)
		come(w, c, worker);
	else if (c->is == AWAY)
		come_back(w, c, worker);
	else if (c->is == HERE && what < 13)
		join_room(w, c, dice(ROOMS));
	else if (c->is == HERE && what == 13)
		go(w, c);
}

/* All come back, and read what is there. */
static void
finish_world(struct world *w)
{
	for (unsigned i = 0; i < CLIENTS; i++)
		if (w->clients[i].is == AWAY) come_back(w, &w->clients[i], i % WORKERS);
	feed_out_post(&w->out);
	for (unsigned i = 0; i < WORKERS; i++)
		while (w->workers[i].first) read_mail(w, i);
	for (unsigned i = 0; i < CLIENTS; i++) {
		struct client *c = &w->clients[i];

		if (c->is == GONE) continue;
		assert_int_equal(c->is, HERE);
		assert_memory_equal(c->due, c->got, sizeof c->due);
		c->is = GONE;
	}
	for (unsigned i = 0; i < WORKERS; i++)
		for (unsigned k = 0; k < ROOMS; k++) show_interest(w, i, k);
	end_process(w);
	feed_specs_unref(w->options.specs);
}

/* From one process to the next */

static void
lose_mail(struct world *w, unsigned worker, struct mail *m)
{
	struct feed_recall *r;
	struct client *c;

	if (m->to == &w->workers[worker].deliveries) {
		delivery_free(EIO_CONTAINER(m, struct delivery, mail));
		return;
	}
	r = EIO_CONTAINER(m, struct feed_recall, mail);
	c = r->asker;
	c->is = r->step == FEED_RECALL_ANSWER && !r->session ? GONE : AWAY;
	w->anew += c->is == GONE;
	r->step = FEED_RECALL_DONE;
	feed_recall_take(&w->out, r, w->now_ms);
}

static bool
put_in_buffer(void *user, struct eio_bytes bytes)
{
	eio_buf_add(user, bytes);
	return !eio_buf_failed(user);
}

static struct feed_parts
parts_of(struct world *w)
{
	return (struct feed_parts){
		.router = &w->router, .intakes = &w->intakes, .now_ms = w->now_ms, .wall_ms = 1000000 + w->now_ms
	};
}

static void
save_world(struct world *w, struct eio_buf *to)
{
	const struct feed_parts parts = parts_of(w);
	struct archive_out out;
	struct feed_tally tally;

	archive_begin(&out, (const uint64_t[2]){ 1, 2 }, put_in_buffer, to);
	feed_saving_write(&parts, &out, &tally);
	assert_true(archive_end(&out));
}

static void
restore_world(struct world *w, struct eio_bytes from)
{
	const struct feed_parts parts = parts_of(w);
	struct archive_in in;
	struct feed_tally tally;

	assert_int_equal(archive_check(from), ARCHIVE_GOOD);
	in = archive_open(from);
	assert_null(feed_saving_read(&parts, &in, &tally));
	for (unsigned i = 0; i < WORKERS; i++) w->workers[i].place = ledger_serial(w->out.ledger);
}

/* Everybody loses his connection, and what was on its way to workers is lost. */
static void
restart(struct world *w)
{
	struct eio_buf first = { 0 }, again = { 0 };

	for (unsigned i = 0; i < CLIENTS; i++)
		if (w->clients[i].is == HERE) go(w, &w->clients[i]);
	for (unsigned i = 0; i < WORKERS; i++)
		for (struct mail *m = w->workers[i].first, *next; m; m = next) {
			next = m->next;
			lose_mail(w, i, m);
		}
	save_world(w, &first);
	end_process(w);
	w->now_ms += dice(100);
	begin_process(w);
	restore_world(w, eio_buf_bytes(&first));
	/* Once more at once: nothing is lost on the way. */
	save_world(w, &again);
	end_process(w);
	begin_process(w);
	restore_world(w, eio_buf_bytes(&again));
	eio_buf_deinit(&first);
	eio_buf_deinit(&again);
}

static void
over_restarts(void **state)
{
	struct world *w = malloc(sizeof *w);
	unsigned recovered = 0, anew = 0;

	(void)state;
	for (unsigned run = 0; run < 2 * RUNS; run++) {
		open_world(w, run, run % 2 ? 1 + run % 40 : EVENTS);
		for (unsigned i = 0; i < STEPS; i++) {
			do_something(w);
			if (dice(100) == 0) restart(w);
		}
		finish_world(w);
		recovered += w->recovered;
		if (run % 2 == 0) assert_int_equal(w->anew, 0);
		anew += w->anew;
	}
	assert_true(recovered > RUNS * 10 && anew > RUNS);
	free(w);
}

static void
all_of_it(void **state)
{
	struct world *w = malloc(sizeof *w);
	unsigned recovered = 0;

	(void)state;
	for (unsigned run = 0; run < RUNS; run++) {
		open_world(w, run, EVENTS);
		for (unsigned i = 0; i < STEPS; i++) do_something(w);
		finish_world(w);
		recovered += w->recovered;
		assert_int_equal(w->anew, 0);
	}
	assert_true(recovered > RUNS * 10);
	free(w);
}

/* Of little that is remembered some get all they missed, and the others are told. */
static void
some_of_it(void **state)
{
	struct world *w = malloc(sizeof *w);
	unsigned recovered = 0, anew = 0;

	(void)state;
	for (unsigned run = 0; run < RUNS; run++) {
		open_world(w, run, 1 + run % 20);
		for (unsigned i = 0; i < STEPS; i++) do_something(w);
		finish_world(w);
		recovered += w->recovered;
		anew += w->anew;
	}
	assert_true(recovered > RUNS && anew > RUNS);
	free(w);
}

/* Without memory for a broadcast, or for an answer, nobody is told that he has what he has not. */
static void
no_memory(void **state)
{
	struct world *w = malloc(sizeof *w);

	(void)state;
	for (long n = 0, last = 0; !last; n++) {
		struct client *c = &w->clients[0];

		open_world(w, 1, EVENTS);
		come(w, c, 0);
		go(w, c);
		w->fail = n;
		say_event(w, 1, EIO_LIT("1"));
		w->target[1] = 1;
		w->events = 2;
		c->due[1] = true;
		come_back(w, c, 1);
		last = !w->failed;
		w->fail = LONG_MAX;
		while (w->workers[1].first) read_mail(w, 1);
		if (last) assert_int_equal(c->is, HERE);
		if (last) assert_true(n >= 3);
		finish_world(w);
	}
	free(w);
}

static size_t
remembered_of(const struct ledger *k, size_t feed)
{
	return k->histories[feed < k->n_histories ? feed : k->n_histories - 1]->messages;
}

/* A feed remembers as much as it says, the others and what is no feed's as much as is said for all. */
static void
feeds_remember_their_own(void **state)
{
	struct world *w = malloc(sizeof *w);
	struct feed_spec v[] = { { .history = { .messages = 2 } }, { .history = { .seconds = 7, .bytes = 65536 } } };
	struct feed_specs specs = { .n = 2, .v = v };
	struct history_broadcast b = { .n_rooms = 1, .messages = 1 };
	struct ledger *k;

	(void)state;
	open_world(w, 1, 5);
	assert_non_null(k = ledger_new(&w->options.recovery, &specs, WORKERS, &w->metrics));
	assert_int_equal(
		sio_broadcast_bundle(
			&(struct sio_broadcast){ .nsp = EIO_LIT("/"), .event = EIO_LIT("e"), .payload = EIO_LIT("1") },
			&b.bundle),
		0);
	b.rooms = &w->rooms[0];
	for (int i = 0; i < 9; i++) {
		b.now_ms = 1000;
		b.serial = ledger_next(k);
		for (size_t feed = 0; feed < 2; feed++) ledger_remember(k, feed, &b);
		ledger_remember(k, SIZE_MAX, &b);
	}
	assert_int_equal(remembered_of(k, 0), 2);
	assert_int_equal(remembered_of(k, 1), 5);
	assert_int_equal(remembered_of(k, SIZE_MAX), 5);
	assert_int_equal(k->histories[1]->limits.bytes, 65536);
	ledger_tick(k, 8000);
	assert_int_equal(remembered_of(k, 1), 5);
	ledger_tick(k, 8001);
	assert_int_equal(remembered_of(k, 1), 0);
	assert_int_equal(remembered_of(k, SIZE_MAX), 5);
	eio_bundle_unref(b.bundle);
	ledger_free(k);
	finish_world(w);
	free(w);
}

/* Names */

static void
offsets(void **state)
{
	static const uint64_t numbers[] = { 0, 1, 63, 64, 4095, 4096, UINT64_C(1) << 32, UINT64_MAX - 1, UINT64_MAX };
	static const char *const wrong[] = { "", ".", "1.", ".1", "01", "1.0", "1.01", "1.1.1", "~", " 1", "1 ", "1/2",
		"Fzzzzzzzzzz0", "H0000000000", "Q8ZRfxE!" };
	struct feed_offset o;

	(void)state;
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++) {
			struct feed_offset_text t = feed_offset_write((struct feed_offset){ numbers[i], numbers[k] });

			assert_true(t.n <= FEED_OFFSET_MAX);
			assert_true(feed_offset_read(feed_offset_bytes(&t), &o));
			assert_true(o.serial == numbers[i] && o.own == numbers[k]);
		}
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		assert_false(feed_offset_read(eio_cstr(wrong[i]), &o));
}

static void
pids(void **state)
{
	unsigned char random[SIO_ID_RANDOM] = { 0xff, 0xff, 0xff, 1 };
	char pid[FEED_PID_LEN];

	(void)state;
	for (unsigned w = 0; w < 64; w++) {
		feed_pid_write(pid, w, random);
		assert_int_equal(feed_pid_worker(eio_bytes(pid, sizeof pid)), w);
	}
	assert_int_equal(feed_pid_worker(eio_bytes(pid, sizeof pid - 1)), -1);
	pid[0] = '+';
	assert_int_equal(feed_pid_worker(eio_bytes(pid, sizeof pid)), -1);
	pid[0] = '\0';
	assert_int_equal(feed_pid_worker(eio_bytes(pid, sizeof pid)), -1);
}

/* Sessions that are kept */

static struct feed_session *
session_named(struct interest_table *t, char name)
{
	struct feed_session *s = feed_session_new(1);

	memset(s->pid, name, sizeof s->pid);
	assert_true(feed_session_add(s, t, room_key(1), 0));
	return s;
}

static struct eio_bytes
pid_named(char name, char pid[FEED_PID_LEN])
{
	memset(pid, name, FEED_PID_LEN);
	return eio_bytes(pid, FEED_PID_LEN);
}

static void
kept_for_a_time(void **state)
{
	struct interest_table *t = interest_table_new();
	char pid[FEED_PID_LEN];
	struct feed_session *s = session_named(t, 'A');
	size_t bytes = s->bytes;
	struct kept k;

	(void)state;
	assert_int_equal(kept_init(&k, 1000, 3 * bytes), 0);
	kept_add(&k, s);
	for (char c = 'B'; c < 'E'; c++) {
		s = session_named(t, c);
		s->ended_ms = 500;
		kept_add(&k, s);
	}
	/* There is room for three. */
	assert_int_equal(k.crowded_out, 1);
	assert_null(kept_take(&k, pid_named('A', pid)));
	s = kept_take(&k, pid_named('C', pid));
	assert_non_null(s);
	assert_null(kept_take(&k, pid_named('C', pid)));
	assert_true(interest_is_kept(s->rooms[0].room));
	feed_session_free(s);
	kept_tick(&k, 1500);
	assert_int_equal(k.by_pid.count, 2);
	kept_tick(&k, 1501);
	assert_int_equal(k.by_pid.count, 0);
	assert_int_equal(k.bytes, 0);
	assert_int_equal(interest_count(t), 0);
	kept_deinit(&k);
	interest_table_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_it),
		cmocka_unit_test(some_of_it),
		cmocka_unit_test(over_restarts),
		cmocka_unit_test(no_memory),
		cmocka_unit_test(feeds_remember_their_own),
		cmocka_unit_test(offsets),
		cmocka_unit_test(pids),
		cmocka_unit_test(kept_for_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
