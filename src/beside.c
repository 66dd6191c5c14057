/* SPDX-License-Identifier: MIT */
/* Presence and the adapter, each made where it is configured. */
#include "src/beside.h"

#include "src/adapter/adapter.h"
#include "src/base/log.h"
#include "src/config/config.h"
#include "src/presence/presence.h"

static int
make_presence(struct beside *b, const struct config *c, struct thread *thread)
{
	struct presence_options o = { .thread = thread, .metrics = thread->metrics };

	if (!config_fill_presence(c, &o)) return 0;
	b->presence = presence_new(&o);
	if (!b->presence) log_error("event=presence-failed error=\"out of memory\"");
	return b->presence ? 0 : -1;
}

static int
make_adapter(struct beside *b, const struct config *c, struct thread *thread, struct feed *feed)
{
	struct adapter_options o = { .thread = thread, .feed = feed, .metrics = thread->metrics };

	if (!config_fill_adapter(c, &o)) return 0;
	b->adapter = adapter_new(&o);
	if (!b->adapter) log_error("event=adapter-failed error=\"out of memory\"");
	return b->adapter ? 0 : -1;
}

int
beside_make(struct beside *b, const struct config *c, struct thread *thread, struct feed *feed)
{
	return make_presence(b, c, thread) || make_adapter(b, c, thread, feed) ? -1 : 0;
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
