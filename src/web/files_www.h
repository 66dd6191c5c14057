/* SPDX-License-Identifier: MIT */
/*
 * The www folder: files found below one folder at the time of the request, kept
 * in a worker's memory while they do not change. For src/files*.c.
 */
#ifndef SRC_WEB_FILES_WWW_H
#define SRC_WEB_FILES_WWW_H

#include "src/web/files_entry.h"

/* Opens the folder. A descriptor >= 0, or -errno with a reason in err. */
int files_www_open(const char *dir, char *err, size_t err_size);

/* Whether whom this process is by now may look into it, and read its index.html if there is one: 0 or -EACCES. */
int files_www_check_rights(int dirfd);

/* What became of a look-up. */
enum files_found {
	FILES_FOUND, /* *entry is set */
	FILES_FOUND_FOLDER, /* names a folder without its closing slash */
	FILES_NOT_FOUND,
	FILES_TOO_LARGE,
	FILES_UNAVAILABLE, /* out of descriptors or memory, or the disk failed: may work later */
};

/* Finds the file, in the cache or on disk, with the form this request likes best. *entry belongs to the cache and is
 * valid until the next call with the same cache. */
enum files_found files_www_find(int dirfd, struct files_cache *c, const struct files_path *path,
	struct eio_bytes accept_encoding, const struct files_entry **entry);

#endif
