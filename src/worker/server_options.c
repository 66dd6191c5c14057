/* SPDX-License-Identifier: MIT */
/* From configuration to Engine.IO server options. */
#include "src/worker/server_options.h"

#include "eio/buf.h"

#include <stdlib.h>

/* What follows "name=sid" in Set-Cookie, in the order the reference's cookie library writes it. NULL: out of memory. */
static char *
cookie_attributes(const struct config_cookie *c)
{
	static const char *const same_site[] = {
		[CONFIG_SAME_SITE_NONE] = "None", [CONFIG_SAME_SITE_LAX] = "Lax", [CONFIG_SAME_SITE_STRICT] = "Strict"
	};
	struct eio_buf b;

	eio_buf_init(&b);
	if (c->max_age_s >= 0) eio_buf_printf(&b, "; Max-Age=%lld", (long long)c->max_age_s);
	if (c->domain) eio_buf_printf(&b, "; Domain=%s", c->domain);
	if (c->path) eio_buf_printf(&b, "; Path=%s", c->path);
	if (c->http_only) EIO_BUF_ADD_LIT(&b, "; HttpOnly");
	if (c->secure) EIO_BUF_ADD_LIT(&b, "; Secure");
	if (c->same_site != CONFIG_SAME_SITE_ABSENT) eio_buf_printf(&b, "; SameSite=%s", same_site[c->same_site]);
	eio_buf_addc(&b, '\0');
	if (!b.failed) return b.p;
	eio_buf_deinit(&b);
	return NULL;
}

static void
set_cors(struct eio_cors *out, const struct config_cors *c)
{
	static const enum eio_cors_origin origins[] = { [CONFIG_ORIGIN_NONE] = EIO_CORS_OFF,
		[CONFIG_ORIGIN_ANY] = EIO_CORS_ANY,
		[CONFIG_ORIGIN_REFLECT] = EIO_CORS_REFLECT,
		[CONFIG_ORIGIN_LIST] = EIO_CORS_LIST,
		[CONFIG_ORIGIN_FIXED] = EIO_CORS_FIXED,
		[CONFIG_ORIGIN_LEGACY] = EIO_CORS_LEGACY };

	*out = (struct eio_cors){
		.origin = origins[c->origin],
		.origins = (const char *const *)c->origins.v,
		.origins_n = c->origins.n,
		.credentials = c->credentials,
		.methods = c->methods,
		.allowed_headers = c->allowed_headers,
		.exposed_headers = c->exposed_headers,
		.max_age = c->max_age_s,
	};
}

static void
set_deflate(struct eio_deflate *out, const struct config_compression *c)
{
	*out = (struct eio_deflate){
		.on = c->on,
		.threshold = c->threshold,
		.level = (int)c->level,
		.window_bits = (int)c->window_bits,
	};
}

int
server_options_init(struct eio_server_options *out, const struct config *c, unsigned index)
{
	const struct config_engine *e = &c->engine;

	*out = (struct eio_server_options){
		.path = c->path,
		.no_trailing_slash = !e->add_trailing_slash,
		.ping_interval = e->ping_interval_ms,
		.ping_timeout = e->ping_timeout_ms,
		.upgrade_timeout = e->upgrade_timeout_ms,
		.max_payload = e->max_http_buffer_size,
		.polling = e->transports & CONFIG_TRANSPORT_POLLING,
		.websocket = e->transports & CONFIG_TRANSPORT_WEBSOCKET,
		.allow_upgrades = e->allow_upgrades,
		.allow_eio3 = e->allow_eio3,
		.cookie_always = c->compat != CONFIG_COMPAT_4,
		.index = index,
		.count = c->workers,
	};
	set_deflate(&out->ws_deflate, &e->per_message_deflate);
	set_deflate(&out->http_deflate, &e->http_compression);
	set_cors(&out->cors, &c->cors);
	if (!e->cookie.name) return 0;
	out->cookie_name = e->cookie.name;
	out->cookie_attributes = cookie_attributes(&e->cookie);
	return out->cookie_attributes ? 0 : -1;
}

void
server_options_deinit(struct eio_server_options *o)
{
	free((char *)(uintptr_t)o->cookie_attributes);
	o->cookie_attributes = NULL;
}
