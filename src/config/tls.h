/* SPDX-License-Identifier: MIT */
/* What an address of `listen` has beside itself: `tls`, `redirect`. */
#ifndef SRC_CONFIG_TLS_H
#define SRC_CONFIG_TLS_H

#include "src/config/table.h"

/* Rows about a struct config_listen, which they get whole. */
void config__tls(struct config_loader *l, const cJSON *item, void *target);
void config__redirect(struct config_loader *l, const cJSON *item, void *target);

extern const struct config_table config__tls_table, config__certificate_table;

/* Warns of templates about certificates that no client can show. */
void config__tls_warn(struct config_loader *l);

/* Looks whether the files of tls can be used, and warns of what is seldom meant. */
void config__tls_look(struct config_loader *l);

#endif
