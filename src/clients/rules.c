/* SPDX-License-Identifier: MIT */
/*
 * A rule is compiled with a byte in the place of each star that nothing else can bring in: claims are checked JSON, ids
 * and namespaces UTF-8, and 0xff is in none of them. So a star in a claim is only a star.
 */
#include "src/clients/rules.h"

#include "eio/check.h"

#include <stdio.h>
#include <stdlib.h>

#define STAR '\xff'

struct room_rules {
	struct template **v[2]; /* owned; by enum room_rule */
	size_t n[2];
	bool restricted; /* there is an "allow" */
};

struct room_rules *
room_rules_new(void)
{
	return calloc(1, sizeof(struct room_rules));
}

void
room_rules_free(struct room_rules *r)
{
	if (!r) return;
	for (int kind = 0; kind < 2; kind++) {
		for (size_t i = 0; i < r->n[kind]; i++) template_free(r->v[kind][i]);
		free(r->v[kind]);
	}
	free(r);
}

void
room_rules_restrict(struct room_rules *r)
{
	r->restricted = true;
}

static int
no_room_rule(struct template_error *err, bool nomem, const char *why)
{
	err->nomem = nomem;
	snprintf(err->text, sizeof err->text, "%s", why);
	return -1;
}

/* Whether it is the server's word on a client. */
static bool
is_known(const struct template *t)
{
	struct template_placeholder p;

	for (size_t i = 0; template_next_placeholder(t, &i, &p);)
		if (p.what != TEMPLATE_CLAIMS && p.what != TEMPLATE_SID && p.what != TEMPLATE_NSP) return false;
	return true;
}

static struct template *
compile_room_rule(struct eio_bytes text, struct template_error *err)
{
	const struct template_context where = { .place = TEMPLATE_IN_CONNECTION };
	struct eio_buf stars = { 0 };
	struct template *t = NULL;

	for (size_t i = 0; i < text.n; i++) eio_buf_addc(&stars, text.p[i] == '*' ? STAR : text.p[i]);
	if (eio_buf_failed(&stars))
		no_room_rule(err, true, "out of memory");
	else
		t = template_new(eio_buf_bytes(&stars), TEMPLATE_AS_NAMES, &where, err);
	eio_buf_deinit(&stars);
	return t;
}

int
room_rules_add(struct room_rules *r, enum room_rule kind, struct eio_bytes text, struct template_error *err)
{
	struct template *t = compile_room_rule(text, err), **v;

	if (!t) return -1;
	if (!is_known(t)) {
		template_free(t);
		return no_room_rule(
			err, false, "only {claims}, {sid} and {nsp} can stand here: the rest is the client's own word");
	}
	v = realloc(r->v[kind], (r->n[kind] + 1) * sizeof *v);
	if (!v) {
		template_free(t);
		return no_room_rule(err, true, "out of memory");
	}
	r->v[kind] = v;
	v[r->n[kind]++] = t;
	return 0;
}

/* Rules at work */

static bool
room_matches(struct eio_bytes rule, struct eio_bytes room)
{
	size_t i = 0, k = 0, star = SIZE_MAX, from = 0;

	while (k < room.n) {
		if (i < rule.n && rule.p[i] == STAR) {
			star = i++;
			from = k;
		} else if (i < rule.n && rule.p[i] == room.p[k]) {
			i++;
			k++;
		} else if (star != SIZE_MAX) {
			i = star + 1; /* the last star takes one more */
			k = ++from;
		} else {
			return false;
		}
	}
	while (i < rule.n && rule.p[i] == STAR) i++;
	return i == rule.n;
}

static struct template_value
value_for_rule(void *ctx, const struct template_placeholder *p)
{
	const struct sio_socket *s = ctx;
	struct eio_bytes claims = identity_claims_of(s);

	switch (p->what) {
	case TEMPLATE_CLAIMS:
		if (!claims.n) break;
		return (struct template_value){ TEMPLATE_RAW, claims, false };
	case TEMPLATE_SID: return (struct template_value){ TEMPLATE_PLAIN, sio_socket_id(s), false };
	case TEMPLATE_NSP: return (struct template_value){ TEMPLATE_PLAIN, sio_socket_nsp(s), false };
	default: CHECK(!"a placeholder that no rule has");
	}
	return (struct template_value){ .type = TEMPLATE_NOTHING };
}

struct rule_search {
	struct eio_bytes room;
	bool found;
};

static void
look_at_rule(void *ctx, struct eio_bytes rule)
{
	struct rule_search *search = ctx;

	if (room_matches(rule, search->room)) search->found = true;
}

/* Whether a rule of that kind is about the room. *failed: it could not be told. */
static bool
any_rule(const struct room_rules *r, enum room_rule kind, struct sio_socket *s, struct eio_bytes room, bool *failed)
{
	const struct template_input in = { .find = value_for_rule, .ctx = s };
	struct rule_search search = { room, false };
	struct template_names names = { 0 };

	for (size_t i = 0; i < r->n[kind] && !search.found; i++) {
		enum template_result result = template_render_names(r->v[kind][i], &in, &names, look_at_rule, &search);

		if (result == TEMPLATE_NOMEM || result == TEMPLATE_TOO_MANY) *failed = true;
	}
	template_names_deinit(&names);
	return search.found;
}

bool
room_rules_permit(const struct room_rules *r, struct sio_socket *s, struct eio_bytes room)
{
	bool failed = false;

	if (any_rule(r, ROOM_RULE_DENY, s, room, &failed) || failed) return false;
	if (!r->restricted) return true;
	return any_rule(r, ROOM_RULE_ALLOW, s, room, &failed) && !failed;
}
