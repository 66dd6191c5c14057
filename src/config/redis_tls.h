/* SPDX-License-Identifier: MIT */
/* `tls` of a Redis server: the files that say whom to trust, and who we are. */
#ifndef SRC_CONFIG_REDIS_TLS_H
#define SRC_CONFIG_REDIS_TLS_H

#include "src/config/loader.h"
#include "src/redis/url.h"

/* What the object says; NULL: nothing. */
struct config_redis_tls {
	const char *ca, *cert, *key; /* files */
	const char *server_name;
};

/* Gives an address that asks for TLS what it takes. server: the value of the server, at which the path stands. */
void config__redis_tls(
	struct config_loader *l, const cJSON *server, const struct config_redis_tls *tls, struct redis_url *url);

#endif
