/* SPDX-License-Identifier: MIT */
/*
 * What the application's answer means for a client that asks to be let in:
 *
 *     2xx  {"user": any, "claims": {…}, "rooms": ["…"], "emit": [["event", …], …]}   in; each member may be missing, the
 *          body, too
 *     4xx  {"message": "…", "data": any}                                             refused, with these
 *     else, also when there is no answer or it makes no sense                        refused for now
 *
 * Pure functions.
 */
#ifndef SRC_AUTH_VERDICT_H
#define SRC_AUTH_VERDICT_H

#include "eio/buf.h"
#include "src/hook/hook.h"

enum {
	AUTH_CLAIMS_BYTES = 16384, /* what is kept of a client at most */
	AUTH_RETRY_S = 5, /* when to come again where the application does not say */
};

struct auth_verdict {
	bool in;
	const char *odd; /* what is wrong with the answer, a constant string, or NULL */
	struct eio_buf claims; /* in: a JSON object, or empty */
	struct eio_bytes rooms, emit; /* in: JSON arrays, as in the answer's body; or empty */
	struct eio_buf message; /* refused: text */
	struct eio_buf data; /* refused: JSON, or empty */
};

/* Reads an answer. claims: those that are known already, a JSON object, or empty; they stay where the answer has none.
 * `user` becomes claims.sub. False when out of memory; to be freed by deinit in any case. */
bool auth_verdict_read(struct auth_verdict *v, const struct hook_answer *a, struct eio_bytes claims);

/* The same for Laravel's answer about a channel: any 2xx lets in. {"channel_data":{"user_id":…,"user_info":…}}, which it
 * gives for a presence channel, also as a string, are the claims, with user_id as claims.sub. */
bool auth_verdict_read_laravel(struct auth_verdict *v, const struct hook_answer *a, struct eio_bytes claims);

/* The same where there cannot be an answer. */
bool auth_verdict_unavailable(struct auth_verdict *v);

void auth_verdict_deinit(struct auth_verdict *v);

/* Whether an answer lets in those who ask. laravel: it is Laravel's. Out of memory means no. */
bool auth_verdict_lets_in(const struct hook_answer *a, bool laravel);

#endif
