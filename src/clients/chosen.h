/* SPDX-License-Identifier: MIT */
/* The sockets of an audience, found before anything is done with them: that may change who they are. */
#ifndef SRC_CLIENTS_CHOSEN_H
#define SRC_CLIENTS_CHOSEN_H

#include "src/clients/clients_int.h"

struct chosen {
	struct sio_socket **v; /* owned: each once; freed by whoever has the struct */
	size_t n;
};

/* False when out of memory, and then there is nothing to be freed. */
bool chosen_find(struct clients *c, const struct audience *who, struct chosen *out);

#endif
