/* SPDX-License-Identifier: MIT */
/* `listen`, `trustedProxies`, `admin` and `adminHosts`. */
#ifndef SRC_CONFIG_ADDRESSES_H
#define SRC_CONFIG_ADDRESSES_H

#include "src/config/table.h"

/* Of an address that is an object. */
extern const struct config_table config__listen_table;

/* A row: where it is. What else stands in the struct config_listen stays. */
void config__address(struct config_loader *l, const cJSON *item, void *target);

/* Rows. The lengths of lists stand beside them, so the target is used by admin alone. */
void config__listen(struct config_loader *l, const cJSON *item, void *target);
void config__trusted_proxies(struct config_loader *l, const cJSON *item, void *target);
void config__admin(struct config_loader *l, const cJSON *item, void *target);
void config__admin_hosts(struct config_loader *l, const cJSON *item, void *target);

/* Complains of addresses to listen on that are one: they would share their connections, or the start would fail. */
void config__addresses_check(struct config_loader *l);

#endif
