/* SPDX-License-Identifier: MIT */
/*
 * The text of a configuration file as a tree that knows its lines: JSON plus
 * // and block comments. The comments become blanks, so that every position stays
 * what it is in the file. cJSON builds the tree; a walk over the same text finds
 * mistakes with their line and reason, and notes where each value stands.
 */
#ifndef SRC_CONFIG_DOCUMENT_H
#define SRC_CONFIG_DOCUMENT_H

#include "eio/bytes.h"

#include <cjson/cJSON.h>

#define CONFIG_MAX_DEPTH 64 /* nothing the configuration means is nested even ten deep */

struct config_document;

/* Reads text. NULL on a mistake: *line and err then say where and what (line 0: out of memory). */
struct config_document *config_document_new(struct eio_bytes text, unsigned *line, char *err, size_t err_size);
void config_document_free(struct config_document *d); /* NULL is fine */

/* The tree; valid as long as the document. */
const cJSON *config_document_root(const struct config_document *d);

/* The line, from 1, of a value of the tree: of its key for a member of an object. 0 for an item of another tree. */
unsigned config_document_line(const struct config_document *d, const cJSON *item);

#endif
