/* SPDX-License-Identifier: MIT */
/* From the command line to the daemon, or to a command. */
#include "src/base/standard.h"
#include "src/config/cli.h"
#include "src/daemon.h"
#include "src/opening.h"
#include "src/tools/tools.h"

#include <stdio.h>
#include <string.h>

/* Warnings are for who looks at the configuration; a start only tells that there are some. */
static void
print_report(void *user, const struct config_report *r)
{
	const struct cli *cli = user;

	if (r->warning && cli->action == CLI_RUN && !cli->flags.strict) return;
	fprintf(stderr, "%s\n", r->text);
	if (r->line) fprintf(stderr, "    %s\n    %s\n", r->line, r->caret);
}

static int
load_and_do(struct cli *cli)
{
	struct config *config = config_load(&cli->flags, print_report, cli);
	int status;

	if (!config) return 1;
	status = cli->action == CLI_RUN ? daemon_run(config, &cli->flags) : opening_test(config, cli->flags.file);
	config_free(config);
	return status;
}

int
main(int argc, char **argv)
{
	static const struct tool_daemon daemon = { .test = opening_test };
	struct cli cli;
	int status = 0, err = standard_open();

	if (err) {
		fprintf(stderr, "siocast: /dev/null: %s\n", strerror(err));
		return 1;
	}
	if (argc > 1 && *argv[1] != '-') return tools_run(argc - 1, argv + 1, &daemon);
	cli_parse(&cli, argc, argv, tools_help);
	switch (cli.action) {
	case CLI_RUN:
	case CLI_TEST: status = load_and_do(&cli); break;
	case CLI_EXIT: break;
	case CLI_ERROR: status = 1; break;
	}
	cli_deinit(&cli);
	return status;
}
