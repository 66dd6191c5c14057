/* SPDX-License-Identifier: MIT */
/*
 * What is published at an edge. It is kept until the hub has said that it has it; a connection that goes on where the
 * one before was says what that did not bring there. Of a session that is no more nobody knows what came there, so it
 * is not said again. A hub that does not say what it has is told it at once, and nothing is kept.
 */
#include "src/relay/edge_int.h"

#include <stdlib.h>

struct edge_publication {
	struct eio_list link; /* in edge.publications, by its number */
	uint64_t number;
	size_t n;
	char body[];
};

static struct edge_publication *
publication_of(struct eio_list *l)
{
	return EIO_CONTAINER(l, struct edge_publication, link);
}

static size_t
publication_cost(const struct edge_publication *p)
{
	return p->n + sizeof *p;
}

static void
free_publication(struct relay_edge *e, struct edge_publication *p)
{
	e->publish_bytes -= publication_cost(p);
	eio_list_remove(&p->link);
	free(p);
}

static void
say_kept(struct relay_edge *e, const struct edge_publication *p)
{
	struct eio_buf body = { 0 };

	eio_buf_append(&body, p->body, p->n);
	edge_say_surely(e, RELAY_PUBLISH, &body);
	eio_buf_deinit(&body);
	if (e->publish_said < p->number) e->publish_said = p->number;
}

/* False when out of memory. */
static bool
keep_publication(struct relay_edge *e, struct eio_bytes channel, struct eio_bytes payload)
{
	struct edge_publication *p;
	struct eio_buf body = { 0 };

	relay_put_bytes(&body, channel);
	eio_buf_add(&body, payload);
	p = eio_buf_failed(&body) ? NULL : malloc(sizeof *p + body.n);
	if (p) {
		p->number = ++e->published;
		p->n = body.n;
		memcpy(p->body, body.p, body.n);
		e->publish_bytes += publication_cost(p);
		eio_list_add_tail(&e->publications, &p->link);
		if (!e->publish_waits) say_kept(e, p);
	}
	eio_buf_deinit(&body);
	return p != NULL;
}

/* To a hub that does not say what it has. False when out of memory. */
static bool
say_plainly(struct relay_edge *e, struct eio_bytes channel, struct eio_bytes payload)
{
	struct eio_buf body = { 0 };
	bool said;

	relay_put_bytes(&body, channel);
	eio_buf_add(&body, payload);
	said = !eio_buf_failed(&body) && edge_say(e, RELAY_PUBLISH, eio_buf_bytes(&body));
	eio_buf_deinit(&body);
	e->publish_unsure += said;
	return said;
}

void
edge_publish(void *user, struct eio_bytes channel, struct eio_bytes payload)
{
	struct relay_edge *e = edge_of(user);
	size_t waits = e->plain ? relay_line_unsent(e->line) : e->publish_bytes;
	bool room = e->state == EDGE_OPEN && waits + payload.n <= e->options.publish_queue_bytes;
	bool good = room && (e->plain ? say_plainly : keep_publication)(e, channel, payload);

	metrics_inc(e->metrics, good ? RELAY_EDGE_METRIC_PUBLISHED : RELAY_EDGE_METRIC_UNPUBLISHED);
	if (!good)
		LOG_DEBUG_LIMITED(&e->limit, edge_now(e), "hub=%s event=not-published channel=\"%s\" reason=\"%s\"",
			e->options.spec->text, LOG_ESCAPE(channel), room ? "out of memory" : "the hub is away or slow");
}

/* Lets go of those up to a number. Returns how many. */
static size_t
drop_publications(struct relay_edge *e, uint64_t number)
{
	size_t n = 0;

	while (!eio_list_empty(&e->publications)) {
		struct edge_publication *p = publication_of(e->publications.next);

		if (p->number > number) break;
		free_publication(e, p);
		n++;
	}
	return n;
}

/* The hub is known to have no more of them. */
static void
say_publications(struct relay_edge *e)
{
	if (!e->publish_waits) return;
	e->publish_waits = false;
	for (struct eio_list *l = e->publications.next; l != &e->publications; l = l->next)
		say_kept(e, publication_of(l));
}

static void
lose_publications(struct relay_edge *e, uint64_t number)
{
	metrics_add(e->metrics, RELAY_EDGE_METRIC_UNPUBLISHED, drop_publications(e, number));
}

void
edge_publish_open(struct relay_edge *e, bool resumed)
{
	e->publish_waits = resumed && !e->plain;
	if (e->publish_waits) return;
	lose_publications(e, UINT64_MAX);
	metrics_add(e->metrics, RELAY_EDGE_METRIC_UNPUBLISHED, e->publish_unsure);
	e->publish_unsure = 0;
	e->published = e->publish_said = 0;
}

bool
edge_publish_taken(struct relay_edge *e, uint64_t n)
{
	if (n > e->publish_said) return false;
	drop_publications(e, n);
	say_publications(e);
	return true;
}

void
edge_publish_unknown(struct relay_edge *e)
{
	if (e->publish_waits)
		lose_publications(e, e->publish_said);
	else
		drop_publications(e, e->publish_said);
	say_publications(e);
	e->publish_unsure = drop_publications(e, e->publish_said);
}

void
edge_publish_forget(struct relay_edge *e)
{
	drop_publications(e, UINT64_MAX);
}
