/* SPDX-License-Identifier: MIT */
/*
 * A feed that is subscribed to on demand: a word, or an object with the time that a channel is kept. It has to be known
 * which channel somebody hears who is in a room, so each room's template has its inverse.
 */
#include "src/config/subscribe.h"

#include "src/config/feeds.h"
#include "src/config/parts.h"
#include "src/config/rows.h"

#include <stdlib.h>

#define ROWS_OF struct feed_spec

static const char *const subscribe_modes[] = { "always", "on-demand", NULL };

static const struct config_option mode_rows[] = { ENUM("subscribe", subscribe, subscribe_modes, NULL) };

static const struct config_table mode_table = TABLE_OF(mode_rows);

static const struct config_option subscribe_rows[] = {
	ENUM("mode", subscribe, subscribe_modes, NULL),
	UINT("linger", linger_ms, 0, 3600000, "10000"),
};

const struct config_table config__subscribe_table = TABLE_OF(subscribe_rows);

static void
read_subscribe(struct config_loader *l, struct feed_spec *f, const cJSON *item)
{
	config__defaults(l, &config__subscribe_table, f);
	if (!cJSON_IsObject(item)) {
		config__value(l, &mode_table, f, "subscribe", item);
		return;
	}
	if (!cJSON_HasObjectItem(item, "mode")) config__error(l, item, "needs \"mode\": \"on-demand\" or \"always\"");
	config__object(l, &config__subscribe_table, f, "", item);
}

/* Why there is no telling what a room hears, whatever the room; NULL: there is. */
static const char *
why_not_on_demand(const struct feed_spec *f)
{
	if (f->is_stream) return "a stream is read, and not subscribed to";
	if (f->is_shard) return "a shard channel is subscribed to always";
	if (f->retain.rules.kind != RETAIN_NOTHING)
		return "what is published while nobody is there would be missing of what is retained (\"retain\")";
	if (!f->nsp) return "it needs a \"namespace\" without placeholders";
	if (!f->n_rooms) return "it needs a \"room\": everyone in the namespace would hear every channel";
	return NULL;
}

/* After a mistake there are as many as were made. */
static void
invert_rooms(struct config_loader *l, struct feed_spec *f, const cJSON *item)
{
	struct template_error err;

	f->inverses = calloc(f->n_channels * f->n_rooms + 1, sizeof *f->inverses);
	if (!f->inverses) {
		config__error_memory(l);
		return;
	}
	for (size_t i = 0; i < f->n_channels; i++) {
		for (size_t k = 0; k < f->n_rooms; k++) {
			if (!f->channels[i]) return; /* memory is out, as was told */
			if (template_inverse_init(&f->inverses[f->n_inverses], f->rooms[k], f->channels[i],
				    f->is_pattern, &err) < 0) {
				if (err.nomem)
					config__error_memory(l);
				else
					config__error(l, item, "\"on-demand\" and this \"room\": %s", err.text);
				return;
			}
			f->n_inverses++;
		}
	}
}

void
config__subscribe(struct config_loader *l, struct feed_spec *f, const cJSON *item, bool is_default)
{
	unsigned errors = l->notes.errors;
	const char *why;
	size_t mark;

	if (!item) return;
	mark = config__push(l, "subscribe");
	read_subscribe(l, f, item);
	if ((f->is_stream || f->is_shard) && is_default) f->subscribe = FEED_SUBSCRIBE_ALWAYS;
	if (f->subscribe == FEED_SUBSCRIBE_ON_DEMAND && l->notes.errors == errors) {
		why = why_not_on_demand(f);
		if (why)
			config__error(l, item, "\"on-demand\" cannot be: %s", why);
		else
			invert_rooms(l, f, item);
	}
	config__pop(l, mark);
}

static void
refuse_on_demand(struct config_loader *l, size_t i, const char *why)
{
	size_t mark = config__push(l, "feeds");

	config__push_index(l, i);
	config__push(l, "subscribe");
	config__error(l, config__feeds_item(l, i, "subscribe"), "\"on-demand\" cannot be: %s", why);
	config__pop(l, mark);
}

void
config__subscribe_check(struct config_loader *l)
{
	const struct config_parts *p = l->parts;
	const char *why = NULL;

	if (p->recovery.elsewhere)
		why = "siocasts between which clients are recovered (connectionStateRecovery.elsewhere) have to hear "
		      "the same";
	for (size_t i = 0; i < p->config.n_redis; i++)
		if (p->replicates[i]) why = "whoever reads as a replica (\"source\": \"psync\") gets all there is";
	for (size_t i = 0; why && i < p->feeds->n; i++)
		if (p->feeds->v[i].subscribe == FEED_SUBSCRIBE_ON_DEMAND) refuse_on_demand(l, i, why);
}
