/* SPDX-License-Identifier: MIT */
/* Namespaces: sets of their specs, and those at work. */
#include "src/clients/namespace.h"

#include "eio/check.h"
#include "eio/refs.h"
#include "src/clients/guards.h"
#include "src/clients/pace.h"
#include "src/clients/question.h"
#include "src/clients/rules.h"
#include "src/template/pattern.h"

#include <stdlib.h>
#include <string.h>

struct namespaces {
	size_t refs;
	struct namespace_specs *specs; /* a reference */
	struct eio_list guards; /* of struct guard */
	struct handlers_needs needs; /* of all of them */
	size_t n;
	struct namespace v[];
};

/* Specs */

struct namespace_specs *
namespace_specs_new(void)
{
	struct namespace_specs *s = calloc(1, sizeof *s);

	if (s) atomic_init(&s->refs, 1);
	return s;
}

int
namespace_specs_add(struct namespace_specs *s, const struct namespace_spec *spec)
{
	struct namespace_spec *v = realloc(s->v, (s->n + 1) * sizeof *v);

	if (!v) return -1;
	s->v = v;
	v[s->n++] = *spec;
	return 0;
}

struct namespace_specs *
namespace_specs_ref(struct namespace_specs *s)
{
	eio_refs_take(&s->refs);
	return s;
}

void
namespace_specs_unref(struct namespace_specs *s)
{
	if (!s || !eio_refs_drop(&s->refs)) return;
	for (size_t i = 0; i < s->n; i++) {
		handlers_free(s->v[i].handlers);
		auth_spec_unref(s->v[i].auth);
		room_rules_free(s->v[i].rules);
		room_paces_free(s->v[i].paces);
		free(s->v[i].name);
	}
	free(s->v);
	free(s);
}

const struct namespace_spec *
namespace_specs_find(const struct namespace_specs *s, struct eio_bytes name)
{
	for (size_t i = 0; i < s->n; i++)
		if (eio_bytes_eq(eio_cstr(s->v[i].name), name)) return &s->v[i];
	return NULL;
}

static bool
is_match(struct eio_bytes pattern, struct eio_bytes name)
{
	struct template_captures c;

	if (name.n > NAMESPACE_MAX_NAME || !template_match(pattern, name, &c)) return false;
	for (unsigned i = 0; i < c.n; i++)
		if (!c.v[i].n) return false;
	return true;
}

static size_t
text_of_pattern(const char *pattern)
{
	size_t n = 0;

	for (; *pattern; pattern++) n += *pattern != '*';
	return n < NAMESPACE_MAX_NAME ? n : NAMESPACE_MAX_NAME;
}

const struct namespace_spec *
namespace_specs_match(const struct namespace_specs *s, struct eio_bytes name)
{
	const struct namespace_spec *best = NULL;
	size_t most = 0, text;

	for (size_t i = 0; i < s->n; i++) {
		const struct namespace_spec *spec = &s->v[i];

		if (!spec->is_pattern) {
			if (eio_bytes_eq(eio_cstr(spec->name), name)) return spec;
			continue;
		}
		/* The text before the first star, and where that is as long the whole. */
		text = strcspn(spec->name, "*") * (NAMESPACE_MAX_NAME + 1) + text_of_pattern(spec->name);
		if (text <= most || !is_match(eio_cstr(spec->name), name)) continue;
		best = spec;
		most = text;
	}
	return best;
}

bool
namespace_specs_recover(const struct namespace_specs *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].recovers) return true;
	return false;
}

bool
namespace_specs_pace(const struct namespace_specs *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].paces) return true;
	return false;
}

/* At work */

/* For who is shown every client. */
static int
need_all_queries(struct handlers_needs *needs)
{
	needs->address = true;
	return handlers_names_add(&needs->query, eio_bytes("", 0));
}

static int
init_namespace(struct namespaces *all, size_t i, const struct presence_specs *presence, struct metrics_set *metrics)
{
	const struct namespace_spec *spec = &all->specs->v[i];
	struct namespace *n = &all->v[i];

	n->name = eio_cstr(spec->name);
	n->is_pattern = spec->is_pattern;
	n->handlers = spec->handlers;
	n->attended = presence && presence_specs_speak_of(presence, n->name);
	n->rate = spec->rate.events ? &spec->rate : NULL;
	n->rates = (n->handlers ? handlers_rates(n->handlers) : 0) + (n->rate != NULL);
	n->metrics = metrics_new(metrics, &namespace_metrics, spec->name);
	n->auth = spec->auth;
	n->is_ui = spec->is_ui;
	n->rules = spec->rules;
	n->paces = spec->paces;
	n->recovers = spec->recovers;
	n->all = all;
	if (n->auth) n->guard = guard_of(&all->guards, n->auth);
	if (!n->metrics) return -1;
	if (n->auth && question_needs(&all->needs, n->auth)) return -1;
	if (spec->is_watching && need_all_queries(&all->needs)) return -1;
	return n->handlers ? handlers_needs_add(&all->needs, n->handlers) : 0;
}

/* The lines of its handlers' calls. */
static int
open_lines(struct namespace *n, struct hook *hook)
{
	size_t calls = n->handlers ? handlers_calls(n->handlers) : 0;

	if (!calls) return 0;
	CHECK(hook);
	n->lines = calloc(calls, sizeof(struct hook_line *));
	if (!n->lines) return -1;
	for (size_t i = 0; i < calls; i++) {
		n->lines[i] = hook_line_new(hook, handlers_call_to(n->handlers, i));
		if (!n->lines[i]) return -1;
	}
	return 0;
}

/* What presence asks of a client. */
static int
note_presence(struct namespaces *all, const struct presence_specs *presence)
{
	for (size_t i = 0; presence && i < presence->n; i++) {
		const struct presence_spec *spec = &presence->v[i];

		if (handlers_needs_add_template(&all->needs, spec->member)) return -1;
		if (spec->info && handlers_needs_add_template(&all->needs, spec->info)) return -1;
	}
	return 0;
}

struct namespaces *
namespaces_new(struct namespace_specs *specs, const struct namespaces_options *o)
{
	const struct presence_specs *attended = o->presence ? presence_specs_of(o->presence) : NULL;
	struct namespaces *all = calloc(1, sizeof *all + specs->n * sizeof *all->v);
	int err;

	if (!all) return NULL;
	all->refs = 1;
	all->specs = namespace_specs_ref(specs);
	all->n = specs->n;
	eio_list_init(&all->guards);
	err = guards_open(&all->guards, specs, o->hook, o->clock);
	if (!err) err = note_presence(all, attended);
	for (size_t i = 0; !err && i < all->n; i++) err = init_namespace(all, i, attended, o->metrics);
	for (size_t i = 0; !err && i < all->n; i++) err = open_lines(&all->v[i], o->hook);
	if (!err) return all;
	namespaces_unref(all);
	return NULL;
}

struct namespaces *
namespaces_ref(struct namespaces *all)
{
	all->refs++;
	return all;
}

void
namespaces_unref(struct namespaces *all)
{
	if (!all || --all->refs) return;
	for (size_t i = 0; i < all->n; i++) {
		CHECK(all->v[i].sockets == 0);
		metrics_free(all->v[i].metrics);
		free(all->v[i].lines);
	}
	guards_close(&all->guards);
	handlers_needs_deinit(&all->needs);
	namespace_specs_unref(all->specs);
	free(all);
}

void
namespaces_follow(struct namespaces *all, const struct namespaces *before)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct namespace_spec *spec = namespace_specs_find(before->specs, all->v[i].name);

		if (!spec) continue;
		metrics_free(all->v[i].metrics);
		all->v[i].metrics = metrics_ref(before->v[spec - before->specs->v].metrics);
	}
}

struct namespace *
namespaces_find(struct namespaces *all, struct eio_bytes name)
{
	const struct namespace_spec *spec = namespace_specs_match(all->specs, name);

	return spec ? &all->v[spec - all->specs->v] : NULL;
}

bool
namespaces_pace(const struct namespaces *all)
{
	return namespace_specs_pace(all->specs);
}

const struct handlers_needs *
namespaces_needs(const struct namespaces *all)
{
	return &all->needs;
}
