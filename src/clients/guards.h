/* SPDX-License-Identifier: MIT */
/*
 * Authentication at work: the keys, and the line to the application, of each spec that the namespaces of a worker have.
 * Namespaces that share a spec share its guard.
 */
#ifndef SRC_CLIENTS_GUARDS_H
#define SRC_CLIENTS_GUARDS_H

#include "src/auth/asks.h"
#include "src/auth/jwt.h"
#include "src/clients/namespace.h"

struct guard {
	struct eio_list link;
	const struct auth_spec *spec;
	struct auth_keys *keys; /* owned; NULL without "jwt" */
	struct auth_asks *asks; /* owned; NULL without "hook" */
};

/* Those of a set of specs, into a list that is empty: 0, or -1 when a key file cannot be read, which is logged, or
 * memory is out. hook: NULL when none of them has a hook. */
int guards_open(
	struct eio_list *guards, const struct namespace_specs *specs, struct hook *hook, struct eio_clock *clock);

/* Nobody may wait any more. */
void guards_close(struct eio_list *guards);

/* The one of a spec of the set. */
struct guard *guard_of(const struct eio_list *guards, const struct auth_spec *spec);

#endif
