/* SPDX-License-Identifier: MIT */
/* Questions to the admin port. */
#include "src/tools/ask.h"

#include "sio/json.h"
#include "src/admin/rooms.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The address by which to reach what listens on all of them. */
static void
write_admin_url(const struct config_listen *l, const char *path, struct eio_buf *out)
{
	const char *host = l->host;

	if (l->path) host = "localhost";
	if (strcmp(host, "0.0.0.0") == 0) host = "127.0.0.1";
	if (strcmp(host, "::") == 0) host = "::1";
	eio_buf_printf(out, strchr(host, ':') ? "http://[%s]" : "http://%s", host);
	if (!l->path) eio_buf_printf(out, ":%u", l->port);
	eio_buf_add(out, eio_cstr(path));
	eio_buf_addc(out, '\0');
}

int
ask_admin(const struct config *c, const char *path, unsigned timeout_ms, struct fetched *out)
{
	struct fetch f = { .timeout_ms = timeout_ms };
	struct eio_buf url = { 0 };
	int err = -1;

	*out = (struct fetched){ .status = 0 };
	if (!c->admin) {
		snprintf(out->why, sizeof out->why, "the configuration has no \"admin\"");
		return -1;
	}
	write_admin_url(c->admin, path, &url);
	f.url = url.p;
	f.socket = c->admin->path;
	if (eio_buf_failed(&url))
		snprintf(out->why, sizeof out->why, "out of memory");
	else
		err = fetch(&f, out);
	eio_buf_deinit(&url);
	return err;
}

/* As a part of a query. */
static void
write_encoded(struct eio_buf *out, struct eio_bytes s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (isalnum(c) || strchr("-._~", c))
			eio_buf_addc(out, (char)c);
		else
			eio_buf_printf(out, "%%%02X", c);
	}
}

uint64_t
ask_number(struct eio_bytes json, const char *pointer)
{
	struct eio_bytes value;
	char digits[24];

	if (!sio_json_find(json, eio_cstr(pointer), &value) || value.n >= sizeof digits) return 0;
	memcpy(digits, value.p, value.n);
	digits[value.n] = '\0';
	return strtoull(digits, NULL, 10);
}

static bool
ask_flag(struct eio_bytes json, const char *pointer)
{
	struct eio_bytes value;

	return sio_json_find(json, eio_cstr(pointer), &value) && eio_bytes_eq(value, EIO_LIT("true"));
}

static void
add_asked(struct eio_bytes json, size_t n_rooms, struct asked *out)
{
	char clients[64] = "/clients", edges[64] = "/edges";

	for (size_t i = 0; i < (n_rooms ? n_rooms : 1); i++) {
		if (n_rooms) {
			snprintf(clients, sizeof clients, "/rooms/%zu/clients", i);
			snprintf(edges, sizeof edges, "/rooms/%zu/edges", i);
		}
		out->clients += ask_number(json, clients);
		out->edges |= ask_flag(json, edges);
	}
}

size_t
ask_rooms_path(struct eio_bytes nsp, const struct eio_bytes *rooms, size_t n, size_t most, struct eio_buf *out)
{
	size_t i, whole;

	EIO_BUF_ADD_LIT(out, "/rooms?namespace=");
	write_encoded(out, nsp);
	for (i = 0; i < n && i < ADMIN_ROOMS; i++) {
		whole = out->n;
		EIO_BUF_ADD_LIT(out, "&room=");
		write_encoded(out, rooms[i]);
		if (i == 0 || out->n <= most) continue;
		out->n = whole;
		break;
	}
	eio_buf_addc(out, '\0');
	return i;
}

/* Of the first rooms as many as one question may have; how many that are is taken off *n. */
static const char *
ask_some(const struct config *c, struct eio_bytes nsp, const struct eio_bytes *rooms, size_t *n, struct asked *out)
{
	struct eio_buf path = { 0 };
	struct fetched answer = { .status = 0 };
	/* The other half is for what else stands in the head of a request. */
	size_t asked = ask_rooms_path(nsp, rooms, *n, c->limits.header_bytes / 2, &path);
	const char *why = NULL;

	*n -= asked;
	if (eio_buf_failed(&path))
		why = "out of memory";
	else if (ask_admin(c, path.p, ASK_TIMEOUT_MS, &answer))
		why = "no siocast answers on the admin port";
	else if (answer.status == 431)
		why = "the name is longer than the admin port takes: limits.headerBytes";
	else if (answer.status != 200 || sio_json_check(eio_buf_bytes(&answer.body)))
		why = "what answers on the admin port does not know";
	else
		add_asked(eio_buf_bytes(&answer.body), asked, out);
	fetched_free(&answer);
	eio_buf_deinit(&path);
	return why;
}

const char *
ask_rooms(const struct config *c, const struct audience *a, struct asked *out)
{
	size_t left = a->n_rooms;
	const char *why;

	*out = (struct asked){ .clients = 0 };
	if (!c->admin) return "there is no \"admin\" to ask";
	do {
		why = ask_some(c, a->nsp, a->rooms + (a->n_rooms - left), &left, out);
	} while (!why && left);
	return why;
}

void
write_asked_json(const struct asked *there, struct eio_buf *out)
{
	eio_buf_printf(out, ",\"clients\":%zu", there->clients);
	if (there->edges) EIO_BUF_ADD_LIT(out, ",\"edges\":true");
}
