/* SPDX-License-Identifier: MIT */
/* The table of all options: types, ranges and defaults. What a row cannot say is a function of its subject's file. */
#include "src/config/options.h"

#include "src/config/adapter.h"
#include "src/config/addresses.h"
#include "src/config/adminui.h"
#include "src/config/auth.h"
#include "src/config/compat.h"
#include "src/config/compression.h"
#include "src/config/cookie.h"
#include "src/config/cors.h"
#include "src/config/engine.h"
#include "src/config/feeds.h"
#include "src/config/intake.h"
#include "src/config/log.h"
#include "src/config/namespaces.h"
#include "src/config/nodes.h"
#include "src/config/parts.h"
#include "src/config/publish.h"
#include "src/config/recovery.h"
#include "src/config/redis.h"
#include "src/config/rows.h"
#include "src/config/secret.h"
#include "src/config/values.h"
#include "src/web/files_versions.h"

#define HOUR_MS 3600000.0
#define DAY_S 86400.0
#define GB 1073741824.0

#define ROWS_OF struct config_parts
#define MS(p, field, def) WIDE(p, field, 10, HOUR_MS, def)

static void
read_client_version(struct config_loader *l, const cJSON *item, void *target)
{
	struct config_client *client = target;

	if (!cJSON_IsString(item) || !files_version_valid(item->valuestring)) {
		config__error(l, item, "expected a version such as \"4.8.4\", or the beginning of one%s",
			cJSON_IsNumber(item) ? "; write it in quotes" : "");
		return;
	}
	client->version = config__strdup(l, item->valuestring);
}

/* "$schema", by which editors find the schema. */
static void
ignore_schema(struct config_loader *l, const cJSON *item, void *target)
{
	(void)target;
	if (!cJSON_IsString(item)) config__error(l, item, "expected the address of a schema");
}

static const char *const log_levels[] = { "error", "warn", "info", "debug", NULL };
static const char *const forwarded_headers[] = { "x-forwarded-for", "forwarded", NULL };
static const char *const log_formats[] = { "text", "json", NULL };

/* clang-format off */
static const struct config_option main_rows[] = {
	{ .path = "$schema", .type = CONFIG_TYPE_CUSTOM, .custom = ignore_schema, .schema = SCHEMA_STRING, .alias = true },
	ENUM("compat", config.compat, config__compat_names, "\"4.x\""),
	CUSTOM("listen", config.listen, config__listen, "[\"127.0.0.1:3000\"]", SCHEMA_REF("listeners")),
	CUSTOM("trustedProxies", forwarding.trusted, config__trusted_proxies, "[]", SCHEMA_STRINGS_OR_NONE),
	ENUM("forwardedHeader", forwarding.header, forwarded_headers, "\"x-forwarded-for\""),
	CUSTOM("admin", config.admin, config__admin, "null", SCHEMA_STRING_OR_FALSE),
	CUSTOM("adminHosts", config, config__admin_hosts, "[]", SCHEMA_STRINGS_OR_NONE),
	SECTION("publish"),
	CUSTOM("publish.tokenFile", config.publish.token_file, config__token_file, "null", SCHEMA_STRING_OR_NULL),
	SIZE("publish.maxBytes", config.publish.max_bytes, 1, GB, "1000000"),
	UINT("publish.idempotencySeconds", config.publish.idempotency_seconds, 0, DAY_S, "600"),
	STRING("path", config.path, "\"/socket.io/\""),
	CUSTOM("node", server.node, config__node, "null", SCHEMA_NODE),
	CUSTOM("peers", peers, config__peers, "null", SCHEMA_PEERS),
	CUSTOM("peerKeyFile", peer_key, config__secret, "null", SCHEMA_STRING_OR_NULL),
	CUSTOM("stateFile", config.state_file, config__path, "null", SCHEMA_STRING_OR_NULL),
	STRING("user", config.user, "null"),
	STRING("group", config.group, "null"),
	UINT("workers", config.workers, 0, CONFIG_MAX_WORKERS, "0"),
	CUSTOM("intake", config.intake, config__intake, "null", SCHEMA_REF("intakeOrNone")),
	CUSTOM("redis", redis, config__redis, "\"redis://127.0.0.1:6379/0\"", SCHEMA_REF("redisServers")),

	SECTION("engine"),
	MS("engine.pingInterval", server.ping_interval, "25000"),
	MS("engine.pingTimeout", server.ping_timeout, "20000"),
	MS("engine.upgradeTimeout", server.upgrade_timeout, "10000"),
	UINT("engine.connectTimeout", connect_timeout_ms, 10, HOUR_MS, "45000"),
	SIZE("engine.maxHttpBufferSize", server.max_payload, 1, GB, "1000000"),
	CUSTOM("engine.transports", server, config__transports, "[\"polling\",\"websocket\"]", SCHEMA_REF("transports")),
	BOOL("engine.allowUpgrades", server.allow_upgrades, "true"),
	BOOL("engine.allowEIO3", server.allow_eio3, "true"),
	BOOL("engine.addTrailingSlash", add_trailing_slash, "true"),
	BOOL("engine.ioUring", config.io_uring, "true"),
	CUSTOM("engine.cookie", server, config__cookie, "false", SCHEMA_REF("cookieRule")),
	CUSTOM("engine.perMessageDeflate", server.ws_deflate, config__per_message_deflate, "false", SCHEMA_SWITCH_OR("perMessageDeflate")),
	CUSTOM("engine.httpCompression", server.http_deflate, config__http_compression, "false", SCHEMA_SWITCH_OR("httpCompression")),

	SECTION("cors"),
	CUSTOM("cors.origin", server.cors, config__origin, "\"*\"", SCHEMA_REF("origin")),
	BOOL("cors.credentials", server.cors.credentials, "false"),
	CUSTOM("cors.methods", server.cors.methods, config__header_list, "\"GET,HEAD,PUT,PATCH,POST,DELETE\"", SCHEMA_STRINGS_OR_NULL),
	CUSTOM("cors.allowedHeaders", server.cors.allowed_headers, config__header_list, "null", SCHEMA_STRINGS_OR_NULL),
	CUSTOM("cors.exposedHeaders", server.cors.exposed_headers, config__header_list, "null", SCHEMA_STRINGS_OR_NULL),
	CUSTOM("cors.maxAge", server.cors.max_age, config__max_age, "null", SCHEMA_SECONDS_OR_NULL),

	BOOL("jsonp", jsonp, "true"),
	BOOL("serveClient", config.serve_client, "true"),
	SECTION("client"),
	CUSTOM("client.version", config.client, read_client_version, "\"4\"", SCHEMA_STRING),
	CUSTOM("client.dir", config.client.dir, config__folder, "null", SCHEMA_STRING_OR_NULL),
	SECTION("adminUI"),
	STRING("adminUI.username", config.ui.username, "null"),
	CUSTOM("adminUI.passwordFile", ui_hash, config__ui_hash, "null", SCHEMA_STRING_OR_NULL),
	CUSTOM("adminUI.auth", config.ui.anonymous, config__ui_auth, "null", SCHEMA_FALSE_OR_NULL),
	ENUM("adminUI.mode", config.ui.mode, config__ui_modes, "\"production\""),
	BOOL("adminUI.readonly", config.ui.readonly, "true"),
	STRING("adminUI.serverId", config.ui.server_id, "null"),
	STRING("adminUI.namespaceName", config.ui.nsp, "\"/admin\""),
	CUSTOM("adminUI.page", config.ui.page, config__ui_page, "\"/admin-ui/\"", SCHEMA_STRING_OR_FALSE),
	CUSTOM("www", config.www, config__folder, "null", SCHEMA_STRING_OR_NULL),
	CUSTOM("feedDefaults", feeds, config__feed_defaults, NULL, SCHEMA_REF("feedDefaults")),
	CUSTOM("feeds", feeds, config__feeds, "[]", SCHEMA_LIST(SCHEMA_REF("feed"))),
	STRUCT_DEFAULT("connectionStateRecovery", config__recovery, "false", SCHEMA_SWITCH_OR("recovery")),
	CUSTOM("auth", auth, config__auth, NULL, SCHEMA_REF("authOrNone")),
	CUSTOM("namespaces", namespaces, config__namespaces, "{\"/\":{}}", SCHEMA_REF("namespaces")),

	SECTION("presence"),
	CUSTOM("presence.prefix", presence_prefix, config__prefix, "\"siocast\"", SCHEMA_STRING),
	UINT("presence.expiry", presence_expiry_ms, 1000, HOUR_MS, "10000"),

	SECTION("adapter"),
	ENUM("adapter.mode", adapter.mode, config__adapter_modes, "\"off\""),
	CUSTOM("adapter.dialects", adapter.dialects, config__adapter_dialects, "[\"classic\"]", SCHEMA_REF("dialects")),
	CUSTOM("adapter.key", adapter.key, config__prefix, "\"socket.io\"", SCHEMA_STRING),
	ENUM("adapter.subscriptionMode", adapter.rooms_mode, config__adapter_rooms, "\"dynamic\""),
	UINT("adapter.streamCount", adapter.streams, 1, 1024, "1"),
	SIZE("adapter.streamMaxLen", adapter.stream_entries, 1, GB, "10000"),
	CUSTOM("adapter.serverSideEmit", adapter.server_events, config__adapter_events, "\"\"", SCHEMA_STRING_OR_EMPTY),

	SECTION("relay"),
	BOOL("relay.edges", relay.edges, "false"),
	SIZE("relay.queueBytes", relay.queue_bytes, 65536, 16 * GB, "67108864"),
	UINT("relay.resumeSeconds", relay.resume_seconds, 0, 3600, "30"),
	UINT("relay.lingerSeconds", relay.linger_seconds, 0, 3600, "10"),

	SECTION("limits"),
	SIZE("limits.clientQueueBytes", client_limits.queue_bytes, 1024, GB, "1048576"),
	SIZE("limits.clientReplyBytes", client_limits.reply_bytes, 1024, GB, "1048576"),
	UINT("limits.clientQueueSeconds", client_limits.queue_seconds, 0, DAY_S, "30"),
	UINT("limits.roomsPerSocket", client_limits.rooms_per_socket, 0, 1000000, "1000"),
	UINT("limits.namespacesPerClient", client_limits.namespaces_per_client, 1, 1000000, "20"),
	SIZE("limits.authBytes", client_limits.auth_bytes, 2, GB, "16384"),
	UINT("limits.roomNameLength", client_limits.room_name_length, 1, 65536, "256"),
	UINT("limits.heldEvents", client_limits.held_events, 0, 1000000, "100"),
	SIZE("limits.heldBytes", client_limits.held_bytes, 0, GB, "1048576"),
	SIZE("limits.workerQueueBytes", worker_queue_bytes, 65536, 16 * GB, "67108864"),
	SIZE("limits.messageBytes", message_bytes, 1024, GB, "16777216"),
	SIZE("limits.publishQueueBytes", publish_queue_bytes, 0, 16 * GB, "8388608"),
	UINT("limits.maxConnections", config.limits.max_connections, 0, 10000000, "0"),
	UINT("limits.maxSessions", config.limits.max_sessions, 0, 100000000, "0"),
	UINT("limits.headerBytes", config.limits.header_bytes, 1024, 1048576, "16384"),
	UINT("limits.headerSeconds", config.limits.header_seconds, 1, 3600, "60"),
	UINT("limits.requestSeconds", config.limits.request_seconds, 1, DAY_S, "300"),
	UINT("limits.keepAliveSeconds", config.limits.keep_alive_seconds, 1, DAY_S, "65"),

	SECTION("drain"),
	UINT("drain.seconds", config.drain_seconds, 0, 3600, "0"),

	SECTION("log"),
	ENUM("log.level", config.log_level, log_levels, "\"info\""),
	ENUM("log.format", config.log_format, log_formats, "\"text\""),
	CUSTOM("log.target", config.log_file, config__log_target, "\"stderr\"", SCHEMA_STRING),
	CUSTOM("accessLog", config.access_log, config__access_log, "\"off\"", SCHEMA_STRING),
	ENUM_ALIAS("logLevel", config.log_level, log_levels),
};
/* clang-format on */

const struct config_table config__main_table = TABLE_OF(main_rows);
