/* SPDX-License-Identifier: MIT */
/* Specs and their references. */
#include "src/auth/spec.h"

#include "eio/refs.h"

#include <stdlib.h>

struct auth_spec *
auth_spec_new(void)
{
	struct auth_spec *s = calloc(1, sizeof *s);

	if (s) atomic_init(&s->refs, 1);
	return s;
}

struct auth_spec *
auth_spec_ref(struct auth_spec *s)
{
	eio_refs_take(&s->refs);
	return s;
}

int
auth_strings_add(struct auth_strings *s, const char *text)
{
	char **v = realloc(s->v, (s->n + 1) * sizeof *v);

	if (!v) return -1;
	s->v = v;
	v[s->n] = strdup(text);
	if (!v[s->n]) return -1;
	s->n++;
	return 0;
}

static void
strings_deinit(struct auth_strings *s)
{
	for (size_t i = 0; i < s->n; i++) free(s->v[i]);
	free(s->v);
}

static void
jwt_spec_deinit(struct auth_jwt_spec *j)
{
	for (size_t i = 0; i < j->n_files; i++) free(j->files[i].path);
	for (size_t i = 0; i < j->n_from; i++) free(j->from[i].name);
	free(j->files);
	free(j->from);
	free(j->renew);
	strings_deinit(&j->audience);
	strings_deinit(&j->issuer);
}

void
auth_spec_unref(struct auth_spec *s)
{
	if (!s || !eio_refs_drop(&s->refs)) return;
	jwt_spec_deinit(&s->jwt);
	hook_spec_deinit(&s->hook.to);
	strings_deinit(&s->hook.headers);
	strings_deinit(&s->hook.rooms);
	free(s);
}
