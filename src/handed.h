/* SPDX-License-Identifier: MIT */
/*
 * A restart without a break, seen from the process that begins (successor.h has the other one).
 *
 * Threads: the main one, while no other runs. These calls wait.
 */
#ifndef SRC_HANDED_H
#define SRC_HANDED_H

#include "src/base/inherited.h"

/* Says to the process before that all is open, and waits until it has stopped and handed over what it had, which is
 * added to what is inherited; so is the way to it, as INHERITED_LATE. Closes that in any other case. 0, or -1 when that
 * process goes on instead, or is gone, which was logged and is the end of this one. */
int handed_wait(int parent, struct inherited *in);

#endif
