/* SPDX-License-Identifier: MIT */
/* cors.origin. */
#include "src/config/cors.h"

#include "eio/net/cors.h"
#include "src/config/parts.h"
#include "src/config/values.h"

#include <string.h>

/* What keeps a text from ever being the origin of a page; NULL when nothing does. Browsers write an origin in one way
 * only. */
static const char *
origin_fault(const char *s)
{
	const char *host = strstr(s, "://"), *port;

	if (strcmp(s, "*") == 0 || strcmp(s, "null") == 0) return NULL;
	if (strchr(s, '*')) return "there are no wildcards: this is the name of no page's origin";
	if (!host) return "an origin begins with its scheme, as in \"https://example.org\"";
	host += 3;
	if (strpbrk(host, "/?#"))
		return "an origin ends with its host or port: no page's has a path or a slash at its end";
	if (strchr(host, '@')) return "an origin has no name and no password of a user";
	if (strchr(s, ' ')) return "there are no spaces in an origin";
	for (const char *p = s; *p; p++)
		if ((unsigned char)*p >= 0x80) return "browsers write other letters than those of ASCII as \"xn--...\"";
	if (strpbrk(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")) return "browsers write origins in small letters";
	port = strrchr(host, ':');
	if (port && ((strncmp(s, "https:", 6) == 0 && strcmp(port, ":443") == 0) ||
			    (strncmp(s, "http:", 5) == 0 && strcmp(port, ":80") == 0)))
		return "browsers leave out the port that goes with the scheme";
	return NULL;
}

static void
check_origin(struct config_loader *l, const struct eio_cors *cors, const cJSON *item, const char *s)
{
	const char *fault = origin_fault(s);

	if (!config__header_safe(s))
		config__error(l, item, "an origin with control characters");
	else if (cors->origin == EIO_CORS_LIST && strchr(s, '*'))
		config__error(l, item, "\"%s\": no wildcards in a list; \"*\" alone allows every origin", s);
	else if (fault)
		config__warn(l, item, "\"%s\": %s", s, fault);
}

void
config__origin(struct config_loader *l, const cJSON *item, void *target)
{
	struct eio_cors *cors = target;
	struct config_strings origins = { 0 };
	size_t mark;

	cors->origins = NULL;
	cors->origins_n = 0;
	if (cJSON_IsBool(item)) {
		cors->origin = cJSON_IsTrue(item) ? EIO_CORS_REFLECT : EIO_CORS_OFF;
		return;
	}
	if (!config__strings(l, item, &origins)) return;
	if (cJSON_IsString(item))
		cors->origin = strcmp(item->valuestring, "*") == 0 ? EIO_CORS_ANY : EIO_CORS_FIXED;
	else
		cors->origin = EIO_CORS_LIST;
	cors->origins = origins.v;
	cors->origins_n = origins.n;
	for (size_t i = 0; i < origins.n; i++) {
		mark = config__push_element(l, item, i);
		check_origin(l, cors, config__element(item, i), origins.v[i]);
		config__pop(l, mark);
	}
}

bool
config__jsonp(const struct config_loader *l)
{
	const struct config_parts *p = l->parts;

	/* A script asks nobody, so it would be a way in for every page. */
	if (!cJSON_GetObjectItemCaseSensitive(l->root, "jsonp")) return !eio_cors_restricts(p->server.cors.origin);
	return p->jsonp;
}

void
config__cors_warn(struct config_loader *l)
{
	const struct eio_cors *cors = &l->parts->server.cors;
	const cJSON *object = cJSON_GetObjectItemCaseSensitive(l->root, "cors");
	size_t mark;

	if (cors->origin != EIO_CORS_ANY || !cors->credentials || config__is_wrong(l, object)) return;
	mark = config__push(l, "cors.credentials");
	config__warn(l, cJSON_GetObjectItemCaseSensitive(object, "credentials"),
		"browsers refuse credentials where the origin is \"*\"; name the origins, or write \"origin\": true");
	config__pop(l, mark);
}
