/* SPDX-License-Identifier: MIT */
/*
 * perMessageDeflate and httpCompression. Their keys are those that Socket.IO
 * passes on to ws and to zlib, as far as they say something here.
 */
#include "src/config/compression.h"

#include "eio/deflate.h"
#include "src/config/table.h"

/* A switch for something that cannot be off here: no window is kept for any connection. */
static void
read_always(struct config_loader *l, const cJSON *item, void *target)
{
	(void)target;
	if (!cJSON_IsTrue(item))
		config__error(l, item, "only true can stand here: no context is kept for a connection");
}

/* What Node's servers have, and what means nothing here, is named so that it is not taken for a typing error. */
static void
read_useless(struct config_loader *l, const cJSON *item, void *target)
{
	(void)target;
	config__error(l, item, "there is nothing to set by this; leave it out");
}

#define ROW(p, kind, field, lo, hi, fn, def) \
	{ \
		.path = p, .type = kind, .offset = offsetof(struct config_compression, field), .min = lo, .max = hi, \
		.custom = fn, .fallback = def \
	}
#define THRESHOLD(p) ROW(p, CONFIG_TYPE_SIZE, threshold, 0, 1073741824.0, NULL, "1024")
#define WINDOW(p) ROW(p, CONFIG_TYPE_UINT, window_bits, EIO_DEFLATE_WINDOW_MIN, EIO_DEFLATE_WINDOW_MAX, NULL, "15")
#define LEVEL(p) ROW(p, CONFIG_TYPE_UINT, level, 1, 9, NULL, "3")
#define ALWAYS(p) ROW(p, CONFIG_TYPE_CUSTOM, on, 0, 0, read_always, NULL)
#define USELESS(p) ROW(p, CONFIG_TYPE_CUSTOM, on, 0, 0, read_useless, NULL)

static const struct config_option websocket_rows[] = {
	THRESHOLD("threshold"),
	{ .path = "zlibDeflateOptions", .type = CONFIG_TYPE_SECTION },
	LEVEL("zlibDeflateOptions.level"),
	USELESS("zlibDeflateOptions.chunkSize"),
	USELESS("zlibDeflateOptions.memLevel"),
	USELESS("zlibDeflateOptions.strategy"),
	USELESS("zlibDeflateOptions.windowBits"),
	WINDOW("serverMaxWindowBits"),
	ALWAYS("serverNoContextTakeover"),
	ALWAYS("clientNoContextTakeover"),
	USELESS("clientMaxWindowBits"),
	USELESS("concurrencyLimit"),
	USELESS("zlibInflateOptions"),
};

static const struct config_option http_rows[] = {
	THRESHOLD("threshold"),
	LEVEL("level"),
	USELESS("chunkSize"),
	USELESS("memLevel"),
	USELESS("strategy"),
	USELESS("windowBits"),
};

static void
read_compression(
	struct config_loader *l, const cJSON *item, const struct config_table *table, struct config_compression *out)
{
	*out = (struct config_compression){ .window_bits = EIO_DEFLATE_WINDOW_MAX };
	config__defaults(l, table, out);
	out->on = cJSON_IsTrue(item) || cJSON_IsObject(item);
	if (cJSON_IsObject(item))
		config__object(l, table, out, "", item);
	else if (!cJSON_IsBool(item) && !cJSON_IsNull(item))
		config__error(l, item, "expected true, false or an object, not %s", config__type_name(item));
}

void
config__per_message_deflate(struct config_loader *l, const cJSON *item, void *target)
{
	static const struct config_table table = { websocket_rows, sizeof websocket_rows / sizeof websocket_rows[0] };

	read_compression(l, item, &table, target);
}

void
config__http_compression(struct config_loader *l, const cJSON *item, void *target)
{
	static const struct config_table table = { http_rows, sizeof http_rows / sizeof http_rows[0] };

	read_compression(l, item, &table, target);
}
