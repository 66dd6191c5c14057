/* SPDX-License-Identifier: MIT */
/* Loading: defaults, then the file, then the flags; and what only the whole can tell. */
#include "eio/check.h"
#include "src/config/compat.h"
#include "src/config/feeds.h"
#include "src/config/options.h"
#include "src/config/parts.h"
#include "src/config/values.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { MAX_FILE_BYTES = 16 << 20 };

_Static_assert(CONFIG_MAX_WORKERS <= EIO_MAX_SERVERS, "each worker has an Engine.IO server of its own");

static void
read_document(struct config_loader *l, struct eio_bytes text)
{
	char err[160];
	unsigned line;

	l->document = config_document_new(text, &line, err, sizeof err);
	if (!l->document) {
		config__error_line(l, line, "%s", err);
		return;
	}
	config__compat(l, &config__main_table, config_document_root(l->document));
	config__object(l, &config__main_table, l->parts, "", config_document_root(l->document));
	config__compat_check(l, config_document_root(l->document));
}

/* A flag is read as the row of the table it stands for; item is taken over. */
static void
apply_item(struct config_loader *l, const char *path, cJSON *item)
{
	if (item)
		config__value(l, &config__main_table, l->parts, path, item);
	else
		config__error_memory(l);
	cJSON_Delete(item);
}

static void
apply_string(struct config_loader *l, const char *flag, const char *path, const char *value)
{
	if (!value) return;
	l->flag = flag;
	apply_item(l, path, cJSON_CreateString(value));
}

static void
apply_list(struct config_loader *l, const char *flag, const char *path, const struct config_strings *values)
{
	if (!values->n) return;
	l->flag = flag;
	apply_item(l, path, cJSON_CreateStringArray(values->v, (int)values->n));
}

static void
apply_workers(struct config_loader *l, const char *value)
{
	char *end;
	double n;

	if (!value) return;
	l->flag = "--workers";
	n = strtod(value, &end);
	if (*value < '0' || *value > '9' || *end)
		config__error(l, NULL, "\"%s\" is not a number", value);
	else
		apply_item(l, "workers", cJSON_CreateNumber(n));
}

static void
apply_flags(struct config_loader *l, const struct config_flags *flags)
{
	apply_list(l, "--listen", "listen", &flags->listen);
	apply_list(l, "--redis", "redis", &flags->redis);
	apply_string(l, "--admin", "admin", flags->admin);
	apply_string(l, "--path", "path", flags->path);
	apply_string(l, "--www", "www", flags->www);
	apply_string(l, "--log-level", "logLevel", flags->log_level);
	apply_workers(l, flags->workers);
	l->flag = "--feed";
	for (size_t i = 0; i < flags->feeds.n; i++) config__feed_flag(l, flags->feeds.v[i]);
	l->flag = NULL;
}

/* "/socket.io" and "/socket.io/" are the same setting; addTrailingSlash decides how it ends. */
static void
finish_path(struct config_loader *l)
{
	const char *given = l->parts->config.path;
	bool slash = l->parts->add_trailing_slash;
	size_t n = strlen(given);
	char *path;

	config__push(l, "path");
	if (given[0] != '/' || strpbrk(given, "?#% \"\\") || !config__header_safe(given))
		config__error(l, NULL, "\"%s\" is no path such as \"/socket.io/\"", given);
	while (n && given[n - 1] == '/') n--;
	if (!n && !slash) config__error(l, NULL, "\"/\" needs engine.addTrailingSlash");
	path = config__alloc(l, n + 2);
	if (path) {
		memcpy(path, given, n);
		if (slash) path[n] = '/';
		l->parts->config.path = path;
	}
	config__pop(l, 0);
}

static void
finish_config(struct config_loader *l)
{
	struct config_parts *p = l->parts;
	struct config *c = &p->config;

	if (!c->path) c->path = config__strdup(l, "/socket.io/"); /* "path": null */
	if (c->path) finish_path(l);
	config__feeds_check(l);
	if (c->workers == 0) c->workers = uv_available_parallelism();
	if (c->workers > CONFIG_MAX_WORKERS) c->workers = CONFIG_MAX_WORKERS;
	p->server.path = c->path;
	p->server.no_trailing_slash = !p->add_trailing_slash;
	p->server.cookie_always = c->compat != CONFIG_COMPAT_4;
	p->server.count = c->workers;
}

static struct config *
load_config(const char *name, const struct eio_bytes *text, const struct config_flags *flags, config_error_fn error,
	void *user)
{
	struct config_loader l = { .name = name ? name : "siocast", .error = error, .user = user };

	CHECK(error);
	l.parts = config__parts_new();
	if (!l.parts) {
		error(user, "out of memory");
		return NULL;
	}
	l.memory = &l.parts->memory;
	config__defaults(&l, &config__main_table, l.parts);
	if (name) l.parts->config.file = config__strdup(&l, name);
	if (text) read_document(&l, *text);
	if (flags) apply_flags(&l, flags);
	if (!l.errors) finish_config(&l);
	config_document_free(l.document);
	if (!l.errors) return &l.parts->config;
	config_free(&l.parts->config);
	return NULL;
}

struct config *
config_load_text(
	const char *name, struct eio_bytes text, const struct config_flags *flags, config_error_fn error, void *user)
{
	return load_config(name, &text, flags, error, user);
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

struct config *
config_load(const struct config_flags *flags, config_error_fn error, void *user)
{
	char *text = NULL, line[1024];
	struct config *c = NULL;
	struct eio_bytes bytes;
	size_t n = 0;
	int e;

	if (!flags->file) return load_config(NULL, NULL, flags, error, user);
	e = read_config_file(flags->file, &text, &n);
	if (e) {
		snprintf(line, sizeof line, "%s: %s", flags->file, uv_strerror(e));
		error(user, line);
	} else {
		bytes = eio_bytes(text, n);
		c = load_config(flags->file, &bytes, flags, error, user);
	}
	free(text);
	return c;
}
