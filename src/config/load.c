/* SPDX-License-Identifier: MIT */
/* Loading: defaults, then the file, then the flags; and what only the whole can tell. */
#include "src/config/config_int.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <uv.h>

enum { MAX_FILE_BYTES = 16 << 20 };

/* A block of memory that lives as long as the configuration. */
struct config_memory {
	struct config_memory *next;
	max_align_t data[];
};

void
config__error(struct config_loader *l, const cJSON *item, const char *fmt, ...)
{
	char text[1024];
	unsigned line = item && l->document ? config_document_line(l->document, item) : 0;
	size_t n = 0;
	va_list ap;

	if (l->errors++ >= CONFIG_MAX_ERRORS) return;
	if (l->flag)
		n = (size_t)snprintf(text, sizeof text, "%s: ", l->flag);
	else if (line)
		n = (size_t)snprintf(text, sizeof text, "%s:%u: %s%s", l->name, line, l->path, *l->path ? ": " : "");
	else
		n = (size_t)snprintf(text, sizeof text, "%s: %s%s", l->name, l->path, *l->path ? ": " : "");
	va_start(ap, fmt);
	if (n < sizeof text) vsnprintf(text + n, sizeof text - n, fmt, ap);
	va_end(ap);
	l->error(l->user, text);
}

void *
config__alloc(struct config_loader *l, size_t n)
{
	struct config_memory *m = calloc(1, sizeof *m + n);

	if (!m) {
		config__error(l, NULL, "out of memory");
		return NULL;
	}
	m->next = l->c->memory;
	l->c->memory = m;
	return m->data;
}

char *
config__strdup(struct config_loader *l, const char *s)
{
	size_t n = strlen(s) + 1;
	char *copy = config__alloc(l, n);

	if (copy) memcpy(copy, s, n);
	return copy;
}

char *
config__copy(struct config_loader *l, const char *s)
{
	char *copy = strdup(s);

	if (!copy) config__error(l, NULL, "out of memory");
	return copy;
}

size_t
config__push(struct config_loader *l, const char *name)
{
	size_t mark = strlen(l->path);

	if (*name) snprintf(l->path + mark, sizeof l->path - mark, "%s%s", mark ? "." : "", name);
	return mark;
}

size_t
config__push_index(struct config_loader *l, size_t i)
{
	size_t mark = strlen(l->path);

	snprintf(l->path + mark, sizeof l->path - mark, "[%zu]", i);
	return mark;
}

void
config__pop(struct config_loader *l, size_t mark)
{
	l->path[mark] = '\0';
}

static void
read_document(struct config_loader *l, struct eio_bytes text)
{
	char err[160], where[32] = "", line_text[1024];
	unsigned line;

	l->document = config_document_new(text, &line, err, sizeof err);
	if (!l->document) {
		l->errors++;
		if (line) snprintf(where, sizeof where, ":%u", line);
		snprintf(line_text, sizeof line_text, "%s%s: %s", l->name, where, err);
		l->error(l->user, line_text);
		return;
	}
	config__compat(l, config_document_root(l->document));
	config__object(l, &config__main_table, l->c, "", config_document_root(l->document));
	config__compat_check(l, config_document_root(l->document));
}

/* A flag is read as the row of the table it stands for; item is taken over. */
static void
apply(struct config_loader *l, const char *path, cJSON *item)
{
	if (item)
		config__value(l, &config__main_table, l->c, path, item);
	else
		config__error(l, NULL, "out of memory");
	cJSON_Delete(item);
}

static void
apply_string(struct config_loader *l, const char *flag, const char *path, const char *value)
{
	if (!value) return;
	l->flag = flag;
	apply(l, path, cJSON_CreateString(value));
}

static void
apply_list(struct config_loader *l, const char *flag, const char *path, const struct config_strings *values)
{
	if (!values->n) return;
	l->flag = flag;
	apply(l, path, cJSON_CreateStringArray((const char *const *)values->v, (int)values->n));
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
		apply(l, "workers", cJSON_CreateNumber(n));
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

/* A feed into a namespace that is refused to clients would never reach anybody. */
static void
finish_feeds(struct config_loader *l)
{
	const struct feed_specs *s = l->c->feeds;

	for (size_t i = 0; i < s->n; i++) {
		if (namespace_specs_find(l->c->namespaces, eio_cstr(s->v[i].nsp))) continue;
		config__push(l, "feeds");
		config__push_index(l, i);
		config__error(l, l->feeds ? cJSON_GetArrayItem(l->feeds, (int)i) : NULL,
			"namespace \"%s\" is not among \"namespaces\"", s->v[i].nsp);
		config__pop(l, 0);
	}
}

static void
finish(struct config_loader *l)
{
	struct config *c = l->c;

	if (!c->path) c->path = config__strdup(l, "/socket.io/"); /* "path": null */
	if (c->path) finish_path(l);
	finish_feeds(l);
	if (c->workers == 0) c->workers = uv_available_parallelism();
	if (c->workers > CONFIG_MAX_WORKERS) c->workers = CONFIG_MAX_WORKERS;
}

static struct config *
load(const char *name, const struct eio_bytes *text, const struct config_flags *flags, config_error_fn error,
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
	config__defaults(&l, &config__main_table, l.c);
	if (name) l.c->file = config__strdup(&l, name);
	if (text) read_document(&l, *text);
	if (flags) apply_flags(&l, flags);
	if (!l.errors) finish(&l);
	config_document_free(l.document);
	if (!l.errors) return l.c;
	config_free(l.c);
	return NULL;
}

struct config *
config_load_text(
	const char *name, struct eio_bytes text, const struct config_flags *flags, config_error_fn error, void *user)
{
	return load(name, &text, flags, error, user);
}

/* The whole file into memory; *out is the caller's. 0 or -errno. */
static int
read_file(const char *name, char **out, size_t *n)
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

	if (!flags->file) return load(NULL, NULL, flags, error, user);
	e = read_file(flags->file, &text, &n);
	if (e) {
		snprintf(line, sizeof line, "%s: %s", flags->file, uv_strerror(e));
		error(user, line);
	} else {
		bytes = eio_bytes(text, n);
		c = load(flags->file, &bytes, flags, error, user);
	}
	free(text);
	return c;
}

void
config_free(struct config *c)
{
	struct config_memory *m;

	if (!c) return;
	feed_specs_unref(c->feeds);
	namespace_specs_unref(c->namespaces);
	for (size_t i = 0; i < c->n_redis; i++) redis_url_deinit(&c->redis[i]);
	free(c->redis);
	while ((m = c->memory)) {
		c->memory = m->next;
		free(m);
	}
	free(c);
}
