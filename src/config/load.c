/* SPDX-License-Identifier: MIT */
/* Loading: defaults, then the file, then the flags; and what only the whole can tell. */
#include "src/config/load.h"
#include "eio/check.h"
#include "src/config/addresses.h"
#include "src/config/adminui.h"
#include "src/config/auth.h"
#include "src/config/cluster.h"
#include "src/config/compat.h"
#include "src/config/cors.h"
#include "src/config/engine.h"
#include "src/config/environment.h"
#include "src/config/feeds.h"
#include "src/config/flags.h"
#include "src/config/intake.h"
#include "src/config/log.h"
#include "src/config/look.h"
#include "src/config/nodes.h"
#include "src/config/options.h"
#include "src/config/parts.h"
#include "src/config/publish.h"
#include "src/config/recovery.h"
#include "src/config/redis.h"
#include "src/config/relay.h"
#include "src/config/subscribe.h"
#include "src/config/tls.h"
#include "src/config/values.h"
#include "src/config/variables.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { MAX_FILE_BYTES = 16 << 20 };

_Static_assert(CONFIG_MAX_WORKERS <= EIO_MAX_SERVERS, "each worker has an Engine.IO server of its own");

static void
on_document_mistake(void *user, size_t at, const char *why)
{
	config__error_at(user, at, "%s", why);
}

/* The tree of the file, or an empty one, as l->root; none when it cannot be read. */
static void
read_tree(struct config_loader *l, const struct eio_bytes *text)
{
	if (!text) {
		l->root = cJSON_CreateObject();
	} else {
		l->text = *text;
		l->document = config_document_new(*text, on_document_mistake, l);
		l->root = l->document ? config_document_root(l->document) : NULL;
	}
	if (!l->root && !l->notes.errors) config__error_memory(l);
	if (!l->root) return;
	config__expand(l);
	config__overlay(l);
}

static void
read_options(struct config_loader *l)
{
	if (!l->root) return;
	config__compat(l, &config__main_table, l->root);
	config__object(l, &config__main_table, l->parts, "", l->root);
	config__compat_check(l, l->root);
	config__log_check(l);
}

/* "/socket.io" and "/socket.io/" are the same setting; addTrailingSlash decides how it ends. */
static void
finish_path(struct config_loader *l)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(l->root, "path");
	const char *given = l->parts->config.path;
	bool slash = l->parts->add_trailing_slash;
	size_t n = strlen(given);
	char *path;

	config__push(l, "path");
	if (given[0] != '/' || strpbrk(given, "?#% \"\\") || !config__header_safe(given))
		config__error(l, item, "\"%s\" is no path such as \"/socket.io/\"", given);
	while (n && given[n - 1] == '/') n--;
	if (!n && !slash) config__error(l, item, "\"/\" needs engine.addTrailingSlash");
	path = config__alloc(l, n + 2);
	if (path) {
		memcpy(path, given, n);
		if (slash) path[n] = '/';
		l->parts->config.path = path;
	}
	config__pop(l, 0);
}

static void
check_user(struct config_loader *l)
{
	const struct config *c = &l->parts->config;
	size_t mark = config__push(l, "group");

	if (c->group && !c->user)
		config__error(l, cJSON_GetObjectItemCaseSensitive(l->root, "group"),
			"the group of \"user\", which is not given");
	config__pop(l, mark);
}

/* How many sessions there is memory for. One alone takes 0.6 KB, and a multiple of that with its rooms and what is kept
 * of its request; most of the memory is for what waits for clients. */
static unsigned
usual_sessions(void)
{
	enum { BYTES_FOR_EACH = 8192, MOST = 1000000, LEAST = 1000 };
	uint64_t all = uv_get_total_memory(), ours = uv_get_constrained_memory(), n;

	n = (ours && ours < all ? ours : all) / BYTES_FOR_EACH;
	if (n < LEAST) n = LEAST;
	return n < MOST ? (unsigned)n : MOST;
}

/* The longest thing that the feed may have to encode at once. */
static size_t
longest_batch(const struct config_parts *p)
{
	size_t most = p->message_bytes;

	if (p->config.publish.token_file && p->config.publish.max_bytes > most) most = p->config.publish.max_bytes;
	for (size_t i = 0; i < p->feeds->n; i++)
		if (p->feeds->v[i].max_bytes > most) most = p->feeds->v[i].max_bytes;
	return most;
}

static void
finish_config(struct config_loader *l)
{
	struct config_parts *p = l->parts;
	struct config *c = &p->config;
	unsigned most = p->relay.edges ? CONFIG_MAX_WORKERS - 1 : CONFIG_MAX_WORKERS;

	if (!c->path) c->path = config__strdup(l, "/socket.io/"); /* "path": null */
	if (c->path) finish_path(l);
	config__addresses_check(l);
	config__intake_finish(l);
	config__publish_check(l);
	check_user(l);
	config__ui_finish(l);
	config__feeds_check(l);
	config__auth_finish(l);
	config__recovery_finish(l);
	config__subscribe_check(l);
	config__nodes_finish(l);
	config__relay_finish(l);
	config__cluster_check(l);
	if (l->flags->look) config__look(l);
	if (c->workers == 0) c->workers = uv_available_parallelism();
	if (c->workers > most) c->workers = most;
	c->feed_apart = c->workers > 1 || longest_batch(p) > CONFIG_TURN_BYTES;
	p->server.path = c->path;
	p->server.no_trailing_slash = !p->add_trailing_slash;
	p->server.cookie_always = c->compat != CONFIG_COMPAT_4;
	p->server.no_jsonp = !config__jsonp(l);
	p->server.count = c->workers;
	if (c->limits.max_sessions == 0) c->limits.max_sessions = usual_sessions();
	p->server.max_sessions = config__sessions_each(c);
}

/* What the whole tells, as far as it could be read. */
static void
warn_of_whole(struct config_loader *l)
{
	config__redis_warn(l);
	config__engine_warn(l);
	config__cors_warn(l);
	config__feeds_warn(l);
	config__tls_warn(l);
}

static void
load_parts(struct config_loader *l, const char *name, const struct eio_bytes *text)
{
	l->memory = &l->parts->memory;
	l->parts->said = config__alloc(l, config__main_table.n * sizeof(char *));
	if (l->parts->said) l->noted = &config__main_table;
	config__defaults(l, &config__main_table, l->parts);
	if (name) l->parts->config.file = config__strdup(l, name);
	read_tree(l, text);
	read_options(l);
	config__flags_apply(l);
	if (l->root && !l->starved) finish_config(l);
	if (l->root && !l->starved) warn_of_whole(l);
}

static struct config *
load_config(const char *name, const struct eio_bytes *text, const struct config_flags *flags, config_report_fn report,
	void *user, const struct config_witness *witness)
{
	static const struct config_flags no_flags = { 0 };
	struct config_loader l = { .name = name ? name : "siocast", .flags = flags ? flags : &no_flags };
	bool good;

	CHECK(report);
	l.parts = config__parts_new();
	if (!l.parts) {
		report(user, &(struct config_report){ .text = "out of memory" });
		return NULL;
	}
	load_parts(&l, name, text);
	config__notes_tell(&l.notes, l.name, text, report, user);
	good = !l.notes.errors && !(l.flags->strict && l.notes.warnings);
	if (good && witness) witness->see(witness->user, &l);
	config__variables_free(&l);
	if (!l.document) cJSON_Delete(l.root);
	config_document_free(l.document);
	l.parts->config.warnings = l.notes.warnings;
	if (good) return &l.parts->config;
	config_free(&l.parts->config);
	return NULL;
}

struct config *
config_load_text(
	const char *name, struct eio_bytes text, const struct config_flags *flags, config_report_fn report, void *user)
{
	return load_config(name, &text, flags, report, user, NULL);
}

/* The whole file into memory; *out is the caller's. 0 or -errno. */
static int
read_config_file(const char *name, char **out, size_t *n)
{
	FILE *f = fopen(name, "re");
	char *p;
	int e = 0;

	if (!f) return -errno;
	p = malloc(MAX_FILE_BYTES + 1);
	*n = p ? fread(p, 1, MAX_FILE_BYTES + 1, f) : 0;
	if (!p)
		e = -ENOMEM;
	else if (ferror(f))
		e = -EIO; /* a folder, for example: fread tells no more */
	else if (*n > MAX_FILE_BYTES)
		e = -EFBIG;
	fclose(f);
	*out = p;
	return e;
}

static void note_file_error(struct config_notes *notes, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
note_file_error(struct config_notes *notes, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	config__note(notes, false, CONFIG_NO_PLACE, "", fmt, ap);
	va_end(ap);
}

struct config *
config__load(
	const struct config_flags *flags, config_report_fn report, void *user, const struct config_witness *witness)
{
	struct config_notes notes = { .n = 0 };
	struct config *c = NULL;
	struct eio_bytes bytes;
	char *text = NULL;
	size_t n = 0;
	int e;

	if (!flags->file) return load_config(NULL, NULL, flags, report, user, witness);
	e = read_config_file(flags->file, &text, &n);
	if (e) {
		note_file_error(&notes, "%s", uv_strerror(e));
		config__notes_tell(&notes, flags->file, NULL, report, user);
	} else {
		bytes = eio_bytes(text, n);
		c = load_config(flags->file, &bytes, flags, report, user, witness);
	}
	free(text);
	return c;
}

struct config *
config_load(const struct config_flags *flags, config_report_fn report, void *user)
{
	return config__load(flags, report, user, NULL);
}
