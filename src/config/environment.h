/* SPDX-License-Identifier: MIT */
/*
 * The environment in the configuration: ${NAME} and ${NAME:-default} in strings of
 * the file, and a variable for each option: SIOCAST_ENGINE_PING_INTERVAL is
 * engine.pingInterval. Both end up in the tree that the tables read.
 *
 * What a variable says is text. Rows for numbers and booleans take the text of one from a
 * variable only, so a string of the file never becomes a number by itself.
 */
#ifndef SRC_CONFIG_ENVIRONMENT_H
#define SRC_CONFIG_ENVIRONMENT_H

#include "src/config/loader.h"

/* Replaces ${…} in the strings of l->root, and warns of $NAME, which is text. */
void config__expand(struct config_loader *l);

/* Puts what SIOCAST_… say into l->root, over what is there. */
void config__overlay(struct config_loader *l);

/* "engine.pingInterval" as the name of a variable, into size bytes. */
void config__variable_name(const char *path, char *out, size_t size);

#endif
