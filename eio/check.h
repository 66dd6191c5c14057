/* SPDX-License-Identifier: MIT */
/*
 * Asserts. They are always on, also with -DNDEBUG, and say file, line and what did
 * not hold. They are for our own bugs: an impossible state, a precondition that a
 * header states. What a peer, Redis, a file or the machine can cause is never
 * asserted but handled.
 *
 * It lies with the lowest folder because all of them use it; assert() is the one
 * way to print that the cores have.
 */
#ifndef EIO_CHECK_H
#define EIO_CHECK_H

#undef NDEBUG
#include <assert.h>

/* Ends the program when x does not hold. x is evaluated once. */
#define CHECK(x) assert(x)

/*
 * For structs that travel as `void *`: their first field is `unsigned magic`, set to
 * the number of their type when they are made and to 0 when they are freed. On the
 * way in, behind the conversion from `void *`:
 *
 *     struct worker *w = user;
 *
 *     CHECK_MAGIC(w, WORKER_MAGIC);
 */
#define CHECK_MAGIC(p, number) CHECK((p) != NULL && (p)->magic == (number))

#endif
