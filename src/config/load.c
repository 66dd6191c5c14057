/* SPDX-License-Identifier: MIT */
/* Loading: defaults, then the file, then the flags; and what only the whole can tell. */
#include "src/config/compat.h"
#include "src/config/feeds.h"
#include "src/config/options.h"
#include "src/config/values.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { MAX_FILE_BYTES = 16 << 20 };

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
	config__object(l, &config__main_table, l->c, "", config_document_root(l->document));
	config__compat_check(l, config_document_root(l->document));
}

/* A flag is read as the row of the table it stands for; item is taken over. */
static void
apply_item(struct config_loader *l, const char *path, cJSON *item)
{
	if (item)
		config__value(l, &config__main_table, l->c, path, item);
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
	apply_item(l, path, cJSON_CreateStringArray((const char *const *)values->v, (int)values->n));
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
	struct config *c = l->c;
	size_t n = strlen(c->path);
	char *path;

	config__push(l, "path");
	if (c->path[0] != '/' || strpbrk(c->path, "?#% \"\\") || !config__header_safe(c->path))
		config__error(l, NULL, "\"%s\" is no path such as \"/socket.io/\"", c->path);
	while (n && c->path[n - 1] == '/') n--;
	if (!n && !c->engine.add_trailing_slash) config__error(l, NULL, "\"/\" needs engine.addTrailingSlash");
	path = config__alloc(l, n + 2);
	if (path) {
		memcpy(path, c->path, n);
		if (c->engine.add_trailing_slash) path[n] = '/';
		c->path = path;
	}
	config__pop(l, 0);
}

static void
finish_config(struct config_loader *l)
{
	struct config *c = l->c;

	if (!c->path) c->path = config__strdup(l, "/socket.io/"); /* "path": null */
	if (c->path) finish_path(l);
	config__feeds_check(l);
	if (c->workers == 0) c->workers = uv_available_parallelism();
	if (c->workers > CONFIG_MAX_WORKERS) c->workers = CONFIG_MAX_WORKERS;
}

static struct config *
load_config(const char *name, const struct eio_bytes *text, const struct config_flags *flags, config_error_fn error,
	void *user)
{
	struct config_loader l = { .name = name ? name : "siocast", .error = error, .user = user };

	l.c = calloc(1, sizeof *l.c);
	if (l.c) l.c->feeds = feed_specs_new();
	if (l.c) l.c->namespaces = namespace_specs_new();
	if (!l.c || !l.c->feeds || !l.c->namespaces) {
		error(user, "out of memory");
		config_free(l.c);
		return NULL;
	}
	l.memory = &l.c->memory;
	config__defaults(&l, &config__main_table, l.c);
	if (name) l.c->file = config__strdup(&l, name);
	if (text) read_document(&l, *text);
	if (flags) apply_flags(&l, flags);
	if (!l.errors) finish_config(&l);
	config_document_free(l.document);
	if (!l.errors) return l.c;
	config_free(l.c);
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

void
config_free(struct config *c)
{
	if (!c) return;
	feed_specs_unref(c->feeds);
	namespace_specs_unref(c->namespaces);
	for (size_t i = 0; i < c->n_redis; i++) redis_url_deinit(&c->redis[i]);
	free(c->redis);
	config__memory_free(c->memory);
	free(c);
}
