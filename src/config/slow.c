/* SPDX-License-Identifier: MIT */
/* The rule for clients that are too slow: a word, or the newest message of each key. */
#include "src/config/slow.h"

#include "sio/json.h"
#include "src/config/rows.h"
#include "src/feed/spec.h"

#include <stdlib.h>

#define ROWS_OF struct feed_spec

static void
read_latest_per(struct config_loader *l, const cJSON *item, void *target)
{
	char **out = target;

	if (!cJSON_IsString(item) || !sio_json_pointer_valid(eio_cstr(item->valuestring))) {
		config__error(l, item, "expected a JSON pointer such as \"/symbol\"");
		return;
	}
	free(*out);
	*out = config__copy(l, item->valuestring);
}

static const char *const words[] = { "drop-oldest", "latest", "disconnect", NULL };

static const struct config_option word_rows[] = { ENUM("slow", slow, words, NULL) };

static const struct config_table word_table = TABLE_OF(word_rows);

static const struct config_option latest_rows[] = {
	CUSTOM("latestPer", latest_per, read_latest_per, NULL, SCHEMA_STRING),
	UINT("max", latest_max, 1, 10000000, "10000"),
};

const struct config_table config__latest_table = TABLE_OF(latest_rows);

static void
read_latest(struct config_loader *l, const cJSON *item, struct feed_spec *f)
{
	if (!cJSON_HasObjectItem(item, "latestPer"))
		config__error(l, item, "needs \"latestPer\", a JSON pointer such as \"/symbol\"");
	config__defaults(l, &config__latest_table, f);
	config__object(l, &config__latest_table, f, "", item);
	f->slow = FEED_SLOW_DROP_OLDEST;
}

void
config__slow(struct config_loader *l, const cJSON *item, void *target)
{
	struct feed_spec *f = target;

	/* What feedDefaults had goes as a whole. */
	free(f->latest_per);
	f->latest_per = NULL;
	if (cJSON_IsObject(item))
		read_latest(l, item, f);
	else
		config__value(l, &word_table, f, "slow", item);
}
