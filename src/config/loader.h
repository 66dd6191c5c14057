/* SPDX-License-Identifier: MIT */
/*
 * The state while a configuration is read: where the reading is, what was wrong so
 * far, and the memory of what was read. It knows neither keys nor values. Every
 * message about a configuration is put together here, and its place in the text.
 *
 * An error does not stop the reading, so that all are found at once.
 */
#ifndef SRC_CONFIG_LOADER_H
#define SRC_CONFIG_LOADER_H

#include "src/config/config.h"
#include "src/config/document.h"

struct config_parts;
struct config_memory; /* blocks of config__alloc */

struct config_loader {
	struct config_parts *parts; /* what is being filled; the subjects know it */
	struct config_memory **memory; /* where the blocks are kept */
	const char *name; /* of the file, for messages */
	const char *flag; /* "--listen" while a flag is applied, else NULL */
	char path[512]; /* of the value being read: "feeds[0].batch.interval" */
	config_error_fn error;
	void *user;
	unsigned errors;
	bool starved; /* out of memory, which was said: what is missing for its want are no mistakes to speak of */
	struct config_document *document; /* NULL without a file */
};

/* Reports an error at item (NULL: at no line) for the current path. */
void config__error(struct config_loader *l, const cJSON *item, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same at a line of the text, for what has not become an item; 0 for no line. */
void config__error_line(struct config_loader *l, unsigned line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same for a failed allocation. */
void config__error_memory(struct config_loader *l);

/* Zeroed memory that lives as long as the configuration; NULL (and an error reported) when there is none. */
void *config__alloc(struct config_loader *l, size_t n);
char *config__strdup(struct config_loader *l, const char *s);

/* Ends all that config__alloc made. */
void config__memory_free(struct config_memory *memory);

/* A copy that is the caller's to free; NULL (and an error reported) when there is no memory. */
char *config__copy(struct config_loader *l, const char *s);

/* The path grows by ".name" ("": by nothing) or "[i]" while a member is read; pop takes what push returned. */
size_t config__push(struct config_loader *l, const char *name);
size_t config__push_index(struct config_loader *l, size_t i);
void config__pop(struct config_loader *l, size_t mark);

#endif
