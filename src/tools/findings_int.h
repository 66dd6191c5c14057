/* SPDX-License-Identifier: MIT */
/* How the rules of findings*.c tell what they find. */
#ifndef SRC_TOOLS_FINDINGS_INT_H
#define SRC_TOOLS_FINDINGS_INT_H

#include "src/tools/findings.h"

/* Whoever hears of findings, and of what. */
struct findings_teller {
	finding_fn emit;
	void *user;
	const char *topic;
};

/* cure is left out of what is well. */
void findings__tell(const struct findings_teller *t, enum finding_mark mark, const char *cure, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* For %llu. */
#define U(n) ((unsigned long long)(n))

#endif
