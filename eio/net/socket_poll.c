/* SPDX-License-Identifier: MIT */
/* The answer to a poll: its headers, and its body where that is a script. */
#include "eio/jsonp.h"
#include "eio/net/answer.h"

static const char *
payload_type(const struct eio_socket *s, enum eio_payload_form form)
{
	if (s->jsonp) return "text/javascript; charset=UTF-8";
	/* Exactly this value: old browser clients compare it, and cannot read anything else. */
	if (form == EIO_PAYLOAD_3_BINARY) return "application/octet-stream";
	return "text/plain; charset=UTF-8";
}

/* The payload as JavaScript, compressed when it is long enough and the client takes that; the reference to it is given
 * back. */
static void
wrap_jsonp(const struct eio_socket *s, struct eio_output *out)
{
	const struct eio_deflate *o = &s->server->options->http_deflate;
	struct eio_block *payload = out->body;
	struct eio_buf js;

	eio_buf_init(&js);
	if (payload) eio_jsonp_append(&js, eio_cstr(s->jsonp), eio_bytes(payload->data, payload->n));
	eio_block_unref(payload);
	out->plain_n = js.n;
	if (o->on && s->coding != EIO_CODING_IDENTITY && js.n > 0 && js.n >= o->threshold && js.n <= EIO_DEFLATE_MOST &&
		!eio_buf_failed(&js)) {
		struct eio_zip z;

		out->coding = (enum eio_coding)s->coding;
		eio_zip_begin(&z, out->coding);
		eio_zip_add(&z, eio_buf_bytes(&js), o);
		out->body = eio_zip_end(&z);
		eio_buf_deinit(&js);
	} else {
		out->body = js.n > 0 ? eio_block_of_buf(&js) : NULL;
	}
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
	s->server->stats.bytes_out += r.length;
	eio_exchange_respond(ex, r);
	eio_exchange_unref(ex);
}
