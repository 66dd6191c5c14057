/* SPDX-License-Identifier: MIT */
/* Loading the page's files, and finding them. */
#include "src/web/files_page.h"

#include "src/web/files_load.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PAGE_FILES_MAX = 256 };

struct files_page_file {
	char *name; /* below the path */
	struct files_entry *entry;
};

/* Takes over the name, also when it fails. */
static int
add_page_file(struct files_page *p, const char *path, char *name, char *err, size_t err_size)
{
	struct files_entry_kind kind = { .cache_control = "public, max-age=0", .level = FILES_LEVEL_GOOD };
	struct files_page_file *v = name ? realloc(p->v, (p->n + 1) * sizeof *v) : NULL;
	struct files_entry *entry = NULL;
	int e = -ENOMEM;

	if (v) {
		p->v = v;
		kind.type = files_type_of(eio_cstr(name), &kind.compressible);
		e = files_load(&entry, path, &kind, err, err_size);
	}
	if (e == 0)
		p->v[p->n++] = (struct files_page_file){ name, entry };
	else
		free(name);
	return e;
}

/* The files of one folder. folders: takes the names of those in it, too; NULL: they are left out. */
static int
load_page_folder(struct files_page *p, const char *dir, const char *prefix, struct files_page *folders, char *err,
	size_t err_size)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	int e = d ? 0 : -errno;

	if (!d) snprintf(err, err_size, "cannot read %s: %s", dir, strerror(-e));
	while (d && e == 0 && (entry = readdir(d))) {
		char *path = entry->d_name[0] == '.' ? NULL : files_join(dir, "/", entry->d_name);
		struct stat st;

		if (entry->d_name[0] == '.' || files_ends_with(entry->d_name, ".map")) {
			/* It is nothing for the page. */
		} else if (!path || p->n >= PAGE_FILES_MAX) {
			e = -ENOMEM;
		} else if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode)) {
			e = add_page_file(p, path, files_join(prefix, "", entry->d_name), err, err_size);
		} else if (folders) {
			struct files_page_file *v = realloc(folders->v, (folders->n + 1) * sizeof *v);

			if (v) folders->v = v;
			if (v) v[folders->n++] = (struct files_page_file){ strdup(entry->d_name), NULL };
			if (!v || !v[folders->n - 1].name) e = -ENOMEM;
		}
		free(path);
	}
	if (d) closedir(d);
	return e;
}

int
files_page_load(struct files_page *p, const char *path, const char *dir, char *err, size_t err_size)
{
	struct files_page folders = { 0 };
	int e;

	p->path = files_join(path, files_ends_with(path, "/") ? "" : "/", "");
	e = p->path ? load_page_folder(p, dir, "", &folders, err, err_size) : -ENOMEM;
	for (size_t i = 0; i < folders.n && e == 0; i++) {
		char *below = files_join(dir, "/", folders.v[i].name);
		char *prefix = files_join(folders.v[i].name, "/", "");

		e = below && prefix ? load_page_folder(p, below, prefix, NULL, err, err_size) : -ENOMEM;
		free(below);
		free(prefix);
	}
	for (size_t i = 0; i < folders.n; i++) free(folders.v[i].name);
	free(folders.v);
	return e;
}

struct files_entry *
files_page_find(const struct files_page *p, struct eio_bytes path)
{
	struct eio_bytes query, name, folder;

	if (!p->path) return NULL;
	name = files_path_split(path, &query);
	folder = eio_cstr(p->path);
	if (!eio_bytes_starts(name, folder)) return NULL;
	name = name.n == folder.n ? EIO_LIT("index.html") : eio_bytes(name.p + folder.n, name.n - folder.n);
	for (size_t i = 0; i < p->n; i++)
		if (eio_bytes_eq(name, eio_cstr(p->v[i].name))) return p->v[i].entry;
	return NULL;
}

bool
files_page_is_folder(const struct files_page *p, struct eio_bytes path)
{
	struct eio_bytes query, name;

	if (!p->path) return false;
	name = files_path_split(path, &query);
	return eio_bytes_eq(name, eio_bytes(p->path, strlen(p->path) - 1));
}

void
files_page_deinit(struct files_page *p)
{
	for (size_t i = 0; i < p->n; i++) {
		files_unload(p->v[i].entry);
		free(p->v[i].name);
	}
	free(p->v);
	free(p->path);
	*p = (struct files_page){ 0 };
}
