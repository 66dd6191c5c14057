/* SPDX-License-Identifier: MIT */
/* The answer to a poll: its headers, and its body where that is a script. */
#include "eio/jsonp.h"
#include "eio/net/answer.h"

#include <stdlib.h>

static const char *
payload_type(const struct eio_socket *s, enum eio_payload_form form)
{
	if (s->jsonp) return "text/javascript; charset=UTF-8";
	/* Exactly this value: old browser clients compare it, and cannot read anything else. */
	if (form == EIO_PAYLOAD_3_BINARY) return "application/octet-stream";
	return "text/plain; charset=UTF-8";
}

/* The payload as JavaScript, and in the coding that is not IDENTITY. NULL when out of memory. */
static struct eio_block *
make_script(struct eio_bytes number, const struct eio_block *payload, enum eio_coding coding,
	const struct eio_deflate *o, size_t *plain_n)
{
	struct eio_buf js;
	struct eio_zip z;

	eio_buf_init(&js);
	eio_jsonp_append(&js, number, eio_bytes(payload->data, payload->n));
	*plain_n = js.n;
	if (coding == EIO_CODING_IDENTITY || eio_buf_failed(&js)) return eio_block_of_buf(&js);
	eio_zip_begin(&z, coding);
	eio_zip_add(&z, eio_buf_bytes(&js), o);
	eio_buf_deinit(&js);
	return eio_zip_end(&z);
}

/* Whether the script of a payload is compressed. What is too long only with what the script adds goes in stored
 * blocks. */
static bool
script_codes(const struct eio_socket *s, const struct eio_block *payload)
{
	const struct eio_deflate *o = &s->server->http_deflate;

	return o->on && s->coding != EIO_CODING_IDENTITY && payload->n >= o->threshold &&
	       payload->n <= EIO_DEFLATE_MOST;
}

/* The reference to the payload is given back. */
static void
wrap_jsonp(const struct eio_socket *s, struct eio_output *out)
{
	struct eio_block *payload = out->body;

	if (!payload) return;
	out->body = make_script(eio_cstr(s->jsonp), payload, out->coding, &s->server->http_deflate, &out->plain_n);
	eio_block_unref(payload);
}

/* The header lines of the answer to a poll. They are the same for most: one block serves all that follow each other.
 * NULL when out of memory. */
static struct eio_block *
poll_headers(struct eio_socket *s, const struct eio_exchange *ex, const struct eio_output *out)
{
	struct eio_server *server = s->server;
	struct eio_buf *head = &server->scratch;
	struct eio_block *last = server->poll_headers;

	eio_buf_clear(head);
	EIO_BUF_ADD_LIT(head, "Content-Type: ");
	eio_buf_add(head, eio_cstr(payload_type(s, out->form)));
	EIO_BUF_ADD_LIT(head, "\r\n");
	if (out->body && out->coding == EIO_CODING_GZIP) EIO_BUF_ADD_LIT(head, "Content-Encoding: gzip\r\n");
	if (out->body && out->coding == EIO_CODING_DEFLATE) EIO_BUF_ADD_LIT(head, "Content-Encoding: deflate\r\n");
	eio__answer_headers(server, ex->req, s, head);
	if (eio_buf_failed(head)) return NULL;
	if (last && eio_bytes_eq(eio_bytes(last->data, last->n), eio_buf_bytes(head))) return eio_block_ref(last);
	last = eio_block_of(eio_buf_bytes(head));
	if (!last) return NULL;
	eio_block_unref(server->poll_headers);
	server->poll_headers = eio_block_ref(last);
	return last;
}

/* The packet "close" says that the server wants no more of the client: python-socketio stays away for ever then. An
 * error brings all back. Scripts of JSONP get the packet nevertheless: the first clients call themselves without end
 * when theirs fails, and nobody but official clients has any. */
static void
leave_without_body(struct eio_output *out)
{
	eio_block_unref(out->body);
	out->body = NULL;
}

/* A large answer counts as waiting until it is written. Out of memory there is none. */
static void
count_answer(struct eio_socket *s, struct eio_output *out, struct eio_response *r)
{
	r->unsent = eio_unsent_add(&s->unsent, out->body->n);
	if (r->unsent) return;
	eio_block_unref(out->body);
	out->body = NULL;
}

/* Scripts of large payloads: they are each client's own, take as long as any form, and are made by another thread. */

struct script {
	uv_work_t work;
	struct eio_list link; /* in server->scripts until it is answered */
	struct eio_server *server;
	struct eio_sent_stats *sent; /* the server's, where it counts; its session may be gone by then */
	struct eio_exchange *ex; /* a reference; NULL when it was answered otherwise */
	struct eio_response r; /* with everything but the body and its length; unsent counts the payload */
	struct eio_block *payload, *body; /* references */
	enum eio_coding coding;
	size_t plain_n;
	char number[]; /* of the callback */
};

static void
on_script(uv_work_t *work)
{
	struct script *j = EIO_CONTAINER(work, struct script, work);

	j->body = make_script(eio_cstr(j->number), j->payload, j->coding, &j->server->http_deflate, &j->plain_n);
}

/* Answers with a body, whose reference is taken over, or without. */
static void
respond_script(struct script *j, struct eio_block *body)
{
	struct eio_unsent *counted = j->r.unsent;

	j->r.body = body;
	j->r.length = body ? body->n : 0;
	j->r.unsent = body ? eio_unsent_add(&counted, j->r.length) : NULL;
	if (!body) j->r.status = 500;
	eio_unsent_done(counted, j->payload->n);
	eio_exchange_respond(j->ex, j->r);
	eio_exchange_unref(j->ex);
	j->ex = NULL;
	eio_list_remove(&j->link);
}

static void
on_script_over(uv_work_t *work, int status)
{
	struct script *j = EIO_CONTAINER(work, struct script, work);

	(void)status; /* nobody cancels it */
	if (j->ex) {
		if (j->body && j->coding != EIO_CODING_IDENTITY)
			eio__server_count_deflated(j->server, j->plain_n, j->body->n);
		if (j->body) j->sent->bytes += j->body->n;
		respond_script(j, j->body);
	} else {
		eio_block_unref(j->body);
	}
	eio_block_unref(j->payload);
	free(j);
}

void
eio__server_drop_scripts(struct eio_server *server)
{
	while (!eio_list_empty(&server->scripts)) {
		struct script *j = EIO_CONTAINER(server->scripts.next, struct script, link);

		j->r.destroy = true;
		respond_script(j, NULL);
	}
}

/* Has the answer made, whose references are taken over then: ex and out->body. Returns 0, or -1 when out of memory:
 * then nothing has changed. */
static int
begin_script(struct eio_socket *s, struct eio_exchange *ex, const struct eio_output *out)
{
	size_t n = strlen(s->jsonp) + 1;
	struct script *j = malloc(sizeof *j + n);

	if (!j) return -1;
	*j = (struct script){ .server = s->server, .ex = ex, .payload = out->body, .coding = out->coding };
	memcpy(j->number, s->jsonp, n);
	j->r = (struct eio_response){ .status = 200, .unsent = eio_unsent_add(&s->unsent, out->body->n) };
	j->r.headers = j->r.unsent ? poll_headers(s, ex, out) : NULL;
	if (!j->r.headers || uv_queue_work(s->server->loop, &j->work, on_script, on_script_over)) {
		eio_block_unref(j->r.headers);
		eio_unsent_done(j->r.unsent, out->body->n);
		free(j);
		return -1;
	}
	/* From here on it is no longer the session's. */
	ex->owner = NULL;
	ex->on_abort = NULL;
	s->handshaken = true;
	j->sent = &s->server->stats.sent[EIO_TRANSPORT_POLLING][s->session.kind.revision == 3];
	j->sent->sends++;
	if (s->counts) {
		eio__socket_traffic(s)->sends++;
		eio__socket_traffic(s)->bytes_out += out->body->n;
	}
	eio_list_add_tail(&s->server->scripts, &j->link);
	return 0;
}

void
eio__socket_answer(struct eio_socket *s, struct eio_output *out)
{
	struct eio_exchange *ex = s->get;
	struct eio_response r = { .status = 200 };

	s->get = NULL;
	if (!ex) {
		eio_block_unref(out->body);
		return;
	}
	if (s->jsonp && out->body && script_codes(s, out->body)) out->coding = (enum eio_coding)s->coding;
	if (s->jsonp && out->body && out->body->n >= EIO_BUNDLE_LARGE && !out->away && begin_script(s, ex, out) == 0)
		return;
	if (s->jsonp)
		wrap_jsonp(s, out);
	else if (out->away)
		leave_without_body(out);
	if (out->body && out->body->n >= EIO_UNSENT_LEAST) count_answer(s, out, &r);
	if (!out->body) r.status = out->away ? 503 : 500;
	r.close = out->away;
	r.body = out->body;
	r.length = out->body ? out->body->n : 0;
	if (out->body && out->coding != EIO_CODING_IDENTITY)
		eio__server_count_deflated(s->server, out->plain_n, r.length);
	r.headers = poll_headers(s, ex, out);
	s->handshaken = true;
	eio__socket_count_sent(s, EIO_TRANSPORT_POLLING, r.length);
	eio_exchange_respond(ex, r);
	eio_exchange_unref(ex);
}
