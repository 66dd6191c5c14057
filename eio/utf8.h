/* SPDX-License-Identifier: MIT */
/* UTF-8 checks; the one door to utf8proc. Pure functions. */
#ifndef EIO_UTF8_H
#define EIO_UTF8_H

#include "eio/buf.h"

#include <stdint.h>
#include <sys/types.h>

/* Whether s is well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms). */
bool eio_utf8_valid(struct eio_bytes s);

/* Reads the character at the start of s: its code point goes to *cp. Returns its length in bytes, or 0 when s is empty
 * or does not start with well-formed UTF-8. */
size_t eio_utf8_next(struct eio_bytes s, uint32_t *cp);

/* Writes a character as UTF-8; cp is at most 0x10ffff and no surrogate. Returns its length, 1 … 4. */
unsigned eio_utf8_put(char out[4], uint32_t cp);

/* How many bytes the first `units` UTF-16 code units of s take. Returns -1 when s is shorter or not well-formed up to
 * there, or when a surrogate pair would be cut. */
ssize_t eio_utf8_units_len(struct eio_bytes s, size_t units);

/* How many UTF-16 code units well-formed s has: what lengths are counted in by revision 3 of Engine.IO. */
size_t eio_utf8_units(struct eio_bytes s);

/* Undoes one UTF-8 encoding of bytes that were encoded twice: each character U+0000 … U+00FF becomes one byte, in
 * place. Returns the new length, or -1 when s is not such text or holds a character above U+00FF; then nothing has
 * changed. */
ssize_t eio_utf8_undo(char *p, size_t n);

/* Puts U+FFFD, which is as long, in the place of each half of a surrogate pair that was encoded like a character
 * (WTF-8), as 1.x does. */
void eio_utf8_replace_surrogates(char *p, size_t n);

/* Appends s with U+FFFD in the place of what is not UTF-8: one for as many bytes as could begin a character, else one
 * for each byte, as browsers and Node count them. */
void eio_utf8_repair(struct eio_buf *out, struct eio_bytes s);

/* Whether eio_utf8_undo would succeed and leave well-formed UTF-8, but for halves of surrogate pairs. */
bool eio_utf8_twice(struct eio_bytes s);

#endif
