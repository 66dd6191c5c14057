/* SPDX-License-Identifier: MIT */
/*
 * How many files may be open: every client is one. So the limit is also that of
 * the clients that come without anybody having said how many there may be.
 */
#ifndef SRC_BASE_FILE_LIMIT_H
#define SRC_BASE_FILE_LIMIT_H

#include <stdint.h>

enum {
	/* What is open beside the connections that maxConnections counts: log, Redis, loops, files being served,
	 * connections about to be turned away. */
	FILE_LIMIT_SPARE = 1024,
	/* What is kept free at least where the limit does not allow for that spare. */
	FILE_LIMIT_SPARE_LEAST = 32,
	/* Without maxConnections: at least, and at most, that many. */
	FILE_LIMIT_USUAL = 65536,
	FILE_LIMIT_MOST = 262144,
};

/* The soft limit to set, from the present one, the hard limit and limits.maxConnections (0: none). RLIM_INFINITY is
 * just a large number here. Pure; any thread. */
uint64_t file_limit_choose(uint64_t soft, uint64_t hard, uint64_t max_connections);

/* Sets it for the process. Before the first worker is made, which shares out what it allows. */
void file_limit_set(uint64_t max_connections);

/* The limit as it is, and how many files are open; 0 when that cannot be told. */
uint64_t file_limit_now(void);
uint64_t file_limit_used(void);

/* How many connections there can be when, of so many files that may be open, so many are before the first of them, and
 * limits.maxConnections asks for so many (0: as many as possible). What is needed besides stays free: for Redis, which
 * may have to be reached again, the admin port, files; it may be FILE_LIMIT_SPARE_LEAST where maxConnections fits only
 * so. At least 1. Pure. */
uint64_t file_limit_connections(uint64_t limit, uint64_t used, uint64_t max_connections);

#endif
