/* SPDX-License-Identifier: MIT */
/*
 * What the files of config share: the table of options, the state while loading,
 * and memory that lives as long as the configuration. For config*.c only.
 */
#ifndef SRC_CONFIG_CONFIG_INT_H
#define SRC_CONFIG_CONFIG_INT_H

#include "src/config/config.h"
#include "src/config/document.h"

#define CONFIG_MAX_ERRORS 20

/* While loading. Errors are counted here; an error does not stop the reading, so that all are found at once. */
struct config_loader {
	struct config *c;
	const char *name; /* of the file, for messages */
	const char *flag; /* "--listen" while a flag is applied, else NULL */
	char path[512]; /* of the value being read: "feeds[0].batch.interval" */
	config_error_fn error;
	void *user;
	unsigned errors;
	struct config_document *document; /* freed when all is loaded; NULL without a file */
	const cJSON *feeds; /* the list of feeds in it, or NULL: feed i of the file is its element i */
};

enum config_type {
	CONFIG_TYPE_SECTION, /* an object whose members are rows of the same table, "path.member" */
	CONFIG_TYPE_UINT, /* unsigned */
	CONFIG_TYPE_SIZE, /* size_t */
	CONFIG_TYPE_BOOL, /* bool */
	CONFIG_TYPE_STRING, /* char *; null in the file means NULL */
	CONFIG_TYPE_ENUM, /* an enum whose names are listed in order */
	CONFIG_TYPE_CUSTOM, /* a function */
};

/* Reads one value into *target. Reports what is wrong with it by config__error. */
typedef void (*config_custom_fn)(struct config_loader *l, const cJSON *item, void *target);

struct config_option {
	const char *path;
	enum config_type type;
	size_t offset; /* of the target in the table's struct */
	const char *fallback; /* JSON: the value when it is not configured; NULL: all bytes zero */
	double min, max; /* of numbers */
	const char *const *names; /* of an enum, ended by NULL */
	config_custom_fn custom;
};

/* A table of options for one kind of struct. */
struct config_table {
	const struct config_option *rows;
	size_t n;
};

/* The options of the whole file. */
extern const struct config_table config__main_table;

/* Reports an error at item (NULL: at no line) for the current path. */
void config__error(struct config_loader *l, const cJSON *item, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Zeroed memory that lives as long as the configuration; NULL (and an error reported) when there is none. */
void *config__alloc(struct config_loader *l, size_t n);
char *config__strdup(struct config_loader *l, const char *s);

/* A copy that is the caller's to free; NULL (and an error reported) when there is no memory. */
char *config__copy(struct config_loader *l, const char *s);

/* The path grows by ".name" ("": by nothing) or "[i]" while a member is read; pop takes what push returned. */
size_t config__push(struct config_loader *l, const char *name);
size_t config__push_index(struct config_loader *l, size_t i);
void config__pop(struct config_loader *l, size_t mark);

/* Sets every row of a table to its fallback. */
void config__defaults(struct config_loader *l, const struct config_table *t, void *base);

/* Reads the members of an object by the rows "prefix.member" of a table ("" for the rows without a dot): unknown,
 * doubled and badly typed ones are errors. */
void config__object(
	struct config_loader *l, const struct config_table *t, void *base, const char *prefix, const cJSON *object);

/* Reads one value by the row of that path. */
void config__value(
	struct config_loader *l, const struct config_table *t, void *base, const char *path, const cJSON *item);

/* The name of an item's type, with an article: "a string". */
const char *config__type_name(const cJSON *item);

/* Whether a string can stand in the value of an HTTP header. */
bool config__header_safe(const char *s);

/* Reads a string or a list of strings. false after an error. */
bool config__strings(struct config_loader *l, const cJSON *item, struct config_strings *out);

/* The custom values: config_parts.c, config_compression.c and config_feed.c. */
void config__listen(struct config_loader *l, const cJSON *item, void *target);
void config__admin(struct config_loader *l, const cJSON *item, void *target);
void config__redis(struct config_loader *l, const cJSON *item, void *target);
void config__transports(struct config_loader *l, const cJSON *item, void *target);
void config__cookie(struct config_loader *l, const cJSON *item, void *target);
void config__per_message_deflate(struct config_loader *l, const cJSON *item, void *target);
void config__http_compression(struct config_loader *l, const cJSON *item, void *target);
void config__origin(struct config_loader *l, const cJSON *item, void *target);
void config__header_list(struct config_loader *l, const cJSON *item, void *target);
void config__max_age(struct config_loader *l, const cJSON *item, void *target);
void config__client_version(struct config_loader *l, const cJSON *item, void *target);
void config__namespaces(struct config_loader *l, const cJSON *item, void *target);
void config__feeds(struct config_loader *l, const cJSON *item, void *target);

/* Sets the defaults of the generation that the document's `compat` names, where they differ from today's. Before its options. */
void config__compat(struct config_loader *l, const cJSON *document);

/* What must be right about them together with the options. After its options. */
void config__compat_check(struct config_loader *l, const cJSON *document);

/* The names of enum config_compat, ended by NULL. */
extern const char *const config__compat_names[];

/* Adds the feed of "--feed CHANNEL=EVENT". */
void config__feed_flag(struct config_loader *l, const char *text);

#endif
