/* SPDX-License-Identifier: MIT */
/*
 * What a process may do beyond what its user may: given up once everything is open that
 * needs it. For good: no-new-privileges is set, all sets of capabilities are emptied, the bounding
 * set where that may be done, and when root becomes another user there is no way back.
 *
 * Capabilities and no-new-privileges belong to a thread and are inherited by those it starts: so this comes
 * before any other is there.
 */
#ifndef SRC_BASE_PRIVILEGES_H
#define SRC_BASE_PRIVILEGES_H

#include "src/base/account.h"

#include <stdbool.h>
#include <stdint.h>

/* What a process is allowed. */
struct privileges {
	uid_t uid;
	gid_t gid;
	uint64_t capabilities; /* permitted, inheritable or ambient: a bit each */
	uint64_t bounding;
	bool no_new;
};

/* Gives up what can be given up, and when this is root and become is not NULL, becomes that user in its groups. *left
 * is what remains, asked from the kernel. 0; or -errno when it could not become that user, or is not after all: then
 * the process must end. */
int privileges_drop(const struct account *become, struct privileges *left);

/* Those of this thread now. */
void privileges_now(struct privileges *out);

#endif
