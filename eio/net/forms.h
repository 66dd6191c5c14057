/* SPDX-License-Identifier: MIT */
/*
 * Wire forms of large bundles, made in libuv's thread pool: 100 MB take up to half a
 * second, and who needs them waits for that while the loop serves the others. All
 * loops of the program share what is being made: who asks for a form that another
 * loop has asked for waits for the same.
 *
 *     loop: ask ──▶ [making: key, who asked] ──▶ a thread of the pool ── wakes ──▶ every loop that asked: told
 *
 * Threads: a struct eio__forms belongs to its loop's thread, as do those who wait.
 */
#ifndef EIO_NET_FORMS_H
#define EIO_NET_FORMS_H

#include "eio/bundle.h"
#include "eio/list.h"

#include <uv.h>

enum { EIO__FORMS_MAGIC = 0x666f726d };

/* Of one loop. The fields are private. */
struct eio__forms {
	unsigned magic; /* EIO__FORMS_MAGIC */
	uv_loop_t *loop;
	uv_async_t woken;
	struct eio_list asked; /* what somebody here waits for */
	void (*told)(struct eio_list *wait, bool made);
};

/* told: called from the loop for each that waits, which is off its list by then; made: false when out of memory. It may
 * ask. 0 or a libuv error. f must stay where it is until the loop has run out. */
int eio__forms_open(struct eio__forms *f, uv_loop_t *loop, void (*told)(struct eio_list *wait, bool made));

/* Nobody waits any more. What is being made for others goes on; the loop runs until what it began is made. */
void eio__forms_close(struct eio__forms *f);

/* Has a form made, and with deflate its compressed variant, for who waits by the link: on no list before, and taken off
 * (eio_list_remove) by who waits no more. The bundle's own reference is taken; deflate outlives the loop. Returns 0, or
 * -1 when out of memory: then nothing has changed. */
int eio__forms_ask(struct eio__forms *f, struct eio_bundle *b, enum eio_wire wire, const struct eio_deflate *deflate,
	struct eio_list *wait);

#endif
