/* SPDX-License-Identifier: MIT */
/* What the files of this folder share: all clients of one worker. */
#ifndef SRC_CLIENTS_CLIENTS_INT_H
#define SRC_CLIENTS_CLIENTS_INT_H

#include "src/clients/client.h"
#include "src/clients/clients.h"

struct clients {
	struct clients_options options;
	struct sio_client_config sio_config;
	struct sio_rooms rooms;
	struct namespaces *namespaces;
	bool keep_query; /* some handler uses $query */
	unsigned char random[SIO_ID_RANDOM * 32]; /* unused random bytes, from random_used on */
	size_t random_used;
};

static inline void
clients__count(struct clients *c, enum metric m)
{
	metrics_inc(c->options.metrics, m);
}

#endif
