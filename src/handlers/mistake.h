/* SPDX-License-Identifier: MIT */
/* Where compiling handlers stands, and the mistakes in them; for src/handlers/ only. */
#ifndef SRC_HANDLERS_MISTAKE_H
#define SRC_HANDLERS_MISTAKE_H

#include "src/handlers/handlers.h"

/* The JSON pointer of the value at hand is built in err.path. */
struct handlers_compiler {
	struct handlers_error err;
	size_t path_n;
	bool failed; /* err is a mistake that is not told yet */
	bool told; /* one was told */
	unsigned nsp_stars; /* for the context of templates */
	struct handlers *handlers; /* that are being made; their calls are added to */
	handlers_error_fn error;
	handlers_where_fn where;
	void *user;
};

/* Goes down to a member or element, and back up to where the path was `mark` long. */
void handlers__path_key(struct handlers_compiler *c, const char *key);
void handlers__path_index(struct handlers_compiler *c, size_t index);
void handlers__path_up(struct handlers_compiler *c, size_t mark);

/* Notes the first mistake, at the path as it is; returns false. */
bool handlers__fail(struct handlers_compiler *c, const struct cJSON *item, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
bool handlers__fail_nomem(struct handlers_compiler *c);

/* Tells the mistake, and goes back up to where the path was `mark` long. Returns whether compiling can go on, to find
 * more of them: not when memory is out. */
bool handlers__go_on(struct handlers_compiler *c, size_t mark);

struct template;
struct template_context;
struct template_error;

/* Passes on what the compiler of templates found; returns false. */
bool handlers__template_failed(struct handlers_compiler *c, const struct cJSON *item, const struct template_error *err);

/* Adds any JSON in which strings are templates. False after a mistake. */
bool handlers__add_json(
	struct handlers_compiler *c, struct template *t, const struct cJSON *v, const struct template_context *where);

/* Adds the list of an event's name and its arguments. args: a list, a member of the object at the path, or NULL. */
bool handlers__add_event(struct handlers_compiler *c, struct template *t, const struct cJSON *name,
	const struct cJSON *args, const struct template_context *where);

struct handlers_action;
struct handlers_part;

/* Compiles what stands behind an action's name into *a, whose type is set. False after a mistake. */
bool handlers__compile_action(struct handlers_compiler *c, const struct cJSON *v, const struct template_context *where,
	struct handlers_action *a);

/* Compiles the condition of an "if" into *a. */
bool handlers__compile_condition(struct handlers_compiler *c, const struct cJSON *v,
	const struct template_context *where, struct handlers_action *a);

/* The same for what each takes: a call. */
bool handlers__compile_call(struct handlers_compiler *c, const struct cJSON *v, const struct template_context *where,
	struct handlers_action *a);

/* What the forms of actions have in common. */

/* One key of an action that is an object, and where its value is put. */
struct handlers_key {
	const char *name;
	const struct cJSON **value;
};

/* Finds the values of keys, all NULL at first. all: their names, for a mistake. False after one, as the others. */
bool handlers__read_keys(
	struct handlers_compiler *c, const struct cJSON *v, const struct handlers_key *keys, size_t n, const char *all);

/* Reads the value of a key: a whole number. */
bool handlers__read_number(
	struct handlers_compiler *c, const struct cJSON *v, const char *key, unsigned min, unsigned max, unsigned *out);

/* Makes room for n parts. */
bool handlers__alloc_parts(struct handlers_compiler *c, struct handlers_action *a, size_t n);

/* Keeps a text as it was configured. */
bool handlers__keep_source(struct handlers_compiler *c, struct handlers_part *part, const char *text);

/* Whether a member of the object at the path, or NULL, is a list of names of headers. */
bool handlers__check_headers(struct handlers_compiler *c, const struct cJSON *headers);

/* Fills the parts from `first` on: those before a->n_rooms by placeholders of these names, the others by headers. */
bool handlers__compile_members(struct handlers_compiler *c, const char *const *names, size_t first,
	const struct cJSON *headers, const struct template_context *where, struct handlers_action *a);

/* Reads a rate. */
bool handlers__compile_rate(struct handlers_compiler *c, const struct cJSON *v, struct handlers_rate *rate);

#endif
