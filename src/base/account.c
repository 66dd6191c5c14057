/* SPDX-License-Identifier: MIT */
/* Users and groups; see the header. */
#include "src/base/account.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>

/* The text of a number that can be an id; the largest one stands for "none" in system calls. */
static bool
account_number(const char *text, unsigned *out)
{
	unsigned long long n;
	char *end;

	if (*text < '0' || *text > '9') return false;
	errno = 0;
	n = strtoull(text, &end, 10);
	if (*end || errno || n >= (uid_t)-1) return false;
	*out = (unsigned)n;
	return true;
}

static enum account_fault
find_user(struct account *a, const char *user, const struct passwd **entry)
{
	unsigned number;

	*entry = getpwnam(user);
	if (!*entry && account_number(user, &number)) {
		*entry = getpwuid(number);
		a->uid = number;
	} else if (!*entry) {
		return ACCOUNT_NO_USER;
	}
	if (*entry) a->uid = (*entry)->pw_uid;
	return a->uid ? ACCOUNT_OK : ACCOUNT_ROOT;
}

static enum account_fault
find_group(struct account *a, const char *group, const struct passwd *entry)
{
	const struct group *found = group ? getgrnam(group) : NULL;
	unsigned number;

	if (!group && !entry) return ACCOUNT_GROUP_WANTED;
	if (!group)
		a->gid = entry->pw_gid;
	else if (found)
		a->gid = found->gr_gid;
	else if (account_number(group, &number))
		a->gid = number;
	else
		return ACCOUNT_NO_GROUP;
	return ACCOUNT_OK;
}

/* The groups that name is in, with a->gid; or that one alone when there is no such name. */
static enum account_fault
find_groups(struct account *a, const char *name)
{
	int n = 1;

	/* With too little room it only says how much there should be. */
	for (;;) {
		free(a->groups);
		a->n_groups = n;
		a->groups = calloc((size_t)n, sizeof *a->groups);
		if (!a->groups) return ACCOUNT_NOMEM;
		a->groups[0] = a->gid;
		if (!name || getgrouplist(name, a->gid, a->groups, &n) >= 0) break;
		if (n <= a->n_groups) n = a->n_groups * 2;
	}
	if (name) a->n_groups = n;
	return ACCOUNT_OK;
}

enum account_fault
account_find(struct account *a, const char *user, const char *group)
{
	const struct passwd *entry;
	enum account_fault fault;

	*a = (struct account){ 0 };
	fault = find_user(a, user, &entry);
	if (!fault) fault = find_group(a, group, entry);
	if (!fault) fault = find_groups(a, entry ? entry->pw_name : NULL);
	if (fault) account_deinit(a);
	return fault;
}

const char *
account_fault_text(enum account_fault fault)
{
	switch (fault) {
	case ACCOUNT_OK: break;
	case ACCOUNT_NO_USER: return "there is no such user";
	case ACCOUNT_ROOT: return "that is root, who keeps what this key is there to drop";
	case ACCOUNT_NO_GROUP: return "there is no such group";
	case ACCOUNT_GROUP_WANTED: return "a number that is no user's has no group of its own: name one in \"group\"";
	case ACCOUNT_NOMEM: return "out of memory";
	}
	return "";
}

void
account_deinit(struct account *a)
{
	free(a->groups);
	*a = (struct account){ 0 };
}
