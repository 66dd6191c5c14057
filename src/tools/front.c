/* SPDX-License-Identifier: MIT */
/* Values of a configuration in texts. */
#include "src/tools/front.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SPARE_S = 15, KEEP_SPARE_S = 5 };

/* What speaks TLS itself needs no proxy, but may have one. */
static const struct config_listen *
plain_listener(const struct config *c)
{
	for (size_t i = 0; i < c->n_listen; i++)
		if (!c->listen[i].tls) return &c->listen[i];
	return &c->listen[0];
}

void
front_of(const struct config *c, struct front *out)
{
	struct eio_server_options server = { .index = 0 };
	const struct config_listen *l = plain_listener(c);
	bool any = l->host && (strcmp(l->host, "0.0.0.0") == 0 || strcmp(l->host, "::") == 0);
	const char *host = any ? "127.0.0.1" : l->host;

	config_fill_server(c, &server);
	*out = (struct front){
		.config = c,
		.path = l->path,
		.port = l->port,
		.admin_port = c->admin && c->admin->host ? c->admin->port : 0,
		.idle_s = (unsigned)((server.ping_interval + server.ping_timeout + 999) / 1000) + SPARE_S,
		.keep_alive_s = c->limits.keep_alive_seconds,
		.body_bytes = server.max_payload,
		.drain_s = c->drain_seconds,
	};
	if (out->keep_alive_s > KEEP_SPARE_S) out->keep_alive_s -= KEEP_SPARE_S;
	if (l->path)
		snprintf(out->upstream, sizeof out->upstream, "unix:%s", l->path);
	else
		snprintf(out->upstream, sizeof out->upstream, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, l->port);
}

static void
write_front_number(struct eio_buf *out, uint64_t n)
{
	eio_buf_append_u64(out, n);
}

static void
write_file(const struct front *f, struct eio_buf *out)
{
	char whole[PATH_MAX];

	if (!f->config->file)
		EIO_BUF_ADD_LIT(out, "/etc/siocast.json");
	else
		eio_buf_add(out, eio_cstr(realpath(f->config->file, whole) ? whole : f->config->file));
}

static void
write_program(struct eio_buf *out)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path);

	eio_buf_add(out, n > 0 ? eio_bytes(path, (size_t)n) : EIO_LIT("/usr/local/sbin/siocast"));
}

static bool
is_front_name(struct eio_bytes name, const char *text)
{
	return eio_bytes_eq(name, eio_cstr(text));
}

static void
write_named(const struct front *f, struct eio_bytes name, struct eio_buf *out)
{
	if (is_front_name(name, "UPSTREAM")) eio_buf_add(out, eio_cstr(f->upstream));
	if (is_front_name(name, "PORT")) write_front_number(out, f->port);
	if (is_front_name(name, "ADMIN")) write_front_number(out, f->admin_port);
	if (is_front_name(name, "PATH")) eio_buf_add(out, eio_cstr(f->config->path));
	if (is_front_name(name, "IDLE")) write_front_number(out, f->idle_s);
	if (is_front_name(name, "TUNNEL")) write_front_number(out, f->idle_s * 3 / 2);
	if (is_front_name(name, "KEEP")) write_front_number(out, f->keep_alive_s);
	if (is_front_name(name, "BODY")) write_front_number(out, f->body_bytes);
	if (is_front_name(name, "DRAIN")) write_front_number(out, f->drain_s + 10);
	if (is_front_name(name, "STOP")) write_front_number(out, f->drain_s + 30);
	if (is_front_name(name, "BOUNDING") && f->port && f->port < 1024) EIO_BUF_ADD_LIT(out, "CAP_NET_BIND_SERVICE");
	if (is_front_name(name, "FILE")) write_file(f, out);
	if (is_front_name(name, "PROGRAM")) write_program(out);
}

static void
write_node(const struct front *f, struct eio_bytes name, struct eio_buf *out)
{
	const char *colon = f->address ? strrchr(f->address, ':') : NULL;
	bool brackets = f->address && *f->address == '[';

	if (f->node && is_front_name(name, "NODE")) eio_buf_add(out, eio_cstr(f->node));
	if (f->node && is_front_name(name, "MARK")) eio_buf_addc(out, eio_node_mark(eio_cstr(f->node)));
	if (!colon) return;
	if (is_front_name(name, "ADDRESS")) eio_buf_add(out, eio_cstr(f->address));
	if (is_front_name(name, "HOSTPORT")) eio_buf_add(out, eio_cstr(colon + 1));
	if (is_front_name(name, "HOST"))
		eio_buf_append(out, f->address + brackets, (size_t)(colon - f->address) - 2 * brackets);
}

void
front_write(const struct front *f, const char *text, struct eio_buf *out)
{
	const char *at, *end;

	while ((at = strchr(text, '@')) && (end = strchr(at + 1, '@'))) {
		eio_buf_append(out, text, (size_t)(at - text));
		write_named(f, eio_bytes(at + 1, (size_t)(end - at) - 1), out);
		write_node(f, eio_bytes(at + 1, (size_t)(end - at) - 1), out);
		text = end + 1;
	}
	eio_buf_add(out, eio_cstr(text));
}
