/* SPDX-License-Identifier: MIT */
/*
 * The namespaces that clients may join; a client that asks for any other is refused.
 * First the form that the configuration fills, shared by all workers, then what one
 * worker makes of it:
 *
 *     namespace_specs ◀── namespaces ── namespace[] ◀── each socket that is in it
 *
 * A socket points at its namespace, so names are compared at CONNECT only.
 *
 * Threads: specs are immutable once filled, and shared by counting references, as
 * those of feeds are. The rest belongs to its worker's thread.
 */
#ifndef SRC_CLIENTS_NAMESPACE_H
#define SRC_CLIENTS_NAMESPACE_H

#include "eio/bytes.h"
#include "src/auth/spec.h"
#include "src/clients/metrics.h"
#include "src/handlers/handlers.h"
#include "src/handlers/request.h"
#include "src/presence/presence.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct room_rules; /* of src/clients/rules.h */
struct room_paces; /* of src/clients/pace.h */

/* So long may a name be that a pattern matches. */
#define NAMESPACE_MAX_NAME 256

struct namespace_spec {
	char *name; /* starts with "/" */
	bool is_pattern; /* each star in the name stands for one character or more */
	struct handlers *handlers; /* NULL when there are none */
	struct handlers_rate rate; /* of each socket's events, all together */
	struct auth_spec *auth; /* a reference, or NULL: anybody may connect */
	struct room_rules *rules; /* owned; NULL: clients may ask for any room */
	struct room_paces *paces; /* owned; NULL: what goes to rooms goes at once */
	bool auth_given; /* its own, off included; else that of the server */
	bool is_ui; /* it is the one of the Admin UI, whose clients log in; nothing above is set but the name */
	bool is_watching; /* the same, in development mode: it tells where all clients come from, and what they asked */
	bool recovers; /* clients may come back to their session, and to what they missed */
	bool recovers_given; /* its own */
};

struct namespace_specs {
	atomic_uint refs;
	size_t n;
	struct namespace_spec *v; /* owned, with all it points to */
};

/* An empty set with a reference for the caller. NULL when out of memory. */
struct namespace_specs *namespace_specs_new(void);

/* Adds one and takes over what it points to, all of it from malloc. 0, or -1 when out of memory: it is then still the
 * caller's. Only before the set is shared. */
int namespace_specs_add(struct namespace_specs *s, const struct namespace_spec *spec);

/* Any thread. */
struct namespace_specs *namespace_specs_ref(struct namespace_specs *s);
void namespace_specs_unref(struct namespace_specs *s); /* NULL is fine */

/* The spec that is called so, be it a pattern; or NULL. Valid as long as the set. */
const struct namespace_spec *namespace_specs_find(const struct namespace_specs *s, struct eio_bytes name);

/* The spec of the namespace that a client asks for: the one of that name, or of the patterns that match it the one with
 * the most text before its first star, then with the most text; NULL when there is none. Valid as long as the set. */
const struct namespace_spec *namespace_specs_match(const struct namespace_specs *s, struct eio_bytes name);

/* Whether clients may come back in any of them. */
bool namespace_specs_recover(const struct namespace_specs *s);

/* Whether any of them has rooms with a pace. */
bool namespace_specs_pace(const struct namespace_specs *s);

/* One at work, or all that a pattern matches: nothing is kept of those, but their sockets and rooms. */
struct namespace
{
	struct eio_bytes name; /* of the spec, as the handlers */
	bool is_pattern;
	const struct handlers *handlers; /* NULL when there are none */
	bool recovers; /* as in the spec */
	bool attended; /* presence is kept in it, or its clients are counted */
	const struct handlers_rate *rate; /* of the spec; NULL when there is none */
	size_t rates; /* how many numbers a socket needs: the handlers' and behind them that of the former */
	const struct auth_spec *auth; /* NULL: anybody may connect */
	bool is_ui; /* as in the spec */
	const struct room_rules *rules; /* NULL: clients may ask for any room */
	const struct room_paces *paces; /* as in the spec */
	struct namespaces *all; /* that it is one of */
	struct guard *guard; /* of auth; NULL without */
	struct hook_line **lines; /* owned: one for each place that the handlers call; they are the hook's */
	size_t sockets; /* that are in it */
	struct metrics *metrics; /* owned: of namespace_metrics */
};

struct namespaces;

/* What namespaces at work have to do with; all is borrowed. */
struct namespaces_options {
	const struct presence *presence; /* NULL: there is none */
	struct hook *hook; /* NULL when nobody is asked */
	struct eio_clock *clock;
	struct metrics_set *metrics; /* to count in */
};

/* Those of a set of specs, which it takes a reference to, with a reference for the caller. NULL when out of memory, or
 * when a key file cannot be read, which was logged. Where nobody is asked, any thread may make them. */
struct namespaces *namespaces_new(struct namespace_specs *specs, const struct namespaces_options *options);

/* Each socket in one of them, and each CONNECT that waits for one, has a reference, too. */
struct namespaces *namespaces_ref(struct namespaces *all);
void namespaces_unref(struct namespaces *all); /* NULL is fine */

/* Those that come in the place of others count on where these are. */
void namespaces_follow(struct namespaces *all, const struct namespaces *before);

/* The one that a client asks for, as namespace_specs_match() has it. Valid as long as all of them. */
struct namespace *namespaces_find(struct namespaces *all, struct eio_bytes name);

/* Whether some have rooms with a pace. */
bool namespaces_pace(const struct namespaces *all);

/* What the handlers and the authentication of all of them, and presence, ask of a client's request. Valid as long as
 * they. */
const struct handlers_needs *namespaces_needs(const struct namespaces *all);

#endif
