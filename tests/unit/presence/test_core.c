/* SPDX-License-Identifier: MIT */
/* Who is where: each event by hand, then long random sequences against a model that knows nothing but who is there and
 * since when; what each client would show on its page must be that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/presence/core.h"
#include "tests/unit/dice.h"

#include <stdio.h>
#include <stdlib.h>

static const uint64_t hash_key[2] = { 1, 2 };
static struct presence_spec spec_list[] = {
	{ .index = 0, .linger_ms = 3000, .shared = true, .max_members = 4 },
	{ .index = 1, .linger_ms = 0, .shared = false, .max_members = 1000 },
};
static struct presence_specs specs = { .n = 2, .v = spec_list };
static struct presence_core core;

static int
setup(void **state)
{
	(void)state;
	return presence_core_init(&core, &specs, 64, hash_key);
}

static int
teardown(void **state)
{
	(void)state;
	assert_int_equal(core.rooms.count, 0);
	assert_int_equal(core.seats.count, 0);
	assert_int_equal(core.n_members, 0);
	presence_core_deinit(&core);
	return 0;
}

static struct sio_room_key
room_key(const char *name)
{
	return sio_room_named(EIO_LIT("/"), eio_cstr(name));
}

static struct presence_who
who(const char *identity, const char *info)
{
	return (struct presence_who){ eio_cstr(identity), eio_cstr(identity), eio_cstr(info) };
}

static enum presence_result
enter(uint64_t seat, const char *room, const char *identity, const char *info)
{
	struct presence_who w = who(identity, info);

	return presence_enter(&core, seat, &spec_list[room[0] == 'q'], room_key(room), &w);
}

/* Everything there is to tell, as "+r/1 !r/1 here r[…] " and so on. */
static const char *
told(uint64_t now_ms)
{
	static const char *const marks[] = { "+", "-", "here ", "share ", "unshare " };
	static char text[1024];
	struct presence_event ev;
	struct eio_buf b = { 0 };

	while (presence_next(&core, now_ms, &ev)) {
		eio_buf_printf(&b, "%s%.*s", marks[ev.kind], (int)ev.room->key.name.n, ev.room->key.name.p);
		if (ev.kind == PRESENCE_HERE)
			presence_list(ev.room, false, &b);
		else
			eio_buf_printf(&b, "/%.*s=%.*s", (int)ev.member->identity_n, ev.member->identity,
				(int)ev.member->info_n, presence_member_info(ev.member).p);
		eio_buf_addc(&b, ' ');
	}
	assert_true(b.n < sizeof text);
	if (b.n) memcpy(text, b.p, b.n);
	text[b.n] = '\0';
	eio_buf_deinit(&b);
	return text;
}

/* One thing after the other */

static void
test_tabs(void **state)
{
	(void)state;
	assert_int_equal(enter(1, "r", "a", "1"), PRESENCE_OK);
	assert_string_equal(told(10), "+r/a=1 share r/a=1 here r[1] ");
	assert_int_equal(enter(2, "r", "b", "2"), PRESENCE_OK);
	assert_string_equal(told(10), "+r/b=2 share r/b=2 here r[1,2] ");
	assert_int_equal(enter(3, "r", "a", "1"), PRESENCE_OK);
	assert_string_equal(told(10), "here r[1,2] ");
	presence_exit(&core, 1);
	assert_string_equal(told(10), "");
	presence_exit(&core, 3);
	assert_string_equal(told(20), "unshare r/a=1 ");
	assert_int_equal(presence_deadline(&core), 3020);
	assert_string_equal(told(3019), "");
	assert_string_equal(told(3020), "-r/a=1 ");
	assert_int_equal(presence_deadline(&core), UINT64_MAX);
	presence_exit(&core, 2);
	assert_string_equal(told(4000), "unshare r/b=2 ");
	assert_string_equal(told(9000), "-r/b=2 ");
}

static void
test_reconnect(void **state)
{
	(void)state;
	enter(1, "r", "a", "1");
	enter(2, "r", "b", "2");
	told(10);
	presence_exit(&core, 1);
	assert_string_equal(told(100), "unshare r/a=1 ");
	/* Who comes meanwhile finds him in the list. */
	enter(3, "r", "c", "3");
	assert_string_equal(told(200), "+r/c=3 share r/c=3 here r[1,2,3] ");
	assert_int_equal(enter(4, "r", "a", "1"), PRESENCE_OK);
	assert_string_equal(told(3000), "share r/a=1 here r[1,2,3] ");
	assert_string_equal(told(9000), "");
	for (uint64_t id = 2; id <= 4; id++) presence_exit(&core, id);
	told(9000);
	told(90000);
}

static void
test_without_linger(void **state)
{
	(void)state;
	enter(1, "q", "a", "1");
	enter(2, "q", "b", "2");
	assert_string_equal(told(10), "+q/a=1 +q/b=2 here q[1,2] ");
	presence_exit(&core, 1);
	assert_string_equal(told(10), "-q/a=1 ");
	/* What is undone before it is told is not told. */
	enter(3, "q", "c", "3");
	presence_exit(&core, 3);
	presence_exit(&core, 2);
	enter(4, "q", "b", "2");
	assert_string_equal(told(10), "here q[2] ");
	presence_exit(&core, 4);
	presence_exit(&core, 4);
	assert_string_equal(told(10), "-q/b=2 ");
}

static void
test_full(void **state)
{
	(void)state;
	for (uint64_t id = 1; id <= 4; id++) {
		char name[] = { (char)('a' + id), 0 };

		assert_int_equal(enter(id, "r", name, "0"), PRESENCE_OK);
	}
	assert_int_equal(enter(5, "r", "x", "0"), PRESENCE_FULL);
	assert_int_equal(enter(6, "r", "b", "0"), PRESENCE_OK);
	presence_exit(&core, 5);
	for (uint64_t id = 1; id <= 6; id++) presence_exit(&core, id);
	assert_string_equal(told(10), "");
}

static void
test_nodes(void **state)
{
	struct presence_node one = { .generation = 0 }, two = { .generation = 0 };
	struct presence_who a = who("a", "1"), b = who("b", "2"), a2 = who("a", "9");

	(void)state;
	eio_list_init(&one.references);
	eio_list_init(&two.references);
	enter(1, "r", "z", "26");
	told(10);
	presence_node_set(&core, &one, &spec_list[0], room_key("r"), &a);
	presence_node_set(&core, &two, &spec_list[0], room_key("r"), &a);
	presence_node_set(&core, &two, &spec_list[0], room_key("r"), &b);
	assert_string_equal(told(10), "+r/a=1 +r/b=2 ");
	/* He moves from node to node. */
	presence_node_clear(&core, &one, room_key("r"), EIO_LIT("a"));
	presence_node_clear(&core, &one, room_key("r"), EIO_LIT("a"));
	presence_node_clear(&core, &one, room_key("nowhere"), EIO_LIT("a"));
	assert_string_equal(told(10), "");
	/* A list that is the same tells nothing, but what is new in it, and who is not. */
	presence_node_begin(&two);
	presence_node_set(&core, &two, &spec_list[0], room_key("r"), &a2);
	presence_node_end(&core, &two);
	assert_string_equal(told(10), "");
	assert_string_equal(told(3010), "-r/b=2 ");
	presence_node_gone(&core, &two);
	presence_node_gone(&core, &one);
	told(4000);
	enter(2, "r", "a", "1");
	assert_string_equal(told(5000), "share r/a=1 here r[26,1] ");
	presence_exit(&core, 1);
	presence_exit(&core, 2);
	told(5000);
	told(90000);
}

static void
test_hold(void **state)
{
	struct presence_event ev;

	(void)state;
	enter(1, "q", "a", "1");
	assert_true(presence_next(&core, 10, &ev));
	ev.room->hold_ms = 50;
	assert_string_equal(told(49), "");
	assert_int_equal(presence_deadline(&core), 50);
	enter(2, "q", "b", "2");
	assert_string_equal(told(50), "+q/b=2 here q[1,2] ");
	presence_exit(&core, 1);
	presence_exit(&core, 2);
	told(60);
}

/* At random */

enum { ROOMS = 3, MEMBERS = 6, SEATS = 24, NODES = 2, ROUNDS = 20000 };

static const char *const rooms[ROOMS] = { "r1", "r2", "q" };

static struct {
	bool live, knows;
	int room, member;
	bool view[MEMBERS];
} seats[SEATS];

static struct {
	bool visible, lingers, ref[NODES], shared;
	uint64_t due_ms;
	unsigned info;
} model[ROOMS][MEMBERS];

static int
number_of_room(const struct presence_room *r)
{
	for (int i = 0; i < ROOMS; i++)
		if (eio_bytes_eq(r->key.name, eio_cstr(rooms[i]))) return i;
	fail();
	return 0;
}

static bool
is_there(int r, int m)
{
	for (int n = 0; n < NODES; n++)
		if (model[r][m].ref[n]) return true;
	for (int i = 0; i < SEATS; i++)
		if (seats[i].live && seats[i].room == r && seats[i].member == m) return true;
	return false;
}

/* What ought to be seen now. */
static void
model_tick(uint64_t now_ms)
{
	for (int r = 0; r < ROOMS; r++)
		for (int m = 0; m < MEMBERS; m++) {
			unsigned linger = spec_list[rooms[r][0] == 'q'].linger_ms;

			if (is_there(r, m)) {
				model[r][m].visible = true;
				model[r][m].lingers = false;
			} else if (model[r][m].visible && !model[r][m].lingers) {
				model[r][m].lingers = true;
				model[r][m].due_ms = now_ms + linger;
			}
			if (model[r][m].lingers && model[r][m].due_ms <= now_ms)
				model[r][m].visible = model[r][m].lingers = false;
		}
}

/* The pages' part. */
static void
take_here(const struct presence_room *room, int r)
{
	for (struct eio_list *l = room->newcomers.next; l != &room->newcomers; l = l->next) {
		unsigned i = (unsigned)(EIO_CONTAINER(l, struct presence_seat, link)->id >> 6) % SEATS;

		assert_true(seats[i].live && !seats[i].knows);
		seats[i].knows = true;
		memset(seats[i].view, 0, sizeof seats[i].view);
		for (struct eio_list *k = room->members.next; k != &room->members; k = k->next) {
			const struct presence_member *m = EIO_CONTAINER(k, struct presence_member, link);

			seats[i].view[m->identity[0] - '0'] = true;
			assert_int_equal(m->json[m->member_n] - '0', model[r][m->identity[0] - '0'].info);
		}
	}
}

static void
take_change(int r, int m, bool joins)
{
	for (int i = 0; i < SEATS; i++) {
		if (!seats[i].live || !seats[i].knows || seats[i].room != r) continue;
		assert_int_equal(seats[i].view[m], !joins);
		seats[i].view[m] = joins;
	}
}

static void
drain(uint64_t now_ms)
{
	struct presence_event ev;

	model_tick(now_ms);
	while (presence_next(&core, now_ms, &ev)) {
		int r = number_of_room(ev.room), m = ev.member ? ev.member->identity[0] - '0' : 0;

		switch (ev.kind) {
		case PRESENCE_JOINING: take_change(r, m, true); break;
		case PRESENCE_LEAVING: take_change(r, m, false); break;
		case PRESENCE_HERE: take_here(ev.room, r); break;
		case PRESENCE_SHARE:
		case PRESENCE_UNSHARE:
			assert_true(spec_list[rooms[r][0] == 'q'].shared);
			model[r][m].shared = ev.kind == PRESENCE_SHARE;
			break;
		}
	}
	for (int i = 0; i < SEATS; i++)
		for (int m = 0; seats[i].live && m < MEMBERS; m++) {
			assert_true(seats[i].knows);
			assert_int_equal(seats[i].view[m], model[seats[i].room][m].visible);
		}
	for (int r = 0; r < ROOMS; r++)
		for (int m = 0; m < MEMBERS; m++) {
			bool ours = false;

			for (int i = 0; i < SEATS; i++)
				ours |= seats[i].live && seats[i].room == r && seats[i].member == m;
			assert_int_equal(model[r][m].shared, ours && rooms[r][0] != 'q');
		}
}

static struct presence_node nodes[NODES];
static uint64_t seat_numbers[SEATS], next_number;

static void
random_seat(void)
{
	unsigned i = dice(SEATS);
	int r = (int)dice(ROOMS), m = (int)dice(MEMBERS);
	char identity[] = { (char)('0' + m), 0 }, info[12];

	if (seats[i].live) {
		presence_exit(&core, seat_numbers[i]);
		seats[i].live = false;
		return;
	}
	snprintf(info, sizeof info, "%u", dice(3));
	do next_number++;
	while (next_number % SEATS != i);
	seat_numbers[i] = next_number << 6 | dice(4);
	assert_int_equal(enter(seat_numbers[i], rooms[r], identity, info), PRESENCE_OK);
	seats[i].live = true;
	seats[i].knows = false;
	seats[i].room = r;
	seats[i].member = m;
	model[r][m].info = (unsigned)atoi(info);
}

static void
random_set(int n, int r, int m)
{
	char identity[] = { (char)('0' + m), 0 }, info[12];
	struct presence_who w;

	snprintf(info, sizeof info, "%u", dice(3));
	w = who(identity, info);
	presence_node_set(&core, &nodes[n], &spec_list[rooms[r][0] == 'q'], room_key(rooms[r]), &w);
	model[r][m].ref[n] = true;
	model[r][m].info = (unsigned)atoi(info);
}

static void
random_node(void)
{
	int n = (int)dice(NODES), r = (int)dice(ROOMS), m = (int)dice(MEMBERS);
	char identity[] = { (char)('0' + m), 0 };

	switch (dice(8)) {
	case 0:
		presence_node_begin(&nodes[n]);
		for (r = 0; r < ROOMS; r++)
			for (m = 0; m < MEMBERS; m++) {
				model[r][m].ref[n] = false;
				if (dice(2)) random_set(n, r, m);
			}
		presence_node_end(&core, &nodes[n]);
		break;
	case 1:
		presence_node_gone(&core, &nodes[n]);
		for (r = 0; r < ROOMS; r++)
			for (m = 0; m < MEMBERS; m++) model[r][m].ref[n] = false;
		break;
	case 2:
	case 3:
	case 4: random_set(n, r, m); break;
	default:
		presence_node_clear(&core, &nodes[n], room_key(rooms[r]), eio_cstr(identity));
		model[r][m].ref[n] = false;
	}
}

static void
test_random(void **state)
{
	uint64_t now_ms = 1;

	(void)state;
	spec_list[0].max_members = 1000;
	dice_state = 11;
	for (int n = 0; n < NODES; n++) eio_list_init(&nodes[n].references);
	for (int i = 0; i < ROUNDS; i++) {
		if (dice(3))
			random_seat();
		else
			random_node();
		if (dice(4) == 0) now_ms += dice(4000);
		if (dice(3) == 0) drain(now_ms);
	}
	for (int n = 0; n < NODES; n++) presence_node_gone(&core, &nodes[n]);
	for (int i = 0; i < SEATS; i++)
		if (seats[i].live) presence_exit(&core, seat_numbers[i]);
	told(now_ms);
	told(now_ms + 10000);
	spec_list[0].max_members = 4;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_tabs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reconnect, setup, teardown),
		cmocka_unit_test_setup_teardown(test_without_linger, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nodes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hold, setup, teardown),
		cmocka_unit_test_setup_teardown(test_random, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
