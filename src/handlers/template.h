/* SPDX-License-Identifier: MIT */
/* Compiling the templates of handlers; for handlers*.c only. */
#ifndef SRC_HANDLERS_TEMPLATE_H
#define SRC_HANDLERS_TEMPLATE_H

#include "src/handlers/handlers.h"
#include "src/handlers/handlers_int.h"

struct cJSON;

/* Where compiling stands: the JSON pointer of the value at hand is built in err->path. */
struct handlers_compiler {
	struct handlers_error *err;
	size_t path_n;
	bool failed;
	bool use_query; /* a $query was met */
};

/* Goes down to a member or element, and back up to where the path was `mark` long. */
void handlers_path_key(struct handlers_compiler *c, const char *key);
void handlers_path_index(struct handlers_compiler *c, size_t index);
void handlers_path_up(struct handlers_compiler *c, size_t mark);

/* Notes the first mistake, at the path as it is; returns false. */
bool handlers_fail(struct handlers_compiler *c, const struct cJSON *item, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The arguments of emit and ack, an array. False after a mistake; t is to be freed all the same. */
bool handlers_template_arguments(struct handlers_compiler *c, const struct cJSON *array, struct handlers_template *t);

/* A room or channel, a string; many: a variable in it may mean a list. As above. */
bool handlers_template_target(
	struct handlers_compiler *c, const struct cJSON *string, bool many, struct handlers_template *t);

void handlers_template_free(struct handlers_template *t);

#endif
