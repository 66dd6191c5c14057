/* SPDX-License-Identifier: MIT */
/* "connectionStateRecovery", of the server and of namespaces: who may come back to what he missed. */
#ifndef SRC_CONFIG_RECOVERY_H
#define SRC_CONFIG_RECOVERY_H

#include "src/config/table.h"

/* Rows: of the server, into the struct config_parts; of a namespace, into its struct namespace_spec. */
void config__recovery(struct config_loader *l, const cJSON *item, void *target);
void config__recovery_of_namespace(struct config_loader *l, const cJSON *item, void *target);

/* Gives the server's choice to the namespaces that have none of their own, and the feeds' options what they need. */
void config__recovery_finish(struct config_loader *l);

/* What may stand in an object. */
extern const struct config_table config__recovery_table;

#endif
