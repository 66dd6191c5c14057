/* SPDX-License-Identifier: MIT */
/* The descriptors 0 to 2. */
#ifndef SRC_BASE_STANDARD_H
#define SRC_BASE_STANDARD_H

/* Opens those that are closed on /dev/null, so that nothing else gets their numbers: what somebody writes to stderr
 * would go there. First thing at the start. Returns 0, or an errno value when there is no /dev/null. */
int standard_open(void);

#endif
