/* SPDX-License-Identifier: MIT */
/*
 * A run of bytes somebody else owns: pointer and length, passed by value.
 * Bytes from a peer never travel as NUL-terminated strings.
 */
#ifndef EIO_BYTES_H
#define EIO_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct eio_bytes {
	const char *p; /* may be NULL only when n is 0 */
	size_t n;
};

/* The bytes of a string literal or char array, without its NUL. */
#define EIO_LIT(s) ((struct eio_bytes){ (s), sizeof(s) - 1 })

static inline struct eio_bytes
eio_bytes(const void *p, size_t n)
{
	return (struct eio_bytes){ (const char *)p, n };
}

/* The bytes of a C string of ours; never for a peer's. */
static inline struct eio_bytes
eio_cstr(const char *s)
{
	return (struct eio_bytes){ s, strlen(s) };
}

static inline bool
eio_bytes_eq(struct eio_bytes a, struct eio_bytes b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Their order: less than 0, 0 or more. */
static inline int
eio_bytes_compare(struct eio_bytes a, struct eio_bytes b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n ? memcmp(a.p, b.p, n) : 0;

	return order ? order : (a.n > b.n) - (a.n < b.n);
}

static inline bool
eio_bytes_starts(struct eio_bytes s, struct eio_bytes prefix)
{
	return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

/* What a hexadecimal digit stands for, or -1. */
static inline int
eio_hex_value(char c)
{
	if (c >= '0' && c <= '9') return c - '0';
	if (c >= 'a' && c <= 'f') return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

#endif
