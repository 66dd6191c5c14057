/* SPDX-License-Identifier: MIT */
/*
 * Messages with a descriptor over a Unix socket (SCM_RIGHTS, unix(7)): between a process and the next, and to a
 * service manager.
 *
 * Threads: any, for each socket one at a time.
 */
#ifndef SRC_BASE_FD_MESSAGE_H
#define SRC_BASE_FD_MESSAGE_H

#include "eio/bytes.h"

#include <sys/types.h>

/* Sends a message as a whole; fd goes along unless it is -1, and stays open here. It waits for room. 0 or -errno. */
int fd_message_send(int to, struct eio_bytes message, int fd);

/* Receives one message, of which no more than size bytes are kept; *fd: the descriptor that came along, which is the
 * caller's and closed on exec, or -1. flags: of recv(2), MSG_DONTWAIT or 0. Returns how many bytes it had, 0 when the
 * other side is gone, or -errno. */
ssize_t fd_message_receive(int from, char *to, size_t size, int *fd, int flags);

#endif
