/* SPDX-License-Identifier: MIT */
/*
 * Where questions go, and their bounds: the form that the configuration fills.
 *
 *     http://127.0.0.1:8000/socket/auth
 *     https://user:password@app.example/auth      the certificate is verified; user and password as HTTP Basic
 *     http+unix://%2Frun%2Fapp.sock/socket/auth   a Unix socket; its path is percent-encoded, where the host stands
 *
 * Threads: immutable once filled.
 */
#ifndef SRC_HOOK_SPEC_H
#define SRC_HOOK_SPEC_H

#include <stdbool.h>
#include <stddef.h>

struct hook_spec {
	char *text; /* owned: the URL as configured, for logs, without user and password */
	char *url; /* owned: http or https, as libcurl takes it */
	char *socket_path; /* owned: of a Unix socket, or NULL */
	bool form; /* what is sent is a form, as a page's own script would send it, not JSON */
	unsigned timeout_ms; /* from the question to its answer, waiting for its turn included */
	unsigned concurrent; /* how many are on their way at a time, at least 1 */
	unsigned queue; /* how many more may wait for their turn */
	size_t answer_bytes; /* head and body of an answer */
};

/* Sets the three strings. 0; -1 with *why, a constant sentence without a full stop, when the URL is none of the above;
 * or -1 with *why NULL when out of memory. */
int hook_spec_set_url(struct hook_spec *s, const char *url, const char **why);

/* Frees the strings. */
void hook_spec_deinit(struct hook_spec *s);

#endif
