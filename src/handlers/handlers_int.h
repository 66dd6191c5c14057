/* SPDX-License-Identifier: MIT */
/*
 * What configured handlers are compiled to; for handlers*.c only. A template
 * is a flat list of parts that are written one after the other:
 *
 *     {"a": ["x", "...$args", "<$1>"]}
 *
 *     TEXT {"a":["x"   SPREAD   SEPARATOR   TEXT "<   INSIDE $1   TEXT >"]}
 */
#ifndef SRC_HANDLERS_HANDLERS_INT_H
#define SRC_HANDLERS_HANDLERS_INT_H

#include "eio/bytes.h"

enum handlers_var {
	HANDLERS_VAR_ARG, /* $1 … $9 */
	HANDLERS_VAR_ARGS,
	HANDLERS_VAR_AUTH, /* with a JSON pointer for $auth.member */
	HANDLERS_VAR_QUERY, /* with the parameter's name */
	HANDLERS_VAR_SID,
	HANDLERS_VAR_NSP
};

enum handlers_part_type {
	HANDLERS_PART_TEXT, /* copied: JSON text in arguments, plain text in targets */
	HANDLERS_PART_VALUE, /* a variable as a whole value */
	HANDLERS_PART_INSIDE, /* a variable within a string */
	HANDLERS_PART_SEPARATOR, /* a comma, unless the array is still empty */
	HANDLERS_PART_SPREAD /* all arguments, with their commas, and one before them unless the array is still empty */
};

struct handlers_part {
	enum handlers_part_type type;
	enum handlers_var var;
	unsigned index; /* of $1 … $9, from 0 */
	char *text; /* owned; TEXT, and the pointer or name of a variable */
	size_t n;
};

struct handlers_template {
	struct handlers_part *parts; /* owned */
	size_t n;
};

enum handlers_action_type {
	HANDLERS_EMIT,
	HANDLERS_ACK,
	HANDLERS_JOIN,
	HANDLERS_LEAVE,
	HANDLERS_PUBLISH,
	HANDLERS_DISCONNECT
};

struct handlers_action {
	enum handlers_action_type type;
	bool whole; /* DISCONNECT */
	struct handlers_template *templates; /* owned; one of arguments, or one per target */
	size_t n;
};

struct handlers_entry {
	char *event; /* owned */
	struct handlers_action *actions; /* owned */
	size_t n;
};

struct handlers {
	struct handlers_entry *entries; /* owned */
	size_t n;
	const struct handlers_entry *connection, *disconnect, *any; /* among the entries, or NULL */
	bool use_query;
};

#endif
