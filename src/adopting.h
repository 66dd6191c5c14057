/* SPDX-License-Identifier: MIT */
/*
 * Connections that come from processes before this one. Such a process ends when its last connection has come; until
 * then there is a way from it.
 *
 * Threads: the main one.
 */
#ifndef SRC_ADOPTING_H
#define SRC_ADOPTING_H

#include "src/admin/port.h"
#include "src/base/inherited.h"
#include "src/worker/worker.h"

struct adopting;

/* Takes the ways from what is inherited. NULL when there is none, or out of memory, which was logged. All but the first
 * of what follows take NULL. */
struct adopting *adopting_new(struct inherited *in);

/* Says by them that this process works, and takes what comes from now on. admin may be NULL; all is borrowed. */
void adopting_start(struct adopting *a, uv_loop_t *loop, struct workers *workers, struct admin *admin);

/* Takes nothing any more. The loop must run until its handles are closed. */
void adopting_stop(struct adopting *a);

/* The ways, after that: the next process takes what comes by them. */
void adopting_give(struct adopting *a, struct inherited *heirs);

void adopting_free(struct adopting *a);

#endif
