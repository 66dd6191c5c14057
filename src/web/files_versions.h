/* SPDX-License-Identifier: MIT */
/*
 * Which versions of the official client are installed: one folder each, below
 * one base folder. For start-up and for reading the configuration.
 */
#ifndef SRC_WEB_FILES_VERSIONS_H
#define SRC_WEB_FILES_VERSIONS_H

#include "eio/buf.h"

#include <stdbool.h>
#include <stddef.h>

struct files_version {
	char *version; /* "4.8.4" */
	char *dir; /* the folder that its files for browsers are in */
};

struct files_versions {
	struct files_version *v;
	size_t n;
};

/* Whether s is a version of three numbers, or the beginning of one: "4.8.4", "4.8", "4". */
bool files_version_valid(const char *s);

/* Finds what is installed in base: folders called <version> or, as npm installs them there, client-<version>; the files
 * are in dist/ below that or, where there is none, in the folder itself. Returns 0 (also when there is no such base) or
 * -ENOMEM; *out is to be given back with files_versions_deinit either way. */
int files_versions_find(struct files_versions *out, const char *base);

/* Whether text begins with such a version and a slash; *rest is what is behind them. */
bool files_version_cut(struct eio_bytes text, struct eio_bytes *rest);

/* The newest one that begins with the numbers of wanted, or NULL. Belongs to all. */
const struct files_version *files_versions_choose(const struct files_versions *all, const char *wanted);

/* Appends them, the newest first: "4.8.4, 2.5.1". */
void files_versions_list(const struct files_versions *all, struct eio_buf *out);

void files_versions_deinit(struct files_versions *all);

#endif
