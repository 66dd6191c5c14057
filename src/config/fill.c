/* SPDX-License-Identifier: MIT */
/* From the configuration to the options of the folders that it knows. */
#include "src/config/config.h"

#include "sio/client.h"

void
config_fill_feed(const struct config *c, struct feed_options *out)
{
	out->specs = c->feeds;
	out->redis = c->redis;
	out->n_redis = c->n_redis;
	out->publish_queue_bytes = c->limits.publish_queue_bytes;
	out->worker_queue_bytes = c->limits.worker_queue_bytes;
	out->workers = c->workers;
	out->on_worker = c->workers == 1;
}

void
config_fill_clients(const struct config *c, struct clients_options *out)
{
	out->limits = c->limits.client;
	out->connect_timeout_ms = c->engine.connect_timeout_ms;
	out->max_attachment_bytes = c->engine.max_http_buffer_size * SIO_MAX_ATTACHMENTS;
	out->compresses = c->engine.per_message_deflate.on || c->engine.http_compression.on;
	out->namespaces = c->namespaces;
}
