/* SPDX-License-Identifier: MIT */
/*
 * Which rooms clients may ask for in a namespace: "rooms" of the configuration. Templates of names in which stars stand
 * for anything:
 *
 *     "allow": ["sym.*", "user.{claims.sub}", "team.{claims.teams}"]      "deny": ["sym.secret.*"]
 *
 * What is denied is not allowed. Without "allow" all the rest is.
 *
 * Threads: immutable once filled.
 */
#ifndef SRC_CLIENTS_RULES_H
#define SRC_CLIENTS_RULES_H

#include "src/clients/identity.h"
#include "src/template/template.h"

struct room_rules;

enum room_rule { ROOM_RULE_ALLOW, ROOM_RULE_DENY };

/* Empty rules. NULL when out of memory. */
struct room_rules *room_rules_new(void);
void room_rules_free(struct room_rules *r); /* NULL is fine */

/* Adds one. 0, or -1 with *err. {claims}, {sid} and {nsp} may stand in it: what else there is of a client is its own
 * word. */
int room_rules_add(struct room_rules *r, enum room_rule kind, struct eio_bytes text, struct template_error *err);

/* Says that an "allow" is given, also one without elements. */
void room_rules_restrict(struct room_rules *r);

/* Whether a socket may ask for a room. Out of memory means no. */
bool room_rules_permit(const struct room_rules *r, struct sio_socket *s, struct eio_bytes room);

#endif
