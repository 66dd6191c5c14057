/* SPDX-License-Identifier: MIT */
/* Gathering what findings.h judges. What pointers in the facts point to lies in the memory that goes along. */
#ifndef SRC_TOOLS_EXAMINE_H
#define SRC_TOOLS_EXAMINE_H

#include "src/config/config.h"
#include "src/tools/findings.h"

struct examine_memory {
	char one[400], two[400], three[400], four[400];
};

enum { EXAMINE_FEEDS = 256 }; /* at most, of the one that runs: as many as have metrics of their own */

struct examine_running_memory {
	struct running_feed feeds[EXAMINE_FEEDS];
	char name[160], why[300];
};

void examine_wants(const struct config *c, struct doctor_wants *out);
void examine_kernel(struct kernel_facts *out);
void examine_redis(const struct config *c, size_t i, struct redis_facts *out, struct examine_memory *m);

/* Asks the one that runs, where there is an admin port. */
void examine_running(const struct config *c, struct running_facts *out, struct examine_running_memory *m);

/* Where there is one. */
void examine_intake(const struct config *c, struct intake_facts *out, struct examine_memory *m);

/* Of an edge. It takes some seconds at most. */
void examine_hub(const struct config *c, struct hub_facts *out, struct examine_memory *m);

/* wait_ms: how long a WebSocket is left idle; 0: it is not. ca_file: certificates to trust, or NULL. */
void examine_proxy(const struct config *c, const char *url, unsigned wait_ms, const char *ca_file,
	struct proxy_facts *out, struct examine_memory *m);

#endif
