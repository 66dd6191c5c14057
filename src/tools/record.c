/* SPDX-License-Identifier: MIT */
/* siocast record: what is published, with its timing, into a file. */
#include "src/tools/hear.h"
#include "src/tools/tape.h"

#include <errno.h>
#include <string.h>

enum { RECORD_SECONDS, RECORD_COUNT };

static const struct argument record_options[] = {
	[RECORD_SECONDS] = { "seconds", 0, "N", "end after so many seconds" },
	[RECORD_COUNT] = { "count", 0, "N", "end after so many messages" },
	{ .name = NULL },
};

struct recording {
	FILE *file;
	struct eio_buf line;
	uint64_t began_ns, n, most;
	bool failed;
};

static bool
on_recorded(void *user, const struct redis_message *m, uint64_t now_ns)
{
	struct recording *r = user;

	if (!r->began_ns) r->began_ns = now_ns;
	eio_buf_clear(&r->line);
	tape_write(&r->line, &(struct tape_line){ (now_ns - r->began_ns) / 1000, m->channel, m->payload });
	r->failed = eio_buf_failed(&r->line) || fwrite(r->line.p, 1, r->line.n, r->file) != r->line.n;
	return !r->failed && (!r->most || ++r->n < r->most);
}

/* Whoever looks at the file while it grows sees whole lines soon. */
static void
on_record_second(void *user)
{
	struct recording *r = user;

	if (fflush(r->file)) r->failed = true;
}

static int
record_with(const struct tool_call *call, const struct config *config, struct recording *r, unsigned seconds)
{
	const struct hear options = {
		.call = call,
		.config = config,
		.names = call->operands + 1,
		.n = (size_t)call->n - 1,
		.message = on_recorded,
		.second = on_record_second,
		.user = r,
		.seconds = seconds,
	};

	if (hear(&options)) return TOOL_FAILED;
	if (fflush(r->file) || r->failed) return tool_fail(call, "%s: %s", call->operands[0], strerror(errno));
	return TOOL_OK;
}

static int
run_record(const struct tool_call *call)
{
	bool to_stdout = strcmp(call->operands[0], "-") == 0;
	struct recording r = { .file = stdout };
	double seconds = 0, count = 0;
	struct config *config;
	int status;

	if (!tool_number(call, RECORD_SECONDS, 1, 1e8, &seconds) || !tool_number(call, RECORD_COUNT, 1, 1e15, &count))
		return TOOL_USAGE;
	r.most = (uint64_t)count;
	config = tool_config(call, false);
	if (!config) return TOOL_FAILED;
	if (!to_stdout) r.file = fopen(call->operands[0], "we");
	if (!r.file)
		status = tool_fail(call, "%s: %s", call->operands[0], strerror(errno));
	else
		status = record_with(call, config, &r, (unsigned)seconds);
	if (r.file && !to_stdout && fclose(r.file) && status == TOOL_OK)
		status = tool_fail(call, "%s: %s", call->operands[0], strerror(errno));
	eio_buf_deinit(&r.line);
	config_free(config);
	return status;
}

const struct tool tool_record = {
	.name = "record",
	.operands = "FILE PATTERN...",
	.min = 2,
	.max = 1000,
	.about = "write what is published into a file, with its timing",
	.configured = true,
	.options = record_options,
	.run = run_record,
};
