/* SPDX-License-Identifier: MIT */
/* What handlers broadcast, on its way to other servers. */
#include "src/adapter/adapter_int.h"

#include "sio/packet.h"

#include <stdlib.h>

enum { TOLD_BYTES = 128 }; /* what one costs beside the event and the names */

struct adapter_told {
	struct mail mail;
	struct audience *who; /* a reference */
	struct eio_bundle *event; /* a reference */
	size_t bytes; /* what it counts */
};

bool
adapter_tells(const struct adapter *a)
{
	return a->options.spec->mode == ADAPTER_MEMBER;
}

static void
free_told(struct adapter *a, struct adapter_told *t)
{
	atomic_fetch_sub_explicit(&a->telling, t->bytes, memory_order_relaxed);
	audience_unref(t->who);
	eio_bundle_unref(t->event);
	free(t);
}

int
adapter_broadcast(struct adapter *a, const struct audience *who, struct eio_bundle *event)
{
	size_t bytes = TOLD_BYTES + audience_size(who) + eio_bundle_size(event);
	size_t before = atomic_fetch_add_explicit(&a->telling, bytes, memory_order_relaxed);
	struct adapter_told *t = before + bytes <= a->options.publish_queue_bytes ? malloc(sizeof *t) : NULL;

	if (!t) {
		atomic_fetch_sub_explicit(&a->telling, bytes, memory_order_relaxed);
		atomic_fetch_add_explicit(&a->untold, 1, memory_order_relaxed);
		return -1;
	}
	t->bytes = bytes;
	t->event = eio_bundle_ref(event);
	t->who = audience_new(who);
	if (!t->who) {
		free_told(a, t);
		atomic_fetch_add_explicit(&a->untold, 1, memory_order_relaxed);
		return -1;
	}
	mail_post(&a->told, &t->mail);
	return 0;
}

/* The one packet of the bundle. It was made here: an event. */
static void
read_told_event(struct eio_bundle *b, struct adapter_event *e, struct eio_bytes *attachments)
{
	struct eio_message message;
	struct sio_packet packet;
	bool is_event = eio_bundle_message(b, 0, &message) && sio_packet_decode(message.data, &packet) == 0;

	CHECK(is_event && (packet.type == SIO_PACKET_EVENT || packet.type == SIO_PACKET_BINARY_EVENT));
	e->data = packet.data;
	e->attachments = attachments;
	while (e->n_attachments < SIO_MAX_ATTACHMENTS && eio_bundle_message(b, 1 + e->n_attachments, &message))
		attachments[e->n_attachments++] = message.data;
}

static void
tell_event(struct adapter *a, const struct adapter_told *t)
{
	enum adapter_dialect dialect = a->options.spec->dialects.first;
	const struct adapter_voice voice = adapter__voice(a, dialect);
	struct eio_bytes attachments[SIO_MAX_ATTACHMENTS];
	struct adapter_event e = {
		.nsp = t->who->nsp,
		.rooms = t->who->rooms,
		.n_rooms = t->who->n_rooms,
		.except = t->who->except,
		.n_except = t->who->n_except,
	};

	read_told_event(t->event, &e, attachments);
	adapter_outgoing_event(&a->outgoing, &voice, &e, a->options.spec->streams);
	if (dialect == ADAPTER_STREAMS ? adapter__add_entry(a, t->who->nsp) : adapter__publish(a, dialect))
		metrics_inc(a->metrics, ADAPTER_METRIC_TOLD);
	else
		metrics_inc(a->metrics, ADAPTER_METRIC_UNTOLD);
}

void
adapter__take_told(void *user, struct mail *run)
{
	struct adapter *a = adapter__of(user);
	struct mail *next;

	for (struct mail *m = run; m; m = next) {
		struct adapter_told *t = EIO_CONTAINER(m, struct adapter_told, mail);

		next = m->next;
		if (!a->closed) tell_event(a, t);
		free_told(a, t);
	}
	metrics_add(a->metrics, ADAPTER_METRIC_UNTOLD, atomic_exchange_explicit(&a->untold, 0, memory_order_relaxed));
	if (a->publisher) redis_publisher_flush(a->publisher);
}
