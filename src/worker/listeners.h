/* SPDX-License-Identifier: MIT */
/* The sockets that workers listen on: each has its own for every address. */
#ifndef SRC_WORKER_LISTENERS_H
#define SRC_WORKER_LISTENERS_H

#include "src/config/config.h"

/* Opens one socket for each address of the configuration. The first worker's call has NULL for `first`; those of the
 * others have what it made, still open, and share its ports. fds has room for one for each address; they are the
 * caller's, to be given to worker_new. 0, or -1 when that failed, which was logged and is the end of the program. */
int listeners_open(const struct config *c, const int *first, int *fds);

#endif
