/* SPDX-License-Identifier: MIT */
/*
 * The text of a configuration file as a tree that knows its places: JSON plus
 * // and block comments. The comments become blanks, so that every position stays
 * what it is in the file. A walk over the text finds mistakes with their place and
 * reason, and notes where each value stands; cJSON builds the tree.
 *
 * Small mistakes (a comma too many or too few, a bare word, bytes that are not UTF-8)
 * are told and mended in a copy, so that those behind them are found in the same go.
 */
#ifndef SRC_CONFIG_DOCUMENT_H
#define SRC_CONFIG_DOCUMENT_H

#include "eio/bytes.h"

#include <cjson/cJSON.h>

#define CONFIG_MAX_DEPTH 64 /* nothing the configuration means is nested even ten deep */

struct config_document;

/* A mistake in the text, at an offset. */
typedef void (*config_document_fn)(void *user, size_t at, const char *why);

/* Reads text. NULL when there is no tree: mistakes that cannot be mended, all told, or no memory, of which nothing is
 * told. */
struct config_document *config_document_new(struct eio_bytes text, config_document_fn mistake, void *user);
void config_document_free(struct config_document *d); /* NULL is fine */

/* The tree; it lives as long as the document. What is taken out of it may not be freed before. */
cJSON *config_document_root(const struct config_document *d);

/* Where a value stands: offsets into the text. */
struct config_place {
	size_t key; /* of its key where it is a member of an object, else as at */
	size_t at, end;
	bool mended; /* there was a mistake in it, which was told; its value says nothing */
};

/* Counts an item as one that is mended, from now on. */
void config_document_spoil(struct config_document *d, const cJSON *item);

/* NULL for an item of another tree. It lives as long as the document. */
const struct config_place *config_document_place(const struct config_document *d, const cJSON *item);

#endif
