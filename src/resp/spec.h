/* SPDX-License-Identifier: MIT */
/*
 * What the intake shall be: where, and for whom.
 *
 * Threads: immutable once filled; any thread may read it.
 */
#ifndef SRC_RESP_SPEC_H
#define SRC_RESP_SPEC_H

#include <stdbool.h>
#include <stddef.h>

struct resp_spec {
	const char *user; /* who has the password */
	const char *password; /* NULL: nobody is asked for one */
	unsigned max_clients; /* connections at once */
	unsigned timeout_s; /* one that says nothing for so long is closed; 0: none is */
	unsigned keep_alive_s; /* after so long without a word TCP asks whether the other side is there; 0: never */
	size_t message_bytes; /* the longest channel, and the longest message */
};

#endif
