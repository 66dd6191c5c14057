/* SPDX-License-Identifier: MIT */
/* From the command line to the daemon. */
#include "src/config/cli.h"
#include "src/daemon.h"

#include <stdio.h>

static void
print_config_error(void *user, const char *text)
{
	(void)user;
	fprintf(stderr, "%s\n", text);
}

static int
load_and_do(const struct cli *cli)
{
	struct config *config = config_load(&cli->flags, print_config_error, NULL);
	int status;

	if (!config) return 1;
	status = cli->action == CLI_RUN ? daemon_run(config) : daemon_test(config, cli->flags.file);
	config_free(config);
	return status;
}

int
main(int argc, char **argv)
{
	struct cli cli;
	int status = 0;

	cli_parse(&cli, argc, argv);
	switch (cli.action) {
	case CLI_RUN:
	case CLI_TEST: status = load_and_do(&cli); break;
	case CLI_EXIT: break;
	case CLI_ERROR: status = 1; break;
	}
	cli_deinit(&cli);
	return status;
}
