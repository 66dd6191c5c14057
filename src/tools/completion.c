/* SPDX-License-Identifier: MIT */
/* Completion of shells, from the table of commands and their options. */
#include "src/tools/completion.h"

#include "src/config/cli.h"

#include <string.h>

#define LEVELS "error warn info debug"

/* "--a --b" of a table. */
static void
write_flags(struct eio_buf *out, const struct argument *table)
{
	for (; table->name; table++) eio_buf_printf(out, " --%s", table->name);
}

static void
write_commands(struct eio_buf *out, const struct tool *const *all)
{
	for (; *all; all++) eio_buf_printf(out, " %s", (*all)->name);
}

/* The words of a first operand that is one of several, as in "nginx|haproxy [NODE=ADDRESS]...". */
static bool
has_words(const char *operands)
{
	return *operands != '[' && memchr(operands, '|', strcspn(operands, " "));
}

static void
write_words(struct eio_buf *out, const char *operands)
{
	size_t n = has_words(operands) ? strcspn(operands, " ") : 0;

	for (size_t i = 0; i < n; i++) eio_buf_addc(out, operands[i] == '|' ? ' ' : operands[i]);
}

static void
write_bash(struct eio_buf *out, const struct tool *const *all)
{
	EIO_BUF_ADD_LIT(out, "# bash completion for siocast, made by `siocast completion bash`.\n"
			     "_siocast() {\n"
			     "\tlocal cur=${COMP_WORDS[COMP_CWORD]} words\n"
			     "\tcase ${COMP_WORDS[COMP_CWORD-1]} in\n"
			     "\t-c|--config|--ca) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n"
			     "\t--www) COMPREPLY=($(compgen -d -- \"$cur\")); return ;;\n"
			     "\t--log-level) COMPREPLY=($(compgen -W \"" LEVELS "\" -- \"$cur\")); return ;;\n"
			     "\tesac\n"
			     "\tcase ${COMP_WORDS[1]} in\n");
	for (const struct tool *const *t = all; *t; t++) {
		eio_buf_printf(out, "\t%s) words=\"", (*t)->name);
		write_words(out, (*t)->operands);
		write_flags(out, (*t)->options);
		if ((*t)->configured) write_flags(out, cli_config_arguments);
		write_flags(out, tool_help_arguments);
		EIO_BUF_ADD_LIT(out, "\" ;;\n");
	}
	EIO_BUF_ADD_LIT(out, "\t*) words=\"");
	write_flags(out, cli_config_arguments);
	write_flags(out, cli_daemon_arguments);
	EIO_BUF_ADD_LIT(out, "\"\n\t\t[ \"$COMP_CWORD\" -gt 1 ] || words+=\"");
	write_commands(out, all);
	EIO_BUF_ADD_LIT(out, "\" ;;\n"
			     "\tesac\n"
			     "\tif [[ $cur == -* || $words != ' --'* || $COMP_CWORD == 1 ]]; then\n"
			     "\t\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
			     "\tfi\n"
			     "}\n"
			     "complete -o default -F _siocast siocast\n");
}

/* What a value is to be completed with. */
enum value_kind { VALUE_OTHER, VALUE_FILE, VALUE_FOLDER, VALUE_LEVEL };

static enum value_kind
kind_of_value(const char *value)
{
	if (strcmp(value, "FILE") == 0) return VALUE_FILE;
	if (strcmp(value, "DIR") == 0) return VALUE_FOLDER;
	return strcmp(value, "LEVEL") == 0 ? VALUE_LEVEL : VALUE_OTHER;
}

/* A text between single quotes, on one line. special: characters that have a meaning there, each with a backslash
 * before it; quote: what a single quote is written as. */
static void
write_quoted(struct eio_buf *out, const char *text, const char *special, const char *quote)
{
	for (; *text; text++) {
		if (*text == '\'') {
			eio_buf_add(out, eio_cstr(quote));
			continue;
		}
		if (strchr(special, *text)) eio_buf_addc(out, '\\');
		eio_buf_addc(out, *text == '\n' ? ' ' : *text);
	}
}

/* Help says of it. */
static bool
may_repeat(const struct argument *a)
{
	return strstr(a->help, "may be repeated") != NULL;
}

/* zsh: one line of _arguments for each option, as '(-c --config)'{-c,--config}'[help]:file:_files'. */
static void
write_zsh_option(struct eio_buf *out, const struct argument *a)
{
	static const char *const actions[] = { [VALUE_OTHER] = "",
		[VALUE_FILE] = "_files",
		[VALUE_FOLDER] = "_files -/",
		[VALUE_LEVEL] = "(" LEVELS ")" };

	EIO_BUF_ADD_LIT(out, " \\\n\t\t\t");
	if (a->letter)
		eio_buf_printf(out, "'(-%c --%s)'{-%c,--%s}'[", a->letter, a->name, a->letter, a->name);
	else
		eio_buf_printf(out, "'%s--%s[", may_repeat(a) ? "*" : "", a->name);
	write_quoted(out, a->help, "[]\\", "'\\''");
	eio_buf_addc(out, ']');
	if (a->value) eio_buf_printf(out, ":%s:%s", a->name, actions[kind_of_value(a->value)]);
	eio_buf_addc(out, '\'');
}

static void
write_zsh_options(struct eio_buf *out, const struct argument *table)
{
	for (; table->name; table++) write_zsh_option(out, table);
}

/* Whether operands are files; others have nothing that a shell could know. */
static bool
are_files(const char *operands)
{
	return strncmp(operands, "FILE", 4) == 0;
}

static void
write_zsh_operands(struct eio_buf *out, const char *operands)
{
	if (are_files(operands)) EIO_BUF_ADD_LIT(out, " \\\n\t\t\t'*:file:_files'");
	if (!has_words(operands)) return;
	EIO_BUF_ADD_LIT(out, " \\\n\t\t\t'1:what:(");
	write_words(out, operands);
	EIO_BUF_ADD_LIT(out, ")'");
}

/* The command goes from the line before its options are read, so that operands are counted from 1. */
static void
write_zsh_commands(struct eio_buf *out, const struct tool *const *all)
{
	EIO_BUF_ADD_LIT(out, "#compdef siocast\n"
			     "# zsh completion for siocast, made by `siocast completion zsh`.\n"
			     "_siocast() {\n"
			     "\tlocal name\n"
			     "\tlocal -a commands=(\n");
	for (const struct tool *const *t = all; *t; t++) {
		eio_buf_printf(out, "\t\t'%s:", (*t)->name);
		write_quoted(out, (*t)->about, "\\", "'\\''");
		EIO_BUF_ADD_LIT(out, "'\n");
	}
	EIO_BUF_ADD_LIT(out, "\t)\n"
			     "\tif (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then\n"
			     "\t\t_describe command commands\n"
			     "\t\treturn\n"
			     "\tfi\n"
			     "\tif [[ $words[2] != -* ]]; then\n"
			     "\t\tname=$words[2]\n"
			     "\t\tshift words\n"
			     "\t\t(( CURRENT-- ))\n"
			     "\tfi\n"
			     "\tcase $name in\n");
}

static void
write_zsh(struct eio_buf *out, const struct tool *const *all)
{
	write_zsh_commands(out, all);
	for (const struct tool *const *t = all; *t; t++) {
		eio_buf_printf(out, "\t%s) _arguments", (*t)->name);
		write_zsh_options(out, (*t)->options);
		if ((*t)->configured) write_zsh_options(out, cli_config_arguments);
		write_zsh_options(out, tool_help_arguments);
		write_zsh_operands(out, (*t)->operands);
		EIO_BUF_ADD_LIT(out, " ;;\n");
	}
	EIO_BUF_ADD_LIT(out, "\t*) _arguments");
	write_zsh_options(out, cli_config_arguments);
	write_zsh_options(out, cli_daemon_arguments);
	EIO_BUF_ADD_LIT(out, " ;;\n\tesac\n}\n_siocast \"$@\"\n");
}

static void
write_fish_options(struct eio_buf *out, const struct argument *table, const char *condition)
{
	static const char *const values[] = { [VALUE_OTHER] = " -x",
		[VALUE_FILE] = " -r -F",
		[VALUE_FOLDER] = " -x -a '(__fish_complete_directories)'",
		[VALUE_LEVEL] = " -x -a '" LEVELS "'" };

	for (; table->name; table++) {
		eio_buf_printf(out, "complete -c siocast -n '%s'", condition);
		if (table->letter) eio_buf_printf(out, " -s %c", table->letter);
		eio_buf_printf(
			out, " -l %s%s -d '", table->name, table->value ? values[kind_of_value(table->value)] : "");
		write_quoted(out, table->help, "\\", "\\'");
		EIO_BUF_ADD_LIT(out, "'\n");
	}
}

static void
write_fish_command(struct eio_buf *out, const struct tool *t)
{
	char condition[96];

	eio_buf_printf(out, "complete -c siocast -n __fish_use_subcommand -f -a %s -d '", t->name);
	write_quoted(out, t->about, "\\", "\\'");
	EIO_BUF_ADD_LIT(out, "'\n");
	snprintf(condition, sizeof condition, "__fish_seen_subcommand_from %s", t->name);
	if (!are_files(t->operands)) eio_buf_printf(out, "complete -c siocast -n '%s' -f", condition);
	if (has_words(t->operands)) {
		EIO_BUF_ADD_LIT(out, " -a '");
		write_words(out, t->operands);
		eio_buf_addc(out, '\'');
	}
	if (!are_files(t->operands)) eio_buf_addc(out, '\n');
	write_fish_options(out, t->options, condition);
	if (t->configured) write_fish_options(out, cli_config_arguments, condition);
	write_fish_options(out, tool_help_arguments, condition);
}

static void
write_fish(struct eio_buf *out, const struct tool *const *all)
{
	EIO_BUF_ADD_LIT(out, "# fish completion for siocast, made by `siocast completion fish`.\n");
	for (const struct tool *const *t = all; *t; t++) write_fish_command(out, *t);
	write_fish_options(out, cli_config_arguments, "__fish_use_subcommand");
	write_fish_options(out, cli_daemon_arguments, "__fish_use_subcommand");
}

int
completion_write(const char *shell, const struct tool *const *all, struct eio_buf *out)
{
	if (strcmp(shell, "bash") == 0)
		write_bash(out, all);
	else if (strcmp(shell, "zsh") == 0)
		write_zsh(out, all);
	else if (strcmp(shell, "fish") == 0)
		write_fish(out, all);
	else
		return -1;
	return 0;
}

static const struct argument completion_options[] = { { .name = NULL } };

static int
run_completion(const struct tool_call *call)
{
	struct eio_buf out = { 0 };
	int status = TOOL_OK;

	if (completion_write(call->operands[0], call->all, &out))
		status = tool_usage(call->tool, "\"%s\" is none of bash, zsh, fish", call->operands[0]);
	else
		tool_flush(&out);
	eio_buf_deinit(&out);
	return status;
}

const struct tool tool_completion = {
	.name = "completion",
	.operands = "bash|zsh|fish",
	.min = 1,
	.max = 1,
	.about = "print the completion of a shell",
	.options = completion_options,
	.run = run_completion,
};
