/* SPDX-License-Identifier: MIT */
/* "auth", of the server and of namespaces: who may connect. */
#ifndef SRC_CONFIG_AUTH_H
#define SRC_CONFIG_AUTH_H

#include "src/config/table.h"

/* A row: into a struct auth_spec *, which is NULL where it is off. What was there is let go of. */
void config__auth(struct config_loader *l, const cJSON *item, void *target);

/* Gives the server's to the namespaces that have none of their own, and notes whether the application is asked. */
void config__auth_finish(struct config_loader *l);

/* What may stand in the objects. */
extern const struct config_table config__key_table, config__jwt_table, config__hook_table, config__auth_table;

#endif
