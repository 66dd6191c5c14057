/* SPDX-License-Identifier: MIT */
/* One guard for each spec. */
#include "src/clients/guards.h"

#include "eio/check.h"
#include "src/base/log.h"

#include <stdlib.h>

static struct guard *
find_guard(const struct eio_list *guards, const struct auth_spec *spec)
{
	for (const struct eio_list *l = guards->next; l != guards; l = l->next) {
		struct guard *g = EIO_CONTAINER((struct eio_list *)l, struct guard, link);

		if (g->spec == spec) return g;
	}
	return NULL;
}

struct guard *
guard_of(const struct eio_list *guards, const struct auth_spec *spec)
{
	struct guard *g = find_guard(guards, spec);

	CHECK(g);
	return g;
}

static int
open_keys(struct guard *g)
{
	const char *why;
	size_t i;

	g->keys = auth_keys_new(&g->spec->jwt, &i, &why);
	if (g->keys) return 0;
	if (why)
		log_error("event=keys-not-read file=\"%s\" error=\"%s\"",
			LOG_ESCAPE(eio_cstr(g->spec->jwt.files[i].path)), why);
	return -1;
}

static int
open_asks(struct guard *g, struct hook *hook, struct eio_clock *clock)
{
	struct hook_line *line;

	CHECK(hook);
	line = hook_line_new(hook, &g->spec->hook.to);
	if (line) g->asks = auth_asks_new(line, clock, &g->spec->hook);
	return g->asks ? 0 : -1;
}

int
guards_open(struct eio_list *guards, const struct namespace_specs *specs, struct hook *hook, struct eio_clock *clock)
{
	for (size_t i = 0; i < specs->n; i++) {
		const struct auth_spec *spec = specs->v[i].auth;
		struct guard *g;

		if (!spec || find_guard(guards, spec)) continue;
		g = calloc(1, sizeof *g);
		if (!g) return -1;
		g->spec = spec;
		eio_list_add_tail(guards, &g->link);
		if (spec->has_jwt && open_keys(g)) return -1;
		if (spec->has_hook && open_asks(g, hook, clock)) return -1;
	}
	return 0;
}

void
guards_close(struct eio_list *guards)
{
	while (!eio_list_empty(guards)) {
		struct guard *g = EIO_CONTAINER(guards->next, struct guard, link);

		eio_list_remove(&g->link);
		auth_asks_free(g->asks);
		auth_keys_free(g->keys);
		free(g);
	}
}
