/* SPDX-License-Identifier: MIT */
/* A door for each address; certificates are read anew where they are another file than before. */
#include "src/worker/doors.h"

#include "eio/check.h"
#include "src/base/log.h"

#include <stdlib.h>
#include <string.h>

enum { DOORS_MAGIC = 0xd0045 };

struct doors {
	unsigned magic; /* DOORS_MAGIC */
	const struct config *config;
	uv_timer_t timer;
	struct eio_httpd_door v[]; /* as many as addresses */
};

/* Reads the certificates of one anew. */
static int
reread_door(struct doors *d, size_t i)
{
	const char *address = d->config->listen[i].text;
	struct eio_tls_fault fault;

	if (eio_tls_server_reread(d->v[i].tls, &fault)) {
		log_error("event=certificates-not-read address=%s error=\"%s\" hint=\"the old ones stay\"", address,
			LOG_ESCAPE(eio_cstr(fault.text)));
		return -1;
	}
	log_info("event=certificates-read address=%s", address);
	return 0;
}

static void
on_look_at_doors(uv_timer_t *timer)
{
	struct doors *d = timer->data;

	CHECK_MAGIC(d, DOORS_MAGIC);
	for (size_t i = 0; i < d->config->n_listen; i++)
		if (d->v[i].tls && eio_tls_server_changed(d->v[i].tls)) reread_door(d, i);
}

int
doors_reread(struct doors *d)
{
	int rc = 0;

	CHECK_MAGIC(d, DOORS_MAGIC);
	for (size_t i = 0; i < d->config->n_listen; i++)
		if (d->v[i].tls && reread_door(d, i)) rc = -1;
	return rc;
}

static int
open_door(const struct config_listen *l, struct eio_httpd_door *out)
{
	struct eio_tls_fault fault;

	*out = (struct eio_httpd_door){ .headers = l->headers, .redirect = l->redirect, .proxied = l->proxied };
	if (!l->tls) return 0;
	out->tls = eio_tls_server_new(l->tls, &fault);
	if (out->tls) return 0;
	log_error("event=tls-failed address=%s error=\"%s\"", l->text, LOG_ESCAPE(eio_cstr(fault.text)));
	return -1;
}

struct doors *
doors_new(const struct config *c, uv_loop_t *loop)
{
	struct doors *d = calloc(1, sizeof *d + c->n_listen * sizeof *d->v);

	if (!d) {
		log_error("event=tls-failed error=\"out of memory\"");
		return NULL;
	}
	d->magic = DOORS_MAGIC;
	d->config = c;
	uv_timer_init(loop, &d->timer);
	d->timer.data = d;
	for (size_t i = 0; i < c->n_listen; i++) {
		if (open_door(&c->listen[i], &d->v[i])) return NULL;
		if (d->v[i].tls) uv_timer_start(&d->timer, on_look_at_doors, DOORS_LOOK_MS, DOORS_LOOK_MS);
	}
	return d;
}

void
doors_stop(struct doors *d)
{
	CHECK_MAGIC(d, DOORS_MAGIC);
	uv_close((uv_handle_t *)&d->timer, NULL);
}

void
doors_free(struct doors *d)
{
	if (!d) return;
	CHECK_MAGIC(d, DOORS_MAGIC);
	for (size_t i = 0; i < d->config->n_listen; i++) eio_tls_server_free(d->v[i].tls);
	d->magic = 0;
	free(d);
}

const struct eio_httpd_door *
doors_at(const struct doors *d, size_t i)
{
	const struct eio_httpd_door *door = &d->v[i];

	return door->tls || door->redirect || door->headers || door->proxied ? door : NULL;
}

const char *
doors_address(const struct doors *d, const struct eio_httpd_door *door)
{
	return door ? d->config->listen[door - d->v].text : "";
}

bool
doors_find(const struct doors *d, const char *address, const struct eio_httpd_door **door)
{
	*door = NULL;
	if (!*address) return true;
	for (size_t i = 0; i < d->config->n_listen; i++) {
		if (strcmp(d->config->listen[i].text, address) != 0) continue;
		*door = doors_at(d, i);
		return true;
	}
	return false;
}
