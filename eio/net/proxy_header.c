/* SPDX-License-Identifier: MIT */
/* Both versions. What they say of the proxy's side of the connection is checked, and forgotten. */
#include "eio/net/proxy_header.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum {
	V1_BYTES = 107, /* with its CRLF (section 2.1) */
	V2_FIXED = 16, /* signature, version and command, family, length (section 2.2) */
};

static const char v1_signature[] = "PROXY ";
static const char v2_signature[] = "\r\n\r\n\0\r\nQUIT\n";

/* Version 1: "PROXY TCP4 192.0.2.7 192.0.2.1 56324 443\r\n" */

/* Cuts a word off, of which one blank is the end. */
static struct eio_bytes
cut_word(struct eio_bytes *s)
{
	const char *blank = s->n ? memchr(s->p, ' ', s->n) : NULL;
	size_t n = blank ? (size_t)(blank - s->p) : s->n;
	struct eio_bytes word = eio_bytes(s->p, n);

	n += blank != NULL;
	*s = eio_bytes(s->p + n, s->n - n);
	return word;
}

static bool
is_proxy_port(struct eio_bytes s)
{
	unsigned v = 0;

	if (s.n == 0 || s.n > 5 || (s.p[0] == '0' && s.n > 1)) return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9') return false;
		v = v * 10 + (unsigned)(s.p[i] - '0');
	}
	return v <= 65535;
}

static bool
read_proxy_address(int family, struct eio_bytes s, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
	char text[INET6_ADDRSTRLEN];

	if (s.n == 0 || s.n >= sizeof text || memchr(s.p, '\0', s.n)) return false;
	snprintf(text, sizeof text, "%.*s", (int)s.n, s.p);
	*out = (struct sockaddr_storage){ .ss_family = (sa_family_t)family };
	return inet_pton(family, text, family == AF_INET ? (void *)&v4->sin_addr : (void *)&v6->sin6_addr) == 1;
}

/* line: what stands between the signature and the CRLF. */
static bool
read_v1_line(struct eio_bytes line, struct eio_peer *peer)
{
	struct eio_bytes protocol = cut_word(&line);
	bool v4 = eio_bytes_eq(protocol, EIO_LIT("TCP4"));
	struct sockaddr_storage from, to;

	/* Whatever follows (section 2.1). */
	if (eio_bytes_eq(protocol, EIO_LIT("UNKNOWN"))) return true;
	if (!v4 && !eio_bytes_eq(protocol, EIO_LIT("TCP6"))) return false;
	if (!read_proxy_address(v4 ? AF_INET : AF_INET6, cut_word(&line), &from)) return false;
	if (!read_proxy_address(v4 ? AF_INET : AF_INET6, cut_word(&line), &to)) return false;
	if (!is_proxy_port(cut_word(&line)) || !is_proxy_port(line)) return false;
	*peer = eio_peer_of((const struct sockaddr *)&from);
	return true;
}

static enum eio_proxy_header
read_v1(const char *p, size_t n, size_t *used, struct eio_peer *peer)
{
	size_t most = n < V1_BYTES ? n : V1_BYTES, begin = sizeof v1_signature - 1;
	const char *end = memchr(p, '\n', most);

	if (!end) return most == V1_BYTES ? EIO_PROXY_HEADER_BAD : EIO_PROXY_HEADER_MORE;
	n = (size_t)(end - p);
	if (n <= begin || p[n - 1] != '\r') return EIO_PROXY_HEADER_BAD;
	if (!read_v1_line(eio_bytes(p + begin, n - 1 - begin), peer)) return EIO_PROXY_HEADER_BAD;
	*used = n + 1;
	return EIO_PROXY_HEADER_DONE;
}

/* Version 2 */

/* n bytes of addresses, of a family that is known to have so many. */
static bool
read_v2_addresses(unsigned family, const char *p, size_t n, struct eio_peer *peer)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

	switch (family >> 4) {
	case 1:
		if (n < 12) return false;
		memcpy(&v4.sin_addr, p, 4);
		*peer = eio_peer_of((const struct sockaddr *)&v4);
		return true;
	case 2:
		if (n < 36) return false;
		memcpy(&v6.sin6_addr, p, 16);
		*peer = eio_peer_of((const struct sockaddr *)&v6);
		return true;
	case 3: return n >= 216; /* two paths */
	default: return true; /* unspecified, or one to come: as if the proxy did not know (section 2.2) */
	}
}

static enum eio_proxy_header
read_v2(const char *p, size_t n, size_t *used, struct eio_peer *peer)
{
	const unsigned char *u = (const unsigned char *)p;
	size_t length;

	if (n > 12 && u[12] >> 4 != 2) return EIO_PROXY_HEADER_BAD;
	if (n > 12 && (u[12] & 15) > 1) return EIO_PROXY_HEADER_BAD; /* neither LOCAL nor PROXY */
	if (n < V2_FIXED) return EIO_PROXY_HEADER_MORE;
	length = (size_t)u[14] << 8 | u[15];
	if (V2_FIXED + length > EIO_PROXY_HEADER_BYTES) return EIO_PROXY_HEADER_BAD;
	if (n < V2_FIXED + length) return EIO_PROXY_HEADER_MORE;
	/* Of a datagram the addresses are the same. */
	if ((u[12] & 15) == 1 && !read_v2_addresses(u[13], p + V2_FIXED, length, peer)) return EIO_PROXY_HEADER_BAD;
	*used = V2_FIXED + length;
	return EIO_PROXY_HEADER_DONE;
}

/* Whether p begins as that does, as far as it goes. */
static bool
may_be_signature(const char *p, size_t n, const char *signature, size_t length)
{
	return memcmp(p, signature, n < length ? n : length) == 0;
}

enum eio_proxy_header
eio_proxy_header_read(const char *p, size_t n, size_t *used, struct eio_peer *peer)
{
	if (n == 0) return EIO_PROXY_HEADER_MORE;
	if (may_be_signature(p, n, v1_signature, sizeof v1_signature - 1)) return read_v1(p, n, used, peer);
	if (may_be_signature(p, n, v2_signature, sizeof v2_signature - 1)) return read_v2(p, n, used, peer);
	return EIO_PROXY_HEADER_BAD;
}
