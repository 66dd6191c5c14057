/* SPDX-License-Identifier: MIT */
/* The descriptors 0 to 2. */
#include "src/base/standard.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int
standard_open(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) != -1) continue;
		/* The lowest number that is free is this one. */
		if (open("/dev/null", O_RDWR) != fd) return errno;
	}
	return 0;
}
