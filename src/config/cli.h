/* SPDX-License-Identifier: MIT */
/* The command line. It only reads the arguments; what they mean together with the file is config's. */
#ifndef SRC_CONFIG_CLI_H
#define SRC_CONFIG_CLI_H

#include "src/config/config.h"

enum cli_action {
	CLI_RUN, /* start the daemon */
	CLI_RELOAD, /* reload: have the daemon of that file read it anew */
	CLI_TEST, /* -t: check the configuration, say so and end */
	CLI_EXIT, /* --help, --version: everything was said; exit status 0 */
	CLI_ERROR, /* wrong arguments, the reason is on stderr; exit status 1 */
};

struct cli {
	enum cli_action action;
	struct config_flags flags; /* points into argv; the lists are owned */
};

/* Reads the arguments. Prints help and version to stdout, errors to stderr. */
void cli_parse(struct cli *cli, int argc, char **argv);
void cli_deinit(struct cli *cli);

#endif
