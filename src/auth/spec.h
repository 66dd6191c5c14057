/* SPDX-License-Identifier: MIT */
/*
 * Who may connect: the form that the configuration fills. One for the server and for each namespace that has its own;
 * those that have none of their own share the server's.
 *
 * Threads: immutable once filled; shared by counting references.
 */
#ifndef SRC_AUTH_SPEC_H
#define SRC_AUTH_SPEC_H

#include "src/auth/crypto.h"
#include "src/hook/spec.h"

#include <stdatomic.h>

/* A file with keys. */
struct auth_key_file {
	char *path; /* owned */
	enum { AUTH_FILE_SECRET, AUTH_FILE_PUBLIC, AUTH_FILE_JWKS } type;
	enum auth_algorithm alg; /* of a secret and of a public key */
};

/* Where a token may be. */
struct auth_source {
	enum { AUTH_FROM_AUTH, AUTH_FROM_QUERY, AUTH_FROM_HEADER, AUTH_FROM_COOKIE } where;
	char *name; /* owned: a JSON pointer into the client's auth, a parameter, a header in lower case, a cookie */
};

struct auth_strings {
	char **v; /* owned, as what it points to */
	size_t n;
};

struct auth_jwt_spec {
	struct auth_key_file *files; /* owned */
	size_t n_files;
	struct auth_source *from; /* owned: the first that is there counts */
	size_t n_from;
	struct auth_strings audience, issuer; /* one of these must be in the token's; none: any will do */
	unsigned leeway_s;
	char *renew; /* owned: the event that brings a new token, or NULL */
};

struct auth_hook_spec {
	struct hook_spec to;
	struct auth_strings headers; /* of the client's request, in lower case, that are told */
	bool on_connect, on_join; /* when it is asked */
	/* LARAVEL: about joins only, as laravel-echo-server asks; see auth_verdict_read_laravel() */
	enum { AUTH_ASKS_JSON, AUTH_ASKS_LARAVEL } format;
	struct auth_strings rooms; /* Redis glob patterns of those it is asked about; none: all */
	bool address; /* where the client comes from is told, too */
	unsigned cache_s; /* how long an answer counts for the same question; 0: it is not kept */
};

struct auth_spec {
	atomic_uint refs;
	bool has_jwt, has_hook;
	struct auth_jwt_spec jwt;
	struct auth_hook_spec hook;
};

/* Empty, with a reference for the caller. NULL when out of memory. */
struct auth_spec *auth_spec_new(void);

/* Any thread. */
struct auth_spec *auth_spec_ref(struct auth_spec *s);
void auth_spec_unref(struct auth_spec *s); /* NULL is fine */

/* Adds a copy. 0, or -1 when out of memory. */
int auth_strings_add(struct auth_strings *s, const char *text);

#endif
