/* SPDX-License-Identifier: MIT */
/* Completion of shells, from the table of commands and their options. */
#include "src/tools/completion.h"

#include "src/config/cli.h"

#include <string.h>

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
static void
write_words(struct eio_buf *out, const char *operands)
{
	size_t n = strcspn(operands, " ");

	if (*operands == '[' || !memchr(operands, '|', n)) return;
	for (size_t i = 0; i < n; i++) eio_buf_addc(out, operands[i] == '|' ? ' ' : operands[i]);
}

static void
write_bash(struct eio_buf *out, const struct tool *const *all)
{
	EIO_BUF_ADD_LIT(out,
		"# bash completion for siocast, made by `siocast completion bash`.\n"
		"_siocast() {\n"
		"\tlocal cur=${COMP_WORDS[COMP_CWORD]} words\n"
		"\tcase ${COMP_WORDS[COMP_CWORD-1]} in\n"
		"\t-c|--config|--ca) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n"
		"\t--www) COMPREPLY=($(compgen -d -- \"$cur\")); return ;;\n"
		"\t--log-level) COMPREPLY=($(compgen -W \"error warn info debug\" -- \"$cur\")); return ;;\n"
		"\tesac\n"
		"\tcase ${COMP_WORDS[1]} in\n");
	for (const struct tool *const *t = all; *t; t++) {
		eio_buf_printf(out, "\t%s) words=\"", (*t)->name);
		write_words(out, (*t)->operands);
		write_flags(out, (*t)->options);
		if ((*t)->configured) write_flags(out, cli_config_arguments);
		EIO_BUF_ADD_LIT(out, " --help\" ;;\n");
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

/* A text between single quotes, in which there may be none, on one line. */
static void
write_quoted(struct eio_buf *out, const char *text)
{
	for (; *text; text++)
		if (*text == '\n')
			eio_buf_addc(out, ' ');
		else if (strchr("'[]:", *text))
			eio_buf_addc(out, '.');
		else
			eio_buf_addc(out, *text);
}

static void
write_zsh_options(struct eio_buf *out, const struct argument *table)
{
	for (; table->name; table++) {
		eio_buf_printf(out, " \\\n\t\t\t'--%s[", table->name);
		write_quoted(out, table->help);
		eio_buf_addc(out, ']');
		if (table->value && strcmp(table->value, "FILE") == 0)
			EIO_BUF_ADD_LIT(out, ":file:_files");
		else if (table->value)
			eio_buf_printf(out, ":%s:", table->name);
		eio_buf_addc(out, '\'');
	}
}

static void
write_zsh(struct eio_buf *out, const struct tool *const *all)
{
	EIO_BUF_ADD_LIT(out, "#compdef siocast\n"
			     "# zsh completion for siocast, made by `siocast completion zsh`.\n"
			     "_siocast() {\n"
			     "\tlocal -a commands=(\n");
	for (const struct tool *const *t = all; *t; t++) {
		eio_buf_printf(out, "\t\t'%s:", (*t)->name);
		write_quoted(out, (*t)->about);
		EIO_BUF_ADD_LIT(out, "'\n");
	}
	EIO_BUF_ADD_LIT(out, "\t)\n"
			     "\tif (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then\n"
			     "\t\t_describe command commands\n"
			     "\t\treturn\n"
			     "\tfi\n"
			     "\tcase $words[2] in\n");
	for (const struct tool *const *t = all; *t; t++) {
		eio_buf_printf(out, "\t%s) _arguments", (*t)->name);
		write_zsh_options(out, (*t)->options);
		if ((*t)->configured) write_zsh_options(out, cli_config_arguments);
		EIO_BUF_ADD_LIT(out, " '*:argument:_files' ;;\n");
	}
	EIO_BUF_ADD_LIT(out, "\t*) _arguments");
	write_zsh_options(out, cli_config_arguments);
	write_zsh_options(out, cli_daemon_arguments);
	EIO_BUF_ADD_LIT(out, " ;;\n\tesac\n}\n_siocast \"$@\"\n");
}

static void
write_fish_options(struct eio_buf *out, const struct argument *table, const char *condition)
{
	for (; table->name; table++) {
		eio_buf_printf(out, "complete -c siocast -n '%s' -l %s%s -d '", condition, table->name,
			table->value ? " -r" : "");
		write_quoted(out, table->help);
		EIO_BUF_ADD_LIT(out, "'\n");
	}
}

static void
write_fish(struct eio_buf *out, const struct tool *const *all)
{
	char condition[96];

	EIO_BUF_ADD_LIT(out, "# fish completion for siocast, made by `siocast completion fish`.\n");
	for (const struct tool *const *t = all; *t; t++) {
		eio_buf_printf(out, "complete -c siocast -n __fish_use_subcommand -a %s -d '", (*t)->name);
		write_quoted(out, (*t)->about);
		EIO_BUF_ADD_LIT(out, "'\n");
		snprintf(condition, sizeof condition, "__fish_seen_subcommand_from %s", (*t)->name);
		write_fish_options(out, (*t)->options, condition);
		if ((*t)->configured) write_fish_options(out, cli_config_arguments, condition);
	}
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
