/* SPDX-License-Identifier: MIT */
/* engine.cookie: what Socket.IO's `cookie` option holds. */
#include "src/config/cookie.h"

#include "eio/buf.h"
#include "eio/net/server.h"
#include "src/config/hints.h"
#include "src/config/parts.h"
#include "src/config/rows.h"
#include "src/config/values.h"

#include <string.h>
#include <strings.h>

enum same_site {
	SAME_SITE_NONE,
	SAME_SITE_LAX,
	SAME_SITE_STRICT,
	SAME_SITE_ABSENT, /* "sameSite": false */
};

struct cookie {
	const char *name;
	const char *path; /* NULL: no Path attribute */
	const char *domain; /* NULL: no Domain attribute */
	bool http_only, secure;
	enum same_site same_site;
	int64_t max_age_s; /* -1: no Max-Age */
};

static void
read_same_site(struct config_loader *l, const cJSON *item, void *target)
{
	static const char *const names[] = { "none", "lax", "strict" };
	enum same_site *out = target;

	if (cJSON_IsFalse(item)) {
		*out = SAME_SITE_ABSENT;
		return;
	}
	for (unsigned i = 0; cJSON_IsString(item) && i < 3; i++) {
		if (strcasecmp(item->valuestring, names[i]) != 0) continue;
		*out = (enum same_site)i;
		return;
	}
	config__error(l, item, "expected \"strict\", \"lax\", \"none\" or false");
}

/* A cookie attribute ends at ';'. */
static void
read_attribute(struct config_loader *l, const cJSON *item, void *target)
{
	const char **out = target;

	*out = NULL;
	if (cJSON_IsFalse(item) || cJSON_IsNull(item)) return;
	if (!cJSON_IsString(item) || !*item->valuestring || !config__header_safe(item->valuestring) ||
		strchr(item->valuestring, ';')) {
		config__error(l, item, "expected a string without ';' and control characters, or false");
	} else {
		config__warn_unquoted(l, item, item->valuestring);
		*out = config__strdup(l, item->valuestring);
	}
}

/* A cookie's name is a token (RFC 6265). */
static void
read_cookie_name(struct config_loader *l, const cJSON *item, void *target)
{
	const char **out = target;
	const char *s = cJSON_IsString(item) ? item->valuestring : "";

	for (const char *p = s; *p; p++)
		if (*p <= ' ' || *p >= 0x7f || strchr("()<>@,;:\\\"/[]?={}", *p)) s = "";
	if (!*s) {
		config__error(l, item, "expected a cookie name: letters, digits and -_.!#$%%&'*+^`|~");
	} else {
		if (config__looks_unquoted(s))
			config__warn(l, item, "a cookie called \"%s\"; write it without quotes to mean the value", s);
		*out = config__strdup(l, s);
	}
}

#define ROWS_OF struct cookie

static const struct config_option cookie_rows[] = {
	CUSTOM("name", name, read_cookie_name, "\"io\"", SCHEMA_STRING),
	CUSTOM("path", path, read_attribute, "\"/\"", SCHEMA_STRING_OR_FALSE),
	CUSTOM("domain", domain, read_attribute, "null", SCHEMA_STRING_OR_FALSE),
	BOOL("httpOnly", http_only, "true"),
	BOOL("secure", secure, "false"),
	CUSTOM("sameSite", same_site, read_same_site, "\"lax\"", SCHEMA_STRING_OR_FALSE),
	CUSTOM("maxAge", max_age_s, config__max_age, "null", SCHEMA_SECONDS_OR_NULL),
};

const struct config_table config__cookie_table = TABLE_OF(cookie_rows);

/* What follows "name=sid" in Set-Cookie, in the order the reference's cookie library writes it. */
static const char *
cookie_attributes(struct config_loader *l, const struct cookie *c)
{
	static const char *const same_site[] = {
		[SAME_SITE_NONE] = "None", [SAME_SITE_LAX] = "Lax", [SAME_SITE_STRICT] = "Strict"
	};
	struct eio_buf b;
	const char *text = NULL;

	eio_buf_init(&b);
	if (c->max_age_s >= 0) eio_buf_printf(&b, "; Max-Age=%lld", (long long)c->max_age_s);
	if (c->domain) eio_buf_printf(&b, "; Domain=%s", c->domain);
	if (c->path) eio_buf_printf(&b, "; Path=%s", c->path);
	if (c->http_only) EIO_BUF_ADD_LIT(&b, "; HttpOnly");
	if (c->secure) EIO_BUF_ADD_LIT(&b, "; Secure");
	if (c->same_site != SAME_SITE_ABSENT) eio_buf_printf(&b, "; SameSite=%s", same_site[c->same_site]);
	eio_buf_addc(&b, '\0');
	if (b.failed)
		config__error_memory(l);
	else
		text = config__strdup(l, b.p);
	eio_buf_deinit(&b);
	return text;
}

void
config__cookie(struct config_loader *l, const cJSON *item, void *target)
{
	struct eio_server_options *server = target;
	struct cookie cookie = { .max_age_s = -1 };

	server->cookie_name = server->cookie_attributes = NULL;
	if (cJSON_IsFalse(item) || cJSON_IsNull(item)) return;
	config__defaults(l, &config__cookie_table, &cookie);
	if (l->parts->config.compat == CONFIG_COMPAT_1) cookie.same_site = SAME_SITE_ABSENT;
	if (l->parts->config.compat == CONFIG_COMPAT_2) cookie.same_site = SAME_SITE_STRICT;
	if (cJSON_IsString(item))
		read_cookie_name(l, item, &cookie.name);
	else if (cJSON_IsObject(item))
		config__object(l, &config__cookie_table, &cookie, "", item);
	else if (!cJSON_IsTrue(item))
		config__error(l, item, "expected true, false, a name or an object, not %s", config__type_name(item));
	if (cookie.same_site == SAME_SITE_NONE && !cookie.secure)
		config__error(l, item, "browsers refuse \"sameSite\": \"none\" without \"secure\": true");
	server->cookie_name = cookie.name;
	server->cookie_attributes = cookie_attributes(l, &cookie);
}
