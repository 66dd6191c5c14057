/* SPDX-License-Identifier: MIT */
/* RLIMIT_NOFILE; see the header. */
#include "src/base/file_limit.h"

#include <dirent.h>
#include <sys/resource.h>

uint64_t
file_limit_choose(uint64_t soft, uint64_t hard, uint64_t max_connections)
{
	uint64_t want = soft;

	if (max_connections)
		want = max_connections + FILE_LIMIT_SPARE;
	else if (soft < FILE_LIMIT_USUAL)
		want = FILE_LIMIT_USUAL;
	else if (soft > FILE_LIMIT_MOST)
		want = FILE_LIMIT_MOST;
	return want < hard ? want : hard;
}

void
file_limit_set(uint64_t max_connections)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r)) return;
	r.rlim_cur = (rlim_t)file_limit_choose(r.rlim_cur, r.rlim_max, max_connections);
	setrlimit(RLIMIT_NOFILE, &r);
}

uint64_t
file_limit_now(void)
{
	struct rlimit r;

	return getrlimit(RLIMIT_NOFILE, &r) ? 0 : r.rlim_cur;
}

uint64_t
file_limit_used(void)
{
	DIR *dir = opendir("/proc/self/fd");
	uint64_t n = 0;

	if (!dir) return 0;
	while (readdir(dir)) n++;
	closedir(dir);
	return n > 3 ? n - 3 : 0; /* "." and "..", and the folder's own */
}

uint64_t
file_limit_connections(uint64_t limit, uint64_t used, uint64_t max_connections)
{
	uint64_t least = used + FILE_LIMIT_SPARE_LEAST, spare = limit / 8, most;

	/* Who names a number that fits has thought of the rest. */
	if (max_connections && limit > least && max_connections <= limit - least) return max_connections;
	if (spare > FILE_LIMIT_SPARE) spare = FILE_LIMIT_SPARE;
	/* What is open already is part of it. */
	if (spare < least) spare = least;
	most = limit > spare ? limit - spare : 1;
	return max_connections && max_connections < most ? max_connections : most;
}
