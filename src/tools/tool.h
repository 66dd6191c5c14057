/* SPDX-License-Identifier: MIT */
/*
 * Commands: "siocast COMMAND". Each is a file with a struct tool, which says how it is called and what it does; the
 * table of them is in tools.c. A command runs alone in its process, on the main thread, and has its own way to Redis
 * and to the admin port of a siocast that runs: the daemon knows nothing of it.
 */
#ifndef SRC_TOOLS_TOOL_H
#define SRC_TOOLS_TOOL_H

#include "src/base/arguments.h"
#include "src/config/config.h"

enum {
	TOOL_OK = 0,
	TOOL_FAILED = 1, /* what was asked for is not so, or cannot be done */
	TOOL_USAGE = 2, /* wrong arguments */
	TOOL_OPTIONS = 8, /* at most, of a command's own */
};

struct tool;

/* One call of a command; all is borrowed from argv. */
struct tool_call {
	const struct tool *tool;
	const struct tool_daemon *daemon;
	const struct tool *const *all; /* commands, ended by NULL */
	struct config_flags flags; /* of the configuration, where the command has one */
	const char
		*values[TOOL_OPTIONS]; /* by the command's own options: NULL when not given, "" when without a value */
	char **operands;
	int n;
};

struct tool {
	const char *name;
	const char *operands; /* as usage has them: "CHANNEL [MESSAGE]", or "" */
	int min, max; /* how many they are */
	const char *about; /* a line */
	bool configured; /* it takes the options of the configuration, too */
	const struct argument *options; /* its own, ended by one without a name */
	int (*run)(const struct tool_call *call); /* returns the exit status */
};

/* What commands need of whom they do not know. */
struct tool_daemon {
	int (*test)(const struct config *config, const char *file); /* see opening_test() */
};

/* What every command takes. */
extern const struct argument tool_help_arguments[];

/* Writes the line about how a command is called. */
void tool_print_usage(FILE *out, const struct tool *tool);

/* Says on stderr what is wrong with the arguments, and how the command is called. TOOL_USAGE. */
int tool_usage(const struct tool *tool, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Says on stderr, behind the command's name, why it failed. TOOL_FAILED. */
int tool_fail(const struct tool_call *call, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* For that, with where the hub is: what is asked about Redis and feeds, an edge does not know. */
#define TOOL_NO_EDGE "this is the configuration of an edge: ask with that of its hub, %s"

/* The configuration of a call, whose mistakes are told on stderr, warnings only where they are wanted; or NULL. For
 * config_free(). */
struct config *tool_config(const struct tool_call *call, bool warnings);

/* A config_report_fn: prints to stderr; warnings only when user is a bool * that says so. */
void tool_print_report(void *user, const struct config_report *r);

/* A number among the values of a call: false, and told, when it is none from min to max. *out stays as it is when it is
 * not given. */
bool tool_number(const struct tool_call *call, size_t option, double min, double max, double *out);

/* Writes to stdout, and gives it to whoever reads at once. The process ends quietly when nobody does any more, with
 * status 1 and a word when it cannot be written. */
void tool_write(struct eio_bytes text);

/* The same with what a buffer holds, which is emptied; out of memory ends the process, with a word. */
void tool_flush(struct eio_buf *b);

extern const struct tool tool_check, tool_completion, tool_config_command, tool_k8s, tool_lb, tool_unit, tool_doctor,
	tool_explain, tool_health, tool_publish, tool_record, tool_reload, tool_replay, tool_tail, tool_top;

#endif
