/* SPDX-License-Identifier: MIT */
/* siocast check: what -t does. */
#include "src/tools/tool.h"

enum { CHECK_STRICT };

static const struct argument check_options[] = {
	[CHECK_STRICT] = { "strict", 0, NULL, "what would be a warning is a mistake" },
	{ .name = NULL },
};

static int
run_check(const struct tool_call *call)
{
	struct tool_call strict = *call;
	struct config *config;
	int status;

	strict.flags.strict = call->values[CHECK_STRICT] != NULL;
	config = tool_config(&strict, true);
	if (!config) return TOOL_FAILED;
	status = call->daemon->test(config, call->flags.file);
	config_free(config);
	return status;
}

const struct tool tool_check = {
	.name = "check",
	.operands = "",
	.about = "check the configuration, and warn of what is seldom meant",
	.configured = true,
	.options = check_options,
	.run = run_check,
};
