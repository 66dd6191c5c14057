/* SPDX-License-Identifier: MIT */
/* Which siocast this is. */
#ifndef SRC_BASE_VERSION_H
#define SRC_BASE_VERSION_H

#ifndef PACKAGE_VERSION /* the build gives it on the command line */
#define PACKAGE_VERSION "(unknown version)"
#endif

#endif
