/* SPDX-License-Identifier: MIT */
/* Presence, the adapter, the intake, the relay and the Admin UI, each made where it is configured. */
#include "src/beside.h"

#include "eio/net/httpd.h"
#include "src/adapter/adapter.h"
#include "src/adminui/adminui.h"
#include "src/auth/login.h"
#include "src/base/inherited.h"
#include "src/base/log.h"
#include "src/base/version.h"
#include "src/config/config.h"
#include "src/feed/sending.h"
#include "src/presence/presence.h"
#include "src/relay/edge.h"
#include "src/relay/hub.h"
#include "src/resp/server.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <stdlib.h>

static int
make_presence(struct beside *b, const struct config *c, struct thread *thread)
{
	struct presence_options o = { .thread = thread, .metrics = thread->metrics };

	if (!config_fill_presence(c, &o)) return 0;
	b->presence = presence_new(&o);
	if (!b->presence) log_error("event=presence-failed error=\"out of memory\"");
	return b->presence ? 0 : -1;
}

/* The adapter and an edge are told all names of namespaces, as far as they are there. 0, or -1 when out of memory. */
static int
name_namespaces(struct adapter *a, struct relay_edge *e, const struct config *c)
{
	size_t n = 0, i = 0;
	const char **names;
	int rc = 0;

	while (config_next_namespace(c, &i)) n++;
	names = calloc(n + 1, sizeof(const char *));
	if (!names) return -1;
	i = 0;
	for (size_t k = 0; k < n; k++) names[k] = config_next_namespace(c, &i);
	if (a) rc = adapter_set_namespaces(a, names, n);
	if (e && relay_edge_hold(e, names, n)) rc = -1;
	free(names);
	return rc;
}

void
beside_renew(struct adapter *a, struct relay_edge *e, const struct config *c)
{
	if ((a || e) && name_namespaces(a, e, c)) log_error("event=namespaces-not-told error=\"out of memory\"");
}

static int
make_adapter(struct beside *b, const struct config *c, const struct beside_place *place)
{
	struct adapter_options o = {
		.thread = place->thread,
		.feed = place->feed,
		.interest = place->interest,
		.metrics = place->thread->metrics,
	};

	if (!config_fill_adapter(c, &o)) return 0;
	b->adapter = adapter_new(&o);
	if (b->adapter && name_namespaces(b->adapter, NULL, c) == 0) return 0;
	log_error("event=adapter-failed error=\"out of memory\"");
	return -1;
}

/* The Admin UI */

static int
make_ui(struct beside *b, const struct config *c, const struct beside_place *place)
{
	const struct adminui_options o = {
		.thread = place->thread,
		.feed = place->feed,
		.interest = place->interest,
		.adapter = b->adapter,
		.metrics = place->thread->metrics,
		.nsp = c->ui.nsp,
		.server_id = c->ui.server_id,
		.node = config_node(c),
		.watches = c->ui.mode == CONFIG_UI_DEVELOPMENT,
		.orders = !c->ui.readonly,
	};
	struct auth_login_spec login;

	if (!config_fill_login(c, &login)) return 0;
	b->login = auth_login_new(&login);
	if (b->login) b->ui = adminui_new(&o);
	if (!b->ui) log_error("event=admin-ui-failed error=\"out of memory\"");
	return b->ui ? 0 : -1;
}

static int
start_login(struct beside *b)
{
	int err = auth_login_start(b->login);

	if (err) log_error_errno(err, "event=thread-failed thread=siocast-login");
	return err ? -1 : 0;
}

void
beside_renew_login(struct auth_login *login, const struct config *c)
{
	struct auth_login_spec spec;
	int rc = login && config_fill_login(c, &spec) ? auth_login_set(login, &spec) : 0;

	if (rc < 0) log_error("event=admin-ui-login-not-changed error=\"out of memory\"");
	if (rc > 0) log_info("event=admin-ui-login-changed hint=\"who is there stays\"");
}

/* The intake */

static uint64_t
take_published(void *user, struct eio_bytes channel, struct eio_bytes payload)
{
	struct beside *b = user;

	return feed_take(b->feed, channel, payload);
}

static bool
feeds_keep_up(void *user)
{
	struct beside *b = user;

	return feed_keeps_up(b->feed);
}

/* A descriptor, or -errno. */
static int
intake_socket(struct beside *b, const struct config *c, struct inherited *in, bool *taken)
{
	int fd = inherited_take_listening(in, c->intake->text, "intake", &b->held), err;

	*taken = fd >= 0;
	if (*taken) return fd;
	b->held = false;
	err = eio_listen_check(c->intake->text);
	return err ? err : eio_listen(c->intake->text);
}

static int
make_intake(struct beside *b, const struct config *c, struct thread *thread, struct inherited *in)
{
	struct resp_server_options o = {
		.thread = thread,
		.spec = config_intake(c),
		.taker = { take_published, feeds_keep_up, b },
		.metrics = thread->metrics,
		.version = PACKAGE_VERSION,
	};
	bool taken;

	b->listening = -1;
	if (!c->intake) return 0;
	o.fd = intake_socket(b, c, in, &taken);
	if (o.fd >= 0) b->intake = resp_server_new(&o);
	if (!b->intake) {
		log_error_errno(o.fd < 0 ? o.fd : -ENOMEM, "event=listen-failed intake=%s", c->intake->text);
		return -1;
	}
	b->listening = o.fd;
	log_info("event=listening intake=%s port=%u%s", c->intake->text, eio_listen_port(o.fd),
		taken ? " inherited=1" : "");
	return 0;
}

/* The relay */

static int
make_hub(struct beside *b, const struct config *c, const struct beside_place *place)
{
	struct relay_hub_options o = {
		.thread = place->thread,
		.feed = place->feed,
		.interest = place->interest,
		.metrics = place->thread->metrics,
	};

	if (!config_fill_hub(c, &o)) return 0;
	b->hub = relay_hub_new(&o);
	if (!b->hub) log_error("event=relay-failed error=\"out of memory or of descriptors\"");
	return b->hub ? 0 : -1;
}

static bool
tell_edges_feeds(void *user, struct eio_bytes feeds)
{
	return relay_hub_feeds(user, feeds);
}

static void
tell_edges_reached(void *user, uint64_t wall_ms)
{
	relay_hub_reached(user, wall_ms);
}

static int
make_edge(struct beside *b, const struct config *c, const struct beside_place *place)
{
	struct relay_edge_options o = {
		.thread = place->thread,
		.feed = place->feed,
		.interest = place->interest,
		.metrics = place->thread->metrics,
	};

	if (!config_fill_edge(c, &o)) return 0;
	if (b->hub) {
		o.feeds = tell_edges_feeds;
		o.reached = tell_edges_reached;
		o.epoch = relay_hub_epoch(b->hub);
	}
	o.user = b->hub;
	b->edge = relay_edge_new(&o);
	if (b->edge && name_namespaces(NULL, b->edge, c) == 0) return 0;
	log_error("event=relay-failed error=\"out of memory or of descriptors\"");
	return -1;
}

void
beside_renew_hub(struct relay_hub *hub, const struct config *c)
{
	if (hub) relay_hub_change(hub, config_feeds(c));
}

static int
start_edge(struct beside *b)
{
	int err = relay_edge_start(b->edge);

	if (err) log_error_errno(err, "event=thread-failed thread=siocast-relay");
	return err ? -1 : 0;
}

int
beside_make(struct beside *b, const struct config *c, const struct beside_place *place)
{
	b->feed = place->feed;
	if (make_presence(b, c, place->thread) || make_adapter(b, c, place) || make_ui(b, c, place)) return -1;
	if (make_hub(b, c, place) || make_edge(b, c, place)) return -1;
	return make_intake(b, c, place->thread, place->inherited);
}

struct ui_line *
beside_ui_line(const struct beside *b)
{
	return b->ui ? adminui_line(b->ui) : NULL;
}

int
beside_start(struct beside *b)
{
	if (b->presence) presence_start(b->presence);
	if (b->adapter) adapter_start(b->adapter);
	if (b->intake) resp_server_start(b->intake);
	if (b->ui) adminui_start(b->ui);
	if (b->hub) relay_hub_start(b->hub);
	if (b->edge && start_edge(b)) return -1;
	return b->login ? start_login(b) : 0;
}

void
beside_stop_sending(struct beside *b)
{
	if (b->intake) resp_server_stop(b->intake);
	if (b->ui) adminui_stop(b->ui);
	if (b->login) auth_login_stop(b->login);
	if (b->adapter) adapter_stop(b->adapter);
	if (b->edge) relay_edge_stop(b->edge);
	if (b->hub) relay_hub_stop(b->hub);
}

void
beside_stop(struct beside *b)
{
	if (b->presence) presence_stop(b->presence);
}

int
beside_hand(const struct beside *b, struct inherited *out)
{
	int copy = b->intake ? fcntl(b->listening, F_DUPFD_CLOEXEC, 3) : -1;

	if (!b->intake) return 0;
	return copy < 0 ? -1 : inherited_add(out, copy, b->held ? INHERITED_HELD : INHERITED_LISTENING);
}

void
beside_remove_file(const struct beside *b, const struct config *c)
{
	if (b->intake && c->intake->path && !b->held) unlink(c->intake->path);
}

void
beside_free(struct beside *b)
{
	presence_free(b->presence);
	adapter_free(b->adapter);
	resp_server_free(b->intake);
	adminui_free(b->ui);
	relay_edge_free(b->edge);
	relay_hub_free(b->hub);
	auth_login_free(b->login);
}
