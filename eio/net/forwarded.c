/* SPDX-License-Identifier: MIT */
/*
 * X-Forwarded-For and Forwarded. They are to be read from the right, and are gone through once from the left: in the
 * end the last address that is not trusted counts, or if all are, the first one behind the last that is unknown.
 */
#include "eio/net/forwarded.h"

#include <strings.h>

enum { NODE_BYTES = 128 }; /* of one in quotes; an address with a port has 53 */

struct walk {
	const struct eio_networks *trusted;
	bool found;
	struct eio_peer peer; /* if so */
};

static void
walk_unknown(struct walk *w)
{
	w->found = false;
}

static void
walk_node(struct walk *w, struct eio_bytes text)
{
	struct eio_peer p;

	if (!eio_peer_parse(text, &p)) {
		walk_unknown(w);
		return;
	}
	if (w->found && eio_networks_have(w->trusted, &p)) return;
	w->found = true;
	w->peer = p;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct eio_bytes
trimmed(const char *p, size_t n)
{
	while (n && is_blank(*p)) p++, n--;
	while (n && is_blank(p[n - 1])) n--;
	return eio_bytes(p, n);
}

/* X-Forwarded-For */

static void
walk_addresses(struct walk *w, struct eio_bytes list)
{
	while (list.n) {
		const char *comma = memchr(list.p, ',', list.n);
		size_t n = comma ? (size_t)(comma - list.p) : list.n;
		struct eio_bytes element = trimmed(list.p, n);

		/* An empty element of a list is none (RFC 9110 section 5.6.1). */
		if (element.n) walk_node(w, element);
		n += comma != NULL;
		list = eio_bytes(list.p + n, list.n - n);
	}
}

/* Forwarded */

/* Cuts a value of a pair off: a token, or what is in quotes, for which buf has room. False when it is neither, or is
 * too long to be an address: *value is then empty, and the list goes on if *good. */
static bool
cut_value(struct eio_bytes *s, char buf[NODE_BYTES], struct eio_bytes *value, bool *good)
{
	size_t i = 0, n = 0;

	*value = eio_bytes("", 0);
	*good = true;
	if (s->n == 0 || s->p[0] != '"') {
		while (i < s->n && !memchr(",;\" \t", s->p[i], 5)) i++;
		*value = eio_bytes(s->p, i);
		*s = eio_bytes(s->p + i, s->n - i);
		return i > 0;
	}
	for (i = 1; i < s->n && s->p[i] != '"'; i++) {
		if (s->p[i] == '\\' && ++i == s->n) break;
		if (n < NODE_BYTES) buf[n] = s->p[i];
		n++;
	}
	*good = i < s->n;
	if (!*good) return false;
	*s = eio_bytes(s->p + i + 1, s->n - i - 1);
	if (n <= NODE_BYTES) *value = eio_bytes(buf, n);
	return n <= NODE_BYTES;
}

static void
skip_blanks(struct eio_bytes *s)
{
	while (s->n && is_blank(s->p[0])) *s = eio_bytes(s->p + 1, s->n - 1);
}

/* What is read of one element. */
struct element {
	bool any; /* it has a pair, */
	bool named; /* and one of them is "for" */
	struct eio_bytes node; /* its value */
	char buf[NODE_BYTES];
};

/* Cuts a pair, "name=value", off. Whether it is one. */
static bool
cut_pair(struct eio_bytes *s, struct element *e)
{
	char buf[NODE_BYTES];
	struct eio_bytes name, value;
	size_t i = 0;
	bool good, whole;

	while (i < s->n && !memchr("=,;\" \t", s->p[i], 6)) i++;
	if (i == 0 || i == s->n || s->p[i] != '=') return false;
	name = eio_bytes(s->p, i);
	*s = eio_bytes(s->p + i + 1, s->n - i - 1);
	whole = cut_value(s, buf, &value, &good);
	if (!good) return false;
	e->any = true;
	if (name.n != 3 || strncasecmp(name.p, "for", 3) != 0) return true;
	if (e->named) return false; /* it may stand once (section 4) */
	e->named = true;
	e->node = whole ? value : eio_bytes("", 0);
	if (e->node.p == buf) {
		memcpy(e->buf, buf, value.n);
		e->node.p = e->buf;
	}
	return true;
}

/* Cuts an element off, with the comma behind it. Whether it is one. */
static bool
cut_element(struct eio_bytes *s, struct element *e)
{
	e->any = e->named = false;
	e->node = eio_bytes("", 0);
	for (;;) {
		skip_blanks(s);
		if (s->n && s->p[0] != ',' && s->p[0] != ';' && !cut_pair(s, e)) return false;
		skip_blanks(s);
		if (!s->n) return true;
		if (s->p[0] != ',' && s->p[0] != ';') return false;
		*s = eio_bytes(s->p + 1, s->n - 1);
		if (s->p[-1] == ',') return true;
	}
}

static void
walk_elements(struct walk *w, struct eio_bytes list)
{
	struct element e;

	while (list.n) {
		if (!cut_element(&list, &e)) {
			walk_unknown(w);
			return;
		}
		if (e.any) walk_node(w, e.node);
	}
}

struct eio_peer
eio_forwarded_value(const struct eio_forwarding *f, struct eio_peer peer, struct eio_bytes value)
{
	struct walk w = { .trusted = &f->trusted };

	if (!eio_networks_have(&f->trusted, &peer)) return peer;
	if (f->header == EIO_FORWARDED_RFC7239)
		walk_elements(&w, value);
	else
		walk_addresses(&w, value);
	return w.found ? w.peer : peer;
}

struct eio_peer
eio_forwarded_for(const struct eio_forwarding *f, const struct eio_request *req)
{
	bool rfc7239 = f->header == EIO_FORWARDED_RFC7239;
	struct eio_peer p = req->peer;
	struct eio_buf all;

	if (!eio_networks_have(&f->trusted, &p)) return p;
	eio_buf_init(&all);
	eio_request_header_list(req, rfc7239 ? EIO_LIT("forwarded") : EIO_LIT("x-forwarded-for"), &all);
	if (!eio_buf_failed(&all)) p = eio_forwarded_value(f, p, eio_buf_bytes(&all));
	eio_buf_deinit(&all);
	return p;
}
