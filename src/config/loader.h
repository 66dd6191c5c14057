/* SPDX-License-Identifier: MIT */
/*
 * The state while a configuration is read: where the reading is, what was wrong so
 * far, and the memory of what was read. It knows neither keys nor values. Every
 * message about a configuration is put together here, and its place in the text.
 *
 * A mistake does not stop the reading, so that all are found at once.
 */
#ifndef SRC_CONFIG_LOADER_H
#define SRC_CONFIG_LOADER_H

#include "src/config/config.h"
#include "src/config/document.h"
#include "src/config/report.h"

struct config_parts;
struct config_table;
struct config_memory; /* blocks of config__alloc */

struct config_loader {
	struct config_parts *parts; /* what is being filled; the subjects know it */
	struct config_memory **memory; /* where the blocks are kept */
	const struct config_flags *flags; /* all zero when there are none */
	const char *name; /* of the file, for messages */
	const char *flag; /* "--listen" while a flag is applied, else NULL */
	/* NULL until all flags are applied: the flag that has given the option of a path, or NULL. Whatever is told
	 * from then on is about what the flag says. */
	const char *(*flag_of)(const struct config_flags *flags, const char *path);
	const char *variable; /* "SIOCAST_LISTEN" while what it says is read, else NULL */
	char path[512]; /* of the value being read: "feeds[0].batch.interval" */
	struct config_notes notes;
	bool quiet; /* what is read was read before, and its mistakes told */
	bool starved; /* out of memory, which was said: what is missing for its want are no mistakes to speak of */
	struct eio_bytes text; /* of the file; empty without one */
	struct config_document *document; /* NULL without a file */
	cJSON *root; /* what file and environment say together; NULL when there is none */
	const struct config_table *noted; /* whose values are kept as text, for changes.h */
	struct config_variable *variables; /* which parts of it the environment has said; environment.c */
};

/* Reports a mistake in the value item (NULL: of no line) for the current path. */
void config__error(struct config_loader *l, const cJSON *item, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same in the key of item. */
void config__error_key(struct config_loader *l, const cJSON *item, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same at an offset of the text, for what has not become an item. */
void config__error_at(struct config_loader *l, size_t at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The same for a failed allocation. */
void config__error_memory(struct config_loader *l);

/* Reports something that is allowed, but seldom meant. */
void config__warn(struct config_loader *l, const cJSON *item, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Whether something in a value (NULL: in none) could not be read, or may not have been. */
bool config__is_wrong(const struct config_loader *l, const cJSON *item);

/* What stands in the file for a value, byte for byte; empty when it does not come from there. */
struct eio_bytes config__source(const struct config_loader *l, const cJSON *item);

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
