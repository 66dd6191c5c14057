/* SPDX-License-Identifier: MIT */
/* The table of commands, and their command lines. */
#include "src/tools/tools.h"

#include "src/config/cli.h"

#include <signal.h>
#include <string.h>

const struct tool *const tools_all[] = {
	&tool_check,
	&tool_config_command,
	&tool_explain,
	&tool_publish,
	&tool_tail,
	&tool_record,
	&tool_replay,
	&tool_health,
	&tool_doctor,
	&tool_top,
	&tool_reload,
	&tool_lb,
	&tool_unit,
	&tool_k8s,
	&tool_completion,
	NULL,
};

static const struct tool *
find_tool(const char *name)
{
	for (const struct tool *const *t = tools_all; *t; t++)
		if (strcmp((*t)->name, name) == 0) return *t;
	return NULL;
}

void
tools_help(FILE *out)
{
	fprintf(out, "\nCommands (siocast COMMAND --help tells more):\n");
	for (const struct tool *const *t = tools_all; *t; t++)
		fprintf(out, "  %-10s %-30s %s\n", (*t)->name, (*t)->operands, (*t)->about);
}

/* How the reading of a command line ended. */
struct tool_reading {
	struct tool_call *call;
	bool help, starved;
};

static bool
on_tool_option(void *user, const struct argument *table, size_t i, char *value)
{
	struct tool_reading *r = user;

	if (table == tool_help_arguments) {
		r->help = true;
	} else if (table == cli_config_arguments) {
		r->starved = !cli_flags_take(&r->call->flags, i, value);
	} else {
		r->call->values[i] = value ? value : "";
		return true;
	}
	return !r->help && !r->starved;
}

static int
print_tool_help(const struct tool *tool)
{
	tool_print_usage(stdout, tool);
	printf("%s\n\n", tool->about);
	arguments_help(stdout, tool->options);
	if (tool->configured) arguments_help(stdout, cli_config_arguments);
	arguments_help(stdout, tool_help_arguments);
	return TOOL_OK;
}

/* Reads the arguments, and runs the command. argv[0] is what getopt calls the program. */
static int
run_tool(struct tool_call *call, int argc, char **argv)
{
	const struct argument *tables[ARGUMENTS_TABLES] = { call->tool->options, tool_help_arguments };
	struct tool_reading r = { .call = call };
	int first;

	if (call->tool->configured) tables[2] = cli_config_arguments;
	first = arguments_read(argc, argv, tables, on_tool_option, &r);
	if (first < 0) {
		tool_print_usage(stderr, call->tool);
		return TOOL_USAGE;
	}
	if (r.help) return print_tool_help(call->tool);
	if (r.starved) return tool_fail(call, "out of memory");
	call->operands = argv + first;
	call->n = argc - first;
	if (call->n < call->tool->min) return tool_usage(call->tool, "too few arguments");
	if (call->n > call->tool->max)
		return tool_usage(call->tool, "unexpected argument \"%s\"", call->operands[call->tool->max]);
	return call->tool->run(call);
}

int
tools_run(int argc, char **argv, const struct tool_daemon *daemon)
{
	struct tool_call call = { .tool = find_tool(argv[0]), .daemon = daemon, .all = tools_all };
	char name[64];
	int status;

	if (!call.tool) {
		fprintf(stderr, "siocast: there is no command \"%s\"; try --help\n", argv[0]);
		return TOOL_USAGE;
	}
	signal(SIGPIPE, SIG_IGN); /* see tool_write() */
	snprintf(name, sizeof name, "siocast %s", argv[0]);
	argv[0] = name;
	cli_flags_init(&call.flags);
	status = run_tool(&call, argc, argv);
	cli_flags_deinit(&call.flags);
	tool_write(EIO_LIT(""));
	return status;
}
