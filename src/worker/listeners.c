/* SPDX-License-Identifier: MIT */
/* Listening on the same addresses with several workers. */
#include "src/worker/listeners.h"

#include "eio/net/httpd.h"
#include "src/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int
listen_first(const struct config_listen *l)
{
	int err = eio_listen_check(l->text);

	return err ? err : eio_listen(l->text);
}

static int
copy_of(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	return copy < 0 ? -errno : copy;
}

/* "host:port" with the port of the first worker's socket, when the configured one is 0: all must share it. A Unix
 * socket can be bound once only: the others get a copy of it. */
static int
listen_again(const struct config_listen *l, int first)
{
	char address[300];

	if (l->path) return copy_of(first);
	if (l->port) return eio_listen(l->text);
	snprintf(address, sizeof address, strchr(l->host, ':') ? "[%s]:%u" : "%s:%u", l->host, eio_listen_port(first));
	return eio_listen(address);
}

/* False when memory is out; then it is closed. */
static bool
add_listening(struct listeners *all, struct listening one)
{
	struct listening *v = realloc(all->v, (all->n + 1) * sizeof *v);

	if (!v) {
		close(one.fd);
		return false;
	}
	all->v = v;
	v[all->n++] = one;
	return true;
}

/* A descriptor, or -errno. */
static int
add_opened(struct listeners *all, int fd, unsigned worker, size_t address, bool held)
{
	const struct listening one = { fd, worker, address, held };

	if (fd < 0) return fd;
	return add_listening(all, one) ? fd : -ENOMEM;
}

static int
open_own(const struct config *c, size_t address, struct listeners *all)
{
	const struct config_listen *l = &c->listen[address];
	int first = add_opened(all, listen_first(l), 0, address, false), fd = first;

	for (unsigned w = 1; w < c->workers && fd >= 0; w++)
		fd = add_opened(all, listen_again(l, first), w, address, false);
	return fd;
}

/* Each worker has one at least, and each socket somebody. */
static int
share_inherited(const struct config *c, size_t address, const int *fds, size_t n, bool held, struct listeners *all)
{
	int fd = 0;

	for (size_t i = 0; i < n && fd >= 0; i++)
		fd = add_opened(all, fds[i], (unsigned)(i % c->workers), address, held);
	for (size_t w = n; w < c->workers && fd >= 0; w++)
		fd = add_opened(all, copy_of(fds[w % n]), (unsigned)w, address, held);
	return fd;
}

/* All that are meant for it: the number, or -1 when out of memory. */
static ssize_t
take_inherited(struct inherited *in, const char *text, size_t address, int **fds, bool *held)
{
	char name[32] = "listen";
	ssize_t n = 0;
	bool one_held;
	int fd, *more;

	*held = false;

	if (address) snprintf(name, sizeof name, "listen-%zu", address);
	while ((fd = inherited_take_listening(in, text, name, &one_held)) >= 0) {
		more = realloc(*fds, (size_t)(n + 1) * sizeof **fds);
		if (!more) return -1;
		*fds = more;
		more[n++] = fd;
		*held |= one_held;
	}
	return n;
}

static int
open_address(const struct config *c, struct inherited *in, size_t address, struct listeners *all)
{
	int *fds = NULL, fd = -ENOMEM;
	bool held;
	ssize_t n = take_inherited(in, c->listen[address].text, address, &fds, &held);

	if (n == 0) fd = open_own(c, address, all);
	if (n > 0) fd = share_inherited(c, address, fds, (size_t)n, held, all);
	if (fd >= 0)
		log_info("event=listening address=%s port=%u%s", c->listen[address].text,
			eio_listen_port(listeners_of(all, address)->fd), n > 0 ? " inherited=1" : "");
	else
		log_error_errno(fd, "event=listen-failed address=%s", c->listen[address].text);
	free(fds);
	return fd < 0 ? -1 : 0;
}

int
listeners_open(const struct config *c, struct inherited *in, struct listeners *out)
{
	*out = (struct listeners){ .n = 0 };
	for (size_t i = 0; i < c->n_listen; i++)
		if (open_address(c, in, i, out)) return -1;
	return 0;
}

const struct listening *
listeners_of(const struct listeners *all, size_t address)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].address == address) return &all->v[i];
	return NULL;
}

void
listeners_remove_files(const struct listeners *all, const struct config *c)
{
	for (size_t i = 0; i < c->n_listen; i++)
		if (c->listen[i].path && !listeners_of(all, i)->held) unlink(c->listen[i].path);
}

void
listeners_deinit(struct listeners *all)
{
	free(all->v);
	*all = (struct listeners){ .n = 0 };
}
