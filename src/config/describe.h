/* SPDX-License-Identifier: MIT */
/* A configuration as it is when all that speaks of it has spoken: each option, its value, and who said it. */
#ifndef SRC_CONFIG_DESCRIBE_H
#define SRC_CONFIG_DESCRIBE_H

#include "eio/buf.h"
#include "src/config/config.h"

enum config_describe_form {
	CONFIG_DESCRIBE_FILE, /* as a file would say it, with a comment behind each option */
	CONFIG_DESCRIBE_JSON, /* {"engine.pingInterval": {"value": 25000, "default": true}, …} */
};

/* Appends what file, environment and flags come to. User and password in addresses are stars. 0, -1 when it is wrong,
 * which was reported, or when out of memory. */
int config_describe(const struct config_flags *flags, enum config_describe_form form, struct eio_buf *out,
	config_report_fn report, void *user);

/* Appends all options with the values they have when nothing says otherwise, as JSON. 0, or -1 when out of memory. */
int config_describe_defaults(struct eio_buf *out);

#endif
