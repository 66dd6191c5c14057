/* SPDX-License-Identifier: MIT */
/*
 * The namespaces that clients may join: the form that the configuration fills. A
 * client that asks for any other is refused.
 *
 * Threads: immutable once filled; shared by counting references, as the specs of feeds are.
 */
#ifndef SRC_CLIENTS_NAMESPACE_H
#define SRC_CLIENTS_NAMESPACE_H

#include "eio/bytes.h"
#include "src/handlers/handlers.h"

#include <stdatomic.h>
#include <stddef.h>

struct namespace_spec {
	char *name; /* starts with "/" */
	struct handlers *handlers; /* NULL when there are none */
};

struct namespace_specs {
	atomic_uint refs;
	size_t n;
	struct namespace_spec *v; /* owned, with all it points to */
};

/* An empty set with a reference for the caller. NULL when out of memory. */
struct namespace_specs *namespace_specs_new(void);

/* Adds one and takes over what it points to, all of it from malloc. 0, or -1 when out of memory: it is then still the caller's.
 * Only before the set is shared. */
int namespace_specs_add(struct namespace_specs *s, const struct namespace_spec *spec);

/* Any thread. */
struct namespace_specs *namespace_specs_ref(struct namespace_specs *s);
void namespace_specs_unref(struct namespace_specs *s); /* NULL is fine */

/* The namespace of that name, or NULL. Valid as long as the set. */
const struct namespace_spec *namespace_specs_find(const struct namespace_specs *s, struct eio_bytes name);

#endif
