/* SPDX-License-Identifier: MIT */
/* What siocast gives up before its threads run. */
#ifndef SRC_RIGHTS_H
#define SRC_RIGHTS_H

#include "src/config/config.h"
#include "src/web/files.h"
#include "src/worker/listeners.h"

/* Becomes the user of the configuration, if it has one and this is root, and gives up all privileges; logs what is
 * left, and what that user cannot do. All that needs privileges is open by then, and no thread has started: what is
 * given up, none of them has. f: what is served, which that user must be able to read; l: of
 * these, sockets that siocast made become that user's. 0, or -1 when it failed, which
 * was logged. */
int rights_drop(const struct config *c, const struct files *f, const struct listeners *l, bool intake_held);

#endif
