/* SPDX-License-Identifier: MIT */
/* The access log. */
#include "src/clients/access.h"

#include "src/clients/clients_int.h"

#include <inttypes.h>
#include <stdlib.h>

enum { NAMES_BYTES = 240 }; /* of namespaces; more are told by dots */

struct client_access {
	uint64_t events; /* from the client */
	bool more; /* namespaces than there is room for */
	unsigned short n;
	char names[NAMES_BYTES]; /* of those it has been in, with commas between */
};

bool
access_open(struct client *c)
{
	struct client_kept *k = client_keep(c);

	if (k) k->access = calloc(1, sizeof *k->access);
	return k && k->access;
}

void
access_note_event(struct client *c)
{
	if (client_kept(c)->access) client_kept(c)->access->events++;
}

/* Whether a name is in the list. A comma in one makes a wrong answer possible, and then the list is shorter. */
static bool
has_name(const struct client_access *a, struct eio_bytes name)
{
	for (size_t at = 0, end; at < a->n; at = end + 1) {
		const char *comma = memchr(a->names + at, ',', a->n - at);

		end = comma ? (size_t)(comma - a->names) : a->n;
		if (eio_bytes_eq(eio_bytes(a->names + at, end - at), name)) return true;
	}
	return false;
}

void
access_note_namespace(struct client *c, struct eio_bytes nsp)
{
	struct client_access *a = client_kept(c)->access;

	if (!a || a->more || has_name(a, nsp)) return;
	if (a->n + 1 + nsp.n > sizeof a->names) {
		a->more = true;
		return;
	}
	if (a->n) a->names[a->n++] = ',';
	memcpy(a->names + a->n, nsp.p, nsp.n);
	a->n = (unsigned short)(a->n + nsp.n);
}

/* The address is kept as a JSON string: without its quotes. */
static struct eio_bytes
address_of(const struct client *c)
{
	struct eio_bytes text = eio_cstr(c && client_kept(c)->address ? client_kept(c)->address : "");

	return text.n > 2 ? eio_bytes(text.p + 1, text.n - 2) : EIO_LIT("-");
}

void
access_tell(const struct clients *cs, const struct client *c, const struct eio_socket *eio, enum eio_reason reason)
{
	static const struct client_access nothing = { 0 };
	const struct client_access *a = c && client_kept(c)->access ? client_kept(c)->access : &nothing;
	struct eio_bytes address = address_of(c);
	struct eio_traffic t = eio_socket_traffic(eio);
	uint64_t ms = c ? eio_clock_now(cs->options.clock) - c->opened_ms : 0;
	const char *why = client_why(c);
	char names[4 * NAMES_BYTES + 1];

	if (!cs->options.access_log) return;
	log_access("event=closed address=%.*s transport=%s eio=%d sid=%s namespaces=\"%s%s\" seconds=%" PRIu64
		   ".%03u bytes_in=%" PRIu64 " bytes_out=%" PRIu64 " sends=%" PRIu64 " events=%" PRIu64
		   " reason=\"%s\"%s%s%s",
		(int)address.n, address.p, eio_socket_transport(eio), eio_socket_revision(eio), eio_socket_sid(eio),
		log_escape(eio_bytes(a->names, a->n), names, sizeof names), a->more ? ",..." : "", ms / 1000,
		(unsigned)(ms % 1000), t.bytes_in, t.bytes_out, t.sends, a->events, eio_reason_text(reason),
		why ? " why=\"" : "", why ? why : "", why ? "\"" : "");
}
