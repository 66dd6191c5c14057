/* SPDX-License-Identifier: MIT */
/* siocast replay: publishes what was recorded, at the pace at which it came. */
#include "sio/json.h"
#include "src/tools/talk.h"
#include "src/tools/tape.h"
#include "src/tools/tool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uv.h>

enum { REPLAY_SPEED, REPLAY_LOOP, UNANSWERED = 1000 };

static const struct argument replay_options[] = {
	[REPLAY_SPEED] = { "speed", 0, "X", "so many times as fast, 1 by default; 0: as fast as it goes" },
	[REPLAY_LOOP] = { "loop", 0, NULL, "begin anew at the end, for ever" },
	{ .name = NULL },
};

struct replaying {
	const struct tool_call *call;
	struct talk *talk;
	FILE *file;
	double speed;
	uint64_t began_ns, first_us; /* of this turn */
	bool begun; /* it has had a line */
	unsigned long line;
	struct eio_buf scratch;
};

static void
sleep_until(uint64_t at_ns)
{
	uint64_t now_ns = uv_hrtime();
	struct timespec t;

	if (at_ns <= now_ns) return;
	t.tv_sec = (time_t)((at_ns - now_ns) / 1000000000);
	t.tv_nsec = (long)((at_ns - now_ns) % 1000000000);
	nanosleep(&t, NULL);
}

static int
fail_replay(const struct replaying *r, const char *why)
{
	return tool_fail(r->call, "%s:%lu: %s", r->call->operands[0], r->line, why);
}

static int
replay_line(struct replaying *r, struct eio_bytes text)
{
	struct tape_line line;
	struct eio_bytes words[3] = { EIO_LIT("PUBLISH") };
	const char *why = tape_read(text, &r->scratch, &line);

	if (why) return fail_replay(r, why);
	if (!r->begun) {
		r->begun = true;
		r->began_ns = uv_hrtime();
		r->first_us = line.us;
	}
	if (r->speed > 0 && line.us > r->first_us)
		sleep_until(r->began_ns + (uint64_t)((double)(line.us - r->first_us) * 1000 / r->speed));
	words[1] = line.channel;
	words[2] = line.message;
	if (talk_send(r->talk, words, 3) || (r->speed > 0 && talk_wait(r->talk, UNANSWERED)))
		return fail_replay(r, talk_why(r->talk));
	return TOOL_OK;
}

static int
replay_file(struct replaying *r)
{
	char *text = NULL;
	size_t size = 0;
	ssize_t n;
	int status = TOOL_OK;

	r->begun = false;
	r->line = 0;
	while (status == TOOL_OK && (n = getline(&text, &size, r->file)) >= 0) {
		r->line++;
		if (sio_json_trim(eio_bytes(text, (size_t)n)).n) status = replay_line(r, eio_bytes(text, (size_t)n));
	}
	free(text);
	if (status == TOOL_OK && ferror(r->file)) return tool_fail(r->call, "%s: cannot be read", r->call->operands[0]);
	if (status == TOOL_OK && talk_wait(r->talk, 0)) return tool_fail(r->call, "%s", talk_why(r->talk));
	return status;
}

static int
replay_all(struct replaying *r)
{
	bool again = r->call->values[REPLAY_LOOP];
	struct talk_sum sum;
	char said[96];
	int status;

	do {
		status = replay_file(r);
		rewind(r->file);
	} while (status == TOOL_OK && again && r->begun);
	if (status != TOOL_OK) return status;
	sum = talk_sum(r->talk);
	if (sum.errors) return tool_fail(r->call, "%s", sum.error);
	snprintf(said, sizeof said, "%llu published\n", (unsigned long long)sum.answers);
	tool_write(eio_cstr(said));
	return TOOL_OK;
}

static int
replay_with(struct replaying *r, const struct config *config)
{
	const struct redis_url *where = config_publish_to(config);
	char why[256];
	int status;

	if (config->hub) return tool_fail(r->call, TOOL_NO_EDGE, config->hub);
	r->talk = talk_open(where, why, sizeof why);
	if (!r->talk) return tool_fail(r->call, "%s: %s", where->name, why);
	status = replay_all(r);
	talk_close(r->talk);
	return status;
}

static int
run_replay(const struct tool_call *call)
{
	struct replaying r = { .call = call, .speed = 1 };
	struct config *config;
	int status;

	if (!tool_number(call, REPLAY_SPEED, 0, 1e6, &r.speed)) return TOOL_USAGE;
	config = tool_config(call, false);
	if (!config) return TOOL_FAILED;
	r.file = strcmp(call->operands[0], "-") == 0 ? stdin : fopen(call->operands[0], "re");
	if (r.file)
		status = replay_with(&r, config);
	else
		status = tool_fail(call, "%s: %s", call->operands[0], strerror(errno));
	if (r.file && r.file != stdin) fclose(r.file);
	eio_buf_deinit(&r.scratch);
	config_free(config);
	return status;
}

const struct tool tool_replay = {
	.name = "replay",
	.operands = "FILE",
	.min = 1,
	.max = 1,
	.about = "publish what was recorded, at the pace at which it came",
	.configured = true,
	.options = replay_options,
	.run = run_replay,
};
