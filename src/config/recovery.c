/* SPDX-License-Identifier: MIT */
/* Clients that come back: Socket.IO's own option, and what it may cost. */
#include "src/config/recovery.h"

#include "src/config/parts.h"
#include "src/config/rows.h"
#include "src/config/secret.h"
#include "src/config/values.h"
#include "src/feed/signed.h"
#include "src/feed/standing.h"

#include <string.h>

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
	char secret[CONFIG_SECRET_BYTES]; /* of all siocasts that clients change between; empty: they do not */
};

enum { LEAST_SECRET = 16 }; /* what is shorter could be guessed */

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
	SECTION("elsewhere"),
	CUSTOM("elsewhere.secretFile", secret, config__secret, "null", SCHEMA_STRING_OR_NULL),
	SECTION("history"),
	UINT("history.seconds", history_seconds, 1, DAY_S, NULL),
	UINT("history.messages", history_messages, 1, 1000000000, "10000"),
	SIZE("history.bytes", history_bytes, 65536, 64 * GB, "67108864"),
};

const struct config_table config__recovery_table = TABLE_OF(recovery_rows);

/* The place of the option itself. */
static const cJSON *
secret_item(const cJSON *recovery)
{
	return cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(recovery, "elsewhere"), "secretFile");
}

/* Somebody wants it, and has not said what it needs. */
static void
check_empty(struct config_loader *l, const cJSON *recovery)
{
	const cJSON *elsewhere = cJSON_GetObjectItemCaseSensitive(recovery, "elsewhere");
	size_t mark;

	if (!cJSON_IsObject(elsewhere)) return;
	mark = config__push(l, "elsewhere");
	config__warn(l, elsewhere, "it has no effect: it needs a \"secretFile\"");
	config__pop(l, mark);
}

static void
take_secret(struct config_loader *l, const cJSON *item, const struct recovery_draft *d, struct feed_recovery *out)
{
	size_t n = strlen(d->secret), mark;

	if (!n) {
		check_empty(l, item);
		return;
	}
	mark = config__push(l, "elsewhere");
	config__push(l, "secretFile");
	if (n < LEAST_SECRET)
		config__error(
			l, secret_item(item), "a secret of fewer than %d characters could be guessed", LEAST_SECRET);
	else if (!feed_secret_make(&out->secret, eio_bytes(d->secret, n)))
		config__error_memory(l);
	else
		out->elsewhere = true;
	config__pop(l, mark);
}

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
	take_secret(l, item, &d, &p->recovery);
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

/* Whether a stream is read by one of the feeds before. */
static bool
is_read(const struct feed_specs *feeds, size_t n, const char *stream)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; feeds->v[i].is_stream && k < feeds->v[i].n_channels; k++)
			if (strcmp(feeds->v[i].channels[k], stream) == 0) return true;
	return false;
}

/* What an offset has a place of, for each server. */
static size_t
count_tracks(const struct feed_specs *feeds)
{
	size_t streams = 0;
	bool published = false;

	for (size_t i = 0; i < feeds->n; i++) {
		const struct feed_spec *f = &feeds->v[i];

		published |= !f->is_stream;
		for (size_t k = 0; f->is_stream && k < f->n_channels; k++)
			streams += !is_read(feeds, i, f->channels[k]);
	}
	return streams + published;
}

static unsigned
interval_of(const struct feed_spec *f)
{
	return f->max_messages <= 1 ? 0 : f->interval_ms;
}

static size_t
count_intervals(const struct feed_specs *feeds)
{
	size_t n = 1; /* what leaves at once counts always */

	for (size_t i = 0; i < feeds->n; i++) {
		size_t k = 0;

		while (k < i && interval_of(&feeds->v[k]) != interval_of(&feeds->v[i])) k++;
		n += k == i && interval_of(&feeds->v[i]);
	}
	return n;
}

/* An offset has only so much room. */
static void
check_elsewhere(struct config_loader *l)
{
	struct config_parts *p = l->parts;
	const cJSON *recovery = cJSON_GetObjectItemCaseSensitive(l->root, "connectionStateRecovery");
	const cJSON *item = secret_item(recovery);
	size_t tracks = count_tracks(p->feeds) * p->config.n_redis, intervals = count_intervals(p->feeds), mark;

	if (!p->recovery.elsewhere) return;
	mark = config__push(l, "connectionStateRecovery");
	config__push(l, "elsewhere");
	if (!p->recovery.on) config__warn(l, item, "it has no effect: no namespace has \"connectionStateRecovery\"");
	if (!standing_has_room(tracks, intervals))
		config__error(l, item,
			"%zu sources (the channels of a server are one, each stream is one on each server) with %zu intervals "
			"of feeds, that of messages which leave at once among them, are too many: an offset has no room",
			tracks, intervals);
	if (p->config.publish.token_file)
		config__error(l, item,
			"\"publish\" is set: what comes there no other siocast has, and nobody could come back to "
			"another one");
	config__pop(l, mark);
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
	if (p->feeds) check_elsewhere(l);
	p->recovery.elsewhere &= p->recovery.on;
	p->recovery.in = recovers_in;
	p->recovery.ctx = p->namespaces;
}
