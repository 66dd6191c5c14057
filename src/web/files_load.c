/* SPDX-License-Identifier: MIT */
/* From the disk into an entry. */
#include "src/web/files_load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *
files_join(const char *a, const char *separator, const char *b)
{
	size_t n = strlen(a) + strlen(separator) + strlen(b) + 1;
	char *s = malloc(n);

	if (s) snprintf(s, n, "%s%s%s", a, separator, b);
	return s;
}

bool
files_ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n > m && strcmp(s + n - m, end) == 0;
}

/* The content of a file, or NULL with errno set. */
static struct eio_block *
read_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), e = 0;
	struct eio_block *body = NULL;
	struct stat st;

	if (fd < 0) return NULL;
	if (fstat(fd, &st) != 0)
		e = errno;
	else if (!S_ISREG(st.st_mode))
		e = EISDIR;
	else if (st.st_size > FILES_SIZE_MAX)
		e = EFBIG;
	else if (!(body = files_read(fd, (size_t)st.st_size)))
		e = errno;
	close(fd);
	errno = e;
	return body;
}

int
files_load(struct files_entry **out, const char *path, const struct files_entry_kind *kind, char *err, size_t err_size)
{
	struct eio_block *body = read_file(path);
	struct files_entry *entry;

	if (!body) {
		int e = errno;

		snprintf(err, err_size, "cannot read %s: %s", path, strerror(e));
		return -e;
	}
	entry = malloc(sizeof *entry);
	if (!entry) {
		eio_block_unref(body);
		return -ENOMEM;
	}
	if (files_entry_init(entry, body, kind) != 0) {
		free(entry);
		return -ENOMEM;
	}
	*out = entry;
	return 0;
}

void
files_unload(struct files_entry *entry)
{
	files_entry_deinit(entry);
	free(entry);
}
