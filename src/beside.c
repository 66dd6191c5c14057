/* SPDX-License-Identifier: MIT */
/* Presence and the adapter, each made where it is configured. */
#include "src/beside.h"

#include "src/adapter/adapter.h"
#include "src/base/log.h"
#include "src/config/config.h"
#include "src/presence/presence.h"

#include <stdlib.h>

static int
make_presence(struct beside *b, const struct config *c, struct thread *thread)
{
	struct presence_options o = { .thread = thread, .metrics = thread->metrics };

	if (!config_fill_presence(c, &o)) return 0;
	b->presence = presence_new(&o);
	if (!b->presence) log_error("event=presence-failed error=\"out of memory\"");
	return b->presence ? 0 : -1;
}

/* Tells the adapter all names of namespaces. 0, or -1 when out of memory. */
static int
name_namespaces(struct adapter *a, const struct config *c)
{
	size_t n = 0, i = 0;
	const char **names;
	int rc;

	while (config_next_namespace(c, &i)) n++;
	names = calloc(n + 1, sizeof(const char *));
	if (!names) return -1;
	i = 0;
	for (size_t k = 0; k < n; k++) names[k] = config_next_namespace(c, &i);
	rc = adapter_set_namespaces(a, names, n);
	free(names);
	return rc;
}

void
beside_renew(struct adapter *a, const struct config *c)
{
	if (a && name_namespaces(a, c)) log_error("event=adapter-not-changed error=\"out of memory\"");
}

static int
make_adapter(struct beside *b, const struct config *c, const struct beside_place *place)
{
	struct adapter_options o = {
		.thread = place->thread,
		.feed = place->feed,
		.interest = place->interest,
		.metrics = place->thread->metrics,
	};

	if (!config_fill_adapter(c, &o)) return 0;
	b->adapter = adapter_new(&o);
	if (b->adapter && name_namespaces(b->adapter, c) == 0) return 0;
	log_error("event=adapter-failed error=\"out of memory\"");
	return -1;
}

int
beside_make(struct beside *b, const struct config *c, const struct beside_place *place)
{
	return make_presence(b, c, place->thread) || make_adapter(b, c, place) ? -1 : 0;
}

void
beside_start(struct beside *b)
{
	if (b->presence) presence_start(b->presence);
	if (b->adapter) adapter_start(b->adapter);
}

void
beside_stop_sending(struct beside *b)
{
	if (b->adapter) adapter_stop(b->adapter);
}

void
beside_stop(struct beside *b)
{
	if (b->presence) presence_stop(b->presence);
}

void
beside_free(struct beside *b)
{
	presence_free(b->presence);
	adapter_free(b->adapter);
}
