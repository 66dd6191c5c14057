/* SPDX-License-Identifier: MIT */
/* From tables to JSON Schema. */
#include "src/config/schema.h"

#include "src/config/addresses.h"
#include "src/config/auth.h"
#include "src/config/compression.h"
#include "src/config/cookie.h"
#include "src/config/feeds.h"
#include "src/config/intake.h"
#include "src/config/namespaces.h"
#include "src/config/options.h"
#include "src/config/presence.h"
#include "src/config/prime.h"
#include "src/config/recovery.h"
#include "src/config/redis.h"
#include "src/config/retain.h"
#include "src/config/rooms.h"
#include "src/config/slow.h"
#include "src/config/subscribe.h"
#include "src/config/tls.h"

#include <string.h>

/* What of a feed, or of a key, no row says: it has one source. */
#define ONE_OF_THREE(a, b, c) "\"oneOf\":[" NEEDS(a) "," NEEDS(b) "," NEEDS(c) "]"
#define ONE_OF_FOUR(a, b, c, d) "\"oneOf\":[" NEEDS(a) "," NEEDS(b) "," NEEDS(c) "," NEEDS(d) "]"
#define NEEDS(key) "{\"required\":[\"" key "\"]}"
#define ANY_OF_FOUR(a, b, c, d) "{\"anyOf\":[" NEEDS(a) "," NEEDS(b) "," NEEDS(c) "," NEEDS(d) "]}"

/* What each table is called; more: members of its schema beside those that its rows make. */
static const struct {
	const char *name;
	const struct config_table *table;
	const char *more;
} definitions[] = {
	{ "cookie", &config__cookie_table, NULL },
	{ "perMessageDeflate", &config__websocket_table, NULL },
	{ "httpCompression", &config__http_table, NULL },
	{ "feed", &config__feed_table, ONE_OF_FOUR("channel", "pattern", "shard", "stream") },
	{ "feedDefaults", &config__feed_table, "\"not\":" ANY_OF_FOUR("channel", "pattern", "shard", "stream") },
	{ "subscribe", &config__subscribe_table, "\"required\":[\"mode\"]" },
	{ "latest", &config__latest_table, "\"required\":[\"latestPer\"]" },
	{ "retain", &config__retain_table, NULL },
	{ "remove", &config__remove_table, "\"required\":[\"where\"]" },
	{ "prime", &config__prime_table, NULL },
	{ "recovery", &config__recovery_table, NULL },
	{ "auth", &config__auth_table, "\"minProperties\":1" },
	{ "jwt", &config__jwt_table, "\"required\":[\"keys\"]" },
	{ "key", &config__key_table, ONE_OF_THREE("secretFile", "publicKeyFile", "jwksFile") },
	{ "hook", &config__hook_table, "\"required\":[\"url\"]" },
	{ "namespace", &config__namespace_table, NULL },
	{ "presence", &config__presence_table, "\"required\":[\"member\",\"events\"]" },
	{ "count", &config__count_table, "\"required\":[\"event\"]" },
	{ "rooms", &config__room_table, NULL },
	{ "roomRate", &config__room_rate_table, "\"required\":[\"perSecond\"]" },
	{ "listener", &config__listen_table, "\"required\":[\"address\"]" },
	{ "tls", &config__tls_table, "\"anyOf\":[{\"required\":[\"cert\",\"key\"]}," NEEDS("certificates") "]" },
	{ "certificate", &config__certificate_table, "\"required\":[\"cert\",\"key\"]" },
	{ "intake", &config__intake_table, "\"required\":[\"address\"]" },
	{ "redisServer", &config__redis_table, NULL },
};

/* Those that no table makes. */
#define DEFINE_AS(name, schema) ",\"" name "\":" schema
#define NULL_OR(schema) SCHEMA_ANY_OF("{\"type\":\"null\"}", schema)
#define ENUM_OF(list) "{\"enum\":[" list "]}"
/* clang-format off */
static const char others[] =
	"\"variable\":{\"type\":\"string\",\"pattern\":\"^\\\\$\\\\{[A-Z_][A-Z0-9_]*(:-[^}]*)?\\\\}$\"}"
	DEFINE_AS("boolean", SCHEMA_ANY_OF("{\"type\":\"boolean\"}", SCHEMA_REF("variable")))
	DEFINE_AS("strings", SCHEMA_ONE_OR_MORE(SCHEMA_STRING))
	DEFINE_AS("stringsOrNone", SCHEMA_ANY_OF(SCHEMA_STRING_OR_NULL, SCHEMA_LIST(SCHEMA_STRING)))
	DEFINE_AS("redisServers", SCHEMA_ONE_OR_MORE(SCHEMA_ANY_OF(SCHEMA_STRING, SCHEMA_REF("redisServer"))))
	DEFINE_AS("listeners", SCHEMA_ONE_OR_MORE(SCHEMA_ANY_OF(SCHEMA_STRING, SCHEMA_REF("listener"))))
	DEFINE_AS("tlsOrNone", SCHEMA_ANY_OF(ENUM_OF("null,false"), SCHEMA_REF("tls")))
	DEFINE_AS("intakeOrNone", SCHEMA_ANY_OF(ENUM_OF("null,false"), SCHEMA_ANY_OF(SCHEMA_STRING, SCHEMA_REF("intake"))))
	DEFINE_AS("dialects", SCHEMA_ONE_OR_MORE(ENUM_OF("\"classic\",\"sharded\",\"streams\"")))
	DEFINE_AS("transports", SCHEMA_ONE_OR_MORE(ENUM_OF("\"polling\",\"websocket\"")))
	DEFINE_AS("origin", SCHEMA_ANY_OF("{\"type\":\"boolean\"}", SCHEMA_STRINGS))
	DEFINE_AS("cookieRule", SCHEMA_ANY_OF("{\"type\":[\"boolean\",\"string\",\"null\"]}", SCHEMA_REF("cookie")))
	DEFINE_AS("authOrNone", SCHEMA_ANY_OF(ENUM_OF("null,false"), SCHEMA_REF("auth")))
	DEFINE_AS("namespaces", "{\"type\":\"object\",\"propertyNames\":{\"pattern\":\"^/[^,?]*$\"},"
		"\"additionalProperties\":" SCHEMA_REF("namespace") "}")
	DEFINE_AS("eventName", SCHEMA_ANY_OF(SCHEMA_STRING,
		"{\"type\":\"array\",\"items\":" SCHEMA_STRING ",\"minItems\":1,\"maxItems\":1}"))
	DEFINE_AS("slowRule", SCHEMA_ANY_OF(ENUM_OF("\"drop-oldest\",\"latest\",\"disconnect\""), SCHEMA_REF("latest")))
	DEFINE_AS("subscribeRule", SCHEMA_ANY_OF(ENUM_OF("\"always\",\"on-demand\""), SCHEMA_REF("subscribe")))
	DEFINE_AS("removeRule", NULL_OR(SCHEMA_REF("remove")))
	DEFINE_AS("primeRule", NULL_OR(SCHEMA_ONE_OR_MORE(SCHEMA_REF("prime"))))
	DEFINE_AS("roomRules", NULL_OR(SCHEMA_REF("rooms")))
	DEFINE_AS("roomRates", "{\"type\":\"object\",\"propertyNames\":{\"minLength\":1},"
		"\"additionalProperties\":" SCHEMA_REF("roomRate") "}")
	DEFINE_AS("retainRule", SCHEMA_ANY_OF(ENUM_OF("\"last\",false,null"),
		SCHEMA_ANY_OF("{\"type\":\"integer\",\"minimum\":1,\"maximum\":100000}", SCHEMA_REF("retain"))))
	DEFINE_AS("where", "{\"type\":\"object\",\"propertyNames\":{\"pattern\":\"^(/|$)\"},"
		"\"additionalProperties\":" SCHEMA_REF("match") "}")
	DEFINE_AS("match", SCHEMA_ANY_OF(SCHEMA_ONE_OR_MORE(SCHEMA_REF("scalar")), SCHEMA_REF("operators")))
	DEFINE_AS("scalar", "{\"type\":[\"string\",\"number\",\"boolean\",\"null\"]}")
	DEFINE_AS("bound", "{\"type\":[\"string\",\"number\"]}")
	DEFINE_AS("operators", "{\"type\":\"object\",\"minProperties\":1,\"additionalProperties\":false,\"properties\":{"
		"\"exists\":{\"type\":\"boolean\"},\"not\":" SCHEMA_REF("match") ",\"<\":" SCHEMA_REF("bound") ","
		"\"<=\":" SCHEMA_REF("bound") ",\">\":" SCHEMA_REF("bound") ",\">=\":" SCHEMA_REF("bound") "}}");
/* clang-format on */

static void
write_range(struct eio_buf *out, const struct config_option *o)
{
	EIO_BUF_ADD_LIT(out, "\"anyOf\":[{\"type\":\"integer\",\"minimum\":");
	eio_buf_printf(out, "%.0f,\"maximum\":%.0f},", o->min, o->max);
	EIO_BUF_ADD_LIT(out, SCHEMA_REF("variable") "]");
}

static void
write_enum_schema(struct eio_buf *out, const struct config_option *o)
{
	EIO_BUF_ADD_LIT(out, "\"anyOf\":[{\"enum\":[");
	for (size_t i = 0; o->names[i]; i++) eio_buf_printf(out, "%s\"%s\"", i ? "," : "", o->names[i]);
	EIO_BUF_ADD_LIT(out, "]}," SCHEMA_REF("variable") "]");
}

/* Of one option, but a section. */
static void
write_option_schema(struct eio_buf *out, const struct config_option *o)
{
	eio_buf_addc(out, '{');
	switch (o->type) {
	case CONFIG_TYPE_UINT:
	case CONFIG_TYPE_UINT64:
	case CONFIG_TYPE_SIZE: write_range(out, o); break;
	case CONFIG_TYPE_BOOL: EIO_BUF_ADD_LIT(out, "\"$ref\":\"#/$defs/boolean\""); break;
	case CONFIG_TYPE_STRING: EIO_BUF_ADD_LIT(out, "\"type\":[\"string\",\"null\"],\"minLength\":1"); break;
	case CONFIG_TYPE_ENUM: write_enum_schema(out, o); break;
	case CONFIG_TYPE_CUSTOM: eio_buf_printf(out, "\"allOf\":[%s]", o->schema); break;
	case CONFIG_TYPE_SECTION: break;
	}
	if (o->fallback) eio_buf_printf(out, ",\"default\":%s", o->fallback);
	eio_buf_addc(out, '}');
}

/* Whether a row is of the section that another row begins, or, for NULL, of none. */
static bool
is_of_section(const struct config_option *o, const struct config_option *section)
{
	size_t n = section ? strlen(section->path) : 0;

	if (!section) return !strchr(o->path, '.');
	return strncmp(o->path, section->path, n) == 0 && o->path[n] == '.';
}

/* The members of a table, or of one of its sections, which have none. */
static void
write_properties(struct eio_buf *out, const struct config_table *t, const struct config_option *section)
{
	size_t skip = section ? strlen(section->path) + 1 : 0;
	const char *comma = "";

	EIO_BUF_ADD_LIT(out, "\"type\":\"object\",\"additionalProperties\":false,\"properties\":{");
	for (size_t i = 0; i < t->n; i++) {
		const struct config_option *o = &t->rows[i];

		if (!is_of_section(o, section)) continue;
		eio_buf_printf(out, "%s\"%s\":", comma, o->path + skip);
		comma = ",";
		if (o->type != CONFIG_TYPE_SECTION) {
			write_option_schema(out, o);
			continue;
		}
		eio_buf_addc(out, '{');
		write_properties(out, t, o);
		eio_buf_addc(out, '}');
	}
	eio_buf_addc(out, '}');
}

static void
write_schema(struct eio_buf *out)
{
	EIO_BUF_ADD_LIT(out, "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\","
			     "\"title\":\"siocast.conf(5)\",");
	write_properties(out, &config__main_table, NULL);
	EIO_BUF_ADD_LIT(out, ",\"$defs\":{");
	for (size_t i = 0; i < sizeof definitions / sizeof definitions[0]; i++) {
		eio_buf_printf(out, "\"%s\":{", definitions[i].name);
		write_properties(out, definitions[i].table, NULL);
		if (definitions[i].more) eio_buf_printf(out, ",%s", definitions[i].more);
		EIO_BUF_ADD_LIT(out, "},");
	}
	eio_buf_add(out, eio_cstr(others));
	EIO_BUF_ADD_LIT(out, "}}");
}

int
config_schema(struct eio_buf *out)
{
	struct eio_buf text = { 0 };
	cJSON *tree;
	char *print;

	write_schema(&text);
	eio_buf_addc(&text, '\0');
	tree = eio_buf_failed(&text) ? NULL : cJSON_Parse(text.p);
	print = tree ? cJSON_Print(tree) : NULL;
	if (print) {
		eio_buf_add(out, eio_cstr(print));
		eio_buf_addc(out, '\n');
	}
	cJSON_free(print);
	cJSON_Delete(tree);
	eio_buf_deinit(&text);
	return print && !eio_buf_failed(out) ? 0 : -1;
}
