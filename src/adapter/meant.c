/* SPDX-License-Identifier: MIT */
/* What a message says, in the words of the feed. */
#include "src/adapter/adapter_int.h"

#include "src/feed/sending.h"

struct feed_posted
adapter__event_of(const struct adapter *a)
{
	const struct adapter_message *m = &a->message;

	return (struct feed_posted){
		.is_event = true,
		.payload = m->data,
		.nsp = m->nsp,
		.everyone = !m->rooms.n,
		.rooms = eio_buf_bytes(&m->rooms),
		.except = eio_buf_bytes(&m->except),
		.attachments = m->json.attachments,
		.n_attachments = m->has_placeholders ? m->json.n_attachments : 0,
		.fleeting = m->fleeting,
		.acked = m->kind == ADAPTER_CALL,
	};
}

struct audience
adapter__audience_of(struct adapter *a)
{
	const struct adapter_message *m = &a->message;
	struct audience who = { .nsp = m->nsp, .rooms = a->rooms, .except = a->except };

	who.n_rooms = feed_names_list(eio_buf_bytes(&m->rooms), a->rooms);
	who.n_except = feed_names_list(eio_buf_bytes(&m->except), a->except);
	return who;
}
