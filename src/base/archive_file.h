/* SPDX-License-Identifier: MIT */
/*
 * Archives in files, and in memory that goes to another process by its descriptor. One in a file is written beside
 * the place where it shall be, and moved there when it is on the disk: so whatever happens meanwhile, what is there
 * is whole. One is read once: it is removed before anything of it is used, so that nobody goes on from there again.
 *
 * Threads: any; these calls block.
 */
#ifndef SRC_BASE_ARCHIVE_FILE_H
#define SRC_BASE_ARCHIVE_FILE_H

#include "src/base/archive.h"

/* Writes what fill() writes, with mode 0600, in the place of a file that is there. It gives up after max_ms (or when
 * the system does not come back from a call before, at that). 0 and how many bytes it is, or -errno: then nothing is
 * there, also when something was. Logs how far it is, every two seconds. */
int archive_file_write(const char *path, unsigned max_ms, void (*fill)(void *user, struct archive_out *out), void *user,
	uint64_t *bytes);

/* The same in memory that nobody can change any more. A descriptor, or -errno. */
int archive_memory_write(
	unsigned max_ms, void (*fill)(void *user, struct archive_out *out), void *user, uint64_t *bytes);

struct archive_file {
	struct eio_bytes all; /* of the file, which is gone; not checked yet */
};

/* Takes a file. 0, or -errno: -ENOENT where there is none. When it cannot be removed it is not used either. */
int archive_file_take(const char *path, struct archive_file *out);
void archive_file_free(struct archive_file *f);

/* Takes one in memory, and closes its descriptor. 0, or -errno. */
int archive_memory_take(int fd, struct archive_file *out);

#endif
