/* SPDX-License-Identifier: MIT */
/* A user of this system, to run as. Pure look-ups of what the system knows; at the start, one thread only. */
#ifndef SRC_BASE_ACCOUNT_H
#define SRC_BASE_ACCOUNT_H

#include <sys/types.h>

struct account {
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* n_groups, gid among them; owned */
	int n_groups;
};

/* Where a look-up failed, or at what. */
enum account_fault {
	ACCOUNT_OK,
	ACCOUNT_NO_USER,
	ACCOUNT_ROOT, /* the user is number 0, who has what is to be dropped */
	ACCOUNT_NO_GROUP,
	ACCOUNT_GROUP_WANTED, /* a number that is no user's, so it has no group of its own */
	ACCOUNT_NOMEM,
};

/* Finds a user by name or number, with the groups that it is in, and for its own group, when group is not NULL, that
 * one, by name or number. After ACCOUNT_OK *a is for account_deinit(), else it is empty. */
enum account_fault account_find(struct account *a, const char *user, const char *group);

/* A sentence for a fault: "there is no such user". */
const char *account_fault_text(enum account_fault fault);

void account_deinit(struct account *a);

#endif
