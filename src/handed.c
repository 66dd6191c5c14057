/* SPDX-License-Identifier: MIT */
/* Taking over; see the header. */
#include "src/handed.h"

#include "src/base/fd_message.h"
#include "src/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Whether it goes on. *err: it does not, and why. */
static bool
take_handed(int parent, struct inherited *in, int *err)
{
	char text[INHERITED_NAME_MAX + 8];
	int fd;
	ssize_t n = fd_message_receive(parent, text, sizeof text - 1, &fd, 0);

	text[n > 0 ? n : 0] = '\0';
	*err = n < 0 ? (int)-n : n == 0 ? EPIPE : 0;
	if (n > 3 && memcmp(text, "fd ", 3) == 0 && fd >= 0) {
		if (inherited_add(in, fd, text + 3)) *err = ENOMEM;
		return *err == 0;
	}
	if (fd >= 0) close(fd);
	/* What another version may say besides is not for this one. */
	return !*err && strcmp(text, "go") != 0;
}

int
handed_wait(int parent, struct inherited *in)
{
	int err = 0;

	/* As all that is inherited it does not wait, which is what is to be done here. */
	fcntl(parent, F_SETFL, fcntl(parent, F_GETFL) & ~O_NONBLOCK);
	log_info("event=ready-to-take-over");
	if (send(parent, "ready", 5, MSG_NOSIGNAL) != 5) err = errno;
	while (!err && take_handed(parent, in, &err)) continue;
	if (err)
		close(parent);
	else if (inherited_add(in, parent, INHERITED_LATE))
		err = ENOMEM;
	if (!err) return 0;
	log_error_errno(err, "event=not-taken-over hint=\"the process before hands over nothing\"");
	return -1;
}
