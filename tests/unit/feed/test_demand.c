/* SPDX-License-Identifier: MIT */
/* From joins and leaves to channels that are wanted: without Redis, and without a clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/feed/demand.h"
#include "tests/unit/failmalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct eio_bytes nsp = { "/", 1 };

struct world {
	struct interest_table *t;
	struct feed_specs *specs;
	struct demand d;
	struct eio_buf told; /* "+channel " and "-channel " */
	uint64_t now;
};

static void
on_want(void *user, struct eio_bytes channel)
{
	struct world *w = user;

	eio_buf_printf(&w->told, "+%.*s ", (int)channel.n, channel.p);
}

static void
on_leave(void *user, struct eio_bytes channel)
{
	struct world *w = user;

	eio_buf_printf(&w->told, "-%.*s ", (int)channel.n, channel.p);
}

static const struct demand_events events = { on_want, on_leave };

static bool
on_changed(const void *ctx, struct sio_room_key key)
{
	return feed_specs_demand(ctx, key);
}

/* What the edge does, at once. */
static void
on_pair(void *user, struct interest *i)
{
	struct world *w = user;

	if (w->d.specs && on_changed(w->specs, i->key)) demand_note(&w->d, i, w->now);
}

/* One that is subscribed to on demand unless linger is -1. False when out of memory. */
static bool
add_feed(struct feed_specs *specs, const char *source, bool is_pattern, const char *room, int linger)
{
	const struct template_context where = { .place = TEMPLATE_IN_FEED,
		.stars = is_pattern ? template_count_stars(eio_cstr(source)) : 0 };
	struct feed_spec f = { .is_pattern = is_pattern, .print = specs->n + 1 };
	struct template_error err;

	f.nsp = strdup("/");
	f.channels = calloc(1, sizeof *f.channels);
	f.rooms = calloc(1, sizeof *f.rooms);
	if (f.channels && (f.channels[0] = strdup(source))) f.n_channels = 1;
	if (f.rooms && (f.rooms[0] = template_new(eio_cstr(room), TEMPLATE_AS_NAMES, &where, &err))) f.n_rooms = 1;
	if (linger >= 0 && f.n_channels && f.n_rooms) {
		f.subscribe = FEED_SUBSCRIBE_ON_DEMAND;
		f.linger_ms = (unsigned)linger;
		f.inverses = calloc(1, sizeof *f.inverses);
		if (f.inverses &&
			template_inverse_init(&f.inverses[0], f.rooms[0], f.channels[0], is_pattern, &err) == 0)
			f.n_inverses = 1;
	}
	if (f.nsp && f.n_channels && f.n_rooms && (linger < 0 || f.n_inverses) && feed_specs_add(specs, &f) == 0)
		return true;
	feed_spec_deinit(&f);
	return false;
}

static const uint64_t hash_key[2] = { 1, 2 };

static void
begin(struct world *w)
{
	*w = (struct world){ .t = interest_table_new(), .specs = feed_specs_new(), .now = 1000 };
	assert_true(w->t && w->specs);
	interest_watch(w->t, true, on_pair, w);
}

static void
at_work(struct world *w)
{
	assert_int_equal(demand_init(&w->d, w->specs, hash_key), 0);
	w->d.events = &events;
	w->d.user = w;
}

static void
end(struct world *w)
{
	demand_deinit(&w->d);
	assert_int_equal(interest_count(w->t), 0);
	interest_unwatch(w->t, w);
	interest_table_free(w->t);
	feed_specs_unref(w->specs);
	eio_buf_deinit(&w->told);
}

static void
join_room(struct world *w, unsigned worker, const char *room)
{
	assert_int_equal(interest_set(w->t, worker, sio_room_named(nsp, eio_cstr(room))), 0);
}

static void
leave_room(struct world *w, unsigned worker, const char *room)
{
	interest_clear(w->t, worker, sio_room_named(nsp, eio_cstr(room)));
}

static void
wait(struct world *w, unsigned ms)
{
	w->now += ms;
	demand_tick(&w->d, w->now);
}

/* What was told since the last time. */
static void
expect(struct world *w, int line, const char *told)
{
	eio_buf_addc(&w->told, '\0');
	if (strcmp(w->told.p, told) != 0) fail_msg("line %d: %s, not %s", line, w->told.p, told);
	eio_buf_clear(&w->told);
}

#define EXPECT(told) expect(&w, __LINE__, told)

static void
channels_come_and_go(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	assert_true(add_feed(w.specs, "price:*", true, "{1}", 500));
	at_work(&w);
	EXPECT("");
	join_room(&w, 0, "a");
	join_room(&w, 1, "a");
	join_room(&w, 1, "b");
	EXPECT("+price:a +price:b ");
	assert_int_equal(w.d.counts[0], 2);
	assert_true(demand_deadline(&w.d) == UINT64_MAX);
	leave_room(&w, 0, "a");
	leave_room(&w, 1, "b");
	assert_true(demand_deadline(&w.d) == 1500);
	wait(&w, 499);
	EXPECT("");
	assert_non_null(demand_find(&w.d, EIO_LIT("price:b")));
	wait(&w, 1);
	EXPECT("-price:b ");
	assert_null(demand_find(&w.d, EIO_LIT("price:b")));
	assert_non_null(demand_find(&w.d, EIO_LIT("price:a")));
	assert_int_equal(w.d.counts[0], 1);
	assert_true(demand_deadline(&w.d) == UINT64_MAX);
	leave_room(&w, 1, "a");
	wait(&w, 10000);
	EXPECT("-price:a ");
	assert_int_equal(w.d.links.count, 0);
	/* Neither everyone nor another namespace hears anything. */
	assert_int_equal(interest_set(w.t, 0, sio_room_everyone(nsp)), 0);
	assert_int_equal(interest_set(w.t, 0, sio_room_named(EIO_LIT("/x"), EIO_LIT("a"))), 0);
	EXPECT("");
	interest_clear(w.t, 0, sio_room_everyone(nsp));
	interest_clear(w.t, 0, sio_room_named(EIO_LIT("/x"), EIO_LIT("a")));
	end(&w);
}

static void
flapping_costs_nothing(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	assert_true(add_feed(w.specs, "price:*", true, "{1}", 500));
	at_work(&w);
	join_room(&w, 0, "a");
	EXPECT("+price:a ");
	for (int i = 0; i < 20; i++) {
		leave_room(&w, 0, "a");
		wait(&w, 499);
		join_room(&w, 0, "a");
		wait(&w, 499);
	}
	EXPECT("");
	assert_true(demand_deadline(&w.d) == UINT64_MAX);
	leave_room(&w, 0, "a");
	wait(&w, 500);
	EXPECT("-price:a ");
	join_room(&w, 0, "a");
	EXPECT("+price:a ");
	leave_room(&w, 0, "a");
	end(&w);
}

/* The longest linger of its feeds is that of a channel, whichever room was left. */
static void
a_channel_has_several_feeds(void **state)
{
	const struct demand_channel *c;
	struct world w;

	(void)state;
	begin(&w);
	assert_true(add_feed(w.specs, "price:*", true, "{1}", 100));
	assert_true(add_feed(w.specs, "other", false, "x", -1));
	assert_true(add_feed(w.specs, "p*", true, "room {channel}", 900));
	assert_true(add_feed(w.specs, "price:a", false, "fixed", 0));
	assert_true(add_feed(w.specs, "y:*", true, "{1}", 100));
	at_work(&w);
	join_room(&w, 0, "fixed");
	EXPECT("+price:fixed +price:a +y:fixed ");
	join_room(&w, 0, "a");
	join_room(&w, 1, "room price:a");
	EXPECT("+y:a +price:room price:a +y:room price:a ");
	c = demand_find(&w.d, EIO_LIT("price:a"));
	assert_non_null(c);
	assert_int_equal(c->n_uses, 3);
	assert_int_equal(c->uses[0].feed, 0);
	assert_string_equal(c->uses[1].name, "p*");
	assert_int_equal(c->uses[2].feed, 3);
	assert_int_equal(c->heard, 3);
	assert_int_equal(w.d.counts[1], 0);
	assert_int_equal(w.d.counts[3], 1);
	leave_room(&w, 0, "a");
	leave_room(&w, 0, "fixed");
	wait(&w, 100);
	EXPECT("-y:a -y:fixed ");
	wait(&w, 800);
	EXPECT("-price:fixed ");
	leave_room(&w, 1, "room price:a");
	wait(&w, 899);
	EXPECT("-y:room price:a ");
	wait(&w, 1);
	EXPECT("-price:a -price:room price:a ");
	end(&w);
}

static void
who_may_come_back_hears_on(void **state)
{
	struct interest *kept;
	struct world w;

	(void)state;
	begin(&w);
	assert_true(add_feed(w.specs, "price:*", true, "{1}", 0));
	at_work(&w);
	join_room(&w, 0, "a");
	kept = interest_keep(w.t, sio_room_named(nsp, EIO_LIT("a")));
	leave_room(&w, 0, "a");
	EXPECT("+price:a ");
	for (int i = 0; i < 5; i++) wait(&w, 1000);
	EXPECT("");
	interest_let_go(kept);
	wait(&w, 1000);
	EXPECT("-price:a ");
	/* Also of one who was never here: another process has kept him. */
	kept = interest_keep(w.t, sio_room_named(nsp, EIO_LIT("b")));
	EXPECT("+price:b ");
	for (int i = 0; i < 5; i++) wait(&w, 1000);
	join_room(&w, 0, "b");
	interest_let_go(kept);
	wait(&w, 1000);
	EXPECT("");
	leave_room(&w, 0, "b");
	wait(&w, 1000);
	EXPECT("-price:b ");
	end(&w);
}

static void
count_one(void *user, struct eio_bytes channel)
{
	(void)channel;
	++*(unsigned *)user;
}

static void
channels_are_carried_on(void **state)
{
	struct world w;
	struct demand next;
	unsigned n = 0;

	(void)state;
	begin(&w);
	assert_true(add_feed(w.specs, "price:*", true, "{1}", 500));
	at_work(&w);
	/* Of another process: for ten seconds at least; what goes to no feed is not wanted. */
	demand_keep(&w.d, EIO_LIT("price:a"), w.now, 10000);
	demand_keep(&w.d, EIO_LIT("price:b"), w.now, 10000);
	demand_keep(&w.d, EIO_LIT("other"), w.now, 10000);
	EXPECT("+price:a +price:b ");
	wait(&w, 600);
	join_room(&w, 0, "b");
	wait(&w, 9399);
	EXPECT("");
	wait(&w, 1);
	EXPECT("-price:a ");
	/* To others: what is wanted is, and what lingers goes on to. */
	join_room(&w, 0, "c");
	leave_room(&w, 0, "c");
	EXPECT("+price:c ");
	assert_int_equal(demand_init(&next, w.specs, hash_key), 0);
	demand_carry(&next, &w.d, w.now);
	demand_each(&next, count_one, &n);
	assert_int_equal(n, 2);
	assert_true(demand_deadline(&next) == w.now + 500);
	demand_deinit(&next);
	EXPECT("");
	leave_room(&w, 0, "b");
	end(&w);
}

/* Those are ours, and have their own way. */
static void
markers_are_nobodys(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	assert_true(add_feed(w.specs, "*", true, "{channel}", 0));
	at_work(&w);
	join_room(&w, 0, "siocast:0123456789abcdef");
	join_room(&w, 0, "siocast:0123456789abcdeg");
	EXPECT("+siocast:0123456789abcdeg ");
	leave_room(&w, 0, "siocast:0123456789abcdef");
	leave_room(&w, 0, "siocast:0123456789abcdeg");
	end(&w);
}

/* A room that finds no memory has no channel, which is counted; all else is as before. */
static int
join_some(void)
{
	struct interest_table *t = interest_table_new();
	struct feed_specs *specs = feed_specs_new();
	struct demand d = { .specs = NULL };
	struct interest *rooms[4] = { NULL };
	int rc = -1;

	if (!t || !specs || !add_feed(specs, "price:*", true, "{1}", 10) ||
		!add_feed(specs, "p*", true, "{channel}", 0))
		goto out;
	if (demand_init(&d, specs, hash_key) < 0) goto out;
	rc = 0;
	for (unsigned i = 0; i < 4; i++) {
		static const char *const names[] = { "a", "price:b", "c", "a long name" };
		const struct sio_room_key key = sio_room_named(nsp, eio_cstr(names[i]));

		if (interest_set(t, 0, key) < 0 || !(rooms[i] = interest_get(t, key))) rc = -1;
		if (rooms[i]) demand_note(&d, rooms[i], 1000);
		interest_clear(t, 0, key);
		if (rooms[i]) demand_note(&d, rooms[i], 1000);
	}
	if (d.starved) rc = -1;
	demand_tick(&d, 2000);
	assert_int_equal(d.channels.count + d.links.count, 0);
	assert_int_equal(d.counts[0] + d.counts[1], 0);
out:
	demand_deinit(&d);
	for (unsigned i = 0; i < 4; i++) interest_unref(rooms[i]);
	interest_table_free(t);
	feed_specs_unref(specs);
	return rc;
}

static void
memory_is_missing(void **state)
{
	(void)state;
	failmalloc_every(join_some, -1, 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(channels_come_and_go),
		cmocka_unit_test(flapping_costs_nothing),
		cmocka_unit_test(a_channel_has_several_feeds),
		cmocka_unit_test(who_may_come_back_hears_on),
		cmocka_unit_test(channels_are_carried_on),
		cmocka_unit_test(markers_are_nobodys),
		cmocka_unit_test(memory_is_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
