/* SPDX-License-Identifier: MIT */
/* Reaching a server. However it ends, it ends on the loop, never inside of redis_dial_start. */
#include "src/redis/dial.h"

#include "eio/check.h"

#include <stdio.h>
#include <stdlib.h>

#define REDIS_DIAL_MAGIC 0x4ed1d1a1

struct redis_dial {
	unsigned magic;
	uv_loop_t *loop;
	struct redis_url url; /* owned */
	redis_dialed_fn done; /* NULL once it is over */
	void *user;
	uv_timer_t timer; /* how long it may take; and how a failure gets onto the loop */
	bool timer_closed;
	uv_getaddrinfo_t lookup;
	bool looks_up; /* lookup is under way */
	struct addrinfo *addresses, *next; /* of the host's name, while they are tried one by one */
	struct redis_socket *socket; /* that is being connected, or NULL */
	bool failed; /* none is left */
	char why[256]; /* and that is the reason */
};

static void on_dial_timer(uv_timer_t *t);

static void
free_dial_if_over(struct redis_dial *d)
{
	if (!d->timer_closed || d->looks_up) return;
	redis_url_deinit(&d->url);
	d->magic = 0;
	free(d);
}

static void
on_dial_timer_closed(uv_handle_t *h)
{
	struct redis_dial *d = h->data;

	CHECK_MAGIC(d, REDIS_DIAL_MAGIC);
	d->timer_closed = true;
	free_dial_if_over(d);
}

void
redis_dial_cancel(struct redis_dial *d)
{
	CHECK(d->done);
	d->done = NULL;
	if (d->socket) redis_socket_close(d->socket);
	if (d->looks_up) uv_cancel((uv_req_t *)&d->lookup); /* its callback comes in any case */
	if (d->addresses) uv_freeaddrinfo(d->addresses);
	uv_close((uv_handle_t *)&d->timer, on_dial_timer_closed);
}

static void
end_dial(struct redis_dial *d, struct redis_socket *s, const char *why)
{
	redis_dialed_fn done = d->done;
	void *user = d->user;

	redis_dial_cancel(d);
	done(user, s, why);
}

/* Addresses */

static void dial_next(struct redis_dial *d);

/* This address, or the look-up, failed. */
static void
fail_dial(struct redis_dial *d, const char *why)
{
	snprintf(d->why, sizeof d->why, "%s", why); /* the socket may take it along */
	if (d->socket) redis_socket_close(d->socket);
	d->socket = NULL;
	if (d->next) {
		dial_next(d);
		return;
	}
	d->failed = true;
	uv_timer_start(&d->timer, on_dial_timer, 0, 0);
}

static void
on_dial_connected(void *user, const char *why)
{
	struct redis_dial *d = user;
	struct redis_socket *s;

	CHECK_MAGIC(d, REDIS_DIAL_MAGIC);
	if (why) {
		fail_dial(d, why);
		return;
	}
	s = d->socket;
	d->socket = NULL;
	end_dial(d, s, NULL);
}

/* address: NULL for a unix socket. */
static void
dial_address(struct redis_dial *d, const struct sockaddr *address)
{
	static const struct redis_socket_events events = { .connected = on_dial_connected };
	const char *why = "out of memory";

	uv_timer_start(&d->timer, on_dial_timer, REDIS_CONNECT_MS, 0);
	d->socket = redis_socket_new(d->loop, &events, d);
	if (d->socket) why = d->url.tls ? redis_socket_encrypt(d->socket, d->url.tls) : NULL;
	if (!why)
		why = address ? redis_socket_connect(d->socket, address)
			      : redis_socket_connect_unix(d->socket, d->url.path);
	if (why) fail_dial(d, why);
}

static void
dial_next(struct redis_dial *d)
{
	struct addrinfo *a = d->next;

	d->next = a->ai_next;
	dial_address(d, a->ai_addr);
}

/* Names */

static void
on_looked_up(uv_getaddrinfo_t *req, int status, struct addrinfo *addresses)
{
	struct redis_dial *d = req->data;

	CHECK_MAGIC(d, REDIS_DIAL_MAGIC);
	d->looks_up = false;
	if (!d->done) {
		uv_freeaddrinfo(addresses);
		free_dial_if_over(d);
	} else if (status < 0) {
		fail_dial(d, uv_strerror(status));
	} else {
		d->addresses = d->next = addresses;
		dial_next(d);
	}
}

static void
look_up(struct redis_dial *d)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	char port[16];
	int err;

	snprintf(port, sizeof port, "%u", d->url.port);
	d->lookup.data = d;
	uv_timer_start(&d->timer, on_dial_timer, REDIS_CONNECT_MS, 0);
	err = uv_getaddrinfo(d->loop, &d->lookup, on_looked_up, d->url.host, port, &hints);
	d->looks_up = err == 0;
	if (err) fail_dial(d, uv_strerror(err));
}

static void
on_dial_timer(uv_timer_t *t)
{
	struct redis_dial *d = t->data;

	CHECK_MAGIC(d, REDIS_DIAL_MAGIC);
	if (d->failed || d->looks_up)
		end_dial(d, NULL, d->failed ? d->why : "timed out");
	else
		fail_dial(d, redis_socket_shakes_hands(d->socket)
				     ? "no answer to the TLS handshake; does it speak TLS on this port?"
				     : "timed out");
}

struct redis_dial *
redis_dial_start(uv_loop_t *loop, const struct redis_url *url, redis_dialed_fn done, void *user)
{
	struct redis_dial *d = calloc(1, sizeof *d);
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	CHECK(!url->is_tls || url->tls);
	if (!d) return NULL;
	if (redis_url_copy(url, &d->url) < 0) {
		free(d);
		return NULL;
	}
	d->magic = REDIS_DIAL_MAGIC;
	d->loop = loop;
	d->done = done;
	d->user = user;
	uv_timer_init(loop, &d->timer); /* cannot fail */
	d->timer.data = d;
	if (url->path)
		dial_address(d, NULL);
	else if (uv_ip4_addr(url->host, (int)url->port, &v4) == 0)
		dial_address(d, (const struct sockaddr *)&v4);
	else if (uv_ip6_addr(url->host, (int)url->port, &v6) == 0)
		dial_address(d, (const struct sockaddr *)&v6);
	else
		look_up(d);
	return d;
}
