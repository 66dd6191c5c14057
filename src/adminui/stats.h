/* SPDX-License-Identifier: MIT */
/*
 * What the page of the Admin UI shows of a server, as @socket.io/admin-ui 0.5.1 has it: made of what is counted anyway,
 * of all workers together. No clock and no I/O.
 *
 *     [{"serverId":"web-1","hostname":"web-1","pid":7,"uptime":12.5,"clientsCount":3,"pollingClientsCount":1,
 *       "aggregatedEvents":[{"timestamp":1700000001000,"type":"packetsIn","count":2},…],
 *       "namespaces":[{"name":"/","socketsCount":3},…]}]
 *
 * Threads: one; what it reads is written by others.
 */
#ifndef SRC_ADMINUI_STATS_H
#define SRC_ADMINUI_STATS_H

#include "src/base/metrics.h"

enum {
	ADMINUI_KINDS = 11, /* of events that are counted together */
	ADMINUI_LOOKS = 4, /* so many may be taken between two messages; more are added to the last */
};

struct adminui_stats {
	struct metrics_set *set; /* borrowed */
	uint64_t before[ADMINUI_KINDS];
	size_t n; /* of looks */
	struct adminui_look {
		uint64_t second_ms; /* since 1970, a whole second */
		uint64_t counts[ADMINUI_KINDS];
	} looks[ADMINUI_LOOKS];
};

/* Who the server is. */
struct adminui_about {
	const char *server_id, *hostname; /* any bytes */
	int pid;
	uint64_t uptime_ms;
};

/* What has happened so far is not told. */
void adminui_stats_begin(struct adminui_stats *s);

/* Notes what has happened since the last look; now_ms: since 1970. */
void adminui_stats_look(struct adminui_stats *s, uint64_t now_ms);

/* Appends the arguments of the event, a list in JSON with one member, and forgets the looks that are in it. */
void adminui_stats_write(struct adminui_stats *s, const struct adminui_about *about, struct eio_buf *out);

#endif
