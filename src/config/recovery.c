/* SPDX-License-Identifier: MIT */
/* Clients that come back: Socket.IO's own option, and what it may cost. */
#include "src/config/recovery.h"

#include "src/config/parts.h"
#include "src/config/rows.h"
#include "src/config/values.h"

#define DAY_S 86400.0
#define DAY_MS 86400000.0
#define GB 1073741824.0

/* The server's object. */
struct recovery_draft {
	unsigned ms;
	size_t session_bytes;
	unsigned history_seconds; /* 0: as long as a session is kept */
	unsigned history_messages;
	size_t history_bytes;
};

/* Who comes back is always asked who he is, as if he had not been here. */
static void
read_skip(struct config_loader *l, const cJSON *item, void *target)
{
	(void)target;
	if (!cJSON_IsBool(item))
		config__error(l, item, "expected true or false, not %s", config__type_name(item));
	else if (cJSON_IsTrue(item))
		config__warn(l, item, "it has no effect: \"auth\" is asked again when a client comes back");
}

#define ROWS_OF struct recovery_draft

static const struct config_option recovery_rows[] = {
	UINT("maxDisconnectionDuration", ms, 1000, DAY_MS, "120000"),
	STRUCT("skipMiddlewares", read_skip, SCHEMA_BOOL),
	SIZE("sessionBytes", session_bytes, 65536, 64 * GB, "67108864"),
	SECTION("history"),
	UINT("history.seconds", history_seconds, 1, DAY_S, NULL),
	UINT("history.messages", history_messages, 1, 1000000000, "10000"),
	SIZE("history.bytes", history_bytes, 65536, 64 * GB, "67108864"),
};

const struct config_table config__recovery_table = TABLE_OF(recovery_rows);

void
config__recovery(struct config_loader *l, const cJSON *item, void *target)
{
	struct config_parts *p = target;
	struct recovery_draft d = { 0 };

	p->recovers = cJSON_IsObject(item) || cJSON_IsTrue(item);
	if (!p->recovers && !cJSON_IsFalse(item)) {
		config__error(l, item,
			"expected an object such as {\"maxDisconnectionDuration\": 120000}, or false, not %s",
			config__type_name(item));
		return;
	}
	config__defaults(l, &config__recovery_table, &d);
	if (cJSON_IsObject(item)) config__object(l, &config__recovery_table, &d, "", item);
	p->recovery.ms = d.ms;
	p->recovery.session_bytes = d.session_bytes;
	p->recovery.history = (struct history_limits){
		.ms = d.history_seconds ? d.history_seconds * 1000 : d.ms,
		.messages = d.history_messages,
		.bytes = d.history_bytes,
	};
}

void
config__recovery_of_namespace(struct config_loader *l, const cJSON *item, void *target)
{
	struct namespace_spec *ns = target;

	if (!cJSON_IsBool(item)) {
		config__error(l, item, "expected true or false, not %s", config__type_name(item));
		return;
	}
	ns->recovers_given = true;
	ns->recovers = cJSON_IsTrue(item);
}

static bool
recovers_in(const void *ctx, struct eio_bytes nsp)
{
	const struct namespace_spec *spec = namespace_specs_match(ctx, nsp);

	return spec && spec->recovers;
}

static void
note_presence_of(const struct config_parts *p, struct presence_where *where)
{
	const struct namespace_spec *ns = where->nsp ? namespace_specs_find(p->namespaces, eio_cstr(where->nsp)) : NULL;

	where->recovers = ns && ns->recovers;
}

void
config__recovery_finish(struct config_loader *l)
{
	struct config_parts *p = l->parts;

	for (size_t i = 0; p->namespaces && i < p->namespaces->n; i++) {
		struct namespace_spec *ns = &p->namespaces->v[i];

		if (!ns->recovers_given) ns->recovers = p->recovers;
		p->recovery.on |= ns->recovers;
	}
	for (size_t i = 0; p->presence && i < p->presence->n; i++) note_presence_of(p, &p->presence->v[i].where);
	for (size_t i = 0; p->presence && i < p->presence->n_counts; i++)
		note_presence_of(p, &p->presence->counts[i].where);
	p->recovery.in = recovers_in;
	p->recovery.ctx = p->namespaces;
}
