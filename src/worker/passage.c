/* SPDX-License-Identifier: MIT */
/*
 *     "connection" STAGE RELAYED KIND ADDRESS-OF-PEER N-ADDRESS N-SUBJECT "\n" address "\0" subject begun
 *
 * The numbers in decimal, the peer's address in hexadecimal. The other process may be of another version: what it adds
 * to the line is not looked at.
 */
#include "src/worker/passage.h"

#include <stdio.h>
#include <string.h>

static const char mark[] = "connection ";

static void
write_passenger(const struct eio_peer *p, struct eio_buf *out)
{
	eio_buf_printf(out, "%u ", p->kind);
	for (size_t i = 0; i < sizeof p->bytes; i++) eio_buf_printf(out, "%02x", p->bytes[i]);
}

void
passage_write(const struct eio_leaver *l, const char *address, struct eio_buf *out)
{
	eio_buf_printf(out, "%s%d %d ", mark, (int)l->stage, l->relayed);
	write_passenger(&l->peer, out);
	eio_buf_printf(out, " %zu %zu\n", strlen(address), l->subject.n);
	eio_buf_append(out, address, strlen(address) + 1);
	eio_buf_add(out, l->subject);
	eio_buf_add(out, l->begun);
}

bool
passage_is(struct eio_bytes message)
{
	return message.n >= sizeof mark - 1 && memcmp(message.p, mark, sizeof mark - 1) == 0;
}

static bool
read_passenger(unsigned kind, const char *hex, struct eio_peer *out)
{
	unsigned byte;

	*out = (struct eio_peer){ .kind = (unsigned char)kind };
	if (kind > EIO_PEER_IPV6) return false;
	for (size_t i = 0; i < sizeof out->bytes; i++) {
		if (sscanf(hex + 2 * i, "%2x", &byte) != 1) return false;
		out->bytes[i] = (unsigned char)byte;
	}
	return true;
}

/* The line of numbers, without its mark. Returns how many bytes it has, 0 when it is none. */
static size_t
read_numbers(struct eio_bytes text, struct eio_leaver *out, size_t *n_address, size_t *n_subject)
{
	const char *end = memchr(text.p, '\n', text.n);
	unsigned stage, relayed, kind;
	char line[160], hex[33];

	if (!end || (size_t)(end - text.p) >= sizeof line) return 0;
	memcpy(line, text.p, (size_t)(end - text.p));
	line[end - text.p] = '\0';
	if (sscanf(line, "%u %u %u %32[0-9a-f] %zu %zu", &stage, &relayed, &kind, hex, n_address, n_subject) != 6)
		return 0;
	if (stage > EIO_LEAVER_SPEAKS || relayed > 1 || strlen(hex) != 32 || !read_passenger(kind, hex, &out->peer))
		return 0;
	out->stage = (enum eio_leaver_stage)stage;
	out->relayed = relayed;
	return (size_t)(end - text.p) + 1;
}

bool
passage_read(struct eio_bytes message, struct eio_leaver *out, const char **address)
{
	size_t n_address, n_subject, at;
	struct eio_bytes rest;

	*out = (struct eio_leaver){ .fd = -1 };
	if (!passage_is(message)) return false;
	rest = eio_bytes(message.p + sizeof mark - 1, message.n - (sizeof mark - 1));
	at = read_numbers(rest, out, &n_address, &n_subject);
	if (!at) return false;
	rest = eio_bytes(rest.p + at, rest.n - at);
	if (n_address >= rest.n || memchr(rest.p, '\0', rest.n) != rest.p + n_address) return false;
	*address = rest.p;
	rest = eio_bytes(rest.p + n_address + 1, rest.n - n_address - 1);
	if (n_subject > rest.n) return false;
	out->subject = eio_bytes(rest.p, n_subject);
	out->begun = eio_bytes(rest.p + n_subject, rest.n - n_subject);
	return true;
}
