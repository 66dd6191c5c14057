/* SPDX-License-Identifier: MIT */
/* What is configured of adapters: with whom events are shared, in which words. */
#ifndef SRC_ADAPTER_SPEC_H
#define SRC_ADAPTER_SPEC_H

#include <stdbool.h>
#include <stddef.h>

enum adapter_mode {
	ADAPTER_OFF,
	ADAPTER_EMIT_ONLY, /* what others publish reaches our clients; nobody counts on us */
};

enum adapter_dialect {
	ADAPTER_CLASSIC, /* Pub/Sub, of all versions */
	ADAPTER_DIALECTS
};

struct adapter_spec {
	unsigned mode; /* enum adapter_mode */
	bool dialects[ADAPTER_DIALECTS];
	const char *key; /* what the names of all channels begin with */
};

/* The name of a dialect; NULL behind the last. */
const char *adapter_dialect_name(size_t i);

#endif
