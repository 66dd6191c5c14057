/* SPDX-License-Identifier: MIT */
/* Doors, and answers of listeners to who came to the wrong one. */
#include "eio/net/door.h"

#include "eio/check.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { DOOR_MAGIC = 0xd0042 };

/* False when memory is out. */
static bool
copy_door_text(const char *text, char **out)
{
	if (text) *out = strdup(text);
	return !text || *out;
}

struct eio_httpd_door *
eio_httpd_door_new(const struct eio_httpd_door_options *options)
{
	struct eio_httpd_door *d = calloc(1, sizeof *d);

	if (!d) return NULL;
	d->magic = DOOR_MAGIC;
	atomic_init(&d->refs, 1);
	d->proxied = options->proxied;
	if (options->tls) d->tls = eio_tls_server_ref(options->tls);
	if (copy_door_text(options->name, &d->name) && copy_door_text(options->headers, &d->headers) &&
		copy_door_text(options->redirect, &d->redirect))
		return d;
	eio_httpd_door_unref(d);
	return NULL;
}

struct eio_httpd_door *
eio_httpd_door_ref(struct eio_httpd_door *d)
{
	if (!d) return NULL;
	CHECK_MAGIC(d, DOOR_MAGIC);
	atomic_fetch_add_explicit(&d->refs, 1, memory_order_relaxed);
	return d;
}

void
eio_httpd_door_unref(struct eio_httpd_door *d)
{
	if (!d) return;
	CHECK_MAGIC(d, DOOR_MAGIC);
	if (atomic_fetch_sub_explicit(&d->refs, 1, memory_order_acq_rel) > 1) return;
	eio_tls_server_unref(d->tls);
	free(d->name);
	free(d->headers);
	free(d->redirect);
	d->magic = 0;
	free(d);
}

const char *
eio_httpd_door_name(const struct eio_httpd_door *d)
{
	return d && d->name ? d->name : "";
}

void
eio__refuse_plain(int fd)
{
	static const char answer[] = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\n"
				     "Content-Length: 44\r\n\r\nThis port speaks TLS: the address is https:\n";
	char junk[4096];

	if (send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL | MSG_DONTWAIT) > 0) shutdown(fd, SHUT_WR);
	/* What is still unread would turn the close into a reset, and the client might lose the answer. */
	while (recv(fd, junk, sizeof junk, MSG_DONTWAIT) > 0) continue;
}

/* A host without its port: "example.com:80", "[::1]:80". */
static struct eio_bytes
host_alone(struct eio_bytes host)
{
	size_t n = host.n;

	while (n && host.p[n - 1] >= '0' && host.p[n - 1] <= '9') n--;
	if (n && host.p[n - 1] == ':') host.n = n - 1;
	return host;
}

struct eio_response
eio__redirect_response(const struct eio_httpd_door *door, const struct eio_request *req)
{
	static const char request_host[] = "https:";
	bool safe = req->method == EIO_HTTP_GET || req->method == EIO_HTTP_HEAD;
	struct eio_response r = { .status = safe ? 301 : 308 };
	struct eio_bytes host = host_alone(eio_request_header(req, EIO_LIT("host")));
	bool by_host = eio_bytes_eq(eio_cstr(door->redirect), EIO_LIT(request_host));
	struct eio_buf out;

	if (by_host && host.n == 0) return (struct eio_response){ .status = 400, .close = true };
	eio_buf_init(&out);
	EIO_BUF_ADD_LIT(&out, "Location: ");
	eio_buf_add(&out, eio_cstr(door->redirect));
	if (by_host) EIO_BUF_ADD_LIT(&out, "//");
	if (by_host) eio_buf_add(&out, host);
	eio_buf_add(&out, req->target);
	EIO_BUF_ADD_LIT(&out, "\r\n");
	r.headers = eio_block_of_buf(&out);
	if (!r.headers) r.status = 500;
	return r;
}
