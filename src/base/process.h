/* SPDX-License-Identifier: MIT */
/*
 * What the system says of this process: what Prometheus' own clients show as process_*.
 *
 * Threads: any.
 */
#ifndef SRC_BASE_PROCESS_H
#define SRC_BASE_PROCESS_H

#include <stdint.h>

struct process_figures {
	uint64_t cpu_ms; /* user's and system's of all threads */
	uint64_t resident, virtual; /* bytes; 0 where that is not told */
	uint64_t files, max_files; /* open, and how many may be; 0: not told, or no limit */
};

/* Reads them now. It opens two files of /proc. */
struct process_figures process_read(void);

#endif
