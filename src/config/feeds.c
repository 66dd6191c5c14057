/* SPDX-License-Identifier: MIT */
/* The feeds of the configuration. */
#include "src/config/feeds.h"

#include "sio/json.h"
#include "sio/packet.h"
#include "src/config/parts.h"
#include "src/config/rows.h"
#include "src/config/values.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* From here on neighbouring integers are the same double, so a comparison could not be exact. */
#define EXACT_BELOW 9007199254740992.0
#define MAX_FEEDS 4096

/* What is read of one feed before its parts are checked against each other. */
struct draft {
	struct feed_spec feed;
	const cJSON *channel, *pattern, *event, *room, *format; /* where they stand, for messages; NULL: not given */
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

static void
read_nsp(struct config_loader *l, const cJSON *item, void *target)
{
	char **out = target;

	if (!read_text(l, item)) return;
	free(*out); /* the default */
	*out = NULL;
	if (config__namespace_name(l, item, item->valuestring)) *out = config__copy(l, item->valuestring);
}

static void
read_format(struct config_loader *l, const cJSON *item, void *target)
{
	static const char *const names[] = { "array", "lines", "frames" };
	struct draft *d = target;

	d->format = item;
	for (unsigned i = 0; cJSON_IsString(item) && i < 3; i++) {
		if (strcmp(item->valuestring, names[i]) != 0) continue;
		d->feed.format = (enum feed_format)i;
		return;
	}
	config__error(l, item, "expected \"array\", \"lines\" or \"frames\"");
}

static void
read_where_value(struct config_loader *l, const cJSON *v, struct feed_scalar *out)
{
	char *text;

	if (cJSON_IsString(v)) {
		out->kind = FEED_SCALAR_STRING;
		text = config__copy(l, v->valuestring);
		if (text) out->text = eio_cstr(text);
	} else if (cJSON_IsNumber(v)) {
		out->kind = FEED_SCALAR_NUMBER;
		out->number = v->valuedouble;
		if (fabs(out->number) >= EXACT_BELOW)
			config__error(l, v, "numbers from 2^53 on cannot be compared exactly");
	} else if (cJSON_IsBool(v)) {
		out->kind = cJSON_IsTrue(v) ? FEED_SCALAR_TRUE : FEED_SCALAR_FALSE;
	} else if (!cJSON_IsNull(v)) {
		config__error(l, v, "expected a string, a number, true, false or null, not %s", config__type_name(v));
	}
}

static void
read_where_pair(struct config_loader *l, const cJSON *item, struct feed_where *w)
{
	bool list = cJSON_IsArray(item);
	const cJSON *v = list ? item->child : item;
	size_t n = list ? (size_t)cJSON_GetArraySize(item) : 1;

	w->pointer = config__copy(l, item->string);
	if (!sio_json_pointer_valid(eio_cstr(item->string)))
		config__error(l, item, "not a JSON pointer; it starts with '/' as in \"/type\"");
	if (!n) config__error(l, item, "an empty list matches nothing");
	w->values = calloc(n + 1, sizeof *w->values);
	if (!w->values) config__error_memory(l);
	for (; w->values && w->n < n; v = v->next) read_where_value(l, v, &w->values[w->n++]);
}

static void
read_where(struct config_loader *l, const cJSON *item, void *target)
{
	struct draft *d = target;
	size_t mark, n;

	if (!cJSON_IsObject(item)) {
		config__error(
			l, item, "expected an object such as {\"/type\": \"trade\"}, not %s", config__type_name(item));
		return;
	}
	n = (size_t)cJSON_GetArraySize(item);
	d->feed.where = calloc(n + 1, sizeof *d->feed.where);
	if (!d->feed.where) {
		config__error_memory(l);
		return;
	}
	for (item = item->child; d->feed.n_where < n; item = item->next) {
		mark = config__push(l, item->string);
		read_where_pair(l, item, &d->feed.where[d->feed.n_where++]);
		config__pop(l, mark);
	}
}

#define ROWS_OF struct draft

static const char *const encodes[] = { "binary", "json", "text", NULL };
static const char *const slows[] = { "drop-oldest", "latest", "disconnect", NULL };

static const struct config_option feed_rows[] = {
	CUSTOM("channel", channel, keep_item, NULL),
	CUSTOM("pattern", pattern, keep_item, NULL),
	CUSTOM("namespace", feed.nsp, read_nsp, "\"/\""),
	CUSTOM("event", event, keep_item, NULL),
	CUSTOM("room", room, keep_item, NULL),
	ENUM("encode", feed.encode, encodes, "\"binary\""),
	SECTION("batch"),
	UINT("batch.interval", feed.interval_ms, 0, 3600000, "200"),
	UINT("batch.maxMessages", feed.max_messages, 1, 10000000, "1000"),
	SIZE("batch.maxBytes", feed.max_bytes, 1, 1073741824, "262144"),
	STRUCT("batch.format", read_format),
	STRUCT("where", read_where),
	ENUM("slow", feed.slow, slows, "\"drop-oldest\""),
};

static const struct config_table feed_table = TABLE_OF(feed_rows);

/* Compiles the template at item, or text when there is none. */
static struct template *
compile(struct config_loader *l, const char *key, const cJSON *item, const char *text, unsigned stars)
{
	char err[200];
	struct template *t = template_new(eio_cstr(item ? item->valuestring : text), stars, err, sizeof err);
	size_t mark = config__push(l, key);

	if (!t) config__error(l, item, "%s", err);
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
	else if (f->encode == FEED_ENCODE_TEXT && f->format == FEED_FORMAT_FRAMES)
		config__error(l, d->format, "\"encode\": \"text\" needs \"array\" or \"lines\": frames are binary");
	config__pop(l, mark);
}

/* Checks the parts of a feed against each other and adds it to the configuration. item: NULL for a flag. */
static void
add_draft(struct config_loader *l, struct draft *d, const cJSON *item)
{
	const cJSON *source = d->pattern ? d->pattern : d->channel;
	struct feed_spec *f = &d->feed;
	unsigned stars;

	if (!d->channel == !d->pattern) {
		config__error(l, item,
			d->channel ? "\"channel\" and \"pattern\" exclude each other"
				   : "a feed needs a \"channel\" or a \"pattern\"");
		return;
	}
	f->is_pattern = d->pattern != NULL;
	f->channel = config__copy(l, source->valuestring);
	stars = f->is_pattern ? template_count_stars(eio_cstr(source->valuestring)) : 0;
	check_event(l, d->event);
	check_format(l, d);
	f->event = compile(l, "event", d->event, "{channel}", stars);
	f->room = d->room ? compile(l, "room", d->room, NULL, stars) : NULL;
	if (feed_specs_add(l->parts->feeds, f))
		config__error(l, item, "out of memory");
	else
		*f = (struct feed_spec){ 0 };
}

/* Reads one feed of the file. */
static void
read_feed(struct config_loader *l, const cJSON *item)
{
	struct draft d = { 0 };

	config__defaults(l, &feed_table, &d);
	config__object(l, &feed_table, &d, "", item);
	if (cJSON_IsObject(item)) add_draft(l, &d, item);
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
	struct draft d = { 0 };
	char *name;

	if (!equals || equals == text || !equals[1]) {
		config__error(l, NULL, "\"%s\": expected CHANNEL=EVENT", text);
		return;
	}
	name = strndup(text, (size_t)(equals - text));
	if (name) channel = cJSON_CreateString(name);
	event = cJSON_CreateString(equals + 1);
	config__defaults(l, &feed_table, &d);
	if (channel && event) {
		*(strpbrk(name, "*?[") ? &d.pattern : &d.channel) = channel;
		d.event = event;
		add_draft(l, &d, NULL);
	} else {
		config__error_memory(l);
	}
	feed_spec_deinit(&d.feed);
	free(name);
	cJSON_Delete(channel);
	cJSON_Delete(event);
}

/* A feed into a namespace that is refused to clients would never reach anybody. */
void
config__feeds_check(struct config_loader *l)
{
	const cJSON *root = l->document ? config_document_root(l->document) : NULL;
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(root, "feeds"); /* those of flags stand behind its own */
	const struct feed_specs *s = l->parts->feeds;

	for (size_t i = 0; i < s->n; i++) {
		if (namespace_specs_find(l->parts->namespaces, eio_cstr(s->v[i].nsp))) continue;
		config__push(l, "feeds");
		config__push_index(l, i);
		config__error(l, cJSON_GetArrayItem(list, (int)i), "namespace \"%s\" is not among \"namespaces\"",
			s->v[i].nsp);
		config__pop(l, 0);
	}
}
