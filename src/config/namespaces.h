/* SPDX-License-Identifier: MIT */
/* `namespaces`, and the mistakes in handlers. */
#ifndef SRC_CONFIG_NAMESPACES_H
#define SRC_CONFIG_NAMESPACES_H

#include "src/config/loader.h"

/* A row; the target is the struct namespace_specs *, which is replaced. */
void config__namespaces(struct config_loader *l, const cJSON *item, void *target);

struct handlers_error;

/* Reports a mistake in what src/handlers compiles: a handlers_error_fn, whose user is the loader. The message keeps the
 * JSON pointer that says where it is. */
void config__handlers_error(void *user, const struct handlers_error *e);

#endif
