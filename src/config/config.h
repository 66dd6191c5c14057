/* SPDX-License-Identifier: MIT */
/*
 * The configuration: a JSON file with comments, command-line flags over it, and
 * defaults under it. Every key is a row of a table (options.c) with its type,
 * default and range; what a plain value cannot say (feeds, cookie, origins,
 * addresses) has a function of its own in the file of its subject.
 *
 * All errors of a file are found in one go and named "FILE:LINE: path: reason".
 *
 * Nothing of it is borrowed from the file: once loaded, the parsed document is gone.
 *
 * Threads: a loaded configuration is immutable; any thread may read it.
 */
#ifndef SRC_CONFIG_CONFIG_H
#define SRC_CONFIG_CONFIG_H

#include "eio/bytes.h"
#include "src/clients/clients.h"
#include "src/feed/feed.h"
#include "src/redis/url.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define CONFIG_MAX_WORKERS 64 /* one bit each in struct interest */

struct config_strings {
	char **v;
	size_t n;
};

/* An address to listen on. */
struct config_listen {
	char *text; /* as configured, for logs */
	char *path; /* "unix:/path": the path; else NULL */
	char *host; /* an IPv4 or IPv6 address without brackets, or NULL when path is set */
	unsigned port; /* 0 lets the system choose */
};

/* The generation of Socket.IO servers whose defaults stand under the options. */
enum config_compat {
	CONFIG_COMPAT_1,
	CONFIG_COMPAT_2,
	CONFIG_COMPAT_4,
};

enum config_same_site {
	CONFIG_SAME_SITE_NONE,
	CONFIG_SAME_SITE_LAX,
	CONFIG_SAME_SITE_STRICT,
	CONFIG_SAME_SITE_ABSENT, /* "sameSite": false */
};

struct config_cookie {
	char *name; /* NULL: no cookie */
	char *path; /* NULL: no Path attribute */
	char *domain; /* NULL: no Domain attribute */
	bool http_only, secure;
	enum config_same_site same_site;
	int64_t max_age_s; /* -1: no Max-Age */
};

enum config_transports {
	CONFIG_TRANSPORT_POLLING = 1,
	CONFIG_TRANSPORT_WEBSOCKET = 2,
};

/* Compression of messages, by WebSocket or of the answers of polls. */
struct config_compression {
	bool on;
	size_t threshold; /* bytes; what is shorter is not compressed */
	unsigned level; /* 1 to 9 */
	unsigned window_bits; /* of perMessageDeflate: 9 to 15 */
};

struct config_engine {
	unsigned ping_interval_ms, ping_timeout_ms, upgrade_timeout_ms, connect_timeout_ms;
	size_t max_http_buffer_size;
	unsigned transports; /* enum config_transports, or-ed */
	bool allow_upgrades;
	bool allow_eio3;
	bool add_trailing_slash;
	bool io_uring;
	struct config_cookie cookie;
	struct config_compression per_message_deflate, http_compression;
};

enum config_origin {
	CONFIG_ORIGIN_NONE, /* no CORS headers at all */
	CONFIG_ORIGIN_ANY, /* "*" */
	CONFIG_ORIGIN_REFLECT, /* the request's own Origin */
	CONFIG_ORIGIN_LIST, /* the one that equals the request's, of cors.origins */
	CONFIG_ORIGIN_FIXED, /* always origins.v[0] */
	CONFIG_ORIGIN_LEGACY, /* as servers 1.x and 2.x did; only by `compat` */
};

struct config_cors {
	enum config_origin origin;
	struct config_strings origins;
	bool credentials;
	char *methods; /* "GET,HEAD,…": the header's value */
	char *allowed_headers; /* NULL: echo what is asked for */
	char *exposed_headers; /* NULL: no such header */
	int64_t max_age_s; /* -1: no such header */
};

/* Which official client is served. */
struct config_client {
	char *version; /* "4.8.4", or the beginning of one: "4.8", "4" */
	bool version_given; /* it was configured, so it must be there */
	char *dir; /* NULL: the files of version, from where the program was installed */
};

struct config_limits {
	struct clients_limits client; /* limits.clientQueueBytes, clientQueueSeconds, roomsPerSocket, roomNameLength */
	size_t worker_queue_bytes; /* limits.workerQueueBytes: broadcasts a worker has not taken yet; beyond it they are dropped */
	size_t publish_queue_bytes; /* limits.publishQueueBytes: uplink waiting while Redis is away; beyond it dropped */
	unsigned
		max_connections; /* limits.maxConnections, open TCP connections in all; 0 = as many as files may be open */
	unsigned header_bytes; /* limits.headerBytes: request line and headers of one request */
	unsigned header_seconds; /* limits.headerSeconds: to send a whole request head */
	unsigned keep_alive_seconds; /* limits.keepAliveSeconds: an idle keep-alive connection is closed after it */
};

struct config {
	char *file; /* as given, or NULL */
	unsigned compat; /* enum config_compat */
	struct config_listen *listen;
	size_t n_listen;
	struct config_listen *admin; /* NULL: no admin port */
	char *path; /* of every Engine.IO request; starts with "/" and ends in one unless addTrailingSlash is false */
	unsigned workers; /* resolved: 1 … CONFIG_MAX_WORKERS */
	struct redis_url *redis;
	size_t n_redis;
	struct config_engine engine;
	struct config_cors cors;
	bool serve_client;
	struct config_client client;
	char *www; /* NULL: none */
	struct feed_specs *feeds; /* a reference */
	struct namespace_specs *namespaces; /* a reference */
	struct config_limits limits;
	unsigned log_level; /* enum log_level */

	struct config_memory *memory; /* private to this folder */
};

/* Values from the command line that stand over the file's; NULL or 0 when not given. */
struct config_flags {
	const char *file;
	const char *admin, *path, *www, *log_level, *workers;
	struct config_strings listen, redis, feeds; /* feeds: "CHANNEL=EVENT" */
};

/* Where errors go: text is one whole line without the line feed. Called at most 20 times. */
typedef void (*config_error_fn)(void *user, const char *text);

/* Loads file (when flags->file is set) and flags into a new configuration. NULL when anything is wrong; every
 * error was then reported. The result lives until config_free(). */
struct config *config_load(const struct config_flags *flags, config_error_fn error, void *user);

/* The same from text in memory; name stands for the file's in messages. */
struct config *config_load_text(
	const char *name, struct eio_bytes text, const struct config_flags *flags, config_error_fn error, void *user);

void config_free(struct config *c); /* NULL is fine */

/* Sets what the configuration says; the other options stay as they are. The options borrow from it. */
void config_fill_feed(const struct config *c, struct feed_options *out);
void config_fill_clients(const struct config *c, struct clients_options *out);

#endif
