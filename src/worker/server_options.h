/* SPDX-License-Identifier: MIT */
/* The configuration's `engine` and `cors` parts as the options of the Engine.IO server. */
#ifndef SRC_WORKER_SERVER_OPTIONS_H
#define SRC_WORKER_SERVER_OPTIONS_H

#include "eio/net/server.h"
#include "src/config/config.h"

/* Fills *out for worker number index; it borrows from c. The cookie's attributes are made new: give them back with
 * server_options_deinit. 0, or -1 when out of memory. */
int server_options_init(struct eio_server_options *out, const struct config *c, unsigned index);
void server_options_deinit(struct eio_server_options *o);

#endif
