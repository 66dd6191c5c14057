/* SPDX-License-Identifier: MIT */
/*
 * The client files: what a page loads from below the Engine.IO path. Loaded
 * once; what is compressed is so for the first request that wants it. For
 * src/files*.c.
 *
 *     socket.io.js, socket.io.min.js, …          of the chosen version, or of the operator's own folder
 *     4.8.4/socket.io.js, 1.7.4/socket.io.js, …  of each installed version, by the names its package gives them
 *     4/socket.io.js, 4.8/socket.io.js, …        of the newest that begins so
 *     siocast.js, siocast.mjs                    the decoder, with siocast-columns.js and .mjs
 */
#ifndef SRC_WEB_FILES_CLIENT_H
#define SRC_WEB_FILES_CLIENT_H

#include "src/web/files_entry.h"

struct files_client; /* one name and its content */

struct files_clients {
	char *path; /* ends with a slash; NULL: no client files */
	struct files_client *v;
	size_t n;
	struct eio_block *missing; /* what is said of a version, or a file of one, that is not there */
	unsigned official; /* how many names of official files lie right below path */
};

/* 0, or -errno with the reason in err (left as it was for -ENOMEM). Either way to be given back with
 * files_clients_deinit. */
int files_clients_load(struct files_clients *c, const struct files_config *cfg, char *err, size_t err_size);

/* The content for the path of a request, or NULL. Any thread. */
struct files_entry *files_clients_find(const struct files_clients *c, struct eio_bytes path);

/* Whether the path is such as a file of a version would have; for one that files_clients_find does not find. */
bool files_clients_missed(const struct files_clients *c, struct eio_bytes path);

void files_clients_deinit(struct files_clients *c);

#endif
