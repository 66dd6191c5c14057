/* SPDX-License-Identifier: MIT */
/* Mail that comes back by an atomic store. */
#include "src/service/beats.h"

#include "eio/check.h"
#include "eio/list.h"

#include <stdlib.h>

static void
take_beat(void *user, struct mail *run)
{
	struct beat *b = user;

	CHECK(run == &b->mail && !run->next);
	atomic_store_explicit(&b->out, false, memory_order_release);
}

int
beats_init(struct beats *b, struct thread *threads, unsigned n)
{
	*b = (struct beats){ .threads = threads, .n = n, .all = calloc(n, sizeof *b->all) };
	if (!b->all) return -1;
	for (unsigned i = 0; i < n; i++) {
		atomic_init(&b->all[i].out, false);
		b->all[i].port = (struct mail_port){ &threads[i].mailbox, take_beat, &b->all[i] };
	}
	return 0;
}

void
beats_send(struct beats *b)
{
	for (unsigned i = 0; i < b->n; i++) {
		if (atomic_load_explicit(&b->all[i].out, memory_order_acquire)) continue;
		atomic_store_explicit(&b->all[i].out, true, memory_order_relaxed);
		mail_post(&b->all[i].port, &b->all[i].mail);
	}
}

const struct thread *
beats_missing(const struct beats *b)
{
	for (unsigned i = 0; i < b->n; i++)
		if (atomic_load_explicit(&b->all[i].out, memory_order_acquire)) return &b->threads[i];
	return NULL;
}

void
beats_deinit(struct beats *b)
{
	free(b->all);
	b->all = NULL;
}
