/* SPDX-License-Identifier: MIT */
/*
 * `compat`: the defaults of earlier generations of Socket.IO servers, for those
 * who replace one and want their pages and proxies to see no difference. Only
 * defaults: whatever the file says stands over them.
 */
#ifndef SRC_CONFIG_COMPAT_H
#define SRC_CONFIG_COMPAT_H

#include "src/config/table.h"

/* The names of enum config_compat, ended by NULL. */
extern const char *const config__compat_names[];

/* The default that a generation has for an option of the main table, as JSON; NULL where it is today's. */
const char *config__compat_default(enum config_compat compat, const char *path);

/* Sets the defaults of the generation that the document's `compat` names, where they differ from today's, by rows of
 * the main table. Before the document's options are read. */
void config__compat(struct config_loader *l, const struct config_table *main_table, const cJSON *document);

/* What must be right about them together with the options. After these. */
void config__compat_check(struct config_loader *l, const cJSON *document);

#endif
