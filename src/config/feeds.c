/* SPDX-License-Identifier: MIT */
/* The feeds of the configuration. */
#include "src/config/feeds.h"

#include "eio/hash.h"
#include "sio/packet.h"
#include "src/config/parts.h"
#include "src/config/prime.h"
#include "src/config/retain.h"
#include "src/config/rows.h"
#include "src/config/shape.h"
#include "src/config/slow.h"
#include "src/config/subscribe.h"
#include "src/config/targets.h"
#include "src/config/values.h"
#include "src/config/where.h"
#include "src/handlers/handlers.h"
#include "src/redis/id.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FEEDS 4096

/* What is read of one feed before its parts are checked against each other. */
struct draft {
	struct feed_spec feed;
	const cJSON *channel, *pattern, *shard, *stream; /* where they stand, for messages; NULL: not given */
	const cJSON *event, *format; /* the same */
	const cJSON *field, *from, *position; /* the same, of streams */
	struct config_targets targets;
	struct config_shape shape;
	struct config_retain retain;
	const cJSON *prime, *subscribe;
};

static bool
read_text(struct config_loader *l, const cJSON *item)
{
	if (cJSON_IsString(item) && *item->valuestring) return true;
	config__error(l, item, "expected a string that is not empty");
	return false;
}

/* Remembers the item for add_draft(). */
static void
keep_item(struct config_loader *l, const cJSON *item, void *target)
{
	const cJSON **out = target;

	if (read_text(l, item)) *out = item;
}

/* The same for an event, which may be a list of one. */
static void
keep_event(struct config_loader *l, const cJSON *item, void *target)
{
	if (cJSON_IsArray(item) && cJSON_GetArraySize(item) != 1)
		config__error(l, item, "expected one event name, not a list of %d", cJSON_GetArraySize(item));
	else
		keep_item(l, cJSON_IsArray(item) ? item->child : item, target);
}

static bool
is_from(const char *s)
{
	struct redis_id id;

	return strcmp(s, "$") == 0 || redis_id_parse(&id, eio_cstr(s));
}

/* The same for where streams begin. */
static void
keep_from(struct config_loader *l, const cJSON *item, void *target)
{
	const cJSON **out = target;

	if (!read_text(l, item)) return;
	if (!is_from(item->valuestring))
		config__error(l, item, "expected \"$\", \"0\" or the id of an entry, such as \"1526919030474-55\"");
	else
		*out = item;
}

static void
read_format(struct config_loader *l, const cJSON *item, void *target)
{
	static const char *const names[] = { "array", "lines", "frames", "columns" };
	struct draft *d = target;

	d->format = item;
	for (unsigned i = 0; cJSON_IsString(item) && i < sizeof names / sizeof names[0]; i++) {
		if (strcmp(item->valuestring, names[i]) != 0) continue;
		d->feed.format = (enum feed_format)i;
		return;
	}
	config__error(l, item, "expected \"array\", \"lines\", \"frames\" or \"columns\"");
}

#define ROWS_OF struct draft

static const char *const encodes[] = { "binary", "json", "text", NULL };

static const struct config_option feed_rows[] = {
	CUSTOM("channel", channel, config__keep_names, NULL, SCHEMA_STRINGS),
	CUSTOM("pattern", pattern, config__keep_names, NULL, SCHEMA_STRINGS),
	CUSTOM("shard", shard, config__keep_names, NULL, SCHEMA_STRINGS),
	CUSTOM("stream", stream, config__keep_names, NULL, SCHEMA_STRINGS),
	CUSTOM("subscribe", subscribe, config__keep_json, NULL, SCHEMA_REF("subscribeRule")),
	CUSTOM("field", field, keep_item, NULL, SCHEMA_STRING),
	CUSTOM("from", from, keep_from, NULL, SCHEMA_STRING),
	CUSTOM("position", position, keep_item, NULL, SCHEMA_STRING),
	CUSTOM("namespace", targets.nsp, keep_item, NULL, SCHEMA_STRING),
	CUSTOM("event", event, keep_event, NULL, SCHEMA_REF("eventName")),
	CUSTOM("room", targets.room, config__keep_names, NULL, SCHEMA_STRINGS),
	CUSTOM("except", targets.except, config__keep_names, NULL, SCHEMA_STRINGS),
	CUSTOM("payload", shape.payload, config__keep_json, NULL, SCHEMA_ANYTHING),
	CUSTOM("payloadDefault", shape.payload_default, config__keep_json, NULL, SCHEMA_ANYTHING),
	CUSTOM("omit", shape.omit, config__keep_json, NULL, SCHEMA_STRINGS_OR_NULL),
	CUSTOM("spread", shape.spread, config__keep_bool, NULL, SCHEMA_BOOL),
	ENUM("encode", feed.encode, encodes, "\"binary\""),
	SECTION("batch"),
	UINT("batch.interval", feed.interval_ms, 0, 3600000, "200"),
	UINT("batch.maxMessages", feed.max_messages, 1, 10000000, "1000"),
	SIZE("batch.maxBytes", feed.max_bytes, 1, 1073741824, "262144"),
	STRUCT("batch.format", read_format, "{\"enum\":[\"array\",\"lines\",\"frames\",\"columns\"]}"),
	CUSTOM("where", feed.where, config__where, NULL, SCHEMA_REF("where")),
	CUSTOM("slow", feed, config__slow, "\"drop-oldest\"", SCHEMA_REF("slowRule")),
	BOOL("lagEvent", feed.lag_event, "false"),
	CUSTOM("retain", retain.retain, config__keep_json, NULL, SCHEMA_REF("retainRule")),
	SIZE("retainBytes", feed.retain.rules.bytes, 65536, 68719476736, "67108864"),
	CUSTOM("remove", retain.remove, config__keep_json, NULL, SCHEMA_REF("removeRule")),
	CUSTOM("snapshotEvent", retain.event, config__keep_json, NULL, SCHEMA_STRING_OR_NULL),
	CUSTOM("prime", prime, config__keep_json, NULL, SCHEMA_REF("primeRule")),
	SECTION("history"),
	UINT("history.seconds", feed.history.seconds, 1, 86400, NULL),
	UINT("history.messages", feed.history.messages, 1, 1000000000, NULL),
	SIZE("history.bytes", feed.history.bytes, 65536, 68719476736, NULL),
	BOOL("gapEvent", feed.gap_event, "false"),
};

const struct config_table config__feed_table = TABLE_OF(feed_rows);

/* What a feed is before its own keys are read: the defaults, and over them feedDefaults, whose mistakes are told where
 * they stand. */
static void
begin_draft(struct config_loader *l, struct draft *d)
{
	const cJSON *defaults = cJSON_GetObjectItemCaseSensitive(l->root, "feedDefaults");

	*d = (struct draft){ 0 };
	config__defaults(l, &config__feed_table, d);
	if (!cJSON_IsObject(defaults)) return;
	l->quiet = true;
	config__object(l, &config__feed_table, d, "", defaults);
	l->quiet = false;
	d->channel = d->pattern = d->shard = d->stream = NULL;
}

/* Compiles the event's name at item; the default when there is none. */
static struct template *
compile_event_of_feed(struct config_loader *l, const cJSON *item, const struct template_context *where)
{
	struct template_error err;
	const char *text = item ? item->valuestring : "{channel}";
	struct template *t = template_new(eio_cstr(text), TEMPLATE_AS_NAME, where, &err);
	size_t mark = config__push(l, "event");

	if (!t) config__error(l, item, "%s", err.text);
	config__pop(l, mark);
	return t;
}

/* A reserved name, when the template is nothing but text. */
static void
check_event(struct config_loader *l, const cJSON *event)
{
	size_t mark;

	if (!event || !sio_packet_event_reserved(eio_cstr(event->valuestring))) return;
	mark = config__push(l, "event");
	config__error(l, event, "\"%s\" is a reserved name, clients would refuse it", event->valuestring);
	config__pop(l, mark);
}

static void
check_format(struct config_loader *l, const struct draft *d)
{
	const struct feed_spec *f = &d->feed;
	size_t mark = config__push(l, "batch.format");

	if (f->encode == FEED_ENCODE_JSON && f->format != FEED_FORMAT_ARRAY)
		config__error(l, d->format, "\"encode\": \"json\" needs \"array\"");
	else if (f->encode == FEED_ENCODE_TEXT && (f->format == FEED_FORMAT_FRAMES || f->format == FEED_FORMAT_COLUMNS))
		config__error(l, d->format, "\"encode\": \"text\" needs \"array\" or \"lines\": %s are binary",
			f->format == FEED_FORMAT_FRAMES ? "frames" : "columns");
	else if (f->format == FEED_FORMAT_COLUMNS && (f->interval_ms == 0 || f->max_messages == 1))
		config__warn(l, d->format, "each message goes out by itself, as an array: columns are of several");
	config__pop(l, mark);
}

/* Whether one of the names before the i-th is the same. */
static bool
is_named_before(const struct config_strings *names, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(names->v[k], names->v[i]) == 0) return true;
	return false;
}

/* Fills the feed's channels, patterns, shard channels or streams. Returns how many stars each of them has at least. */
static unsigned
take_names(struct config_loader *l, struct feed_spec *f, const cJSON *item)
{
	unsigned stars = UINT_MAX, n;
	struct config_strings names = { 0 };
	size_t outer = config__push(l, item->string), mark;

	if (config__strings(l, item, &names)) {
		f->channels = calloc(names.n, sizeof *f->channels);
		if (!f->channels) config__error_memory(l);
	}
	for (size_t i = 0; f->channels && i < names.n; i++) {
		const cJSON *e = config__element(item, i);

		mark = config__push_element(l, item, i);
		if (is_named_before(&names, i)) config__error(l, e, "\"%s\" stands twice", names.v[i]);
		if (!f->is_pattern && !f->is_stream && strpbrk(names.v[i], "*?["))
			config__warn(l, e, "the one channel called \"%s\"; %s", names.v[i],
				f->is_shard ? "there are no patterns of shard channels"
					    : "for all that match write \"pattern\"");
		f->channels[f->n_channels++] = config__copy(l, names.v[i]);
		n = f->is_pattern ? template_count_stars(eio_cstr(names.v[i])) : 0;
		if (n < stars) stars = n;
		config__pop(l, mark);
	}
	config__pop(l, outer);
	return stars;
}

/* Whether an item is one of feedDefaults, which are there for all feeds. */
static bool
is_default(const struct config_loader *l, const cJSON *item)
{
	const cJSON *defaults = cJSON_GetObjectItemCaseSensitive(l->root, "feedDefaults");

	for (const cJSON *i = defaults ? defaults->child : NULL; i; i = i->next)
		if (i == item) return true;
	return false;
}

/* What there is only in a feed of streams. */
static void
take_stream_keys(struct config_loader *l, struct draft *d)
{
	const cJSON *const keys[] = { d->field, d->from, d->position };
	struct feed_spec *f = &d->feed;

	for (size_t i = 0; !f->is_stream && i < sizeof keys / sizeof keys[0]; i++)
		if (keys[i] && !is_default(l, keys[i]))
			config__error_key(l, keys[i], "\"%s\" is for a feed of a \"stream\"", keys[i]->string);
	if (!f->is_stream) return;
	f->from = config__copy(l, d->from ? d->from->valuestring : "$");
	if (d->field) f->field = config__copy(l, d->field->valuestring);
	if (d->position) f->position = config__copy(l, d->position->valuestring);
}

/* What the feed is of; NULL after a mistake. item: NULL for a flag. */
static const cJSON *
source_of_draft(struct config_loader *l, const struct draft *d, const cJSON *item)
{
	static const char *const names[] = { "channel", "pattern", "shard", "stream" };
	const cJSON *const given[] = { d->channel, d->pattern, d->shard, d->stream };
	const cJSON *source = NULL;
	bool wrong = false; /* and told */

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		wrong |= cJSON_HasObjectItem(item, names[i]);
		if (!given[i]) continue;
		if (source) {
			config__error(l, item, "\"%s\" and \"%s\" exclude each other", source->string, names[i]);
			return NULL;
		}
		source = given[i];
	}
	if (!source && !wrong)
		config__error(l, item, "a feed needs a \"channel\", a \"pattern\", a \"shard\" or a \"stream\"");
	return source;
}

/* Checks the parts of a feed against each other. item: NULL for a flag. */
static void
finish_draft(struct config_loader *l, struct draft *d, const cJSON *item)
{
	const cJSON *source = source_of_draft(l, d, item);
	struct template_context where = { .place = TEMPLATE_IN_FEED };
	struct feed_spec *f = &d->feed;

	if (!source) return;
	f->is_pattern = d->pattern != NULL;
	f->is_stream = d->stream != NULL;
	f->is_shard = d->shard != NULL;
	if (f->is_stream) where.place = TEMPLATE_IN_STREAM;
	where.stars = take_names(l, f, source);
	take_stream_keys(l, d);
	check_event(l, d->event);
	check_format(l, d);
	f->event = compile_event_of_feed(l, d->event, &where);
	config__targets(l, f, &d->targets, &where);
	config__shape(l, f, &d->shape, &where);
	config__retain(l, f, &d->retain);
	config__prime(l, f, d->prime);
	config__subscribe(l, f, d->subscribe, is_default(l, d->subscribe));
}

/* The hash of some items, one after the other. */
static uint64_t
hash_items(struct config_loader *l, const cJSON *const *items, size_t n)
{
	uint64_t key[2] = { 0, 0 };

	for (size_t i = 0; i < n; i++) {
		char *text = items[i] ? cJSON_PrintUnformatted(items[i]) : NULL;

		if (text)
			key[1] = eio_hash_bytes(key, eio_cstr(text));
		else if (items[i])
			config__error_memory(l);
		cJSON_free(text);
	}
	return key[1];
}

/* An item without the terms of its feed; NULL of NULL. */
static cJSON *
without_terms(struct config_loader *l, const cJSON *item)
{
	static const char *const terms[] = { "batch", "slow", "lagEvent", "gapEvent", "history" };
	cJSON *rest = item ? cJSON_Duplicate(item, true) : NULL;

	if (item && !rest) config__error_memory(l);
	for (size_t i = 0; rest && i < sizeof terms / sizeof terms[0]; i++)
		cJSON_DeleteItemFromObjectCaseSensitive(rest, terms[i]);
	return rest;
}

/* What tells it from other feeds, and from what it was before. item: NULL for a flag. */
static void
set_prints(struct config_loader *l, const cJSON *item, struct feed_spec *f)
{
	const cJSON *defaults = cJSON_GetObjectItemCaseSensitive(l->root, "feedDefaults");
	cJSON *rest[] = { without_terms(l, defaults), without_terms(l, item) };

	f->print = hash_items(l, (const cJSON *const[]){ defaults, item }, 2);
	f->essence = hash_items(l, (const cJSON *const *)rest, 2) ^ ((uint64_t)f->format << 1);
	cJSON_Delete(rest[0]);
	cJSON_Delete(rest[1]);
}

/* Adds a feed to the configuration, also when something in it is wrong: its number is its place in the file. */
static void
add_draft(struct config_loader *l, struct draft *d)
{
	if (feed_specs_add(l->parts->feeds, &d->feed))
		config__error_memory(l);
	else
		d->feed = (struct feed_spec){ 0 };
}

/* Reads one feed of the file. */
static void
read_feed(struct config_loader *l, const cJSON *item)
{
	struct draft d;

	begin_draft(l, &d);
	config__object(l, &config__feed_table, &d, "", item);
	if (cJSON_IsObject(item)) finish_draft(l, &d, item);
	set_prints(l, item, &d.feed);
	add_draft(l, &d);
	feed_spec_deinit(&d.feed);
}

void
config__feed_defaults(struct config_loader *l, const cJSON *item, void *target)
{
	struct draft d = { 0 };
	const cJSON *source;

	(void)target; /* each feed reads them for itself */
	config__object(l, &config__feed_table, &d, "", item);
	source = d.channel ? d.channel : d.pattern ? d.pattern : d.shard ? d.shard : d.stream;
	if (source) config__error_key(l, source, "each feed has its own \"%s\"", source->string);
	feed_spec_deinit(&d.feed);
}

void
config__feeds(struct config_loader *l, const cJSON *item, void *target)
{
	size_t i = 0, mark;

	(void)target; /* it is the parts' feeds, which is there already */
	if (!cJSON_IsArray(item)) {
		config__error(l, item, "expected a list of feeds, not %s", config__type_name(item));
		return;
	}
	if (cJSON_GetArraySize(item) > MAX_FEEDS) {
		config__error(l, item, "more than %d feeds", MAX_FEEDS);
		return;
	}
	for (const cJSON *m = item->child; m; m = m->next) {
		mark = config__push_index(l, i++);
		read_feed(l, m);
		config__pop(l, mark);
	}
}

void
config__feed_flag(struct config_loader *l, const char *text)
{
	const char *equals = strchr(text, '=');
	cJSON *channel = NULL, *event = NULL;
	struct draft d;
	bool is_pattern;
	char *name;

	if (!equals || equals == text || !equals[1]) {
		config__error(l, NULL, "\"%s\": expected CHANNEL=EVENT", text);
		return;
	}
	name = strndup(text, (size_t)(equals - text));
	is_pattern = name && strpbrk(name, "*?[");
	if (name) channel = cJSON_CreateString(name);
	event = cJSON_CreateString(equals + 1);
	begin_draft(l, &d);
	if (channel && event && (channel->string = strdup(is_pattern ? "pattern" : "channel"))) {
		*(is_pattern ? &d.pattern : &d.channel) = channel;
		d.event = event;
		finish_draft(l, &d, NULL);
		d.feed.print = d.feed.essence = eio_hash_bytes((const uint64_t[2]){ 0, 0 }, eio_cstr(text));
		add_draft(l, &d);
	} else {
		config__error_memory(l);
	}
	feed_spec_deinit(&d.feed);
	free(name);
	cJSON_Delete(channel);
	cJSON_Delete(event);
}
