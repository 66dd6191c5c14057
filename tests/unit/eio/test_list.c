/* SPDX-License-Identifier: MIT */
/* Lists: what is on them and where; and the loop that gcc 12.2 gets wrong unless -fno-strict-aliasing is there. */
#include "eio/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

struct entry {
	int name;
	struct eio_list in_state, in_all;
	unsigned round;
};

struct whole {
	struct eio_list entries;
};

struct state {
	struct whole *all;
	struct eio_list entries;
	size_t n;
};

static const struct entry *
look(const struct eio_list *l)
{
	return EIO_CONTAINER((struct eio_list *)l, struct entry, in_state);
}

static void
drop(struct state *s)
{
	struct entry *e = EIO_CONTAINER(s->entries.next, struct entry, in_state);

	eio_list_remove(&e->in_state);
	eio_list_remove(&e->in_all);
	s->n--;
}

static void
move_back(struct state *s)
{
	struct entry *e = EIO_CONTAINER(s->entries.next, struct entry, in_state);

	eio_list_remove(&e->in_state);
	eio_list_add_tail(&s->entries, &e->in_state);
	eio_list_remove(&e->in_all);
	eio_list_add_tail(&s->all->entries, &e->in_all);
}

/* As retained_replace() of src/feed/retain.c has it. Not inlined: the compiler knows nothing of the list. */
__attribute__((noinline)) static void
replace(struct state *s, unsigned round, size_t later)
{
	while (!eio_list_empty(&s->entries) && look(s->entries.next)->round < round) drop(s);
	while (later--) move_back(s);
}

static void
expect(struct state *s, const int *names, size_t n)
{
	struct eio_list *it, *next;
	size_t i = 0;

	EIO_LIST_FOREACH_SAFE(it, next, &s->entries)
	{
		assert_true(i < n);
		assert_int_equal(look(it)->name, names[i++]);
	}
	assert_int_equal(i, n);
	for (it = s->all->entries.prev; it != &s->all->entries; it = it->prev)
		assert_int_equal(EIO_CONTAINER(it, struct entry, in_all)->name, names[--i]);
	assert_int_equal(i, 0);
}

static void
test_move(void **state)
{
	struct entry e[5] = { { .name = 0, .round = 1 }, { .name = 1, .round = 5 }, { .name = 2, .round = 5 },
		{ .name = 3, .round = 1 }, { .name = 4, .round = 5 } };
	struct whole w;
	struct state s = { .all = &w };

	(void)state;
	eio_list_init(&w.entries);
	eio_list_init(&s.entries);
	expect(&s, NULL, 0);
	for (size_t i = 0; i < 5; i++, s.n++) {
		eio_list_add_tail(&s.entries, &e[i].in_state);
		eio_list_add_tail(&w.entries, &e[i].in_all);
	}
	expect(&s, (int[]){ 0, 1, 2, 3, 4 }, 5);
	replace(&s, 5, 2);
	expect(&s, (int[]){ 3, 4, 1, 2 }, 4);
	replace(&s, 0, 4);
	expect(&s, (int[]){ 3, 4, 1, 2 }, 4);
	replace(&s, 9, 0);
	expect(&s, NULL, 0);
	/* A link that is on no list may be removed again. */
	eio_list_remove(&e[0].in_state);
	assert_true(eio_list_empty(&e[0].in_state));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(test_move) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
