/* SPDX-License-Identifier: MIT */
/* The parts of a configuration, from their beginning to their end. */
#include "src/config/parts.h"

#include "eio/check.h"
#include "eio/list.h"
#include "src/config/loader.h"

#include <stdlib.h>

enum { PARTS_MAGIC = 0x436f6e66 };

struct config_parts *
config__parts_new(void)
{
	struct config_parts *p = calloc(1, sizeof(struct config_parts));

	if (!p) return NULL;
	p->magic = PARTS_MAGIC;
	p->feeds = feed_specs_new();
	p->namespaces = namespace_specs_new();
	p->presence = presence_specs_new();
	if (p->feeds && p->namespaces && p->presence) return p;
	config_free(&p->config);
	return NULL;
}

struct config_parts *
config__parts_of(const struct config *c)
{
	struct config_parts *p = EIO_CONTAINER((uintptr_t)c, struct config_parts, config);

	CHECK_MAGIC(p, PARTS_MAGIC);
	return p;
}

void
config_free(struct config *c)
{
	struct config_parts *p;

	if (!c) return;
	p = config__parts_of(c);
	p->magic = 0;
	feed_specs_unref(p->feeds);
	namespace_specs_unref(p->namespaces);
	presence_specs_unref(p->presence);
	auth_spec_unref(p->auth);
	for (size_t i = 0; i < c->n_redis; i++) redis_url_deinit(&p->redis[i]);
	free(p->redis);
	redis_url_deinit(&p->intake_url);
	explicit_bzero(p->intake_password, sizeof p->intake_password);
	config__memory_free(p->memory);
	free(p);
}
