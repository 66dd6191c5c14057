/* SPDX-License-Identifier: MIT */
/*
 * A circular doubly linked list whose links are embedded in the things it
 * holds. A link that is on no list points at itself, so removing twice is safe.
 */
#ifndef EIO_LIST_H
#define EIO_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct eio_list {
	struct eio_list *next, *prev;
};

/* The struct of type T whose member M is the link L. */
#define EIO_CONTAINER(L, T, M) ((T *)(void *)((char *)(L)-offsetof(T, M)))

/* Walks the list; the current element may be removed or freed in the body. */
#define EIO_LIST_FOREACH_SAFE(it, tmp, head) \
	for ((it) = (head)->next, (tmp) = (it)->next; (it) != (head); (it) = (tmp), (tmp) = (it)->next)

static inline void
eio_list_init(struct eio_list *l)
{
	l->next = l->prev = l;
}

static inline bool
eio_list_empty(const struct eio_list *head)
{
	return head->next == head;
}

static inline void
eio_list_add_tail(struct eio_list *head, struct eio_list *l)
{
	l->prev = head->prev;
	l->next = head;
	head->prev->next = l;
	head->prev = l;
}

static inline void
eio_list_remove(struct eio_list *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	eio_list_init(l);
}

#endif
