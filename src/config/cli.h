/* SPDX-License-Identifier: MIT */
/* The command line of the daemon. It only reads the arguments; what they mean together with the file is config's. */
#ifndef SRC_CONFIG_CLI_H
#define SRC_CONFIG_CLI_H

#include "src/base/arguments.h"
#include "src/config/config.h"

enum cli_action {
	CLI_RUN, /* start the daemon */
	CLI_TEST, /* -t: check the configuration, say so and end */
	CLI_EXIT, /* --help, --version: everything was said; exit status 0 */
	CLI_ERROR, /* wrong arguments, the reason is on stderr; exit status 1 */
};

struct cli {
	enum cli_action action;
	struct config_flags flags; /* points into argv; the lists are owned */
};

/* Those that say what the configuration is, of the daemon and of commands alike; and those of the daemon beside. */
extern const struct argument cli_config_arguments[], cli_daemon_arguments[];

/* Flags that nothing was said about yet; environment and files are looked at. */
void cli_flags_init(struct config_flags *f);
void cli_flags_deinit(struct config_flags *f);

/* Takes the i-th of cli_config_arguments. false when out of memory. */
bool cli_flags_take(struct config_flags *f, size_t i, const char *value);

/* Reads the arguments. Prints help and version to stdout, errors to stderr. more: writes what help says behind the
 * options; or NULL. */
void cli_parse(struct cli *cli, int argc, char **argv, void (*more)(FILE *out));
void cli_deinit(struct cli *cli);

#endif
