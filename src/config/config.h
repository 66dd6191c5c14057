/* SPDX-License-Identifier: MIT */
/*
 * The configuration: a JSON file with comments, command-line flags over it, and
 * defaults under it. Every key is a row of a table (options.c) with its type,
 * default and range; what a plain value cannot say (feeds, cookie, origins,
 * addresses) has a function of its own in the file of its subject.
 *
 * All mistakes of a file are found in one go and named "FILE:LINE:COLUMN: path: reason"; so are things that are
 * allowed, but seldom meant: warnings.
 *
 * What other folders work from is filled into the options that each of them has;
 * struct config is the rest. Nothing is borrowed from the file: once loaded, the
 * parsed document is gone.
 *
 * It is owned by one, who frees it when nobody works from its options any more. The
 * sets of feeds and of namespaces alone are counted: they are what each thread lets
 * go of at a time of its own.
 *
 * Threads: a loaded configuration is immutable; any thread may read it.
 */
#ifndef SRC_CONFIG_CONFIG_H
#define SRC_CONFIG_CONFIG_H

#include "eio/bytes.h"
#include "eio/net/server.h"
#include "eio/net/tls.h"
#include "src/adapter/adapter.h"
#include "src/clients/clients.h"
#include "src/feed/feed.h"
#include "src/peers/peers.h"
#include "src/relay/edge.h"
#include "src/relay/hub.h"
#include "src/resp/spec.h"

#include <stdbool.h>

#define CONFIG_MAX_REDIS 16
#define CONFIG_MAX_WORKERS 64 /* one bit each in struct interest */
#define CONFIG_TURN_BYTES ((size_t)16 << 20) /* of one message: what a worker can check, copy and encode in 100 ms */

/* The generation of Socket.IO servers whose defaults stand under the options. */
enum config_compat {
	CONFIG_COMPAT_1,
	CONFIG_COMPAT_2,
	CONFIG_COMPAT_4,
};

/* An address to listen on. */
struct config_listen {
	const char *text; /* as configured, for logs */
	const char *path; /* "unix:/path": the path; else NULL */
	const char *host; /* an IPv4 or IPv6 address without brackets, or NULL when path is set */
	unsigned port; /* 0 lets the system choose */
	const struct eio_tls_spec *tls; /* NULL: it is plain */
	/* As in struct eio_httpd_door_options. */
	const char *headers, *redirect;
	bool proxied;
};

/* Which official client is served. */
struct config_client {
	const char *version; /* "4.8.4", or the beginning of one: "4.8", "4" */
	bool version_given; /* it was configured, so it must be there */
	const char *dir; /* NULL: the files of version, from where the program was installed */
};

/* POST /publish of the admin port. */
struct config_publish {
	const char *token_file; /* NULL: there is none */
	size_t max_bytes; /* of a body */
	unsigned idempotency_seconds; /* how long keys are remembered; 0: not at all */
};

/* Of "mode" below. */
enum config_ui_mode { CONFIG_UI_PRODUCTION, CONFIG_UI_DEVELOPMENT };

/* The official Admin UI. */
struct config_adminui {
	const char *username; /* NULL where anybody may use it */
	bool anonymous; /* anybody may */
	enum config_ui_mode mode;
	bool readonly;
	const char *nsp; /* its namespace */
	const char *server_id; /* NULL: the name of the host */
	const char *page; /* URL folder of its page; ends with a slash; NULL: the page is not served */
};

struct config_limits {
	/* limits.maxConnections, open TCP connections in all; 0 = as many as files may be open */
	unsigned max_connections;
	unsigned max_sessions; /* limits.maxSessions, in all; resolved: never 0 */
	unsigned header_bytes; /* limits.headerBytes: request line and headers of one request */
	unsigned header_seconds; /* limits.headerSeconds: to send a whole request head */
	unsigned request_seconds; /* limits.requestSeconds: to send a whole request */
	unsigned keep_alive_seconds; /* limits.keepAliveSeconds: an idle keep-alive connection is closed after it */
};

/* What the daemon and its workers read themselves. */
struct config {
	const char *file; /* its name as given, or NULL */
	enum config_compat compat;
	const struct config_listen *listen;
	size_t n_listen;
	const struct config_listen *admin; /* NULL: no admin port */
	const char *const *admin_hosts; /* n_admin_hosts names that it answers to */
	size_t n_admin_hosts;
	struct config_publish publish;
	const struct config_listen *intake; /* NULL: none */
	unsigned intake_clients; /* connections to it at once; 0 without one */
	const char
		*path; /* of Engine.IO's requests; starts with "/" and ends in one unless addTrailingSlash is false */
	const char *state_file; /* what outlives the process; NULL: nothing does */
	const char *user, *group; /* to become after the start, names or numbers; NULL: none, and the user's own */
	unsigned workers; /* resolved: 1 … CONFIG_MAX_WORKERS */
	bool feed_apart; /* the feed has a thread of its own; else it runs on the only worker's */
	size_t n_redis; /* how many servers there are; 0 with an intake only, or a hub */
	const char *hub; /* of which this one is an edge, as configured; NULL: it is none */
	bool io_uring;
	bool serve_client;
	struct config_client client;
	const char *www; /* NULL: none */
	bool has_ui;
	struct config_adminui ui; /* where has_ui is */
	struct config_limits limits;
	bool hooks; /* the application is asked by some namespace */
	unsigned log_level; /* enum log_level */
	unsigned log_format; /* enum log_format */
	const char *log_file; /* NULL: stderr */
	const char *access_log; /* a file; empty: the log; NULL: none */
	unsigned drain_seconds; /* in which clients are sent away at SIGTERM; 0: all at once */
	unsigned warnings; /* how many were reported */
};

struct config_strings {
	const char **v;
	size_t n;
};

/* Values from outside the file that stand over it; NULL or 0 when not given. The environment's stand between the
 * file's and the command line's. */
struct config_flags {
	const char *file;
	char *const *
		environment; /* "NAME=value", ended by NULL: SIOCAST_… are options, and ${NAME} in the file means one */
	bool strict; /* warnings count as mistakes */
	bool look; /* see whether the folders and client versions that are named are there */
	const char *admin, *intake, *path, *www, *log_level, *workers;
	struct config_strings listen, redis, feeds; /* feeds: "CHANNEL=EVENT" */
};

/* One thing to be said. The strings live during the call; none holds a control character or a line feed, whatever the
 * file holds. */
struct config_report {
	bool warning;
	const char *text; /* "FILE:LINE:COLUMN: path: reason" */
	const char *line,
		*caret; /* the line it is about, or a part of it, and what goes below to point at the place; or NULL */
};

/* Called in the order of places, at most 20 times for mistakes and 20 for warnings, and once more each with how many
 * there are besides. */
typedef void (*config_report_fn)(void *user, const struct config_report *r);

/* Loads file (when flags->file is set), environment and flags into a new configuration. NULL when anything is wrong;
 * all that is was then reported. The result lives until config_free(). */
struct config *config_load(const struct config_flags *flags, config_report_fn report, void *user);

/* The same from text in memory; name stands for the file's in messages. */
struct config *config_load_text(
	const char *name, struct eio_bytes text, const struct config_flags *flags, config_report_fn report, void *user);

void config_free(struct config *c); /* NULL is fine */

/* The files of keys and certificates that are read again when they change: begin with *i 0; NULL behind the last. One
 * may come more than once. */
const char *config_next_key_file(const struct config *c, size_t *i);

/* Which proxies are trusted; borrowed from it. */
struct eio_networks config_proxies(const struct config *c);

/* Sets what the configuration says; the other options stay as they are. The options borrow from it. */
void config_fill_server(const struct config *c, struct eio_server_options *out); /* all but the server's index */
void config_fill_clients(const struct config *c, struct clients_options *out);
void config_fill_feed(const struct config *c, struct feed_options *out);
struct feed_specs *config_feeds(const struct config *c); /* borrowed */
const struct redis_url *config_redis(const struct config *c, size_t i); /* i < n_redis */
const struct redis_url *config_publish_to(const struct config *c); /* the first Redis, or else the intake */
const struct resp_spec *config_intake(const struct config *c); /* where there is one; borrowed, as the next */
const struct redis_url *config_intake_url(const struct config *c);
bool config_listens_here_only(const struct config_listen *l); /* whether nobody on another machine comes to it */
const struct peers_spec *config_peers(const struct config *c); /* borrowed from it */
bool config_fill_peers(const struct config *c, struct peers_options *out); /* whether there are any */
/* Whether this one is a hub, or an edge. */
bool config_fill_hub(const struct config *c, struct relay_hub_options *out);
bool config_fill_edge(const struct config *c, struct relay_edge_options *out);
bool config_fill_presence(const struct config *c, struct presence_options *out); /* whether there is any */
bool config_fill_login(const struct config *c, struct auth_login_spec *out); /* the same of the Admin UI */
const char *config_node(const struct config *c); /* its name; NULL: it has none */
bool config_fill_adapter(const struct config *c, struct adapter_options *out); /* the same */

/* The next name of a namespace that is none of a pattern, from *i = 0; NULL behind the last. */
const char *config_next_namespace(const struct config *c, size_t *i);

#endif
