/* SPDX-License-Identifier: MIT */
/* siocast config: what there is to set, what holds, and who said so. */
#include "src/config/describe.h"

#include "src/config/schema.h"
#include "src/tools/tool.h"

enum { CONFIG_DEFAULTS, CONFIG_EFFECTIVE, CONFIG_SCHEMA, CONFIG_JSON };

static const struct argument config_options[] = {
	[CONFIG_DEFAULTS] = { "defaults", 0, NULL, "print all options with their defaults, as JSON" },
	[CONFIG_EFFECTIVE] = { "effective", 0, NULL,
		"print all options with the values that hold, and where each comes from" },
	[CONFIG_SCHEMA] = { "schema", 0, NULL, "print a JSON Schema of the configuration, for editors" },
	[CONFIG_JSON] = { "json", 0, NULL, "with --effective: an object by the paths of the options" },
	{ .name = NULL },
};

static int
print_effective(const struct tool_call *call, struct eio_buf *out)
{
	enum config_describe_form form = call->values[CONFIG_JSON] ? CONFIG_DESCRIBE_JSON : CONFIG_DESCRIBE_FILE;

	return config_describe(&call->flags, form, out, tool_print_report, NULL);
}

static int
run_config(const struct tool_call *call)
{
	const char *const *given = call->values;
	struct eio_buf out = { 0 };
	int err;

	if (!!given[CONFIG_DEFAULTS] + !!given[CONFIG_EFFECTIVE] + !!given[CONFIG_SCHEMA] != 1)
		return tool_usage(call->tool, "one of --defaults, --effective and --schema");
	if (given[CONFIG_EFFECTIVE])
		err = print_effective(call, &out);
	else
		err = given[CONFIG_DEFAULTS] ? config_describe_defaults(&out) : config_schema(&out);
	if (!err) tool_flush(&out);
	eio_buf_deinit(&out);
	return err ? TOOL_FAILED : TOOL_OK;
}

const struct tool tool_config_command = {
	.name = "config",
	.operands = "",
	.about = "print the options: their defaults, what holds and why, or a schema",
	.configured = true,
	.options = config_options,
	.run = run_config,
};
