/* SPDX-License-Identifier: MIT */
/*
 * Options of a command line, from tables that say of each what it is called, what it takes and what it is for: help,
 * completion and getopt_long(3) are made from them. It knows no option.
 *
 * Threads: the main one only, as getopt's.
 */
#ifndef SRC_BASE_ARGUMENTS_H
#define SRC_BASE_ARGUMENTS_H

#include <stdbool.h>
#include <stdio.h>

struct argument {
	const char *name; /* without its dashes; NULL ends a table */
	char letter; /* 0: it has no short form */
	const char *value; /* what it takes, as help calls it: "FILE"; NULL: nothing */
	const char *help; /* a line, or several with line feeds between */
};

enum {
	ARGUMENTS_TABLES = 4, /* at most */
	ARGUMENTS_MAX = 48, /* options in all of them */
};

/* One that is given: table and place in it, and its value, which lies in argv, or NULL. Returns whether to go on. */
typedef bool (*argument_fn)(void *user, const struct argument *table, size_t i, char *value);

/* Reads the options of argv, which is put in order: operands come last. tables ends with NULL. Returns the index of the
 * first operand; -1 after an unknown option or a missing value, which getopt has told on stderr as the words of
 * argv[0]; 0 when given() did not want to go on. */
int arguments_read(int argc, char **argv, const struct argument *const *tables, argument_fn given, void *user);

/* Writes help about the options of a table. */
void arguments_help(FILE *out, const struct argument *table);

#endif
