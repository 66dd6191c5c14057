/* SPDX-License-Identifier: MIT */
/* siocast health: for containers, whose engine asks by a program. */
#include "src/tools/ask.h"
#include "src/tools/tool.h"

enum { HEALTH_LIVE, HEALTH_TIMEOUT };

static const struct argument health_options[] = {
	[HEALTH_LIVE] = { "live", 0, NULL, "ask whether it lives, not whether it is ready" },
	[HEALTH_TIMEOUT] = { "timeout", 0, "SECONDS", "how long to wait, 5 by default" },
	{ .name = NULL },
};

static int
run_health(const struct tool_call *call)
{
	const char *path = call->values[HEALTH_LIVE] ? "/livez" : "/readyz";
	struct fetched answer = { .status = 0 };
	struct config *config;
	double seconds = 5;
	int status;

	if (!tool_number(call, HEALTH_TIMEOUT, 0.01, 3600, &seconds)) return TOOL_USAGE;
	config = tool_config(call, false);
	if (!config) return TOOL_FAILED;
	if (ask_admin(config, path, (unsigned)(seconds * 1000), &answer)) {
		status = tool_fail(call, "%s", answer.why);
	} else {
		tool_write(eio_buf_bytes(&answer.body));
		status = answer.status == 200 ? TOOL_OK : TOOL_FAILED;
	}
	fetched_free(&answer);
	config_free(config);
	return status;
}

const struct tool tool_health = {
	.name = "health",
	.operands = "",
	.about = "ask the siocast that runs whether it is ready, by its exit status",
	.configured = true,
	.options = health_options,
	.run = run_health,
};
