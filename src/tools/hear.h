/* SPDX-License-Identifier: MIT */
/* Hearing what is published at all Redis servers of a configuration, until a signal or its user ends it. */
#ifndef SRC_TOOLS_HEAR_H
#define SRC_TOOLS_HEAR_H

#include "src/redis/push.h"
#include "src/tools/tool.h"

#include <stdint.h>

struct hear {
	const struct tool_call *call;
	const struct config *config;
	char **names; /* n channels, or patterns: those with one of the characters * ? [ */
	size_t n;
	/* A message, and when it came, on a clock that only grows; its bytes are valid during the call. Whether to go
	 * on. */
	bool (*message)(void *user, const struct redis_message *m, uint64_t now_ns);
	void (*second)(void *user); /* each second; or NULL */
	void *user;
	unsigned seconds; /* how long at most; 0: for ever */
};

/* 0 when it was ended, -1 when it could not begin, which was told. A connection that is lost is made anew, and a line
 * on stderr says so. */
int hear(const struct hear *options);

#endif
