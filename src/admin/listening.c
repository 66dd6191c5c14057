/* SPDX-License-Identifier: MIT */
/* The socket of the admin port, and the next one. */
#include "src/admin/listening.h"

#include "eio/check.h"
#include "src/base/log.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Ours, of a Unix socket. */
static void
remove_admin_file(const struct admin_socket *s)
{
	if (!s->inherited && strncmp(s->address, "unix:", 5) == 0) unlink(s->address + 5);
}

/* The descriptor is closed when that fails. */
static int
make_admin_socket(struct admin_socket *s, struct eio_httpd *h, const char *address, int fd, bool inherited)
{
	int err;

	if (fd < 0) return fd;
	*s = (struct admin_socket){ .fd = fd, .address = strdup(address), .inherited = inherited };
	if (!s->address) {
		close(fd);
		return UV_ENOMEM;
	}
	err = eio_httpd_listener_new(h, fd, NULL, &s->accepts);
	if (!err) return 0;
	remove_admin_file(s);
	free(s->address);
	*s = (struct admin_socket){ .fd = -1 };
	return err;
}

static void
tell_admin_listening(const struct admin_socket *s)
{
	log_info("event=listening admin=%s port=%u%s", s->address, eio_listen_port(s->fd),
		s->inherited ? " inherited=1" : "");
}

int
admin_listening_open(struct admin_listening *l, struct eio_httpd *h, const char *address, int inherited)
{
	int err = inherited < 0 ? eio_listen_check(address) : 0, fd = inherited;

	if (fd < 0) fd = err ? err : eio_listen(address);
	if (fd < 0) {
		log_error_errno(fd, "event=listen-failed admin=%s", address);
		return fd;
	}
	err = make_admin_socket(&l->now, h, address, fd, inherited >= 0);
	if (err) return err;
	eio_httpd_listener_begin(l->now.accepts);
	tell_admin_listening(&l->now);
	return 0;
}

int
admin_listening_prepare(struct admin_listening *l, struct eio_httpd *h, const char *address)
{
	int err;

	CHECK(!l->next.address);
	if (strcmp(l->now.address, address) == 0 || eio_listen_is_at(l->now.fd, address)) return 0;
	/* Its own socket is in the way of the check, not of another that shares the port until then. */
	err = eio_listen_overlaps(l->now.fd, address) ? 0 : eio_listen_check(address);
	return err ? err : make_admin_socket(&l->next, h, address, eio_listen(address), false);
}

static void
close_admin_socket(struct admin_socket *s)
{
	eio_httpd_listener_close(s->accepts);
	remove_admin_file(s);
	free(s->address);
	*s = (struct admin_socket){ .fd = -1 };
}

bool
admin_listening_take(struct admin_listening *l)
{
	if (!l->next.address) return false;
	eio_httpd_listener_begin(l->next.accepts);
	log_info("event=not-listening admin=%s", l->now.address);
	close_admin_socket(&l->now);
	l->now = l->next;
	l->next = (struct admin_socket){ .fd = -1 };
	tell_admin_listening(&l->now);
	return true;
}

void
admin_listening_forget(struct admin_listening *l)
{
	if (l->next.address) close_admin_socket(&l->next);
}

void
admin_listening_deinit(struct admin_listening *l)
{
	free(l->now.address);
	free(l->next.address);
}
