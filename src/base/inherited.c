/* SPDX-License-Identifier: MIT */
/* Descriptors from before; see the header. */
#include "src/base/inherited.h"

#include "eio/net/httpd.h"
#include "src/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	FIRST_FD = 3, /* SD_LISTEN_FDS_START */
	MOST_FDS = 4096,
};

/* A decimal number and nothing else; -1: it is none. */
static long
listen_number(const char *text)
{
	char *end;
	long v;

	if (!text || *text < '0' || *text > '9') return -1;
	errno = 0;
	v = strtol(text, &end, 10);
	return errno || *end ? -1 : v;
}

/* Cuts the next name off the list, which may have ended before the descriptors do. */
static const char *
next_inherited_name(char **names)
{
	char *name = *names ? strsep(names, ":") : NULL;

	return name ? name : "";
}

/* Copies are made of what the environment says: it goes. */
static int
take_descriptors(struct inherited *in, long n, char *names)
{
	for (int fd = FIRST_FD; fd < FIRST_FD + n; fd++) {
		int flags = fcntl(fd, F_GETFL);
		const char *name = next_inherited_name(&names);

		if (flags < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) || fcntl(fd, F_SETFL, flags | O_NONBLOCK)) {
			log_error_errno(
				errno, "event=inheritance-failed fd=%d name=\"%s\"", fd, LOG_ESCAPE(eio_cstr(name)));
			return -1;
		}
		if (inherited_add(in, fd, name) == 0) continue;
		log_error("event=inheritance-failed error=\"out of memory\"");
		return -1;
	}
	return 0;
}

static bool
are_ours(const char *names)
{
	static const char parent[] = INHERITED_PARENT;
	long pid = listen_number(getenv("LISTEN_PID"));

	if (pid == (long)getpid()) return true;
	return pid == (long)getppid() && names && strncmp(names, parent, sizeof parent - 1) == 0;
}

int
inherited_open(struct inherited *in)
{
	const char *names = getenv("LISTEN_FDNAMES");
	bool ours = are_ours(names);
	long n = ours ? listen_number(getenv("LISTEN_FDS")) : 0;
	char *copy = names ? strdup(names) : NULL;
	int err = -1;

	*in = (struct inherited){ .n = 0 };
	if (n < 0 || n > MOST_FDS || (names && !copy))
		log_error("event=inheritance-failed error=\"LISTEN_FDS is no number of descriptors\"");
	else
		err = take_descriptors(in, n, copy);
	free(copy);
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return err;
}

int
inherited_add(struct inherited *in, int fd, const char *name)
{
	struct inherited_fd *v = realloc(in->v, (in->n + 1) * sizeof *v);
	char *copy = strdup(name);

	if (v) in->v = v;
	if (v && copy) {
		v[in->n++] = (struct inherited_fd){ fd, copy };
		return 0;
	}
	free(copy);
	close(fd);
	return -1;
}

static int
give_away(struct inherited_fd *one)
{
	int fd = one->fd;

	one->fd = -1;
	return fd;
}

/* The file of a Unix socket, which must be there; false: it is none of those. */
static bool
name_of_file(int fd, struct sockaddr_un *a)
{
	socklen_t n = sizeof *a - 1;

	*a = (struct sockaddr_un){ .sun_family = AF_UNSPEC };
	return getsockname(fd, (struct sockaddr *)a, &n) == 0 && a->sun_family == AF_UNIX && a->sun_path[0];
}

/* Whether it was this program's, some process before. */
static bool
was_ours(const struct inherited_fd *one)
{
	return strcmp(one->name, INHERITED_LISTENING) == 0 || strcmp(one->name, INHERITED_KEPT) == 0;
}

/* Who keeps a socket may have removed the folder of its file: nobody finds it any more. */
static bool
is_lost(const struct inherited_fd *one)
{
	struct sockaddr_un a;

	return strcmp(one->name, INHERITED_KEPT) == 0 && name_of_file(one->fd, &a) && access(a.sun_path, F_OK);
}

/* Before others are made in their places. */
static void
drop_lost(struct inherited *in)
{
	for (size_t i = 0; i < in->n; i++)
		if (in->v[i].fd >= 0 && is_lost(&in->v[i])) close(give_away(&in->v[i]));
}

int
inherited_take_listening(struct inherited *in, const char *address, const char *name, bool *held)
{
	*held = true;
	drop_lost(in);
	for (size_t i = 0; i < in->n; i++)
		if (in->v[i].fd >= 0 && eio_listen_is_at(in->v[i].fd, address)) {
			*held = !was_ours(&in->v[i]);
			return give_away(&in->v[i]);
		}
	/* Where it is bound is the manager's affair then. */
	for (size_t i = 0; i < in->n; i++)
		if (in->v[i].fd >= 0 && strcmp(in->v[i].name, name) == 0 && eio_listen_is_open(in->v[i].fd))
			return give_away(&in->v[i]);
	return -1;
}

int
inherited_take(struct inherited *in, const char *name)
{
	for (size_t i = 0; i < in->n; i++)
		if (in->v[i].fd >= 0 && strcmp(in->v[i].name, name) == 0) return give_away(&in->v[i]);
	return -1;
}

/* Of a Unix socket that this program made, and that no address of it has any more, nobody else would remove the
 * file. */
static void
remove_file_of(const struct inherited_fd *one)
{
	struct sockaddr_un a;

	if (was_ours(one) && name_of_file(one->fd, &a)) unlink(a.sun_path);
}

void
inherited_close(struct inherited *in)
{
	for (size_t i = 0; i < in->n; i++) {
		struct inherited_fd *one = &in->v[i];

		if (one->fd >= 0) {
			remove_file_of(one);
			log_warn("event=descriptor-unused fd=%d name=\"%s\" port=%u hint=\"no address of listen or "
				 "admin is the one of this socket, nor has it the name of one\"",
				one->fd, LOG_ESCAPE(eio_cstr(one->name)), eio_listen_port(one->fd));
			close(one->fd);
			one->fd = -1;
		}
	}
	inherited_discard(in);
}

void
inherited_discard(struct inherited *in)
{
	for (size_t i = 0; i < in->n; i++) {
		if (in->v[i].fd >= 0) close(in->v[i].fd);
		free(in->v[i].name);
	}
	free(in->v);
	*in = (struct inherited){ .n = 0 };
}
