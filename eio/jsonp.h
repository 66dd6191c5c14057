/* SPDX-License-Identifier: MIT */
/* JSONP polling: payloads as JavaScript out, as a form in (protocol section "JSONP"). Pure functions. */
#ifndef EIO_JSONP_H
#define EIO_JSONP_H

#include "eio/buf.h"

#include <sys/types.h>

/* Appends `___eio[<digits of j>]("<payload as a JavaScript string>");`. The payload is UTF-8 text. */
void eio_jsonp_append(struct eio_buf *out, struct eio_bytes j, struct eio_bytes payload);

/* Decodes the body of a POST, `d=<urlencoded payload>`, in place, and undoes the client's escaping of newlines. Returns
 * the payload's length, or -1 when there is no d, or more than one: the POST means nothing then. */
ssize_t eio_jsonp_decode(char *body, size_t n);

#endif
