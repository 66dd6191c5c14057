/* SPDX-License-Identifier: MIT */
/* From the items of a feed to what it retains. */
#include "src/config/retain.h"

#include "sio/json.h"
#include "sio/packet.h"
#include "src/config/rows.h"
#include "src/config/values.h"
#include "src/config/where.h"

#include <math.h>
#include <string.h>

enum {
	MAX_MESSAGES = 100000, /* retained without keys: each may be an event of its own */
	MAX_KEYS = 1000000,
	USUAL_KEYS = 10000,
};

static const char expected[] = "expected \"last\", a number of messages, or an object such as {\"key\": \"/symbol\"}";

/* The object. */
struct retain_draft {
	char *key;
	size_t max;
	uint64_t ttl_ms;
};

static void
read_retain_key(struct config_loader *l, const cJSON *item, void *target)
{
	char **out = target;

	if (!cJSON_IsString(item) || item->valuestring[0] != '/' ||
		!sio_json_pointer_valid(eio_cstr(item->valuestring)))
		config__error(l, item, "expected a JSON pointer; it starts with '/' as in \"/symbol\"");
	else if (!*out) /* one that stands twice was told */
		*out = config__copy(l, item->valuestring);
}

#define ROWS_OF struct retain_draft

static const struct config_option retain_rows[] = {
	CUSTOM("key", key, read_retain_key, NULL, SCHEMA_POINTER),
	SIZE("max", max, 1, MAX_KEYS, NULL),
	WIDE("ttl", ttl_ms, 0, 31536000000, NULL),
};

const struct config_table config__retain_table = TABLE_OF(retain_rows);

static void
read_object(struct config_loader *l, struct feed_retain *r, const cJSON *item)
{
	struct retain_draft d = { .max = 0 };
	const cJSON *max = cJSON_GetObjectItemCaseSensitive(item, "max");
	size_t mark;

	config__object(l, &config__retain_table, &d, "", item);
	r->key = d.key;
	r->rules.kind = d.key ? RETAIN_BY_KEY : RETAIN_NEWEST;
	r->rules.ttl_ms = d.ttl_ms;
	r->rules.max = d.max ? d.max : d.key ? USUAL_KEYS : 1;
	if (d.key || d.max <= MAX_MESSAGES) return;
	mark = config__push(l, "max");
	config__error(l, max, "more than %d messages; that many only with a \"key\"", MAX_MESSAGES);
	config__pop(l, mark);
}

static void
read_retain(struct config_loader *l, struct feed_retain *r, const cJSON *item)
{
	double n = cJSON_IsNumber(item) ? item->valuedouble : 0;

	if (cJSON_IsObject(item)) {
		read_object(l, r, item);
	} else if (cJSON_IsNumber(item) && n >= 1 && n <= MAX_MESSAGES && floor(n) == n) {
		r->rules.kind = RETAIN_NEWEST;
		r->rules.max = (size_t)n;
	} else if (cJSON_IsNumber(item)) {
		config__error(l, item, "expected a number of messages from 1 to %d", MAX_MESSAGES);
	} else if (cJSON_IsString(item) && strcmp(item->valuestring, "last") == 0) {
		r->rules.kind = RETAIN_NEWEST;
		r->rules.max = 1;
	} else if (!cJSON_IsFalse(item)) {
		config__error(l, item, "%s", expected);
	}
}

#undef ROWS_OF
#define ROWS_OF struct feed_retain

static const struct config_option remove_rows[] = {
	CUSTOM("where", remove, config__where, NULL, SCHEMA_REF("where")),
};

const struct config_table config__remove_table = TABLE_OF(remove_rows);

static void
read_remove(struct config_loader *l, struct feed_retain *r, const cJSON *item)
{
	config__object(l, &config__remove_table, r, "", item);
	if (cJSON_IsObject(item) && !cJSON_HasObjectItem(item, "where"))
		config__error(l, item, "expected a \"where\", such as {\"where\": {\"/type\": \"delete\"}}");
}

static void
read_event(struct config_loader *l, struct feed_retain *r, const cJSON *item)
{
	const struct template_context where = { .place = TEMPLATE_IN_SNAPSHOT };
	struct template_error err;

	if (!cJSON_IsString(item) || !*item->valuestring) {
		config__error(l, item, "expected a string that is not empty");
		return;
	}
	r->event = template_new(eio_cstr(item->valuestring), TEMPLATE_AS_NAME, &where, &err);
	if (!r->event && err.nomem)
		config__error_memory(l);
	else if (!r->event)
		config__error(l, item, "%s", err.text);
	else if (sio_packet_event_reserved(eio_cstr(item->valuestring)))
		config__error(l, item, "\"%s\" is a reserved name, clients would refuse it", item->valuestring);
}

static bool
is_something(const cJSON *item)
{
	return item && !cJSON_IsNull(item);
}

void
config__retain(struct config_loader *l, struct feed_spec *f, const struct config_retain *items)
{
	struct feed_retain *r = &f->retain;
	size_t mark = config__push(l, "retain");

	if (is_something(items->retain)) read_retain(l, r, items->retain);
	config__pop(l, mark);
	if (is_something(items->remove)) {
		mark = config__push(l, "remove");
		if (r->rules.kind == RETAIN_BY_KEY)
			read_remove(l, r, items->remove);
		else
			config__error(
				l, items->remove, "needs a \"retain\" with a \"key\", by which it finds what goes");
		config__pop(l, mark);
	}
	if (is_something(items->event)) {
		mark = config__push(l, "snapshotEvent");
		if (r->rules.kind == RETAIN_NOTHING)
			config__error(l, items->event, "needs \"retain\": without it there are no snapshots");
		else
			read_event(l, r, items->event);
		config__pop(l, mark);
	}
}
