/* SPDX-License-Identifier: MIT */
/* What a second siocast does for one that runs. */
#ifndef SRC_COMMAND_H
#define SRC_COMMAND_H

/* `siocast reload`: finds the siocast that runs with that file (NULL: the only one that runs) and sends it SIGHUP. What
 * is wrong is said on stderr. Returns the exit status. */
int command_reload(const char *file);

#endif
