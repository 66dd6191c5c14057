/* SPDX-License-Identifier: MIT */
/* The feeds of the configuration. */
#include "src/config/feeds.h"

#include "sio/packet.h"
#include "src/config/parts.h"
#include "src/config/rows.h"
#include "src/config/shape.h"
#include "src/config/targets.h"
#include "src/config/values.h"
#include "src/config/where.h"
#include "src/handlers/handlers.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FEEDS 4096

/* What is read of one feed before its parts are checked against each other. */
struct draft {
	struct feed_spec feed;
	const cJSON *channel, *pattern, *event, *format; /* where they stand, for messages; NULL: not given */
	struct config_targets targets;
	struct config_shape shape;
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

#define ROWS_OF struct draft

static const char *const encodes[] = { "binary", "json", "text", NULL };
static const char *const slows[] = { "drop-oldest", "latest", "disconnect", NULL };

static const struct config_option feed_rows[] = {
	CUSTOM("channel", channel, config__keep_names, NULL),
	CUSTOM("pattern", pattern, config__keep_names, NULL),
	CUSTOM("namespace", targets.nsp, keep_item, NULL),
	CUSTOM("event", event, keep_event, NULL),
	CUSTOM("room", targets.room, config__keep_names, NULL),
	CUSTOM("except", targets.except, config__keep_names, NULL),
	CUSTOM("payload", shape.payload, config__keep_json, NULL),
	CUSTOM("payloadDefault", shape.payload_default, config__keep_json, NULL),
	CUSTOM("omit", shape.omit, config__keep_json, NULL),
	CUSTOM("spread", shape.spread, config__keep_bool, NULL),
	ENUM("encode", feed.encode, encodes, "\"binary\""),
	SECTION("batch"),
	UINT("batch.interval", feed.interval_ms, 0, 3600000, "200"),
	UINT("batch.maxMessages", feed.max_messages, 1, 10000000, "1000"),
	SIZE("batch.maxBytes", feed.max_bytes, 1, 1073741824, "262144"),
	STRUCT("batch.format", read_format),
	CUSTOM("where", feed.where, config__where, NULL),
	ENUM("slow", feed.slow, slows, "\"drop-oldest\""),
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
	d->channel = d->pattern = NULL;
}

/* Compiles the event's name at item; the default when there is none. */
static struct template *
compile_event_of_feed(struct config_loader *l, const cJSON *item, unsigned stars)
{
	struct template_context where = { .place = TEMPLATE_IN_FEED, .stars = stars };
	struct template_error err;
	const char *text = item ? item->valuestring : "{channel}";
	struct template *t = template_new(eio_cstr(text), TEMPLATE_AS_NAME, &where, &err);
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
	else if (f->encode == FEED_ENCODE_TEXT && f->format == FEED_FORMAT_FRAMES)
		config__error(l, d->format, "\"encode\": \"text\" needs \"array\" or \"lines\": frames are binary");
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

/* Fills the feed's channels or patterns. Returns how many stars each of them has at least. */
static unsigned
take_names(struct config_loader *l, struct feed_spec *f, const cJSON *item)
{
	unsigned stars = UINT_MAX, n;
	struct config_strings names = { 0 };
	size_t outer = config__push(l, f->is_pattern ? "pattern" : "channel"), mark;

	if (config__strings(l, item, &names)) {
		f->channels = calloc(names.n, sizeof *f->channels);
		if (!f->channels) config__error_memory(l);
	}
	for (size_t i = 0; f->channels && i < names.n; i++) {
		const cJSON *e = config__element(item, i);

		mark = config__push_element(l, item, i);
		if (is_named_before(&names, i)) config__error(l, e, "\"%s\" stands twice", names.v[i]);
		if (!f->is_pattern && strpbrk(names.v[i], "*?["))
			config__warn(l, e, "the one channel called \"%s\"; for all that match write \"pattern\"",
				names.v[i]);
		f->channels[f->n_channels++] = config__copy(l, names.v[i]);
		n = f->is_pattern ? template_count_stars(eio_cstr(names.v[i])) : 0;
		if (n < stars) stars = n;
		config__pop(l, mark);
	}
	config__pop(l, outer);
	return stars;
}

/* Checks the parts of a feed against each other. item: NULL for a flag. */
static void
finish_draft(struct config_loader *l, struct draft *d, const cJSON *item)
{
	struct feed_spec *f = &d->feed;
	unsigned stars;

	if (d->channel && d->pattern) {
		config__error(l, item, "\"channel\" and \"pattern\" exclude each other");
		return;
	}
	if (!d->channel && !d->pattern) {
		/* One that is wrong was told. */
		if (!cJSON_HasObjectItem(item, "channel") && !cJSON_HasObjectItem(item, "pattern"))
			config__error(l, item, "a feed needs a \"channel\" or a \"pattern\"");
		return;
	}
	f->is_pattern = d->pattern != NULL;
	stars = take_names(l, f, d->pattern ? d->pattern : d->channel);
	check_event(l, d->event);
	check_format(l, d);
	f->event = compile_event_of_feed(l, d->event, stars);
	config__targets(l, f, &d->targets, stars);
	config__shape(l, f, &d->shape, stars);
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
	source = d.channel ? d.channel : d.pattern;
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
	char *name;

	if (!equals || equals == text || !equals[1]) {
		config__error(l, NULL, "\"%s\": expected CHANNEL=EVENT", text);
		return;
	}
	name = strndup(text, (size_t)(equals - text));
	if (name) channel = cJSON_CreateString(name);
	event = cJSON_CreateString(equals + 1);
	begin_draft(l, &d);
	if (channel && event) {
		*(strpbrk(name, "*?[") ? &d.pattern : &d.channel) = channel;
		d.event = event;
		finish_draft(l, &d, NULL);
		add_draft(l, &d);
	} else {
		config__error_memory(l);
	}
	feed_spec_deinit(&d.feed);
	free(name);
	cJSON_Delete(channel);
	cJSON_Delete(event);
}

/* What the i-th feed of the file, or feedDefaults, says for a key; NULL when neither does. */
static const cJSON *
feed_item(const struct config_loader *l, size_t i, const char *key)
{
	/* Those of flags stand behind its own. */
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(l->root, "feeds");
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(list, (int)i), key);

	if (item) return item;
	return cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(l->root, "feedDefaults"), key);
}

static size_t
push_feed(struct config_loader *l, size_t i, const char *key)
{
	size_t mark = config__push(l, "feeds");

	config__push_index(l, i);
	config__push(l, key);
	return mark;
}

/* A namespace's name as a template, in which a placeholder stands for each star. NULL when out of memory. */
static struct template *
name_as_template(const struct namespace_spec *nsp)
{
	struct template_context nowhere = { .place = TEMPLATE_IN_FEED };
	struct template *t = NULL;
	struct template_error err;
	struct eio_buf b = { 0 };

	for (const char *p = nsp->name; *p; p++) {
		if (*p == '{' || *p == '}') eio_buf_addc(&b, *p);
		if (*p == '*' && nsp->is_pattern)
			EIO_BUF_ADD_LIT(&b, "{channel}");
		else
			eio_buf_addc(&b, *p);
	}
	if (!eio_buf_failed(&b)) t = template_new(eio_buf_bytes(&b), TEMPLATE_AS_NAME, &nowhere, &err);
	eio_buf_deinit(&b);
	return t;
}

/* Whether messages of a feed may go to a namespace. */
static bool
may_go_to(const struct feed_spec *f, const struct namespace_specs *all, const struct namespace_spec *nsp)
{
	struct template *name;
	bool may;

	if (f->nsp) return namespace_specs_match(all, eio_cstr(f->nsp)) == nsp;
	name = name_as_template(nsp);
	may = !name || template_may_equal(f->nsp_template, name);
	template_free(name);
	return may;
}

/* A feed into a namespace that is refused to clients would never reach anybody. */
void
config__feeds_check(struct config_loader *l)
{
	const struct feed_specs *s = l->parts->feeds;
	const struct namespace_specs *all = l->parts->namespaces;
	size_t mark, k;

	for (size_t i = 0; i < s->n; i++) {
		if (!s->v[i].nsp && !s->v[i].nsp_template) continue;
		for (k = 0; k < all->n && !may_go_to(&s->v[i], all, &all->v[k]);) k++;
		if (k < all->n) continue;
		mark = push_feed(l, i, "namespace");
		if (s->v[i].nsp)
			config__error(l, feed_item(l, i, "namespace"), "namespace \"%s\" is not among \"namespaces\"",
				s->v[i].nsp);
		else
			config__error(l, feed_item(l, i, "namespace"), "this can be none of \"namespaces\"");
		config__pop(l, mark);
	}
}

static bool
may_be_room(void *ctx, const struct template *join)
{
	return template_may_equal(join, ctx);
}

/* Whether the application says which rooms the clients of a namespace are in. */
static bool
application_gives_rooms(const struct namespace_spec *ns)
{
	return (ns->auth && ns->auth->has_hook && ns->auth->hook.on_connect) ||
	       (ns->handlers && handlers_calls(ns->handlers));
}

/* Whether a client can be in one of the feed's rooms: in that of its socket's id each is. */
static bool
may_be_heard(const struct feed_spec *f, const struct namespace_specs *all)
{
	for (size_t k = 0; k < f->n_rooms; k++) {
		if (template_is_placeholder(f->rooms[k])) return true;
		for (size_t i = 0; i < all->n; i++)
			if (may_go_to(f, all, &all->v[i]) &&
				(application_gives_rooms(&all->v[i]) ||
					(all->v[i].handlers &&
						handlers_any_join(all->v[i].handlers, may_be_room, f->rooms[k]))))
				return true;
	}
	return false;
}

void
config__feeds_warn(struct config_loader *l)
{
	const struct feed_specs *s = l->parts->feeds;
	const cJSON *feeds = cJSON_GetObjectItemCaseSensitive(l->root, "feeds");
	const cJSON *namespaces = cJSON_GetObjectItemCaseSensitive(l->root, "namespaces");
	size_t mark;

	if (!s->n && !l->notes.errors) {
		mark = config__push(l, "feeds");
		config__warn(l, feeds, "no feeds: nothing that is published would reach anybody");
		config__pop(l, mark);
	}
	/* Without the key it may be the one that was misspelt. */
	if (namespaces ? config__is_wrong(l, namespaces) : l->notes.errors > 0) return;
	if (config__is_wrong(l, cJSON_GetObjectItemCaseSensitive(l->root, "feedDefaults"))) return;
	for (size_t i = 0; i < s->n; i++) {
		const struct feed_spec *f = &s->v[i];

		if (!f->n_rooms || config__is_wrong(l, cJSON_GetArrayItem(feeds, (int)i))) continue;
		if (may_be_heard(f, l->parts->namespaces)) continue;
		mark = push_feed(l, i, "room");
		config__warn(l, feed_item(l, i, "room"),
			"no handler of \"%s\" joins such a room, so nobody would hear it; a \"join\" under "
			"\"namespaces\" does that",
			f->nsp ? f->nsp : feed_item(l, i, "namespace")->valuestring);
		config__pop(l, mark);
	}
}
