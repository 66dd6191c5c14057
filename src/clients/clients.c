/* SPDX-License-Identifier: MIT */
/*
 * Clients: their beginning, what their messages mean, their end. A client is one Engine.IO
 * session with its Socket.IO state; its end is always told by the session's close callback,
 * nowhere else is it freed.
 */
#include "src/clients/access.h"
#include "src/clients/acked.h"
#include "src/clients/actions.h"
#include "src/clients/admission.h"
#include "src/clients/behind.h"
#include "src/clients/clients_int.h"
#include "src/clients/lag.h"
#include "src/clients/renewal.h"
#include "src/clients/resume.h"
#include "src/clients/rooms.h"
#include "src/clients/sockets.h"
#include "src/clients/stowing.h"

#include <stdlib.h>

/* Messages */

static void
on_connect_event(struct client *c, const struct sio_event *ev)
{
	if (ev->socket)
		client_send(c, sio_client_connected(ev->socket));
	else
		admission_ask(&(struct admission){ .client = c, .nsp = ev->nsp, .auth = ev->auth, .query = ev->query });
}

/* What a socket's handlers waited for is there. */
static void
go_on(struct sio_socket *s)
{
	while (actions_go_on(s)) continue;
	sockets_after_run(s);
}

static enum client_reason
fault_of(int error)
{
	if (error == SIO_ERR_NOMEM) return CLIENT_REASON_NOMEM;
	CHECK(error < 0 && error >= -(int)SIO_ERROR_INDEX_LAST_FAULT);
	return (enum client_reason)(-error);
}

void
clients_message(void *user, struct eio_socket *eio, bool binary, struct eio_bytes data)
{
	struct client *c = client_of_session(eio);
	struct sio_event ev;
	int rc;

	(void)user;
	if (!c) return;
	rc = sio_client_recv(&c->sio, binary, data, &ev);
	if (rc < 0) {
		client_end(c, fault_of(rc));
		return;
	}
	switch (ev.type) {
	case SIO_EVENT_NONE: break;
	case SIO_EVENT_ACK: acked_take(c->clients, &ev); break;
	case SIO_EVENT_CONNECT: on_connect_event(c, &ev); break;
	case SIO_EVENT_MESSAGE:
		client_count(ev.socket, NAMESPACE_METRIC_EVENTS_IN);
		access_note_event(c);
		if (renewal_take(&ev) || resume_take(&ev)) break;
		ui_received(&ev); /* tokens are not for the page */
		if (client_socket_of(ev.socket)->namespace->is_ui) ui_order(&ev);
		if (actions_run_event(&ev)) sockets_after_run(ev.socket);
		break;
	case SIO_EVENT_DISCONNECT: sockets_end(ev.socket, "client namespace disconnect"); break;
	}
	sio_client_release(&c->sio);
}

bool
clients_room(void *user, struct eio_socket *eio, bool empty)
{
	struct client *c = client_of_session(eio);

	(void)clients__of(user);
	if (!c) return false;
	if (!behind_catch_up(c, empty) || !empty) return true;
	/* What it is told goes behind what it is told about. */
	lag_tell(c);
	return false;
}

void
clients_upgraded(void *user, struct eio_socket *eio)
{
	struct client *c = client_of_session(eio);

	(void)clients__of(user);
	if (c) ui_upgraded(c);
}

void
clients_refused(void *user, const struct eio_request *req, const char *why)
{
	struct clients *cs = clients__of(user);

	LOG_DEBUG_LIMITED(&cs->lines[CLIENTS_LINE_REQUEST_REFUSED], eio_clock_now(cs->options.clock),
		"event=request-refused why=\"%s\" target=\"%s\"", why, LOG_ESCAPE(req->target));
}

/* Beginning and end of a client */

static char *
copy_query(const struct clients *cs, const struct eio_request *req)
{
	struct eio_buf b;

	eio_buf_init(&b);
	handlers_keep_query(cs->needs, req->query, &b);
	eio_buf_addc(&b, '\0');
	if (!eio_buf_failed(&b)) return b.p;
	eio_buf_deinit(&b);
	return NULL;
}

static char *
copy_headers(const struct clients *cs, const struct eio_request *req)
{
	struct eio_buf b;

	eio_buf_init(&b);
	handlers_keep(cs->needs, req, &b);
	eio_buf_addc(&b, '\0');
	if (!eio_buf_failed(&b)) return b.p;
	eio_buf_deinit(&b);
	return NULL;
}

/* Who comes by a Unix socket, and by no proxy that says more, has no address: then there is nothing to keep. */
static bool
keep_address(struct client *c, const struct eio_request *req)
{
	struct eio_peer peer = eio_forwarded_for(&c->clients->options.forwarding, req);
	char text[EIO_PEER_TEXT];
	struct eio_buf b;

	if (!eio_peer_text(&peer, text)) return true;
	eio_buf_init(&b);
	eio_buf_printf(&b, "\"%s\"", text);
	eio_buf_addc(&b, '\0');
	if (eio_buf_failed(&b) || !client_keep(c)) {
		eio_buf_deinit(&b);
		return false;
	}
	c->kept->address = b.p;
	return true;
}

/* Keeps of the client's request what handlers speak of. False when out of memory. */
static bool
keep_request(struct client *c, const struct eio_request *req)
{
	const struct handlers_needs *needs = c->clients->needs;

	if (!resume_open(c, req->query)) return false;
	if (clients_want_peers(c->clients) && !keep_address(c, req)) return false;
	if (c->clients->options.access_log && !access_open(c)) return false;
	if (!handlers_needs_query(needs) && !handlers_needs_headers(needs)) return true;
	if (!client_keep(c)) return false;
	if (handlers_needs_query(needs) && !(c->kept->query = copy_query(c->clients, req))) return false;
	return !handlers_needs_headers(needs) || (c->kept->headers = copy_headers(c->clients, req));
}

static void
init_sio(struct client *c)
{
	if (eio_socket_revision(c->eio) == 3)
		sio_client_init_protocol_4(&c->sio, &c->clients->sio_config, eio_socket_sid(c->eio));
	else
		sio_client_init(&c->sio, &c->clients->sio_config, c->opened_ms);
	c->sio.user = c->eio;
}

/* Over revision 3 of Engine.IO a client is in "/" without asking; others have some time to ask. */
static void
await_connect(struct client *c)
{
	if (eio_socket_revision(c->eio) == 3)
		admission_ask(&(struct admission){ .client = c, .nsp = EIO_LIT("/") });
	else if (sio_client_deadline(&c->sio) && !client_await_joining(c, sio_client_deadline(&c->sio)))
		client_end(c, CLIENT_REASON_NOMEM);
}

void
clients_open(void *user, struct eio_socket *eio)
{
	struct clients *cs = clients__of(user);
	struct client *c = calloc(1, sizeof *c);

	eio_socket_set_user(eio, c);
	if (!c) {
		clients__count(cs, CLIENTS_METRIC_ENDED_NOMEM);
		eio_socket_close(eio);
		return;
	}
	c->magic = CLIENT_MAGIC;
	c->clients = cs;
	c->eio = eio;
	c->opened_ms = eio_clock_now(cs->options.clock);
	eio_list_init(&c->waiting);
	eio_list_init(&c->behind);
	eio_list_init(&c->lags);
	init_sio(c);
	if (keep_request(c, eio_socket_request(eio)))
		await_connect(c);
	else
		client_end(c, CLIENT_REASON_NOMEM);
}

static void
free_kept(struct client_kept *k)
{
	if (!k) return;
	free(k->access);
	free(k->address);
	free(k->headers);
	free(k->query);
	free(k->since);
	free(k);
}

void
clients_close(void *user, struct eio_socket *eio, enum eio_reason reason)
{
	struct clients *cs = clients__of(user);
	struct client *c = client_of_session(eio);

	if (!c) {
		client_log_end(cs, NULL, eio, reason);
		access_tell(cs, NULL, eio, reason);
		return;
	}
	admission_forget(c);
	behind_forget(c);
	lag_forget(c);
	sockets_end_all(c, client_told_reason(c, reason));
	client_log_end(cs, c, eio, reason);
	access_tell(cs, c, eio, reason);
	client_joined(c);
	sio_client_deinit(&c->sio);
	free_kept(c->kept);
	c->magic = 0;
	free(c);
	eio_socket_set_user(eio, NULL);
}

/* Clients that come back */

void
clients_take_recall(struct clients *c, struct feed_recall *r)
{
	admission_take_recall(c, r);
}

void
clients_take_stow(struct clients *c, struct feed_stow *s)
{
	stowing_take(c, s);
}

void
clients_take_login(struct clients *c, struct auth_check *check)
{
	(void)clients__of(c);
	admission_take_login(check);
}

void
clients_turn(struct clients *c)
{
	stowing_turn(c);
	ui_turn(c);
}

/* All of them */

struct namespaces *
clients_namespaces(const struct clients *c, struct namespace_specs *specs)
{
	const struct namespaces_options o = {
		.presence = c->options.presence,
		.hook = c->options.hook,
		.clock = c->options.clock,
		.metrics = c->options.metrics,
	};

	return namespaces_new(specs, &o);
}

struct clients *
clients_new(const struct clients_options *options)
{
	struct clients *c = calloc(1, sizeof *c);

	if (!c) return NULL;
	c->magic = CLIENTS_MAGIC;
	c->options = *options;
	c->recovers = namespace_specs_recover(options->namespaces);
	c->paces = namespace_specs_pace(options->namespaces);
	c->go_on = go_on;
	c->sio_config = (struct sio_client_config){
		.connect_timeout_ms = options->connect_timeout_ms,
		.max_attachment_bytes = options->max_attachment_bytes,
	};
	c->metrics = metrics_new_numbered(options->metrics, &clients_metrics, options->worker);
	c->behind = behind_new(c);
	c->namespaces = clients_namespaces(c, options->namespaces);
	stowing_init(c);
	if (eio_hash_init(&c->attendances) || eio_hash_init(&c->pasts) || !c->metrics || !c->namespaces || !c->behind ||
		rooms_init(c) || ui_open(c)) {
		eio_hash_deinit(&c->pasts);
		eio_hash_deinit(&c->attendances);
		namespaces_unref(c->namespaces);
		metrics_free(c->metrics);
		behind_free(c->behind);
		free(c);
		return NULL;
	}
	c->needs = namespaces_needs(c->namespaces);
	return c;
}

void
clients_set_limits(struct clients *c, const struct clients_options *options)
{
	c->options.limits = options->limits;
	c->options.connect_timeout_ms = options->connect_timeout_ms;
	c->sio_config.connect_timeout_ms = options->connect_timeout_ms;
	c->options.forwarding = options->forwarding;
	rooms_set_limits(c);
}

void
clients_set_namespaces(struct clients *c, struct namespaces *now)
{
	namespaces_follow(now, c->namespaces);
	namespaces_unref(c->namespaces);
	c->namespaces = now;
	c->needs = namespaces_needs(now);
	c->paces = namespaces_pace(now);
}

void
clients_renew(void *user, struct eio_socket *eio)
{
	struct client *c = client_of_session(eio);
	struct eio_list *l, *next;

	(void)clients__of(user);
	if (!c) return;
	EIO_LIST_FOREACH_SAFE(l, next, &c->sio.sockets)
	sockets_renew(EIO_CONTAINER(l, struct sio_socket, link));
}

bool
clients_want_peers(const struct clients *c)
{
	return c->needs->address || c->options.access_log;
}

void
clients_begin(struct clients *c)
{
	c->reached = feed_begins_with(c->options.feed);
	c->reached_text = feed_begins_at(c->options.feed);
}

void
clients_stop(struct clients *c, bool survive)
{
	c->stopping = true;
	c->options.survive |= survive;
}

void
clients_free(struct clients *c)
{
	if (!c) return;
	sio_rooms_deinit(&c->rooms);
	stowing_deinit(c);
	CHECK(c->attendances.count == 0);
	eio_hash_deinit(&c->attendances);
	CHECK(c->pasts.count == 0);
	eio_hash_deinit(&c->pasts);
	ui_close(c);
	namespaces_unref(c->namespaces);
	metrics_free(c->metrics);
	behind_free(c->behind);
	c->magic = 0;
	free(c);
}
