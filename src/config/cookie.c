/* SPDX-License-Identifier: MIT */
/* engine.cookie: what Socket.IO's `cookie` option holds. */
#include "src/config/cookie.h"

#include "src/config/table.h"
#include "src/config/values.h"

#include <string.h>
#include <strings.h>

static void
read_same_site(struct config_loader *l, const cJSON *item, void *target)
{
	static const char *const names[] = { "none", "lax", "strict" };
	enum config_same_site *out = target;

	if (cJSON_IsFalse(item)) {
		*out = CONFIG_SAME_SITE_ABSENT;
		return;
	}
	for (unsigned i = 0; cJSON_IsString(item) && i < 3; i++) {
		if (strcasecmp(item->valuestring, names[i]) != 0) continue;
		*out = (enum config_same_site)i;
		return;
	}
	config__error(l, item, "expected \"strict\", \"lax\", \"none\" or false");
}

/* A cookie attribute ends at ';'. */
static void
read_attribute(struct config_loader *l, const cJSON *item, void *target)
{
	char **out = target;

	*out = NULL;
	if (cJSON_IsFalse(item) || cJSON_IsNull(item)) return;
	if (!cJSON_IsString(item) || !*item->valuestring || !config__header_safe(item->valuestring) ||
		strchr(item->valuestring, ';'))
		config__error(l, item, "expected a string without ';' and control characters, or false");
	else
		*out = config__strdup(l, item->valuestring);
}

/* A cookie's name is a token (RFC 6265). */
static void
read_cookie_name(struct config_loader *l, const cJSON *item, void *target)
{
	char **out = target;
	const char *s = cJSON_IsString(item) ? item->valuestring : "";

	for (const char *p = s; *p; p++)
		if (*p <= ' ' || *p >= 0x7f || strchr("()<>@,;:\\\"/[]?={}", *p)) s = "";
	if (!*s)
		config__error(l, item, "expected a cookie name: letters, digits and -_.!#$%%&'*+^`|~");
	else
		*out = config__strdup(l, s);
}

#define COOKIE_AT(field) offsetof(struct config_cookie, field)
#define COOKIE(p, kind, field, fn, def) \
	{ \
		.path = p, .type = kind, .offset = COOKIE_AT(field), .custom = fn, .fallback = def \
	}

static const struct config_option cookie_rows[] = {
	COOKIE("name", CONFIG_TYPE_CUSTOM, name, read_cookie_name, "\"io\""),
	COOKIE("path", CONFIG_TYPE_CUSTOM, path, read_attribute, "\"/\""),
	COOKIE("domain", CONFIG_TYPE_CUSTOM, domain, read_attribute, "null"),
	COOKIE("httpOnly", CONFIG_TYPE_BOOL, http_only, NULL, "true"),
	COOKIE("secure", CONFIG_TYPE_BOOL, secure, NULL, "false"),
	COOKIE("sameSite", CONFIG_TYPE_CUSTOM, same_site, read_same_site, "\"lax\""),
	COOKIE("maxAge", CONFIG_TYPE_CUSTOM, max_age_s, config__max_age, "null"),
};

void
config__cookie(struct config_loader *l, const cJSON *item, void *target)
{
	static const struct config_table table = { cookie_rows, sizeof cookie_rows / sizeof cookie_rows[0] };
	struct config_cookie *cookie = target;

	*cookie = (struct config_cookie){ .max_age_s = -1 };
	if (cJSON_IsFalse(item) || cJSON_IsNull(item)) return;
	config__defaults(l, &table, cookie);
	if (l->c->compat == CONFIG_COMPAT_1) cookie->same_site = CONFIG_SAME_SITE_ABSENT;
	if (l->c->compat == CONFIG_COMPAT_2) cookie->same_site = CONFIG_SAME_SITE_STRICT;
	if (cJSON_IsString(item))
		read_cookie_name(l, item, &cookie->name);
	else if (cJSON_IsObject(item))
		config__object(l, &table, cookie, "", item);
	else if (!cJSON_IsTrue(item))
		config__error(l, item, "expected true, false, a name or an object, not %s", config__type_name(item));
	if (cookie->same_site == CONFIG_SAME_SITE_NONE && !cookie->secure)
		config__error(l, item, "browsers refuse \"sameSite\": \"none\" without \"secure\": true");
}
