/* SPDX-License-Identifier: MIT */
/* Small files that a configuration names. */
#ifndef SRC_CONFIG_FILE_H
#define SRC_CONFIG_FILE_H

#include <stddef.h>
#include <sys/types.h>

/* Reads at most size bytes of a file, which it must be: a pipe would have the start wait. Their number, or -errno. */
ssize_t config__read_file(const char *path, char *out, size_t size);

#endif
