/* SPDX-License-Identifier: MIT */
/* Reading a file whole. */
#include "src/config/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

ssize_t
config__read_file(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	struct stat st;
	size_t n = 0;
	ssize_t got = 1;

	if (fd < 0) return -errno;
	if (fstat(fd, &st))
		got = -1;
	else if (!S_ISREG(st.st_mode))
		errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL, got = -1;
	while (got > 0 && n < size) {
		got = read(fd, out + n, size - n);
		if (got > 0) n += (size_t)got;
	}
	if (got < 0) got = -errno;
	close(fd);
	return got < 0 ? got : (ssize_t)n;
}
