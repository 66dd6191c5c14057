/* SPDX-License-Identifier: MIT */
/* RLIMIT_NOFILE; see the header. */
#include "src/base/file_limit.h"

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
