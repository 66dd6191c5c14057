/* SPDX-License-Identifier: MIT */
/* Giving up privileges; see the header. */
#include "src/base/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SETS = _LINUX_CAPABILITY_U32S_3, MOST = 64 };

/* libc has no function for these two, and libcap is not worth a library. */
static int
capabilities_read(struct __user_cap_data_struct sets[SETS])
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

	return (int)syscall(SYS_capget, &header, sets);
}

/* Where there are none, nothing is asked for: a filter of system calls may forbid it. */
static void
capabilities_clear(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[SETS] = { { 0 } };

	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (capabilities_read(sets)) return;
	for (int i = 0; i < SETS; i++) {
		if (!sets[i].effective && !sets[i].permitted && !sets[i].inheritable) continue;
		syscall(SYS_capset, &header, (struct __user_cap_data_struct[SETS]){ { 0 } });
		return;
	}
}

/* Needs CAP_SETPCAP: who has not got that keeps the set, which by then nothing can take capabilities from. */
static void
bounding_clear(void)
{
	for (unsigned long i = 0; i < MOST; i++)
		if (prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1) prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
}

void
privileges_now(struct privileges *out)
{
	struct __user_cap_data_struct sets[SETS] = { { 0 } };

	*out = (struct privileges){
		.uid = geteuid(),
		.gid = getegid(),
		.no_new = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1,
	};
	/* Who cannot tell has all of them, as far as anybody knows. Ambient ones are permitted, too. */
	if (capabilities_read(sets)) out->capabilities = UINT64_MAX;
	for (int i = 0; i < SETS; i++)
		out->capabilities |= (uint64_t)(sets[i].permitted | sets[i].inheritable) << 32 * i;
	for (unsigned long i = 0; i < MOST; i++)
		if (prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1) out->bounding |= UINT64_C(1) << i;
}

/* All three ids of each kind: by functions of libc, which change them for all threads there may be. */
static int
become_account(const struct account *a)
{
	if (setgroups((size_t)a->n_groups, a->groups) || setresgid(a->gid, a->gid, a->gid) ||
		setresuid(a->uid, a->uid, a->uid))
		return -errno;
	return 0;
}

/* Whether this is that user now, and cannot be root again. */
static bool
is_account(const struct account *a)
{
	uid_t uid[3];
	gid_t gid[3];

	if (getresuid(&uid[0], &uid[1], &uid[2]) || getresgid(&gid[0], &gid[1], &gid[2])) return false;
	for (int i = 0; i < 3; i++)
		if (uid[i] != a->uid || gid[i] != a->gid) return false;
	return getgroups(0, NULL) == a->n_groups && setuid(0) == -1 && seteuid(0) == -1;
}

int
privileges_drop(const struct account *become, struct privileges *left)
{
	bool changes = become && geteuid() == 0;
	int err;

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	bounding_clear();
	err = changes ? become_account(become) : 0;
	if (err) return err;
	capabilities_clear();
	privileges_now(left);
	if (changes && (!is_account(become) || left->capabilities)) return -EPERM;
	return 0;
}
