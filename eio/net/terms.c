/* SPDX-License-Identifier: MIT */
/* Options of a server, and what its sessions have of them. */
#include "eio/net/terms.h"

#include "eio/check.h"
#include "eio/net/server_int.h"

#include <stdlib.h>

struct eio_terms *
eio_terms_new(const struct eio_server *s, const struct eio_server_options *o)
{
	struct eio_terms *t = calloc(1, sizeof *t);

	if (!t) return NULL;
	t->refs = 1;
	t->options = *o;
	t->settings = (struct eio_settings){
		.ping_interval = o->ping_interval,
		.ping_timeout = o->ping_timeout,
		.upgrade_timeout = o->upgrade_timeout,
		.max_payload = o->max_payload,
		.max_replies = o->max_replies,
		.polling = o->polling,
		.websocket = o->websocket,
		.allow_upgrades = o->allow_upgrades,
		.open_with_messages = o->open_with_messages,
		.http_deflate = s->http_deflate.on ? &s->http_deflate : NULL,
		.ws_deflate = &s->ws_deflate,
		.ping = eio_bundle_packet(EIO_PACKET_PING, eio_bytes("", 0)),
		.pong = eio_bundle_packet(EIO_PACKET_PONG, eio_bytes("", 0)),
	};
	if (t->settings.ping && t->settings.pong) return t;
	eio__terms_unref(t);
	return NULL;
}

void
eio__terms_unref(struct eio_terms *t)
{
	if (--t->refs) return;
	eio_bundle_unref(t->settings.ping);
	eio_bundle_unref(t->settings.pong);
	free(t);
}

void
eio_terms_free(struct eio_terms *t)
{
	if (!t) return;
	CHECK(t->refs == 1);
	eio__terms_unref(t);
}
