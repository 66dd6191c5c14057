/* SPDX-License-Identifier: MIT */
/* Whether what the configuration names is there. */
#ifndef SRC_CONFIG_LOOK_H
#define SRC_CONFIG_LOOK_H

#include "src/config/loader.h"

/* Reports folders that cannot be opened, a version of the client that is not installed, and a user or a group that the
 * system does not know. */
void config__look(struct config_loader *l);

#endif
