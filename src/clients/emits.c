/* SPDX-License-Identifier: MIT */
/* What the application has for a client. */
#include "src/clients/emits.h"

#include "sio/event.h"
#include "sio/json.h"
#include "src/clients/recovery.h"
#include "src/clients/ui.h"

void
emits_send(struct sio_socket *s, struct eio_bytes events)
{
	struct sio_json_iter it = sio_json_iter(events);
	struct eio_bytes event;

	while (sio_json_next(&it, NULL, &event)) {
		struct sio_piece piece = { event, false };
		struct sio_emit emit = { .nsp = sio_socket_nsp(s), .pieces = &piece, .n_pieces = 1 };
		struct eio_bundle *b = NULL;
		int rc = sio_json_kind(event) == SIO_JSON_ARRAY ? sio_emit_bundle(&emit, &b) : SIO_ERR_EVENT_NAME;

		if (rc == 0) ui_sent(s, b);
		if (rc == 0 || rc == SIO_ERR_NOMEM)
			recovery_send(s, b);
		else
			CLIENTS_DEBUG(client_of(s), CLIENTS_LINE_ACTION_SKIPPED, "action-skipped", sio_socket_nsp(s),
				"name=\"hook\" action=emit why=\"%s\"", sio_strerror(rc));
	}
}
