/* SPDX-License-Identifier: MIT */
/*
 * What anybody may publish on the channels of Socket.IO's adapters, in each dialect: a channel, which of streams is a
 * namespace, a line's end, and the message. What is understood is an event that clients take, or an order, and all its
 * names lie within it.
 */
#include "sio/event.h"
#include "sio/json.h"
#include "src/adapter/classic.h"
#include "src/adapter/cluster.h"
#include "src/feed/posting.h"
#include "src/feed/targets.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_packed(const struct eio_buf *names)
{
	struct eio_bytes rest = eio_buf_bytes(names), name;
	size_t n = 0;

	while (feed_names_next(&rest, &name)) n++;
	if (rest.n || n > 2 * FEED_MAX_ROOMS) abort();
}

static void
check_event(const struct adapter_message *m)
{
	const struct sio_piece pieces[] = { { .json = EIO_LIT("[") },
		{ .json = eio_bytes(m->data.p + 1, m->data.n - 2), .refs = m->has_placeholders },
		{ .json = EIO_LIT("]") } };
	const struct sio_emit emit = { .nsp = m->nsp,
		.pieces = pieces,
		.n_pieces = 3,
		.attachments = m->json.attachments,
		.n_attachments = m->has_placeholders ? m->json.n_attachments : 0 };
	struct eio_bundle *bundle = NULL;

	if (sio_json_check(m->data) != 0 || sio_json_kind(m->data) != SIO_JSON_ARRAY) abort();
	if (sio_emit_bundle(&emit, &bundle) != 0) abort();
	eio_bundle_unref(bundle);
}

static void
check_message(const struct adapter_message *m)
{
	if (m->kind != ADAPTER_NOTHING && !m->nsp.n) abort();
	check_packed(&m->rooms);
	check_packed(&m->except);
	check_packed(&m->names);
	if (m->kind == ADAPTER_EVENT || m->kind == ADAPTER_CALL) check_event(m);
	if (m->request.p && m->request.n > ADAPTER_REQUEST_MAX) abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *end = size ? memchr(text, '\n', size) : NULL;
	struct eio_bytes channel, payload;
	struct adapter_message m;

	if (!end) return 0;
	channel = eio_bytes(text, (size_t)(end - text));
	payload = eio_bytes(end + 1, size - channel.n - 1);
	const struct adapter_entry entry = { .nsp = channel, .type = EIO_LIT("3"), .data = payload };

	adapter_message_init(&m);
	if (adapter_classic_read(EIO_LIT("k"), channel, payload, &m) == ADAPTER_UNDERSTOOD) check_message(&m);
	if (adapter_cluster_read(EIO_LIT("k"), channel, payload, &m) == ADAPTER_UNDERSTOOD) check_message(&m);
	if (adapter_entry_read(&entry, &m) == ADAPTER_UNDERSTOOD) check_message(&m);
	adapter_message_deinit(&m);
	return 0;
}
