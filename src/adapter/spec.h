/* SPDX-License-Identifier: MIT */
/* What is configured of adapters: with whom events are shared, in which words. */
#ifndef SRC_ADAPTER_SPEC_H
#define SRC_ADAPTER_SPEC_H

#include <stdbool.h>
#include <stddef.h>

enum adapter_mode {
	ADAPTER_OFF,
	ADAPTER_EMIT_ONLY, /* what others publish reaches our clients; nobody counts on us */
	ADAPTER_MEMBER, /* we are one of the servers: we answer, and what handlers broadcast goes to all */
};

enum adapter_dialect {
	ADAPTER_CLASSIC, /* Pub/Sub, of all versions */
	ADAPTER_SHARDED, /* sharded Pub/Sub of Redis 7 */
	ADAPTER_STREAMS, /* streams, and Pub/Sub for what asks for an answer */
	ADAPTER_DIALECTS
};

/* Of sharded: which rooms have a channel of their own. The library's option subscriptionMode, with its names. */
enum adapter_rooms_mode {
	ADAPTER_ROOMS_DYNAMIC, /* all but the ids of sockets */
	ADAPTER_ROOMS_DYNAMIC_PRIVATE, /* all */
	ADAPTER_ROOMS_STATIC, /* none */
};

struct adapter_spec {
	unsigned mode; /* enum adapter_mode */
	struct adapter_dialects {
		bool heard[ADAPTER_DIALECTS];
		enum adapter_dialect first; /* the one in which a member speaks */
	} dialects;
	const char *key; /* what the names of all channels begin with, and streams */
	unsigned rooms_mode; /* enum adapter_rooms_mode */
	unsigned streams; /* how many there are */
	size_t stream_entries; /* which are cut to about so many when we add one */
	const char *server_events; /* what channels begin with on which feeds get events for servers; "": they do not */
};

/* The name of a dialect; NULL behind the last. */
const char *adapter_dialect_name(size_t i);

#endif
