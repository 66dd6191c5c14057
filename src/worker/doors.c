/* SPDX-License-Identifier: MIT */
/* A door for each address; certificates are read anew where they are another file than before. */
#include "src/worker/doors.h"

#include "eio/check.h"
#include "src/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DOORS_MAGIC = 0xd0045 };

/* All zero: nothing is particular about it. */
struct door {
	char *text; /* owned: the address, for the log */
	struct eio_tls_server *tls; /* a reference, as the door has one, or NULL */
	struct eio_httpd_door *at; /* a reference, or NULL */
	struct eio_httpd_door_options said; /* what it was made of; the strings are owned, the TLS is not here */
};

struct doors {
	unsigned magic; /* DOORS_MAGIC */
	uv_timer_t timer;
	struct door_set set;
};

/* Reads the certificates of one anew. */
static int
reread_door(const struct door *door)
{
	struct eio_tls_fault fault;

	if (eio_tls_server_reread(door->tls, &fault)) {
		log_error("event=certificates-not-read address=%s error=\"%s\" hint=\"the old ones stay\"", door->text,
			LOG_ESCAPE(eio_cstr(fault.text)));
		return -1;
	}
	log_info("event=certificates-read address=%s", door->text);
	return 0;
}

static void
on_look_at_doors(uv_timer_t *timer)
{
	struct doors *d = timer->data;

	CHECK_MAGIC(d, DOORS_MAGIC);
	for (size_t i = 0; i < d->set.n; i++)
		if (d->set.v[i].tls && eio_tls_server_changed(d->set.v[i].tls)) reread_door(&d->set.v[i]);
}

int
doors_reread(struct doors *d)
{
	int rc = 0;

	CHECK_MAGIC(d, DOORS_MAGIC);
	for (size_t i = 0; i < d->set.n; i++)
		if (d->set.v[i].tls && reread_door(&d->set.v[i])) rc = -1;
	return rc;
}

/* Making */

static void
free_door(struct door *door)
{
	eio_tls_server_unref(door->tls);
	eio_httpd_door_unref(door->at);
	free(door->text);
	free((void *)(uintptr_t)door->said.headers);
	free((void *)(uintptr_t)door->said.redirect);
	*door = (struct door){ 0 };
}

static bool
copy_said(const char *text, const char **out)
{
	*out = text ? strdup(text) : NULL;
	return !text || *out;
}

/* False when memory is out. */
static bool
fill_door(const struct config_listen *l, struct door *out)
{
	struct eio_httpd_door_options o = {
		.name = l->text,
		.tls = out->tls,
		.headers = l->headers,
		.redirect = l->redirect,
		.proxied = l->proxied,
	};

	out->said.proxied = l->proxied;
	out->text = strdup(l->text);
	if (!out->text || !copy_said(l->headers, &out->said.headers) || !copy_said(l->redirect, &out->said.redirect))
		return false;
	if (!o.tls && !o.headers && !o.redirect && !o.proxied) return true;
	out->at = eio_httpd_door_new(&o);
	return out->at != NULL;
}

/* tls: a server that is the one that the address wants; NULL: it is made. 0, or -1 and the fault. */
static int
open_door(const struct config_listen *l, struct eio_tls_server *tls, struct door *out, struct eio_tls_fault *fault)
{
	*out = (struct door){ 0 };
	if (l->tls) out->tls = tls ? eio_tls_server_ref(tls) : eio_tls_server_new(l->tls, fault);
	if (l->tls && !out->tls) return -1;
	if (fill_door(l, out)) return 0;
	*fault = (struct eio_tls_fault){ .part = EIO_TLS_MEMORY, .text = "out of memory" };
	free_door(out);
	return -1;
}

/* Where there are some. */
static void
watch_files(struct doors *d)
{
	bool any = false;

	for (size_t i = 0; i < d->set.n; i++) any |= d->set.v[i].tls != NULL;
	if (any)
		uv_timer_start(&d->timer, on_look_at_doors, DOORS_LOOK_MS, DOORS_LOOK_MS);
	else
		uv_timer_stop(&d->timer);
}

struct doors *
doors_new(const struct config *c, uv_loop_t *loop)
{
	struct doors *d = calloc(1, sizeof *d);
	struct eio_tls_fault fault;

	if (d) d->set.v = calloc(c->n_listen, sizeof *d->set.v);
	if (!d || !d->set.v) {
		log_error("event=tls-failed error=\"out of memory\"");
		free(d);
		return NULL;
	}
	d->magic = DOORS_MAGIC;
	uv_timer_init(loop, &d->timer);
	d->timer.data = d;
	for (; d->set.n < c->n_listen; d->set.n++) {
		const struct config_listen *l = &c->listen[d->set.n];

		if (open_door(l, NULL, &d->set.v[d->set.n], &fault) == 0) continue;
		log_error("event=tls-failed address=%s error=\"%s\"", l->text, LOG_ESCAPE(eio_cstr(fault.text)));
		return NULL;
	}
	watch_files(d);
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
	door_set_free(&d->set);
	d->magic = 0;
	free(d);
}

struct eio_httpd_door *
doors_at(const struct doors *d, size_t i)
{
	return door_set_at(&d->set, i);
}

bool
doors_find(const struct doors *d, const char *address, struct eio_httpd_door **door)
{
	*door = NULL;
	if (!*address) return true;
	for (size_t i = 0; i < d->set.n; i++) {
		if (strcmp(d->set.v[i].text, address) != 0) continue;
		*door = doors_at(d, i);
		return true;
	}
	return false;
}

/* Another configuration */

static bool
is_same_said(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Whether a door is what another configuration says of its address, whose TLS it has. */
static bool
is_same_door(const struct door *door, const struct config_listen *l)
{
	return !door->tls == !l->tls && door->said.proxied == l->proxied &&
	       is_same_said(door->said.headers, l->headers) && is_same_said(door->said.redirect, l->redirect);
}

/* The same door, if it is. before: that of this address, or NULL. other: it is another one. */
static int
make_door(const struct door *before, const struct config_listen *l, struct door *out, bool *other,
	struct eio_tls_fault *fault)
{
	struct eio_tls_server *tls = NULL;

	if (before && before->tls && l->tls && eio_tls_server_is_of(before->tls, l->tls)) tls = before->tls;
	if (open_door(l, tls, out, fault)) return -1;
	*other = before && (out->tls != before->tls || !is_same_door(before, l));
	/* In other words it is the same, but has another name. */
	if (!before || *other || strcmp(before->text, l->text) != 0) return 0;
	eio_httpd_door_unref(out->at);
	out->at = eio_httpd_door_ref(before->at);
	return 0;
}

int
door_set_make(const struct doors *d, const struct config *next, const struct listeners *listeners, struct door_set *out,
	char *why)
{
	struct eio_tls_fault fault = { .text = "out of memory" };

	*out = (struct door_set){ .v = calloc(next->n_listen, sizeof *out->v) };
	for (; out->v && out->n < next->n_listen; out->n++) {
		const struct listen_address *a = &listeners->addresses[out->n];
		const struct config_listen *l = &next->listen[out->n];
		bool other;

		if (make_door(a->kept ? &d->set.v[a->before] : NULL, l, &out->v[out->n], &other, &fault)) break;
		out->others += other;
	}
	if (out->v && out->n == next->n_listen) return 0;
	snprintf(why, LISTENERS_WHY_MAX, "listen: \"%s\": %s", next->listen[out->n].text, fault.text);
	door_set_free(out);
	return -1;
}

struct eio_httpd_door *
door_set_at(const struct door_set *set, size_t i)
{
	return set->v[i].at;
}

void
door_set_free(struct door_set *set)
{
	for (size_t i = 0; i < set->n; i++) free_door(&set->v[i]);
	free(set->v);
	*set = (struct door_set){ .n = 0 };
}

void
doors_replace(struct doors *d, struct door_set *set)
{
	CHECK_MAGIC(d, DOORS_MAGIC);
	door_set_free(&d->set);
	d->set = *set;
	*set = (struct door_set){ .n = 0 };
	watch_files(d);
}
