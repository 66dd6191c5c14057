/* SPDX-License-Identifier: MIT */
/* siocast top: what the admin port says, each second anew. */
#include "src/tools/ask.h"
#include "src/tools/screen.h"
#include "src/tools/screen_top.h"
#include "src/tools/tool.h"

#include "sio/json.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

enum { TOP_INTERVAL, TOP_COUNT };

/* Of rooms and of clients. */
#define TOP_ROWS 5
#define TOP_ROWS_TEXT "5"

static const struct argument top_options[] = {
	[TOP_INTERVAL] = { "interval", 0, "SECONDS", "how long between two looks, 1 by default" },
	[TOP_COUNT] = { "count", 0, "N", "end after so many looks" },
	{ .name = NULL },
};

/* A look at /stats. 0 or -1, which was told. */
static int
look_at_stats(const struct tool_call *call, const struct config *config, struct fetched *out)
{
	if (ask_admin(config, "/stats?top=" TOP_ROWS_TEXT, ASK_TIMEOUT_MS, out)) {
		tool_fail(call, "%s", out->why);
		return -1;
	}
	if (out->status == 200 && sio_json_check(eio_buf_bytes(&out->body)) == 0) return 0;
	tool_fail(call, "what answers on the admin port has no /stats");
	return -1;
}

static void
sleep_seconds(double seconds)
{
	struct timespec t = { .tv_sec = (time_t)seconds, .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9) };

	nanosleep(&t, NULL);
}

/* On a terminal each look replaces the one before. */
static int
show_stats(const struct tool_call *call, const struct config *config, double interval, double count)
{
	bool terminal = isatty(STDOUT_FILENO);
	struct fetched before = { .status = 0 }, now;
	struct eio_buf out = { 0 };
	uint64_t before_ns = 0, now_ns;
	int err = 0;

	for (double i = 0; !err && (count <= 0 || i < count); i++) {
		if (i > 0) sleep_seconds(interval);
		err = look_at_stats(call, config, &now);
		now_ns = uv_hrtime();
		if (!err) {
			if (terminal) EIO_BUF_ADD_LIT(&out, "\x1b[H\x1b[J");
			screen_write(eio_buf_bytes(&before.body), eio_buf_bytes(&now.body),
				(double)(now_ns - before_ns) / 1e9, 20, &out);
			screen_top_write(eio_buf_bytes(&now.body), TOP_ROWS, &out);
			if (!terminal) eio_buf_addc(&out, '\n');
			tool_flush(&out);
		}
		fetched_free(&before);
		before = now;
		before_ns = now_ns;
	}
	fetched_free(&before);
	eio_buf_deinit(&out);
	return err ? TOOL_FAILED : TOOL_OK;
}

static int
run_top(const struct tool_call *call)
{
	double interval = 1, count = 0;
	struct config *config;
	int status;

	if (!tool_number(call, TOP_INTERVAL, 0.1, 3600, &interval) || !tool_number(call, TOP_COUNT, 1, 1e9, &count))
		return TOOL_USAGE;
	config = tool_config(call, false);
	if (!config) return TOOL_FAILED;
	status = show_stats(call, config, interval, count);
	config_free(config);
	return status;
}

const struct tool tool_top = {
	.name = "top",
	.operands = "",
	.about = "show what the siocast that runs does, each second anew",
	.configured = true,
	.options = top_options,
	.run = run_top,
};
