/* SPDX-License-Identifier: MIT */
/* Datagrams to the service manager. */
#include "src/service/notify.h"

#include "src/base/fd_message.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { NOTIFY_MAX = 512 };

/* A path, or behind an @ a name that stands in no file system. Returns the length of the address, 0 when it is none. */
static socklen_t
notify_address(struct sockaddr_un *a, const char *name)
{
	size_t n = strlen(name);

	if ((*name != '/' && *name != '@') || n < 2 || n >= sizeof a->sun_path) return 0;
	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(a->sun_path, name, n);
	if (*name == '@') a->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (*name == '/'));
}

static int
connect_to_manager(struct notify *n, const char *name)
{
	struct sockaddr_un a;
	socklen_t len = notify_address(&a, name);
	int err = len ? 0 : EINVAL;

	if (err) return err;
	n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (n->fd < 0) return errno;
	if (connect(n->fd, (struct sockaddr *)&a, len) == 0) return 0;
	err = errno;
	notify_close(n);
	return err;
}

/* It may be meant for another process, such as a shell that started this one. */
static uint64_t
watchdog_of_this(const char *usec, const char *pid)
{
	char *end;
	unsigned long long us;

	if (!usec || (pid && strtol(pid, NULL, 10) != (long)getpid())) return 0;
	errno = 0;
	us = strtoull(usec, &end, 10);
	return errno || end == usec || *end ? 0 : us;
}

static uint64_t
keeping_of(const char *text)
{
	return text && *text >= '0' && *text <= '9' ? strtoull(text, NULL, 10) : 0;
}

int
notify_open(struct notify *n)
{
	const char *name = getenv("NOTIFY_SOCKET");
	int err;

	*n = (struct notify){ .fd = -1 };
	err = name && *name ? connect_to_manager(n, name) : 0;
	if (n->fd >= 0) n->watchdog_us = watchdog_of_this(getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"));
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	if (n->fd >= 0) n->keeps = keeping_of(getenv("FDSTORE"));
	unsetenv("FDSTORE");
	return err;
}

bool
notify_send(const struct notify *n, bool wait, const char *fmt, ...)
{
	char text[NOTIFY_MAX];
	ssize_t sent;
	va_list ap;
	int len;

	if (n->fd < 0) return false;
	va_start(ap, fmt);
	len = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (len < 0) return false;
	if (len >= NOTIFY_MAX) len = NOTIFY_MAX - 1;
	do {
		sent = send(n->fd, text, (size_t)len, MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT));
	} while (sent < 0 && errno == EINTR);
	return sent == len;
}

bool
notify_keep(const struct notify *n, int fd, const char *name)
{
	char text[NOTIFY_MAX];
	int len = snprintf(text, sizeof text, "FDSTORE=1\nFDNAME=%s", name);

	return n->fd >= 0 && fd_message_send(n->fd, eio_bytes(text, (size_t)len), fd) == 0;
}

void
notify_close(struct notify *n)
{
	if (n->fd >= 0) close(n->fd);
	n->fd = -1;
}
