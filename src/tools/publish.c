/* SPDX-License-Identifier: MIT */
/* siocast publish: to the first Redis of the configuration, as handlers do, or else to the intake. */
#include "src/tools/talk.h"
#include "src/tools/tool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PUBLISH_STREAM, PUBLISH_QUIET };

static const struct argument publish_options[] = {
	[PUBLISH_STREAM] = { "stream", 0, "FIELD", "add to the stream CHANNEL, as the value of FIELD" },
	[PUBLISH_QUIET] = { "quiet", 'q', NULL, "do not say how many got it" },
	{ .name = NULL },
};

static int
send_message(const struct tool_call *call, struct talk *t, struct eio_bytes message)
{
	struct eio_bytes channel = eio_cstr(call->operands[0]);
	const char *field = call->values[PUBLISH_STREAM];
	const struct eio_bytes publish[] = { EIO_LIT("PUBLISH"), channel, message };
	const struct eio_bytes add[] = { EIO_LIT("XADD"), channel, EIO_LIT("*"), field ? eio_cstr(field) : EIO_LIT(""),
		message };

	return field ? talk_send(t, add, 5) : talk_send(t, publish, 3);
}

/* Each line of stdin is a message: what is there is sent before the next is waited for. */
static int
send_lines(const struct tool_call *call, struct talk *t)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t n;
	int err = 0;

	while (!err && (n = getline(&line, &size, stdin)) >= 0) {
		if (n && line[n - 1] == '\n') n--;
		err = send_message(call, t, eio_bytes(line, (size_t)n));
		if (!err) err = talk_wait(t, 1000);
	}
	free(line);
	return err;
}

static int
tell_published(const struct tool_call *call, const struct talk *t)
{
	struct talk_sum sum = talk_sum(t);
	char said[128];

	if (sum.errors) return tool_fail(call, "%s", sum.error);
	if (call->values[PUBLISH_QUIET]) return TOOL_OK;
	if (call->values[PUBLISH_STREAM])
		snprintf(said, sizeof said, "%llu added\n", (unsigned long long)sum.answers);
	else
		snprintf(said, sizeof said, "%llu published, to %llu subscribers in all\n",
			(unsigned long long)sum.answers, (unsigned long long)sum.integers);
	tool_write(eio_cstr(said));
	return TOOL_OK;
}

static int
publish_with(const struct tool_call *call, const struct config *config)
{
	bool lines = call->n < 2 || strcmp(call->operands[1], "-") == 0;
	char why[256];
	const struct redis_url *where = config_publish_to(config);
	struct talk *t;
	int err, status;

	if (config->hub) return tool_fail(call, TOOL_NO_EDGE, config->hub);
	t = talk_open(where, why, sizeof why);
	if (!t) return tool_fail(call, "%s: %s", where->name, why);
	err = lines ? send_lines(call, t) : send_message(call, t, eio_cstr(call->operands[1]));
	if (!err) err = talk_wait(t, 0);
	status = err ? tool_fail(call, "%s", talk_why(t)) : tell_published(call, t);
	talk_close(t);
	return status;
}

static int
run_publish(const struct tool_call *call)
{
	struct config *config = tool_config(call, false);
	int status;

	if (!config) return TOOL_FAILED;
	status = publish_with(call, config);
	config_free(config);
	return status;
}

const struct tool tool_publish = {
	.name = "publish",
	.operands = "CHANNEL [MESSAGE|-]",
	.min = 1,
	.max = 2,
	.about = "publish a message, or each line of standard input",
	.configured = true,
	.options = publish_options,
	.run = run_publish,
};
