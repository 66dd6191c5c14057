/* SPDX-License-Identifier: MIT */
/*
 * The keys of one "jwt": read from their files, and read again when those change. What is in a file that became
 * unreadable, or that no key can be made of, stays as it was before; that is logged.
 *
 * Threads: one at a time. Files are looked at when a token is verified, at most once in AUTH_KEYS_LOOK_MS.
 */
#ifndef SRC_AUTH_KEYS_H
#define SRC_AUTH_KEYS_H

#include "src/auth/spec.h"

#include <stdint.h>

enum {
	AUTH_KEYS_LOOK_MS = 1000,
	AUTH_KEY_FILE_BYTES = 65536, /* more is no file of keys */
	AUTH_KEYS_MAX = 64, /* of a file: each may be tried for a token */
};

struct auth_keys;

/* Reads all files. spec is borrowed. NULL with *file, its number, and *why, which lives to the next call, when one of
 * them is no good; or with *why NULL when out of memory. */
struct auth_keys *auth_keys_new(const struct auth_jwt_spec *spec, size_t *file, const char **why);
void auth_keys_free(struct auth_keys *k); /* NULL is fine */

/* Reads the files that changed, unless that was looked at just now. now_ms: monotonic. */
void auth_keys_look(struct auth_keys *k, uint64_t now_ms);

/* Whether one of the keys for the algorithm verifies the signature: those of the name kid (a JSON string) where any
 * key is called so, else those without a name. Empty kid: every key. */
bool auth_keys_verify(const struct auth_keys *k, enum auth_algorithm alg, struct eio_bytes kid, struct eio_bytes text,
	struct eio_bytes signature);

#endif
