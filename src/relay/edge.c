/* SPDX-License-Identifier: MIT */
/* An edge from its beginning to its end. */
#include "src/relay/edge_int.h"

#include "src/feed/passing.h"

#include <stdlib.h>

/* Namespaces */

struct edge_renewal {
	struct mail mail;
	size_t n;
	struct interest *pairs[]; /* references */
};

static void
free_renewal(struct edge_renewal *r)
{
	for (size_t i = 0; i < r->n; i++) interest_unref(r->pairs[i]);
	free(r);
}

static void
take_edge_renewals(void *user, struct mail *run)
{
	struct relay_edge *e = edge_of(user);

	while (run) {
		struct edge_renewal *r = EIO_CONTAINER(run, struct edge_renewal, mail);

		run = run->next;
		if (e->state != EDGE_CLOSED) edge_rooms_hold(e, r->pairs, r->n);
		free_renewal(r);
	}
}

int
relay_edge_hold(struct relay_edge *e, const char *const *namespaces, size_t n)
{
	struct edge_renewal *r = malloc(sizeof *r + n * sizeof r->pairs[0]);

	if (!r) return -1;
	for (r->n = 0; r->n < n; r->n++) {
		r->pairs[r->n] = interest_get(e->options.interest, sio_room_everyone(eio_cstr(namespaces[r->n])));
		if (r->pairs[r->n]) continue;
		free_renewal(r);
		return -1;
	}
	mail_post(&e->renewals, &r->mail);
	return 0;
}

/* From the beginning to the end */

static void
take_edge_start(void *user, struct mail *run)
{
	struct relay_edge *e = edge_of(user);

	(void)run;
	/* Its thread may never have run. */
	if (e->state != EDGE_CLOSED) edge_link_begin(e);
}

static void
shut_down_edge(struct relay_edge *e)
{
	edge_link_end(e);
	edge_rooms_forget(e);
	edge_asks_forget(e);
	edge_publish_forget(e);
	uv_sem_post(&e->stopped);
}

static void
take_edge_stop(void *user, struct mail *run)
{
	(void)run;
	shut_down_edge(edge_of(user));
}

static void
free_edge_parts(struct relay_edge *e)
{
	relay_line_free(e->line);
	eio_hash_deinit(&e->rooms);
	eio_hash_deinit(&e->numbers);
	eio_hash_deinit(&e->asked);
	relay_reader_deinit(&e->reader);
	eio_buf_deinit(&e->feeds);
	metrics_free(e->metrics);
	e->magic = 0;
	free(e);
}

static void
open_edge_ports(struct relay_edge *e)
{
	struct mailbox *mailbox = &e->options.thread->mailbox;

	e->starts = (struct mail_port){ mailbox, take_edge_start, e };
	e->stops = (struct mail_port){ mailbox, take_edge_stop, e };
	e->notes = (struct mail_port){ mailbox, edge_rooms_take_notes, e };
	e->renewals = (struct mail_port){ mailbox, take_edge_renewals, e };
}

struct relay_edge *
relay_edge_new(const struct relay_edge_options *options)
{
	struct relay_edge *e = calloc(1, sizeof *e);
	struct relay_line_events events = edge_line_events;

	if (!e) return NULL;
	e->magic = RELAY_EDGE_MAGIC;
	e->options = *options;
	eio_list_init(&e->lingering);
	eio_list_init(&e->questions);
	eio_timer_init(&e->linger, edge_rooms_on_linger);
	e->excepts = true;
	memcpy(e->asked_key, eio_random_take(&options->thread->random, sizeof e->asked_key), sizeof e->asked_key);
	edge_link_init(e);
	open_edge_ports(e);
	events.user = e;
	e->metrics = metrics_new(options->metrics, &relay_edge_metrics, NULL);
	if (!e->metrics || eio_hash_init(&e->rooms) < 0 || eio_hash_init(&e->numbers) < 0 ||
		eio_hash_init(&e->asked) < 0)
		goto fail;
	if (uv_sem_init(&e->stopped, 0)) goto fail;
	e->line = relay_line_new(options->thread, &events);
	if (!e->line) goto fail_sem;
	feed_set_hub(options->feed,
		&(struct feed_hub){ edge_publish, edge_asks_take, edge_rooms_settle, edge_rooms_settled, e });
	edge_rooms_watch(e);
	return e;
fail_sem:
	uv_sem_destroy(&e->stopped);
fail:
	free_edge_parts(e);
	return NULL;
}

int
relay_edge_start(struct relay_edge *e)
{
	int err = relay_line_start(e->line);

	if (!err) mail_post(&e->starts, &e->start);
	return err;
}

void
relay_edge_stop(struct relay_edge *e)
{
	if (!e->options.thread->running) {
		shut_down_edge(e);
		return;
	}
	mail_post(&e->stops, &e->stop);
	uv_sem_wait(&e->stopped);
}

void
relay_edge_free(struct relay_edge *e)
{
	if (!e) return;
	CHECK(!e->options.thread->running && e->state == EDGE_CLOSED);
	uv_sem_destroy(&e->stopped);
	free_edge_parts(e);
}
