/* SPDX-License-Identifier: MIT */
/* The list of what was asked. */
#include "src/presence/asks.h"

#include <stdlib.h>

void
presence_asks_init(struct presence_asks *a)
{
	eio_list_init(&a->waiting);
	a->after = 0;
}

void
presence_asks_clear(struct presence_asks *a)
{
	struct eio_list *l, *next;

	EIO_LIST_FOREACH_SAFE(l, next, &a->waiting) free(EIO_CONTAINER(l, struct presence_ask, link));
	presence_asks_init(a);
}

int
presence_asks_add(struct presence_asks *a, enum presence_ask_kind kind, struct eio_bytes id)
{
	struct presence_ask *ask = kind == PRESENCE_ASK_NOTHING ? NULL : malloc(sizeof *ask + id.n);

	if (!ask) {
		a->after++;
		return kind == PRESENCE_ASK_NOTHING ? 0 : -1;
	}
	ask->kind = kind;
	ask->before = a->after;
	a->after = 0;
	ask->id_n = id.n;
	if (id.n) memcpy(ask->id, id.p, id.n);
	eio_list_add_tail(&a->waiting, &ask->link);
	return 0;
}

struct presence_ask *
presence_asks_take(struct presence_asks *a)
{
	struct presence_ask *ask;

	if (eio_list_empty(&a->waiting)) {
		if (a->after) a->after--;
		return NULL;
	}
	ask = EIO_CONTAINER(a->waiting.next, struct presence_ask, link);
	if (ask->before) {
		ask->before--;
		return NULL;
	}
	eio_list_remove(&ask->link);
	return ask;
}
