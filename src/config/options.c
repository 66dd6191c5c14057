/* SPDX-License-Identifier: MIT */
/* The table of all options: names, types, ranges and defaults. What a row cannot say is a function of its subject's file. */
#include "src/config/options.h"

#include "src/config/addresses.h"
#include "src/config/compat.h"
#include "src/config/compression.h"
#include "src/config/cookie.h"
#include "src/config/cors.h"
#include "src/config/engine.h"
#include "src/config/feeds.h"
#include "src/config/namespaces.h"
#include "src/config/values.h"
#include "src/web/files_versions.h"

#define HOUR_MS 3600000.0
#define DAY_S 86400.0
#define GB 1073741824.0

#define AT(field) offsetof(struct config, field)
#define SECTION(p) \
	{ \
		.path = p, .type = CONFIG_TYPE_SECTION \
	}
#define UINT(p, field, lo, hi, def) \
	{ \
		.path = p, .type = CONFIG_TYPE_UINT, .offset = AT(field), .min = lo, .max = hi, .fallback = def \
	}
#define SIZE(p, field, lo, hi, def) \
	{ \
		.path = p, .type = CONFIG_TYPE_SIZE, .offset = AT(field), .min = lo, .max = hi, .fallback = def \
	}
#define BOOL(p, field, def) \
	{ \
		.path = p, .type = CONFIG_TYPE_BOOL, .offset = AT(field), .fallback = def \
	}
#define STRING(p, field, def) \
	{ \
		.path = p, .type = CONFIG_TYPE_STRING, .offset = AT(field), .fallback = def \
	}
#define CUSTOM(p, field, fn, def) \
	{ \
		.path = p, .type = CONFIG_TYPE_CUSTOM, .offset = AT(field), .custom = fn, .fallback = def \
	}

static void
read_client_version(struct config_loader *l, const cJSON *item, void *target)
{
	struct config_client *client = target;

	if (!cJSON_IsString(item) || !files_version_valid(item->valuestring)) {
		config__error(l, item, "expected a version such as \"4.8.4\", or the beginning of one");
		return;
	}
	client->version = config__strdup(l, item->valuestring);
}

static const char *const log_levels[] = { "error", "warn", "info", "debug", NULL };

/* clang-format off */
static const struct config_option main_rows[] = {
	{ .path = "compat", .type = CONFIG_TYPE_ENUM, .offset = AT(compat), .names = config__compat_names, .fallback = "\"4.x\"" },
	CUSTOM("listen", listen, config__listen, "[\"127.0.0.1:3000\"]"),
	CUSTOM("admin", admin, config__admin, "null"),
	STRING("path", path, "\"/socket.io/\""),
	UINT("workers", workers, 0, CONFIG_MAX_WORKERS, "0"),
	CUSTOM("redis", redis, config__redis, "\"redis://127.0.0.1:6379/0\""),

	SECTION("engine"),
	UINT("engine.pingInterval", engine.ping_interval_ms, 10, HOUR_MS, "25000"),
	UINT("engine.pingTimeout", engine.ping_timeout_ms, 10, HOUR_MS, "20000"),
	UINT("engine.upgradeTimeout", engine.upgrade_timeout_ms, 10, HOUR_MS, "10000"),
	UINT("engine.connectTimeout", engine.connect_timeout_ms, 10, HOUR_MS, "45000"),
	SIZE("engine.maxHttpBufferSize", engine.max_http_buffer_size, 1, GB, "1000000"),
	CUSTOM("engine.transports", engine.transports, config__transports, "[\"polling\",\"websocket\"]"),
	BOOL("engine.allowUpgrades", engine.allow_upgrades, "true"),
	BOOL("engine.allowEIO3", engine.allow_eio3, "true"),
	BOOL("engine.addTrailingSlash", engine.add_trailing_slash, "true"),
	BOOL("engine.ioUring", engine.io_uring, "true"),
	CUSTOM("engine.cookie", engine.cookie, config__cookie, "false"),
	CUSTOM("engine.perMessageDeflate", engine.per_message_deflate, config__per_message_deflate, "false"),
	CUSTOM("engine.httpCompression", engine.http_compression, config__http_compression, "false"),

	SECTION("cors"),
	CUSTOM("cors.origin", cors, config__origin, "\"*\""),
	BOOL("cors.credentials", cors.credentials, "false"),
	CUSTOM("cors.methods", cors.methods, config__header_list, "\"GET,HEAD,PUT,PATCH,POST,DELETE\""),
	CUSTOM("cors.allowedHeaders", cors.allowed_headers, config__header_list, "null"),
	CUSTOM("cors.exposedHeaders", cors.exposed_headers, config__header_list, "null"),
	CUSTOM("cors.maxAge", cors.max_age_s, config__max_age, "null"),

	BOOL("serveClient", serve_client, "true"),
	SECTION("client"),
	CUSTOM("client.version", client, read_client_version, "\"4\""),
	STRING("client.dir", client.dir, "null"),
	STRING("www", www, "null"),
	CUSTOM("feeds", feeds, config__feeds, "[]"),
	CUSTOM("namespaces", namespaces, config__namespaces, "{\"/\":{}}"),

	SECTION("limits"),
	SIZE("limits.clientQueueBytes", limits.client.queue_bytes, 1024, GB, "1048576"),
	UINT("limits.clientQueueSeconds", limits.client.queue_seconds, 0, DAY_S, "30"),
	UINT("limits.roomsPerSocket", limits.client.rooms_per_socket, 0, 1000000, "1000"),
	UINT("limits.roomNameLength", limits.client.room_name_length, 1, 65536, "256"),
	SIZE("limits.workerQueueBytes", limits.worker_queue_bytes, 65536, 16 * GB, "67108864"),
	SIZE("limits.publishQueueBytes", limits.publish_queue_bytes, 0, 16 * GB, "8388608"),
	UINT("limits.maxConnections", limits.max_connections, 0, 10000000, "0"),
	UINT("limits.headerBytes", limits.header_bytes, 1024, 1048576, "16384"),
	UINT("limits.headerSeconds", limits.header_seconds, 1, 3600, "60"),
	UINT("limits.keepAliveSeconds", limits.keep_alive_seconds, 1, DAY_S, "65"),

	{ .path = "logLevel", .type = CONFIG_TYPE_ENUM, .offset = AT(log_level), .names = log_levels, .fallback = "\"info\"" },
};
/* clang-format on */

const struct config_table config__main_table = { main_rows, sizeof main_rows / sizeof main_rows[0] };
