/* SPDX-License-Identifier: MIT */
/* Listening on the same addresses with several workers. */
#include "src/worker/listeners.h"

#include "eio/net/httpd.h"
#include "src/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int
listen_first(const struct config_listen *l)
{
	int err = eio_listen_check(l->text);

	return err ? err : eio_listen(l->text);
}

/* "host:port" with the port of the first worker's socket, when the configured one is 0: all must share it. A Unix
 * socket can be bound once only: the others get a copy of it. */
static int
listen_again(const struct config_listen *l, int first)
{
	char address[300];
	int copy;

	if (l->path) {
		copy = dup(first);
		return copy < 0 ? -errno : copy;
	}
	if (l->port) return eio_listen(l->text);
	snprintf(address, sizeof address, strchr(l->host, ':') ? "[%s]:%u" : "%s:%u", l->host, eio_listen_port(first));
	return eio_listen(address);
}

int
listeners_open(const struct config *c, const int *first, int *fds)
{
	for (size_t i = 0; i < c->n_listen; i++) {
		const struct config_listen *l = &c->listen[i];

		fds[i] = first ? listen_again(l, first[i]) : listen_first(l);
		if (fds[i] >= 0) continue;
		log_error_errno(fds[i], "event=listen-failed address=%s", l->text);
		return -1;
	}
	return 0;
}
