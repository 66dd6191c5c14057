/* SPDX-License-Identifier: MIT */
/* Certificates for Redis. */
#include "src/config/redis_tls.h"

#include "eio/hash.h"
#include "src/config/file.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { MAX_PEM = 4 * 1024 * 1024 }; /* all authorities of a system are a quarter of a megabyte */

typedef const char *(*pem_fn)(struct redis_tls_context *c, struct eio_bytes pem);

/* Something more that the context of a server is made of. */
static void
note_trust(struct redis_url *url, struct eio_bytes what)
{
	const uint64_t key[2] = { url->trust, 0 };

	url->trust = eio_hash_bytes(key, what);
}

/* What a file says is wrong. */
static void
complain_of_file(struct config_loader *l, const cJSON *tls, const char *key, const char *path, const char *why)
{
	size_t mark = config__push(l, key);

	config__error(l, cJSON_GetObjectItemCaseSensitive(tls, key), "%s: %s", path, why);
	config__pop(l, mark);
}

/* Hands a file to whoever takes what is in it. Whether that went well. */
static bool
take_pem(struct config_loader *l, const cJSON *tls, const char *key, const char *path, pem_fn take,
	struct redis_url *url)
{
	char *pem = malloc(MAX_PEM);
	ssize_t n = pem ? config__read_file(path, pem, MAX_PEM) : 0;
	const char *why;

	if (!pem) {
		config__error_memory(l);
		return false;
	}
	if (n < 0)
		why = uv_strerror((int)n);
	else if (n == MAX_PEM)
		why = "too long for a file of certificates";
	else
		why = take(url->tls, eio_bytes(pem, (size_t)n));
	if (n > 0) note_trust(url, eio_bytes(pem, (size_t)n));
	if (n > 0) explicit_bzero(pem, (size_t)n);
	free(pem);
	if (why) complain_of_file(l, tls, key, path, why);
	return !why;
}

static void
trust_somebody(struct config_loader *l, const cJSON *item, const char *ca, struct redis_url *url)
{
	const char *why;

	if (ca) {
		take_pem(l, item, "ca", ca, redis_tls_trust, url);
		return;
	}
	why = redis_tls_trust_system(url->tls);
	if (why) config__error(l, item, "%s", why);
}

static void
take_our_own(struct config_loader *l, const cJSON *item, const struct config_redis_tls *tls, struct redis_url *url)
{
	size_t mark;

	if (!tls->cert && !tls->key) return;
	if (!tls->cert || !tls->key) {
		config__error(l, item, "\"cert\" and \"key\" belong together");
		return;
	}
	if (!take_pem(l, item, "cert", tls->cert, redis_tls_certificate, url)) return;
	take_pem(l, item, "key", tls->key, redis_tls_key, url);
	if (redis_tls_certificate_is_valid(url->tls)) return;
	mark = config__push(l, "cert");
	config__warn(l, cJSON_GetObjectItemCaseSensitive(item, "cert"),
		"%s: the certificate has expired, or is not valid yet", tls->cert);
	config__pop(l, mark);
}

static bool
has_tls_sentinel(const struct redis_url *url)
{
	for (size_t i = 0; i < url->n_guides; i++)
		if (url->guides[i].is_tls) return true;
	return false;
}

void
config__redis_tls(
	struct config_loader *l, const cJSON *server, const struct config_redis_tls *tls, struct redis_url *url)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(server, "tls");
	size_t mark = config__push(l, item ? "tls" : "");

	if (!url->is_tls) {
		if (item && !has_tls_sentinel(url))
			config__error(l, item, "this is for an address that begins with rediss://");
	} else if (!(url->tls = redis_tls_context_new(tls->server_name ? tls->server_name : url->host, NULL))) {
		config__error_memory(l);
	} else {
		note_trust(url, eio_cstr(tls->server_name ? tls->server_name : url->host));
		trust_somebody(l, item ? item : server, tls->ca, url);
		take_our_own(l, item, tls, url);
	}
	config__pop(l, mark);
}
