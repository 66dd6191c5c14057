/* SPDX-License-Identifier: MIT */
/*
 * By which names the admin port may be asked. A page anywhere can have its own name point to an address of the reader's
 * network ("DNS rebinding") and then read what is there; what it cannot choose is the Host line, which holds that name.
 */
#ifndef SRC_ADMIN_HOSTS_H
#define SRC_ADMIN_HOSTS_H

#include "eio/bytes.h"

/* Whether a request with this Host line is answered: when it names an IP address, localhost or something below it,
 * a name without a dot, which nobody can register, the machine's own name, or one of those configured. Without a
 * Host line no browser asks. */
bool admin_host_known(struct eio_bytes host, const char *const *names, size_t n);

#endif
