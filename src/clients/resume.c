/* SPDX-License-Identifier: MIT */
/* Clients of revision 3 that ask for recovery. */
#include "src/clients/resume.h"

#include "eio/base64.h"
#include "eio/query.h"
#include "sio/event.h"
#include "sio/json.h"

#include <stdlib.h>

/* What the parameters begin with; the namespace's name follows, unless it is "/". */
static const char SINCE[] = "siocast-since";

enum { SINCE_MAX = 4096 }; /* bytes that are kept of them: a hundred namespaces */

/* What a query says about coming back, as text. */
static void
keep_since(struct eio_bytes query, struct eio_buf *out)
{
	struct eio_bytes name, value;

	while (eio_query_next(&query, &name, &value)) {
		if (name.n < sizeof SINCE - 1 || memcmp(name.p, SINCE, sizeof SINCE - 1) != 0) continue;
		if (out->n + name.n + value.n > SINCE_MAX) continue;
		if (out->n) eio_buf_addc(out, '&');
		eio_buf_add(out, name);
		eio_buf_addc(out, '=');
		eio_buf_add(out, value);
	}
}

bool
resume_open(struct client *c, struct eio_bytes query)
{
	struct eio_buf since = { 0 };

	if (sio_client_protocol(&c->sio) == 5 || !c->clients->recovers) return true;
	keep_since(query, &since);
	if (!since.n && !eio_buf_failed(&since)) return true;
	eio_buf_addc(&since, '\0');
	if (eio_buf_failed(&since) || !client_keep(c)) {
		eio_buf_deinit(&since);
		return false;
	}
	c->kept->since = since.p;
	c->resumes = true;
	eio_socket_want_extras(c->eio);
	return true;
}

bool
resume_is_possible(const struct client *c, const struct namespace *n)
{
	return n->recovers && (sio_client_protocol(&c->sio) == 5 || c->resumes);
}

bool
resume_asked(const struct client *c, struct eio_bytes nsp, struct recovery_question *q)
{
	struct eio_buf name = { 0 }, value = { 0 };
	const char *mark;
	bool asked = false;

	if (!client_kept(c)->since) return false;
	eio_buf_add(&name, eio_cstr(SINCE));
	if (!eio_bytes_eq(nsp, EIO_LIT("/"))) eio_buf_add(&name, nsp);
	if (!eio_buf_failed(&name)) (void)eio_query_get(eio_cstr(client_kept(c)->since), eio_buf_bytes(&name), &value);
	mark = value.n && !eio_buf_failed(&value) ? memchr(value.p, '~', value.n) : NULL;
	if (mark) {
		struct eio_bytes all = eio_buf_bytes(&value);
		size_t n = (size_t)(mark - all.p);

		asked = recovery_name(c->clients, q, eio_bytes(all.p, n));
		if (n + 1 < all.n) recovery_place(c->clients, q, eio_bytes(mark + 1, all.n - n - 1));
	}
	eio_buf_deinit(&name);
	eio_buf_deinit(&value);
	return asked;
}

bool
resume_begin(struct sio_socket *s, const unsigned char *random, const struct feed_recall *recall)
{
	struct eio_bytes sid = eio_cstr(eio_socket_sid(client_of(s)->eio));
	unsigned char made_of[SIO_ID_LEN];

	if (sio_client_protocol(s->client) == 5) return recovery_begin(s, random, recall);
	/* Its id is made of the sid, whatever it was before. */
	CHECK(sid.n == SIO_ID_LEN && eio_base64_decode((char *)made_of, sid) == SIO_ID_RANDOM);
	return recovery_begin(s, made_of, recall);
}

void
resume_tell(struct sio_socket *s, bool recovered)
{
	const struct client_past *p = client_socket_of(s)->past;
	struct eio_bundle *bundle = NULL;
	struct eio_buf text = { 0 };
	struct sio_piece piece;
	struct eio_bytes pid;
	char name[FEED_SIGNED_LEN];

	if (!p || sio_client_protocol(s->client) == 5) return;
	pid = recovery_pid(p, name);
	eio_buf_printf(&text, "[\"siocast:session\",\"%.*s\",%s]", (int)pid.n, pid.p, recovered ? "true" : "false");
	piece = (struct sio_piece){ .json = eio_buf_bytes(&text) };
	if (!eio_buf_failed(&text))
		sio_emit_bundle(
			&(struct sio_emit){ .nsp = sio_socket_nsp(s), .pieces = &piece, .n_pieces = 1 }, &bundle);
	eio_buf_deinit(&text);
	client_send(client_of(s), bundle);
}

/* It is in its rooms already. */
static void
begin_late(struct sio_socket *s)
{
	struct client *c = client_of(s);

	if (client_socket_of(s)->past || !resume_is_possible(c, client_socket_of(s)->namespace)) return;
	if (!resume_begin(s, NULL, NULL)) {
		client_end(c, CLIENT_REASON_NOMEM);
		return;
	}
	recovery_joined_all(s);
	resume_tell(s, false);
}

static bool
is_resume(const struct sio_event *ev)
{
	struct sio_json_iter it = sio_json_iter(ev->data);
	struct eio_bytes name;

	return sio_json_next(&it, NULL, &name) && sio_json_kind(name) == SIO_JSON_STRING &&
	       sio_json_string_eq(name, EIO_LIT("siocast:resume"));
}

bool
resume_take(const struct sio_event *ev)
{
	struct client *c = client_of(ev->socket);
	struct eio_list *l, *next;

	if (sio_client_protocol(&c->sio) == 5 || !c->clients->recovers || !is_resume(ev)) return false;
	c->resumes = true;
	eio_socket_want_extras(c->eio);
	EIO_LIST_FOREACH_SAFE(l, next, &c->sio.sockets)
	begin_late(EIO_CONTAINER(l, struct sio_socket, link));
	return true;
}
