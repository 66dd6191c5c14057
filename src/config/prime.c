/* SPDX-License-Identifier: MIT */
/* From the item of a feed to what is read of Redis. */
#include "src/config/prime.h"

#include "src/config/rows.h"
#include "src/config/values.h"
#include "src/template/pattern.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_COUNT = 100000, KINDS = FEED_PRIME_SCAN + 1 };

/* One of them, as it is read. */
struct prime_draft {
	const cJSON *kinds[KINDS]; /* NULL: not given */
	const cJSON *field, *channel;
	size_t count;
	unsigned newest; /* 0: first, as LPUSH does */
};

static void
keep_text(struct config_loader *l, const cJSON *item, void *target)
{
	const cJSON **out = target;

	if (cJSON_IsString(item) && *item->valuestring)
		*out = item;
	else
		config__error(l, item, "expected a string that is not empty");
}

#define ROWS_OF struct prime_draft

static const char *const ends[] = { "first", "last", NULL };

static const struct config_option prime_rows[] = {
	CUSTOM("hash", kinds[FEED_PRIME_HASH], keep_text, NULL, SCHEMA_STRING),
	CUSTOM("string", kinds[FEED_PRIME_STRING], keep_text, NULL, SCHEMA_STRING),
	CUSTOM("list", kinds[FEED_PRIME_LIST], keep_text, NULL, SCHEMA_STRING),
	CUSTOM("zset", kinds[FEED_PRIME_ZSET], keep_text, NULL, SCHEMA_STRING),
	CUSTOM("stream", kinds[FEED_PRIME_STREAM], keep_text, NULL, SCHEMA_STRING),
	CUSTOM("scan", kinds[FEED_PRIME_SCAN], keep_text, NULL, SCHEMA_STRING),
	SIZE("count", count, 1, MAX_COUNT, NULL),
	ENUM("newest", newest, ends, NULL),
	CUSTOM("field", field, keep_text, NULL, SCHEMA_STRING),
	CUSTOM("channel", channel, keep_text, NULL, SCHEMA_STRING),
};

const struct config_table config__prime_table = TABLE_OF(prime_rows);

static bool
has_count(enum feed_prime_kind kind)
{
	return kind == FEED_PRIME_LIST || kind == FEED_PRIME_ZSET || kind == FEED_PRIME_STREAM;
}

static bool
retains_list(const struct feed_spec *f)
{
	return f->retain.rules.kind == RETAIN_NEWEST && f->retain.rules.max > 1;
}

/* The item that says what is read; NULL after a mistake. */
static const cJSON *
find_kind(struct config_loader *l, const struct prime_draft *d, const cJSON *item, enum feed_prime_kind *kind)
{
	const cJSON *found = NULL;

	for (size_t i = 0; i < KINDS; i++) {
		if (!d->kinds[i]) continue;
		if (found) {
			config__error(
				l, item, "\"%s\" and \"%s\" exclude each other", found->string, d->kinds[i]->string);
			return NULL;
		}
		found = d->kinds[i];
		*kind = (enum feed_prime_kind)i;
	}
	if (!found && cJSON_IsObject(item))
		config__error(l, item,
			"expected a \"hash\", \"string\", \"list\", \"zset\", \"stream\" or \"scan\", such as "
			"{\"hash\": \"state\"}");
	return found;
}

/* A key that is there only for others. */
static void
refuse_key(struct config_loader *l, const cJSON *item, const char *key, bool fits, const char *what)
{
	const cJSON *given = cJSON_GetObjectItemCaseSensitive(item, key);

	if (given && !fits) config__error_key(l, given, "\"%s\" is for %s", key, what);
}

static void
check_prime_keys(struct config_loader *l, const cJSON *item, enum feed_prime_kind kind)
{
	refuse_key(l, item, "count", has_count(kind), "a \"list\", a \"zset\" or a \"stream\"");
	refuse_key(l, item, "newest", kind == FEED_PRIME_LIST, "a \"list\"");
	refuse_key(l, item, "field", kind == FEED_PRIME_STREAM, "a \"stream\"");
}

/* By which channel values come when nothing is said; NULL when that must be. */
static const char *
usual_channel(const struct feed_spec *f, enum feed_prime_kind kind)
{
	if (f->is_pattern) return kind == FEED_PRIME_SCAN ? "{key}" : NULL;
	return f->n_channels == 1 ? f->channels[0] : NULL;
}

/* Whether a channel without placeholders is one of the feed's. */
static bool
is_channel_of(const struct feed_spec *f, const char *channel)
{
	struct template_captures unused;

	for (size_t i = 0; i < f->n_channels; i++) {
		if (f->is_pattern ? template_match(eio_cstr(f->channels[i]), eio_cstr(channel), &unused)
				  : strcmp(f->channels[i], channel) == 0)
			return true;
	}
	return false;
}

/* Whether something stands for a placeholder that only hashes have. */
static bool
uses_field(const struct template *t)
{
	struct template_placeholder p;

	for (size_t i = 0; template_next_placeholder(t, &i, &p);)
		if (p.what == TEMPLATE_FIELD) return true;
	return false;
}

static void
check_channel(struct config_loader *l, const struct feed_spec *f, const struct feed_prime *p, const cJSON *item)
{
	struct template_placeholder unused;
	size_t i = 0;

	if (p->kind != FEED_PRIME_HASH && uses_field(p->channel))
		config__error(l, item, "{field} stands for nothing: only a \"hash\" has fields");
	else if (!template_next_placeholder(p->channel, &i, &unused) && !is_channel_of(f, item->valuestring))
		config__error(l, item, "\"%s\" is no channel of this feed", item->valuestring);
}

/* A channel's name is no template, whatever braces are in it. */
static struct template *
channel_as_it_is(const char *text, struct template_error *err)
{
	struct template *t = template_new_json();

	err->nomem = true;
	if (!t || template_add_text(t, eio_cstr(text), err) == 0) return t;
	template_free(t);
	return NULL;
}

/* Compiles the channel at item; the usual one when there is none. */
static void
compile_prime_channel(struct config_loader *l, const struct feed_spec *f, struct feed_prime *p, const cJSON *object,
	const cJSON *item)
{
	bool scans = p->kind == FEED_PRIME_SCAN;
	const struct template_context where = { .place = scans ? TEMPLATE_IN_SCAN : TEMPLATE_IN_PRIME,
		.stars = scans ? template_count_stars(eio_cstr(p->key)) : 0 };
	const char *text = item ? item->valuestring : usual_channel(f, p->kind);
	struct template_error err;
	size_t mark;

	if (!text) {
		config__error(l, object, "needs a \"channel\", by which these values would have come%s",
			p->kind == FEED_PRIME_HASH ? ", such as \"quotes:{field}\"" : "");
		return;
	}
	mark = config__push(l, "channel");
	p->channel = item || scans ? template_new(eio_cstr(text), TEMPLATE_AS_NAME, &where, &err)
				   : channel_as_it_is(text, &err);
	if (!p->channel && err.nomem)
		config__error_memory(l);
	else if (!p->channel)
		config__error(l, item, "%s", err.text);
	else if (item)
		check_channel(l, f, p, item);
	config__pop(l, mark);
}

/* Whether all that a feed retains of one channel is one state. */
static bool
is_one_state(const struct feed_spec *f)
{
	const struct template *const all[] = { f->event, f->nsp_template };

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		if (all[i] && (template_uses_message(all[i]) || template_uses_message_text(all[i]))) return false;
	for (size_t i = 0; i < f->n_rooms; i++)
		if (f->rooms[i] && (template_uses_message(f->rooms[i]) || template_uses_message_text(f->rooms[i])))
			return false;
	for (size_t i = 0; i < f->n_except; i++)
		if (f->except[i] && (template_uses_message(f->except[i]) || template_uses_message_text(f->except[i])))
			return false;
	return true;
}

/* Without a key, what is retained are messages in their order. */
static void
check_list(struct config_loader *l, const struct feed_spec *f, const struct feed_prime *p, const cJSON *item)
{
	if (!retains_list(f)) return;
	if (!has_count(p->kind))
		config__error(l, item,
			"the newest %zu messages have an order: they are read of a \"list\", a \"zset\" or a "
			"\"stream\", unless \"retain\" has a \"key\" or is \"last\"",
			f->retain.rules.max);
	else if (!is_one_state(f))
		config__error(l, item,
			"event and room are made of the message, so there are several lists; one is read, unless "
			"\"retain\" has a \"key\"");
}

static void
read_one(struct config_loader *l, struct feed_spec *f, const cJSON *item)
{
	struct prime_draft d = { .count = 0 };
	struct feed_prime *p = &f->primes[f->n_primes];
	const cJSON *kind;

	config__object(l, &config__prime_table, &d, "", item);
	kind = find_kind(l, &d, item, &p->kind);
	if (!kind) return;
	f->n_primes++;
	check_prime_keys(l, item, p->kind);
	p->key = config__copy(l, kind->valuestring);
	p->newest_last = d.newest == 1;
	p->count = d.count && d.count < f->retain.rules.max ? d.count : f->retain.rules.max;
	if (p->count > MAX_COUNT) p->count = MAX_COUNT;
	if (d.field) p->field = config__copy(l, d.field->valuestring);
	if (!p->key) return;
	compile_prime_channel(l, f, p, item, d.channel);
	check_list(l, f, p, item);
}

static void
read_all(struct config_loader *l, struct feed_spec *f, const cJSON *item)
{
	bool several = cJSON_IsArray(item);
	size_t n = several ? (size_t)cJSON_GetArraySize(item) : 1, i = 0, mark;

	f->primes = calloc(n + 1, sizeof *f->primes);
	if (!f->primes) {
		config__error_memory(l);
	} else if (several && n > 1 && retains_list(f)) {
		config__error(l, item, "one list is read, unless \"retain\" has a \"key\" or is \"last\"");
	} else if (!several) {
		read_one(l, f, item);
	} else {
		for (const cJSON *e = item->child; e; e = e->next) {
			mark = config__push_index(l, i++);
			read_one(l, f, e);
			config__pop(l, mark);
		}
	}
}

/* Whether the feed's channels are there; if not, memory ran out, which was told. */
static bool
has_channels(const struct feed_spec *f)
{
	for (size_t i = 0; i < f->n_channels; i++)
		if (!f->channels[i]) return false;
	return f->n_channels > 0;
}

void
config__prime(struct config_loader *l, struct feed_spec *f, const cJSON *item)
{
	size_t mark = config__push(l, "prime");

	if (item && !cJSON_IsNull(item)) {
		if (f->is_stream)
			config__error(l, item, "a feed of a \"stream\" reads what was there before: see \"from\"");
		else if (f->is_shard)
			config__error(l, item,
				"not for a \"shard\": nothing says which of its messages came before what is read");
		else if (f->retain.rules.kind == RETAIN_NOTHING)
			config__error(l, item, "needs \"retain\": nothing else keeps what is read");
		else if (has_channels(f))
			read_all(l, f, item);
	}
	config__pop(l, mark);
}
