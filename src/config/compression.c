/* SPDX-License-Identifier: MIT */
/*
 * perMessageDeflate and httpCompression. Their keys are those that Socket.IO
 * passes on to ws and to zlib, as far as they say something here.
 */
#include "src/config/compression.h"

#include "eio/deflate.h"
#include "src/config/rows.h"
#include "src/config/values.h"

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

#define ROWS_OF struct eio_deflate
#define THRESHOLD(p) SIZE(p, threshold, 0, 1073741824.0, "1024")
#define WINDOW(p) UINT(p, window_bits, EIO_DEFLATE_WINDOW_MIN, EIO_DEFLATE_WINDOW_MAX, "15")
#define LEVEL(p) UINT(p, level, 1, 9, "3")
#define ALWAYS(p) STRUCT(p, read_always, "{\"const\":true}")
#define USELESS(p) STRUCT(p, read_useless, "false")

static const struct config_option websocket_rows[] = {
	THRESHOLD("threshold"),
	SECTION("zlibDeflateOptions"),
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

const struct config_table config__websocket_table = TABLE_OF(websocket_rows);
const struct config_table config__http_table = TABLE_OF(http_rows);

static void
read_compression(struct config_loader *l, const cJSON *item, const struct config_table *table, struct eio_deflate *out)
{
	*out = (struct eio_deflate){ .window_bits = EIO_DEFLATE_WINDOW_MAX };
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
	read_compression(l, item, &config__websocket_table, target);
}

void
config__http_compression(struct config_loader *l, const cJSON *item, void *target)
{
	read_compression(l, item, &config__http_table, target);
}
