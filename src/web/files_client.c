/* SPDX-License-Identifier: MIT */
/* Loading the client files, and finding them by the path of a request. */
#include "src/web/files_client.h"

#include "eio/buf.h"
#include "src/web/files_load.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct files_client {
	char *name; /* below the client path */
	struct files_entry *entry;
	bool borrowed; /* the entry belongs to another name */
};

static const char cache_control[] = "public, max-age=0";

/* Adds a name for an entry. An entry that is not borrowed is taken over, also when this fails. */
static int
add_name(struct files_clients *c, const char *folder, const char *name, struct files_entry *entry, bool borrowed)
{
	struct files_client *v = realloc(c->v, (c->n + 1) * sizeof *v);
	char *whole = files_join(folder, *folder ? "/" : "", name);

	if (v) c->v = v;
	if (!v || !whole) {
		free(whole);
		if (!borrowed) files_unload(entry);
		return -ENOMEM;
	}
	c->v[c->n++] = (struct files_client){ .name = whole, .entry = entry, .borrowed = borrowed };
	return 0;
}

/* Loads one file and adds it as folder/name. */
static int
load_client(struct files_clients *c, const char *path, const char *folder, const char *name,
	const struct files_entry_kind *kind, char *err, size_t err_size)
{
	struct files_entry *entry;
	int e = files_load(&entry, path, kind, err, err_size);

	if (e) return e;
	return add_name(c, folder, name, entry, false);
}

/* The files for browsers are called socket.io.js, socket.io.min.js.map and so on; builds of one's own
 * socket.io.<anything>.js. */
static bool
is_client_file(const char *name)
{
	return strncmp(name, "socket.io.", 10) == 0 &&
	       (files_ends_with(name, ".js") || files_ends_with(name, ".mjs") || files_ends_with(name, ".map"));
}

/* The servers of 1.x and 2.x named no character set, and tagged their client with its version, so caches that were
 * filled by one stay good. Servers of today tag with the version too, but nobody depends on that: our tag is the
 * content's, which stays right when somebody changes a file in place. */
static struct files_entry_kind
kind_of(const struct files_config *cfg, const char *name, const char *version, int level)
{
	struct files_entry_kind k = { .cache_control = cache_control, .level = level };

	k.type = files_type_of(eio_cstr(name), &k.compressible);
	if (!cfg->legacy || !version) return k;
	k.tag = version;
	if (files_ends_with(name, ".js")) k.type = "application/javascript";
	return k;
}

/* Loads the client files of a directory as folder/…; version is NULL for one of the operator's own. */
static int
load_folder(struct files_clients *c, const struct files_config *cfg, const char *dir, const char *folder,
	const char *version, int level, char *err, size_t err_size)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	int e = 0;

	if (!d) {
		e = errno;
		snprintf(err, err_size, "cannot read %s: %s", dir, strerror(e));
		return -e;
	}
	while (e == 0 && (entry = readdir(d))) {
		struct files_entry_kind kind = kind_of(cfg, entry->d_name, version, level);
		char *path;

		if (!is_client_file(entry->d_name)) continue;
		path = files_join(dir, "/", entry->d_name);
		e = path ? load_client(c, path, folder, entry->d_name, &kind, err, err_size) : -ENOMEM;
		free(path);
	}
	closedir(d);
	return e;
}

static struct files_entry *
find_name(const struct files_clients *c, struct eio_bytes name)
{
	for (size_t i = 0; i < c->n; i++)
		if (eio_bytes_eq(name, eio_cstr(c->v[i].name))) return c->v[i].entry;
	return NULL;
}

/* Gives the files of a version, which are the names from first to last, names right below the client path too. What
 * servers 1.7 gave out as socket.io.js is the package's socket.io.min.js. */
static int
choose_version(struct files_clients *c, const char *version, size_t first, size_t last)
{
	size_t folder = strlen(version) + 1;
	struct files_entry *min = NULL;
	int e = 0;

	for (size_t i = first; i < last && strncmp(version, "1.", 2) == 0; i++)
		if (strcmp(c->v[i].name + folder, "socket.io.min.js") == 0) min = c->v[i].entry;
	for (size_t i = first; i < last && e == 0; i++) {
		const char *name = c->v[i].name + folder;

		e = add_name(c, "", name, min && strcmp(name, "socket.io.js") == 0 ? min : c->v[i].entry, true);
		c->official++;
	}
	return e;
}

/* Gives the files of version v, which are the names from first to last, by the beginnings of its number as well,
 * where it is the newest that begins so: 4 and 4.8. */
static int
abbreviate_version(struct files_clients *c, const struct files_versions *all, const struct files_version *v,
	size_t first, size_t last)
{
	size_t whole = strlen(v->version);
	char *part = strdup(v->version), *dot;
	int e = part ? 0 : -ENOMEM;

	while (e == 0 && (dot = strrchr(part, '.'))) {
		*dot = '\0';
		if (files_versions_choose(all, part) != v) continue;
		for (size_t i = first; i < last && e == 0; i++)
			e = add_name(c, part, c->v[i].name + whole + 1, c->v[i].entry, true);
	}
	free(part);
	return e;
}

/* The text for what is not there. */
static int
tell_versions(struct files_clients *c, const struct files_versions *all)
{
	struct eio_buf text = { 0 };

	EIO_BUF_ADD_LIT(&text, "Not found. Versions of the client that are here: ");
	if (all->n)
		files_versions_list(all, &text);
	else
		EIO_BUF_ADD_LIT(&text, "none");
	EIO_BUF_ADD_LIT(&text, ".\n");
	c->missing = eio_block_of_buf(&text);
	return c->missing ? 0 : -ENOMEM;
}

static int
load_versions(struct files_clients *c, const struct files_config *cfg, char *err, size_t err_size)
{
	/* Read only. */
	const struct files_versions all = { (struct files_version *)cfg->versions, cfg->versions_n };
	int e = tell_versions(c, &all);

	for (size_t i = 0; i < cfg->versions_n && e == 0; i++) {
		const struct files_version *v = &cfg->versions[i];
		bool chosen = !cfg->client_dir && v == cfg->version;
		size_t first = c->n, last;

		e = load_folder(c, cfg, v->dir, v->version, v->version, chosen ? FILES_LEVEL_GOOD : FILES_LEVEL_FAST,
			err, err_size);
		last = c->n;
		if (e == 0) e = abbreviate_version(c, &all, v, first, last);
		if (e == 0 && chosen) e = choose_version(c, v->version, first, last);
	}
	return e;
}

/* Of the decoder, where it is. */
static int
load_decoder_file(struct files_clients *c, const char *dir, const char *name, char *err, size_t err_size)
{
	struct files_entry_kind kind = { .cache_control = cache_control, .level = FILES_LEVEL_GOOD };
	char *path = files_join(dir, "/", name);
	int e = 0;

	if (!path) return -ENOMEM;
	kind.type = files_type_of(eio_cstr(name), &kind.compressible);
	if (access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR))
		e = load_client(c, path, "", name, &kind, err, err_size);
	free(path);
	return e;
}

static int
load_decoder(struct files_clients *c, const char *dir, char *err, size_t err_size)
{
	static const char *const names[] = { "siocast.js", "siocast.mjs", "siocast-columns.js", "siocast-columns.mjs" };
	int e = 0;

	for (size_t i = 0; i < sizeof names / sizeof names[0] && e == 0; i++)
		e = load_decoder_file(c, dir, names[i], err, err_size);
	return e;
}

int
files_clients_load(struct files_clients *c, const struct files_config *cfg, char *err, size_t err_size)
{
	size_t n = strlen(cfg->client_path), before;
	int e;

	c->path = files_join(cfg->client_path, n == 0 || cfg->client_path[n - 1] != '/' ? "/" : "", "");
	if (!c->path) return -ENOMEM;
	e = load_versions(c, cfg, err, err_size);
	before = c->n;
	if (e == 0 && cfg->client_dir) {
		e = load_folder(c, cfg, cfg->client_dir, "", NULL, FILES_LEVEL_GOOD, err, err_size);
		c->official = (unsigned)(c->n - before);
	}
	if (e == 0 && cfg->decoder_dir) e = load_decoder(c, cfg->decoder_dir, err, err_size);
	return e;
}

/* What of the path of a request is below the client path; empty when nothing is. */
static struct eio_bytes
name_below(const struct files_clients *c, struct eio_bytes path)
{
	struct eio_bytes query, name = files_path_split(path, &query), folder = eio_cstr(c->path);

	if (name.n <= folder.n || !eio_bytes_starts(name, folder)) return eio_bytes("", 0);
	return eio_bytes(name.p + folder.n, name.n - folder.n);
}

struct files_entry *
files_clients_find(const struct files_clients *c, struct eio_bytes path)
{
	struct eio_bytes name;

	if (!c->path) return NULL;
	/* Every Engine.IO request comes by here, with nothing behind the folder. */
	name = name_below(c, path);
	return name.n ? find_name(c, name) : NULL;
}

bool
files_clients_missed(const struct files_clients *c, struct eio_bytes path)
{
	struct eio_bytes file;

	return c->path && files_version_cut(name_below(c, path), &file) &&
	       eio_bytes_starts(file, EIO_LIT("socket.io."));
}

void
files_clients_deinit(struct files_clients *c)
{
	for (size_t i = 0; i < c->n; i++) {
		if (!c->v[i].borrowed) files_unload(c->v[i].entry);
		free(c->v[i].name);
	}
	free(c->v);
	free(c->path);
	eio_block_unref(c->missing);
	*c = (struct files_clients){ 0 };
}
